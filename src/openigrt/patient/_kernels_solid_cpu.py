"""Solids between contour planes, seen from anywhere: depth below outlines, and samples of it, compiled."""

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled

SWEEPS = 2
NOWHERE = np.float32(np.inf)
NONE = 1e-3
FAR_MM = 1e9
TOUCHING_MM = 1e-6
# Depth is a distance found pixel by pixel: it may change by a little more than one walks.
DEPTH_SLOPE = 1.2


@compiled(parallel=True)
def depths(coverage: NDArray[np.float32], pixel_mm: float) -> None:
    """Turn covered parts of pixels [plane, v, u] into how deep each centre lies below the outline, mm.

    Positive inside. The outline is where half is covered: next to it the depth follows from the coverage and its
    slope, farther away it is the distance to the nearest outline point (passed on from pixel to pixel; Danielsson
    1980). A plane without outline is as far outside, or inside, as it is large.
    """
    for plane in prange(coverage.shape[0]):
        _depth(coverage[plane], pixel_mm)


@compiled()
def _depth(covered: NDArray[np.float32], pixel_mm: float) -> None:
    """`depths` of one plane [v, u]."""
    rows, columns = covered.shape
    us = np.full((rows, columns), NOWHERE, dtype=np.float32)
    vs = np.full((rows, columns), NOWHERE, dtype=np.float32)
    for v in range(rows):
        for u in range(columns):
            _outline_point(covered, us, vs, v, u)
    for _ in range(SWEEPS):
        for v in range(rows):
            for u in range(columns):
                _pass_on(us, vs, v, u, -1)
            for u in range(columns - 1, -1, -1):
                _pass_on(us, vs, v, u, -1)
        for v in range(rows - 1, -1, -1):
            for u in range(columns - 1, -1, -1):
                _pass_on(us, vs, v, u, 1)
            for u in range(columns):
                _pass_on(us, vs, v, u, 1)
    farthest = math.hypot(rows, columns)
    for v in range(rows):
        for u in range(columns):
            away = farthest
            if us[v, u] < NOWHERE:
                away = math.hypot(us[v, u] - u, vs[v, u] - v)
            covered[v, u] = pixel_mm * (away if covered[v, u] > 0.5 else -away)


@compiled()
def _outline_point(
    covered: NDArray[np.float32], us: NDArray[np.float32], vs: NDArray[np.float32], v: int, u: int
) -> None:
    """Where the outline passes a pixel that has a neighbour on its other side: as far off as the coverage says.

    The coverage of a pixel falls from 1 to 0 while a straight outline moves by |n_u| + |n_v| pixels along its normal.
    A pixel that is wholly inside or outside knows too little, and leaves it to such a neighbour where there is one.
    """
    rows, columns = covered.shape
    here = covered[v, u]
    is_border, is_known = False, NONE < here < 1.0 - NONE
    for step_v, step_u in ((0, -1), (0, 1), (-1, 0), (1, 0)):
        w, x = v + step_v, u + step_u
        if 0 <= w < rows and 0 <= x < columns and (covered[w, x] > 0.5) != (here > 0.5):
            if not is_known and NONE < covered[w, x] < 1.0 - NONE:
                return
            is_border = True
    if not is_border:
        return
    across = covered[v, min(u + 1, columns - 1)] - covered[v, max(u - 1, 0)]
    along = covered[min(v + 1, rows - 1), u] - covered[max(v - 1, 0), u]
    steep = math.hypot(across, along)
    if steep < NONE:
        us[v, u], vs[v, u] = u, v
        return
    across, along = across / steep, along / steep
    away = (0.5 - here) * (abs(across) + abs(along))
    us[v, u], vs[v, u] = u + away * across, v + away * along


@compiled()
def _pass_on(us: NDArray[np.float32], vs: NDArray[np.float32], v: int, u: int, back: int) -> None:
    """Take a neighbour's outline point where it is nearer; `back` is -1 or 1, the row that was visited before."""
    rows, columns = us.shape
    best = NOWHERE
    if us[v, u] < NOWHERE:
        best = (us[v, u] - u) ** 2 + (vs[v, u] - v) ** 2
    for step_v, step_u in ((back, -1), (back, 0), (back, 1), (0, -1), (0, 1)):
        w, x = v + step_v, u + step_u
        if 0 <= w < rows and 0 <= x < columns and us[w, x] < NOWHERE:
            away = (us[w, x] - u) ** 2 + (vs[w, x] - v) ** 2
            if away < best:
                best = away
                us[v, u], vs[v, u] = us[w, x], vs[w, x]


