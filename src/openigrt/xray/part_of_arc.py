"""What each projection of a part of a scan stands for: of a bin of breathing, say, with gaps wherever others are."""

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array
from openigrt.images import SAME_ANGLE_DEG
from openigrt.xray.arc import FULL_TURN_DEG, Arc, ArcKind

GAP_STEPS = 2.5


def part_of_arc(whole: Arc, members: NDArray[np.intp]) -> Arc:
    """The arc of some projections (m,) of a scan, which keep their places and the redundancy weights of the whole.

    Projections that follow one another form a group. A group stands for the arc half the way to its neighbours, or to
    the end of a short arc, and its projections share that alike: by the gaps beside each, the two at the ends of every
    group would count for nearly all, and what the others measured would hardly lessen the noise.
    """
    if len(members) == 0:
        raise InconsistentInput("A part of a scan needs one projection at least; there is none.")
    places = whole.from_start_deg[members]
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    closed = whole.kind is ArcKind.FULL
    group = np.concatenate([[0], np.cumsum(np.diff(ordered) > GAP_STEPS * _usual_step_deg(whole))])
    if closed and group[-1] > 0 and ordered[0] + FULL_TURN_DEG - ordered[-1] <= GAP_STEPS * _usual_step_deg(whole):
        group[group == group[-1]] = 0
    shares = _shares_deg(ordered, group, whole.range_deg, closed)
    steps = np.empty(len(members))
    steps[order] = (shares / np.bincount(group))[group]
    return Arc(whole.kind, whole.start_deg, whole.range_deg, places, steps, whole.warnings)


def widest_gap_deg(whole: Arc, members: NDArray[np.intp]) -> float:
    """The widest part of the arc without a projection of these; the whole arc for none."""
    if len(members) == 0:
        return whole.range_deg
    ordered = np.sort(whole.from_start_deg[members])
    if whole.kind is ArcKind.FULL:
        return float(np.diff(ordered, append=ordered[0] + FULL_TURN_DEG).max())
    return float(np.diff(ordered, prepend=0.0, append=whole.range_deg).max())


def _usual_step_deg(whole: Arc) -> float:
    return max(float(np.median(whole.steps_deg)), SAME_ANGLE_DEG)


def _shares_deg(ordered: Float64Array, group: NDArray[np.intp], range_deg: float, closed: bool) -> Float64Array:
    """How much of the arc each group stands for (groups,); they add up to all of it."""
    change = np.flatnonzero(np.diff(group))
    between = (ordered[change] + ordered[change + 1]) / 2.0
    if not closed:
        return np.diff(between, prepend=0.0, append=range_deg)
    if len(between) == 0:
        return np.array([range_deg])
    if group[-1] == 0:
        return np.concatenate([[between[0] + range_deg - between[-1]], np.diff(between)])
    around = (ordered[-1] + ordered[0] + range_deg) / 2.0
    return np.diff(between, prepend=around - range_deg, append=around)
