"""What every imager on a gantry does."""

import numpy as np
import pytest

from openigrt.errors import BeyondLimit, DeviceRefusal
from openigrt.geometry import CouchPose, DetectorPlacement, Trajectory, circular_trajectory, signed_angle_difference_deg
from openigrt.machine import ArmState, BeamOrder, BeamPoint, Devices, wait_until_still

NEAR_MM = 10.0  # the sag of arms, not another place


def placement(devices: Devices, distance_mm: float | None = None) -> DetectorPlacement:
    imager = devices.imager.imager
    distance = distance_mm or imager.source_axis_distance_mm
    return DetectorPlacement(distance, imager.source_detector_distance_mm, (8, 6), (50.0, 50.0))


def around(devices: Devices, angles_deg: np.ndarray) -> Trajectory:
    return circular_trajectory(angles_deg, placement(devices))


@pytest.fixture
def ready(devices: Devices) -> Devices:
    devices.imager.extend_arms()
    for _ in range(600):
        if devices.imager.arms() is ArmState.EXTENDED:
            return devices
        devices.clock.sleep_until(devices.clock.now_s + 0.5)
    raise AssertionError("the arms are not out after five minutes")


def source_deg(devices: Devices, gantry_deg: float) -> float:
    return devices.imager.imager.kv_source_angle_deg(gantry_deg)


def test_arms_come_out_and_go_in(devices: Devices):
    assert devices.imager.arms() is ArmState.RETRACTED
    for move, there in (
        (devices.imager.extend_arms, ArmState.EXTENDED),
        (devices.imager.retract_arms, ArmState.RETRACTED),
    ):
        move()
        assert devices.imager.arms() is ArmState.MOVING
        devices.clock.sleep_until(devices.clock.now_s + 60.0)
        assert devices.imager.arms() is there
        move()
        assert devices.imager.arms() is there


def test_without_arms_no_image(devices: Devices):
    with pytest.raises(DeviceRefusal, match="retracted; extend them"):
        devices.imager.scan(around(devices, np.array([90.0, 91.0])))
    devices.imager.extend_arms()
    with pytest.raises(DeviceRefusal, match="moving; extend them"):
        devices.imager.expose(placement(devices))


def test_a_scan_has_its_projections_where_they_were_asked_for(ready: Devices):
    angles = source_deg(ready, 0.0) + np.arange(0.0, 60.0, 1.5)
    began_s = ready.clock.now_s
    scan = ready.imager.scan(around(ready, angles))
    assert 0 < len(scan) <= len(angles)
    assert scan.times_s is not None
    assert scan.times_s[0] == 0.0
    assert (np.diff(scan.times_s) > 0.0).all()
    assert scan.times_s[-1] <= ready.clock.now_s - began_s
    missed = np.abs(np.mod(scan.trajectory.source_angles_deg()[:, None] - angles + 180.0, 360.0) - 180.0).min(axis=1)
    assert missed.max() < 1.0
    sources = np.linalg.norm(scan.trajectory.sources_mm, axis=1)
    np.testing.assert_allclose(sources, ready.imager.imager.source_axis_distance_mm, atol=NEAR_MM)
    assert np.isfinite(scan.pixels[0 : len(scan)]).all()
    assert scan.couch == ready.couch.reading().pose
    assert scan.provenance.acquired_at is not None
    assert scan.provenance.acquired_at >= ready.clock.zero_at


def test_all_projections_arrive(sound: Devices):
    sound.imager.extend_arms()
    sound.clock.sleep_until(sound.clock.now_s + 60.0)
    angles = source_deg(sound, 0.0) + np.arange(0.0, 20.0, 2.0)
    assert len(sound.imager.scan(around(sound, angles))) == len(angles)


@pytest.mark.parametrize("is_clockwise", [True, False])
def test_a_whole_turn_leaves_the_gantry_at_its_end(ready: Devices, is_clockwise: bool):
    low, high = ready.gantry.limits_deg
    first, last = (low + 1.0, high - 1.0) if is_clockwise else (high - 1.0, low + 1.0)
    gantry = np.linspace(first, last, 60)
    ready.imager.scan(around(ready, gantry + source_deg(ready, 0.0)))
    assert abs(signed_angle_difference_deg(ready.gantry.reading().angle_deg, last)) < 0.2


def test_more_than_the_gantry_can_turn_is_refused(ready: Devices):
    before = ready.gantry.reading().angle_deg
    with pytest.raises(BeyondLimit, match="between its stops"):
        ready.imager.scan(around(ready, np.arange(0.0, 700.0, 5.0)))
    ready.clock.sleep_until(ready.clock.now_s + 2.0)
    assert ready.gantry.reading().angle_deg == before


def test_a_source_that_is_not_there_is_refused(ready: Devices):
    with pytest.raises(BeyondLimit, match="source of this imager stands"):
        ready.imager.expose(placement(ready, 700.0))
    with pytest.raises(BeyondLimit, match="source of this imager stands"):
        ready.imager.scan(circular_trajectory([0.0, 1.0], placement(ready, 700.0)))


def test_one_projection_is_taken_from_where_the_source_stands(sound: Devices):
    sound.imager.extend_arms()
    sound.gantry.turn_to(25.0)
    wait_until_still(sound.gantry, sound.clock, 60.0)
    sound.clock.sleep_until(sound.clock.now_s + 60.0)
    projection = sound.imager.expose(placement(sound))
    assert projection.pose.gantry_angle_deg == pytest.approx(source_deg(sound, 25.0), abs=1.0)
    assert projection.pixels.shape == (6, 8)
    assert projection.pose.couch == sound.couch.reading().pose
    assert projection.acquired_at is not None


def test_while_the_couch_moves_there_is_no_image(ready: Devices):
    ready.couch.move_to(CouchPose(table_top_vertical_position_mm=-100.0))
    with pytest.raises(DeviceRefusal, match="couch is still moving"):
        ready.imager.expose(placement(ready))
    with pytest.raises(DeviceRefusal, match="couch is still moving"):
        ready.imager.scan(around(ready, np.array([90.0, 91.0])))


def test_while_the_gantry_turns_there_is_no_scan(ready: Devices):
    ready.gantry.turn_to(120.0)
    with pytest.raises(DeviceRefusal, match="gantry is still turning"):
        ready.imager.scan(around(ready, np.array([90.0, 91.0])))
    wait_until_still(ready.gantry, ready.clock, 60.0)
    assert ready.gantry.reading().angle_deg == pytest.approx(120.0)


def test_while_the_beam_is_on_the_gantry_is_not_turned_and_single_projections_are_taken(sound: Devices):
    sound.imager.extend_arms()
    sound.clock.sleep_until(sound.clock.now_s + 60.0)
    sound.beam.arm(BeamOrder((BeamPoint(0.0, 0.0), BeamPoint(100.0, 0.0))))
    sound.beam.on()
    with pytest.raises(DeviceRefusal, match="hold the beam"):
        sound.imager.scan(around(sound, np.array([90.0, 91.0])))
    assert sound.imager.expose(placement(sound)).pixels.size
    assert sound.beam.reading().delivered_mu == 0.0
