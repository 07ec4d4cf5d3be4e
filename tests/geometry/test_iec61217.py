"""The IEC 61217 chain: clinical vectors, and the frames that each step joins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openigrt.errors import FrameMismatch
from openigrt.geometry import (
    CouchPose,
    Frame,
    PatientPosition,
    fixed_from_gantry,
    fixed_from_lps,
    fixed_from_patient_support,
    fixed_from_table_top,
    fixed_from_table_top_eccentric,
    gantry_from_beam_limiting_device,
    gantry_from_image_receptor,
    patient_from_lps,
    patient_support_from_table_top_eccentric,
    rotation_x,
    rotation_y,
    rotation_z,
    signed_angle_difference_deg,
    source_position_mm,
    table_top_eccentric_from_table_top,
    table_top_from_lps,
)

VECTORS = ("C-HFS", "C-HFP", "C-FFS", "C-FFP", "C-HFDL", "C-HFDR", "C-FFDL", "C-FFDR", "C-09", "C-10", "C-14", "C-46")
PLAN = Frame.plan("1.2.3")


@pytest.mark.parametrize("vector_id", ["C-HFS", "C-HFP", "C-FFS", "C-FFP", "C-HFDL", "C-HFDR", "C-FFDL", "C-FFDR"])
def test_patient_axes_in_every_position(vectors, agrees, vector_id):
    given_, expected = vectors[vector_id]["input"], vectors[vector_id]["expected"]
    position = PatientPosition.parse(given_["position"])
    fixed_from_plan = fixed_from_table_top(CouchPose()) @ table_top_from_lps(position, PLAN)
    agrees(vector_id, fixed_from_plan.vectors(given_["v_LPS"]), expected)
    agrees(vector_id, fixed_from_lps(position, PLAN, (4.0, 5.0, 6.0)).vectors(given_["v_LPS"]), expected)


def test_iec_patient_axes(vectors, agrees):
    vector = vectors["C-09"]
    agrees("C-09", patient_from_lps(PLAN).points(vector["input"]["v_LPS"]), vector["expected"])


def test_source_position(vectors, agrees):
    vector = vectors["C-10"]
    for gantry_deg, expected in zip(vector["input"]["gantry"], vector["expected"], strict=True):
        agrees("C-10", source_position_mm(gantry_deg, 1000.0), expected)


def test_couch_foot_at_support_angle_90(vectors, agrees):
    vector = vectors["C-14"]
    fixed_from_support = fixed_from_patient_support(vector["input"]["theta_s"])
    agrees("C-14", fixed_from_support.vectors((0.0, -1.0, 0.0)), vector["expected"])


def test_signed_angle_difference(vectors, agrees):
    turns = [signed_angle_difference_deg(to, start) for to, start in ((1.0, 359.0), (359.0, 1.0), (190.0, 10.0))]
    agrees("C-46", turns, vectors["C-46"]["expected"])


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_signed_angle_difference_is_the_short_way(to_deg, from_deg):
    turn = signed_angle_difference_deg(to_deg, from_deg)
    assert -180.0 < turn <= 180.0
    assert np.cos(np.deg2rad(from_deg + turn - to_deg)) == pytest.approx(1.0, abs=1e-12)


def test_gantry_pitch_is_applied_after_the_gantry_angle():
    assert fixed_from_gantry(90.0, 10.0).rotation == pytest.approx(rotation_x(10.0) @ rotation_y(90.0))
    assert source_position_mm(0.0, 1000.0, 90.0) == pytest.approx([0.0, -1000.0, 0.0], abs=1e-9)


def test_positive_pitch_lifts_the_gantry_end_and_positive_roll_lowers_the_right_side():
    pitched = table_top_eccentric_from_table_top(CouchPose(table_top_pitch_angle_deg=2.0))
    rolled = table_top_eccentric_from_table_top(CouchPose(table_top_roll_angle_deg=2.0))
    assert pitched.vectors((0.0, 1.0, 0.0))[2] > 0.0
    assert rolled.vectors((1.0, 0.0, 0.0))[2] < 0.0


def test_the_whole_chain_of_the_table_from_its_formula():
    pose = CouchPose(12.0, 300.0, -145.0, 33.0, 2.0, -1.5, 500.0, -70.0)
    point = np.array([11.0, -22.0, 33.0])
    in_eccentric = np.array([12.0, 300.0, -145.0]) + rotation_x(2.0) @ rotation_y(-1.5) @ point
    in_support = np.array([0.0, 500.0, 0.0]) + rotation_z(-70.0) @ in_eccentric
    expected = rotation_z(33.0) @ in_support
    assert fixed_from_table_top(pose).points(point) == pytest.approx(expected, abs=1e-9)
    assert fixed_from_table_top_eccentric(pose).points(in_eccentric) == pytest.approx(expected, abs=1e-9)


def test_frames_of_the_chain_fit_and_wrong_neighbours_raise():
    gantry_from_device = gantry_from_beam_limiting_device(20.0, 500.0)
    fixed_from_device = fixed_from_gantry(30.0) @ gantry_from_device
    assert (fixed_from_device.to_frame, fixed_from_device.from_frame) == (Frame.FIXED, Frame.BEAM_LIMITING_DEVICE)
    assert gantry_from_device.points((0.0, 0.0, 0.0)) == pytest.approx([0.0, 0.0, 500.0])
    receptor = gantry_from_image_receptor((1.0, 2.0, -500.0), 90.0)
    assert receptor.points((1.0, 0.0, 0.0)) == pytest.approx([1.0, 3.0, -500.0])
    with pytest.raises(FrameMismatch, match="neighbours"):
        fixed_from_patient_support(0.0) @ gantry_from_device
    with pytest.raises(FrameMismatch):
        fixed_from_gantry(0.0) @ patient_support_from_table_top_eccentric()


def test_the_isocenter_of_the_image_lies_at_the_machine_isocenter():
    pose = CouchPose(100.0, 200.0, -300.0, 30.0, 1.0, 2.0)
    fixed_from_plan = fixed_from_lps(PatientPosition.FFP, PLAN, (10.0, 20.0, 30.0), pose)
    assert fixed_from_plan.points((10.0, 20.0, 30.0)) == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    table_axes = fixed_from_table_top(pose).rotation @ PatientPosition.FFP.table_top_from_lps()
    assert fixed_from_plan.rotation == pytest.approx(table_axes)
