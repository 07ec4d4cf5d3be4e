"""Hot loops of projection and back-projection on a GPU.

The geometry is that of `_kernels_cpu`: volumes float32 [j, i, k], `views` (n, 12) in voxel indices. There is no ladder:
a thread has its own ray, or its own voxel, and reads with exact weights. Projections are float32 [projection, column,
row], so that neighbouring threads, which differ in row or in k, read neighbouring numbers. Every kernel gathers: no sum
depends on the order in which threads run.
"""

import math
from typing import Any

import numpy as np
from numba import cuda

from openigrt.arrays import compiled_for_gpu

ZERO = np.float32(0.0)
Array = Any


@compiled_for_gpu()
def filter_rows(rows: Array, kernel: Array, out: Array) -> None:
    """Fill `out` [n, column, row] with `rows` [n, column, row] convolved with kernel[columns - 1 + here - there]."""
    row, column, n = cuda.grid(3)  # type: ignore[attr-defined]
    columns = rows.shape[1]
    if n < rows.shape[0] and column < columns and row < rows.shape[2]:
        total = ZERO
        for c in range(columns):
            total += rows[n, c, row] * kernel[columns - 1 + column - c]
        out[n, column, row] = total


@compiled_for_gpu()
def back_project(projections: Array, views: Array, scales: Array, volume: Array) -> None:
    """Add to `volume` [j, i, k] the projections, interpolated, times scale / t^2 (the distance weight of FDK)."""
    k, i, j = cuda.grid(3)  # type: ignore[attr-defined]
    if j >= volume.shape[0] or i >= volume.shape[1] or k >= volume.shape[2]:
        return
    columns, rows = projections.shape[1], projections.shape[2]
    total = ZERO
    for n in range(projections.shape[0]):
        share, place = column_of(views[n], i, j)
        row = (views[n, 2] - views[n, 5] + (k - views[n, 2]) / share) / views[n, 11]
        if 0.0 <= place <= columns - 1 and 0.0 <= row <= rows - 1:
            left, below = min(int(place), max(columns - 2, 0)), min(int(row), max(rows - 2, 0))
            right, above = min(left + 1, columns - 1), min(below + 1, rows - 1)
            across, up = np.float32(place - left), np.float32(row - below)
            near = projections[n, left, below] * (1 - up) + projections[n, left, above] * up
            far = projections[n, right, below] * (1 - up) + projections[n, right, above] * up
            total += np.float32(scales[n] / (share * share)) * (near * (1 - across) + far * across)
    volume[j, i, k] += total


@compiled_for_gpu(device=True)
def column_of(view: Array, i: float, j: float) -> tuple[float, float]:
    """(share of the way from source to detector, column) of the plane of rays through a voxel (i, j)."""
    to_first_i, to_first_j = view[3] - view[0], view[4] - view[1]
    from_source_i, from_source_j = i - view[0], j - view[1]
    scale = 1.0 / (to_first_i * view[7] - to_first_j * view[6])
    share = (from_source_i * view[7] - from_source_j * view[6]) * scale
    return share, (to_first_i * from_source_j - to_first_j * from_source_i) * scale / share


@compiled_for_gpu(device=True)
def length_mm(view: Array, along_i: float, along_j: float, row: int, spacing_mm: Array) -> float:
    """The length of a ray between two planes across its main axis."""
    rise_mm = (view[5] - view[2] + row * view[11]) * spacing_mm[2]
    flat = (along_i * spacing_mm[0]) ** 2 + (along_j * spacing_mm[1]) ** 2
    return math.sqrt(flat + rise_mm * rise_mm) / max(abs(along_i), abs(along_j))


