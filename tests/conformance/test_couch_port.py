"""What every couch with a remote drive does, and above all does not."""

from dataclasses import replace

import pytest

from openigrt.errors import BeyondLimit, DeviceRefusal
from openigrt.geometry import CouchPose
from openigrt.machine import (
    LINEAR_AXES,
    BeamOrder,
    BeamPoint,
    CouchAxis,
    CouchReading,
    Devices,
    axis_positions,
    wait_until_still,
)

FIELD = {
    CouchAxis.LATERAL: "table_top_lateral_position_mm",
    CouchAxis.LONGITUDINAL: "table_top_longitudinal_position_mm",
    CouchAxis.VERTICAL: "table_top_vertical_position_mm",
    CouchAxis.YAW: "patient_support_angle_deg",
    CouchAxis.PITCH: "table_top_pitch_angle_deg",
    CouchAxis.ROLL: "table_top_roll_angle_deg",
}
LONGEST_S = 120.0


def axes_of(devices: Devices) -> list[CouchAxis]:
    return list(CouchAxis)[: devices.couch.couch.degrees_of_freedom]


def with_axis(pose: CouchPose, axis: CouchAxis, value: float) -> CouchPose:
    return replace(pose, **{FIELD[axis]: value})


def small_move(devices: Devices) -> CouchPose:
    """A pose a little off the present one on every axis that the couch has."""
    pose = devices.couch.reading().pose
    for n, axis in enumerate(axes_of(devices)):
        step = (6.0 - 2.0 * n) if axis in LINEAR_AXES else 0.8 - 0.2 * n
        pose = with_axis(pose, axis, axis_positions(pose)[axis] + step)
    return pose


def require_unmoved(devices: Devices, before: CouchReading) -> None:
    for _ in range(3):
        after = devices.couch.reading()
        assert after.pose == before.pose
        assert not after.is_moving
        devices.clock.sleep_until(devices.clock.now_s + 2.0)


def test_a_reading_is_of_now(devices: Devices):
    first = devices.couch.reading()
    devices.clock.sleep_until(devices.clock.now_s + 5.0)
    second = devices.couch.reading()
    assert second.at_s >= first.at_s + 5.0
    assert second.at_s <= devices.clock.now_s


def test_it_is_read_out_where_it_was_sent(sound: Devices):
    target = small_move(sound)
    sound.couch.move_to(target)
    wait_until_still(sound.couch, sound.clock, LONGEST_S)
    there, wanted = axis_positions(sound.couch.reading().pose), axis_positions(target)
    for axis in CouchAxis:
        resolution = sound.couch.couch.resolution_mm if axis in LINEAR_AXES else sound.couch.couch.resolution_deg
        assert there[axis] == pytest.approx(wanted[axis], abs=0.51 * resolution)


def test_a_move_begins_at_once_takes_time_and_ends(devices: Devices):
    began_s = devices.clock.now_s
    devices.couch.move_to(small_move(devices))
    assert devices.couch.reading().is_moving
    wait_until_still(devices.couch, devices.clock, LONGEST_S)
    assert devices.clock.now_s > began_s


def test_beyond_any_limit_no_axis_moves(devices: Devices):
    couch, before = devices.couch.couch, devices.couch.reading()
    assert set(couch.limits) == set(axes_of(devices)), "every axis that a couch has, has limits"
    for axis, (low, high) in couch.limits.items():
        for value in (low - 0.5, high + 0.5):
            with pytest.raises(BeyondLimit, match=f"{axis} would stand at") as refusal:
                devices.couch.move_to(with_axis(small_move(devices), axis, value))
            assert "Set the patient up" in refusal.value.sentence
    require_unmoved(devices, before)


@pytest.mark.parametrize("end", [0, 1])
def test_a_limit_itself_is_within(sound: Devices, end: int):
    value = sound.couch.couch.limits[CouchAxis.VERTICAL][end]
    sound.couch.move_to(with_axis(sound.couch.reading().pose, CouchAxis.VERTICAL, value))
    wait_until_still(sound.couch, sound.clock, LONGEST_S)
    assert sound.couch.reading().pose.table_top_vertical_position_mm == pytest.approx(value)


def test_an_axis_that_it_lacks_is_refused_and_no_axis_moves(devices: Devices):
    before = devices.couch.reading()
    for axis in list(CouchAxis)[len(axes_of(devices)) :]:
        with pytest.raises(BeyondLimit, match=f"has no {axis}"):
            devices.couch.move_to(with_axis(small_move(devices), axis, 1.0))
    require_unmoved(devices, before)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(devices: Devices, value: float):
    before = devices.couch.reading()
    for axis in CouchAxis:
        with pytest.raises(BeyondLimit):
            devices.couch.move_to(with_axis(before.pose, axis, value))
    require_unmoved(devices, before)


def test_an_eccentric_table_top_that_is_not_there_is_refused(devices: Devices):
    before = devices.couch.reading()
    with pytest.raises(BeyondLimit, match="eccentric"):
        devices.couch.move_to(replace(before.pose, table_top_eccentric_angle_deg=10.0))
    require_unmoved(devices, before)


def test_a_second_move_is_refused_and_the_first_goes_on(sound: Devices):
    target = small_move(sound)
    sound.couch.move_to(target)
    with pytest.raises(DeviceRefusal, match="still moving"):
        sound.couch.move_to(CouchPose())
    wait_until_still(sound.couch, sound.clock, LONGEST_S)
    shown = sound.couch.reading().pose.table_top_lateral_position_mm
    assert shown == pytest.approx(target.table_top_lateral_position_mm, abs=sound.couch.couch.resolution_mm)


def test_it_stops_on_its_way(sound: Devices):
    pose = with_axis(sound.couch.reading().pose, CouchAxis.VERTICAL, -200.0)
    sound.couch.move_to(pose)
    sound.clock.sleep_until(sound.clock.now_s + 3.0)
    sound.couch.stop()
    stopped = sound.couch.reading()
    assert not stopped.is_moving
    assert -200.0 < stopped.pose.table_top_vertical_position_mm < 0.0
    require_unmoved(sound, stopped)
    sound.couch.move_to(pose)
    wait_until_still(sound.couch, sound.clock, LONGEST_S)
    assert sound.couch.reading().pose.table_top_vertical_position_mm == pytest.approx(-200.0)


def test_to_stop_is_always_possible(devices: Devices):
    before = devices.couch.reading()
    devices.couch.stop()
    devices.couch.stop()
    require_unmoved(devices, before)


def test_it_does_not_move_while_the_beam_is_on(devices: Devices):
    before = devices.couch.reading()
    devices.beam.arm(BeamOrder((BeamPoint(0.0, 0.0), BeamPoint(200.0, 0.0))))
    devices.beam.on()
    with pytest.raises(DeviceRefusal, match="the beam is on"):
        devices.couch.move_to(small_move(devices))
    require_unmoved(devices, before)
    devices.beam.hold()
    devices.clock.sleep_until(devices.clock.now_s + devices.beam.latency.off_s + 1.0)
    devices.couch.move_to(small_move(devices))
    assert devices.couch.reading().is_moving
