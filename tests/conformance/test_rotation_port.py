"""What every gantry and every collimator does."""

import pytest

from openigrt.errors import BeyondLimit, DeviceRefusal
from openigrt.geometry import signed_angle_difference_deg
from openigrt.machine import BeamOrder, BeamPoint, Devices, RotationPort, wait_until_still

LONGEST_S = 180.0


@pytest.fixture(params=["gantry", "collimator"])
def axis(request: pytest.FixtureRequest, devices: Devices) -> RotationPort:
    port: RotationPort = getattr(devices, request.param)
    return port


def turned(axis: RotationPort, devices: Devices, angle_deg: float) -> float:
    """Turn, and give the way that the readings went, degrees with sign."""
    way, last = 0.0, axis.reading().angle_deg
    axis.turn_to(angle_deg)
    assert axis.reading().is_moving
    while axis.reading().is_moving:
        devices.clock.sleep_until(devices.clock.now_s + 0.5)
        now = axis.reading().angle_deg
        way, last = way + signed_angle_difference_deg(now, last), now
    return way


def test_it_is_read_out_where_it_was_sent_from_0_to_360(devices: Devices, axis: RotationPort):
    for angle_deg in (37.0, 300.5, -12.3, 360.0):
        turned(axis, devices, angle_deg)
        reading = axis.reading()
        assert abs(signed_angle_difference_deg(reading.angle_deg, angle_deg)) <= 0.051
        assert 0.0 <= reading.angle_deg < 360.0
        assert reading.at_s <= devices.clock.now_s


def test_it_never_goes_through_its_stops(devices: Devices, axis: RotationPort):
    low, high = axis.limits_deg
    turned(axis, devices, high - 5.0)
    assert turned(axis, devices, low + 5.0) == pytest.approx(low - high + 10.0, abs=0.2)
    assert turned(axis, devices, high - 5.0) == pytest.approx(high - low - 10.0, abs=0.2)


def test_beyond_its_stops_it_does_not_turn(devices: Devices, axis: RotationPort):
    low, high = axis.limits_deg
    before = axis.reading().angle_deg
    if high - low < 360.0:  # others reach every angle
        with pytest.raises(BeyondLimit, match="between its stops"):
            axis.turn_to((high + low + 360.0) / 2.0)
    with pytest.raises(BeyondLimit, match="finite"):
        axis.turn_to(float("nan"))
    devices.clock.sleep_until(devices.clock.now_s + 3.0)
    assert axis.reading().angle_deg == before


def test_a_second_turn_is_refused_and_it_stops_when_told(devices: Devices, axis: RotationPort):
    axis.turn_to(90.0)
    devices.clock.sleep_until(devices.clock.now_s + 2.0)
    with pytest.raises(DeviceRefusal, match="still turning"):
        axis.turn_to(10.0)
    axis.stop()
    stopped = axis.reading()
    assert not stopped.is_moving
    assert 0.0 < stopped.angle_deg < 90.0
    devices.clock.sleep_until(devices.clock.now_s + 5.0)
    assert axis.reading().angle_deg == stopped.angle_deg


def test_it_does_not_turn_on_command_while_the_beam_is_on(devices: Devices, axis: RotationPort):
    devices.beam.arm(BeamOrder((BeamPoint(0.0, 0.0), BeamPoint(50.0, 0.0))))
    devices.beam.on()
    with pytest.raises(DeviceRefusal, match="the beam is on"):
        axis.turn_to(20.0)
    devices.clock.sleep_until(devices.clock.now_s + 2.0)
    assert axis.reading().angle_deg == 0.0


def test_to_wait_for_it_ends_when_it_stands(devices: Devices, axis: RotationPort):
    axis.turn_to(30.0)
    wait_until_still(axis, devices.clock, LONGEST_S)
    assert axis.reading().angle_deg == pytest.approx(30.0, abs=0.051)
