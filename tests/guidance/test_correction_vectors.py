"""The clinical test vectors of couch moves, through the one function that decides."""

from dataclasses import astuple

import numpy as np
import pytest

from openigrt.geometry import (
    CouchPose,
    DegreesOfFreedom,
    ImageAxes,
    PatientPosition,
    rotation_x,
    rotation_y,
    rotation_z,
)
from tests.guidance.guidance_cases import (
    alignment_of,
    correction_of,
    exact_machine,
    match_in_room,
    match_of,
    target_of,
    vector,
)

VECTORS = (
    "C-15", "C-16", "C-17", "C-18", "C-19", "C-20", "C-21", "C-22", "C-23", "C-24", "C-27", "C-28", "C-29", "C-30",
    "C-31",
)  # fmt: skip

HFS_AXES = PatientPosition.HFS.table_top_from_lps()


def lengths(move):
    return np.array(astuple(move)[:3])


def angles(move):
    """Those that are commanded."""
    return [angle for angle in astuple(move)[3:] if angle is not None]


def cube(center, half):
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    return (np.array(center) + half * corners) @ HFS_AXES


def z_x_y(yaw, pitch, roll):
    return rotation_z(yaw) @ rotation_x(pitch) @ rotation_y(roll)


@pytest.mark.parametrize("name", ["C-15", "C-16", "C-17", "C-18", "C-19"])
def test_a_pure_translation(name):
    v = vector(name)
    position = PatientPosition(v["input"]["position"])
    found = correction_of(match_of(np.eye(3), v["input"]["t_LPS"]), alignment_of(position))
    assert lengths(found.couch_exact) == pytest.approx(v["expected"], abs=v["abs_tol"])
    assert lengths(found.console_translation) == pytest.approx(v["expected"], abs=v["abs_tol"])
    assert astuple(found.couch) == (*v["expected"], 0.0, 0.0, 0.0)


@pytest.mark.parametrize(("axes", "key"), [(ImageAxes.TABLE, "a_dt"), (ImageAxes.ROOM, "b_dt")])
def test_c20_the_same_match_in_table_or_room_axes_at_a_turned_couch(axes, key):
    v = vector("C-20")
    start = CouchPose(patient_support_angle_deg=v["input"]["theta_s"])
    assert HFS_AXES @ v["input"]["t_LPS"] == pytest.approx(v["input"]["t_F"])
    found = correction_of(match_of(np.eye(3), v["input"]["t_LPS"]), alignment_of(axes=axes, start=start))
    assert lengths(found.couch_exact) == pytest.approx(v["expected"][key], abs=v["abs_tol"])


@pytest.mark.parametrize("name", ["C-21", "C-22"])
def test_six_degrees_about_the_table_top_origin(name):
    motion, v = vector("C-21")["input"], vector(name)
    rotation = z_x_y(motion["yaw"], motion["pitch"], motion["roll"])
    start = CouchPose(*v["input"].get("T0", (0.0, 0.0, 0.0)))
    found = correction_of(
        match_in_room(rotation, motion["t_F"]), alignment_of(start=start), machine=exact_machine("table_top_origin")
    )
    expected = v["expected"]
    turned = [expected["theta_s"], expected["pitch"], expected["roll"]]
    assert lengths(found.couch_exact) == pytest.approx(expected.get("dT", expected.get("table_T")), abs=v["abs_tol"])
    assert angles(found.couch_exact) == pytest.approx(turned, abs=1e-6)
    assert found.target_pose.table_top_longitudinal_position_mm == pytest.approx(
        expected.get("T", expected.get("table_T"))[1], abs=1e-4
    )


def test_c23_the_isocenter_goes_where_the_correction_says():
    motion, v = vector("C-21")["input"], vector("C-23")
    start = CouchPose(*vector("C-22")["input"]["T0"])
    rotation = z_x_y(motion["yaw"], motion["pitch"], motion["roll"])
    found = correction_of(
        match_in_room(rotation, motion["t_F"]), alignment_of(start=start), machine=exact_machine("table_top_origin")
    )
    end = found.target_pose
    table_top = np.array(astuple(end)[:3])
    tilted = rotation_x(end.table_top_pitch_angle_deg) @ rotation_y(end.table_top_roll_angle_deg) @ v["input"]["x_T"]
    lands = rotation_z(end.patient_support_angle_deg) @ (table_top + tilted)
    assert lands == pytest.approx(v["expected"], abs=1e-5)