@compiled_for_gpu()
def project(volume: Array, views: Array, spacing_mm: Array, out: Array) -> None:
    """Fill `out` [n, column, row] with line integrals through `volume` [j + 1, i + 1, k + 1], bordered by zeros.

    Joseph's method: trilinear between voxels, in planes across the axis along which the ray mainly runs.
    """
    row, column, n = cuda.grid(3)  # type: ignore[attr-defined]
    if n >= out.shape[0] or column >= out.shape[1] or row >= out.shape[2]:
        return
    view = views[n]
    height, width, slices = volume.shape[0] - 2, volume.shape[1] - 2, volume.shape[2] - 2
    along_i, along_j = view[3] + column * view[6] - view[0], view[4] + column * view[7] - view[1]
    rise = view[5] - view[2] + row * view[11]
    mainly_i = abs(along_i) >= abs(along_j)
    main, cross, along, across = view[0], view[1], along_i, along_j
    planes, others = width, height
    if not mainly_i:
        main, cross, along, across = view[1], view[0], along_j, along_i
        planes, others = height, width
    total = ZERO
    for plane in range(planes):
        share = (plane - main) / along
        place, level = cross + share * across, view[2] + share * rise
        if 0.0 < share <= 1.0 and -1.0 < place < others and -1.0 < level < slices:
            left, below = math.floor(place), math.floor(level)
            right, up = np.float32(place - left), np.float32(level - below)
            j, i, next_j, next_i = left + 1, plane + 1, left + 2, plane + 1
            if not mainly_i:
                j, i, next_j, next_i = plane + 1, left + 1, plane + 1, left + 2
            k = below + 1
            near = volume[j, i, k] * (1 - up) + volume[j, i, k + 1] * up
            far = volume[next_j, next_i, k] * (1 - up) + volume[next_j, next_i, k + 1] * up
            total += near * (1 - right) + far * right
    out[n, column, row] = total * np.float32(length_mm(view, along_i, along_j, row, spacing_mm))


@compiled_for_gpu()
def project_adjoint(projections: Array, views: Array, spacing_mm: Array, volume: Array) -> None:
    """Add to `volume` [j, i, k], without a border, the transpose of `project`.

    A voxel looks for the rays that pass within one voxel of it, in the planes across their main axes.
    """
    k, i, j = cuda.grid(3)  # type: ignore[attr-defined]
    if j >= volume.shape[0] or i >= volume.shape[1] or k >= volume.shape[2]:
        return
    total = ZERO
    for n in range(projections.shape[0]):
        first, last = columns_about(views[n], i, j, projections.shape[1])
        for column in range(first, last):
            total += gathered(projections[n, column], views[n], column, (i, j, k), spacing_mm)
    volume[j, i, k] += total


@compiled_for_gpu(device=True)
def columns_about(view: Array, i: int, j: int, columns: int) -> tuple[int, int]:
    """The columns [first, last) whose rays may pass within one voxel of (i, j), whichever way they mainly run."""
    least, most = column_of(view, i - 1, j)[1], column_of(view, i + 1, j)[1]
    low, high = column_of(view, i, j - 1)[1], column_of(view, i, j + 1)[1]
    least, most = min(min(least, most), min(low, high)), max(max(least, most), max(low, high))
    return int(min(max(math.floor(least), 0.0), columns)), int(min(max(math.floor(most) + 2.0, 0.0), columns))


@compiled_for_gpu(device=True)
def gathered(rows: Array, view: Array, column: int, voxel: tuple[int, int, int], spacing_mm: Array) -> Any:
    """What `project` takes from a voxel (i, j, k) into the rows of a column, times what stands there."""
    i, j, k = voxel
    along_i, along_j = view[3] + column * view[6] - view[0], view[4] + column * view[7] - view[1]
    if abs(along_i) >= abs(along_j):
        share = (i - view[0]) / along_i
        weight = 1.0 - abs(view[1] + share * along_j - j)
    else:
        share = (j - view[1]) / along_j
        weight = 1.0 - abs(view[0] + share * along_i - i)
    total = ZERO
    if weight <= 0.0 or not 0.0 < share <= 1.0:
        return total
    per_row = share * view[11]
    start = view[2] + share * (view[5] - view[2])
    one, other = (k - 1 - start) / per_row, (k + 1 - start) / per_row
    first = int(min(max(math.floor(min(one, other)), 0.0), len(rows)))
    last = int(min(max(math.floor(max(one, other)) + 2.0, 0.0), len(rows)))
    for row in range(first, last):
        near = 1.0 - abs(start + row * per_row - k)
        if near > 0.0:
            total += rows[row] * np.float32(weight * near * length_mm(view, along_i, along_j, row, spacing_mm))
    return total
