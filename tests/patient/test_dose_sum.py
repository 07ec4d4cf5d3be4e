"""Sums of doses: closed forms on one lattice; nothing counts twice, nothing is missing in silence."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import FrameMismatch, InconsistentInput, MissingInput, UnsupportedInput
from openigrt.geometry import Frame, Grid, PatientPosition, RigidTransform, rotation_z
from openigrt.patient import (
    Beam,
    DoseGrid,
    DoseKind,
    DoseSummation,
    Plan,
    plan_dose,
    resampled_dose,
    same_lattice,
    summed_dose,
)

FRAME = Frame.plan("1.2.3")
GRID = Grid(FRAME, [-10.0, -20.0, 30.0], [2.0, 2.0, 3.0], np.eye(3), (6, 5, 4))
FINER = Grid(FRAME, [-9.0, -19.0, 31.0], [1.0, 1.0, 1.0], np.eye(3), (8, 6, 7))


def linear_gy(grid):
    """A dose that is linear in space, which trilinear interpolation keeps exactly."""
    k, j, i = np.indices(grid.shape)
    points = grid.points(np.stack([i, j, k], axis=-1))
    return (100.0 + points @ [0.5, -0.25, 1.0]).astype(np.float32)


def beam_dose(number, grid=GRID, share=1.0, **values):
    made = DoseGrid(linear_gy(grid) * np.float32(share), grid, f"1.9.{number}", DoseSummation.BEAM, "1.2.4")
    return replace(made, beam_numbers=(number,), fraction_group=1, **values)


def beam(number, delivery="TREATMENT"):
    return Beam(number, f"B{number}", delivery, "PHOTON", "M", (0.0, 0.0, 0.0), 1000.0, 100.0, ())


def plan(*beams, fractions=20):
    made = beams or (beam(1), beam(2), beam(3, "SETUP"))
    return Plan("1.2.4", "Plan", FRAME, "P1", PatientPosition.HFS, "APPROVED", made, fractions_planned=fractions)


def test_beams_add_up_to_the_plan():
    total = plan_dose([beam_dose(1), beam_dose(2, share=0.5)], plan())
    assert np.allclose(total.dose_gy, 1.5 * linear_gy(GRID), rtol=1e-6)
    assert (total.summation, total.plan_uid, total.kind) == (DoseSummation.PLAN, "1.2.4", DoseKind.PHYSICAL)
    assert (total.grid, total.warnings, total.uid) == (GRID, (), "")


def test_a_dose_of_two_beams_counts_for_both():
    both = replace(beam_dose(1), beam_numbers=(1, 2))
    assert np.allclose(plan_dose([both], plan()).dose_gy, linear_gy(GRID))


def test_sessions_count_once_for_each_fraction():
    sessions = [replace(beam_dose(n, share=0.05), summation=DoseSummation.BEAM_SESSION) for n in (1, 2)]
    assert np.allclose(plan_dose(sessions, plan()).dose_gy, 2.0 * linear_gy(GRID), rtol=1e-6)
    with pytest.raises(MissingInput, match="does not say of how many"):
        plan_dose(sessions, plan(fractions=None))


def test_fractions_add_up_and_say_what_was_not_checked():
    groups = [
        replace(beam_dose(n), beam_numbers=(), summation=DoseSummation.FRACTION, fraction_group=n) for n in (1, 2)
    ]
    total = plan_dose(groups, plan())
    assert np.allclose(total.dose_gy, 2.0 * linear_gy(GRID))
    assert total.warnings == ("Sum of fraction groups (1, 2); whether the plan has others was not checked.",)
    with pytest.raises(InconsistentInput, match="one fraction group"):
        plan_dose([groups[0], groups[0]], plan())
    one_session = replace(groups[0], summation=DoseSummation.FRACTION_SESSION)
    assert np.allclose(plan_dose([one_session], plan()).dose_gy, 20.0 * linear_gy(GRID), rtol=1e-6)
    with pytest.raises(UnsupportedInput, match="sum them with weights"):
        plan_dose([one_session, groups[1]], plan())


@pytest.mark.parametrize(
    ("doses", "error", "sentence"),
    [
        ([beam_dose(1)], MissingInput, "Beam 2 'B2' of plan 'Plan' has no dose"),
        ([beam_dose(1), beam_dose(2), beam_dose(2)], InconsistentInput, "Beam 2 has several doses"),
        ([beam_dose(1), beam_dose(2), beam_dose(3)], InconsistentInput, "beam 3, which plan 'Plan' does not treat"),
        ([beam_dose(1), beam_dose(2), beam_dose(9)], InconsistentInput, "beam 9"),
        ([beam_dose(1), replace(beam_dose(2), beam_numbers=())], MissingInput, "does not say of which beam"),
        ([beam_dose(1), replace(beam_dose(2), summation=DoseSummation.PLAN)], InconsistentInput, "count twice"),
        ([beam_dose(1), replace(beam_dose(2), summation=DoseSummation.FRACTION)], InconsistentInput, "count twice"),
        ([beam_dose(1), replace(beam_dose(2), summation=None)], InconsistentInput, "unknown summation"),
        ([beam_dose(1), replace(beam_dose(2), plan_uid="1.2.5")], InconsistentInput, "of plan 1.2.5, not of 1.2.4"),
        ([beam_dose(1), replace(beam_dose(2), other_plan_uids=("1.2.5",))], InconsistentInput, "alone"),
        ([beam_dose(1), beam_dose(2, kind=DoseKind.EFFECTIVE)], InconsistentInput, "they do not add up"),
        ([beam_dose(1, kind=DoseKind.ERROR), beam_dose(2)], UnsupportedInput, "difference of doses"),
        ([], MissingInput, "no dose to sum"),
    ],
)
def test_what_does_not_add_up_is_refused_by_name(doses, error, sentence):
    with pytest.raises(error, match=sentence):
        plan_dose(doses, plan())


def test_other_lattices_only_where_resampling_is_asked_for():
    doses = [beam_dose(1), beam_dose(2, FINER)]
    with pytest.raises(InconsistentInput, match="different lattices"):
        plan_dose(doses, plan())
    total = plan_dose(doses, plan(), onto=FINER)
    assert np.allclose(total.dose_gy, 2.0 * linear_gy(FINER), rtol=1e-6)
    beyond = plan_dose(doses, plan(), onto=GRID)
    known = np.isfinite(beyond.dose_gy)
    assert np.allclose(beyond.dose_gy[known], 2.0 * linear_gy(GRID)[known], rtol=1e-6)
    assert beyond.warnings == (
        f"Dose 1.9.2 does not reach {int((~known).sum())} of 120 voxels; it is not known there.",
    )


def test_a_dose_resampled_on_an_oblique_grid_is_where_it_was():
    turn = RigidTransform(FRAME, FRAME, rotation_z(20.0), np.array([-6.0, -18.0, 1.0]))
    oblique = replace(FINER, origin_mm=[0.5, 0.5, 31.0], size=(4, 4, 4)).moved(turn)
    read = resampled_dose(beam_dose(1), oblique)
    assert np.allclose(read.dose_gy, linear_gy(oblique), rtol=1e-5, equal_nan=False)


def test_lattices_are_one_to_a_hundredth_of_a_millimetre():
    assert same_lattice(GRID, replace(GRID, origin_mm=GRID.origin_mm + 0.009))
    assert not same_lattice(GRID, replace(GRID, origin_mm=np.add(GRID.origin_mm, [0.0, 0.02, 0.0])))
    assert not same_lattice(GRID, replace(GRID, frame=Frame.plan("1.2.9")))
    assert not same_lattice(GRID, replace(GRID, direction=np.diag([-1.0, 1.0, 1.0])))


def test_frames_and_weights_that_are_none():
    elsewhere = replace(GRID, frame=Frame.plan("1.2.9"))
    with pytest.raises(FrameMismatch):
        summed_dose([(1.0, beam_dose(1)), (1.0, beam_dose(2, elsewhere))])
    nowhere = replace(GRID, frame=Frame.plan(""))
    with pytest.raises(MissingInput, match="no frame of reference"):
        summed_dose([(1.0, beam_dose(1, nowhere))])
    for weight in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InconsistentInput, match="weight"):
            summed_dose([(weight, beam_dose(1))])
