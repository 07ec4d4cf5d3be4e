"""What every treatment beam does, and above all when it stops."""

import itertools

import numpy as np
import pytest

from openigrt.errors import DeviceRefusal
from openigrt.geometry import CouchPose, signed_angle_difference_deg
from openigrt.machine import BeamOrder, BeamPoint, BeamReading, BeamState, Devices, wait_until_still

STATIC = BeamOrder((BeamPoint(0.0, 0.0), BeamPoint(50.0, 0.0)))
SLOW = BeamOrder(STATIC.points, dose_rate_mu_per_min=60.0)
ARC = BeamOrder((BeamPoint(0.0, 0.0), BeamPoint(20.0, 30.0), BeamPoint(80.0, 60.0, 20.0)))
READOUT_MU = 0.011


def after(devices: Devices, duration_s: float) -> BeamReading:
    devices.clock.sleep_until(devices.clock.now_s + duration_s)
    return devices.beam.reading()


def begun(devices: Devices, order: BeamOrder) -> None:
    devices.beam.arm(order)
    devices.beam.on()


def completed(devices: Devices) -> BeamReading:
    for _ in range(600):
        if after(devices, 0.5).state is BeamState.COMPLETE:
            return after(devices, 2.0)
    raise AssertionError("the beam is not complete after five minutes")


def test_it_is_off_at_first(devices: Devices):
    reading = devices.beam.reading()
    assert (reading.state, reading.is_radiating, reading.delivered_mu) == (BeamState.OFF, False, 0.0)


def test_an_order_is_delivered_to_its_last_monitor_unit(sound: Devices):
    sound.beam.arm(STATIC)
    assert after(sound, 5.0).state is BeamState.ARMED
    assert sound.beam.reading().delivered_mu == 0.0
    sound.beam.on()
    assert sound.beam.reading().state is BeamState.ON
    done = completed(sound)
    assert done.delivered_mu == pytest.approx(STATIC.total_mu, abs=READOUT_MU)
    assert not done.is_radiating
    assert after(sound, 20.0).delivered_mu == done.delivered_mu


def test_it_is_complete_in_every_room_and_never_gives_less(devices: Devices):
    begun(devices, STATIC)
    done = completed(devices)
    assert done.delivered_mu >= STATIC.total_mu - READOUT_MU
    assert not done.is_radiating


def test_radiation_comes_within_its_latency(devices: Devices):
    begun(devices, STATIC)
    assert after(devices, devices.beam.latency.on_s + 1e-6).is_radiating
    assert after(devices, 1.0).delivered_mu > 0.0


def test_the_dose_rate_of_the_order_is_not_exceeded(sound: Devices):
    begun(sound, SLOW)
    first = after(sound, sound.beam.latency.on_s + 1.0)
    second = after(sound, 10.0)
    given_mu = second.delivered_mu - first.delivered_mu
    assert given_mu == pytest.approx((second.at_s - first.at_s) * 1.0, abs=2 * READOUT_MU)


def test_a_hold_ends_radiation_within_its_latency_and_on_goes_on(sound: Devices):
    begun(sound, STATIC)
    for _ in range(2):
        after(sound, 1.0)
        sound.beam.hold()
        assert sound.beam.reading().state is BeamState.HELD
        held = after(sound, sound.beam.latency.off_s)
        assert not held.is_radiating
        assert after(sound, 10.0).delivered_mu == held.delivered_mu < STATIC.total_mu
        sound.beam.on()
    assert completed(sound).delivered_mu == pytest.approx(STATIC.total_mu, abs=READOUT_MU)


def test_a_hold_ends_radiation_in_every_room_in_the_end(devices: Devices):
    begun(devices, SLOW)
    after(devices, 2.0)
    devices.beam.hold()
    assert not after(devices, 5.0).is_radiating


def test_a_hold_before_radiation_came_lets_none_come(sound: Devices):
    begun(sound, STATIC)
    sound.beam.hold()
    assert after(sound, 5.0).delivered_mu == 0.0
    sound.beam.on()
    assert completed(sound).delivered_mu == pytest.approx(STATIC.total_mu, abs=READOUT_MU)


def test_monitor_units_never_fall_and_times_never_run_back(devices: Devices):
    begun(devices, STATIC)
    readings = []
    for n in range(60):
        readings.append(after(devices, 0.13))
        if n % 20 == 9:
            devices.beam.hold()
        if n % 20 == 19 and devices.beam.reading().state is BeamState.HELD:
            devices.beam.on()
    for before, now in itertools.pairwise(readings):
        assert now.delivered_mu >= before.delivered_mu
        assert now.at_s > before.at_s


def test_to_hold_and_to_end_is_always_possible(devices: Devices):
    devices.beam.hold()
    devices.beam.off()
    devices.beam.arm(STATIC)
    devices.beam.hold()
    assert devices.beam.reading().state is BeamState.ARMED
    devices.beam.on()
    completed(devices)
    devices.beam.hold()
    assert devices.beam.reading().state is BeamState.COMPLETE
    devices.beam.off()
    assert devices.beam.reading().state is BeamState.OFF


def test_what_was_ended_does_not_go_on_and_keeps_its_monitor_units(sound: Devices):
    begun(sound, STATIC)
    after(sound, 2.0)
    sound.beam.off()
    ended = after(sound, 3.0)
    assert ended.state is BeamState.OFF
    assert 0.0 < ended.delivered_mu < STATIC.total_mu
    with pytest.raises(DeviceRefusal, match="arm an order"):
        sound.beam.on()
    assert after(sound, 5.0).delivered_mu == ended.delivered_mu
    begun(sound, STATIC.after(ended.delivered_mu))
    assert ended.delivered_mu + completed(sound).delivered_mu == pytest.approx(STATIC.total_mu, abs=2 * READOUT_MU)


