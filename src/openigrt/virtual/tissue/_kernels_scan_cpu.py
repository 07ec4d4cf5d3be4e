"""Hot loops of a patient made of a scan: distances to what was contoured, and his voxels after he has moved.

The way back to rest is computed at the nodes of a coarse lattice and in the middle of each of its cells. Where the two
agree, all voxels of the cell take it from the nodes (trilinear); elsewhere each has its own. Every cell stands on its
own, so the number of threads changes no bit.
"""

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled
from openigrt.virtual.tissue._kernels_deformation_cpu import rest_point
from openigrt.virtual.tissue.move_table import MoveTable

Floats = NDArray[np.float64]
Voxels = NDArray[np.float32]
Point = tuple[float, float, float]

AIR_HU = -1000.0
AGREE_MM = 0.01  # between the middle of a cell and its nodes; what lies between may be off by a few times that
OUTLINE_SLACK_MM = 4.0  # of the distances that tell where the body ends


@compiled()
def field_distance(
    samples: Voxels, origin: Floats, spacing: Floats, ends: Floats, x: float, y: float, z: float
) -> float:
    """Signed distance at a point, linear between samples; outside of them farther by the way to them.

    Beyond the levels `ends` (2,) all is as at the nearer of them.
    """
    z = min(max(z, ends[0]), ends[1])
    nz, ny, nx = samples.shape
    u, v, w = (x - origin[0]) / spacing[0], (y - origin[1]) / spacing[1], (z - origin[2]) / spacing[2]
    a = min(max(u, 0.0), nx - 1.000001)
    b = min(max(v, 0.0), ny - 1.000001)
    c = min(max(w, 0.0), nz - 1.000001)
    dx, dy, dz = (u - a) * spacing[0], (v - b) * spacing[1], (w - c) * spacing[2]
    beyond = math.sqrt(dx * dx + dy * dy + dz * dz)
    i, j, k = int(a), int(b), int(c)
    a, b, c = a - i, b - j, c - k
    low = (1.0 - b) * ((1.0 - a) * samples[k, j, i] + a * samples[k, j, i + 1])
    low += b * ((1.0 - a) * samples[k, j + 1, i] + a * samples[k, j + 1, i + 1])
    high = (1.0 - b) * ((1.0 - a) * samples[k + 1, j, i] + a * samples[k + 1, j, i + 1])
    high += b * ((1.0 - a) * samples[k + 1, j + 1, i] + a * samples[k + 1, j + 1, i + 1])
    return float((1.0 - c) * low + c * high + beyond)


@compiled(parallel=True)
def field_distances(
    samples: Voxels, origin: Floats, spacing: Floats, ends: Floats, points: Floats, distances: Floats
) -> None:
    """Signed distance in mm of every point (n, 3)."""
    for n in prange(points.shape[0]):
        distances[n] = field_distance(samples, origin, spacing, ends, points[n, 0], points[n, 1], points[n, 2])


@compiled()
def seen_point(m: Floats, i: float, j: float, k: float) -> Point:
    """Where an index (i, j, k) is, by a matrix (3, 4)."""
    return (
        m[0, 0] * i + m[0, 1] * j + m[0, 2] * k + m[0, 3],
        m[1, 0] * i + m[1, 1] * j + m[1, 2] * k + m[1, 3],
        m[2, 0] * i + m[2, 1] * j + m[2, 2] * k + m[2, 3],
    )


@compiled()
def scanned_hu(scan: Voxels, m: Floats, x: float, y: float, z: float) -> float:
    """HU of a scan at a point at rest (trilinear): air beside its slices, the last slice beyond them."""
    u, v, w = seen_point(m, x, y, z)
    nz, ny, nx = scan.shape
    if not (-0.5 <= u <= nx - 0.5 and -0.5 <= v <= ny - 0.5):
        return AIR_HU
    u = min(max(u, 0.0), nx - 1.0)
    v = min(max(v, 0.0), ny - 1.0)
    w = min(max(w, 0.0), nz - 1.0)
    i, j, k = min(int(u), nx - 2), min(int(v), ny - 2), min(int(w), nz - 2)
    u, v, w = u - i, v - j, w - k
    low = (1.0 - v) * ((1.0 - u) * scan[k, j, i] + u * scan[k, j, i + 1])
    low += v * ((1.0 - u) * scan[k, j + 1, i] + u * scan[k, j + 1, i + 1])
    high = (1.0 - v) * ((1.0 - u) * scan[k + 1, j, i] + u * scan[k + 1, j, i + 1])
    high += v * ((1.0 - u) * scan[k + 1, j + 1, i] + u * scan[k + 1, j + 1, i + 1])
    return float((1.0 - w) * low + w * high)


