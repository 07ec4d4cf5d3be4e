"""The arc of a scan: which part of a turn the source went through, and how much of it each projection stands for."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, Trajectory
from openigrt.images import SAME_ANGLE_DEG

FULL_TURN_DEG = 360.0
LARGEST_GAP_STEPS, WIDEST_STEP_DEG = 5.0, 10.0  # no image is made across more; smaller gaps are `images` doubts
FEWEST_PROJECTIONS = 4


class ArcKind(StrEnum):
    """How much of a turn a scan covers."""

    FULL = "full"
    SHORT = "short"


@dataclass(frozen=True, eq=False)
class Arc:
    """The source's way round the axis.

    `start_deg` and `range_deg` (360 for a full one) in the direction of rising gantry angle; `from_start_deg` (n,)
    where each projection stands on it; `steps_deg` (n,) the part of the arc that each stands for: half the way to
    either neighbour, shared where several stand at one place.
    """

    kind: ArcKind
    start_deg: float
    range_deg: float
    from_start_deg: Float64Array
    steps_deg: Float64Array
    warnings: tuple[str, ...] = ()


def arc_of(trajectory: Trajectory) -> Arc:
    """The arc of a trajectory in the room.

    Raises InconsistentInput for too few projections, and for gaps in the arc that no image can be made across.
    """
    angles = trajectory.source_angles_deg()
    if len(angles) < FEWEST_PROJECTIONS:
        raise InconsistentInput(
            f"A reconstruction needs projections all around, and there are {len(angles)}; check that the folder holds "
            "the whole scan."
        )
    places, inverse, counts = _places(angles)
    if len(places) < FEWEST_PROJECTIONS:
        raise InconsistentInput(
            f"The {len(angles)} projections stand at {len(places)} gantry angles only; check that each has its own."
        )
    gaps = np.diff(places, append=places[0] + FULL_TURN_DEG)
    usual = float(np.median(gaps))
    allowed = min(LARGEST_GAP_STEPS * usual, WIDEST_STEP_DEG)
    wide = np.flatnonzero(gaps > max(allowed, usual) + SAME_ANGLE_DEG)
    warnings = _repeated(counts)
    if len(wide) == 0:
        steps = (gaps + np.roll(gaps, 1)) / 2.0
        return Arc(
            ArcKind.FULL,
            float(np.mod(places[0], FULL_TURN_DEG)),
            FULL_TURN_DEG,
            (places - places[0])[inverse],
            _shared(steps, inverse, counts),
            warnings,
        )
    if len(wide) > 1:
        named = ", ".join(f"{places[n]:.1f} to {np.mod(places[n] + gaps[n], FULL_TURN_DEG):.1f}" for n in wide[:4])
        raise InconsistentInput(
            f"Projections are missing in {len(wide)} parts of the arc (gantry angles {named}); find them, or "
            "give those of one arc only."
        )
    ordered = np.roll(np.arange(len(places)), -int(wide[0]) - 1)
    start = float(places[ordered[0]])
    from_start = np.where(places < start, places + FULL_TURN_DEG, places) - start
    between = np.diff(from_start[ordered])
    steps = np.empty(len(places))
    steps[ordered] = np.concatenate([between[:1], between[:-1] + between[1:], between[-1:]]) / 2.0
    return Arc(
        ArcKind.SHORT,
        float(np.mod(start, FULL_TURN_DEG)),
        float(between.sum()),
        from_start[inverse],
        _shared(steps, inverse, counts),
        warnings,
    )


def _places(angles_deg: Float64Array) -> tuple[Float64Array, NDArray[np.intp], NDArray[np.intp]]:
    """Places (m,) that rise by less than a turn, the place of each projection (n,), and how many stand at each (m,).

    Angles that follow one another within SAME_ANGLE_DEG are one place, also across 360 degrees.
    """
    turned = np.mod(angles_deg, FULL_TURN_DEG)
    order = np.argsort(turned, kind="stable")
    ordered = turned[order]
    number = np.concatenate([[0], np.cumsum(np.diff(ordered) > SAME_ANGLE_DEG)])
    if number[-1] > 0 and ordered[0] + FULL_TURN_DEG - ordered[-1] <= SAME_ANGLE_DEG:
        ordered = np.where(number == number[-1], ordered - FULL_TURN_DEG, ordered)
        number = np.where(number == number[-1], 0, number)
    counts = np.bincount(number)
    inverse = np.empty(len(order), dtype=np.intp)
    inverse[order] = number
    return np.bincount(number, ordered) / counts, inverse, counts


def _shared(steps: Float64Array, inverse: NDArray[np.intp], counts: NDArray[np.intp]) -> Float64Array:
    """The step of each projection: that of its place, shared among those that stand there."""
    return np.asarray((steps / counts)[inverse])


def _repeated(counts: NDArray[np.intp]) -> tuple[str, ...]:
    """A warning where several projections stand at one angle."""
    repeated = int((counts > 1).sum())
    if not repeated:
        return ()
    return (f"{repeated} gantry angles were taken more than once; their projections are averaged.",)
