"""Sums of doses: on one lattice as they are, on different ones only onto a grid that was asked for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from openigrt.errors import InconsistentInput, MissingInput, UnsupportedInput
from openigrt.geometry import Grid, RigidTransform, require_same_frame, resample
from openigrt.patient.dose import DoseGrid, DoseKind, DoseSummation
from openigrt.patient.plan import Plan

LATTICE_TOLERANCE_MM = 0.01
WHOLE_OF = {
    DoseSummation.BEAM: DoseSummation.BEAM,
    DoseSummation.BEAM_SESSION: DoseSummation.BEAM,
    DoseSummation.FRACTION: DoseSummation.FRACTION,
    DoseSummation.FRACTION_SESSION: DoseSummation.FRACTION,
}
SESSIONS = (DoseSummation.BEAM_SESSION, DoseSummation.FRACTION_SESSION)


def same_lattice(one: Grid, other: Grid) -> bool:
    """Whether two grids of one frame have the same voxels, to a hundredth of a millimetre."""
    if one.frame != other.frame or one.size != other.size:
        return False
    return float(np.abs(one.corners_mm() - other.corners_mm()).max()) <= LATTICE_TOLERANCE_MM


def resampled_dose(dose: DoseGrid, onto: Grid) -> DoseGrid:
    """A dose interpolated trilinearly at the voxels of another grid of its frame; NaN, and a warning, beyond its own.

    Raises FrameMismatch when the grid lies in another frame.
    """
    require_same_frame(onto.frame, dose.grid.frame, "Resampling a dose")
    identity = RigidTransform(dose.grid.frame, onto.frame, np.eye(3), np.zeros(3))
    dose_gy = resample(dose.dose_gy, dose.grid, onto, identity)
    unknown = int(np.isnan(dose_gy).sum())
    said = (f"Dose {dose.uid} does not reach {unknown} of {dose_gy.size} voxels; it is not known there.",)
    return replace(dose, dose_gy=dose_gy, grid=onto, warnings=(*dose.warnings, *(said if unknown else ())))


def summed_dose(parts: Sequence[tuple[float, DoseGrid]], onto: Grid | None = None) -> DoseGrid:
    """The weighted sum of doses of one frame and kind, (weight, dose) each, without plan, beams or UID.

    Doses on different lattices are refused unless `onto` says on which grid to resample them. Raises MissingInput
    without doses, InconsistentInput for other lattices, kinds or weights that are no numbers above zero, FrameMismatch
    for other frames, UnsupportedInput for dose errors.
    """
    if not parts:
        raise MissingInput("There is no dose to sum; give one at least.")
    first = parts[0][1]
    for weight, dose in parts:
        _require_summable(dose, first)
        if not (np.isfinite(weight) and weight > 0.0):
            raise InconsistentInput(f"Dose {dose.uid} has weight {weight}; expected a number above zero.")
        if onto is None and not same_lattice(dose.grid, first.grid):
            raise InconsistentInput(
                f"Doses {first.uid} and {dose.uid} lie on different lattices ({first.grid.size} and {dose.grid.size} "
                "voxels); say on which grid they are to be resampled."
            )
    grid = onto or first.grid
    total = np.zeros(grid.shape, np.float64)
    warnings: list[str] = []
    for weight, dose in parts:
        placed = dose if onto is None or same_lattice(dose.grid, onto) else resampled_dose(dose, onto)
        total += weight * placed.dose_gy
        warnings += placed.warnings
    return DoseGrid(total.astype(np.float32), grid, warnings=tuple(dict.fromkeys(warnings)), kind=first.kind)


def _require_summable(dose: DoseGrid, first: DoseGrid) -> None:
    """Raise unless a dose may be added to the first."""
    if not dose.grid.frame.uid:
        raise MissingInput(f"Dose {dose.uid} names no frame of reference: where it lies is not known.")
    require_same_frame(dose.grid.frame, first.grid.frame, "Summing doses")
    if dose.kind is DoseKind.ERROR:
        raise UnsupportedInput(f"Dose {dose.uid} is a difference of doses; it cannot be summed.")
    if dose.kind is not first.kind:
        raise InconsistentInput(
            f"Dose {first.uid} is {first.kind}, dose {dose.uid} {dose.kind}: they do not add up; sum one kind."
        )


def plan_dose(doses: Sequence[DoseGrid], plan: Plan, onto: Grid | None = None) -> DoseGrid:
    """The dose of a whole plan from those of its beams, or of its fraction groups; `onto` as in `summed_dose`.

    A session counts once for each planned fraction. Raises MissingInput for beams without a dose, InconsistentInput
    for doses of another plan, for beams or groups that would count twice, and for doses of the plan beside those of
    its parts.
    """
    parts = [(_weight(dose, plan), dose) for dose in doses]
    levels = {WHOLE_OF[dose.summation] for dose in doses if dose.summation in WHOLE_OF}
    if len(levels) > 1:
        raise InconsistentInput("Doses of beams and of fractions together would count twice; give one kind of them.")
    warnings: tuple[str, ...] = ()
    if levels == {DoseSummation.BEAM}:
        _require_each_beam(doses, plan)
    elif levels:
        warnings = _require_groups(doses, plan)
    total = summed_dose(parts, onto)
    return replace(total, summation=DoseSummation.PLAN, plan_uid=plan.uid, warnings=(*total.warnings, *warnings))


def _weight(dose: DoseGrid, plan: Plan) -> float:
    """How often a dose is delivered over the plan; raises where it is none of its beams or fractions."""
    if dose.plan_uid != plan.uid or dose.other_plan_uids:
        raise InconsistentInput(f"Dose {dose.uid} is of plan {dose.plan_uid or 'unknown'}, not of {plan.uid} alone.")
    if dose.summation not in WHOLE_OF:
        raise InconsistentInput(
            f"Dose {dose.uid} is of {dose.summation or 'unknown summation'}; expected doses of beams or of fractions: "
            "a dose of the plan beside them would count twice."
        )
    if dose.summation not in SESSIONS:
        return 1.0
    if plan.fractions_planned is None:
        raise MissingInput(f"Dose {dose.uid} is of one session and plan {plan.label!r} does not say of how many.")
    return float(plan.fractions_planned)


def _require_each_beam(doses: Sequence[DoseGrid], plan: Plan) -> None:
    """Raise unless the doses are of every treatment beam of the plan, each once."""
    nameless = [dose.uid for dose in doses if not dose.beam_numbers]
    if nameless:
        raise MissingInput(f"Dose {', '.join(nameless)} does not say of which beam it is.")
    counts = Counter(number for dose in doses for number in dose.beam_numbers)
    twice = sorted(number for number, count in counts.items() if count > 1)
    if twice:
        raise InconsistentInput(f"Beam {', '.join(map(str, twice))} has several doses; they would count twice.")
    treated = {beam.number: beam.name for beam in plan.beams if not beam.is_setup}
    strange = sorted(counts.keys() - treated.keys())
    if strange:
        raise InconsistentInput(
            f"There is dose of beam {', '.join(map(str, strange))}, which plan {plan.label!r} does not treat with."
        )
    absent = [f"{number} {name!r}" for number, name in treated.items() if number not in counts]
    if absent:
        raise MissingInput(
            f"Beam {', '.join(absent)} of plan {plan.label!r} has no dose: the sum would be too low. Add it.",
            beams=sorted(treated.keys() - counts.keys()),
        )


def _require_groups(doses: Sequence[DoseGrid], plan: Plan) -> tuple[str, ...]:
    """Raise where fraction groups count twice or in unknown number; a warning says what cannot be checked."""
    counts = Counter(dose.fraction_group for dose in doses)
    if max(counts.values()) > 1:
        raise InconsistentInput("Several doses are of one fraction group, or name none; they would count twice.")
    if len(doses) > 1 and any(dose.summation in SESSIONS for dose in doses):
        raise UnsupportedInput(
            f"How many sessions each of {len(doses)} fraction groups of plan {plan.label!r} has is not known; sum them "
            "with weights."
        )
    groups = ", ".join(str(group) for group in counts if group is not None) or "not named"
    return (f"Sum of fraction groups ({groups}); whether the plan has others was not checked.",)
