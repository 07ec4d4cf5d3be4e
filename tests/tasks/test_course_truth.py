"""What is true of a fraction, and what is believed: closed forms on a patient who is a ball in a ball."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from openigrt.geometry import CouchPose, Frame, PatientPosition, RigidTransform, TableAngles
from openigrt.guidance import SetupError as Found
from openigrt.machine import BeamPoint, wait_until_still
from openigrt.patient import Action, Beam, ControlPoint, Plan, Rotations, StructureRole, Verdict, jaws
from openigrt.tasks.course.delivering import deliver, order_of, record_of
from openigrt.tasks.course.fraction import (
    Delivery,
    ErrorBudget,
    Fraction,
    Purpose,
    TakenImage,
    setup_error_of_motion,
)
from openigrt.tasks.course.keeping import FRACTION, fraction_text, kept_fraction
from openigrt.tasks.course.naming import day_of
from openigrt.tasks.course.truth import Guided, TargetTruth, delivery_of, match_error
from openigrt.virtual import (
    Anatomy,
    Day,
    DrawnStructure,
    Drift,
    Layer,
    Organ,
    Part,
    Region,
    SetupError,
    Superellipsoid,
    VirtualLinac,
    VirtualPatient,
)

FRAME = Frame.plan("1.2.3")
SOFT = (Layer(0.0, 30.0),)
RADIUS_MM = 20.0
SETUP = SetupError((4.0, -3.0, 6.0), (1.0, -0.6, 0.8))


def ball(name: str, radius_mm: float) -> Organ:
    return Organ(name, (Part(Superellipsoid((0, 0, 0), (radius_mm,) * 3)),), SOFT)


@pytest.fixture(scope="module")
def patient() -> VirtualPatient:
    return VirtualPatient(
        site="ball",
        seed=0,
        anatomy=Anatomy(FRAME, (ball("BODY", 90.0), ball("TARGET", RADIUS_MM))),
        bones=(),
        target="TARGET",
        target_region=Region((0.0, 0.0, 0.0), (40.0, 40.0, 40.0)),
        structures=(DrawnStructure("BODY", "BODY", StructureRole.EXTERNAL),),
    )


@pytest.fixture(scope="module")
def surface_mm() -> np.ndarray:
    ways = np.random.default_rng(1).standard_normal((400, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    return RADIUS_MM * np.vstack([ways, -ways])


def of_room(turn_deg=(0.0, 0.0, 0.0), shift_mm=(0.0, 0.0, 0.0)) -> RigidTransform:
    return RigidTransform(Frame.FIXED, Frame.FIXED, TableAngles(*turn_deg).matrix(), np.array(shift_mm))


def delivered(truth: TargetTruth, guided: Guided, times_s) -> Delivery:
    planned = truth.lying.patient.anatomy
    return delivery_of(
        truth,
        guided,
        times_s,
        beside_planned_mm=lambda points: planned.signed_distance_mm("TARGET", points),
        delivered_mu=100.0,
        beam_on_s=10.0,
    )


def test_a_patient_who_was_found_and_moved_exactly_is_where_he_belongs(patient, surface_mm):
    lying = VirtualLinac(seed=1).lay_down(patient, Day(1, setup=SETUP))
    truth = TargetTruth(lying, surface_mm)
    seen = truth.motion([5.0])
    np.testing.assert_allclose(setup_error_of_motion(seen).values, (4, -3, 6, 1, -0.6, 0.8), atol=1e-6)
    guided = Guided([5.0], seen.inverse(), of_room(), (0.0, 0.0, 0.0))
    assert match_error(truth, guided) == pytest.approx((0, 0), abs=1e-5)


def test_the_errors_of_a_fraction_add_up_to_what_is_left(patient, surface_mm):
    linac = VirtualLinac(seed=2)
    day = Day(1, setup=SETUP, drift=Drift((0.3, -0.6, 0.9)))
    lying = linac.lay_down(patient, day)
    truth = TargetTruth(lying, surface_mm)
    offset_mm, wrong = (0.2, -0.1, 0.3), of_room((0.4, 0.2, -0.3), (0.5, -0.7, 0.2))
    seen = of_room(shift_mm=-np.array(offset_mm)) @ truth.motion([60.0])
    guided = Guided([60.0], wrong @ seen.inverse(), of_room(), offset_mm)
    error_mm, error_deg = match_error(truth, guided)
    shift_mm, turn_mm = np.linalg.norm((0.5, -0.7, 0.2)), RADIUS_MM * np.deg2rad(np.linalg.norm((0.4, 0.2, -0.3)))
    assert shift_mm - 0.02 < error_mm < shift_mm + turn_mm + 0.02
    assert error_deg == pytest.approx(np.linalg.norm((0.4, 0.2, -0.3)), abs=0.01)
    found = delivered(truth, guided, [120.0, 180.0])
    budget = found.budget
    np.testing.assert_allclose(budget.residual_mm, found.residual.values[:3], atol=1e-9)
    np.testing.assert_allclose(budget.match_mm, (0.5, -0.7, 0.2), atol=0.02)
    np.testing.assert_allclose(budget.imager_mm, offset_mm, atol=0.02)
    left_mm = np.array(SETUP.shift_mm) - np.array(budget.match_mm) - np.array(budget.imager_mm)
    without_match_mm = np.add(budget.couch_mm, budget.motion_mm)
    np.testing.assert_allclose(without_match_mm, left_mm + drift_in_room_mm(1.0 + 1.5), atol=0.2)
    np.testing.assert_allclose(budget.motion_mm, drift_in_room_mm(1.5), atol=0.05)


def drift_in_room_mm(minutes: float) -> np.ndarray:
    """LPS of a supine patient to the room: left is x, head is y, front is z."""
    left, back, head = minutes * np.array([0.3, -0.6, 0.9])
    return np.array([left, head, -back])


def test_an_image_that_nobody_followed_leaves_no_error_of_match_or_imager(patient, surface_mm):
    truth = TargetTruth(VirtualLinac(seed=6).lay_down(patient, Day(1, setup=SETUP)), surface_mm)
    found = delivered(truth, Guided([0.0], of_room(), of_room(), (0.2, 0.0, 0.0), is_followed=False), [1.0])
    assert found.budget.match_mm == found.budget.imager_mm == (0.0, 0.0, 0.0)
    np.testing.assert_allclose(found.budget.couch_mm, SETUP.shift_mm, atol=1e-6)


def test_the_residual_is_that_of_the_middle_of_the_target(patient, surface_mm):
    """A turn of 2 degrees about an isocenter 30 mm off moves the target by 1 mm, and the budget says so."""
    lying = VirtualLinac(seed=7).lay_down(patient, Day(1, setup=SetupError((0.0, 0.0, 0.0), (2.0, 0.0, 0.0))))
    truth = TargetTruth(lying, surface_mm + np.array((30.0, 0.0, 0.0)))
    found = delivered(truth, Guided([0.0], of_room(), of_room(), (0.0, 0.0, 0.0)), [1.0])
    assert found.residual.length_mm == pytest.approx(30.0 * 2.0 * np.sin(np.deg2rad(1.0)), abs=1e-3)
    np.testing.assert_allclose(found.budget.residual_mm, found.residual.values[:3], atol=1e-9)


def test_the_expansion_is_how_far_the_target_reaches_beyond_the_planned_one(patient, surface_mm):
    lying = VirtualLinac(seed=3).lay_down(patient, Day(1, setup=SetupError((0.0, 0.0, 3.0))))
    found = delivered(TargetTruth(lying, surface_mm), Guided([0.0], of_room(), of_room(), (0.0, 0.0, 0.0)), [1.0])
    assert found.expansion_mm == pytest.approx(3.0, abs=0.1)
    assert found.reach_mm["front"] == pytest.approx(3.0, abs=1e-6)
    assert found.reach_mm["back"] == pytest.approx(-3.0, abs=1e-6)
    assert found.largest_mm == pytest.approx(3.0, abs=0.05)
    assert found.budget.deformation_mm < 1e-6


def test_a_couch_that_does_what_it_is_told_takes_the_setup_error_away(patient, surface_mm):
    linac = VirtualLinac(seed=4)
    lying = linac.lay_down(patient, Day(1, setup=SetupError((5.0, 2.0, -4.0))))
    devices = linac.devices
    devices.couch.move_to(CouchPose(-5.0, -2.0, 4.0))
    wait_until_still(devices.couch, devices.clock, 60.0)
    now_s = devices.clock.now_s
    truth = TargetTruth(lying, surface_mm)
    done = linac.truth.fixed_from_table(now_s) @ linac.truth.fixed_from_table(0.0).inverse()
    found = delivered(truth, Guided([0.0], of_room(shift_mm=(-5, -2, 4)), done, (0.0, 0.0, 0.0)), [now_s])
    assert 0.0 < np.linalg.norm(found.residual.values[:3]) < 1.0
    np.testing.assert_allclose(found.budget.couch_mm, found.residual.values[:3], atol=1e-6)


def point(weight: float, angle_deg: float, turn: str = "NONE") -> ControlPoint:
    return ControlPoint(
        weight, angle_deg, 10.0, CouchPose(), jaws((-20, 20), (-30, 30)), rotations=Rotations(gantry=turn),
        nominal_energy_mev=6.0, dose_rate_mu_per_min=600.0,
    )  # fmt: skip


def beam(*points: ControlPoint) -> Beam:
    return Beam(1, "B", "TREATMENT", "PHOTON", "VIRTUAL LINAC", (0.0, 0.0, 0.0), 1000.0, 50.0, points)


@pytest.mark.parametrize(
    ("turn", "angles_deg"),
    [("CW", [-179.0, -59.0, 61.0, 179.0]), ("CC", [179.0, 61.0, -59.0, -179.0])],
)
def test_an_arc_goes_the_way_that_the_plan_says(turn, angles_deg):
    stops = [angle % 360.0 for angle in angles_deg]
    order = order_of(beam(*(point(n / 3.0, a, turn if n < 3 else "NONE") for n, a in enumerate(stops))))
    assert [p.gantry_angle_deg for p in order.points] == pytest.approx(angles_deg, abs=1e-6)
    assert [p.cumulative_mu for p in order.points] == pytest.approx([0.0, 50 / 3, 100 / 3, 50.0])
    assert order.points[0] == BeamPoint(0.0, angles_deg[0], 10.0)


def test_a_plan_is_delivered_and_recorded_to_the_last_monitor_unit():
    linac = VirtualLinac(seed=5)
    plan = Plan(
        uid="1.2.9", label="P", frame=FRAME, patient_id="SIM", patient_position=PatientPosition.HFS,
        approval="APPROVED", fractions_planned=3,
        beams=(beam(point(0.0, 30.0), point(1.0, 30.0)), beam(point(0.0, 350.0, "CW"), point(1.0, 20.0))),
    )  # fmt: skip
    orders = deliver(linac.devices, plan)
    assert [round(order.delivered_mu, 6) for order in orders] == [50.0, 50.0]
    assert linac.truth.delivered_mu(linac.devices.clock.now_s) == pytest.approx(100.0)
    record = record_of(plan, orders, 2, "1.2.10", linac.devices.clock)
    assert [b.delivered_meterset for b in record.treated()] == [50.0, 50.0]
    assert record.beams[1].control_points[-1].position.gantry_angle_deg == pytest.approx(20.0)
    assert {b.fraction_number for b in record.beams} == {2}


def test_a_fraction_is_kept_as_it_was(tmp_path):
    error = Found(1.0, 2.0, 3.0, 0.1, 0.2, 0.3)
    image = TakenImage(
        Purpose.SETUP,
        "01_setup",
        100.0,
        Verdict.TRUSTED,
        0.4,
        Action.CORRECT,
        True,
        True,
        ("why",),
        error,
        error,
        0.1,
        None,
    )
    budget = ErrorBudget((0.1, 0.2, 0.3), (0.0, 0.0, 0.0), (0.1, 0.1, 0.1), (0.0, 0.1, 0.0), 0.05)
    delivery = Delivery(100.0, 60.0, 90.0, error, 1.5, 2.0, {"left": 0.5}, budget)
    fraction = Fraction(1, datetime(2025, 1, 20, 8, tzinfo=UTC), 1, (image,), error, delivery)
    (tmp_path / FRACTION).write_text(fraction_text(fraction), encoding="utf-8")
    assert kept_fraction(tmp_path) == fraction


def test_fractions_are_on_working_days():
    days = [day_of(datetime(2025, 1, 8, 9, 30, tzinfo=UTC), number) for number in range(1, 12)]
    assert all(day.weekday() < 5 for day in days)
    assert days[0].weekday() == 0
    assert (days[0] - datetime(2025, 1, 8, tzinfo=UTC)).days >= 12
    assert all(later > earlier for earlier, later in pairwise(days))