def test_c24_pitch_about_the_isocenter_lifts_a_table_top_that_lies_toward_the_gantry():
    v = vector("C-24")
    start = CouchPose(*v["input"]["T0"])
    match = match_in_room(rotation_x(v["input"]["pitch"]), np.zeros(3))
    found = correction_of(match, alignment_of(start=start), machine=exact_machine("table_top_origin"))
    moved = np.array(v["input"]["T0"]) + lengths(found.couch_exact)
    assert moved == pytest.approx(v["expected"], abs=v["abs_tol"])


def test_c27_the_setup_error_is_where_the_isocenter_is():
    v = vector("C-27")
    rotation = rotation_z(v["input"]["yaw"])
    found = correction_of(match_of(rotation, v["expected"]["t_rotate_first"]))
    assert found.setup_error_mm == pytest.approx(v["input"]["e"], abs=1e-6)


def test_c28_a_match_that_came_the_other_way_round():
    v = vector("C-28")
    other_way = match_in_room(rotation_x(3.0), v["input"]["tprime"]).plan_from_daily
    shift = HFS_AXES.T @ v["input"]["tprime"]
    inverse = match_of(other_way.rotation.T, -other_way.rotation.T @ shift)
    found = correction_of(inverse)
    assert lengths(found.couch_exact) == pytest.approx(v["expected"]["t"], abs=v["abs_tol"])
    assert angles(found.couch_exact) == pytest.approx([0.0, v["expected"]["pitch"], 0.0], abs=v["abs_tol"])


def test_c29_three_degrees_match_the_centroid_and_not_the_isocenter():
    v = vector("C-29")
    found = correction_of(
        match_in_room(rotation_x(v["input"]["pitch"]), v["input"]["t"]),
        target=target_of(cube(v["input"]["center"], v["input"]["half"])),
        machine=exact_machine(),
        dof=DegreesOfFreedom.TRANSLATION,
    )
    expected, tolerance = v["expected"], v["abs_tol"]
    assert lengths(found.couch_exact) == pytest.approx(expected["T"], abs=tolerance)
    assert lengths(found.console_translation) == pytest.approx(expected["naive_T"], abs=tolerance)
    assert np.linalg.norm(lengths(found.couch_exact) - lengths(found.console_translation)) == pytest.approx(
        expected["naive_error_at_centroid"], abs=tolerance
    )
    assert found.residuals[0].rms_mm == pytest.approx(expected["rms"], abs=tolerance)
    assert found.residuals[0].max_mm == pytest.approx(expected["max"], abs=tolerance)


def test_c30_four_degrees():
    v = vector("C-30")
    motion = v["input"].get("t", (1.0, -2.0, 3.0))
    found = correction_of(
        match_in_room(z_x_y(2.0, -1.5, 1.0), motion),
        target=target_of(cube(v["input"]["center"], v["input"]["half"])),
        machine=exact_machine(),
        dof=DegreesOfFreedom.TRANSLATION_YAW,
    )
    expected, tolerance = v["expected"], v["abs_tol"]
    assert angles(found.couch_exact) == pytest.approx([expected["yaw"]], abs=tolerance)
    assert lengths(found.couch_exact) == pytest.approx(expected["T"], abs=tolerance)
    assert found.residuals[0].rms_mm == pytest.approx(expected["rms"], abs=tolerance)


@pytest.mark.parametrize("case", [0, 1, 2])
def test_c31_what_an_uncorrected_rotation_leaves_at_a_distance(case):
    v = vector("C-31")
    radius, turn = v["input"]["r"][case], v["input"]["theta"][case]
    ring = radius * np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    found = correction_of(
        match_of(rotation_x(turn), np.zeros(3)), target=target_of(ring), dof=DegreesOfFreedom.TRANSLATION
    )
    assert found.residuals[0].max_mm == pytest.approx(v["expected"][case], abs=v["abs_tol"])
