"""Breathing traces: how far a patient has breathed in, over time."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, frozen_array

FEWEST_SAMPLES = 2


class AmplitudeUnit(StrEnum):
    """What amplitudes are counted in: millimetres of something that moves, or a belt's or camera's own scale."""

    MM = "mm"
    OWN = "own scale"


@dataclass(frozen=True, eq=False)
class BreathingTrace:
    """Amplitudes (n,), rising with inhalation, at times (n,) that rise, on the clock of what they are used with."""

    times_s: Float64Array
    amplitude: Float64Array
    unit: AmplitudeUnit

    def __post_init__(self) -> None:
        """Copy, check and freeze; raises InconsistentInput."""
        times, amplitude = np.atleast_1d(self.times_s), np.atleast_1d(self.amplitude)
        if times.ndim != 1 or times.shape != amplitude.shape or len(times) < FEWEST_SAMPLES:
            raise InconsistentInput(
                f"A breathing trace needs as many times as amplitudes, {FEWEST_SAMPLES} at least, found {times.shape} "
                f"and {amplitude.shape}."
            )
        if not (np.isfinite(times).all() and np.isfinite(amplitude).all()):
            raise InconsistentInput("A breathing trace holds times or amplitudes that are no numbers; leave them out.")
        if not (np.diff(times) > 0.0).all():
            first = int(np.argmax(np.diff(times) <= 0.0))
            raise InconsistentInput(
                f"The times of a breathing trace rise; sample {first + 1} at {times[first + 1]:.3f} s does not follow "
                f"sample {first} at {times[first]:.3f} s. Sort the trace, or look for a clock that was set back."
            )
        object.__setattr__(self, "times_s", frozen_array(times, times.shape))
        object.__setattr__(self, "amplitude", frozen_array(amplitude, amplitude.shape))

    def at(self, times_s: ArrayLike) -> Float64Array:
        """Amplitudes at times (n,), linear between samples; NaN before the first and after the last."""
        return np.interp(np.asarray(times_s, np.float64), self.times_s, self.amplitude, left=np.nan, right=np.nan)
