"""Hot loops of projection and back-projection on the CPU.

Volumes here are float32 [j, i, k], the axis of the detector's columns innermost; projections float32
[projection, row, column]. `views` (n, 12) holds, in voxel indices (i, j, k), source, first pixel, step from column to
column and step from row to row; columns run along k and rows across it (`rectification.py` sees to that). A point then
lies at the share t of the way from source to detector, and

    t = t(i, j),   column = u(i, j) / t,   row = row of the source + (k - k of the source) / (t * row step),

so that everything but the row depends on (i, j) alone. Along k, lines are read at a ladder of depths whose rows differ
by less than `step` at the ends of the volume, and interpolated between its rungs: the innermost loops then run over
contiguous numbers, where a look-up for every voxel would take three times as long.
"""

import math
from typing import TypeAlias

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled
from openigrt.geometry import Float64Array

Float32Array: TypeAlias = NDArray[np.float32]

BLOCK = 16
NEVER = 1e30


@compiled(parallel=True)
def transposed_volume(volume: Float32Array, out: Float32Array, border: int) -> None:
    """Fill `out` [j + border, i + border, k + border] with `volume` [k, j, i]."""
    slices, rows, columns = volume.shape
    for j in prange(rows):
        for k_block in range(0, slices, BLOCK):
            k_end = min(k_block + BLOCK, slices)
            for i in range(columns):
                target = out[j + border, i + border]
                for k in range(k_block, k_end):
                    target[k + border] = volume[k, j, i]


@compiled(parallel=True)
def restored_volume(volume: Float32Array, out: Float32Array, border: int) -> None:
    """Fill `out` [k, j, i] with `volume` [j + border, i + border, k + border]."""
    slices, rows, columns = out.shape
    for j in prange(rows):
        for k_block in range(0, slices, BLOCK):
            k_end = min(k_block + BLOCK, slices)
            for i in range(columns):
                line = volume[j + border, i + border]
                for k in range(k_block, k_end):
                    out[k, j, i] = line[k + border]


@compiled(parallel=True)
def looked_up(voxels: Float32Array, first: float, table: Float32Array, out: Float32Array) -> None:
    """Fill `out` [k, j, i] with the entries of a table, one for each whole number from `first` on; zero for NaN."""
    slices, rows, columns = voxels.shape
    last = len(table) - 2
    for k in prange(slices):
        for j in range(rows):
            line, target = voxels[k, j], out[k, j]
            for i in range(columns):
                place = min(max(line[i] - np.float32(first), np.float32(0.0)), np.float32(last + 1))
                target[i] = np.float32(0.0)
                if line[i] == line[i]:  # not NaN
                    below = min(int(place), last)
                    target[i] = table[below] + (place - np.float32(below)) * (table[below + 1] - table[below])


@compiled()
def _rung(projection: Float32Array, view: Float64Array, share: float, spare: Float32Array, out: Float32Array) -> None:
    """Fill `out` [column, k] with the rows that a plane of voxels at the share `share` of the way would see."""
    rows, columns = projection.shape
    slices = out.shape[1]
    source_k, row_step = view[2], view[11]
    foot = (source_k - view[5]) / row_step
    per_slice = 1.0 / (share * row_step)
    for block in range(0, slices, BLOCK):
        count = min(BLOCK, slices - block)
        for n in range(count):
            row = foot + (block + n - source_k) * per_slice
            line = spare[n]
            if row < 0.0 or row > rows - 1:
                for c in range(columns):
                    line[c] = np.float32(0.0)
            else:
                below = min(int(row), rows - 2)
                upper = np.float32(row - below)
                lower = np.float32(1.0) - upper
                near, far = projection[below], projection[below + 1]
                for c in range(columns):
                    line[c] = near[c] * lower + far[c] * upper
        for c in range(columns):
            target = out[c, block : block + count]
            for n in range(count):
                target[n] = spare[n, c]


