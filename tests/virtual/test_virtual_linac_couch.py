"""The couch of a virtual linac against closed forms: how wrong it is, how fast, how far it goes."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import BeyondLimit, InputError
from openigrt.geometry import CouchPose, DegreesOfFreedom, fixed_from_table_top, rotation_z
from openigrt.machine import CouchAxis, axis_positions, wait_until_still
from openigrt.virtual import (
    CouchReadoutFrozen,
    CouchStopsShort,
    Drive,
    LinacModel,
    ScheduledFault,
    VirtualLinac,
    coarse_linac,
    couch_model,
)

POSE = CouchPose(10.0, -20.0, 5.0, 1.5, -0.8, 0.6)


def sent(linac: VirtualLinac, pose: CouchPose) -> None:
    couch, clock = linac.devices.couch, linac.devices.clock
    couch.move_to(pose)
    wait_until_still(couch, clock, 300.0)


def true_values(linac: VirtualLinac) -> np.ndarray:
    return np.array(list(axis_positions(linac.truth.couch_pose(linac.devices.clock.now_s)).values()))


def errors_of_moves(model: LinacModel, count: int, seed: int = 3) -> np.ndarray:
    """How far each axis (count, 6) ends from where it was sent, to and fro."""
    linac, found = VirtualLinac(model, seed), []
    for n in range(count):
        target = POSE if n % 2 else CouchPose()
        sent(linac, target)
        found.append(true_values(linac) - np.array(list(axis_positions(target).values())))
    return np.array(found[1:])


def test_its_inaccuracy_is_normal_with_the_deviation_stated():
    """Standard deviation of 400 moves within three standard errors, on each axis, no bias, axes by themselves."""
    errors = errors_of_moves(LinacModel(couch_model(inaccuracy_mm=0.2, inaccuracy_deg=0.05)), 400)
    expected, count = np.array([0.2] * 3 + [0.05] * 3), len(errors)
    np.testing.assert_allclose(errors.std(axis=0), expected, rtol=3.0 / np.sqrt(2.0 * count))
    assert (np.abs(errors.mean(axis=0)) < 3.0 * expected / np.sqrt(count)).all()
    correlation = np.corrcoef(errors.T) - np.eye(6)
    assert np.abs(correlation).max() < 4.0 / np.sqrt(count)
    lag = (errors[1:] * errors[:-1]).mean(axis=0) / errors.var(axis=0)
    assert np.abs(lag).max() < 4.0 / np.sqrt(count)


def test_an_axis_that_was_not_sent_keeps_its_error():
    linac = VirtualLinac(seed=1)
    sent(linac, POSE)
    before = true_values(linac)
    sent(linac, replace(POSE, table_top_vertical_position_mm=40.0))
    after = true_values(linac)
    np.testing.assert_array_equal(np.delete(after, 2), np.delete(before, 2))
    assert after[2] != before[2]


def test_the_read_out_has_its_resolution_and_no_error():
    linac = VirtualLinac(LinacModel(couch_model(inaccuracy_mm=2.0)), seed=1)
    sent(linac, CouchPose(table_top_lateral_position_mm=10.04))
    assert linac.devices.couch.reading().pose.table_top_lateral_position_mm == 10.0
    true_mm = linac.truth.couch_pose(linac.devices.clock.now_s).table_top_lateral_position_mm
    assert abs(true_mm - 10.04) > 0.2


def test_a_coarse_couch_reads_out_whole_millimetres():
    linac = VirtualLinac(coarse_linac(), seed=1)
    sent(linac, CouchPose(table_top_longitudinal_position_mm=12.4))
    assert linac.devices.couch.reading().pose == CouchPose(table_top_longitudinal_position_mm=12.0)


@pytest.mark.parametrize(
    ("axis", "way", "expected_s"),
    [
        (CouchAxis.VERTICAL, -200.0, 200.0 / 20.0 + 20.0 / 20.0),  # way / v + v / a
        (CouchAxis.VERTICAL, 5.0, 2.0 * np.sqrt(5.0 / 20.0)),  # 2 sqrt(way / a): too short for full speed
        (CouchAxis.LONGITUDINAL, 400.0, 400.0 / 80.0 + 1.0),
        (CouchAxis.YAW, 45.0, 45.0 / 6.0 + 1.0),
        (CouchAxis.PITCH, 2.0, 2.0 / 0.5 + 1.0),
    ],
)
def test_a_move_takes_the_time_of_its_slowest_axis(axis: CouchAxis, way: float, expected_s: float):
    linac, values = VirtualLinac(seed=1), dict.fromkeys(CouchAxis, 0.0)
    values |= {CouchAxis.LATERAL: 0.01, axis: way}
    devices = linac.devices
    devices.couch.move_to(CouchPose(*values.values()))
    devices.clock.sleep_until(expected_s - 1e-6)
    assert devices.couch.reading().is_moving
    devices.clock.sleep_until(expected_s + 1e-6)
    assert not devices.couch.reading().is_moving


@pytest.mark.parametrize("way", [300.0, -300.0, 7.0, -7.0])
def test_an_axis_speeds_up_goes_on_and_slows_down(way: float):
    """Against the numerical integral of a speed that is min(a t, v, a (T - t))."""
    drive = Drive(20.0, 10.0)
    total_s = drive.duration_s(way)
    times = np.linspace(0.0, total_s, 4001)
    speed = np.minimum(20.0, 10.0 * np.minimum(times, total_s - times))
    integral = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2.0 * np.diff(times))]) * np.sign(way)
    np.testing.assert_allclose([drive.gone(way, t) for t in times], integral, atol=1e-3)
    assert drive.gone(way, total_s) == drive.gone(way, total_s + 10.0) == way


def test_a_drive_that_never_arrives_is_refused():
    with pytest.raises(InputError, match="above zero"):
        Drive(0.0, 1.0)


def test_on_its_way_it_is_truly_between():
    linac = VirtualLinac(seed=1)
    devices = linac.devices
    devices.couch.move_to(CouchPose(table_top_vertical_position_mm=-200.0))
    devices.clock.sleep_until(5.5)  # half of the time, half of the way
    assert devices.couch.reading().pose.table_top_vertical_position_mm == -100.0
    halfway = linac.truth.couch_pose(5.5).table_top_vertical_position_mm
    devices.clock.sleep_until(20.0)
    whole = linac.truth.couch_pose(20.0).table_top_vertical_position_mm
    assert halfway == pytest.approx(whole / 2.0)
    assert linac.truth.couch_pose(5.5).table_top_vertical_position_mm == halfway, "what was, stays"


def test_the_isocenter_walks_on_a_circle_about_the_axis_that_truly_turns():
    """x -> w + R (x - w): with the table turned, a point that stood at zero stands |w| from w, at the angle turned."""
    walk_out = np.array([0.4, -0.3, 0.0])
    linac = VirtualLinac(LinacModel(couch_model(inaccuracy_mm=0.0, inaccuracy_deg=0.0, walk_out_mm=(0.4, -0.3))))
    for angle_deg in (-90.0, -30.0, 0.0, 45.0, 90.0):
        sent(linac, CouchPose(patient_support_angle_deg=angle_deg))
        place = linac.truth.fixed_from_table(linac.devices.clock.now_s).points((0.0, 0.0, 0.0))
        assert np.linalg.norm(place - walk_out) == pytest.approx(0.5)
        np.testing.assert_allclose(place, walk_out - rotation_z(angle_deg) @ walk_out, atol=1e-12)
        assert linac.devices.couch.reading().pose == CouchPose(patient_support_angle_deg=angle_deg)


def test_a_table_without_errors_is_where_kinematics_have_it():
    linac = VirtualLinac(LinacModel(couch_model(inaccuracy_mm=0.0, inaccuracy_deg=0.0)))
    sent(linac, POSE)
    expected = fixed_from_table_top(POSE)
    found = linac.truth.fixed_from_table(linac.devices.clock.now_s)
    np.testing.assert_allclose(found.matrix4(), expected.matrix4(), atol=1e-12)


def test_a_limit_reaches_every_axis_together():
    linac = VirtualLinac(seed=1)
    with pytest.raises(BeyondLimit, match=r"pitch would stand at 4\.0 deg.*roll would stand at -5\.0 deg") as refusal:
        linac.devices.couch.move_to(CouchPose(5.0, 0.0, 0.0, 0.0, 4.0, -5.0))
    assert len(refusal.value.facts["axes"]) == 2
    linac.devices.clock.sleep_until(10.0)
    assert np.array_equal(true_values(linac), np.zeros(6))


def test_of_three_axes_angles_within_the_read_out_are_let_be():
    linac = VirtualLinac(LinacModel(couch_model(DegreesOfFreedom.TRANSLATION)), seed=1)
    sent(linac, CouchPose(5.0, 0.0, 0.0, 0.04, -0.03, 0.02))
    assert np.array_equal(true_values(linac)[3:], np.zeros(3))


def test_a_couch_that_stops_short_says_where_it_stands():
    linac = VirtualLinac(LinacModel(couch_model(inaccuracy_mm=0.0)), faults=[ScheduledFault(CouchStopsShort(0.25))])
    sent(linac, CouchPose(20.0))
    assert linac.devices.couch.reading().pose.table_top_lateral_position_mm == 15.0
    assert linac.truth.couch_pose(linac.devices.clock.now_s).table_top_lateral_position_mm == 15.0


def test_a_frozen_read_out_says_as_news_where_it_stood():
    linac = VirtualLinac(LinacModel(couch_model(inaccuracy_mm=0.0)))
    sent(linac, CouchPose(3.0))
    linac.faults.switch_on(CouchReadoutFrozen(), from_s=linac.devices.clock.now_s)
    sent(linac, CouchPose(20.0))
    now_s = linac.devices.clock.now_s
    reading = linac.devices.couch.reading()
    assert (reading.pose.table_top_lateral_position_mm, reading.at_s) == (3.0, now_s)
    assert linac.truth.couch_pose(now_s).table_top_lateral_position_mm == 20.0
    linac.faults.switch_off(CouchReadoutFrozen, now_s)
    assert linac.devices.couch.reading().pose.table_top_lateral_position_mm == 20.0


def test_a_fault_that_is_not_there_cannot_be_switched_off():
    linac = VirtualLinac(faults=[ScheduledFault(CouchStopsShort(), 0.0, 5.0)])
    linac.devices.clock.sleep_until(6.0)
    with pytest.raises(InputError, match="CouchStopsShort"):
        linac.faults.switch_off(CouchStopsShort, 6.0)
