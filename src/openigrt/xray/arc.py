"""The arc of a scan: which part of a turn the source went through, and how much of it each projection stands for."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, Trajectory

FULL_TURN_DEG = 360.0
SAME_ANGLE_DEG = 0.01
LARGEST_GAP_STEPS = 5.0
WIDEST_STEP_DEG = 10.0
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
    places, inverse, counts = np.unique(np.round(angles / SAME_ANGLE_DEG), return_inverse=True, return_counts=True)
    places = np.bincount(inverse.reshape(-1), angles) / counts
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
            float(places[0]),
            FULL_TURN_DEG,
            np.mod(angles - places[0], FULL_TURN_DEG),
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
    from_start = np.mod(places - start, FULL_TURN_DEG)
    between = np.diff(from_start[ordered])
    steps = np.empty(len(places))
    steps[ordered] = np.concatenate([between[:1], between[:-1] + between[1:], between[-1:]]) / 2.0
    of_each = from_start[inverse.reshape(-1)]
    return Arc(ArcKind.SHORT, start, float(between.sum()), of_each, _shared(steps, inverse, counts), warnings)


def _shared(steps: Float64Array, inverse: np.ndarray, counts: np.ndarray) -> Float64Array:
    """The step of each projection: that of its place, shared among those that stand there."""
    return np.asarray((steps / counts)[inverse.reshape(-1)])


def _repeated(counts: np.ndarray) -> tuple[str, ...]:
    """A warning where several projections stand at one angle."""
    repeated = int((counts > 1).sum())
    if not repeated:
        return ()
    return (f"{repeated} gantry angles were taken more than once; their projections are averaged.",)
