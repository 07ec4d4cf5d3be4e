"""Hot loops of mutual information on the CPU: joint histograms and their gradient by a rigid motion.

Planning values fall into one bin each; daily values spread over four by a cubic B-spline, so that the histogram is
smooth in the pose (Mattes 2003). Blocks of points are combined in order: same input, same bits.
"""

import math

import numpy as np
from numba import prange

from openigrt.arrays import compiled
from openigrt.geometry import Float64Array
from openigrt.registration._kernels_cpu import BLOCKS, Float32Array, Int64Array, UInt8Array, index_of, inside, trilinear


@compiled()
def spline_weights(f: float, out: Float64Array) -> None:
    """Cubic B-spline weights (4,) of a position `f` in [0, 1) between its second and third bin."""
    g = 1.0 - f
    out[0] = g * g * g / 6.0
    out[1] = 2.0 / 3.0 - f * f * (1.0 - 0.5 * f)
    out[2] = 2.0 / 3.0 - g * g * (1.0 - 0.5 * g)
    out[3] = f * f * f / 6.0


@compiled()
def spline_slopes(f: float, out: Float64Array) -> None:
    """Derivatives (4,) of the cubic B-spline weights by `f`."""
    g = 1.0 - f
    out[0] = -0.5 * g * g
    out[1] = f * (1.5 * f - 2.0)
    out[2] = -g * (1.5 * g - 2.0)
    out[3] = 0.5 * f * f


@compiled()
def trilinear_gradient(voxels: Float32Array, x: float, y: float, z: float, out: Float64Array) -> None:
    """Derivatives (3,) of the trilinear value by (i, j, k) at (x, y, z)."""
    i, j, k = int(x), int(y), int(z)
    fx, fy, fz = x - i, y - j, z - k
    v000, v001 = voxels[k, j, i], voxels[k, j, i + 1]
    v010, v011 = voxels[k, j + 1, i], voxels[k, j + 1, i + 1]
    v100, v101 = voxels[k + 1, j, i], voxels[k + 1, j, i + 1]
    v110, v111 = voxels[k + 1, j + 1, i], voxels[k + 1, j + 1, i + 1]
    low = (1 - fy) * (v001 - v000) + fy * (v011 - v010)
    high = (1 - fy) * (v101 - v100) + fy * (v111 - v110)
    out[0] = (1 - fz) * low + fz * high
    low = (1 - fx) * (v010 - v000) + fx * (v011 - v001)
    high = (1 - fx) * (v110 - v100) + fx * (v111 - v101)
    out[1] = (1 - fz) * low + fz * high
    low = (1 - fx) * (v100 - v000) + fx * (v101 - v001)
    high = (1 - fx) * (v110 - v010) + fx * (v111 - v011)
    out[2] = (1 - fy) * low + fy * high