def test_it_does_not_come_on_unarmed(devices: Devices):
    with pytest.raises(DeviceRefusal, match="arm an order"):
        devices.beam.on()
    assert not after(devices, 2.0).is_radiating


@pytest.mark.parametrize("is_held", [True, False])
def test_another_order_is_refused_during_delivery(devices: Devices, is_held: bool):
    begun(devices, SLOW)
    after(devices, 1.0)
    if is_held:
        devices.beam.hold()
        after(devices, 3.0)
    with pytest.raises(DeviceRefusal, match="another order"):
        devices.beam.arm(STATIC)
    assert after(devices, 0.0).delivered_mu > 0.0


def test_while_there_still_is_radiation_nothing_is_armed(devices: Devices):
    begun(devices, SLOW)
    after(devices, 2.0)
    devices.beam.off()
    with pytest.raises(DeviceRefusal, match="wait"):
        devices.beam.arm(STATIC)
    after(devices, 3.0)
    devices.beam.arm(STATIC)


def test_it_stays_off_where_the_gantry_is_not_in_place(devices: Devices):
    devices.beam.arm(BeamOrder((BeamPoint(0.0, 40.0), BeamPoint(50.0, 40.0))))
    with pytest.raises(DeviceRefusal, match="gantry stands at 0 deg"):
        devices.beam.on()
    assert not after(devices, 2.0).is_radiating
    devices.gantry.turn_to(40.0)
    with pytest.raises(DeviceRefusal, match="move"):
        devices.beam.on()
    wait_until_still(devices.gantry, devices.clock, 60.0)
    devices.beam.on()
    assert after(devices, 2.0).is_radiating


def test_it_stays_off_while_the_couch_moves(devices: Devices):
    devices.beam.arm(STATIC)
    devices.couch.move_to(CouchPose(table_top_longitudinal_position_mm=100.0))
    with pytest.raises(DeviceRefusal, match="couch"):
        devices.beam.on()
    assert not after(devices, 1.0).is_radiating


def test_an_arc_is_where_its_monitor_units_say(sound: Devices):
    begun(sound, ARC)
    angles = []
    while sound.beam.reading().state is BeamState.ON:
        delivered = after(sound, 0.31).delivered_mu
        point = ARC.at(delivered)
        angles.append(sound.gantry.reading().angle_deg)
        assert abs(signed_angle_difference_deg(angles[-1], point.gantry_angle_deg)) < 0.2
        collimator_deg = sound.collimator.reading().angle_deg
        assert abs(signed_angle_difference_deg(collimator_deg, point.beam_limiting_device_angle_deg)) < 0.2
    assert angles == sorted(angles)
    assert angles[-1] == pytest.approx(60.0, abs=0.1)
    assert sound.beam.reading().delivered_mu == pytest.approx(80.0, abs=READOUT_MU)


def test_an_arc_that_is_held_stands_and_goes_on_from_there(sound: Devices):
    begun(sound, ARC)
    after(sound, 3.0)
    assert sound.gantry.reading().is_moving
    sound.beam.hold()
    held = after(sound, sound.beam.latency.off_s + 0.01)
    standing = sound.gantry.reading()
    assert not standing.is_moving
    after(sound, 10.0)
    assert sound.gantry.reading().angle_deg == standing.angle_deg
    assert standing.angle_deg == pytest.approx(ARC.at(held.delivered_mu).gantry_angle_deg, abs=0.2)
    sound.gantry.turn_to(90.0)
    wait_until_still(sound.gantry, sound.clock, 60.0)
    with pytest.raises(DeviceRefusal, match="gantry stands at 90 deg"):
        sound.beam.on()
    sound.gantry.turn_to(standing.angle_deg)
    wait_until_still(sound.gantry, sound.clock, 60.0)
    sound.beam.on()
    completed(sound)
    assert sound.gantry.reading().angle_deg == pytest.approx(60.0, abs=0.2)


@pytest.mark.parametrize("name", ["gantry", "collimator"])
def test_a_stop_of_the_gantry_or_collimator_holds_the_beam(devices: Devices, name: str):
    begun(devices, ARC)
    after(devices, 3.0)
    axis = getattr(devices, name)
    axis.stop()
    assert devices.beam.reading().state is BeamState.HELD
    stopped = axis.reading()
    held = after(devices, devices.beam.latency.off_s + 2.0)
    assert not held.is_radiating
    assert held.delivered_mu < ARC.total_mu
    assert axis.reading().angle_deg == stopped.angle_deg
    assert not axis.reading().is_moving


def test_an_arc_the_long_way_round_goes_that_way(sound: Devices):
    long_way = BeamOrder((BeamPoint(0.0, -175.0), BeamPoint(300.0, 175.0)))
    sound.gantry.turn_to(-175.0)
    wait_until_still(sound.gantry, sound.clock, 60.0)
    begun(sound, long_way)
    angles = [sound.gantry.reading().angle_deg]
    while sound.beam.reading().state is BeamState.ON:
        after(sound, 2.0)
        angles.append(sound.gantry.reading().angle_deg)
    steps = [signed_angle_difference_deg(b, a) for a, b in itertools.pairwise(angles)]
    assert min(steps) >= 0.0
    assert np.sum(steps) == pytest.approx(350.0, abs=0.2)


def test_angles_that_the_gantry_cannot_reach_are_refused(devices: Devices):
    low, high = devices.gantry.limits_deg
    too_far = BeamOrder((BeamPoint(0.0, low), BeamPoint(100.0, high + 10.0)))
    with pytest.raises(DeviceRefusal, match="between its stops"):
        devices.beam.arm(too_far)
    assert devices.beam.reading().state is BeamState.OFF
