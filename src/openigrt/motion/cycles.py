"""Breaths: where one ends and the next begins, which of them are usual, and the phase of a moment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, frozen_array
from openigrt.motion.trace import BreathingTrace

SHORTEST_PERIOD_S = 1.5
LEAST_PROMINENCE = 0.3
USUAL_PERIOD_SHARE = 0.3
USUAL_AMPLITUDE_SHARE = 0.5
WHOLE_CYCLE = 100.0


@dataclass(frozen=True, eq=False)
class Breaths:
    """`peaks_s` (n,): ends of inhalation; `usual` (n - 1,): whether the breath from each to the next is one to sort by.

    It is with a period within 30 % and an amplitude within 50 % of the medians.
    """

    peaks_s: Float64Array
    usual: np.ndarray

    def __post_init__(self) -> None:
        """Copy, check and freeze; raises InconsistentInput for fewer than two peaks, and for peaks out of order."""
        peaks = np.atleast_1d(np.asarray(self.peaks_s, dtype=np.float64))
        if len(peaks) < 2 or not (np.diff(peaks) > 0.0).all():
            raise InconsistentInput(
                f"Phases need two ends of inhalation at least, in the order of time, found {len(peaks)}; use a longer "
                "trace."
            )
        usual = np.array(self.usual, dtype=bool)
        if usual.shape != (len(peaks) - 1,):
            raise InconsistentInput(
                f"{len(peaks)} peaks bound {len(peaks) - 1} breaths, found marks for {usual.shape}."
            )
        usual.setflags(write=False)
        object.__setattr__(self, "peaks_s", frozen_array(peaks, peaks.shape))
        object.__setattr__(self, "usual", usual)

    @property
    def period_s(self) -> float:
        """Median time from one end of inhalation to the next."""
        return float(np.median(np.diff(self.peaks_s)))

    def phase_percent(self, times_s: ArrayLike) -> Float64Array:
        """Phases (n,) in [0, 100): the share of time since the last end of inhalation, until the next.

        NaN in unusual breaths. Before the first and after the last peak, breaths are taken to go on as the nearest one
        did, for one breath; NaN beyond that.
        """
        times = np.asarray(times_s, dtype=np.float64)
        gaps = np.diff(self.peaks_s)
        edges = np.concatenate([[self.peaks_s[0] - gaps[0]], self.peaks_s, [self.peaks_s[-1] + gaps[-1]]])
        usual = np.concatenate([self.usual[:1], self.usual, self.usual[-1:]])
        which = np.searchsorted(edges, times, side="right") - 1
        inside = (which >= 0) & (which < len(usual))
        which = np.clip(which, 0, len(usual) - 1)
        phases = WHOLE_CYCLE * (times - edges[which]) / np.diff(edges)[which]
        return np.where(inside & usual[which], phases, np.nan)


def breaths_of(trace: BreathingTrace) -> Breaths:
    """The breaths of a trace: peaks that stand out, each refined by a parabola through its neighbours.

    Raises InconsistentInput where there are fewer than two.
    """
    spread = float(np.subtract(*np.percentile(trace.amplitude, [95.0, 5.0])))
    usual_step_s = float(np.median(np.diff(trace.times_s)))
    apart = max(1, int(SHORTEST_PERIOD_S / usual_step_s))
    found = np.zeros(0, np.intp)
    if spread > 0.0:
        from scipy.signal import find_peaks  # noqa: PLC0415  (half a second that only breathing should pay)

        found = np.asarray(find_peaks(trace.amplitude, distance=apart, prominence=LEAST_PROMINENCE * spread)[0])
    if len(found) < 2:
        raise InconsistentInput(
            f"The breathing trace of {trace.times_s[-1] - trace.times_s[0]:.1f} s shows {len(found)} ends of "
            "inhalation; sorting needs two at least. Check that the trace is one of breathing, and its unit of time.",
            found=len(found),
        )
    peaks = np.array([_refined_s(trace, int(n)) for n in found])
    lowest = np.minimum.reduceat(trace.amplitude, found)[:-1]
    amplitudes = (trace.amplitude[found[:-1]] + trace.amplitude[found[1:]]) / 2.0 - lowest
    return Breaths(
        peaks, _near_median(np.diff(peaks), USUAL_PERIOD_SHARE) & _near_median(amplitudes, USUAL_AMPLITUDE_SHARE)
    )


def _near_median(values: Float64Array, share: float) -> np.ndarray:
    """Which values lie within a share of their median."""
    median = float(np.median(values))
    return np.asarray(np.abs(values - median) <= share * abs(median))


def _refined_s(trace: BreathingTrace, n: int) -> float:
    """The time of the top of the parabola through sample n and its neighbours."""
    times, values = trace.times_s[n - 1 : n + 2] - trace.times_s[n], trace.amplitude[n - 1 : n + 2]
    curve, slope, _ = np.polyfit(times, values, 2)
    if curve >= 0.0:
        return float(trace.times_s[n])
    return float(trace.times_s[n] + np.clip(-slope / (2.0 * curve), times[0], times[2]))