@compiled()
def _between(start: float, step: float, least: float, most: float, count: int) -> tuple[int, int]:
    """The range of whole x in [0, count) with least < start + step * x <= most."""
    if abs(step) < 1e-12:
        return (0, count) if least < start <= most else (0, 0)
    # numpy's, since math.floor makes whole numbers of 64 bits, and the ends of the last rungs lie beyond them.
    if step > 0.0:
        first, last = np.floor((least - start) / step) + 1.0, np.floor((most - start) / step) + 1.0
    else:
        first, last = np.ceil((most - start) / step), np.ceil((least - start) / step)
    return int(min(max(first, 0.0), float(count))), int(min(max(last, 0.0), float(count)))


@compiled()
def _shares(view: Float64Array) -> tuple[float, float, float, float, float, float]:
    """(t at the first voxel, per i, per j, and t * column likewise) of a view."""
    to_first = (view[3] - view[0], view[4] - view[1])
    scale = 1.0 / (to_first[0] * view[7] - to_first[1] * view[6])
    share_i, share_j = view[7] * scale, -view[6] * scale
    column_i, column_j = -to_first[1] * scale, to_first[0] * scale
    return (
        -view[0] * share_i - view[1] * share_j,
        share_i,
        share_j,
        -view[0] * column_i - view[1] * column_j,
        column_i,
        column_j,
    )


@compiled()
def _ladder(view: Float64Array, shape: tuple[int, int, int], step: float) -> tuple[float, float, int]:
    """(inverse share of the first rung, difference between rungs, number of intervals) for a volume [j, i, k]."""
    share, share_i, share_j = _shares(view)[:3]
    least, most = share, share
    for corner_j in (0, shape[0] - 1):
        for corner_i in (0, shape[1] - 1):
            there = share + share_i * corner_i + share_j * corner_j
            least, most = min(least, there), max(most, there)
    span = 1.0 / least - 1.0 / most
    reach = max(abs(view[2]), abs(shape[2] - 1 - view[2])) / abs(view[11])
    intervals = max(1, math.ceil(span * reach / step))
    return 1.0 / most, max(span / intervals, 1e-12), intervals


@compiled()
def _back_project_interval(
    view: Float64Array,
    scale: float,
    rung: tuple[float, float],
    depths: tuple[float, float],
    lines: tuple[Float32Array, Float32Array],
    volume: Float32Array,
) -> None:
    """Add to the voxels whose share lies in `depths` what the lines of the two rungs about them hold.

    `rung`: the inverse share of the lower one, and the difference to the next.
    """
    share, share_i, share_j, column, column_i, column_j = _shares(view)
    low, high = lines
    rows_j, rows_i, slices = volume.shape
    columns = len(low)
    for j in range(rows_j):
        start = share + share_j * j
        begin, end = _between(start, share_i, depths[0], depths[1], rows_i)
        for i in range(begin, end):
            inverse = 1.0 / (start + share_i * i)
            place = (column + column_j * j + column_i * i) * inverse
            if place < 0.0 or place > columns - 1:
                continue
            left = min(int(place), columns - 2)
            right = place - left
            up = (inverse - rung[0]) / rung[1]
            weight = scale * inverse * inverse
            near_low, far_low = np.float32((1.0 - right) * (1.0 - up) * weight), np.float32(right * (1.0 - up) * weight)
            near_high, far_high = np.float32((1.0 - right) * up * weight), np.float32(right * up * weight)
            a, b, c, d = low[left], low[left + 1], high[left], high[left + 1]
            line = volume[j, i]
            for k in range(slices):
                line[k] += near_low * a[k] + far_low * b[k] + near_high * c[k] + far_high * d[k]


