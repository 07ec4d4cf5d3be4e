"""Exact area coverage of pixels by polygons under the even-odd rule, compiled."""

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled

# Edges that pass each other by less than this, in pixels, do not cross.
TOUCHING = 1e-9
SHORTEST_BAND = 1e-6
# What one row of pixels may cost: beyond it (hundreds of thousands of points in a row) bands are of equal height.
MOST_SPLITS = 4096
MOST_SORTED_BY_INSERTION = 64
MOST_EDGES_OF_ALL_BANDS = 1 << 18


@compiled(parallel=True)
def cover_slices(
    fractions: NDArray[np.float32],
    pairs_of_slice: NDArray[np.int64],
    plane_of_pair: NDArray[np.int64],
    weight_of_pair: NDArray[np.float64],
    polygons_of_plane: NDArray[np.int64],
    vertices_of_polygon: NDArray[np.int64],
    vertices: NDArray[np.float64],
    lean: float,
) -> NDArray[np.bool_]:
    """Add to `fractions` [k, j, i] what part of each pixel the planes of slice k cover, times the weight of each.

    Slice k shows the planes `plane_of_pair[pairs_of_slice[k]:pairs_of_slice[k + 1]]`. Polygons and vertices as in
    `fill_even_odd`: continuous indices (i, j), a pixel reaching half an index from its centre. A point of the plane is
    inside where an odd number of polygons surround it; the area is exact, whatever crosses, touches or repeats, but in
    rows that would cost too much (`MOST_EDGES_OF_ALL_BANDS`). Says in which slices a pixel may be half covered, to
    within `lean`.
    """
    are_tied = np.zeros(fractions.shape[0], dtype=np.bool_)
    for k in prange(fractions.shape[0]):
        for pair in range(pairs_of_slice[k], pairs_of_slice[k + 1]):
            plane = plane_of_pair[pair]
            first, stop = polygons_of_plane[plane], polygons_of_plane[plane + 1]
            edges = _edges(vertices_of_polygon[first : stop + 1], vertices, fractions.shape[1])
            are_tied[k] |= _cover(fractions[k], weight_of_pair[pair], edges, lean)
    return are_tied


