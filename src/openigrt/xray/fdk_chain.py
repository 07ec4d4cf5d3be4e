"""What happens to a projection on its way into a volume of FDK, as numbers that an engine follows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import thread_count
from openigrt.geometry import Float64Array, Trajectory
from openigrt.xray._kernels_cpu import back_project, restored_volume
from openigrt.xray.projector import require_numbers
from openigrt.xray.ramp import ramp_filtered
from openigrt.xray.rectification import Rectification
from openigrt.xray.redundancy import distances_mm

Float32Array = NDArray[np.float32]

RUNG_STEP_PIXELS = 1.0
CHUNKS_OF_A_THREAD = 2


@dataclass(frozen=True, eq=False)
class Obliquity:
    """What makes the cosine between each ray and its detector's normal: distances (n,), columns and rows (n, m)."""

    distances_mm: Float64Array
    columns_mm: Float64Array
    rows_mm: Float64Array

    @classmethod
    def of(cls, trajectory: Trajectory) -> "Obliquity":
        """That of the detectors of a trajectory."""
        to_first = trajectory.first_pixels_mm - trajectory.sources_mm
        first_column = np.einsum("ni,ni->n", to_first, trajectory.row_directions)
        first_row = np.einsum("ni,ni->n", to_first, trajectory.column_directions)
        columns, rows = (np.arange(trajectory.size[n]) * trajectory.spacing_mm[n] for n in range(2))
        return cls(distances_mm(trajectory), first_column[:, None] + columns, first_row[:, None] + rows)

    def cosines(self, which: slice) -> Float32Array:
        """Cosines (n, rows, columns)."""
        distance = self.distances_mm[which, None, None]
        squares = distance**2 + self.columns_mm[which, None, :] ** 2 + self.rows_mm[which, :, None] ** 2
        return np.asarray(distance / np.sqrt(squares), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class FdkChain:
    """Straighten, weight, even out, filter, back-project into a volume of `shape` [k, j, i].

    `weights` (n, columns) of rays; `before` columns of zeros stand in front of a straightened row, `columns` there are
    then, and `extension` more at each edge (`ramp.extended`); `response` is that of `ramp_response` for all of them.
    `views` and `scales` are those of the kernels.
    """

    shape: tuple[int, int, int]
    rectification: Rectification
    weights: Float32Array
    obliquity: Obliquity
    before: int
    columns: int
    extension: int
    response: Float64Array
    views: Float64Array
    scales: Float64Array


class CpuSum:
    """The volume in memory."""

    def __init__(self, chain: FdkChain) -> None:
        """Begin with zeros."""
        slices, rows, columns = chain.shape
        self._chain = chain
        self._volume = np.zeros((rows, columns, slices), np.float32)

    def add(self, line_integrals: Float32Array, first: int) -> None:
        """Filter and back-project projections [n, row, column], numbers `first` and following."""
        require_numbers(line_integrals, "A projection")
        chain, which = self._chain, slice(first, first + len(line_integrals))
        straight = chain.rectification.rectified(np.ascontiguousarray(line_integrals, np.float32), first)
        weighted = np.zeros((*straight.shape[:2], chain.columns), np.float32)
        inner = weighted[..., chain.before : chain.before + straight.shape[2]]
        np.multiply(straight, chain.weights[which, None, :], out=inner)
        inner *= chain.obliquity.cosines(which)
        filtered = ramp_filtered(weighted, chain.response, chain.extension)
        chunks = CHUNKS_OF_A_THREAD * thread_count()
        back_project(filtered, chain.views[which], chain.scales[which], RUNG_STEP_PIXELS, chunks, self._volume)

    def volume(self) -> Float32Array:
        """Attenuation per mm [k, j, i] so far."""
        out = np.empty(self._chain.shape, np.float32)
        restored_volume(self._volume, out, 0)
        return out
