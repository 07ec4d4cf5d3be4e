"""A fraction through the ports alone, as a session will drive it: what the ports tell is enough to hold in time."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from openigrt.geometry import CouchPose, Frame, RigidTransform
from openigrt.images import MotionSample
from openigrt.machine import (
    BeamOrder,
    BeamPoint,
    BeamReading,
    BeamState,
    CouchAxis,
    Devices,
    axis_positions,
    wait_until_still,
)
from openigrt.virtual import (
    BeamRunsOn,
    CouchReadoutFrozen,
    CouchStopsShort,
    MonitorModel,
    MonitorSilent,
    ScheduledFault,
    VirtualLinac,
)

ARC = BeamOrder(tuple(BeamPoint(5.0 * n, -170.0 + 10.0 * n) for n in range(35)))
FRAME_AGE_S, LIMIT_MM, STEP_S = 0.5, 3.0, 0.1
Fault = CouchStopsShort | CouchReadoutFrozen


@dataclass
class Delivered:
    """Readings while a beam was delivered, and every hold: when, and why."""

    readings: list[BeamReading] = field(default_factory=list)
    angles_deg: list[float] = field(default_factory=list)
    holds: list[tuple[float, str]] = field(default_factory=list)


def reason_to_hold(news: list[MotionSample], now_s: float) -> str:
    """Missing, stale and large are for holding; never the last good value."""
    told = [sample for sample in news if sample.motion is not None]
    if not told or now_s - told[-1].at_s > FRAME_AGE_S:
        return "stale"
    motion = told[-1].motion
    assert motion is not None
    return "moved" if np.linalg.norm(motion.translation_mm) > LIMIT_MM else ""


def delivered(devices: Devices, order: BeamOrder) -> Delivered:
    """Turn to the first angle, deliver, hold by an interlock where there is a reason, go on where there is none."""
    done, clock, beam = Delivered(), devices.clock, devices.beam
    devices.gantry.turn_to(order.points[0].gantry_angle_deg)
    wait_until_still(devices.gantry, clock, 120.0)
    beam.arm(order)
    beam.on()
    while beam.reading().state is not BeamState.COMPLETE:
        clock.sleep_until(clock.now_s + STEP_S)
        reason = reason_to_hold(list(devices.monitors[0].samples_since(clock.now_s - 2.0)), clock.now_s)
        standing = devices.interlocks.standing()
        if reason and not standing:
            devices.interlocks.engage("motion", reason)
            done.holds.append((clock.now_s, reason))
        if standing and not reason:
            devices.interlocks.clear("motion")
            clock.sleep_until(clock.now_s + 2.0)
            beam.on()
        done.readings.append(beam.reading())
        done.angles_deg.append(devices.gantry.reading().angle_deg)
    return done


def still(time_s: float) -> RigidTransform:
    return RigidTransform.identity(Frame.FIXED, Frame.FIXED)


def jumped(time_s: float) -> RigidTransform:
    """5 mm off from second 50 to second 60."""
    off_mm = 5.0 if 50.0 <= time_s < 60.0 else 0.0
    return RigidTransform(Frame.FIXED, Frame.FIXED, np.eye(3), np.array([0.0, 0.0, off_mm]))


def radiation_s(linac: VirtualLinac, start_s: float, stop_s: float) -> float:
    return sum(max(0.0, min(stop_s, b) - max(start_s, a)) for a, b in linac.truth.beam_intervals())


def test_a_beam_is_held_when_its_monitor_falls_silent_and_everything_is_still_delivered_once():
    linac = VirtualLinac(seed=1, faults=[ScheduledFault(MonitorSilent(), 50.0, 58.0)])
    linac.watch(MonitorModel("transponders", noise_mm=0.2), still)
    done = delivered(linac.devices, ARC)
    (held,) = done.holds
    assert held[1] == "stale"
    assert held[0] == pytest.approx(50.0 + FRAME_AGE_S, abs=2 * STEP_S)
    leaked_s = radiation_s(linac, 50.0, 58.0)
    assert leaked_s <= FRAME_AGE_S + 2 * STEP_S + linac.devices.beam.latency.off_s
    assert done.readings[-1].delivered_mu == pytest.approx(ARC.total_mu, abs=0.011)


def test_a_beam_is_held_while_the_target_is_away():
    linac = VirtualLinac(seed=1)
    linac.watch(MonitorModel("transponders", latency_s=0.1, noise_mm=0.2), jumped)
    done = delivered(linac.devices, ARC)
    assert [reason for _, reason in done.holds] == ["moved"]
    assert radiation_s(linac, 50.0, 60.0) <= 0.1 + 0.1 + 2 * STEP_S + linac.devices.beam.latency.off_s


def test_a_hold_that_the_beam_does_not_obey_shows_in_its_reading():
    linac = VirtualLinac(seed=1, faults=[ScheduledFault(BeamRunsOn(0.8), 40.0, 55.0)])
    linac.watch(MonitorModel("transponders", noise_mm=0.2), jumped)
    devices, done = linac.devices, delivered(linac.devices, ARC)
    late_s = done.holds[0][0] + devices.beam.latency.off_s
    disobeyed = [r for r in done.readings if r.state is BeamState.HELD and r.is_radiating and r.at_s > late_s + 0.01]
    assert disobeyed
    assert max(r.at_s for r in disobeyed) <= late_s + 0.8


def test_what_is_recorded_at_each_control_point_is_where_the_machine_was():
    """Monitor units and angles of the readings, between which a record interpolates, lie on the order."""
    linac = VirtualLinac(seed=1)
    linac.watch(MonitorModel("transponders"), still)
    done = delivered(linac.devices, ARC)
    mu = np.array([reading.delivered_mu for reading in done.readings])
    angles = np.mod(np.array(done.angles_deg) + 180.0, 360.0) - 180.0
    at_points = np.interp([point.cumulative_mu for point in ARC.points], mu, angles)
    np.testing.assert_allclose(at_points, [point.gantry_angle_deg for point in ARC.points], atol=0.35)
    for reading in done.readings[:: len(done.readings) // 7]:
        truly = linac.truth.delivered_mu(reading.at_s)
        assert reading.delivered_mu == pytest.approx(truly, abs=0.011)


@pytest.mark.parametrize("faults", [(), (CouchStopsShort(0.4),), (CouchReadoutFrozen(),)])
def test_a_correction_that_was_not_made_is_seen_by_its_read_back(faults: tuple[Fault, ...]):
    devices = VirtualLinac(seed=1, faults=[ScheduledFault(fault) for fault in faults]).devices
    target = CouchPose(4.0, -6.0, 3.0, 1.0, -0.5, 0.4)
    devices.couch.move_to(target)
    wait_until_still(devices.couch, devices.clock, 60.0)
    shown, wanted = axis_positions(devices.couch.reading().pose), axis_positions(target)
    missed = max(abs(shown[axis] - wanted[axis]) for axis in CouchAxis)
    assert (missed > 1.0) is bool(faults)
