"""Hot loops of total variation on the CPU: the steps of its proximal map, in one pass over memory each.

The dual field `dual` (3, k, j, i) has a component for each forward difference along k, j and i; differences count by
`scales` (3,) in the same order, and there are none beyond the last voxel of an axis.
"""

from typing import TypeAlias

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled

Float32Array: TypeAlias = NDArray[np.float32]


@compiled(parallel=True)
def add_divergence(volume: Float32Array, dual: Float32Array, strength: float, scales: Float32Array) -> None:
    """Add to `volume` `strength` times the divergence of `dual` (minus the transpose of the differences)."""
    slices, rows, columns = volume.shape
    by_k, by_j, by_i = (
        np.float32(strength * scales[0]),
        np.float32(strength * scales[1]),
        np.float32(strength * scales[2]),
    )
    for k in prange(slices):
        for j in range(rows):
            line = volume[k, j]
            along_k, along_j, along_i = dual[0, k, j], dual[1, k, j], dual[2, k, j]
            for i in range(columns):
                line[i] += by_k * along_k[i] + by_j * along_j[i] + by_i * along_i[i]
            if k > 0:
                before = dual[0, k - 1, j]
                for i in range(columns):
                    line[i] -= by_k * before[i]
            if j > 0:
                before = dual[1, k, j - 1]
                for i in range(columns):
                    line[i] -= by_j * before[i]
            inner = line[1:]
            for i in range(columns - 1):
                inner[i] -= by_i * along_i[i]


@compiled(parallel=True)
def climb(volume: Float32Array, dual: Float32Array, step: float, scales: Float32Array) -> None:
    """Move `dual` by `step` times the differences of `volume`, and back to length one where it became longer."""
    slices, rows, columns = volume.shape
    by_k, by_j, by_i = np.float32(step * scales[0]), np.float32(step * scales[1]), np.float32(step * scales[2])
    for k in prange(slices):
        deeper = min(k + 1, slices - 1)
        for j in range(rows):
            line, below, lower = volume[k, j], volume[deeper, j], volume[k, min(j + 1, rows - 1)]
            along_k, along_j, along_i = dual[0, k, j], dual[1, k, j], dual[2, k, j]
            right = line[1:]
            for i in range(columns - 1):
                along_i[i] += by_i * (right[i] - line[i])
            for i in range(columns):
                along_k[i] += by_k * (below[i] - line[i])
                along_j[i] += by_j * (lower[i] - line[i])
                square = along_k[i] * along_k[i] + along_j[i] * along_j[i] + along_i[i] * along_i[i]
                shorter = np.float32(1.0) / np.sqrt(max(square, np.float32(1.0)))
                along_k[i] *= shorter
                along_j[i] *= shorter
                along_i[i] *= shorter
