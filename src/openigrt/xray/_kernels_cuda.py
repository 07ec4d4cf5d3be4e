"""Hot loops of projection and back-projection on a GPU.

The geometry is that of `_kernels_cpu`, without its ladder: a thread reads with exact weights. Numbers that depend on a
ray or a view alone come ready in float32 tables (`gpu_tables.py`), so that a kernel adds and multiplies in float32 only
(the resampling of tilted detectors excepted). Every kernel gathers: no sum depends on the order in which threads run.

Volumes are [j, i, k], or as `laid_out` makes them [j + 1, i + 1, k + 1]; neighbouring threads differ in k, or in the
row of [projection, column, row], and read neighbouring numbers.
"""

import math
from typing import Any

import numba.cuda
import numpy as np

from openigrt.arrays import compiled_for_gpu

ZERO, ONE, TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
ROUNDING = np.float32(1e-3)
NEXT = np.uint64(1)  # without a sign: an index that might be negative costs a comparison
RUN = 8
TAPS_OF_A_RUN = 2 * RUN - 1
TILE = 8
Array = Any
cuda: Any = numba.cuda


@compiled_for_gpu()
def clear(values: Array) -> None:
    """Set flat `values` to zero."""
    for n in range(cuda.grid(1), len(values), cuda.gridsize(1)):
        values[n] = ZERO


@compiled_for_gpu()
def find_no_numbers(values: Array, found: Array) -> None:
    """Set found[0] to 1 where one of the flat `values` is NaN or infinite."""
    for n in range(cuda.grid(1), len(values), cuda.gridsize(1)):
        if not abs(values[n]) < np.float32(np.inf):
            found[0] = 1


@compiled_for_gpu()
def lay_out(volume: Array, steps: Array, out: Array) -> None:
    """Fill `out` [j + 1, i + 1, k + 1], its border with zeros, with volume[j steps[0] + i steps[1] + k steps[2]]."""
    k, i, j = cuda.grid(3)
    if j < out.shape[0] and i < out.shape[1] and k < out.shape[2]:
        inside = 0 < j < out.shape[0] - 1 and 0 < i < out.shape[1] - 1 and 0 < k < out.shape[2] - 1
        out[j, i, k] = ZERO
        if inside:
            out[j, i, k] = volume[(j - 1) * steps[0] + (i - 1) * steps[1] + (k - 1) * steps[2]]


@compiled_for_gpu()
def put_back(volume: Array, steps: Array, out: Array) -> None:
    """Fill out[j steps[0] + i steps[1] + k steps[2]] with `volume` [j, i, k]."""
    k, i, j = cuda.grid(3)
    if j < volume.shape[0] and i < volume.shape[1] and k < volume.shape[2]:
        out[j * steps[0] + i * steps[1] + k * steps[2]] = volume[j, i, k]


@compiled_for_gpu(device=True)
def sampled(image: Array, matrix: Array, column: int, row: int) -> Any:
    """`image` [row, column] at the homogeneous pixel matrix @ (column, row, 1), interpolated; zero outside."""
    rows, columns = image.shape
    depth = 1.0 / (matrix[2, 0] * column + matrix[2, 1] * row + matrix[2, 2])
    x = (matrix[0, 0] * column + matrix[0, 1] * row + matrix[0, 2]) * depth
    y = (matrix[1, 0] * column + matrix[1, 1] * row + matrix[1, 2]) * depth
    if not (-1e-6 <= x <= columns - 1 + 1e-6 and -1e-6 <= y <= rows - 1 + 1e-6):
        return ZERO
    left, top = max(0, min(int(x), columns - 2)), max(0, min(int(y), rows - 2))
    next_left, next_top = min(left + 1, columns - 1), min(top + 1, rows - 1)
    right, low = np.float32(x - left), np.float32(y - top)
    upper = image[top, left] + right * (image[top, next_left] - image[top, left])
    lower = image[next_top, left] + right * (image[next_top, next_left] - image[next_top, left])
    return upper + low * (lower - upper)


@compiled_for_gpu()
def warp(projections: Array, there: Array, out: Array) -> None:
    """Fill `out` [n, row, column] with `projections` at there[n] @ (column, row, 1)."""
    column, row, n = cuda.grid(3)
    if n < out.shape[0] and row < out.shape[1] and column < out.shape[2]:
        out[n, row, column] = sampled(projections[n], there[n], column, row)


