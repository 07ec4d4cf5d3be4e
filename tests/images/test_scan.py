"""Scans: pixels that fit their trajectory, and single projections with the pose of the machine."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import CouchPose, DetectorPlacement, Frame, RigidTransform, circular_trajectory
from openigrt.images import Exposure, Provenance, Quantity, Scan

TRAJECTORY = circular_trajectory([350.0, 0.0, 10.0], DetectorPlacement(1000.0, 1500.0, (5, 4), (2.0, 2.0)))


def scan(**values):
    pixels = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    given = {"pixels": pixels, "trajectory": TRAJECTORY, "quantity": Quantity.INTENSITY}
    return Scan(**given | values)


def test_a_projection_of_a_scan_knows_where_the_machine_stood():
    couch, exposure = CouchPose(patient_support_angle_deg=10.0), Exposure(tube_voltage_kv=125.0)
    whole = scan(couch=couch, exposure=exposure, provenance=Provenance(patient_id="P1"), times_s=[0.0, 0.1, 0.2])
    assert len(whole) == 3
    one = whole.projection(2)
    assert np.array_equal(one.pixels, whole.pixels[2])
    assert one.pose.gantry_angle_deg == pytest.approx(10.0)
    assert one.pose.source_axis_distance_mm == pytest.approx(1000.0)
    assert one.pose.couch == couch
    assert one.exposure == exposure
    assert one.provenance.patient_id == "P1"
    assert one.geometry.pixels((0.0, 0.0, 0.0)) == pytest.approx([2.0, 1.5])
    assert whole.times_s.tolist() == [0.0, 0.1, 0.2]


@pytest.mark.parametrize("times_s", [[0.0, 0.2, 0.1], [0.0, np.nan, 0.2], [0.0, 0.1, np.inf]])
def test_times_that_fall_or_are_no_numbers_are_refused(times_s):
    with pytest.raises(InvalidGeometry, match=r"never fall|finite"):
        scan(times_s=times_s)


def test_times_of_a_coarse_clock_may_be_the_same():
    assert scan(times_s=[0.0, 0.0, 1.0]).times_s.tolist() == [0.0, 0.0, 1.0]


def test_pixels_may_be_read_when_they_are_asked_for():
    class Read:
        shape = (3, 4, 5)

        def __init__(self):
            self.asked = []

        def __getitem__(self, which):
            self.asked.append(which)
            return np.full((which.stop - which.start, 4, 5), which.start, np.float32)

    read = Read()
    assert scan(pixels=read).projection(1).pixels.max() == 1.0
    assert read.asked == [slice(1, 2)]


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidGeometry, match=r"do not fit a trajectory of \(3, 4, 5\)"):
        scan(pixels=np.zeros((3, 5, 4), np.float32))
    with pytest.raises(InvalidGeometry):
        scan(times_s=np.zeros(2))
    patient = RigidTransform(Frame.daily("1.2"), Frame.FIXED, np.eye(3), np.zeros(3))
    with pytest.raises(FrameMismatch):
        scan(trajectory=replace(TRAJECTORY).moved(patient))
