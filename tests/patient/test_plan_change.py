"""New versions of plans: what is seen stays when patient and isocenter move together; the old plan stays too."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from openigrt.errors import InconsistentInput, InputError, MissingInput
from openigrt.geometry import CouchPose, PatientPosition, fixed_from_table_top
from openigrt.patient import (
    AperturePositions,
    BeamChange,
    BeamShare,
    DoseCoefficient,
    FractionGroup,
    NewOpening,
    PlanChange,
    PlannedSetup,
    PlanVersion,
    RelatedPlan,
    changed,
    seen_by_beam_mm,
)
from tests.patient.plan_cases import WIDE, arc, beam, control_point, device, leaves, plan

VERSION = PlanVersion("1.2.3.5", "Plan v2", datetime(2025, 1, 2, tzinfo=UTC))
SHIFT_MM = (3.0, -7.0, 11.0)
TURNED = CouchPose(patient_support_angle_deg=20.0, table_top_pitch_angle_deg=2.0, table_top_roll_angle_deg=358.5)
FIVE = device("MLCX", -10.0, -5.0, 0.0, 5.0, 10.0)
PAIRS = leaves((-10, 10), (-20, 0), (0, 5), (-9, 9))


@pytest.mark.parametrize("position", list(PatientPosition))
def test_a_moved_isocenter_sees_the_moved_structure_as_before(position):
    """The isocenter and the anatomy move by one vector: every beam, control point and couch angle sees the same."""
    before = plan(
        arc(181.0, 300.0, 45.0, 179.0, couch=TURNED), beam(control_point(gantry=33.0), number=2), position=position
    )
    after = changed(before, PlanChange(SHIFT_MM), VERSION)
    structure = np.random.default_rng(1).normal(0.0, 60.0, (50, 3))
    for old, new in zip(before.beams, after.beams, strict=True):
        for was, now in zip(old.control_points, new.control_points, strict=True):
            seen = seen_by_beam_mm(structure + SHIFT_MM, after, new, now)
            assert seen == pytest.approx(seen_by_beam_mm(structure, before, old, was), abs=1e-9)


@pytest.mark.parametrize("position", list(PatientPosition))
def test_the_table_top_brings_the_new_isocenter_to_the_machine(position):
    """A patient who lies on the table: the anatomy under the machine isocenter moves by the shift, and nothing else."""
    pose = replace(TURNED, table_top_lateral_position_mm=-4.0, table_top_vertical_position_mm=-150.0)
    before = plan(beam(control_point(couch=pose)), position=position)
    after = changed(before, PlanChange(SHIFT_MM), VERSION).beams[0].control_points[0].couch
    on_table = position.table_top_from_lps()
    at_isocenter = fixed_from_table_top(pose).inverse().points((0.0, 0.0, 0.0))
    now = fixed_from_table_top(after).inverse().points((0.0, 0.0, 0.0))
    assert on_table.T @ (now - at_isocenter) == pytest.approx(SHIFT_MM)


def test_positions_of_the_table_top_that_are_not_stated_stay_unstated():
    unstated = ("table_top_vertical_position_mm", "table_top_longitudinal_position_mm")
    before = plan(beam(control_point(couch_unstated=unstated)))
    point = changed(before, PlanChange(SHIFT_MM), VERSION).beams[0].control_points[0]
    assert point.couch == CouchPose(table_top_lateral_position_mm=-3.0)
    assert point.couch_unstated == unstated


def test_displacements_from_the_setup_marks_end_at_the_new_isocenter():
    setup = PlannedSetup(1, "HFS", table_top_vertical_displacement_mm=-20.0, table_top_lateral_displacement_mm=5.0)
    after = changed(plan(beam(control_point()), setups=(setup,)), PlanChange(SHIFT_MM), VERSION).setups[0]
    assert after.table_top_lateral_displacement_mm == 5.0 - 3.0
    assert after.table_top_vertical_displacement_mm == pytest.approx(-20.0 - 7.0)
    assert after.table_top_longitudinal_displacement_mm is None


def test_angles_turn_at_every_control_point():
    before = plan(arc(181.0, 300.0, 45.0), beam(control_point(), number=2))
    after = changed(before, PlanChange(beams=(BeamChange(1, 10.0, -5.0, 350.0),)), VERSION)
    points = after.beams[0].control_points
    assert [p.gantry_angle_deg for p in points] == [191.0, 310.0, 55.0]
    assert {p.beam_limiting_device_angle_deg for p in points} == {355.0}
    assert {p.couch.patient_support_angle_deg for p in points} == {350.0}
    assert {p.rotations.gantry for p in points} == {"CW", "NONE"}
    assert after.beams[1] == before.beams[1]


def test_openings_change_where_it_is_asked():
    before = plan(beam(control_point(*WIDE, PAIRS), control_point(*WIDE, PAIRS, weight=1.0), devices=(FIVE,)))
    wider = leaves((-12, 12), (-20, 0), (0, 5), (-9, 9))
    after = changed(before, PlanChange(beams=(BeamChange(1, openings=(NewOpening(1, wider),)),)), VERSION)
    assert [p.positions[2] for p in after.beams[0].control_points] == [PAIRS, wider]
    assert [p.positions[:2] for p in after.beams[0].control_points] == [WIDE, WIDE]


def test_what_was_computed_and_approved_is_not_carried_over():
    coefficients = (DoseCoefficient(1, 0.5),)
    point = control_point(source_surface_distance_mm=900.0, surface_entry_mm=(1, 2, 3), dose_coefficients=coefficients)
    before = plan(
        beam(point),
        reviewer="Doe",
        reviewed_at=datetime(2024, 1, 1, tzinfo=UTC),
        dose_uids=("1.9",),
        related_plans=(RelatedPlan("1.8", "PREDECESSOR"), RelatedPlan("1.7", "ALTERNATIVE")),
        fraction_groups=(FractionGroup(1, 20, (BeamShare(1, 100.0, 2.0, (1.0, 2.0, 3.0)),)),),
    )
    unchanged = replace(before)
    after = changed(before, PlanChange(), VERSION)
    assert before == unchanged
    assert (after.uid, after.label, after.approval, after.reviewer) == ("1.2.3.5", "Plan v2", "UNAPPROVED", "")
    assert after.predecessor_uids == ("1.2.3.4",)
    assert RelatedPlan("1.7", "ALTERNATIVE") in after.related_plans
    assert after.dose_uids == ()
    assert after.fraction_groups[0].beams == (BeamShare(1, 100.0, None, (1.0, 2.0, 3.0)),)
    found = after.beams[0].control_points[0]
    assert (found.source_surface_distance_mm, found.surface_entry_mm) == (None, ())
    assert found.dose_coefficients == (DoseCoefficient(1, None),)


@pytest.mark.parametrize(
    ("change", "version", "error", "said"),
    [
        (PlanChange((np.nan, 0, 0)), VERSION, InputError, "three numbers"),
        (PlanChange((0, 0, 2e3)), VERSION, InputError, "within 1000"),
        (PlanChange(), PlanVersion("1.2.3.4", "A", VERSION.created_at), InputError, "UID of its own"),
        (PlanChange(), PlanVersion("1.5", "", VERSION.created_at), InputError, "1 to 16"),
        (PlanChange(), PlanVersion("1.5", "ä", VERSION.created_at), InputError, "plain characters"),
        (PlanChange(beams=(BeamChange(7),)), VERSION, MissingInput, "no beam 7"),
        (PlanChange(beams=(BeamChange(1, np.inf),)), VERSION, InputError, "within 360"),
    ],
)
def test_changes_that_cannot_be(change, version, error, said):
    with pytest.raises(error, match=said):
        changed(plan(beam(control_point(*WIDE, PAIRS), devices=(FIVE,))), change, version)


@pytest.mark.parametrize(
    ("opening", "error", "said"),
    [
        (NewOpening(3, PAIRS), MissingInput, "no control point 3"),
        (NewOpening(-1, PAIRS), MissingInput, "no control point -1"),
        (NewOpening(0, leaves((0, 1), kind="MLCY")), MissingInput, "has no MLCY"),
        (NewOpening(0, leaves((0, 1))), InconsistentInput, "2 positions; it has 8"),
        (NewOpening(0, leaves((1, 0), (0, 1), (0, 1), (0, 1))), InconsistentInput, "pass each other"),
        (NewOpening(0, AperturePositions("ASYMX", (np.nan, 1.0))), InconsistentInput, "not numbers"),
    ],
)
def test_openings_that_cannot_be(opening, error, said):
    treated = plan(beam(control_point(*WIDE, PAIRS), devices=(FIVE,)))
    with pytest.raises(error, match=said):
        changed(treated, PlanChange(beams=(BeamChange(1, openings=(opening,)),)), VERSION)
