"""Regions of a plane: what polygons have in common, less others, exactly, as outlines with holes.

The plane is cut into slabs between all heights at which an edge begins, ends or crosses another one. Within a slab no
edges cross, so the region is a row of trapezoids between edges; their outline is what remains when the sides that
neighbours share are taken away.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.errors import InvalidGeometry, UnsupportedInput
from openigrt.geometry.rigid import Float64Array

MAX_EDGES = 4_000
MOST_WORK = 1_000_000
SAME_MM = 1e-6
SAME_HEIGHT_MM = STRAIGHT_MM = 1e-9

Polygons = Sequence[ArrayLike]
Vertex = tuple[float, float]
Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class PlanarPart:
    """One connected part: `outline_mm` (n, 2) counter-clockwise, and the outlines of its holes, clockwise."""

    outline_mm: Float64Array
    holes_mm: tuple[Float64Array, ...] = ()


@dataclass(frozen=True, eq=False)
class PlanarRegion:
    """A region as parts that do not overlap; none where it is empty."""

    parts: tuple[PlanarPart, ...]

    @property
    def area_mm2(self) -> float:
        """Its area."""
        return float(sum(_moments(ring)[0] for ring in self._rings()))

    @property
    def centroid_mm(self) -> Float64Array | None:
        """Its centroid (2,), None where it is empty."""
        moments = np.sum([_moments(ring) for ring in self._rings()], axis=0) if self.parts else np.zeros(3)
        return np.asarray(moments[1:] / moments[0]) if moments[0] > 0.0 else None

    def _rings(self) -> Iterator[Float64Array]:
        """All outlines, of parts and holes."""
        for part in self.parts:
            yield part.outline_mm
            yield from part.holes_mm


def planar_region(within: Sequence[Polygons], without: Sequence[Polygons] = ()) -> PlanarRegion:
    """The points that lie in all of `within` and in none of `without`.

    Each of them is the union of its polygons (n, 2), of either sense, which may overlap each other; one that crosses
    itself covers what it surrounds an odd number of times. Raises InvalidGeometry for polygons that are not finite and
    where `within` is empty, UnsupportedInput for more edges than any beam has.
    """
    if not within:
        raise InvalidGeometry("A region needs at least one shape that it lies within; the whole plane has no outline.")
    edges = _Edges.of([*within, *without])
    heights = _heights(edges)
    _require_bearable(edges, heights)
    outline: dict[Vertex, list[Vertex]] = defaultdict(list)
    below: list[Interval] = []
    for bottom, top in pairwise(heights):
        slab = _trapezoids(edges, bottom, top, len(within))
        _add_level(outline, below, [(left, right) for left, right, _, _ in slab], bottom)
        for left_bottom, right_bottom, left_top, right_top in slab:
            outline[right_bottom, bottom].append((right_top, top))
            outline[left_top, top].append((left_bottom, bottom))
        below = [(left, right) for _, _, left, right in slab]
    if heights:
        _add_level(outline, below, [], heights[-1])
    return PlanarRegion(_parts(_rings(outline)))


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges that are not horizontal, each from its lower end (x0, y0) to its upper end (x1, y1).

    `polygon` (n,) says which polygon an edge belongs to, `shapes` (polygons, shapes) which polygons are of which shape.
    """

    x0: Float64Array
    y0: Float64Array
    x1: Float64Array
    y1: Float64Array
    polygon: NDArray[np.intp]
    shapes: NDArray[np.bool_]

    @staticmethod
    def of(shapes: Sequence[Polygons]) -> "_Edges":
        """All edges of all shapes."""
        rows, owners = [np.empty((0, 5))], list[int]()
        for owner, polygons in enumerate(shapes):
            for polygon in polygons:
                ring = _finite_ring(polygon)
                ends = np.roll(ring, -1, axis=0)
                up = ends[:, 1] > ring[:, 1]
                low, high = np.where(up[:, None], ring, ends), np.where(up[:, None], ends, ring)
                row = np.column_stack([low, high, np.full(len(ring), len(owners))])
                rows.append(row[high[:, 1] > low[:, 1]])
                owners.append(owner)
        table = np.concatenate(rows)
        if len(table) > MAX_EDGES:
            raise UnsupportedInput(f"Outlines with {len(table)} edges; at most {MAX_EDGES} are joined.")
        x0, y0, x1, y1, polygon = table.T
        membership = np.array(owners, dtype=int)[:, None] == np.arange(len(shapes))
        return _Edges(x0, y0, x1, y1, polygon.astype(np.intp), membership)

    def at(self, chosen: NDArray[np.intp] | np.intp, height_mm: Float64Array | float) -> Float64Array:
        """Where some of the edges cross a height; exactly at their ends."""
        x0, y0, x1, y1 = (values[chosen] for values in (self.x0, self.y0, self.x1, self.y1))
        return np.asarray(np.where(height_mm >= y1, x1, x0 + (height_mm - y0) / (y1 - y0) * (x1 - x0)))


