"""The correction against a couch and a patient simulated with scipy: does the anatomy land where it was planned?"""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from openigrt.files.builtin import builtin_machine
from openigrt.geometry import CouchPose, DegreesOfFreedom, ImageAxes, PatientPosition
from tests.guidance.guidance_cases import alignment_of, correction_of, exact_machine, match_of, target_of

# What points up and what points toward the gantry when the patient lies so (left, posterior, superior).
UP_AND_IN = {
    PatientPosition.HFS: ((0, -1, 0), (0, 0, 1)),
    PatientPosition.HFP: ((0, 1, 0), (0, 0, 1)),
    PatientPosition.FFS: ((0, -1, 0), (0, 0, -1)),
    PatientPosition.FFP: ((0, 1, 0), (0, 0, -1)),
    PatientPosition.HFDL: ((-1, 0, 0), (0, 0, 1)),
    PatientPosition.HFDR: ((1, 0, 0), (0, 0, 1)),
    PatientPosition.FFDL: ((-1, 0, 0), (0, 0, -1)),
    PatientPosition.FFDR: ((1, 0, 0), (0, 0, -1)),
}

small_angles = st.tuples(*(st.floats(-4.0, 4.0) for _ in range(3)))
shifts = st.tuples(*(st.floats(-25.0, 25.0) for _ in range(3)))
tilted_starts = st.builds(
    CouchPose,
    st.floats(-250.0, 250.0),
    st.floats(-200.0, 1200.0),
    st.floats(-400.0, 50.0),
    st.floats(-179.0, 179.0),
    st.floats(-3.0, 3.0),
    st.floats(-3.0, 3.0),
)


def patient_axes(position):
    """Rows: right (seen from the foot), toward the gantry, up; each in LPS."""
    up, toward = (np.array(v, dtype=float) for v in UP_AND_IN[position])
    return np.array([np.cross(toward, up), toward, up])


def turn_of_table(pose):
    """The couch's turn, with the axes of IEC 61217, by scipy."""
    angles = (pose.patient_support_angle_deg, pose.table_top_pitch_angle_deg, pose.table_top_roll_angle_deg)
    return Rotation.from_euler("ZXY", angles, degrees=True).as_matrix()


def in_room(points_on_table, pose):
    """x_F = Rz(support) {T + Rx(pitch) Ry(roll) x_T}."""
    support = Rotation.from_euler("Z", pose.patient_support_angle_deg, degrees=True).as_matrix()
    return points_on_table @ turn_of_table(pose).T + support @ np.array(astuple(pose)[:3])


def on_table(points_in_room, pose):
    support = Rotation.from_euler("Z", pose.patient_support_angle_deg, degrees=True).as_matrix()
    return (points_in_room - support @ np.array(astuple(pose)[:3])) @ turn_of_table(pose)


@pytest.mark.parametrize("position", list(PatientPosition))
@pytest.mark.parametrize("axes", list(ImageAxes))
@pytest.mark.parametrize("pivot", ["isocenter", "table_top_origin"])
@settings(max_examples=20)
@given(angles=small_angles, shift=shifts, start=tilted_starts)
def test_the_couch_brings_the_patient_to_the_plan(position, axes, pivot, angles, shift, start):
    rotation = Rotation.from_euler("XYZ", angles, degrees=True).as_matrix()
    planned = np.random.default_rng(1).uniform(-80.0, 80.0, (20, 3))
    seen = (planned - shift) @ rotation
    room_from_image = patient_axes(position)
    if axes is ImageAxes.TABLE:
        room_from_image = turn_of_table(start) @ room_from_image
    found = correction_of(
        match_of(rotation, shift), alignment_of(position, axes, start), target_of(planned), machine=exact_machine(pivot)
    )
    patient_on_table = on_table(seen @ room_from_image.T, start)
    after = in_room(patient_on_table, found.target_pose)
    assert after == pytest.approx(planned @ room_from_image.T, abs=2e-4)
    assert found.residuals[0].max_mm == pytest.approx(0.0, abs=2e-4)


