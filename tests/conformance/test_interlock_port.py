"""What every chain of interlocks does."""

import pytest

from openigrt.errors import DeviceRefusal, Interlocked
from openigrt.machine import BeamOrder, BeamPoint, BeamState, Devices

ORDER = BeamOrder((BeamPoint(0.0, 0.0), BeamPoint(100.0, 0.0)))


def test_none_stands_at_first(devices: Devices):
    assert devices.interlocks.standing() == ()


def test_they_are_listed_oldest_first_with_reason_and_time(devices: Devices):
    devices.interlocks.engage("monitor", "no sample for 0.6 s")
    devices.clock.sleep_until(devices.clock.now_s + 2.0)
    devices.interlocks.engage("door", "the door is open")
    first, second = devices.interlocks.standing()
    assert (first.name, first.reason, second.name) == ("monitor", "no sample for 0.6 s", "door")
    assert second.since_s - first.since_s >= 2.0


def test_one_that_stands_stays_as_it_is(devices: Devices):
    devices.interlocks.engage("monitor", "the first reason")
    standing = devices.interlocks.standing()
    devices.clock.sleep_until(devices.clock.now_s + 1.0)
    devices.interlocks.engage("monitor", "another")
    assert devices.interlocks.standing() == standing


def test_what_does_not_stand_cannot_be_cleared(devices: Devices):
    devices.interlocks.engage("door", "open")
    with pytest.raises(DeviceRefusal, match=r"'window'.*'door'"):
        devices.interlocks.clear("window")
    devices.interlocks.clear("door")
    assert devices.interlocks.standing() == ()


def test_no_beam_comes_on_while_one_stands(devices: Devices):
    devices.beam.arm(ORDER)
    devices.interlocks.engage("door", "it is open")
    with pytest.raises(Interlocked, match=r"door \(it is open\)"):
        devices.beam.on()
    devices.clock.sleep_until(devices.clock.now_s + 3.0)
    assert devices.beam.reading().delivered_mu == 0.0


def test_one_of_two_is_enough_to_keep_it_off(devices: Devices):
    devices.beam.arm(ORDER)
    devices.interlocks.engage("door", "open")
    devices.interlocks.engage("monitor", "silent")
    devices.interlocks.clear("door")
    with pytest.raises(Interlocked, match="monitor"):
        devices.beam.on()


def test_a_new_one_holds_the_beam_and_clearing_does_not_turn_it_on(sound: Devices):
    sound.beam.arm(ORDER)
    sound.beam.on()
    sound.clock.sleep_until(sound.clock.now_s + 2.0)
    sound.interlocks.engage("monitor", "stale")
    assert sound.beam.reading().state is BeamState.HELD
    sound.clock.sleep_until(sound.clock.now_s + sound.beam.latency.off_s)
    held = sound.beam.reading()
    assert not held.is_radiating
    sound.interlocks.clear("monitor")
    sound.clock.sleep_until(sound.clock.now_s + 5.0)
    assert sound.beam.reading().state is BeamState.HELD
    assert sound.beam.reading().delivered_mu == held.delivered_mu
    sound.beam.on()
    sound.clock.sleep_until(sound.clock.now_s + 60.0)
    assert sound.beam.reading().state is BeamState.COMPLETE