@compiled(parallel=True)
def joint_histograms(
    moving: Float32Array,
    weight: Float32Array,
    index_from_point: Float64Array,
    points: Float64Array,
    plan_bins: Int64Array,
    daily_bin: Float64Array,
    bins: int,
    histograms: Float64Array,
) -> None:
    """Joint histogram per block (BLOCKS, plan bins, daily bins); `daily_bin` = (scale, offset) from value to bin."""
    a = index_from_point
    count = points.shape[0]
    for b in prange(BLOCKS):
        w4 = np.zeros(4)
        histograms[b, :, :] = 0.0
        for n in range(b * count // BLOCKS, (b + 1) * count // BLOCKS):
            px, py, pz = points[n, 0], points[n, 1], points[n, 2]
            x, y, z = index_of(a, px, py, pz)
            if not inside(moving.shape, x, y, z):
                continue
            w = trilinear(weight, x, y, z)
            if w <= 0.0:
                continue
            u = min(max(trilinear(moving, x, y, z) * daily_bin[0] + daily_bin[1], 1.0), bins - 2.001)
            first = int(u)
            spline_weights(u - first, w4)
            for m in range(4):
                histograms[b, plan_bins[n], first - 1 + m] += w * w4[m]


@compiled(parallel=True)
def information_gradients(
    moving: Float32Array,
    weight: Float32Array,
    index_from_point: Float64Array,
    points: Float64Array,
    plan_bins: Int64Array,
    daily_bin: Float64Array,
    slopes: Float64Array,
    blocks: Float64Array,
) -> None:
    """Sum over points of slope-weighted motion derivatives, per block (BLOCKS, 6): shift and turn.

    `slopes` (plan bins, daily bins) is the derivative of the information by each histogram cell. A motion changes the
    daily value that a point sees and, at the edge of the field of view, how much the point counts. The first three sums
    are derivatives by a shift of the point before the pose, mm; the last three by its turn about x, y and z, rad.
    """
    a = index_from_point
    count = points.shape[0]
    bins = slopes.shape[1]
    for b in prange(BLOCKS):
        w4 = np.zeros(4)
        s4 = np.zeros(4)
        g = np.zeros(3)
        h = np.zeros(3)
        s = np.zeros(6)
        for n in range(b * count // BLOCKS, (b + 1) * count // BLOCKS):
            px, py, pz = points[n, 0], points[n, 1], points[n, 2]
            x, y, z = index_of(a, px, py, pz)
            if not inside(moving.shape, x, y, z):
                continue
            w = trilinear(weight, x, y, z)
            if w <= 0.0:
                continue
            position = trilinear(moving, x, y, z) * daily_bin[0] + daily_bin[1]
            u = min(max(position, 1.0), bins - 2.001)
            first = int(u)
            spline_weights(u - first, w4)
            spline_slopes(u - first, s4)
            by_weight = 0.0
            by_value = 0.0
            for m in range(4):
                by_weight += slopes[plan_bins[n], first - 1 + m] * w4[m]
                by_value += slopes[plan_bins[n], first - 1 + m] * s4[m]
            by_value *= w * daily_bin[0] if u == position else 0.0
            trilinear_gradient(moving, x, y, z, g)
            trilinear_gradient(weight, x, y, z, h)
            for c in range(3):
                g[c] = by_value * g[c] + by_weight * h[c]
            gx = g[0] * a[0, 0] + g[1] * a[1, 0] + g[2] * a[2, 0]
            gy = g[0] * a[0, 1] + g[1] * a[1, 1] + g[2] * a[2, 1]
            gz = g[0] * a[0, 2] + g[1] * a[1, 2] + g[2] * a[2, 2]
            s[0] += gx
            s[1] += gy
            s[2] += gz
            s[3] += py * gz - pz * gy
            s[4] += pz * gx - px * gz
            s[5] += px * gy - py * gx
        for c in range(6):
            blocks[b, c] = s[c]


@compiled(parallel=True)
def binned_informations(
    daily_bins: UInt8Array,
    index_from_points: Float64Array,
    points: Float64Array,
    plan_bins: Int64Array,
    bins: int,
    out: Float64Array,
) -> None:
    """Mutual information of binned values seen through each of many poses (m, 3, 4), nearest neighbour.

    `daily_bins` is a volume of bin numbers; `bins` and above mean outside. `out` (m, 2): information in nats less its
    bias by the number of points (Miller 1955), and the share of points inside.
    """
    count = points.shape[0]
    depth, height, width = daily_bins.shape
    for t in prange(index_from_points.shape[0]):
        a = index_from_points[t]
        joint = np.zeros((bins, bins))
        for n in range(count):
            x, y, z = index_of(a, points[n, 0], points[n, 1], points[n, 2])
            i, j, k = math.floor(x + 0.5), math.floor(y + 0.5), math.floor(z + 0.5)
            if i < 0 or j < 0 or k < 0 or i >= width or j >= height or k >= depth:
                continue
            seen = daily_bins[k, j, i]
            if seen < bins:
                joint[plan_bins[n], seen] += 1.0
        out[t, 0] = unbiased_information(joint)
        out[t, 1] = joint.sum() / count


@compiled()
def unbiased_information(joint: Float64Array) -> float:
    """Mutual information in nats of a histogram of counts, less its bias; 0 for fewer than 16 counts."""
    total = joint.sum()
    if total < 16.0:
        return 0.0
    rows = joint.sum(axis=1)
    columns = joint.sum(axis=0)
    value = 0.0
    occupied = 0
    for a in range(joint.shape[0]):
        for b in range(joint.shape[1]):
            if joint[a, b] > 0.0:
                value += joint[a, b] * math.log(joint[a, b] * total / (rows[a] * columns[b]))
                occupied += 1
    occupied -= (rows > 0.0).sum() + (columns > 0.0).sum() - 1
    return float((value - 0.5 * occupied) / total)
