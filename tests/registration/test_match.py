"""The whole match on a small made-up patient whose motion is known."""

import dataclasses

import numpy as np
import pytest

from openigrt.errors import FrameMismatch, InputError, MatchImpossible
from openigrt.geometry import RigidTransform, rotation_angle_deg, rotation_from_vector, rotation_x, rotation_z
from openigrt.images import Image, Mask, Modality
from openigrt.patient import Verdict
from openigrt.registration import Question, Region, RegionKind
from tests.registration.phantom import (
    BODY_MM,
    BONE,
    DAILY,
    DAILY_GRID,
    DAILY_ISOCENTER_MM,
    PLAN,
    PLAN_GRID,
    TARGET_MM,
    Patient,
    centered_grid,
    cone_beam_ct,
    couch_hu,
    error_mm,
    matched,
    motion,
    planning_ct,
    points_of,
    random_motion,
)

SOFT = Region("soft", RegionKind.SOFT, focus_mm=np.array([0.0, -10.0, 0.0]), reach_mm=70.0)
PATIENT = Patient(1)
MOVED = motion((4.0, -6.0, 5.0), (1.0, -1.5, 2.0))


@pytest.fixture(scope="module")
def plan():
    return planning_ct(PATIENT)


@pytest.fixture(scope="module")
def daily():
    return cone_beam_ct(PATIENT, MOVED)


@pytest.fixture(scope="module")
def answer(plan, daily):
    return matched(plan, daily)


@pytest.mark.parametrize("seed", range(5))
def test_setup_errors_are_found(plan, seed):
    """Up to 15 mm and 3 degrees; noise 30 HU, cupping 150 HU, 10 % scale, truncation, a couch that stayed behind."""
    truth = random_motion(seed, 15.0, 3.0)
    match = matched(plan, cone_beam_ct(PATIENT, truth, seed=seed, couch=couch_hu))
    assert error_mm(match.plan_from_daily, truth) < 0.3
    assert match.trust.verdict is not Verdict.REFUSED
    assert match.trust.predicted_error_mm < 1.0


def test_a_good_match_is_trusted_and_says_why(answer):
    assert error_mm(answer.plan_from_daily, MOVED) < 0.3
    assert answer.trust.verdict is Verdict.TRUSTED
    assert error_mm(answer.plan_from_daily, MOVED) < answer.trust.predicted_error_mm
    assert answer.region == "bone"
    assert answer.metric == "local correlation"
    assert answer.score > 0.8
    assert 0.3 < answer.overlap < 0.9
    assert len(answer.trust.rivals) >= 2
    assert all(rival.score_gap > 0.1 for rival in answer.trust.rivals)


@pytest.mark.parametrize("shift", [(50.0, 0.0, 0.0), (0.0, -50.0, 0.0), (0.0, 0.0, 48.0), (28.0, 30.0, -28.0)])
def test_found_from_far_away(plan, daily, shift):
    start = RigidTransform(PLAN, DAILY, MOVED.rotation, MOVED.translation_mm + np.array(shift))
    assert error_mm(matched(plan, daily, starts=[start]).plan_from_daily, MOVED) < 0.3


@pytest.mark.parametrize("axis", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
def test_found_from_fifteen_degrees(plan, axis):
    truth = motion((3.0, 2.0, -4.0), 15.0 * np.array(axis))
    assert error_mm(matched(plan, cone_beam_ct(PATIENT, truth)).plan_from_daily, truth) < 0.3


@pytest.mark.parametrize("turn_deg", [90.0, -90.0, 180.0])
def test_found_on_a_table_that_is_turned_as_far_as_one_of_the_starts(plan, turn_deg):
    truth = motion((4.0, -6.0, 5.0), (0.0, turn_deg + 2.0, 0.0))
    straight, turned = motion(), motion(turn_deg=(0.0, turn_deg, 0.0))
    match = matched(plan, cone_beam_ct(PATIENT, truth), starts=[straight, turned])
    assert error_mm(match.plan_from_daily, truth) < 0.3
    assert match.trust.verdict is Verdict.TRUSTED


def test_a_question_without_a_start_is_none(plan, daily):
    with pytest.raises(InputError, match="to start from"):
        Question(plan, daily, (), TARGET_MM, 2.0)


def test_a_second_start_that_is_wrong_changes_nothing(plan, daily, answer):
    both = matched(plan, daily, starts=[motion(), motion(turn_deg=(0.0, 90.0, 0.0))])
    assert error_mm(both.plan_from_daily, answer.plan_from_daily) < 0.01


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 1, 0)], ids=["coronal", "sagittal"])
def test_the_slices_that_an_image_is_stored_in_have_no_say(plan, daily, answer, order):
    """The same voxels as coronal or sagittal slices: body, spine and rivals are the same."""
    stored = [
        Image(
            image.voxels.transpose([2 - axis for axis in reversed(order)]), image.grid.reordered(order), image.modality
        )
        for image in (plan, daily)
    ]
    match = matched(*stored)
    assert error_mm(match.plan_from_daily, answer.plan_from_daily) < 0.02
    assert match.trust.verdict is Verdict.TRUSTED
    offsets = [[rival.offset_mm for rival in found.trust.rivals] for found in (match, answer)]
    assert offsets[0] == pytest.approx(offsets[1], abs=0.5)