@compiled()
def _back_project_chunk(
    projection: Float32Array,
    view: Float64Array,
    scale: float,
    step: float,
    chunk: tuple[int, int],
    volume: Float32Array,
) -> None:
    """Add one projection to the voxels between the rungs of a chunk (its number, how many there are)."""
    first, between, intervals = _ladder(view, volume.shape, step)
    begin, end = chunk[0] * intervals // chunk[1], (chunk[0] + 1) * intervals // chunk[1]
    if end <= begin:
        return
    columns, slices = projection.shape[1], volume.shape[2]
    spare = np.empty((BLOCK, columns), np.float32)
    low, high = np.empty((columns, slices), np.float32), np.empty((columns, slices), np.float32)
    _rung(projection, view, 1.0 / (first + begin * between), spare, low)
    for rung in range(begin, end):
        # The same sums for the same rung in every chunk, or a voxel between two of them is taken twice or never.
        here, beyond = first + rung * between, first + (rung + 1) * between
        _rung(projection, view, 1.0 / beyond, spare, high)
        nearest = NEVER if rung == 0 else 1.0 / here
        farthest = -NEVER if rung == intervals - 1 else 1.0 / beyond
        _back_project_interval(view, scale, (here, between), (farthest, nearest), (low, high), volume)
        low, high = high, low


@compiled(parallel=True)
def back_project(
    projections: Float32Array,
    views: Float64Array,
    scales: Float64Array,
    step: float,
    chunks: int,
    volume: Float32Array,
) -> None:
    """Add to `volume` [j, i, k] the projections, interpolated, times scale / t^2 (the distance weight of FDK).

    Chunks of rungs touch different voxels, so a voxel is summed in the same order whatever their number.
    """
    for n in range(len(views)):
        for chunk in prange(chunks):
            _back_project_chunk(projections[n], views[n], scales[n], step, (chunk, chunks), volume)


@compiled()
def _ray(view: Float64Array, column: int) -> tuple[bool, float, float, float, float, float]:
    """(whether it runs mainly along i, main start, cross start, main step, cross step, k of the column's first row)."""
    along_i = view[3] + column * view[6] - view[0]
    along_j = view[4] + column * view[7] - view[1]
    first_k = view[5] - view[2]
    if abs(along_i) >= abs(along_j):
        return True, view[0], view[1], along_i, along_j, first_k
    return False, view[1], view[0], along_j, along_i, first_k


@compiled()
def _planes(main: float, cross: float, along: float, across: float, count: int, width: int) -> tuple[int, int]:
    """The planes [first, last) across the main axis that the ray meets between source and detector in the volume."""
    slope = across / along
    first, last = _between(cross - main * slope, slope, -1.0, width - 1e-9, count)
    near, far = _between(-main / along, 1.0 / along, 1e-9, 1.0, count)
    return max(first, near), min(last, far)


@compiled()
def _lengths_mm(view: Float64Array, column: int, spacing_mm: Float64Array, out: Float32Array) -> None:
    """Fill `out` (rows,) with the length of the ray, in mm, between two planes across its main axis."""
    along_i = view[3] + column * view[6] - view[0]
    along_j = view[4] + column * view[7] - view[1]
    flat = (along_i * spacing_mm[0]) ** 2 + (along_j * spacing_mm[1]) ** 2
    per_plane = 1.0 / max(abs(along_i), abs(along_j))
    for row in range(len(out)):
        rise = (view[5] - view[2] + row * view[11]) * spacing_mm[2]
        out[row] = np.float32(math.sqrt(flat + rise * rise) * per_plane)


@compiled()
def _read(line: Float32Array, start: float, step: float, out: Float32Array) -> None:
    """Add to `out` (rows,) what `line` (zero at -1, at n and at n + 1) holds at start + step * row.

    A place just below n may be rounded to n: the line ends one later.
    """
    first, last = _between(start, step, -1.0, len(line) - 3 - 1e-6, len(out))
    part = out[first:last]
    begin, by = np.float32(start + step * first + 1.0), np.float32(step)
    for row in range(last - first):
        place = begin + by * np.float32(row)
        below = np.uint32(place)
        upper = place - np.float32(below)
        near, far = line[np.uint64(below)], line[np.uint64(below) + np.uint64(1)]
        part[row] += near + upper * (far - near)


