"""Lag of a flat panel: what earlier frames left behind.

Part of a signal is trapped and leaves exponentially (Hsieh, Gurmen, King, IEEE Trans Med Imaging 19 (2000) 930); with
linear traps the signal of each frame follows exactly from the frames up to it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lag:
    """`shares` of each frame's signal are trapped, and leave with these time constants in `frames`."""

    shares: tuple[float, ...]
    frames: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check; raises InvalidGeometry."""
        if len(self.shares) != len(self.frames) or not self.shares:
            raise InvalidGeometry("Lag needs as many shares as time constants, and one at least.")
        if not (min(self.shares) >= 0.0 and sum(self.shares) < 0.5 and min(self.frames) > 0.0):
            raise InvalidGeometry("Lag traps less than half of a signal, and its time constants are positive.")


class LagCorrection:
    """Takes lag off frames in the order in which they were read, from the first after a long pause without beam."""

    def __init__(self, lag: Lag, shape: tuple[int, int]) -> None:
        """Start with empty traps for frames of `shape` (rows, columns)."""
        self._shares = np.array(lag.shares, dtype=np.float32)
        self._kept = np.exp(-1.0 / np.array(lag.frames, dtype=np.float64)).astype(np.float32)
        self._traps = np.zeros((len(lag.shares), *shape), np.float32)

    def corrected(self, frames: Float32Array) -> Float32Array:
        """The next frames [n, row, column], dark field taken off, without what the ones before left."""
        out = np.empty_like(frames, dtype=np.float32)
        straight = np.float32(1.0 - self._shares.sum())
        for n, frame in enumerate(frames):
            leaving = np.tensordot(np.float32(1.0) - self._kept, self._traps, 1)
            out[n] = (frame - leaving) / straight
            self._traps *= self._kept[:, None, None]
            self._traps += self._shares[:, None, None] * out[n]
        return out