def test_the_couch_has_no_say(plan, answer):
    """The couch top 20 mm lower and the same anatomy."""
    lowered = cone_beam_ct(PATIENT, MOVED, couch=lambda points: couch_hu(points, -20.0))
    assert error_mm(matched(plan, lowered).plan_from_daily, answer.plan_from_daily) < 0.3


def test_the_answer_moves_with_the_headers(plan, daily, answer):
    """The same voxels on an oblique grid somewhere else: the answer composed with the known motion is the same."""
    known = RigidTransform.about_points(
        (DAILY, DAILY_ISOCENTER_MM),
        (DAILY, DAILY_ISOCENTER_MM),
        rotation_from_vector([0.05, -0.06, 0.04]),
        (9.0, -12.0, 8.0),
    )
    moved = Image(daily.voxels, daily.grid.moved(known), Modality.CBCT)
    found = matched(plan, moved).plan_from_daily @ known
    assert error_mm(found, answer.plan_from_daily) < 0.1


GRIDS = {
    "flipped rows and columns": centered_grid(
        PLAN, PLAN_GRID.center_mm, (2.5, 2.5, 3.0), (104, 84, 84), np.diag([-1.0, -1.0, 1.0])
    ),
    "feet last": centered_grid(PLAN, PLAN_GRID.center_mm, (2.5, 2.5, 3.0), (104, 84, 84), np.diag([1.0, -1.0, -1.0])),
    "oblique": centered_grid(
        PLAN, PLAN_GRID.center_mm, (2.5, 2.5, 3.0), (112, 92, 88), rotation_z(8.0) @ rotation_x(6.0)
    ),
    "not square": centered_grid(PLAN, PLAN_GRID.center_mm, (1.5, 3.1, 2.2), (172, 68, 114)),
    "coronal": centered_grid(
        PLAN,
        PLAN_GRID.center_mm,
        (2.5, 3.0, 2.5),
        (104, 84, 84),
        np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    ),
    "sagittal": centered_grid(
        PLAN,
        PLAN_GRID.center_mm,
        (2.5, 3.0, 2.5),
        (84, 84, 104),
        np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    ),
}


@pytest.mark.parametrize("name", GRIDS)
def test_how_the_plan_was_sliced_has_no_say(daily, name):
    match = matched(planning_ct(PATIENT, GRIDS[name]), daily)
    assert error_mm(match.plan_from_daily, MOVED) < 0.3
    assert match.trust.verdict is not Verdict.REFUSED


@pytest.mark.parametrize("levels_mm", [-50.0, -25.0, 25.0, 50.0])
def test_started_at_another_level_it_ends_at_the_right_one_or_asks(plan, daily, levels_mm):
    start = RigidTransform(PLAN, DAILY, MOVED.rotation, MOVED.translation_mm + np.array([0.0, 0.0, levels_mm]))
    match = matched(plan, daily, starts=[start])
    assert error_mm(match.plan_from_daily, MOVED) < 0.3 or match.trust.verdict is not Verdict.TRUSTED


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_another_patient_is_not_trusted(plan, seed):
    assert matched(plan, cone_beam_ct(Patient(seed), MOVED)).trust.verdict is not Verdict.TRUSTED


def test_soft_tissue_that_moved_against_bone_gives_two_matches(plan):
    shift = np.array([2.0, -3.0, 8.0])
    daily = cone_beam_ct(dataclasses.replace(PATIENT, soft_shift_mm=shift), MOVED)
    bone, soft = matched(plan, daily, BONE, SOFT)
    soft_truth = RigidTransform(PLAN, DAILY, MOVED.rotation, MOVED.translation_mm - shift)
    assert (bone.region, soft.region) == ("bone", "soft")
    assert error_mm(bone.plan_from_daily, MOVED) < 0.3
    assert error_mm(soft.plan_from_daily, soft_truth) < 1.0


def test_contours_are_matched_and_what_cannot_be_is_left_out(plan, daily):
    points = points_of(plan.grid)
    spine, nowhere = (
        Mask((np.abs(points - center) <= half).all(axis=1).reshape(plan.grid.shape), plan.grid)
        for center, half in (((0.0, 35.0, 0.0), (30.0, 30.0, 60.0)), ((0.0, 6.0, -120.0), (20.0, 20.0, 5.0)))
    )
    regions = [Region(n, RegionKind.CONTOURS, m, 5.0) for n, m in (("spine", spine), ("nowhere", nowhere))]
    found = matched(plan, daily, BONE, *regions)
    assert [match.region for match in found] == ["bone", "spine"]
    assert error_mm(found[1].plan_from_daily, MOVED) < 0.5
    with pytest.raises(MatchImpossible, match=r"The region nowhere cannot be matched.*\.$"):
        matched(plan, daily, regions[1])