@compiled()
def _spread(
    values: Float32Array, start: float, step: float, slab: tuple[int, int], slices: int, line: Float32Array
) -> None:
    """Fill `line`, k from slab[0] - 1 to slab[1], with what `_read` takes from there (its transpose).

    Places are counted as `_read` counts them, whatever the slab, so that every slab rounds them alike.
    """
    line[:] = np.float32(0.0)
    before, after = _between(start, step, -1.0, slices - 1e-6, len(values))
    first, last = _between(start, step, slab[0] - 1.5, slab[1] + 0.5, len(values))
    begin, by = np.float32(start + step * before + 1.0), np.float32(step)
    for row in range(max(first, before), min(last, after)):
        place = begin + by * np.float32(row - before)
        whole = int(place)
        upper = place - np.float32(whole)
        below = whole - slab[0]
        if -1 <= below < len(line):
            value = values[row]
            if below >= 0:
                line[below] += value * (np.float32(1.0) - upper)
            if below + 1 < len(line):
                line[below + 1] += value * upper


@compiled()
def _project_column(
    volume: Float32Array,
    view: Float64Array,
    column: int,
    step: float,
    lines: tuple[Float32Array, Float32Array],
    out: Float32Array,
) -> None:
    """Add to `out` (rows,) the sums over the planes that the rays of a column meet; `lines` (slices + 3) are spare."""
    height, width, slices = volume.shape[0] - 2, volume.shape[1] - 2, volume.shape[2] - 2
    along_i, main, cross, along, across, rise = _ray(view, column)
    planes, across_count = (width, height) if along_i else (height, width)
    first, last = _planes(main, cross, along, across, planes, across_count)
    if last <= first:
        return
    low, high = lines
    low[:] = np.float32(0.0)
    high[:] = np.float32(0.0)
    share_first, share_step = _walk(main, along, first, last)
    rung_step = _rung_step(view, slices, share_first, step)
    rung = 0
    for n in range(last - first):
        share = share_first + n * share_step
        plane = first + n if along > 0.0 else last - 1 - n
        place = cross + share * across
        left = math.floor(place)
        right = place - left
        on_ladder = (share - share_first) / rung_step
        while on_ladder >= rung + 1:
            there = share_first + rung * rung_step
            _read(low, view[2] + there * rise, there * view[11], out)
            low, high = high, low
            high[:] = np.float32(0.0)
            rung += 1
        up = on_ladder - rung
        near_low, near_high = np.float32((1.0 - right) * (1.0 - up)), np.float32((1.0 - right) * up)
        far_low, far_high = np.float32(right * (1.0 - up)), np.float32(right * up)
        near = volume[left + 1, plane + 1] if along_i else volume[plane + 1, left + 1]
        far = volume[left + 2, plane + 1] if along_i else volume[plane + 1, left + 2]
        for k in range(slices + 2):
            low[k] += near_low * near[k] + far_low * far[k]
            high[k] += near_high * near[k] + far_high * far[k]
    there = share_first + rung * rung_step
    _read(low, view[2] + there * rise, there * view[11], out)
    there += rung_step
    _read(high, view[2] + there * rise, there * view[11], out)


@compiled()
def _walk(main: float, along: float, first: int, last: int) -> tuple[float, float]:
    """Share of the way of the plane nearest to the source, and from plane to plane."""
    start = first if along > 0.0 else last - 1
    return (start - main) / along, abs(1.0 / along)


@compiled()
def _rung_step(view: Float64Array, slices: int, share_first: float, step: float) -> float:
    """Difference of the shares of two rungs that lie `step` slices apart where the volume ends, at most."""
    return float(step * share_first / max(abs(view[2] + 1.0), abs(slices - view[2])))