@compiled_for_gpu(device=True)
def mapped(matrix: Array, column: float, row: float) -> tuple[float, float]:
    """The pixel matrix @ (column, row, 1)."""
    depth = 1.0 / (matrix[2, 0] * column + matrix[2, 1] * row + matrix[2, 2])
    x = (matrix[0, 0] * column + matrix[0, 1] * row + matrix[0, 2]) * depth
    return x, (matrix[1, 0] * column + matrix[1, 1] * row + matrix[1, 2]) * depth


@compiled_for_gpu()
def warp_adjoint(projections: Array, there: Array, back: Array, out: Array) -> None:
    """Fill `out` [n, row, column] with the transpose of `warp` onto `projections`; `back` are the inverses of `there`.

    A pixel looks for those that were read within one pixel of it: they lie in the box about its own neighbours.
    """
    column, row, n = cuda.grid(3)
    if n >= out.shape[0] or row >= out.shape[1] or column >= out.shape[2]:
        return
    rows, columns = projections.shape[1], projections.shape[2]
    least_x, least_y, most_x, most_y = 1e9, 1e9, -1e9, -1e9
    for corner in range(4):
        x, y = mapped(back[n], column - 1.0 + 2.0 * (corner % 2), row - 1.0 + 2.0 * (corner // 2))
        least_x, most_x = min(least_x, x), max(most_x, x)
        least_y, most_y = min(least_y, y), max(most_y, y)
    first_x, last_x = int(min(max(least_x, 0.0), columns)), int(min(max(most_x + 2.0, 0.0), columns))
    first_y, last_y = int(min(max(least_y, 0.0), rows)), int(min(max(most_y + 2.0, 0.0), rows))
    total = ZERO
    for other_row in range(first_y, last_y):
        for other in range(first_x, last_x):
            x, y = mapped(there[n], other, other_row)
            if -1e-6 <= x <= out.shape[2] - 1 + 1e-6 and -1e-6 <= y <= out.shape[1] - 1 + 1e-6:
                weight = max(1.0 - abs(x - column), 0.0) * max(1.0 - abs(y - row), 0.0)
                total += projections[n, other_row, other] * np.float32(weight)
    out[n, row, column] = total


@compiled_for_gpu(device=True)
def weighted(projection: Array, matrix: Array, weights: Array, cosine: tuple[Any, Any, Any], place: Any) -> Any:
    """A pixel of a straightened projection under the weights of FDK; zero beside it.

    `cosine`: distance from the source to the detector, and where its columns and its rows lie, in mm.
    """
    column, row, is_tilted = place
    if column < 0 or column >= len(weights):
        return ZERO
    value = sampled(projection, matrix, column, row) if is_tilted else projection[row, column]
    distance, across, down = cosine[0], cosine[1][column], cosine[2][row]
    return value * weights[column] * (distance / math.sqrt(distance * distance + across * across + down * down))


@compiled_for_gpu()
def prepare_rows(
    projections: Array,
    there: Array,
    weights: Array,
    distances: Array,
    across: Array,
    down: Array,
    fading: Array,
    is_tilted: bool,
    first: int,
    before: int,
    columns: int,
    out: Array,
) -> None:
    """Fill `out` [n, column, row] with what is filtered: `projections` [n, row, column] straightened and weighted.

    The projections are numbers `first` and following of the scan, for all of which there are weights.

    `before` columns of zeros stand in front of them, `columns` there are then, and `fading` of each edge continues
    (`ramp.extended`); zeros fill `out` to its end. `there` holds one empty matrix where nothing is tilted.
    """
    row, column, n = cuda.grid(3)
    if n >= projections.shape[0] or column >= out.shape[1] or row >= out.shape[2]:
        return
    number = first + n
    view = number if is_tilted else 0
    place = column - len(fading)
    beyond = max(-place, place - columns + 1)
    cosine = (distances[number], across[number], down[number])
    value = ZERO
    if beyond <= 0:
        value = weighted(projections[n], there[view], weights[number], cosine, (place - before, row, is_tilted))
    elif beyond <= len(fading):
        edge = 0 if place < 0 else columns - 1
        mirrored = abs(edge - min(beyond, columns - 1))
        at_edge = weighted(projections[n], there[view], weights[number], cosine, (edge - before, row, is_tilted))
        inside = weighted(projections[n], there[view], weights[number], cosine, (mirrored - before, row, is_tilted))
        value = max(TWO * at_edge - inside, ZERO) * fading[beyond - 1]
    out[n, column, row] = value


@compiled_for_gpu()
def filter_rows(rows: Array, taps: Array, extension: int, count: int, out: Array) -> None:
    """Fill the first `count` of `out` [n, column, row] with `rows` under taps[half + column - other column].

    `rows` begins `extension` columns before `out` and has a multiple of RUN of them; half the taps are before zero.
    A thread makes RUN columns of one row, from RUN numbers and the taps between them at a time.
    """
    row, run, n = cuda.grid(3)
    first = run * RUN
    if n >= count or first >= out.shape[1] - 1 or row >= rows.shape[2]:
        return
    half = len(taps) // 2
    sums = cuda.local.array(RUN, np.float32)
    values = cuda.local.array(RUN, np.float32)
    between = cuda.local.array(TAPS_OF_A_RUN, np.float32)
    for m in range(RUN):
        sums[m] = ZERO
    for begin in range(0, rows.shape[1], RUN):
        for m in range(RUN):
            values[m] = rows[n, begin + m, row]
        start = half + first + extension - begin - (RUN - 1)
        for m in range(TAPS_OF_A_RUN):
            between[m] = taps[start + m]
        for m in range(RUN):
            for other in range(RUN):
                sums[m] += values[other] * between[m + RUN - 1 - other]
    for m in range(RUN):
        if first + m < out.shape[1] - 1:
            out[n, first + m, row] = sums[m]


@compiled_for_gpu()
def back_project(projections: Array, seen: Array, first_view: int, count: int, volume: Array) -> None:
    """Add to `volume` [j, i, k] the first `count` projections, interpolated, times scale / t^2 (FDK's distance weight).

    `projections` [n, column, row] end with a column and a row of zeros; `seen` is that of `gpu_tables` for the scan, of
    which they are numbers `first_view` and following. A thread has TILE voxels of a line along k, a block's width
    apart: they share all but the row.
    """
    _, i, j = cuda.grid(3)
    if j >= volume.shape[0] or i >= volume.shape[1]:
        return
    apart = cuda.blockDim.x
    first = cuda.blockIdx.x * apart * TILE + cuda.threadIdx.x
    last_column, last_row = np.float32(projections.shape[1] - 2), np.float32(projections.shape[2] - 2)
    at_i, at_j, at_k = np.float32(i), np.float32(j), np.float32(first)
    sums = cuda.local.array(TILE, np.float32)
    for m in range(TILE):
        sums[m] = ZERO
    for n in range(count):
        view = first_view + n
        inverse = ONE / (seen[view, 0] + seen[view, 1] * at_i + seen[view, 2] * at_j)
        place = (seen[view, 3] + seen[view, 4] * at_i + seen[view, 5] * at_j) * inverse
        if ZERO <= place <= last_column:
            left = np.uint32(place)
            right = place - np.float32(left)
            weight = seen[view, 9] * inverse * inverse
            near, far = projections[n, left], projections[n, np.uint64(left) + NEXT]
            per_slice = seen[view, 8] * inverse
            row = seen[view, 6] + (at_k - seen[view, 7]) * per_slice
            step = np.float32(apart) * per_slice
            for m in range(TILE):
                if ZERO <= row <= last_row:
                    below = np.uint64(np.uint32(row))
                    up = row - np.float32(np.uint32(row))
                    one = near[below] + up * (near[below + NEXT] - near[below])
                    other = far[below] + up * (far[below + NEXT] - far[below])
                    sums[m] += weight * (one + right * (other - one))
                row += step
    for m in range(TILE):
        k = first + m * apart
        if k < volume.shape[2]:
            volume[j, i, k] += sums[m]


@compiled_for_gpu()
def project(volume: Array, shape: tuple[int, int, int], rays: Array, heights: Array, out: Array) -> None:
    """Fill `out` [n, row, column] with line integrals through a flat `volume` [j + 1, i + 1, k + 1] of this `shape`.

    Joseph's method: bilinear in planes across the axis along which the ray mainly runs.
    """
    row, column, n = cuda.grid(3)
    if n >= out.shape[0] or row >= out.shape[1] or column >= out.shape[2]:
        return
    first_place, per_plane = rays[n, column, 1], rays[n, column, 2]
    first_share, share_step = rays[n, column, 3], rays[n, column, 4]
    planes, others, forth, aside = shape[1] - 2, shape[0] - 2, shape[2], shape[1] * shape[2]
    if rays[n, column, 0] == ZERO:
        planes, others, forth, aside = others, planes, aside, forth
    most_place, most_level = np.float32(others + 1), np.float32(shape[2] - 1)
    source, rise = heights[n, 0], heights[n, 1] + np.float32(row) * heights[n, 2]
    total, plane, before = ZERO, ZERO, forth
    for _ in range(planes):
        share, place = first_share + plane * share_step, first_place + plane * per_plane
        level = source + share * rise
        if ZERO < share <= ONE and ZERO < place < most_place and ZERO < level < most_level:
            left, below = np.uint32(place), np.uint32(level)
            right, up = place - np.float32(left), level - np.float32(below)
            at = np.uint64(np.uint32(before + left * aside + below))
            beside = at + np.uint64(aside)
            near = volume[at] + up * (volume[at + NEXT] - volume[at])
            far = volume[beside] + up * (volume[beside + NEXT] - volume[beside])
            total += near + right * (far - near)
        plane += ONE
        before += forth
    climb = rise * rays[n, column, 6]
    out[n, row, column] = total * math.sqrt(rays[n, column, 5] * rays[n, column, 5] + climb * climb)


@compiled_for_gpu()
def measure_rays(projections: Array, rays: Array, heights: Array, out: Array) -> None:
    """Fill `out` [n, column, row] with `projections` [n, row, column] times a ray's length between two planes."""
    row, column, n = cuda.grid(3)
    if n < projections.shape[0] and row < projections.shape[1] and column < projections.shape[2]:
        climb = (heights[n, 1] + np.float32(row) * heights[n, 2]) * rays[n, column, 6]
        length = math.sqrt(rays[n, column, 5] * rays[n, column, 5] + climb * climb)
        out[n, column, row] = projections[n, row, column] * length


@compiled_for_gpu()
def project_adjoint(values: Array, rays: Array, heights: Array, seen: Array, volume: Array) -> None:
    """Add to `volume` [j, i, k], without a border, the transpose of `project`, of what `measure_rays` made.

    A voxel looks for the rays that pass within one voxel of it, in the planes across their main axes, and weighs them
    by the same sums as `project`. A thread has TILE voxels, as in `back_project`.
    """
    _, i, j = cuda.grid(3)
    if j >= volume.shape[0] or i >= volume.shape[1]:
        return
    apart = cuda.blockDim.x
    first = cuda.blockIdx.x * apart * TILE + cuda.threadIdx.x
    rows = np.float32(values.shape[2])
    at_i, at_j, at_k = np.float32(i), np.float32(j), np.float32(first) + ONE
    sums = cuda.local.array(TILE, np.float32)
    for m in range(TILE):
        sums[m] = ZERO
    for n in range(values.shape[0]):
        least, most = columns_about(seen[n], at_i, at_j)
        begin, end = within(least, most, np.float32(values.shape[1]))
        for column in range(begin, end):
            plane, across = (at_i, at_j) if rays[n, column, 0] > ZERO else (at_j, at_i)
            share = rays[n, column, 3] + plane * rays[n, column, 4]
            place = rays[n, column, 1] + plane * rays[n, column, 2]
            weight = ONE - abs(place - (across + ONE))
            if weight > ZERO and ZERO < share <= ONE:
                start, per_row = heights[n, 0] + share * heights[n, 1], share * heights[n, 2]
                k = at_k
                for m in range(TILE):
                    one, other = (k - ONE - start) / per_row, (k + ONE - start) / per_row
                    bottom, top = within(min(one, other), max(one, other), rows)
                    for row in range(bottom, top):
                        rise = heights[n, 1] + np.float32(row) * heights[n, 2]
                        near = ONE - abs(heights[n, 0] + share * rise - k)
                        if near > ZERO:
                            sums[m] += values[n, column, row] * (weight * near)
                    k += np.float32(apart)
    for m in range(TILE):
        k_index = first + m * apart
        if k_index < volume.shape[2]:
            volume[j, i, k_index] += sums[m]


@compiled_for_gpu(device=True)
def columns_about(seen: Array, i: Any, j: Any) -> tuple[Any, Any]:
    """Least and largest column whose ray may pass within one voxel of (i, j), whichever way it mainly runs."""
    column, share = seen[3] + seen[4] * i + seen[5] * j, seen[0] + seen[1] * i + seen[2] * j
    a, b = (column - seen[4]) / (share - seen[1]), (column + seen[4]) / (share + seen[1])
    c, d = (column - seen[5]) / (share - seen[2]), (column + seen[5]) / (share + seen[2])
    return min(min(a, b), min(c, d)), max(max(a, b), max(c, d))


@compiled_for_gpu(device=True)
def within(least: Any, most: Any, count: Any) -> tuple[Any, Any]:
    """The whole numbers [first, last) of [0, count) from `least` to `most`, and a few beyond for rounding."""
    first, last = min(max(least - ROUNDING, ZERO), count), min(max(most + TWO, ZERO), count)
    return np.int32(first), np.int32(last)
