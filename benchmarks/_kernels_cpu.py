"""Interpolation of a volume on an oblique lattice with any separable kernel, compiled."""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
def sample_lattice(
    volume: NDArray[np.float32],
    weights: NDArray[np.float32],
    index_from_lattice: NDArray[np.float64],
    shape: tuple[int, int, int],
) -> NDArray[np.float32]:
    """Volume [k, j, i] at the nodes of another lattice, float32 of `shape`; beyond its edges the volume is continued.

    `index_from_lattice` (3, 4) maps (i, j, k, 1) of the lattice to (i, j, k) of the volume; row p of `weights`
    (phases + 1, taps) holds the kernel at the fraction p / phases.
    """
    out = np.empty(shape, np.float32)
    m = index_from_lattice
    phases, taps = weights.shape[0] - 1, weights.shape[1]
    n_k, n_j, n_i = volume.shape
    for row in prange(shape[0] * shape[1]):
        k, j = row // shape[1], row % shape[1]
        columns = np.empty(taps, np.int64)
        for i in range(shape[2]):
            x = m[0, 0] * i + m[0, 1] * j + m[0, 2] * k + m[0, 3]
            y = m[1, 0] * i + m[1, 1] * j + m[1, 2] * k + m[1, 3]
            z = m[2, 0] * i + m[2, 1] * j + m[2, 2] * k + m[2, 3]
            x0, y0, z0 = np.floor(x), np.floor(y), np.floor(z)
            wx = weights[int((x - x0) * phases + 0.5)]
            wy = weights[int((y - y0) * phases + 0.5)]
            wz = weights[int((z - z0) * phases + 0.5)]
            first = 1 - taps // 2
            for a in range(taps):
                columns[a] = min(max(int(x0) + first + a, 0), n_i - 1)
            total = 0.0
            for c in range(taps):
                plane = volume[min(max(int(z0) + first + c, 0), n_k - 1)]
                in_plane = 0.0
                for b in range(taps):
                    line = plane[min(max(int(y0) + first + b, 0), n_j - 1)]
                    along = 0.0
                    for a in range(taps):
                        along += wx[a] * line[columns[a]]
                    in_plane += wy[b] * along
                total += wz[c] * in_plane
            out[k, j, i] = total
    return out
