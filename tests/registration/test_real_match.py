"""Real patients: a cone-beam CT against its planning CT, and MR and PET against CT, under known motions."""

import sys

import numpy as np
import pytest

from openigrt.dicom import read_daily_folder, read_plan_folder
from openigrt.geometry import RigidTransform, rotation_angle_deg, rotation_from_vector
from openigrt.images import Image
from openigrt.patient import Verdict, sphere_points_mm
from openigrt.registration import Question, Region, RegionKind, match_rigid

pytestmark = pytest.mark.real

ISOCENTER_MM, SPINE_MM = np.array([5.0, 70.0, 305.0]), np.array([6.0, 140.0, 311.0])
BONE_TRUTH_MM = np.array([1.8, 1.5, -16.5])
BONE, PATIENT = Region("bone", RegionKind.BONE), Region("patient", RegionKind.PATIENT)


def matched(plan, daily, center_mm, region):
    start = RigidTransform.identity(plan.frame, daily.frame)
    (match,) = match_rigid(Question(plan, daily, (start,), sphere_points_mm(center_mm, 50.0), 2.0), [region])
    return match


def moved(image, center_mm, known):
    """The image carried by a motion (shift mm, rotation vector deg) about a point, and that motion."""
    shift, turn = known
    rotation = rotation_from_vector(np.deg2rad(turn))
    transform = RigidTransform.about_points((image.frame, center_mm), (image.frame, center_mm), rotation, shift)
    return Image(image.voxels, image.grid.moved(transform), image.modality, image.provenance), transform


def motions(count, shift_mm, turn_deg, seed):
    """Random motions: direction and axis even, length and angle even up to the largest."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        shift, turn = random.normal(size=(2, 3))
        shift *= random.uniform(0.0, shift_mm) / np.linalg.norm(shift)
        yield shift, turn * random.uniform(0.0, turn_deg) / np.linalg.norm(turn)


def inconsistency(found, reference, point_mm):
    """How far two transforms put a point of the plan apart, mm, and the angle between them, degrees."""
    daily_point = reference.inverse().points(point_mm)
    angle = rotation_angle_deg(found.rotation @ reference.rotation.T)
    return float(np.linalg.norm(found.points(daily_point) - point_mm)), angle


@pytest.fixture(scope="module")
def pancreas(real_data):
    plan = read_plan_folder(real_data / "pancreas" / "planning_ct").planning_image
    return plan, read_daily_folder(real_data / "pancreas" / "daily_cbct", plan.frame.uid).daily_image


def spine_error_mm(plan_from_daily):
    return float(np.linalg.norm(plan_from_daily.points(SPINE_MM - BONE_TRUTH_MM) - SPINE_MM))


def test_the_spine_of_a_pancreas_patient_as_it_is(pancreas):
    match = matched(*pancreas, ISOCENTER_MM, BONE)
    assert spine_error_mm(match.plan_from_daily) < 2.0
    assert match.trust.verdict is Verdict.TRUSTED


@pytest.mark.long
def test_twenty_known_motions_of_the_pancreas_patient(pancreas):
    plan, daily = pancreas
    reference = matched(plan, daily, ISOCENTER_MM, BONE).plan_from_daily
    apart, angles, errors, trusted = [], [], [], 0
    for known in motions(20, 30.0, 5.0, 2024):
        image, transform = moved(daily, ISOCENTER_MM, known)
        match = matched(plan, image, ISOCENTER_MM, BONE)
        found = match.plan_from_daily @ transform
        distance, angle = inconsistency(found, reference, ISOCENTER_MM)
        apart.append(distance)
        angles.append(angle)
        errors.append(spine_error_mm(found))
        trusted += match.trust.verdict is Verdict.TRUSTED
    assert max(apart) < 0.3
    assert max(angles) < 0.2
    assert max(errors) < 2.0
    assert trusted >= 19


def couch_lowered(image, top_mm, drop_mm):
    """The planning CT with everything behind a coronal plane of the table moved back, air where it was."""
    rows, voxels = round(drop_mm / image.grid.spacing_mm[1]), image.voxels.copy()
    row = round(image.grid.indices([0.0, top_mm, image.grid.origin_mm[2]])[1])
    voxels[:, row + rows :] = image.voxels[:, row : image.voxels.shape[1] - rows]
    voxels[:, row : row + rows] = -1000.0
    return Image(voxels, image.grid, image.modality, image.provenance)


@pytest.mark.long
def test_the_couch_of_the_pancreas_patient_has_no_say(pancreas):
    plan, daily = pancreas
    reference = matched(plan, daily, ISOCENTER_MM, BONE).plan_from_daily
    found = matched(couch_lowered(plan, 226.0, 20.0), daily, ISOCENTER_MM, BONE).plan_from_daily
    assert inconsistency(found, reference, ISOCENTER_MM)[0] < 0.3


@pytest.mark.long
@pytest.mark.parametrize("patient", ["STS_001", "STS_002", "STS_003"])
@pytest.mark.parametrize(("folder", "most_mm", "most_deg"), [("MR_T1", 1.0, 1.0), ("PET", 3.0, 2.0)])
def test_other_modalities_follow_known_motions(real_data, patient, folder, most_mm, most_deg):
    root = real_data / "sarcoma_ct_pet_mr" / patient
    plan = read_plan_folder(root / "CT").planning_image
    daily = read_daily_folder(root / folder, plan.frame.uid).daily_image
    center = plan.grid.center_mm
    reference = matched(plan, daily, center, PATIENT).plan_from_daily
    apart = []
    for known in motions(4, 15.0, 3.0, 7):
        image, transform = moved(daily, center, known)
        found = matched(plan, image, center, PATIENT).plan_from_daily @ transform
        apart.append(inconsistency(found, reference, center))
    worst_mm, worst_deg = np.max(apart, axis=0)
    clinical_mm, clinical_deg = inconsistency(reference, RigidTransform.identity(plan.frame, daily.frame), center)
    sys.stdout.write(
        f"{patient} {folder}: {worst_mm:.2f} mm, {worst_deg:.2f} degrees; "
        f"from the clinical alignment {clinical_mm:.1f} mm, {clinical_deg:.1f} degrees\n"
    )
    assert worst_mm < most_mm
    assert worst_deg < most_deg
