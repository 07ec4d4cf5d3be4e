"""What makes guidance go wrong: the truth says it, and an image shows it."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import InputError, MissingInput
from openigrt.geometry import PatientPosition
from openigrt.virtual import (
    Day,
    SetupError,
    VirtualPatient,
    at_wrong_level,
    head_neck_patient,
    pelvis_patient,
    render,
    thorax_patient,
    with_contrast,
    with_hip_prosthesis,
)
from tests.virtual.trunk_checks import FRAME, SAME, grid_about

# Where left, back and up of the patient point in the room (IEC 61217 fixed axes): clinical.md 1.2.
IN_ROOM = {
    "HFS": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "HFP": ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
    "FFS": ((-1, 0, 0), (0, 0, -1), (0, -1, 0)),
    "FFP": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "HFDL": ((0, 0, -1), (-1, 0, 0), (0, 1, 0)),
    "HFDR": ((0, 0, 1), (1, 0, 0), (0, 1, 0)),
    "FFDL": ((0, 0, -1), (1, 0, 0), (0, -1, 0)),
    "FFDR": ((0, 0, 1), (-1, 0, 0), (0, -1, 0)),
}


@pytest.fixture(scope="module")
def pelvis() -> VirtualPatient:
    return pelvis_patient(FRAME, 5, (4.0, -20.0, -500.0))


@pytest.fixture(scope="module")
def thorax() -> VirtualPatient:
    return thorax_patient(FRAME, 5)


def hu_at(patient: VirtualPatient, day: Day, point_mm) -> float:
    return float(np.median(render(patient.at(day), grid_about(point_mm, (2.0, 2.0, 2.0), 1.0), SAME)))


def middle_mm(patient: VirtualPatient, organ: str) -> np.ndarray:
    """The deepest of many points of an organ."""
    low, high = patient.anatomy.bounds_mm(organ)
    points = np.random.default_rng(1).uniform(low, high, (20_000, 3))
    return points[np.argmin(patient.anatomy.signed_distance_mm(organ, points))]


@pytest.mark.parametrize(
    ("organ", "lowest_hu", "highest_hu"),
    [("AORTA", 140.0, 180.0), ("LIVER", 90.0, 120.0), ("SPLEEN", 110.0, 135.0), ("KIDNEY_R", 160.0, 220.0)],
)
def test_contrast_is_in_the_planning_image_alone(thorax, organ, lowest_hu, highest_hu):
    """Portal phase: aorta about 150, liver 110, spleen 120, kidney 190 HU; without it none is above 65."""
    patient, place_mm = with_contrast(thorax), middle_mm(thorax, organ)
    assert lowest_hu < hu_at(patient, patient.planned, place_mm) < highest_hu
    assert hu_at(patient, Day(1), place_mm) < 65.0
    bone_mm = middle_mm(thorax, "VERTEBRA_T9")
    assert hu_at(patient, patient.planned, bone_mm) == hu_at(patient, Day(1), bone_mm)


def test_contrast_fills_the_bladder_and_not_its_wall(pelvis):
    patient, urine_mm = with_contrast(pelvis), middle_mm(pelvis, "BLADDER")
    assert 150.0 < hu_at(patient, patient.planned, urine_mm) < 220.0
    assert hu_at(patient, Day(1), urine_mm) < 20.0
    prostate_mm = middle_mm(pelvis, "PROSTATE")
    assert hu_at(patient, patient.planned, prostate_mm) == hu_at(patient, Day(1), prostate_mm)


@pytest.mark.parametrize(("side", "other"), [("L", "R"), ("R", "L")])
def test_a_hip_of_metal_is_on_the_side_that_is_asked_for(pelvis, side, other):
    patient = with_hip_prosthesis(pelvis, side)
    for day in (patient.planned, Day(1)):
        assert hu_at(patient, day, patient.anatomy.landmarks_mm[f"FEMORAL_HEAD_{side}"]) > 2900.0
        assert hu_at(patient, day, patient.anatomy.landmarks_mm[f"FEMORAL_HEAD_{other}"]) < 800.0
    down_mm = np.array([117.0 * (1.0 if side == "L" else -1.0), 8.0, -100.0]) + pelvis.anatomy.origin_mm
    assert hu_at(patient, Day(1), down_mm) > 2900.0 > 1000.0 > hu_at(pelvis, Day(1), down_mm)
    np.testing.assert_allclose(patient.isocenter_mm, pelvis.isocenter_mm)


@pytest.mark.parametrize("position", [PatientPosition.HFS, PatientPosition.FFS])
@pytest.mark.parametrize("levels", [1, -2])
def test_a_wrong_level_brings_the_next_vertebra_where_this_one_should_be(thorax, position, levels):
    patient = replace(thorax, position=position)
    day = Day(1, setup=SetupError((1.0, -2.0, 0.5)))
    right, wrong = patient.fixed_from_plan(day), patient.fixed_from_plan(at_wrong_level(patient, day, levels))
    middles_mm = np.array([patient.anatomy.landmark_mm(level) for level in ("T5", "T9", "T12")])
    step_mm = (middles_mm[0, 2] - middles_mm[2, 2]) / 7.0
    moved_mm = right.inverse().points(wrong.points(patient.isocenter_mm)) - patient.isocenter_mm
    np.testing.assert_allclose(moved_mm[:2], 0.0, atol=1e-9)
    assert moved_mm[2] / levels == pytest.approx(step_mm, rel=0.25)


@pytest.mark.parametrize("name", IN_ROOM)
def test_a_patient_lies_as_his_position_says(thorax, name):
    """All eight positions: left, back and up of the patient in the room, about the isocenter."""
    patient = replace(thorax, position=PatientPosition[name])
    in_room = patient.fixed_from_plan(Day(1))
    np.testing.assert_allclose(in_room.points(patient.isocenter_mm), 0.0, atol=1e-9)
    np.testing.assert_allclose(in_room.rotation.T, IN_ROOM[name], atol=1e-12)


def test_what_is_not_there_is_refused(pelvis, thorax):
    with pytest.raises(InputError, match="side L or R"):
        with_hip_prosthesis(pelvis, "left")
    with pytest.raises(MissingInput, match="no hip"):
        with_hip_prosthesis(thorax, "L")
    assert with_contrast(head_neck_patient(FRAME, 3)).planned.organs
