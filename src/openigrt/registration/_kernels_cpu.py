"""Hot loops of the rigid match on the CPU.

Volumes are float32 [k, j, i]; an `index_from_...` matrix (3, 4) maps mm to continuous (i, j, k). Reductions run over a
fixed number of blocks that are combined in order, so the same input gives the same bits whatever the number of threads.
"""

import math
from typing import TypeAlias

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled
from openigrt.geometry import Float64Array

Float32Array: TypeAlias = NDArray[np.float32]
Int64Array: TypeAlias = NDArray[np.int64]
UInt8Array: TypeAlias = NDArray[np.uint8]

BLOCKS = 64
GAUSS_NEWTON_SUMS = 34


@compiled(parallel=True)
def averaged_along_rows(voxels: Float32Array, starts: Int64Array, weights: Float32Array, out: Float32Array) -> None:
    """Weighted averages along i: out[k, j, x] = sum_m weights[x, m] * voxels[k, j, starts[x] + m]."""
    taps = weights.shape[1]
    for k in prange(voxels.shape[0]):
        for j in range(voxels.shape[1]):
            row = voxels[k, j]
            for x in range(out.shape[2]):
                total = np.float32(0.0)
                part = row[starts[x] : starts[x] + taps]
                for m in range(taps):
                    total += weights[x, m] * part[m]
                out[k, j, x] = total


@compiled(parallel=True)
def averaged_along_columns(voxels: Float32Array, starts: Int64Array, weights: Float32Array, out: Float32Array) -> None:
    """Weighted averages along j: out[k, y, i] = sum_m weights[y, m] * voxels[k, starts[y] + m, i]."""
    taps = weights.shape[1]
    width = voxels.shape[2]
    for k in prange(voxels.shape[0]):
        for y in range(out.shape[1]):
            target = out[k, y]
            for i in range(width):
                target[i] = np.float32(0.0)
            for m in range(taps):
                weight = weights[y, m]
                row = voxels[k, starts[y] + m]
                for i in range(width):
                    target[i] += weight * row[i]


@compiled(parallel=True)
def averaged_along_slices(voxels: Float32Array, starts: Int64Array, weights: Float32Array, out: Float32Array) -> None:
    """Weighted averages along k: out[z, j, i] = sum_m weights[z, m] * voxels[starts[z] + m, j, i]."""
    taps = weights.shape[1]
    width = voxels.shape[2]
    for z in prange(out.shape[0]):
        for j in range(voxels.shape[1]):
            target = out[z, j]
            for i in range(width):
                target[i] = np.float32(0.0)
            for m in range(taps):
                weight = weights[z, m]
                row = voxels[starts[z] + m, j]
                for i in range(width):
                    target[i] += weight * row[i]


@compiled(parallel=True)
def support_of_content(
    voxels: Float32Array, padding: np.float32, index_directions: Float64Array, blocks: Float64Array
) -> None:
    """Largest i*dx + j*dy + k*dz over all voxels that are finite and differ from `padding`, per direction (n, 3).

    `blocks` (slices, n) receives one row per slice; its maximum over slices is the support function of the content.
    """
    count = index_directions.shape[0]
    for k in prange(voxels.shape[0]):
        for d in range(count):
            blocks[k, d] = -np.inf
        for j in range(voxels.shape[1]):
            first = -1
            last = -1
            for i in range(voxels.shape[2]):
                value = voxels[k, j, i]
                if math.isfinite(value) and value != padding:
                    if first < 0:
                        first = i
                    last = i
            if first < 0:
                continue
            for d in range(count):
                along = j * index_directions[d, 1] + k * index_directions[d, 2]
                step = index_directions[d, 0]
                reach = along + (last * step if step > 0.0 else first * step)
                blocks[k, d] = max(blocks[k, d], reach)


@compiled(parallel=True)
def depth_in_polytope(
    shape: tuple[int, int, int], normals: Float64Array, offsets: Float64Array, limit: np.float32, out: Float32Array
) -> None:
    """out[k, j, i] = smallest of offsets - normals . (i, j, k), cut to 0 .. limit: depth inside a convex polytope.

    A row meets the polytope in one interval; a face whose depth is at least `limit` at both its ends has no say there.
    """
    width = shape[2]
    for k in prange(shape[0]):
        for j in range(shape[1]):
            row = out[k, j]
            row[:] = np.float32(0.0)
            low, high = 0.0, width - 1.0
            for d in range(normals.shape[0]):
                rest = offsets[d] - normals[d, 1] * j - normals[d, 2] * k
                step = normals[d, 0]
                if step > 0.0:
                    high = min(high, rest / step)
                elif step < 0.0:
                    low = max(low, rest / step)
                elif rest < 0.0:
                    high = -1.0
            if not low <= high:
                continue
            first, last = math.ceil(low), math.floor(high)
            if last < first:
                continue
            row[first : last + 1] = limit
            for d in range(normals.shape[0]):
                rest = offsets[d] - normals[d, 1] * j - normals[d, 2] * k
                step = normals[d, 0]
                if min(rest - step * first, rest - step * last) < limit:
                    for i in range(first, last + 1):
                        row[i] = min(row[i], np.float32(rest - step * i))
            for i in range(first, last + 1):
                row[i] = max(row[i], np.float32(0.0))


