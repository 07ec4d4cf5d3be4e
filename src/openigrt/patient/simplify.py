"""Fewer points for the same line."""

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array


def simplified(polygon: Float64Array, tolerance_mm: float) -> Float64Array:
    """A line (n, 2) in mm without the points that bend it by less than a tolerance (Douglas and Peucker 1973).

    The first and the last point stay; a closed ring ends where it begins.
    """
    outline = polygon @ np.array([1.0, 1.0j])
    kept = np.zeros(len(outline), dtype=np.bool_)
    kept[[0, -1]] = True
    spans = [(0, len(outline) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away_mm = _distances_mm(outline[first + 1 : last], outline[first], outline[last])
        farthest = int(away_mm.argmax())
        if away_mm[farthest] > tolerance_mm:
            between = first + 1 + farthest
            kept[between] = True
            spans += [(first, between), (between, last)]
    return polygon[kept]


def _distances_mm(points: NDArray[np.complex128], start: complex, end: complex) -> Float64Array:
    """Distances of points (n,), as u + iv, from the straight line that begins and ends at two of them, mm."""
    along = end - start
    if along == 0.0:
        return np.abs(points - start)
    share = (points - start) / along
    return np.abs(share - np.minimum(np.maximum(share.real, 0.0), 1.0)) * abs(along)
