"""Hot loop of motion compensation on the CPU: a volume read along a displacement field, added to another."""

from typing import TypeAlias

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled
from openigrt.geometry import Float64Array

Float32Array: TypeAlias = NDArray[np.float32]

EDGE = 1e-4


@compiled()
def _between_nodes(index: float, count: int) -> tuple[int, float]:
    """(node below, share of the next) at an index that lies within the nodes, or next to them within rounding."""
    below = min(max(int(index), 0), max(count - 2, 0))
    return below, min(max(index - below, 0.0), 1.0)


@compiled()
def _displacement(field: Float32Array, i: float, j: float, k: float) -> tuple[float, float, float]:
    """The vector of `field` [k, j, i, 3] at continuous indices, those beyond its nodes as at the nearest ones."""
    slices, rows, columns = field.shape[:3]
    left, x = _between_nodes(i, columns)
    top, y = _between_nodes(j, rows)
    front, z = _between_nodes(k, slices)
    right, below, behind = min(left + 1, columns - 1), min(top + 1, rows - 1), min(front + 1, slices - 1)
    along_x, along_y, along_z = 0.0, 0.0, 0.0
    for corner in range(8):
        at_k, at_z = (behind, z) if corner & 4 else (front, 1.0 - z)
        at_j, at_y = (below, y) if corner & 2 else (top, 1.0 - y)
        at_i, at_x = (right, x) if corner & 1 else (left, 1.0 - x)
        weight = at_x * at_y * at_z
        node = field[at_k, at_j, at_i]
        along_x += weight * node[0]
        along_y += weight * node[1]
        along_z += weight * node[2]
    return along_x, along_y, along_z


@compiled()
def _read(volume: Float32Array, i: float, j: float, k: float) -> float:
    """`volume` [k, j, i] at continuous indices, trilinear; zero beyond its outermost voxels."""
    slices, rows, columns = volume.shape
    outside = i < -EDGE or j < -EDGE or k < -EDGE
    if outside or i > columns - 1 + EDGE or j > rows - 1 + EDGE or k > slices - 1 + EDGE:
        return 0.0
    left, x = _between_nodes(i, columns)
    top, y = _between_nodes(j, rows)
    front, z = _between_nodes(k, slices)
    right, below, behind = min(left + 1, columns - 1), min(top + 1, rows - 1), min(front + 1, slices - 1)
    near = (volume[front, top, left] * (1.0 - x) + volume[front, top, right] * x) * (1.0 - y)
    near += (volume[front, below, left] * (1.0 - x) + volume[front, below, right] * x) * y
    far = (volume[behind, top, left] * (1.0 - x) + volume[behind, top, right] * x) * (1.0 - y)
    far += (volume[behind, below, left] * (1.0 - x) + volume[behind, below, right] * x) * y
    return float(near * (1.0 - z) + far * z)


@compiled(parallel=True)
def add_displaced(
    volume: Float32Array,
    place: Float64Array,
    field: Float32Array,
    node: Float64Array,
    index_from_mm: Float64Array,
    out: Float32Array,
) -> None:
    """Add to `out` [k, j, i] what `volume` holds where the `field` displaces each of its voxels to.

    `place` and `node` (3, 4) take (i, j, k, 1) of `out` to the indices of the volume and of the field; `index_from_mm`
    (3, 3) takes displacements to indices of the volume.
    """
    slices, rows, columns = out.shape
    for line in prange(slices * rows):
        k, j = line // rows, line % rows
        target = out[k, j]
        for i in range(columns):
            x, y, z = _displacement(
                field,
                node[0, 0] * i + node[0, 1] * j + node[0, 2] * k + node[0, 3],
                node[1, 0] * i + node[1, 1] * j + node[1, 2] * k + node[1, 3],
                node[2, 0] * i + node[2, 1] * j + node[2, 2] * k + node[2, 3],
            )
            target[i] += np.float32(
                _read(
                    volume,
                    place[0, 0] * i
                    + place[0, 1] * j
                    + place[0, 2] * k
                    + place[0, 3]
                    + index_from_mm[0, 0] * x
                    + index_from_mm[0, 1] * y
                    + index_from_mm[0, 2] * z,
                    place[1, 0] * i
                    + place[1, 1] * j
                    + place[1, 2] * k
                    + place[1, 3]
                    + index_from_mm[1, 0] * x
                    + index_from_mm[1, 1] * y
                    + index_from_mm[1, 2] * z,
                    place[2, 0] * i
                    + place[2, 1] * j
                    + place[2, 2] * k
                    + place[2, 3]
                    + index_from_mm[2, 0] * x
                    + index_from_mm[2, 1] * y
                    + index_from_mm[2, 2] * z,
                )
            )
