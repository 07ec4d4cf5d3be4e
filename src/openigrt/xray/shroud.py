"""How the patient breathed during a scan, from its projections alone.

The shroud: Zijp, Sonke, van Herk, Proc 14th ICCR (2004) 507. The signal by principal components of short stretches:
Yan et al., Phys Med Biol 58 (2013) 1447; theirs are of whole projections, these of the shroud. Rows are summed with
their sign: over a detector that sees the whole cross-section, the sum is the same from every side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter1d

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, Frame, PatientPosition, Trajectory, frozen_array, require_same_frame
from openigrt.images import ProjectionPixels
from openigrt.motion import AmplitudeUnit, BreathingTrace
from openigrt.xray.fdk import blocks
from openigrt.xray.rectification import rectification
from openigrt.xray.redundancy import distances_mm

STRETCH_S = 12.0
STRETCHES_OVER_A_MOMENT = 4
TREND_ORDER = 2
FEWEST_IN_A_STRETCH = 16
SMOOTHED_S = 0.25
SMOOTHED_MM = 2.0
LEAST_RANGE_MM = 0.3
AXIS = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, eq=False)
class Shroud:
    """How attenuation changes along the patient, projection by projection: `changes` [projection, place].

    `places_mm` (m,) along the room's y, as seen on the axis of rotation; `changes` per mm, added up over each row.
    """

    places_mm: Float64Array
    changes: Float64Array

    def __post_init__(self) -> None:
        """Freeze."""
        object.__setattr__(self, "places_mm", frozen_array(self.places_mm, self.places_mm.shape))
        object.__setattr__(self, "changes", frozen_array(self.changes, (len(self.changes), len(self.places_mm))))


def amsterdam_shroud(line_integrals: ProjectionPixels, trajectory: Trajectory) -> Shroud:
    """The shroud of line integrals [projection, row, column] of a patient who lies along the room's y."""
    require_same_frame(trajectory.frame, Frame.FIXED, "A breathing signal")
    if tuple(line_integrals.shape) != trajectory.shape:
        raise InconsistentInput(
            f"Projections of shape {tuple(line_integrals.shape)} do not fit a trajectory of {trajectory.shape}."
        )
    straight = rectification(trajectory, AXIS)
    seen_mm = _rows_on_axis_mm(straight.trajectory)
    least, most = float(seen_mm.min(axis=1).max()), float(seen_mm.max(axis=1).min())
    step_mm = float(np.median(np.abs(np.diff(seen_mm, axis=1))))
    places_mm = np.arange(least, most, step_mm)
    sums = np.empty((len(trajectory), len(places_mm)))
    for which in blocks(len(trajectory)):
        rows = straight.rectified(np.ascontiguousarray(line_integrals[which], np.float32), which.start).sum(
            axis=2, dtype=np.float64
        )
        for n, row in enumerate(rows, start=which.start):
            order = slice(None) if seen_mm[n, -1] > seen_mm[n, 0] else slice(None, None, -1)
            sums[n] = np.interp(places_mm, seen_mm[n, order], row[order])
    if not np.isfinite(sums).all():
        raise InconsistentInput("A projection holds pixels that are no numbers; correct dead pixels first.")
    return Shroud(places_mm, np.asarray(np.gradient(sums, step_mm, axis=1)))


def _rows_on_axis_mm(trajectory: Trajectory) -> Float64Array:
    """Where the rows of a detector with columns along y lie (n, rows), as seen from the source on the axis, mm."""
    rows_mm = np.arange(trajectory.size[1]) * trajectory.spacing_mm[1]
    on_detector = trajectory.first_pixels_mm[:, 1, None] + trajectory.column_directions[:, 1, None] * rows_mm
    share = np.hypot(trajectory.sources_mm[:, 0], trajectory.sources_mm[:, 2]) / distances_mm(trajectory)
    source = trajectory.sources_mm[:, 1, None]
    return np.asarray(source + (on_detector - source) * share[:, None])