@compiled(parallel=True)
def locally_normalised(
    voxels: Float32Array, mean: Float32Array, deviation: Float32Array, factor: int, out: Float32Array
) -> None:
    """out = (voxels - mean) / deviation, with mean and deviation on a lattice coarser by the whole number `factor`.

    Node n of the coarse lattice is the center of fine voxels n * factor .. n * factor + factor - 1.
    """
    depth, height, width = voxels.shape
    half = 0.5 * (factor - 1)
    for k in prange(depth):
        z = min(max((k - half) / factor, 0.0), mean.shape[0] - 1.0)
        k0 = min(int(z), max(mean.shape[0] - 2, 0))
        k1 = min(k0 + 1, mean.shape[0] - 1)
        fz = np.float32(z - k0)
        for j in range(height):
            y = min(max((j - half) / factor, 0.0), mean.shape[1] - 1.0)
            j0 = min(int(y), max(mean.shape[1] - 2, 0))
            j1 = min(j0 + 1, mean.shape[1] - 1)
            fy = np.float32(y - j0)
            w00, w01 = (1 - fz) * (1 - fy), (1 - fz) * fy
            w10, w11 = fz * (1 - fy), fz * fy
            for i in range(width):
                x = min(max((i - half) / factor, 0.0), mean.shape[2] - 1.0)
                i0 = min(int(x), max(mean.shape[2] - 2, 0))
                i1 = min(i0 + 1, mean.shape[2] - 1)
                fx = np.float32(x - i0)
                low_m = (
                    w00 * mean[k0, j0, i0] + w01 * mean[k0, j1, i0] + w10 * mean[k1, j0, i0] + w11 * mean[k1, j1, i0]
                )
                high_m = (
                    w00 * mean[k0, j0, i1] + w01 * mean[k0, j1, i1] + w10 * mean[k1, j0, i1] + w11 * mean[k1, j1, i1]
                )
                low_d = (
                    w00 * deviation[k0, j0, i0]
                    + w01 * deviation[k0, j1, i0]
                    + w10 * deviation[k1, j0, i0]
                    + w11 * deviation[k1, j1, i0]
                )
                high_d = (
                    w00 * deviation[k0, j0, i1]
                    + w01 * deviation[k0, j1, i1]
                    + w10 * deviation[k1, j0, i1]
                    + w11 * deviation[k1, j1, i1]
                )
                m = low_m + fx * (high_m - low_m)
                d = low_d + fx * (high_d - low_d)
                out[k, j, i] = (voxels[k, j, i] - m) / d


@compiled()
def trilinear(voxels: Float32Array, x: float, y: float, z: float) -> float:
    """Trilinear value at continuous (i, j, k) = (x, y, z), which must lie within the outermost voxel centres."""
    i, j, k = int(x), int(y), int(z)
    fx, fy, fz = np.float32(x - i), np.float32(y - j), np.float32(z - k)
    v00 = voxels[k, j, i] + fx * (voxels[k, j, i + 1] - voxels[k, j, i])
    v01 = voxels[k, j + 1, i] + fx * (voxels[k, j + 1, i + 1] - voxels[k, j + 1, i])
    v10 = voxels[k + 1, j, i] + fx * (voxels[k + 1, j, i + 1] - voxels[k + 1, j, i])
    v11 = voxels[k + 1, j + 1, i] + fx * (voxels[k + 1, j + 1, i + 1] - voxels[k + 1, j + 1, i])
    v0 = v00 + fy * (v01 - v00)
    v1 = v10 + fy * (v11 - v10)
    return float(v0 + fz * (v1 - v0))


@compiled()
def index_of(a: Float64Array, px: float, py: float, pz: float) -> tuple[float, float, float]:
    """Continuous index (i, j, k) of a point, by a matrix (3, 4) from mm to indices."""
    return (
        a[0, 0] * px + a[0, 1] * py + a[0, 2] * pz + a[0, 3],
        a[1, 0] * px + a[1, 1] * py + a[1, 2] * pz + a[1, 3],
        a[2, 0] * px + a[2, 1] * py + a[2, 2] * pz + a[2, 3],
    )