@pytest.mark.parametrize("position", list(PatientPosition))
@settings(max_examples=20)
@given(error=shifts, angles=small_angles)
def test_the_setup_error_is_how_the_patient_was_displaced(position, error, angles):
    """Displace a patient who lies as planned: x -> D x + e in LPS; the setup error must say just that."""
    displaced = Rotation.from_euler("XYZ", angles, degrees=True).as_matrix()
    match = match_of(displaced.T, -displaced.T @ np.array(error))
    found = correction_of(match, alignment_of(position))
    assert found.setup_error_mm == pytest.approx(np.array(error), abs=1e-9)
    in_table_axes = patient_axes(position) @ displaced @ patient_axes(position).T
    assert found.setup_rotation.matrix() == pytest.approx(in_table_axes, abs=1e-12)


@pytest.mark.parametrize("position", list(PatientPosition))
def test_about_the_isocenter_the_six_numbers_alone_are_the_motion(position):
    rotation = Rotation.from_euler("XYZ", (1.0, -2.0, 1.5), degrees=True).as_matrix()
    planned = np.random.default_rng(2).uniform(-80.0, 80.0, (20, 3))
    axes = patient_axes(position)
    move = correction_of(match_of(rotation, (6.0, -2.0, 3.0)), alignment_of(position), machine=exact_machine()).couch
    turn = Rotation.from_euler("ZXY", (move.yaw_deg, move.pitch_deg, move.roll_deg), degrees=True).as_matrix()
    seen_in_room = ((planned - (6.0, -2.0, 3.0)) @ rotation) @ axes.T
    moved = seen_in_room @ turn.T + (move.lateral_mm, move.longitudinal_mm, move.vertical_mm)
    assert moved == pytest.approx(planned @ axes.T, abs=1e-5)


@pytest.mark.parametrize("degrees", list(DegreesOfFreedom))
@pytest.mark.parametrize("start", [None, CouchPose(10.0, 300.0, -150.0, 30.0)])
def test_residuals_are_what_the_rounded_restricted_move_leaves(degrees, start):
    rotation = Rotation.from_euler("ZXY", (2.0, -1.5, 1.0), degrees=True).as_matrix()
    shift, pose = np.array([4.0, -6.0, 2.5]), start or CouchPose()
    planned = target_of().points_mm - target_of().points_mm.mean(axis=0) + (20.0, 10.0, -30.0)
    found = correction_of(match_of(rotation, shift), alignment_of(start=start), target_of(planned), dof=degrees)
    axes = turn_of_table(pose) @ patient_axes(PatientPosition.HFS)
    seen_in_room = ((planned - shift) @ rotation) @ axes.T
    if start is None:
        lengths, angles = astuple(found.couch)[:3], astuple(found.couch)[3:]
        turn = Rotation.from_euler("ZXY", [angle or 0.0 for angle in angles], degrees=True).as_matrix()
        moved = seen_in_room @ turn.T + lengths
    else:
        moved = in_room(on_table(seen_in_room, pose), found.target_pose)
    left = np.linalg.norm(moved - planned @ axes.T, axis=1)
    assert found.residuals[0].max_mm == pytest.approx(left.max(), abs=1e-6)
    assert found.residuals[0].rms_mm == pytest.approx(np.sqrt((left**2).mean()), abs=1e-6)
    for told in (found.couch, found.couch_exact):
        assert [angle is not None for angle in astuple(told)[3:]] == [degrees > axis for axis in (3, 4, 5)]


def test_rounding_costs_less_than_the_resolution_allows():
    rotation = Rotation.from_euler("ZXY", (0.53, -0.27, 1.05), degrees=True).as_matrix()
    found = correction_of(match_of(rotation, (1.23, 4.56, -7.89)), machine=builtin_machine("iec61217"))
    assert [round(10.0 * x, 6) % 1.0 for x in astuple(found.couch)] == [0.0] * 6
    assert 0.0 < found.residuals[0].max_mm < np.sqrt(3.0) * (0.05 + 30.0 * np.deg2rad(0.05))
    assert np.abs(np.subtract(astuple(found.couch), astuple(found.couch_exact))).max() <= 0.05 + 1e-9
