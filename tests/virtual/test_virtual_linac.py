"""A virtual linac as a whole: its gantry, its monitors, and the same answers for a seed."""

import numpy as np
import pytest

from openigrt.errors import InputError
from openigrt.geometry import CouchPose, Frame, RigidTransform, TableAngles, circular_trajectory, rotation_angle_deg
from openigrt.images import MotionSample
from openigrt.machine import BeamOrder, BeamPoint, wait_until_still
from openigrt.virtual import (
    Drive,
    FramesDropped,
    LinacModel,
    MonitorModel,
    MonitorSilent,
    RotationModel,
    ScheduledFault,
    VirtualLinac,
)
from tests.virtual.linac_cases import SMALL, imaging, sent


@pytest.mark.parametrize("asked_deg", [-182.0, -180.0, 178.0, 180.0, 185.0, 10.0])
def test_of_two_ways_to_an_angle_the_one_asked_for_is_taken(asked_deg: float):
    """A gantry that turns 5 degrees past the bottom on both sides; at -182 it stands where it does at 178."""
    gantry = RotationModel(Drive(6.0, 3.0), -185.0, 185.0)
    devices = VirtualLinac(LinacModel(gantry=gantry)).devices
    devices.gantry.turn_to(asked_deg)
    wait_until_still(devices.gantry, devices.clock, 60.0)
    assert devices.clock.now_s == pytest.approx(abs(asked_deg) / 6.0 + 2.0, abs=0.11)
    assert devices.gantry.reading().angle_deg == pytest.approx(asked_deg % 360.0)


def test_an_angle_beyond_both_stops_is_wrapped_by_as_few_turns_as_it_takes():
    devices = VirtualLinac(LinacModel(gantry=RotationModel(Drive(6.0, 3.0), -185.0, 185.0))).devices
    devices.gantry.turn_to(540.0 + 4.0)  # 184, not -176
    devices.clock.sleep_until(10.0)
    assert devices.gantry.reading().angle_deg < 90.0


def test_stops_on_one_side_are_refused():
    with pytest.raises(InputError, match="both sides of zero"):
        RotationModel(Drive(6.0, 3.0), 10.0, 180.0)


def moving(time_s: float) -> RigidTransform:
    turn = TableAngles(time_s / 10.0, 0.0, 0.0).matrix()
    return RigidTransform(Frame.FIXED, Frame.FIXED, turn, np.array([time_s, 0.0, -time_s]))


def watched(linac: VirtualLinac, model: MonitorModel, duration_s: float) -> tuple[MotionSample, ...]:
    linac.watch(model, moving)
    linac.devices.clock.sleep_until(duration_s)
    return linac.devices.monitors[-1].samples_since(0.0)


def test_noise_of_a_monitor_has_its_deviation_round_the_truth_of_its_moment():
    samples = watched(VirtualLinac(seed=4), MonitorModel("a", 25.0, 0.1, noise_mm=0.3), 80.0)
    assert len(samples) == 1997  # the last at 79.88 s, told at 79.98 s
    off = np.array([s.motion.translation_mm - (s.at_s, 0.0, -s.at_s) for s in samples if s.motion])
    np.testing.assert_allclose(off.std(axis=0), 0.3, rtol=3.0 / np.sqrt(2 * len(off)))
    assert np.abs(off.mean(axis=0)).max() < 3.0 * 0.3 / np.sqrt(len(off))
    assert all(np.array_equal(s.motion.rotation, np.eye(3)) for s in samples if s.motion)


def test_a_monitor_of_six_degrees_of_freedom_tells_rotation():
    model = MonitorModel("surface", 10.0, 0.0, noise_mm=0.0, noise_deg=0.2, has_rotation=True)
    samples = watched(VirtualLinac(seed=4), model, 100.0)
    told = [s.motion.rotation @ moving(s.at_s).rotation.T for s in samples if s.motion]
    off = [rotation_angle_deg(rotation) for rotation in told]
    assert np.sqrt(np.mean(np.square(off))) == pytest.approx(0.2 * np.sqrt(3.0), rel=0.1)


def test_a_monitor_tells_late_and_what_it_lost():
    linac = VirtualLinac(seed=4)
    samples = watched(linac, MonitorModel("a", 10.0, 0.25, lost_share=0.2), 100.0)
    assert samples[-1].at_s == pytest.approx(99.7)
    lost = np.mean([sample.motion is None for sample in samples])
    assert lost == pytest.approx(0.2, abs=3.0 * np.sqrt(0.2 * 0.8 / len(samples)))


def test_a_silent_monitor_has_a_gap_and_only_that_one():
    linac = VirtualLinac(seed=4, faults=[ScheduledFault(MonitorSilent("a"), 10.0, 20.0)])
    linac.watch(MonitorModel("b"), lambda _: None)
    times = np.array([sample.at_s for sample in watched(linac, MonitorModel("a", 10.0), 30.0)])
    assert not ((times >= 10.0) & (times < 20.0)).any()
    assert len(times) == 299 - 100
    (other, _) = linac.devices.monitors
    assert len(other.samples_since(0.0)) == 299
    assert all(sample.motion is None for sample in other.samples_since(0.0))


def test_a_monitor_that_never_looks_is_refused():
    with pytest.raises(InputError, match="rate above zero"):
        MonitorModel("a", rate_hz=0.0)


def a_fraction(seed: int) -> tuple[object, ...]:
    """All that ports and truth say of a small treatment."""
    linac = VirtualLinac(seed=seed, faults=[ScheduledFault(FramesDropped(0.2))])
    linac.watch(MonitorModel("a", lost_share=0.1), moving)
    devices = imaging(linac)
    scan = devices.imager.scan(circular_trajectory(np.arange(0.0, 180.0, 3.0), SMALL))
    sent(devices, CouchPose(3.0, -4.0, 5.0, 1.0, 0.5, -0.5))
    devices.gantry.turn_to(0.0)
    wait_until_still(devices.gantry, devices.clock, 100.0)
    devices.beam.arm(BeamOrder((BeamPoint(0.0, 0.0), BeamPoint(100.0, 90.0))))
    devices.beam.on()
    devices.clock.sleep_until(devices.clock.now_s + 4.0)
    devices.beam.hold()
    now_s = devices.clock.now_s
    return (
        scan.trajectory.sources_mm.tobytes(),
        devices.couch.reading(),
        devices.gantry.reading(),
        devices.beam.reading(),
        devices.monitors[0].samples_since(0.0),
        linac.truth.couch_pose(now_s),
        linac.truth.fixed_from_table(now_s),
        linac.truth.beam_intervals(),
    )


def test_the_same_seed_gives_the_same_fraction_to_the_last_bit():
    assert a_fraction(11) == a_fraction(11)


def test_another_seed_gives_other_errors_and_the_same_read_outs():
    one, other = a_fraction(11), a_fraction(12)
    assert one[1:4] == other[1:4], "nobody who reads the ports can tell"
    assert one[0] != other[0]
    assert one[4] != other[4]
    assert one[5] != other[5]