@compiled()
def _project_block(
    volume: Float32Array, view: Float64Array, begin: int, spacing_mm: Float64Array, step: float, out: Float32Array
) -> None:
    """Fill the columns from `begin` on, a block of them, of one projection `out` [row, column]."""
    rows, columns = out.shape
    width = min(BLOCK, columns - begin)
    sums, lengths = np.zeros((BLOCK, rows), np.float32), np.empty(rows, np.float32)
    spare = volume.shape[2] + 1
    lines = np.empty(spare, np.float32), np.empty(spare, np.float32)
    for c in range(width):
        _project_column(volume, view, begin + c, step, lines, sums[c])
        _lengths_mm(view, begin + c, spacing_mm, lengths)
        for row in range(rows):
            sums[c, row] *= lengths[row]
    for row in range(rows):
        target = out[row, begin : begin + width]
        for c in range(width):
            target[c] = sums[c, row]


@compiled(parallel=True)
def project(
    volume: Float32Array, views: Float64Array, spacing_mm: Float64Array, step: float, out: Float32Array
) -> None:
    """Fill `out` [projection, row, column] with line integrals through `volume` [j + 1, i + 1, k + 1], zero outside.

    Joseph's method across k; along k by the ladder. The volume has a border of zeros.
    """
    blocks = (out.shape[2] + BLOCK - 1) // BLOCK
    for task in prange(len(views) * blocks):
        n, block = task // blocks, task % blocks
        _project_block(volume, views[n], block * BLOCK, spacing_mm, step, out[n])


@compiled()
def _spread_column(
    values: Float32Array,
    view: Float64Array,
    column: int,
    step: float,
    slab: tuple[int, int],
    lines: tuple[Float32Array, Float32Array],
    volume: Float32Array,
) -> None:
    """The transpose of `_project_column` for the slices of a slab; `lines` (slices of the slab + 2) are spare."""
    height, width, slices = volume.shape[0] - 2, volume.shape[1] - 2, volume.shape[2] - 2
    along_i, main, cross, along, across, rise = _ray(view, column)
    planes, across_count = (width, height) if along_i else (height, width)
    first, last = _planes(main, cross, along, across, planes, across_count)
    if last <= first:
        return
    low, high = lines
    begin_k, end_k = slab
    share_first, share_step = _walk(main, along, first, last)
    rung_step = _rung_step(view, slices, share_first, step)
    _spread(values, view[2] + share_first * rise, share_first * view[11], slab, slices, low)
    there = share_first + rung_step
    _spread(values, view[2] + there * rise, there * view[11], slab, slices, high)
    rung = 0
    for n in range(last - first):
        share = share_first + n * share_step
        plane = first + n if along > 0.0 else last - 1 - n
        place = cross + share * across
        left = math.floor(place)
        right = place - left
        on_ladder = (share - share_first) / rung_step
        while on_ladder >= rung + 1:
            rung += 1
            low, high = high, low
            there = share_first + (rung + 1) * rung_step
            _spread(values, view[2] + there * rise, there * view[11], slab, slices, high)
        up = on_ladder - rung
        near_low, near_high = np.float32((1.0 - right) * (1.0 - up)), np.float32((1.0 - right) * up)
        far_low, far_high = np.float32(right * (1.0 - up)), np.float32(right * up)
        near = volume[left + 1, plane + 1] if along_i else volume[plane + 1, left + 1]
        far = volume[left + 2, plane + 1] if along_i else volume[plane + 1, left + 2]
        near_part, far_part = near[begin_k + 1 : end_k + 1], far[begin_k + 1 : end_k + 1]
        inner_low, inner_high = low[1:-1], high[1:-1]
        for k in range(end_k - begin_k):
            near_part[k] += near_low * inner_low[k] + near_high * inner_high[k]
            far_part[k] += far_low * inner_low[k] + far_high * inner_high[k]


@compiled()
def _spread_slab(
    projections: Float32Array,
    views: Float64Array,
    spacing_mm: Float64Array,
    step: float,
    slab: tuple[int, int],
    volume: Float32Array,
) -> None:
    """The transpose of `project` for the slices of a slab."""
    count, rows, columns = projections.shape
    values, lengths = np.empty((BLOCK, rows), np.float32), np.empty(rows, np.float32)
    inner = slab[1] - slab[0] + 2
    lines = np.empty(inner, np.float32), np.empty(inner, np.float32)
    for n in range(count):
        for begin in range(0, columns, BLOCK):
            width = min(BLOCK, columns - begin)
            for row in range(rows):
                for c in range(width):
                    values[c, row] = projections[n, row, begin + c]
            for c in range(width):
                _lengths_mm(views[n], begin + c, spacing_mm, lengths)
                for row in range(rows):
                    values[c, row] *= lengths[row]
                _spread_column(values[c], views[n], begin + c, step, slab, lines, volume)


