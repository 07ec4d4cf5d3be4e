"""What every motion monitor does."""

import itertools

from openigrt.geometry import Frame
from openigrt.images import MotionSample
from openigrt.machine import Devices


def polled(devices: Devices, step_s: float, until_s: float) -> list[MotionSample]:
    """All samples, asked for every step, each time from the last one on."""
    (monitor,), samples = devices.monitors, []
    since_s = 0.0
    while devices.clock.now_s < until_s:
        devices.clock.sleep_until(devices.clock.now_s + step_s)
        new = monitor.samples_since(since_s)
        assert all(since_s < sample.at_s <= devices.clock.now_s for sample in new)
        samples += new
        since_s = samples[-1].at_s if samples else since_s
    return samples


def test_it_has_a_name(devices: Devices):
    assert all(monitor.name for monitor in devices.monitors)


def test_samples_are_in_order_and_never_told_twice(devices: Devices):
    times = [sample.at_s for sample in polled(devices, 0.37, 10.0)]
    assert times == sorted(set(times))


def test_what_was_told_is_told_the_same_again(devices: Devices):
    told = polled(devices, 0.21, 5.0)
    if told:
        again = devices.monitors[0].samples_since(0.0)
        assert again[: len(told)] == tuple(told)


def test_there_is_news_all_the_time(sound: Devices):
    times = [sample.at_s for sample in polled(sound, 0.5, 10.0)]
    assert max(b - a for a, b in itertools.pairwise(times)) <= 0.5


def test_what_it_could_not_tell_is_no_motion_at_all(sound: Devices):
    samples = polled(sound, 1.0, 30.0)
    assert any(sample.motion is None for sample in samples)
    assert all(sample.motion.to_frame == Frame.FIXED for sample in samples if sample.motion is not None)


def test_nothing_is_told_of_the_future(devices: Devices):
    assert devices.monitors[0].samples_since(devices.clock.now_s) == ()
    assert devices.monitors[0].samples_since(1e6) == ()
