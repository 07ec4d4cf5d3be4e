"""Projections: pixels that fit their detector, and the patient before it."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import FrameMismatch, InvalidGeometry, MissingInput
from openigrt.geometry import CouchPose, Frame, PatientPosition, ProjectionGeometry
from openigrt.images import Exposure, MachinePose, Projection, ProjectionKind, Provenance

PATIENT = Frame.plan("1.2.3")


def projection(**values):
    geometry = ProjectionGeometry(
        frame=Frame.FIXED,
        source_mm=np.array([0.0, 0.0, 1000.0]),
        first_pixel_mm=np.array([-100.0, 50.0, -500.0]),
        row_direction=np.array([1.0, 0.0, 0.0]),
        column_direction=np.array([0.0, -1.0, 0.0]),
        spacing_mm=np.array([1.0, 1.0]),
        size=(201, 101),
    )
    shown = {
        "pixels": np.zeros((101, 201), np.float32),
        "geometry": geometry,
        "pose": MachinePose(0.0, 1000.0, couch=CouchPose()),
        "kind": ProjectionKind.PORTAL,
        "isocenter_mm": (10.0, -20.0, 300.0),
        "patient_frame_uid": "1.2.3",
        "provenance": Provenance(patient_position=PatientPosition.HFS),
    }
    return Projection(**shown | values)


def test_pixels_are_frozen_and_must_fit():
    with pytest.raises(ValueError, match="read-only"):
        projection().pixels[0, 0] = 1.0
    with pytest.raises(InvalidGeometry, match="do not fit a detector"):
        projection(pixels=np.zeros((201, 101)))
    with pytest.raises(FrameMismatch):
        projection(geometry=replace(projection().geometry, frame=Frame.GANTRY))


def test_a_point_of_the_patient_falls_where_the_room_says():
    """HFS: left is +x of the room, superior toward the gantry, posterior down; magnification 1.5 at the isocenter."""
    seen = projection().patient_geometry(PATIENT)
    assert seen.pixels((10.0, -20.0, 300.0)) == pytest.approx([100.0, 50.0])
    assert seen.pixels((20.0, -20.0, 300.0)) == pytest.approx([115.0, 50.0])
    assert seen.pixels((10.0, -20.0, 310.0)) == pytest.approx([100.0, 35.0])
    deeper = 1500.0 / 1030.0 * 10.0
    assert seen.pixels((20.0, 10.0, 300.0)) == pytest.approx([100.0 + deeper, 50.0])


def test_a_turned_couch_turns_the_patient():
    """Support angle 90: counter-clockwise from above, so what was at +x lies toward the gantry."""
    turned = projection(pose=MachinePose(0.0, 1000.0, couch=CouchPose(patient_support_angle_deg=90.0)))
    assert turned.patient_geometry(PATIENT).pixels((20.0, -20.0, 300.0)) == pytest.approx([100.0, 35.0])


@pytest.mark.parametrize(
    ("values", "lacks"),
    [
        ({"isocenter_mm": None}, "its isocenter"),
        ({"provenance": Provenance()}, "its patient position"),
        ({"pose": MachinePose(0.0, 1000.0)}, "its patient support angle"),
    ],
)
def test_what_is_not_stated_is_not_guessed(values, lacks):
    with pytest.raises(MissingInput, match=lacks):
        projection(**values).fixed_from_patient(PATIENT)


def test_another_patient_frame_is_refused():
    with pytest.raises(FrameMismatch):
        projection().fixed_from_patient(Frame.plan("1.2.4"))
    assert projection().fixed_from_patient(Frame.daily("1.2.3")).from_frame == Frame.daily("1.2.3")


def test_kilovolts_and_megavolts():
    assert Exposure(tube_voltage_kv=120.0).is_megavoltage is False
    assert Exposure(tube_voltage_kv=6000.0).is_megavoltage is True
    assert Exposure().is_megavoltage is None
