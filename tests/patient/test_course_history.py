"""The history of a course, against sums done by hand, and deviations, against the short way round the circle."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openigrt.errors import InconsistentInput
from openigrt.geometry import CouchPose, Frame, PatientPosition
from openigrt.patient import (
    Beam,
    BeamShare,
    BeamState,
    ControlPoint,
    DeliveredBeam,
    DeliveredControlPoint,
    DeliveryType,
    FractionGroup,
    Override,
    Parameter,
    Plan,
    PositionTolerances,
    StatedPosition,
    TreatmentRecord,
    course_history,
    deviations,
    planned_angles,
)

START = datetime(2024, 3, 4, 9, 0, tzinfo=UTC)


def planned_beam(number, meterset, delivery_type="TREATMENT", gantry_deg=0.0):
    point = ControlPoint(0.0, gantry_deg, 10.0, CouchPose(patient_support_angle_deg=5.0))
    return Beam(number, f"B{number}", delivery_type, "PHOTON", "LINAC", (0.0, 0.0, 0.0), 1000.0, meterset, (point,))


PLAN = Plan(
    "1.2.3",
    "Plan",
    Frame.plan("1.2"),
    "P1",
    PatientPosition.HFS,
    "APPROVED",
    (planned_beam(1, 100.0), planned_beam(2, 150.0), planned_beam(9, None, "SETUP")),
)


def delivered(number, fraction, meterset, kind=DeliveryType.TREATMENT, couch=(), **values):
    point = DeliveredControlPoint(StatedPosition(**dict(couch)))
    return DeliveredBeam(
        number,
        f"B{number}",
        delivery_type=kind,
        fraction_number=fraction,
        delivered_meterset=meterset,
        control_points=(point,),
        **values,
    )


def session(day, *beams, uid=None, plan_uid="1.2.3", unit="MU"):
    return TreatmentRecord(
        uid or f"9.{day}", beams, "P1", START + timedelta(days=day), plan_uid=plan_uid, dosimeter_unit=unit
    )


def whole(day, fraction):
    return session(day, delivered(1, fraction, 100.0), delivered(2, fraction, 150.0))


def test_fraction_groups_have_beams_of_their_own():
    """A boost of its own group is due in its own fractions, not in those of the first group."""
    groups = (
        FractionGroup(1, 3, (BeamShare(1, 100.0), BeamShare(9, None))),
        FractionGroup(2, 1, (BeamShare(2, 150.0),)),
    )
    plan = replace(PLAN, fraction_groups=groups)
    first = [replace(session(n, delivered(1, n, 100.0)), fraction_group=1) for n in (1, 2, 3)]
    boost = replace(session(4, delivered(2, 1, 150.0)), fraction_group=2)
    history = course_history([*first, boost], plan)
    assert states_by_group(history) == dict.fromkeys([(1, 1, 1), (1, 2, 1), (1, 3, 1), (2, 1, 2)], BeamState.WHOLE)
    assert (history.absent_fractions, history.doubts) == ((), ())


def two_groups():
    """Beams 1 and 2 in both groups: 100 and 150 in the first, 40 and 60 in the boost."""
    first = FractionGroup(1, 3, (BeamShare(1, 100.0), BeamShare(2, 150.0), BeamShare(9, None)))
    boost = FractionGroup(2, 2, (BeamShare(1, 40.0), BeamShare(2, 60.0)))
    return replace(PLAN, fraction_groups=(first, boost))


def of_group(group, record):
    return replace(record, fraction_group=group)


def test_groups_of_the_same_beams_have_fractions_and_metersets_of_their_own():
    """Fraction 1 of the boost is not a second fraction 1 of the first group, though number and beams are the same."""
    main = [of_group(1, whole(day, fraction)) for day, fraction in ((0, 1), (2, 3))]
    boost = [of_group(2, session(5, delivered(1, 1, 40.0), delivered(2, 1, 30.0)))]
    history = course_history([*boost, *main], two_groups())
    assert [(fraction.group, fraction.number) for fraction in history.fractions] == [(1, 1), (1, 3), (2, 1)]
    whole_but = dict.fromkeys([(1, 1, 1), (1, 1, 2), (1, 3, 1), (1, 3, 2), (2, 1, 1)], BeamState.WHOLE)
    assert states_by_group(history) == whole_but | {(2, 1, 2): BeamState.PARTIAL}
    assert [beam.planned_meterset for beam in history.fractions[2].beams] == [40.0, 60.0]
    assert history.total_meterset(1) == (240.0, 240.0)
    assert history.absent_fractions == ((1, 2),)
    assert history.fractions[2].treated_at == (START + timedelta(days=5),)
    assert history.doubts == ()


def test_the_groups_are_told_apart_without_a_plan():
    records = [
        of_group(group, session(group, delivered(1, 1, given, specified_meterset=aim)))
        for group, given, aim in ((1, 100.0, 100.0), (2, 40.0, 40.0))
    ]
    assert states_by_group(course_history(records)) == dict.fromkeys([(1, 1, 1), (2, 1, 1)], BeamState.WHOLE)


def test_a_record_that_does_not_name_its_group_stands_by_itself():
    """What was planned is known for a beam only where it is the same in all groups."""
    plan = two_groups()
    first, boost = plan.fraction_groups
    boost = replace(boost, beams=(BeamShare(1, 100.0), BeamShare(2, 60.0)))
    records = [of_group(1, whole(0, 1)), of_group(None, session(1, delivered(1, 4, 100.0), delivered(2, 4, 60.0)))]
    history = course_history(records, replace(plan, fraction_groups=(first, boost)))
    found = states_by_group(history)
    assert (found[None, 4, 1], found[None, 4, 2]) == (BeamState.WHOLE, BeamState.UNKNOWN)
    assert history.absent_fractions == ()
    assert history.doubts == ("Record 9.1 names no fraction group, and there are 1 and 2: its fractions stand apart.",)


def test_groups_and_beams_that_the_plan_does_not_have():
    records = [of_group(3, whole(0, 1)), of_group(2, session(1, delivered(9, 1, 5.0)))]
    history = course_history(records, two_groups())
    assert history.doubts == (
        "Beam 9 was treated and is no treatment beam of fraction group 2.",
        "Fraction group 3 was treated, and the plan does not have it.",
    )
    assert states_by_group(history)[3, 1, 1] is BeamState.UNKNOWN


def test_one_group_needs_no_name():
    """Records of a plan with one group, some of which do not name it, are of one course."""
    plan = replace(PLAN, fraction_groups=(FractionGroup(1, 2, (BeamShare(1, 100.0), BeamShare(2, 150.0))),))
    history = course_history([of_group(1, whole(0, 1)), of_group(None, whole(1, 2))], plan)
    assert [(fraction.group, fraction.number) for fraction in history.fractions] == [(None, 1), (None, 2)]
    assert set(states(history).values()) == {BeamState.WHOLE}
    lost = course_history([of_group(None, session(4, delivered(1, 1, 100.0)))], plan)
    assert states(lost)[1, 2] is BeamState.MISSED


def states_by_group(history):
    return {(f.group, f.number, b.number): b.state for f in history.fractions for b in f.beams}


def states(history):
    return {(f.number, b.number): b.state for f in history.fractions for b in f.beams}


def test_a_course_in_order():
    history = course_history([whole(1, 2), whole(0, 1)], PLAN)
    assert [fraction.number for fraction in history.fractions] == [1, 2]
    assert set(states(history).values()) == {BeamState.WHOLE}
    assert all(fraction.is_whole for fraction in history.fractions)
    assert history.total_meterset(2) == (300.0, 300.0)
    assert (history.absent_fractions, history.doubts) == ((), ())
    assert history.fractions[0].treated_at == (START,)


def test_an_interrupted_beam_is_continued():
    """Metersets of all deliveries add up to that of the fraction (PS3.3 C.8.8.21.2.1)."""
    first = session(0, delivered(1, 1, 100.0), delivered(2, 1, 60.5))
    second = session(1, delivered(2, 1, 89.5, DeliveryType.CONTINUATION), uid="9.7")
    before = course_history([first], PLAN).fractions[0].beams[1]
    assert (before.state, before.delivered_meterset, before.continuations) == (BeamState.PARTIAL, 60.5, 0)
    after = course_history([second, first], PLAN).fractions[0].beams[1]
    assert (after.state, after.delivered_meterset, after.continuations) == (BeamState.WHOLE, 150.0, 1)
    assert [delivery.delivered_meterset for delivery in after.deliveries] == [60.5, 89.5]
    assert len(course_history([second, first], PLAN).fractions[0].treated_at) == 2


def test_missed_and_repeated_beams_and_fractions_of_which_nothing_is_known():
    records = [
        session(0, delivered(1, 1, 100.0)),
        session(3, delivered(1, 4, 100.0), delivered(1, 4, 100.0), delivered(2, 4, 0.0)),
    ]
    history = course_history(records, PLAN)
    assert states(history) == {
        (1, 1): BeamState.WHOLE,
        (1, 2): BeamState.MISSED,
        (4, 1): BeamState.REPEATED,
        (4, 2): BeamState.MISSED,
    }
    assert history.absent_fractions == ((None, 2), (None, 3))
    assert history.total_meterset(1) == (300.0, 200.0)


def test_images_and_setup_do_not_count():
    beams = [delivered(1, 1, 3.0, kind) for kind in (DeliveryType.SETUP, DeliveryType.OPEN_PORTFILM)]
    history = course_history([session(0, *beams, delivered(1, 1, 100.0), delivered(2, 1, 150.0))], PLAN)
    assert set(states(history).values()) == {BeamState.WHOLE}


@pytest.mark.parametrize(
    ("meterset", "state"),
    [(149.0, "whole"), (148.0, "partial"), (151.5, "whole"), (152.0, "repeated"), (None, "unknown")],
)
def test_how_much_is_whole(meterset, state):
    """Within one per cent, or one monitor unit where that is more."""
    history = course_history([session(0, delivered(2, 1, meterset))], PLAN)
    assert states(history)[1, 2] == state


def test_without_a_plan_the_records_say_what_was_planned():
    records = [
        session(0, delivered(1, 1, 100.0, specified_meterset=100.0)),
        session(1, delivered(1, 2, 50.0, specified_meterset=100.0)),
        session(2, delivered(2, 3, 50.0)),
    ]
    found = states(course_history(records))
    assert (found[1, 1], found[2, 1], found[3, 1]) == (BeamState.WHOLE, BeamState.PARTIAL, BeamState.MISSED)
    assert found[3, 2] is BeamState.UNKNOWN


def test_what_cannot_be_placed_is_told_and_not_counted():
    numberless = delivered(None, 1, 20.0), delivered(1, None, 30.0), delivered(1, 2_000_000_000, 30.0)
    record = session(0, *numberless, delivered(7, 1, 40.0))
    history = course_history([record, record], PLAN)
    assert history.doubts == (
        "1 records are copies of others by their UID; each was counted once.",
        "Record 9.0: beam 'BNone' has no beam number; its meterset is not counted.",
        "Record 9.0: beam 'B1' has no fraction number; its meterset is not counted.",
        "Record 9.0: beam 'B1' has fraction number 2000000000; its meterset is not counted.",
        "Beam 7 was treated and is no treatment beam of the plan.",
    )
    assert states(history)[1, 7] is BeamState.UNKNOWN


def test_records_that_do_not_belong_together_are_refused():
    with pytest.raises(InconsistentInput, match=r"of several plans: 1\.2\.3, 1\.2\.4"):
        course_history([session(0, plan_uid="1.2.4")], PLAN)
    with pytest.raises(InconsistentInput, match=r"of several dosimeter units: MINUTE, MU"):
        course_history([session(0), session(1, unit="MINUTE")], PLAN)
    assert course_history([session(0, plan_uid="", unit="")], PLAN).plan_uid == "1.2.3"


def test_no_records_no_history():
    assert course_history([]).fractions == ()
    assert course_history([], PLAN).fractions == ()


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 2), st.floats(0.0, 200.0)), max_size=20))
def test_nothing_is_lost_or_counted_twice(told):
    records = [session(n, delivered(beam, fraction, meterset)) for n, (fraction, beam, meterset) in enumerate(told)]
    history = course_history(records, PLAN)
    for beam in (1, 2):
        total = sum(meterset for _, number, meterset in told if number == beam)
        assert (history.total_meterset(beam)[0] or 0.0) == pytest.approx(total)
    recorded = {fraction for fraction, _, _ in told}
    assert {f.number for f in history.fractions} == recorded
    assert {number for _, number in history.absent_fractions} == set(range(1, max(recorded, default=0))) - recorded


# -------------------------------------------------------------------------------- where the machine stood


LIMITS = PositionTolerances(
    patient_support_angle_deg=1.0, table_top_lateral_position_mm=10.0, table_top_vertical_position_mm=10.0
)


def test_the_couch_of_each_fraction_against_the_tolerances():
    aim = {1: StatedPosition(0.0, 0.0, 359.5, -12.0, table_top_vertical_position_mm=-150.0)}
    stood = {"patient_support_angle_deg": 0.25, "table_top_lateral_position_mm": -1.9}
    records = [
        session(0, delivered(1, 1, 100.0, couch=stood)),
        session(1, delivered(1, 2, 100.0, couch=stood | {"table_top_lateral_position_mm": -25.0})),
    ]
    history = course_history(records, PLAN, planned_positions=aim, tolerances=LIMITS)
    first, second = (fraction.beams[0] for fraction in history.fractions)
    assert first.couch.table_top_lateral_position_mm == -1.9
    assert str(first.deviations[0]) == "table top lateral position +10.1 mm, tolerance 10 mm"
    assert first.unchecked_axes == ("table_top_vertical_position_mm",)
    assert [d.difference for d in second.deviations] == [-13.0]
    missed = history.fractions[0].beams[1]
    assert (missed.couch, missed.deviations) == (StatedPosition(), ())


@pytest.mark.parametrize(
    ("actual_deg", "planned_deg", "difference_deg"),
    [(1.0, 359.0, 2.0), (359.0, 1.0, -2.0), (190.0, 10.0, 180.0), (10.0, 190.0, 180.0), (0.0, 0.0, None)],
)
def test_angles_differ_the_short_way(actual_deg, planned_deg, difference_deg):
    limits = PositionTolerances(gantry_angle_deg=1.0)
    found, unchecked = deviations(
        StatedPosition(gantry_angle_deg=planned_deg), StatedPosition(gantry_angle_deg=actual_deg), limits
    )
    assert [d.difference for d in found] == ([] if difference_deg is None else [difference_deg])
    assert unchecked == ()


def test_angles_of_the_plan_are_known_and_lengths_are_not():
    found = planned_angles(replace(PLAN, beams=(planned_beam(1, 100.0, gantry_deg=90.0),)))[1]
    assert found == StatedPosition(90.0, 10.0, 5.0)


def test_a_pose_that_is_known_states_everything_of_the_couch():
    stated = StatedPosition.of_couch(CouchPose(1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    assert (stated.table_top_lateral_position_mm, stated.table_top_roll_angle_deg) == (1.0, 6.0)
    assert stated.gantry_angle_deg is None


def test_overrides_of_a_fraction():
    point = DeliveredControlPoint(StatedPosition(), overrides=(Override(Parameter(0x300A0128), "A^B"),))
    beam = replace(delivered(1, 1, 100.0), control_points=(point,))
    (found,) = course_history([session(0, beam)], PLAN).fractions[0].beams[0].overrides
    assert str(found.parameter) == "(300A,0128)"