@compiled()
def inside(shape: tuple[int, int, int], x: float, y: float, z: float) -> bool:
    """Whether trilinear interpolation at (x, y, z) has all its eight neighbors."""
    return x >= 0.0 and y >= 0.0 and z >= 0.0 and x < shape[2] - 1 and y < shape[1] - 1 and z < shape[0] - 1


def _gauss_newton_sums(
    moving: Float32Array,
    weight: Float32Array,
    index_from_point: Float64Array,
    points: Float64Array,
    values: Float64Array,
    gradients: Float64Array,
    gain: float,
    offset: float,
    scale: float,
    blocks: Float64Array,
) -> None:
    """Normal equations of one inverse-compositional step, Geman-McClure weighted, per block of points.

    Residual r = moving(T p) - (gain * values(p) + offset); columns of the Jacobian are gain * (g, p x g) with the
    gradient g of the planning value at p: translation and rotation of the point about the origin of `points`.
    `blocks` (BLOCKS, 34): 21 of the upper triangle of J^T W J, 6 of J^T W r, then sum of weights, w*r*r, w*m, w*v,
    w*m*m, w*v*v, w*m*v.
    """
    a = index_from_point
    count = points.shape[0]
    inverse_scale = 1.0 / (scale * scale)
    for b in prange(BLOCKS):
        s = np.zeros(GAUSS_NEWTON_SUMS)
        jac = np.zeros(6)
        for n in range(b * count // BLOCKS, (b + 1) * count // BLOCKS):
            px, py, pz = points[n, 0], points[n, 1], points[n, 2]
            x, y, z = index_of(a, px, py, pz)
            if not inside(moving.shape, x, y, z):
                continue
            w = trilinear(weight, x, y, z)
            if w <= 0.0:
                continue
            m = trilinear(moving, x, y, z)
            v = values[n]
            r = m - (gain * v + offset)
            q = 1.0 / (1.0 + r * r * inverse_scale)
            w = w * q * q
            gx, gy, gz = gain * gradients[n, 0], gain * gradients[n, 1], gain * gradients[n, 2]
            jac[0], jac[1], jac[2] = gx, gy, gz
            jac[3] = py * gz - pz * gy
            jac[4] = pz * gx - px * gz
            jac[5] = px * gy - py * gx
            c = 0
            for p in range(6):
                wj = w * jac[p]
                for q6 in range(p, 6):
                    s[c] += wj * jac[q6]
                    c += 1
                s[21 + p] += wj * r
            s[27] += w
            s[28] += w * r * r
            s[29] += w * m
            s[30] += w * v
            s[31] += w * m * m
            s[32] += w * v * v
            s[33] += w * m * v
        for c in range(GAUSS_NEWTON_SUMS):
            blocks[b, c] = s[c]


gauss_newton_sums = compiled(parallel=True)(_gauss_newton_sums)
# Waking threads costs more than a small template's work.
gauss_newton_sums_of_few = compiled()(_gauss_newton_sums)


@compiled(parallel=True)
def correlations(
    moving: Float32Array,
    weight: Float32Array,
    index_from_points: Float64Array,
    points: Float64Array,
    values: Float64Array,
    out: Float64Array,
) -> None:
    """Correlation of `values` (n,) with `moving` seen through each of many poses (m, 3, 4), nearest neighbour.

    `out` (m, 2): correlation, and the share of points that fall where `weight` is above zero.
    """
    count = points.shape[0]
    depth, height, width = moving.shape
    for t in prange(index_from_points.shape[0]):
        a = index_from_points[t]
        n_in = 0
        sm = 0.0
        sv = 0.0
        smm = 0.0
        svv = 0.0
        smv = 0.0
        for n in range(count):
            x, y, z = index_of(a, points[n, 0], points[n, 1], points[n, 2])
            i, j, k = math.floor(x + 0.5), math.floor(y + 0.5), math.floor(z + 0.5)
            if i < 0 or j < 0 or k < 0 or i >= width or j >= height or k >= depth:
                continue
            if weight[k, j, i] <= 0.0:
                continue
            m = moving[k, j, i]
            v = values[n]
            n_in += 1
            sm += m
            sv += v
            smm += m * m
            svv += v * v
            smv += m * v
        share = n_in / count
        value = 0.0
        if n_in > 8:
            top = smv - sm * sv / n_in
            bottom = (smm - sm * sm / n_in) * (svv - sv * sv / n_in)
            if bottom > 0.0:
                value = top / math.sqrt(bottom)
        out[t, 0] = value
        out[t, 1] = share