@compiled(parallel=True)
def set_way_back(
    moves: MoveTable,
    body: Voxels,
    origin: Floats,
    spacing: Floats,
    ends: Floats,
    m: Floats,
    steps: NDArray[np.int64],
    far: float,
    way: Floats,
) -> None:
    """Fill way [c, b, a, 3] with where the tissue at each node has come from, less the node; NaN far from the body."""
    for c in prange(way.shape[0]):
        for b in range(way.shape[1]):
            for a in range(way.shape[2]):
                x, y, z = seen_point(m, a * steps[0], b * steps[1], c * steps[2])
                if field_distance(body, origin, spacing, ends, x, y, z) > far:
                    way[c, b, a, 0] = math.nan
                    continue
                u, v, w = rest_point(moves, x, y, z)
                way[c, b, a, 0], way[c, b, a, 1], way[c, b, a, 2] = u - x, v - y, w - z


@compiled()
def set_corners(way: Floats, c: int, b: int, a: int, corners: Floats) -> bool:
    """Copy the ways at the eight nodes of a cell into corners (8, 3); whether all of them are known."""
    known = True
    for n in range(8):
        for axis in range(3):
            corners[n, axis] = way[c + n // 4, b + n // 2 % 2, a + n % 2, axis]
        known = known and not math.isnan(corners[n, 0])
    return known


@compiled()
def blended(corners: Floats, axis: int, u: float, v: float, w: float) -> float:
    """One component of the way between the nodes of a cell."""
    low = (1.0 - v) * ((1.0 - u) * corners[0, axis] + u * corners[1, axis])
    low += v * ((1.0 - u) * corners[2, axis] + u * corners[3, axis])
    high = (1.0 - v) * ((1.0 - u) * corners[4, axis] + u * corners[5, axis])
    high += v * ((1.0 - u) * corners[6, axis] + u * corners[7, axis])
    return float((1.0 - w) * low + w * high)


@compiled()
def agrees(moves: MoveTable, corners: Floats, x: float, y: float, z: float) -> bool:
    """Whether the way from the middle of a cell is what its nodes make of it."""
    u, v, w = rest_point(moves, x, y, z)
    dx = u - x - blended(corners, 0, 0.5, 0.5, 0.5)
    dy = v - y - blended(corners, 1, 0.5, 0.5, 0.5)
    dz = w - z - blended(corners, 2, 0.5, 0.5, 0.5)
    return bool(dx * dx + dy * dy + dz * dz < AGREE_MM * AGREE_MM)


@compiled(parallel=True)
def paint_scan(
    scan: Voxels,
    index_from_rest: Floats,
    moves: MoveTable,
    body: Voxels,
    origin: Floats,
    spacing: Floats,
    ends: Floats,
    m: Floats,
    steps: NDArray[np.int64],
    far: float,
    way: Floats,
    voxels: Voxels,
) -> None:
    """Fill voxels [k, j, i] with what a scan shows at the places from which tissue has come; `m` maps (i, j, k) to mm.

    A cell whose middle lies more than `far` mm outside the body is air. `way` as `set_way_back` fills it, with a margin
    of half a diagonal more.
    """
    nz, ny, nx = voxels.shape
    for c in prange(way.shape[0] - 1):
        corners = np.empty((8, 3))
        for b in range(way.shape[1] - 1):
            for a in range(way.shape[2] - 1):
                i0, j0, k0 = a * steps[0], b * steps[1], c * steps[2]
                i1, j1, k1 = min(i0 + steps[0], nx), min(j0 + steps[1], ny), min(k0 + steps[2], nz)
                x, y, z = seen_point(m, i0 + 0.5 * steps[0], j0 + 0.5 * steps[1], k0 + 0.5 * steps[2])
                if field_distance(body, origin, spacing, ends, x, y, z) > far:
                    voxels[k0:k1, j0:j1, i0:i1] = AIR_HU
                    continue
                is_even = set_corners(way, c, b, a, corners) and agrees(moves, corners, x, y, z)
                for k in range(k0, k1):
                    for j in range(j0, j1):
                        for i in range(i0, i1):
                            x, y, z = seen_point(m, i, j, k)
                            if is_even:
                                u, v, w = (i - i0) / steps[0], (j - j0) / steps[1], (k - k0) / steps[2]
                                dx, dy = blended(corners, 0, u, v, w), blended(corners, 1, u, v, w)
                                x, y, z = x + dx, y + dy, z + blended(corners, 2, u, v, w)
                            else:
                                x, y, z = rest_point(moves, x, y, z)
                            voxels[k, j, i] = scanned_hu(scan, index_from_rest, x, y, z)