def breathing_in(shroud: Shroud, times_s: ArrayLike, position: PatientPosition) -> BreathingTrace:
    """The breathing trace of a scan whose projections were taken at times (n,), of a patient who lay so.

    Amplitudes are on a scale of their own, the mean displacement of all edges, still ones included; round the mean of
    neighbouring breaths, so that slow drift is not seen. Raises InconsistentInput for scans that are too short, and
    where nothing is seen to move.
    """
    times = np.asarray(times_s, dtype=np.float64)
    if times.shape != (len(shroud.changes),) or not (np.diff(times) > 0.0).all():
        raise InconsistentInput(
            f"A breathing signal needs the rising times of its {len(shroud.changes)} projections, found {times.shape}; "
            "give a trace, or the rate at which projections were taken."
        )
    rate_hz = 1.0 / float(np.median(np.diff(times)))
    length = max(FEWEST_IN_A_STRETCH, round(STRETCH_S * rate_hz))
    if length > len(times):
        raise InconsistentInput(
            f"The scan lasts {times[-1] - times[0]:.1f} s, and breathing is seen in {STRETCH_S:.0f} s or more."
        )
    step_mm = float(shroud.places_mm[1] - shroud.places_mm[0])
    smooth = gaussian_filter1d(shroud.changes, SMOOTHED_MM / step_mm, axis=1)
    smooth = gaussian_filter1d(smooth, SMOOTHED_S * rate_hz, axis=0)
    toward_gantry_mm = _stitched(smooth, step_mm, length)
    range_mm = float(np.subtract(*np.percentile(toward_gantry_mm, [95.0, 5.0])))
    if range_mm < LEAST_RANGE_MM:
        raise InconsistentInput(
            f"Nothing is seen to breathe in these projections: {range_mm:.2f} mm, expected {LEAST_RANGE_MM} or more. "
            "Give a trace (--trace), or reconstruct without bins.",
            range_mm=range_mm,
        )
    cranial = float(position.table_top_from_lps()[1, 2])
    return BreathingTrace(times, -cranial * toward_gantry_mm, AmplitudeUnit.OWN)


def _stitched(changes: Float64Array, step_mm: float, length: int) -> Float64Array:
    """Displacements (n,) along y from overlapping stretches of the shroud, joined so that they agree in direction."""
    count = len(changes)
    hop = max(1, length // STRETCHES_OVER_A_MOMENT)
    starts = sorted({*range(0, count - length, hop), count - length})
    taper = np.hanning(length + 2)[1:-1]
    summed, weights, said = np.zeros(count), np.zeros(count), 0.0
    for start in starts:
        where = slice(start, start + length)
        moved = _displacements_mm(changes[where], step_mm)
        agrees = -1.0 if float(moved @ (summed[where] * taper)) < 0.0 else 1.0
        said += agrees * float(np.abs(moved).sum())
        summed[where] += agrees * taper * moved
        weights[where] += taper
    return np.asarray(np.sign(said) * summed / weights)


def _displacements_mm(changes: Float64Array, step_mm: float) -> Float64Array:
    """Displacements (n,) in a stretch of the shroud: its first principal component in time, apart from slow trends.

    Places that move see the gradient of the shroud go by, which gives the component direction and length: the mean
    displacement of all edges, each counting by the square of its gradient.
    """
    order = np.linspace(-1.0, 1.0, len(changes))
    trend = np.polynomial.polynomial.polyvander(order, TREND_ORDER)
    moving = changes - trend @ np.linalg.lstsq(trend, changes, rcond=None)[0]
    scores, sizes, shapes = np.linalg.svd(moving, full_matrices=False)
    gradient = np.gradient(changes.mean(axis=0), step_mm)
    steepness = float(gradient @ gradient)
    per_score = -float(shapes[0] @ gradient) / steepness if steepness > 0.0 else 0.0
    return np.asarray(per_score * sizes[0] * scores[:, 0])
