"""Smooth images as sums of cosines: what keeps only long waves, and is even at the edges."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CosineBasis:
    """Orthonormal cosines over the pixels of an image, of wavelengths of `shortest_mm` and longer.

    `down` (waves, rows) and `across` (waves, columns) hold them; `frequencies_per_mm` (waves, waves) how fast each
    product of two varies. Images are zero out to the margin, and continued by reflection from there.
    """

    down: Float32Array
    across: Float32Array
    frequencies_per_mm: Float64Array
    shortest_mm: float

    @classmethod
    def of(
        cls, shape: tuple[int, int], spacing_mm: tuple[float, float], shortest_mm: float, margin_mm: float = 0.0
    ) -> "CosineBasis":
        """For images of `shape` (rows, columns) and `spacing_mm` (between columns, between rows)."""
        if not shortest_mm > 0.0:
            raise InvalidGeometry(f"A wavelength is longer than 0 mm, found {shortest_mm}.")
        down, slow = _cosines(shape[0], spacing_mm[1], shortest_mm, margin_mm)
        across, fast = _cosines(shape[1], spacing_mm[0], shortest_mm, margin_mm)
        return cls(down, across, np.hypot(slow[:, None], fast), shortest_mm)

    def smoothed(self, images: Float32Array, response: Float64Array) -> Float32Array:
        """Images [n, row, column] of which each wave is multiplied by `response` (waves, waves)."""
        count, rows, columns = images.shape
        kept = (response * (self.frequencies_per_mm <= 1.0 / self.shortest_mm)).astype(np.float32)
        # As few large products: one for each image runs ten times slower (measured).
        across = (images.reshape(-1, columns) @ self.across.T).reshape(count, rows, -1)
        waves = self.down @ across.transpose(1, 0, 2).reshape(rows, -1)
        waves = waves.reshape(len(self.down), count, -1) * kept[:, None, :]
        down = (self.down.T @ waves.reshape(len(self.down), -1)).reshape(rows, count, -1)
        smooth = down.transpose(1, 0, 2).reshape(count * rows, -1) @ self.across
        return np.asarray(smooth.reshape(images.shape), dtype=np.float32)

    def gaussian(self, sigma_mm: float) -> Float64Array:
        """Response of a blur by a Gaussian."""
        return np.asarray(np.exp(-2.0 * (np.pi * sigma_mm * self.frequencies_per_mm) ** 2))

    def low_pass(self) -> Float64Array:
        """Response that falls as a cosine from 1 at twice the shortest wavelength to 0 at it."""
        share = np.clip(2.0 * self.frequencies_per_mm * self.shortest_mm - 1.0, 0.0, 1.0)
        return np.asarray(0.5 + 0.5 * np.cos(np.pi * share))


def _cosines(count: int, step_mm: float, shortest_mm: float, margin_mm: float) -> tuple[Float32Array, Float64Array]:
    """Waves (waves, count) of the discrete cosine transform, and their frequencies per mm (waves,).

    They are those of a longer row, which has a margin at both ends, where this one lies in it.
    """
    margin = int(np.ceil(margin_mm / step_mm))
    whole = count + 2 * margin
    waves = min(whole, int(2.0 * whole * step_mm / shortest_mm) + 1)
    number = np.arange(waves)
    basis = np.cos(np.pi / whole * number[:, None] * (np.arange(count) + margin + 0.5)) * np.sqrt(2.0 / whole)
    basis[0] /= np.sqrt(2.0)
    return basis.astype(np.float32), number / (2.0 * whole * step_mm)
