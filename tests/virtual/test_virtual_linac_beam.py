"""The beam of a virtual linac against closed forms: what leaks after a hold, how long an arc takes, what faults add."""

from collections.abc import Callable

import pytest

from openigrt.errors import DeviceRefusal, InputError
from openigrt.machine import BeamLatency, BeamOrder, BeamPoint, BeamState
from openigrt.virtual import BeamModel, BeamRunsOn, LinacModel, PacedClock, ScheduledFault, VirtualLinac

RATE_PER_S = 10.0  # 600 MU/min
LATENCY = BeamLatency(0.3, 0.15)
STATIC = BeamOrder((BeamPoint(0.0, 0.0), BeamPoint(50.0, 0.0)))


def linac_with(*faults: ScheduledFault) -> VirtualLinac:
    return VirtualLinac(LinacModel(beam=BeamModel(600.0, LATENCY)), faults=faults)


def begun(linac: VirtualLinac, order: BeamOrder = STATIC) -> None:
    linac.devices.beam.arm(order)
    linac.devices.beam.on()


def mu_after(linac: VirtualLinac, time_s: float) -> float:
    linac.devices.clock.sleep_until(time_s)
    return linac.devices.beam.reading().delivered_mu


def test_monitor_units_are_the_time_of_radiation():
    linac = linac_with()
    begun(linac)
    assert mu_after(linac, 0.3) == 0.0
    assert mu_after(linac, 1.3) == pytest.approx(RATE_PER_S)
    linac.devices.clock.sleep_until(10.0)
    assert linac.truth.beam_intervals() == (pytest.approx((0.3, 5.3)),)
    assert linac.truth.delivered_mu(2.3) == pytest.approx(20.0)


@pytest.mark.parametrize("how", ["hold", "off", "interlock"])
def test_what_leaks_is_dose_rate_times_latency(how: str):
    linac = linac_with()
    begun(linac)
    at_command = mu_after(linac, 2.3)
    if how == "interlock":
        linac.devices.interlocks.engage("monitor", "the target is 4 mm off")
    else:
        getattr(linac.devices.beam, how)()
    assert mu_after(linac, 60.0) - at_command == pytest.approx(RATE_PER_S * LATENCY.off_s, abs=0.011)
    assert linac.truth.beam_intervals() == (pytest.approx((0.3, 2.45)),)


def test_every_hold_leaks_and_the_whole_order_is_still_delivered_once():
    linac, at_s = linac_with(), 0.0
    linac.devices.beam.arm(STATIC)
    for _ in range(4):
        linac.devices.beam.on()
        linac.devices.clock.sleep_until(at_s := at_s + 1.0)
        linac.devices.beam.hold()
        linac.devices.clock.sleep_until(at_s := at_s + 1.0)
    assert linac.devices.beam.reading().delivered_mu == pytest.approx(4 * RATE_PER_S * (1.0 - 0.3 + 0.15), abs=0.011)
    linac.devices.beam.on()
    linac.devices.clock.sleep_until(30.0)
    assert linac.truth.delivered_mu(30.0) == pytest.approx(50.0)
    assert sum(stop - start for start, stop in linac.truth.beam_intervals()) == pytest.approx(5.0)


def test_a_hold_before_radiation_costs_no_time():
    linac = linac_with()
    begun(linac)
    linac.devices.beam.hold()
    linac.devices.clock.sleep_until(10.0)
    linac.devices.beam.on()
    linac.devices.clock.sleep_until(10.3 + 5.0 + 1e-6)
    assert linac.devices.beam.reading().state is BeamState.COMPLETE
    assert linac.truth.beam_intervals() == (pytest.approx((10.3, 15.3)),)


def test_on_during_the_leak_of_a_hold_counts_no_time_twice():
    linac = linac_with(ScheduledFault(BeamRunsOn(2.0)))
    begun(linac)
    linac.devices.clock.sleep_until(1.3)
    linac.devices.beam.hold()  # radiation until 1.3 + 0.15 + 2.0
    linac.devices.clock.sleep_until(2.0)
    linac.devices.beam.on()  # radiation from 2.3, were there none
    assert mu_after(linac, 3.3) == pytest.approx(30.0)
    assert mu_after(linac, 4.3) == pytest.approx(40.0)


def test_a_beam_that_runs_on_leaks_for_so_much_longer():
    linac = linac_with(ScheduledFault(BeamRunsOn(0.4), 2.0, 3.0))
    begun(linac)
    at_command = mu_after(linac, 2.3)
    linac.devices.beam.hold()
    assert mu_after(linac, 60.0) - at_command == pytest.approx(RATE_PER_S * (LATENCY.off_s + 0.4), abs=0.011)