@compiled()
def _edges(vertices_of_polygon: NDArray[np.int64], vertices: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Edges (n, 4) that are not level and meet the rows: x and y of the lower end, x and y of the upper one.

    Rising in the lower y; counted so that pixel (i, j) reaches from i to i + 1 and from j to j + 1.
    """
    count = vertices_of_polygon[-1] - vertices_of_polygon[0]
    edges = np.empty((count, 4), dtype=np.float64)
    found = 0
    for polygon in range(len(vertices_of_polygon) - 1):
        start, stop = vertices_of_polygon[polygon], vertices_of_polygon[polygon + 1]
        for v in range(start, stop):
            w = v + 1 if v + 1 < stop else start
            low, high = (v, w) if vertices[v, 1] < vertices[w, 1] else (w, v)
            y_low, y_high = vertices[low, 1] + 0.5, vertices[high, 1] + 0.5
            if y_low == y_high or y_high <= 0.0 or y_low >= rows:
                continue
            edges[found, 0], edges[found, 1] = vertices[low, 0] + 0.5, y_low
            edges[found, 2], edges[found, 3] = vertices[high, 0] + 0.5, y_high
            found += 1
    return edges[:found][np.argsort(edges[:found, 1])]


@compiled()
def _cover(fractions: NDArray[np.float32], weight: float, edges: NDArray[np.float64], lean: float) -> bool:
    """Add the coverage of the pixels [j, i] of one slice, times a weight; `edges` as `_edges` gives them.

    Whether one of them is half covered, to within `lean`.
    """
    rows, columns = fractions.shape
    count = len(edges)
    is_tied = False
    if count == 0:
        return is_tied
    active = np.empty(count, dtype=np.int64)
    events = np.empty(2 * count + 2, dtype=np.float64)
    scratch = np.empty((2, count), dtype=np.float64)
    change = np.zeros(columns + 1, dtype=np.float64)
    actives, following = 0, 0
    for j in range(max(0, math.floor(edges[0, 1])), rows):
        kept = 0
        for a in range(actives):
            if edges[active[a], 3] > j:
                active[kept] = active[a]
                kept += 1
        actives = kept
        while following < count and edges[following, 1] < j + 1:
            if edges[following, 3] > j:
                active[actives] = following
                actives += 1
            following += 1
        if actives == 0:
            if following == count:
                break
            continue
        bands = _bands(events, edges, active[:actives], j)
        first, last = _cover_row(change, events[: bands + 1], edges, active[:actives], scratch)
        covered = 0.0
        for i in range(first, min(last + 2, columns)):
            covered += change[i]
            change[i] = 0.0
            fractions[j, i] += np.float32(weight * min(1.0, max(0.0, covered)))
            is_tied |= abs(fractions[j, i] - 0.5) <= lean
        change[columns] = 0.0
    return is_tied


@compiled()
def _bands(events: NDArray[np.float64], edges: NDArray[np.float64], active: NDArray[np.int64], j: int) -> int:
    """How many bands row j falls into, their borders in `events`: no edge begins or ends within one.

    In a row of too many edges the bands are fewer and of equal height.
    """
    found = 2
    events[0], events[1] = j, j + 1.0
    for edge in active:
        for end in (edges[edge, 1], edges[edge, 3]):
            if j < end < j + 1:
                events[found] = end
                found += 1
    most = max(1, MOST_EDGES_OF_ALL_BANDS // len(active))
    if found - 1 > most:
        for n in range(most + 1):
            events[n] = j + n / most
        return most
    events[:found].sort()
    bands = 0
    for n in range(1, found):
        if events[n] > events[bands]:
            bands += 1
            events[bands] = events[n]
    return bands


@compiled()
def _cover_row(
    change: NDArray[np.float64],
    events: NDArray[np.float64],
    edges: NDArray[np.float64],
    active: NDArray[np.int64],
    scratch: NDArray[np.float64],
) -> tuple[int, int]:
    """Add to `change` (columns + 1,) by how much the coverage of a row rises from pixel to pixel, band by band.

    The first and the last pixel that an edge passes.
    """
    starts, ends = scratch[0], scratch[1]
    columns = len(change) - 1.0
    leftmost, rightmost = np.inf, -np.inf
    splits = 0
    for band in range(len(events) - 1):
        y, y_end = events[band], events[band + 1]
        middle = 0.5 * (y + y_end)
        found = 0
        for edge in active:
            x_low, y_low, x_high, y_high = edges[edge]
            if y_low <= middle < y_high:
                slope = (x_high - x_low) / (y_high - y_low)
                starts[found] = x_low + (max(y, y_low) - y_low) * slope
                ends[found] = x_low + (min(y_end, y_high) - y_low) * slope
                leftmost = min(leftmost, starts[found], ends[found])
                rightmost = max(rightmost, starts[found], ends[found])
                found += 1
        while True:
            _sort(starts, ends, found)
            y_stop = y_end
            if splits < MOST_SPLITS and found <= MOST_SORTED_BY_INSERTION:
                y_stop = _first_crossing(starts, ends, found, y, y_end)
            share = (y_stop - y) / (y_end - y)
            for n in range(found):
                stop = starts[n] + share * (ends[n] - starts[n])
                _add_edge(change, starts[n], stop, y_stop - y if n % 2 == 0 else y - y_stop)
                starts[n] = stop
            if y_stop >= y_end:
                break
            y = y_stop
            splits += 1
    return int(min(max(leftmost, 0.0), columns)), int(min(max(rightmost, -1.0), columns))


@compiled()
def _sort(starts: NDArray[np.float64], ends: NDArray[np.float64], count: int) -> None:
    """Order edges from left to right as they begin, those that begin together as they end; many, by their middles."""
    if count > MOST_SORTED_BY_INSERTION:
        order = np.argsort(starts[:count] + ends[:count])
        starts[:count] = starts[:count][order]
        ends[:count] = ends[:count][order]
        return
    for n in range(1, count):
        start, end = starts[n], ends[n]
        m = n
        while m > 0 and (starts[m - 1] > start or (starts[m - 1] == start and ends[m - 1] > end)):
            starts[m], ends[m] = starts[m - 1], ends[m - 1]
            m -= 1
        starts[m], ends[m] = start, end


@compiled()
def _first_crossing(
    starts: NDArray[np.float64], ends: NDArray[np.float64], count: int, y: float, y_end: float
) -> float:
    """Where, from y on, the first two neighbours cross; `y_end` where none do."""
    first = y_end
    for n in range(count - 1):
        over = ends[n] - ends[n + 1]
        if over > TOUCHING:
            gap = starts[n + 1] - starts[n]
            first = min(first, y + (y_end - y) * gap / (gap + over))
    return min(y_end, max(first, y + SHORTEST_BAND))


@compiled()
def _add_edge(change: NDArray[np.float64], x_start: float, x_end: float, signed_height: float) -> None:
    """Add an edge with the area to its right: it spreads over the pixels that it passes; positive where inside begins.

    What lies left of the first pixel counts as its left border, what lies right of the last one not at all.
    """
    columns = len(change) - 1
    x, x_stop = min(x_start, x_end), max(x_start, x_end)
    if x_stop <= 0.0:
        change[0] += signed_height
        return
    if x >= columns:
        return
    if x_stop - x < TOUCHING:
        i = max(0, int(x))
        inner = min(1.0, max(0.0, x - i))
        change[i] += signed_height * (1.0 - inner)
        change[i + 1] += signed_height * inner
        return
    slope = signed_height / (x_stop - x)
    if x < 0.0:
        change[0] -= slope * x
        x = 0.0
    x_stop = min(x_stop, float(columns))
    i = int(x)
    while x < x_stop:
        x_next = min(x_stop, i + 1.0)
        height, inner = slope * (x_next - x), 0.5 * (x + x_next) - i
        change[i] += height * (1.0 - inner)
        change[i + 1] += height * inner
        x = x_next
        i += 1


@compiled(parallel=True)
def lean_to_centers(
    fractions: NDArray[np.float32], inside: NDArray[np.bool_], are_tied: NDArray[np.bool_], lean: float
) -> None:
    """Where half a voxel is covered, to within `lean`, its centre decides: half and `lean`, or half less `lean`.

    Only the slices that `are_tied` are looked at.
    """
    for k in prange(fractions.shape[0]):
        if are_tied[k]:
            for j in range(fractions.shape[1]):
                for i in range(fractions.shape[2]):
                    if abs(fractions[k, j, i] - 0.5) <= lean:
                        fractions[k, j, i] = 0.5 + lean if inside[k, j, i] else 0.5 - lean