def _finite_ring(polygon: ArrayLike) -> Float64Array:
    """The points (n, 2) of a polygon; raises InvalidGeometry where one is not finite."""
    ring = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(ring).all():
        raise InvalidGeometry("An outline holds a coordinate that is not finite.")
    return ring


def _heights(edges: _Edges) -> list[float]:
    """All heights at which an edge ends or crosses another one, each once, rising."""
    values = np.unique(np.concatenate([edges.y0, edges.y1, _crossings(edges)]))
    if len(values) == 0:
        return []
    kept = np.concatenate([[True], np.diff(values) > SAME_HEIGHT_MM])
    return [float(value) for value in values[kept]]


def _require_bearable(edges: _Edges, heights: list[float]) -> None:
    """Raise UnsupportedInput where edges, slabs and polygons are so many that joining them would take minutes."""
    spanned = np.searchsorted(heights, edges.y1) - np.searchsorted(heights, edges.y0)
    work = int(spanned.sum()) * len(edges.shapes)
    if work > MOST_WORK:
        raise UnsupportedInput(
            f"Outlines of {len(edges.shapes)} polygons with {len(edges.x0)} edges cross too often to be joined."
        )


def _crossings(edges: _Edges) -> Float64Array:
    """Heights at which a slanting edge crosses another one."""
    found = [np.empty(0)]
    for index in np.flatnonzero(edges.x0 != edges.x1):
        low, high = np.maximum(edges.y0[index], edges.y0), np.minimum(edges.y1[index], edges.y1)
        others = np.flatnonzero(high > low)
        low, high = low[others], high[others]
        gap_low = edges.at(index, low) - edges.at(others, low)
        gap_high = edges.at(index, high) - edges.at(others, high)
        crossing = gap_low * gap_high < 0.0
        share = gap_low[crossing] / (gap_low[crossing] - gap_high[crossing])
        found.append(low[crossing] + share * (high[crossing] - low[crossing]))
    return np.concatenate(found)


def _trapezoids(edges: _Edges, bottom: float, top: float, within: int) -> list[tuple[float, float, float, float]]:
    """The region between two heights: left and right at the bottom, left and right at the top, from left to right."""
    middle = 0.5 * (bottom + top)
    spanning = np.flatnonzero((edges.y0 <= middle) & (edges.y1 > middle))  # half open: always an even number
    spanning = spanning[np.argsort(edges.at(spanning, middle), kind="stable")]
    if len(spanning) == 0:
        return []
    crossed = np.cumsum(edges.polygon[spanning, None] == np.arange(len(edges.shapes)), axis=0)
    covered = (crossed % 2 == 1) @ edges.shapes
    inside = covered[:, :within].all(axis=1) & ~covered[:, within:].any(axis=1)
    before = np.concatenate([[False], inside[:-1]])
    lefts, rights = spanning[inside & ~before], spanning[before & ~inside]
    sides = (edges.at(lefts, bottom), edges.at(rights, bottom), edges.at(lefts, top), edges.at(rights, top))
    return _joined(np.column_stack(sides))


def _joined(rows: Float64Array) -> list[tuple[float, float, float, float]]:
    """Trapezoids without such as have no width, neighbours that touch all along made one."""
    joined: list[tuple[float, float, float, float]] = []
    for left_bottom, right_bottom, left_top, right_top in rows.tolist():
        if joined and left_bottom - joined[-1][1] <= SAME_MM and left_top - joined[-1][3] <= SAME_MM:
            left_bottom, before_bottom, left_top, before_top = joined.pop()
            right_bottom, right_top = max(right_bottom, before_bottom), max(right_top, before_top)
        joined.append((left_bottom, max(right_bottom, left_bottom), left_top, max(right_top, left_top)))
    return [row for row in joined if row[1] - row[0] > SAME_MM or row[3] - row[2] > SAME_MM]