@compiled(parallel=True)
def sample_solid(
    fractions: NDArray[np.float32],
    uvw_from_index: NDArray[np.float64],
    first_uvw: NDArray[np.float64],
    samples: int,
    depth: NDArray[np.float32],
    planes_of_span: NDArray[np.int64],
    ends_of_span: NDArray[np.float64],
    pixel_mm: float,
) -> None:
    """What part of each voxel [k, j, i] lies in a solid; those that its surface may pass by samples along each axis.

    Voxel (i, j, k) lies at `first_uvw` + `uvw_from_index` @ (i, j, k), u and v in mm from pixel (0, 0) of `depth`
    [plane, v, u], w in mm along the normal. Span s, from `ends_of_span[s, 0]` to `ends_of_span[s, 1]` in w, turns from
    plane `planes_of_span[s, 0]` into `planes_of_span[s, 1]`; spans rise and do not overlap.
    """
    steps = (np.arange(samples) + 0.5) / samples - 0.5
    soft_mm = max(1e-6, math.sqrt(np.sum(uvw_from_index[:2] ** 2) / 2.0) / samples)
    half = np.sum(np.abs(uvw_from_index), axis=1) / 2.0
    reach_mm = DEPTH_SLOPE * math.hypot(half[0], half[1]) + soft_mm
    for k in prange(fractions.shape[0]):
        sample = np.empty(3)
        for j in range(fractions.shape[1]):
            for i in range(fractions.shape[2]):
                _locate(sample, uvw_from_index, first_uvw, i, j, k)
                lowest, highest = _depth_range(depth, planes_of_span, ends_of_span, sample, half[2], pixel_mm)
                if lowest > reach_mm:
                    fractions[k, j, i] = 1.0
                    continue
                if highest < -reach_mm:
                    fractions[k, j, i] = 0.0
                    continue
                total = 0.0
                for c in steps:
                    for b in steps:
                        for a in steps:
                            _locate(sample, uvw_from_index, first_uvw, i + a, j + b, k + c)
                            deep, _ = _depth_range(depth, planes_of_span, ends_of_span, sample, 0.0, pixel_mm)
                            total += min(1.0, max(0.0, 0.5 + deep / soft_mm))
                fractions[k, j, i] = total / samples**3


@compiled()
def _locate(
    sample: NDArray[np.float64],
    uvw_from_index: NDArray[np.float64],
    first_uvw: NDArray[np.float64],
    i: float,
    j: float,
    k: float,
) -> None:
    """Set `sample` (3,) to where the continuous index (i, j, k) lies in (u, v, w)."""
    for n in range(3):
        sample[n] = first_uvw[n] + uvw_from_index[n, 0] * i + uvw_from_index[n, 1] * j + uvw_from_index[n, 2] * k


@compiled()
def _depth_range(
    depth: NDArray[np.float32],
    planes_of_span: NDArray[np.int64],
    ends_of_span: NDArray[np.float64],
    sample: NDArray[np.float64],
    half: float,
    pixel_mm: float,
) -> tuple[float, float]:
    """The least and the greatest depth at (u, v) from `half` below w to `half` above it; far outside between spans."""
    low, high = sample[2] - half, sample[2] + half
    span = max(0, np.searchsorted(ends_of_span[:, 0], low, side="right") - 1)
    lowest, highest, upto = FAR_MM, -FAR_MM, low
    while span < len(ends_of_span) and ends_of_span[span, 0] <= high:
        start, stop = ends_of_span[span]
        if stop > low or (stop == low and half > 0.0):
            if start > upto + TOUCHING_MM:
                lowest = -FAR_MM
            first = _depth_at(depth[planes_of_span[span, 0]], sample[0], sample[1], pixel_mm)
            last = first
            if planes_of_span[span, 0] != planes_of_span[span, 1]:
                last = _depth_at(depth[planes_of_span[span, 1]], sample[0], sample[1], pixel_mm)
            for w in (max(low, start), min(high, stop)):
                deep = first + (w - start) / (stop - start) * (last - first)
                lowest, highest = min(lowest, deep), max(highest, deep)
            upto = stop
        span += 1
    if upto < high - TOUCHING_MM or highest == -FAR_MM:
        lowest = -FAR_MM
    return lowest, highest


@compiled()
def _depth_at(values: NDArray[np.float32], u_mm: float, v_mm: float, pixel_mm: float) -> float:
    """Linear interpolation of [v, u]; beyond the first and last pixel it falls by the distance from there."""
    rows, columns = values.shape
    u, v = u_mm / pixel_mm, v_mm / pixel_mm
    inner_u, inner_v = min(max(u, 0.0), columns - 1.0), min(max(v, 0.0), rows - 1.0)
    i, j = min(int(inner_u), columns - 2), min(int(inner_v), rows - 2)
    p, q = inner_u - i, inner_v - j
    low = values[j, i] + p * (values[j, i + 1] - values[j, i])
    high = values[j + 1, i] + p * (values[j + 1, i + 1] - values[j + 1, i])
    return float(low + q * (high - low) - pixel_mm * math.hypot(u - inner_u, v - inner_v))
