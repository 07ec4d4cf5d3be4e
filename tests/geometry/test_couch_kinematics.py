"""Couch poses and motions: clinical vectors, round trips from any pose, and the axes that an image is in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openigrt.errors import FrameMismatch
from openigrt.geometry import (
    CouchPose,
    Frame,
    PatientPosition,
    RigidTransform,
    TableAngles,
    fit_rigid,
    fixed_from_table_top,
    isocenter_translation_mm,
    motion_between_poses,
    motion_of_match_in_room_axes,
    motion_of_match_in_table_axes,
    pose_after_motion,
    rotation_angle_deg,
    rotation_from_vector,
    rotation_x,
    rotation_y,
    rotation_z,
    signed_angle_difference_deg,
    table_axes_translation_mm,
)

VECTORS = (
    "C-15",
    "C-16",
    "C-17",
    "C-18",
    "C-19",
    "C-20",
    "C-21",
    "C-22",
    "C-23",
    "C-24",
    "C-25",
    "C-26",
    "C-27",
    "C-28",
    "C-32",
    "C-43",
)
REQUIRED = RigidTransform(Frame.FIXED, Frame.FIXED, TableAngles(2.0, -1.5, 1.0).matrix(), np.array([4.0, -6.0, 2.5]))


def positions(pose):
    return np.array(
        [
            pose.table_top_lateral_position_mm,
            pose.table_top_longitudinal_position_mm,
            pose.table_top_vertical_position_mm,
        ]
    )


def angles(pose):
    return [pose.patient_support_angle_deg, pose.table_top_pitch_angle_deg, pose.table_top_roll_angle_deg]


def as_list(table_angles):
    return [table_angles.yaw_deg, table_angles.pitch_deg, table_angles.roll_deg]


def expected_angles(expected):
    return [expected["theta_s"], expected["pitch"], expected["roll"]]


@pytest.mark.parametrize("vector_id", ["C-15", "C-16", "C-17", "C-18", "C-19"])
def test_pure_translation(vectors, agrees, vector_id):
    given_, expected = vectors[vector_id]["input"], vectors[vector_id]["expected"]
    position = PatientPosition.parse(given_["position"])
    motion = motion_of_match_in_room_axes(np.eye(3), given_["t_LPS"], position)
    agrees(vector_id, positions(pose_after_motion(motion, CouchPose())), expected)
    agrees(vector_id, isocenter_translation_mm(given_["t_LPS"], position), expected)


def test_translation_with_the_couch_turned(vectors, agrees):
    given_, expected = vectors["C-20"]["input"], vectors["C-20"]["expected"]
    start = CouchPose(patient_support_angle_deg=given_["theta_s"])
    motion = motion_of_match_in_table_axes(np.eye(3), given_["t_LPS"], PatientPosition.HFS, start)
    agrees("C-20", motion.translation_mm, expected["a_tF"])
    agrees("C-20", positions(pose_after_motion(motion, start)), expected["a_dt"])
    agrees("C-20", table_axes_translation_mm(motion.translation_mm, start), expected["a_dt"])
    agrees("C-20", table_axes_translation_mm(given_["t_F"], start), expected["b_dt"])
    in_fixed = RigidTransform(Frame.FIXED, Frame.FIXED, np.eye(3), np.array(given_["t_F"]))
    agrees("C-20", positions(pose_after_motion(in_fixed, start)), expected["b_dt"])


def test_six_degrees_with_the_table_top_origin_at_the_isocenter(vectors, agrees):
    expected = vectors["C-21"]["expected"]
    found = pose_after_motion(REQUIRED, CouchPose())
    agrees("C-21", angles(found), expected_angles(expected))
    agrees("C-21", positions(found), expected["table_T"])


def test_six_degrees_with_the_table_top_origin_elsewhere(vectors, agrees):
    start, expected = CouchPose(*vectors["C-22"]["input"]["T0"]), vectors["C-22"]["expected"]
    found = pose_after_motion(REQUIRED, start)
    agrees("C-22", angles(found), expected_angles(expected))
    agrees("C-22", positions(found), expected["T"])
    agrees("C-22", positions(found) - positions(start), expected["dT"])
    carried = fixed_from_table_top(found).points(vectors["C-23"]["input"]["x_T"])
    agrees("C-23", carried, vectors["C-23"]["expected"])


def test_pitch_about_the_isocenter_lifts_a_table_top_that_stands_toward_the_gantry(vectors, agrees):
    vector = vectors["C-24"]
    pitched = RigidTransform(Frame.FIXED, Frame.FIXED, rotation_x(vector["input"]["pitch"]), np.zeros(3))
    agrees("C-24", positions(pose_after_motion(pitched, CouchPose(*vector["input"]["T0"]))), vector["expected"])


def test_order_of_table_angles(vectors, agrees):
    given_ = vectors["C-25"]
    agrees("C-25", as_list(TableAngles.from_matrix(given_["input"]["matrix"])), expected_angles(given_["expected"]))
    wrong_order = rotation_y(1.0) @ rotation_x(-1.5) @ rotation_z(2.0)
    agrees("C-26", as_list(TableAngles.from_matrix(wrong_order)), expected_angles(vectors["C-26"]["expected"]))


def test_setup_error_is_the_inverse_motion_of_the_origin(vectors, agrees):
    expected, error = vectors["C-27"]["expected"], np.array(vectors["C-27"]["input"]["e"], dtype=float)
    rotation = rotation_z(vectors["C-27"]["input"]["yaw"])
    rotate_first = RigidTransform(Frame.FIXED, Frame.FIXED, rotation, -rotation @ error)
    agrees("C-27", rotate_first.translation_mm, expected["t_rotate_first"])
    agrees("C-27", rotate_first.inverse().translation_mm, error)
    difference = np.linalg.norm(rotate_first.translation_mm - np.array(expected["t_translate_first"]))
    agrees("C-27", difference, expected["difference_mm"])


def test_a_match_from_plan_to_daily_is_inverted(vectors, agrees):
    expected = vectors["C-28"]["expected"]
    daily_from_plan = RigidTransform(
        Frame.daily("1"), Frame.plan("1"), rotation_x(3.0), np.array(vectors["C-28"]["input"]["tprime"])
    )
    plan_from_daily = daily_from_plan.inverse()
    agrees("C-28", plan_from_daily.translation_mm, expected["t"])
    agrees("C-28", TableAngles.from_matrix(plan_from_daily.rotation).pitch_deg, expected["pitch"])


def test_marker_match(vectors, agrees):
    given_, expected = vectors["C-32"]["input"], vectors["C-32"]["expected"]
    rotation, translation = fit_rigid(given_["Q"], given_["P"])
    agrees("C-32", as_list(TableAngles.from_matrix(rotation)), expected_angles(expected))
    agrees("C-32", translation, expected["t"])


def test_a_match_about_another_point(vectors, agrees):
    given_ = vectors["C-43"]["input"]
    match = RigidTransform.about_points(
        (Frame.plan("1"), given_["c"]), (Frame.daily("1"), given_["c"]), rotation_x(2.0), given_["t_c"]
    )
    agrees("C-43", match.translation_mm, vectors["C-43"]["expected"])


small_angle = st.floats(-15.0, 15.0)
shift = st.floats(-50.0, 50.0)
poses = st.builds(
    CouchPose,
    st.floats(-250.0, 250.0),
    st.floats(-1000.0, 1000.0),
    st.floats(-500.0, 100.0),
    st.floats(0.0, 360.0),
    small_angle,
    small_angle,
    st.floats(-800.0, 800.0),
    st.floats(-180.0, 180.0),
)
motions = st.builds(
    lambda vector, moved: RigidTransform(
        Frame.FIXED, Frame.FIXED, rotation_from_vector(np.deg2rad(vector)), np.array(moved)
    ),
    st.tuples(small_angle, small_angle, small_angle),
    st.tuples(shift, shift, shift),
)


def assert_same_motion(found, expected):
    assert found.rotation == pytest.approx(expected.rotation, abs=1e-10)
    assert found.translation_mm == pytest.approx(expected.translation_mm, abs=1e-7)


@given(motions, poses)
def test_the_pose_makes_the_motion_from_any_start(motion, start):
    end = pose_after_motion(motion, start)
    assert_same_motion(motion_between_poses(start, end), motion)
    back = pose_after_motion(motion.inverse(), end)
    assert positions(back) == pytest.approx(positions(start), abs=1e-7)
    for found, expected in zip(angles(back), angles(start), strict=True):
        assert signed_angle_difference_deg(found, expected) == pytest.approx(0.0, abs=1e-9)


@given(poses)
def test_no_motion_leaves_the_pose(start):
    unmoved = pose_after_motion(RigidTransform.identity(Frame.FIXED, Frame.FIXED), start)
    assert positions(unmoved) == pytest.approx(positions(start), abs=1e-8)
    assert angles(unmoved) == pytest.approx(angles(start), abs=1e-9)
    assert unmoved.table_top_eccentric_axis_distance_mm == start.table_top_eccentric_axis_distance_mm


@pytest.mark.parametrize("position", PatientPosition)
@given(motions, poses)
def test_a_match_in_table_axes_is_made_by_the_couch_in_every_position(position, match, start):
    """The oracle is a point of anatomy: carried by the couch, it must land where the match maps it."""
    motion = motion_of_match_in_table_axes(match.rotation, match.translation_mm, position, start)
    fixed_from_table = fixed_from_table_top(start)
    fixed_from_lps = fixed_from_table.rotation @ position.table_top_from_lps()
    daily = np.array([[0.0, 0.0, 0.0], [30.0, -20.0, 70.0]])
    on_table = fixed_from_table.inverse().points(daily @ fixed_from_lps.T)
    carried = fixed_from_table_top(pose_after_motion(motion, start)).points(on_table)
    planned = daily @ match.rotation.T + match.translation_mm
    assert carried == pytest.approx(planned @ fixed_from_lps.T, abs=1e-6)


@pytest.mark.parametrize("position", PatientPosition)
def test_room_and_table_axes_agree_when_the_couch_is_at_zero(position):
    rotation, translation = TableAngles(1.5, -1.0, 2.0).matrix(), (10.0, 3.0, -5.0)
    level = CouchPose(table_top_longitudinal_position_mm=300.0)
    in_table = motion_of_match_in_table_axes(rotation, translation, position, level)
    assert_same_motion(in_table, motion_of_match_in_room_axes(rotation, translation, position))


@pytest.mark.parametrize(
    ("support_deg", "shift_mm", "turn_deg"), [(10.0, 1.9, 0.4), (30.0, 5.8, 1.2), (90.0, 15.8, 3.2)]
)
def test_what_the_wrong_choice_of_axes_costs(support_deg, shift_mm, turn_deg):
    table_from_lps = PatientPosition.HFS.table_top_from_lps()
    rotation = table_from_lps.T @ TableAngles(1.5, -1.0, 2.0).matrix() @ table_from_lps
    translation = (10.0, 3.0, -5.0)
    turned = CouchPose(patient_support_angle_deg=support_deg)
    in_table = motion_of_match_in_table_axes(rotation, translation, PatientPosition.HFS, turned)
    in_room = motion_of_match_in_room_axes(rotation, translation, PatientPosition.HFS)
    apart = in_table @ in_room.inverse()
    assert np.linalg.norm(in_table.translation_mm - in_room.translation_mm) == pytest.approx(shift_mm, abs=0.05)
    assert rotation_angle_deg(apart.rotation) == pytest.approx(turn_deg, abs=0.05)


def test_the_support_angle_stays_near_the_start():
    start = CouchPose(patient_support_angle_deg=359.0)
    assert pose_after_motion(REQUIRED, start).patient_support_angle_deg == pytest.approx(361.0, abs=0.1)


def test_a_motion_of_another_frame_is_refused():
    in_table_top = RigidTransform.identity(Frame.TABLE_TOP, Frame.TABLE_TOP)
    with pytest.raises(FrameMismatch):
        pose_after_motion(in_table_top, CouchPose())
