"""From projections to a couch correction: an asymmetric phantom with closed-form projections, in every position."""

import numpy as np
import pytest

import openigrt
from openigrt.errors import InconsistentInput
from openigrt.geometry import CouchPose, PatientPosition
from tests.system.reconstruct_cases import (
    HALF_FAN_MM,
    SETUP,
    WATER_PER_MM,
    plan_folder,
    planning_ct,
    room_from_plan,
    write_projections,
)


@pytest.fixture(scope="module")
def planning_series():
    return planning_ct()


@pytest.mark.parametrize("position", list(PatientPosition))
def test_an_offset_of_six_axes_comes_back_in_every_patient_position(tmp_path, planning_series, position):
    plan = plan_folder(tmp_path / "plan", planning_series, str(position))
    projections = write_projections(tmp_path / "projections", position)
    made = openigrt.reconstruct(
        projections, plan=plan, quantity="line integral", voxel=2.0, out=tmp_path / "cbct", water=WATER_PER_MM
    )
    assert made.image.provenance.patient_position is position
    found = openigrt.guide(plan, tmp_path / "cbct" / "ct", region="bone")
    truth = room_from_plan(position)
    lps_from_room = position.table_top_from_lps().T
    room = np.array([[0.0, 0.0, 0.0], [30.0, 0.0, 0.0], [0.0, 30.0, 0.0], [0.0, 0.0, 30.0]])
    mapped = found.match.plan_from_daily.points(room @ lps_from_room.T)
    expected = truth.inverse().points(room)
    assert np.linalg.norm(mapped[0] - expected[0]) < 0.5
    turned = (mapped[1:] - mapped[0]) @ np.linalg.inv(expected[1:] - expected[0])
    angle = np.rad2deg(np.arccos(np.clip((np.trace(turned) - 1.0) / 2.0, -1.0, 1.0)))
    assert angle < 0.3


def mean_hounsfield(image, center_mm, radius_mm=7.0):
    """Mean HU in a ball about a point given from the isocenter, in the patient's axes."""
    k, j, i = np.indices(image.grid.shape)
    points = image.grid.points(np.stack([i, j, k], axis=-1))
    return float(image.voxels[np.linalg.norm(points - center_mm, axis=-1) < radius_mm].mean())


@pytest.mark.parametrize(("fan", "offset_mm"), [("full", 0.0), ("half", HALF_FAN_MM), ("half", -HALF_FAN_MM)])
def test_water_and_what_lies_in_it_count_their_hounsfield_units(tmp_path, fan, offset_mm):
    made = openigrt.reconstruct(
        write_projections(tmp_path / "projections", "HFS", offset_mm),
        position="HFS",
        quantity="line integral",
        voxel=3.0,
        size=(72, 72, 40),
        water=WATER_PER_MM,
    )
    assert str(made.fan) == fan
    angles, shift_mm = SETUP
    lps_from_room = PatientPosition.HFS.table_top_from_lps().T
    for center_mm, density in (((-12.0, 2.0, 8.0), 0.0236), ((24.0, -34.0, 28.0), 0.0), ((44.0, 20.0, 6.0), 0.0206)):
        in_room = angles.matrix() @ PatientPosition.HFS.table_top_from_lps() @ np.array(center_mm) + shift_mm
        expected = (density / WATER_PER_MM - 1.0) * 1000.0
        assert mean_hounsfield(made.image, lps_from_room @ in_room) == pytest.approx(expected, abs=10.0)


def test_the_couch_pose_of_the_scan_is_that_of_the_correction(tmp_path, planning_series):
    plan = plan_folder(tmp_path / "plan", planning_series, "HFS")
    projections = write_projections(tmp_path / "projections", PatientPosition.HFS)
    words = {"plan": plan, "quantity": "line integral", "voxel": 2.0, "water": WATER_PER_MM}
    openigrt.reconstruct(projections, couch_pose=(10.0, 200.0, -150.0), out=tmp_path / "cbct", **words)
    found = openigrt.guide(plan, tmp_path / "cbct" / "ct", region="bone")
    assert found.correction.start == CouchPose(10.0, 200.0, -150.0)
    with pytest.raises(InconsistentInput, match="--couch-pose says 12,200,-150,0,0,0, the image of the day 10,200"):
        openigrt.guide(plan, tmp_path / "cbct" / "ct", region="bone", couch_pose=(12.0, 200.0, -150.0))
