"""Rotations and shifts taken up by the beam: clinical vectors, and the defining equation for any angles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openigrt.errors import InvalidGeometry
from openigrt.geometry import (
    BeamAngles,
    aperture_shift,
    beam_angles_taking_up,
    fixed_from_gantry,
    gantry_from_beam_limiting_device,
    rotation_x,
    rotation_y,
    rotation_z,
)

VECTORS = ("C-33", "C-34", "C-35")
ERRORS = {"C-33": rotation_z(1.5) @ rotation_x(-2.0) @ rotation_y(1.0), "C-34": rotation_y(2.0)}


@pytest.mark.parametrize("vector_id", ["C-33", "C-34"])
def test_rotation_taken_up_by_the_beam(vectors, agrees, vector_id):
    given_, expected = vectors[vector_id]["input"], vectors[vector_id]["expected"]
    found = beam_angles_taking_up(ERRORS[vector_id], BeamAngles(given_["g"], given_["b"], given_["s"]))
    agrees(vector_id, found.gantry_angle_deg, expected["gantry"])
    agrees(vector_id, found.beam_limiting_device_angle_deg, expected["collimator"])
    agrees(vector_id, found.patient_support_angle_deg, expected["couch"])


def test_aperture_follows_a_displaced_target(vectors, agrees):
    given_, expected = vectors["C-35"]["input"], vectors["C-35"]["expected"]
    fixed_from_device = fixed_from_gantry(given_["g"]) @ gantry_from_beam_limiting_device(given_["b"])
    found = aperture_shift(given_["d_F"], fixed_from_device, 1000.0)
    agrees("C-35", found.shift_mm, expected["shift_xy"])
    agrees("C-35", found.toward_source_mm, expected["toward_source"])
    agrees("C-35", found.magnification, expected["magnification"])


angles = st.floats(-360.0, 360.0)
small = st.floats(-5.0, 5.0)


@given(angles, angles, angles, small, small, small)
def test_the_beam_meets_the_turned_patient_as_planned(gantry, device, support, yaw, pitch, roll):
    error = rotation_z(yaw) @ rotation_x(pitch) @ rotation_y(roll)
    planned = BeamAngles(gantry, device, support)
    found = beam_angles_taking_up(error, planned)
    wanted = error @ planned.table_top_from_beam()
    assert np.abs(found.table_top_from_beam() - wanted).max() < 1e-8


@pytest.mark.parametrize("gantry_deg", [0.0, 180.0])
def test_a_yaw_under_a_vertical_beam_turns_the_beam_limiting_device_alone(gantry_deg):
    found = beam_angles_taking_up(rotation_z(3.0), BeamAngles(gantry_deg, 10.0, 20.0))
    assert found.gantry_angle_deg == pytest.approx(gantry_deg)
    assert found.patient_support_angle_deg == 20.0
    turned = 13.0 if gantry_deg == 0.0 else 7.0
    assert found.beam_limiting_device_angle_deg == pytest.approx(turned)


def test_a_target_at_the_source_is_refused():
    with pytest.raises(InvalidGeometry, match="at or behind"):
        aperture_shift((0.0, 0.0, 1000.0), fixed_from_gantry(0.0), 1000.0)