def test_a_contoured_body_is_used(plan, daily, answer):
    x, y, _ = points_of(plan.grid).T
    body = Mask((np.hypot(x / BODY_MM[0], y / BODY_MM[1]) <= 1.0).reshape(plan.grid.shape), plan.grid)
    assert error_mm(matched(plan, daily, body=body).plan_from_daily, answer.plan_from_daily) < 0.1


def test_missing_voxels_and_any_padding_have_no_say(plan, answer):
    padded = matched(plan, cone_beam_ct(PATIENT, MOVED, padding=np.nan))
    assert error_mm(padded.plan_from_daily, answer.plan_from_daily) < 0.1


MR_SIGNAL = (
    np.array([-1000.0, -600.0, -120.0, -80.0, 0.0, 40.0, 120.0, 400.0, 900.0]),
    np.array([0.0, 5.0, 260.0, 250.0, 90.0, 140.0, 180.0, 60.0, 10.0]),
)


def magnetic_resonance(frame_image):
    """Signal of an MR-like kind: cortex and air dark, fat bright; a coil that sees one side better."""
    there = MOVED.points(points_of(frame_image.grid))
    hu = PATIENT.hu(there)
    coil = 1.0 + 0.25 * there[:, 0] / 100.0
    noise = 4.0 * np.random.default_rng(3).normal(size=len(hu))
    return np.abs(coil * np.interp(hu, *MR_SIGNAL) + noise).reshape(frame_image.grid.shape)


def test_magnetic_resonance_is_matched_by_information(plan, daily):
    resonance = Image(magnetic_resonance(daily), daily.grid, Modality.MR)
    match = matched(plan, resonance, Region("patient", RegionKind.PATIENT))
    assert match.metric == "mutual information"
    assert error_mm(match.plan_from_daily, MOVED) < 1.0
    assert match.trust.verdict is Verdict.LOOK
    assert any("mutual information" in reason for reason in match.trust.reasons)


def test_a_blurred_emission_image_gives_a_finite_answer(plan):
    """Uptake in the organs, resolution of 6 mm, counts of a PET."""
    grid = centered_grid(DAILY, DAILY_ISOCENTER_MM, (4.0, 4.0, 4.0), (60, 48, 40))
    hu = PATIENT.hu(MOVED.points(points_of(grid)))
    uptake = np.interp(hu, [-1000.0, -700.0, -100.0, 0.0, 80.0, 300.0, 900.0], [0.0, 0.3, 0.3, 1.0, 2.0, 0.8, 0.3])
    counts = np.random.default_rng(5).poisson(200.0 * uptake) / 200.0
    match = matched(plan, Image(counts.reshape(grid.shape), grid, Modality.PET), Region("patient", RegionKind.PATIENT))
    assert np.isfinite(match.plan_from_daily.matrix4()).all()
    assert np.isfinite(match.trust.predicted_error_mm)
    assert error_mm(match.plan_from_daily, MOVED) < 6.0


def spoiled(image, value):
    return Image(np.full(image.grid.shape, value, np.float32), image.grid, image.modality)


@pytest.mark.parametrize("value", [0.0, np.nan])
@pytest.mark.parametrize("side", ["plan", "daily"])
def test_images_without_anything_in_them_are_refused(plan, daily, value, side):
    images = (spoiled(plan, value), daily) if side == "plan" else (plan, spoiled(daily, value))
    with pytest.raises(MatchImpossible, match=r"^[A-Z].*\.$"):
        matched(*images)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_empty_planning_image_of_any_gray_values_is_refused(plan, daily, value):
    images = (Image(spoiled(plan, value).voxels, plan.grid, Modality.MR), daily)
    with pytest.raises(MatchImpossible, match=r"^[A-Z].*\.$"):
        matched(*images)


def test_images_that_do_not_meet_are_refused(plan, daily):
    far = RigidTransform(PLAN, DAILY, np.eye(3), np.array([0.0, 0.0, 700.0]))
    with pytest.raises(MatchImpossible, match=r"The region bone cannot be matched.*\.$"):
        matched(plan, daily, starts=[far])


def test_a_start_between_other_frames_is_refused(plan, daily):
    with pytest.raises(FrameMismatch):
        matched(plan, daily, starts=[MOVED.inverse()])


def test_a_repeated_match_has_the_same_bits(plan, daily, answer):
    again = matched(plan, daily)
    assert again.plan_from_daily.matrix4().tobytes() == answer.plan_from_daily.matrix4().tobytes()
    assert again.trust == answer.trust


def test_the_answer_is_a_rotation_between_the_named_frames(answer):
    transform = answer.plan_from_daily
    assert (transform.to_frame, transform.from_frame) == (PLAN, DAILY)
    assert np.abs(transform.rotation @ transform.rotation.T - np.eye(3)).max() < 1e-12
    assert rotation_angle_deg(transform.rotation) == pytest.approx(rotation_angle_deg(MOVED.rotation), abs=0.2)
    assert np.linalg.norm(transform.points(MOVED.inverse().points(TARGET_MM)) - TARGET_MM, axis=1).max() < 0.3
    assert DAILY_GRID.contains(transform.inverse().points(np.zeros(3)))
