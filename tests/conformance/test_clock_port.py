"""What every clock of a machine does."""

from datetime import UTC

import pytest

from openigrt.errors import InputError
from openigrt.machine import Devices


def test_it_never_runs_back_and_sleeps_as_long_as_it_is_told(devices: Devices):
    clock = devices.clock
    for wanted_s in (clock.now_s + 0.5, clock.now_s + 30.0, 0.0, clock.now_s + 0.001):
        before_s = clock.now_s
        clock.sleep_until(wanted_s)
        assert clock.now_s >= max(before_s, wanted_s)


def test_a_time_that_has_passed_takes_no_time(devices: Devices):
    devices.clock.sleep_until(10.0)
    before_s = devices.clock.now_s
    devices.clock.sleep_until(1.0)
    assert devices.clock.now_s - before_s < 0.1


def test_its_zero_is_a_moment_in_utc(devices: Devices):
    assert devices.clock.zero_at.tzinfo is UTC


@pytest.mark.parametrize("never_s", [float("nan"), float("inf")])
def test_it_does_not_sleep_for_ever(devices: Devices, never_s: float):
    with pytest.raises(InputError, match="finite"):
        devices.clock.sleep_until(never_s)