def _add_level(
    outline: dict[Vertex, list[Vertex]], below: list[Interval], above: list[Interval], height: float
) -> None:
    """The horizontal parts of the outline at a height: where there is more on one side of it than on the other."""
    steps: dict[float, int] = defaultdict(int)
    for sign, intervals in ((-1, below), (1, above)):
        for left, right in intervals:
            steps[left] += sign
            steps[right] -= sign
    surplus = 0
    for left, right in pairwise(sorted(steps)):
        surplus += steps[left]
        if surplus > 0:
            outline[left, height] += [(right, height)] * surplus
        elif surplus < 0:
            outline[right, height] += [(left, height)] * -surplus


def _rings(outline: dict[Vertex, list[Vertex]]) -> Iterator[Float64Array]:
    """Closed rings of directed edges, the region on their left; where several go on, the sharpest left turn."""
    while outline:
        start = next(iter(outline))
        ring, here, heading = [start], start, (0.0, 0.0)
        while True:
            ahead = outline.get(here)
            if not ahead:
                raise InvalidGeometry("Outlines whose edges nearly coincide could not be joined; simplify them.")
            chosen = max(ahead, key=partial(_left_turn, here, heading))
            ahead.remove(chosen)
            if not ahead:
                del outline[here]
            heading, here = (chosen[0] - here[0], chosen[1] - here[1]), chosen
            if here == start:
                break
            ring.append(here)
        simple = _simplified(np.array(ring))
        if len(simple) >= 3:
            yield simple


def _left_turn(here: Vertex, heading: Vertex, there: Vertex) -> float:
    """How far the way from here to there turns to the left of a heading, radians."""
    along = (there[0] - here[0], there[1] - here[1])
    cross = heading[0] * along[1] - heading[1] * along[0]
    return math.atan2(cross, heading[0] * along[0] + heading[1] * along[1])


def _simplified(ring: Float64Array) -> Float64Array:
    """A ring without points that repeat the one before, or lie on the line between their neighbours."""
    ring = ring[np.abs(ring - np.roll(ring, 1, axis=0)).max(axis=1) > SAME_MM]
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    lengths = np.linalg.norm(before, axis=1) + np.linalg.norm(after, axis=1)
    return np.asarray(ring[np.abs(cross) > STRAIGHT_MM * lengths])


def _parts(rings: Iterator[Float64Array]) -> tuple[PlanarPart, ...]:
    """Outlines with the holes that lie in them; the smallest outline round a hole is its own."""
    outlines: list[Float64Array] = []
    holes: list[Float64Array] = []
    for ring in rings:
        ring.setflags(write=False)
        (outlines if _moments(ring)[0] > 0.0 else holes).append(ring)
    owned: dict[int, list[Float64Array]] = defaultdict(list)
    for hole in holes:
        round_it = [i for i, outline in enumerate(outlines) if _surrounds(outline, hole)]
        if round_it:  # else it is thinner than what is told apart
            owned[min(round_it, key=lambda i: _moments(outlines[i])[0])].append(hole)
    return tuple(PlanarPart(outline, tuple(owned[i])) for i, outline in enumerate(outlines))


def _surrounds(outline: Float64Array, hole: Float64Array) -> bool:
    """Whether the middle of a hole's first edge, which no outline crosses, lies in an outline (even-odd rule)."""
    x, y = 0.5 * (hole[0] + hole[1])
    (x0, y0), (x1, y1) = outline.T, np.roll(outline, -1, axis=0).T
    crosses = (y0 > y) != (y1 > y)
    at = x0[crosses] + (y - y0[crosses]) * (x1[crosses] - x0[crosses]) / (y1[crosses] - y0[crosses])
    return bool(np.count_nonzero(at > x) % 2)


def _moments(ring: Float64Array) -> Float64Array:
    """Area, and area times centroid x and y (3,), of a ring; negative where it runs clockwise (Green's theorem)."""
    if len(ring) == 0:
        return np.zeros(3)
    origin = ring[0]
    x, y = (ring - origin).T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    cross = x * next_y - next_x * y
    area = 0.5 * cross.sum()
    first = np.array([((x + next_x) * cross).sum(), ((y + next_y) * cross).sum()]) / 6.0
    return np.array([area, *(first + area * origin)])