@compiled(parallel=True)
def project_adjoint(
    projections: Float32Array,
    views: Float64Array,
    spacing_mm: Float64Array,
    step: float,
    slabs: int,
    volume: Float32Array,
) -> None:
    """Add to `volume` [j + 1, i + 1, k + 1] the transpose of `project`; its border gathers what fell outside.

    A slab of slices at a time: every voxel is summed in the same order, whatever their number.
    """
    slices = volume.shape[2] - 2
    for n in prange(slabs):
        slab = (n * slices // slabs, (n + 1) * slices // slabs)
        _spread_slab(projections, views, spacing_mm, step, slab, volume)


@compiled(parallel=True)
def warp(projections: Float32Array, there: Float64Array, out: Float32Array) -> None:
    """Fill `out` with `projections` at the homogeneous pixels there @ (column, row, 1), interpolated; zero outside."""
    rows, columns = projections.shape[1:]
    for task in prange(out.shape[0] * out.shape[1]):
        n, row = task // out.shape[1], task % out.shape[1]
        matrix, image, target = there[n], projections[n], out[n, row]
        for column in range(out.shape[2]):
            depth = 1.0 / (matrix[2, 0] * column + matrix[2, 1] * row + matrix[2, 2])
            x = (matrix[0, 0] * column + matrix[0, 1] * row + matrix[0, 2]) * depth
            y = (matrix[1, 0] * column + matrix[1, 1] * row + matrix[1, 2]) * depth
            target[column] = np.float32(0.0)
            if -1e-6 <= x <= columns - 1 + 1e-6 and -1e-6 <= y <= rows - 1 + 1e-6:
                left, top = max(0, min(int(x), columns - 2)), max(0, min(int(y), rows - 2))
                next_left, next_top = min(left + 1, columns - 1), min(top + 1, rows - 1)
                right, low = np.float32(x - left), np.float32(y - top)
                upper = image[top, left] + right * (image[top, next_left] - image[top, left])
                lower = image[next_top, left] + right * (image[next_top, next_left] - image[next_top, left])
                target[column] = upper + low * (lower - upper)


@compiled(parallel=True)
def warp_adjoint(projections: Float32Array, there: Float64Array, out: Float32Array) -> None:
    """Add to `out` the transpose of `warp` from `out`'s detectors onto those of `projections`."""
    rows, columns = out.shape[1:]
    for n in prange(len(projections)):
        matrix = there[n]
        for row in range(projections.shape[1]):
            for column in range(projections.shape[2]):
                depth = 1.0 / (matrix[2, 0] * column + matrix[2, 1] * row + matrix[2, 2])
                x = (matrix[0, 0] * column + matrix[0, 1] * row + matrix[0, 2]) * depth
                y = (matrix[1, 0] * column + matrix[1, 1] * row + matrix[1, 2]) * depth
                if -1e-6 <= x <= columns - 1 + 1e-6 and -1e-6 <= y <= rows - 1 + 1e-6:
                    left, top = max(0, min(int(x), columns - 2)), max(0, min(int(y), rows - 2))
                    next_left, next_top = min(left + 1, columns - 1), min(top + 1, rows - 1)
                    right, low = np.float32(x - left), np.float32(y - top)
                    value = projections[n, row, column]
                    out[n, top, left] += value * (1 - right) * (1 - low)
                    out[n, top, next_left] += value * right * (1 - low)
                    out[n, next_top, left] += value * (1 - right) * low
                    out[n, next_top, next_left] += value * right * low
