"""The dose: Gy on a grid, what kind it is, and what of a plan it sums."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Grid


class DoseKind(StrEnum):
    """Dose Type (3004,0004): EFFECTIVE is weighted by biological effect, ERROR is a difference and may be negative."""

    PHYSICAL = "PHYSICAL"
    EFFECTIVE = "EFFECTIVE"
    ERROR = "ERROR"


class DoseSummation(StrEnum):
    """Dose Summation Type (3004,000A): what was delivered where this dose is given.

    A FRACTION is all of one fraction group, a BEAM all of some beams; the SESSION of each is one attendance of it.
    """

    PLAN = "PLAN"
    MULTI_PLAN = "MULTI_PLAN"
    PLAN_OVERVIEW = "PLAN_OVERVIEW"
    FRACTION = "FRACTION"
    BEAM = "BEAM"
    BRACHY = "BRACHY"
    FRACTION_SESSION = "FRACTION_SESSION"
    BEAM_SESSION = "BEAM_SESSION"
    BRACHY_SESSION = "BRACHY_SESSION"
    CONTROL_POINT = "CONTROL_POINT"
    RECORD = "RECORD"


@dataclass(frozen=True, eq=False)
class DoseGrid:
    """Dose in Gy: float32 `dose_gy` [k, j, i] on a `grid`, read-only; NaN where the dose is not known.

    `summation` is None where it is not known. `plan_uid` is the plan, the first of several; `beam_numbers`,
    `control_points` (first, last) and `fraction_group` say which part of it, empty or None: the whole. `record_uids`
    are the treatment records of a delivered dose. `tissue_heterogeneity` is what the dose was corrected by
    ((3004,0014)), `normalization_point_mm` lies in the frame of the grid.
    """

    dose_gy: NDArray[np.float32]
    grid: Grid
    uid: str = ""
    summation: DoseSummation | None = None
    plan_uid: str = ""
    warnings: tuple[str, ...] = field(default=())
    kind: DoseKind = DoseKind.PHYSICAL
    other_plan_uids: tuple[str, ...] = ()
    fraction_group: int | None = None
    beam_numbers: tuple[int, ...] = ()
    control_points: tuple[int, int] | None = None
    record_uids: tuple[str, ...] = ()
    structure_set_uid: str = ""
    tissue_heterogeneity: tuple[str, ...] = ()
    normalization_point_mm: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        """Check the shape and freeze."""
        dose = np.ascontiguousarray(self.dose_gy, dtype=np.float32).view()
        if dose.shape != self.grid.shape:
            raise InvalidGeometry(f"Dose of shape {dose.shape} does not fit a grid of shape {self.grid.shape}.")
        dose.setflags(write=False)
        object.__setattr__(self, "dose_gy", dose)
        object.__setattr__(self, "summation", DoseSummation(self.summation) if self.summation else None)