def test_a_beam_that_runs_on_gives_more_than_its_order():
    linac = linac_with(ScheduledFault(BeamRunsOn(0.4)))
    begun(linac)
    assert mu_after(linac, 60.0) == pytest.approx(50.0 + RATE_PER_S * 0.4, abs=0.011)
    assert linac.devices.beam.reading().state is BeamState.COMPLETE
    assert linac.truth.beam_intervals() == (pytest.approx((0.3, 5.7)),)


def test_a_fault_that_has_passed_adds_nothing():
    linac = linac_with(ScheduledFault(BeamRunsOn(0.4), 0.0, 5.2))
    begun(linac)
    assert mu_after(linac, 60.0) == pytest.approx(50.0, abs=0.011)


def test_an_arc_takes_as_long_as_the_slower_of_dose_and_gantry():
    """100 MU take 10 s, 120 degrees at 6 degrees per second 20 s; the other way round in the second half."""
    linac = linac_with()
    begun(linac, BeamOrder((BeamPoint(0.0, 0.0), BeamPoint(100.0, 120.0), BeamPoint(400.0, 150.0))))
    assert mu_after(linac, 0.3 + 10.0) == pytest.approx(50.0, abs=0.011)
    assert linac.devices.gantry.reading().angle_deg == pytest.approx(60.0)
    assert mu_after(linac, 0.3 + 20.0 + 15.0) == pytest.approx(250.0, abs=0.011)
    assert linac.truth.gantry_angle_deg(35.3) == pytest.approx(135.0)
    linac.devices.clock.sleep_until(60.0)
    assert linac.truth.beam_intervals() == (pytest.approx((0.3, 50.3)),)


def test_a_static_beam_lets_a_gantry_that_is_a_little_off_be():
    linac = linac_with()
    begun(linac, BeamOrder((BeamPoint(0.0, 0.4), BeamPoint(10.0, 0.4))))
    assert mu_after(linac, 5.0) == pytest.approx(10.0)
    assert linac.truth.gantry_angle_deg(5.0) == 0.0


def test_an_order_that_turns_without_dose_is_not_armed():
    points = (BeamPoint(0.0, 0.0), BeamPoint(10.0, 0.0), BeamPoint(10.0, 20.0), BeamPoint(20.0, 20.0))
    with pytest.raises(DeviceRefusal, match=r"points 1 and 2.*two orders"):
        linac_with().devices.beam.arm(BeamOrder(points))


def test_segments_at_one_monitor_unit_and_one_angle_are_delivered():
    points = (BeamPoint(0.0, 0.0), BeamPoint(10.0, 0.0), BeamPoint(10.0, 0.0), BeamPoint(20.0, 0.0))
    linac = linac_with()
    begun(linac, BeamOrder(points))
    assert mu_after(linac, 60.0) == pytest.approx(20.0)
    repeated_at_the_end = BeamOrder((*points, BeamPoint(20.0, 0.0)))
    begun(linac, repeated_at_the_end)
    assert mu_after(linac, 120.0) == pytest.approx(20.0)


def test_a_paced_clock_runs_as_fast_as_it_was_told():
    wall_s, slept = [50.0], []

    def sleep(duration_s: float) -> None:
        slept.append(duration_s)
        wall_s[0] += duration_s

    clock = PacedClock(8.0, monotonic_s=lambda: wall_s[0], sleep=sleep)
    clock.sleep_until(40.0)
    assert slept == [5.0]
    wall_s[0] += 2.0
    assert clock.now_s == 56.0
    clock.sleep_until(50.0)
    assert len(slept) == 1
    with pytest.raises(InputError, match="above zero"):
        PacedClock(0.0)


@pytest.mark.parametrize("latency", [BeamLatency(-0.1, 0.1), BeamLatency(0.1, float("nan"))])
def test_a_beam_that_comes_before_it_is_called_is_refused(latency: BeamLatency):
    with pytest.raises(InputError, match="latencies of zero or more"):
        BeamModel(600.0, latency)


@pytest.mark.parametrize("model", [lambda: BeamModel(0.0), lambda: BeamRunsOn(-1.0), lambda: VirtualLinac(seed=-1)])
def test_what_makes_no_sense_is_refused(model: Callable[[], object]):
    with pytest.raises(InputError, match="zero"):
        model()
