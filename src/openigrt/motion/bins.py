"""Sorting moments of a scan into bins of breathing, by phase or by amplitude."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, frozen_array
from openigrt.motion.cycles import WHOLE_CYCLE, Breaths
from openigrt.motion.trace import BreathingTrace

ASIDE = -1


class SortingQuantity(StrEnum):
    """What a bin is a range of."""

    PHASE = "phase"
    AMPLITUDE = "amplitude"


@dataclass(frozen=True, eq=False)
class Bins:
    """The bin (n,) of each of n moments, `ASIDE` (-1) where it belongs to none.

    `edges` (bins + 1,): phases in percent, a bin's own phase in its middle, so that the first edge is below zero; or
    amplitudes. `names` as `50%` or `2 of 5`.
    """

    quantity: SortingQuantity
    of_each: NDArray[np.int64]
    edges: Float64Array
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Copy, check and freeze; raises InconsistentInput."""
        of_each = np.array(self.of_each, dtype=np.int64)
        if of_each.ndim != 1 or (len(of_each) and not ASIDE <= of_each.min() <= of_each.max() < len(self.names)):
            raise InconsistentInput(f"Moments lie in one of {len(self.names)} bins or aside ({ASIDE}).")
        of_each.setflags(write=False)
        object.__setattr__(self, "of_each", of_each)
        object.__setattr__(self, "edges", frozen_array(self.edges, (len(self.names) + 1,)))

    def members(self, bin_number: int) -> NDArray[np.intp]:
        """The moments of a bin, in their order."""
        return np.flatnonzero(self.of_each == bin_number)

    @property
    def aside(self) -> int:
        """How many moments belong to no bin."""
        return int((self.of_each == ASIDE).sum())


def phase_bins(breaths: Breaths, times_s: ArrayLike, count: int = 10) -> Bins:
    """Moments (n,) in bins of equal phase round 0 % (end of inhalation), 10 %, and so on; unusual breaths lie aside."""
    _require_bins(count)
    width = WHOLE_CYCLE / count
    phases = breaths.phase_percent(times_s)
    nearest = np.floor(np.nan_to_num(phases) / width + 0.5).astype(np.int64) % count
    return Bins(
        SortingQuantity.PHASE,
        np.where(np.isnan(phases), ASIDE, nearest),
        np.asarray((np.arange(count + 1) - 0.5) * width, dtype=np.float64),
        tuple(f"{n * width:g}%" for n in range(count)),
    )


def amplitude_bins(trace: BreathingTrace, times_s: ArrayLike, count: int = 5) -> Bins:
    """Moments (n,) in bins of equal height between the least and the largest amplitude that they have."""
    amplitudes = trace.at(times_s)
    if np.isnan(amplitudes).all():
        raise InconsistentInput(
            f"The breathing trace, {trace.times_s[0]:.1f} to {trace.times_s[-1]:.1f} s, covers no moment of the scan; "
            "check that both use one clock."
        )
    return bins_between(amplitudes, float(np.nanmin(amplitudes)), float(np.nanmax(amplitudes)), count)


def bins_between(amplitudes: ArrayLike, least: float, most: float, count: int) -> Bins:
    """Amplitudes (n,) in bins of equal height between `least` and `most`; those beyond, and NaN, lie aside."""
    _require_bins(count)
    values = np.asarray(amplitudes, dtype=np.float64)
    if not most > least:
        raise InconsistentInput(
            f"Bins of amplitude need a range, found {least:g} to {most:g}; is the patient breathing?"
        )
    inside = (values >= least) & (values <= most)
    place = np.floor(np.where(inside, values - least, 0.0) * (count / (most - least))).astype(np.int64)
    return Bins(
        SortingQuantity.AMPLITUDE,
        np.where(inside, np.minimum(place, count - 1), ASIDE),
        np.linspace(least, most, count + 1),
        tuple(f"{n + 1} of {count}" for n in range(count)),
    )


def _require_bins(count: int) -> None:
    if count < 1:
        raise InconsistentInput(f"Sorting needs one bin at least, found {count}.")
