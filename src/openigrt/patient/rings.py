"""From voxels back to contours: closed rings where half a voxel is filled, holes as rings or through keyholes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Grid
from openigrt.images import Mask
from openigrt.patient._kernels_rings_cpu import vertices_held
from openigrt.patient.contour_stack import group_by_plane, own_axes
from openigrt.patient.occupancy import Occupancy
from openigrt.patient.simplify import simplified
from openigrt.patient.structures import Contour, ContourKind, Structure
from openigrt.patient.surfaces import ring_area_mm2

# A tenth of the finest voxel in use: far below what a voxel tells about where an outline runs.
TOLERANCE_MM = 0.05


def contours_from_occupancy(occupancy: Occupancy, tolerance_mm: float = TOLERANCE_MM) -> tuple[Contour, ...]:
    """Closed contours on the slices of a grid, through the places where half a voxel is filled (marching squares).

    Holes and islands are rings of their own, to be read by the even-odd rule. Points that bend a ring by less than
    `tolerance_mm` are left out. What is thinner than half a voxel everywhere leaves no contour. Raises InvalidGeometry
    for a tolerance that is no length.
    """
    return tuple(_contours(occupancy.fractions, occupancy.part, tolerance_mm))


def contours_from_mask(mask: Mask, tolerance_mm: float = TOLERANCE_MM) -> tuple[Contour, ...]:
    """Closed contours round the voxels of a mask, half-way between those inside and those outside.

    Filled again, they give the same mask; otherwise as `contours_from_occupancy`.
    """
    held = [np.flatnonzero(mask.voxels.any(axis=axes)) for axes in ((0, 1), (0, 2), (1, 2))]
    if not len(held[0]):
        return ()
    i, j, k = (slice(int(index[0]), int(index[-1]) + 1) for index in held)
    occupancy = Occupancy(mask.voxels[k, j, i].astype(np.float32), mask.grid, (i.start, j.start, k.start))
    return contours_from_occupancy(occupancy, tolerance_mm)


def _contours(fractions: NDArray[np.float32], grid: Grid, tolerance_mm: float) -> Iterator[Contour]:
    """The rings of each slice of a grid, in mm."""
    if not 0.0 <= tolerance_mm < np.inf:
        raise InvalidGeometry(f"Contours cannot be simplified within {tolerance_mm} mm; expected 0 or more.")
    from skimage import measure  # noqa: PLC0415  (a tenth of a second that only this way back should pay)

    for k, filled in enumerate(fractions):
        for line in measure.find_contours(np.pad(filled, 1), 0.5):
            ring_mm = (line[:, ::-1] - 1.0) * grid.spacing_mm[:2]
            ring_mm = simplified(ring_mm, tolerance_mm)[:-1]
            if len(ring_mm) > 2:
                indices = np.column_stack([ring_mm / grid.spacing_mm[:2], np.full(len(ring_mm), k)])
                yield Contour(grid.points(indices))


def with_keyholes(structure: Structure) -> Structure:
    """The same structure with each hole joined to the ring around it by a bridge there and back (PS3.3 C.8.8.6.3).

    For readers that unite contours in contours instead of taking them for holes. Contours without holes, and those
    that are not closed, stay as they are. Raises InvalidGeometry when closed contours are not parallel to each other.
    """
    closed = [c for c in structure.contours if c.kind is ContourKind.CLOSED_PLANAR and len(c.points_mm) > 2]
    if len(closed) < 2:
        return structure
    axes = own_axes(structure)
    rings = [contour.points_mm @ axes for contour in closed]
    drawn = {id(ring): contour for ring, contour in zip(rings, closed, strict=True)}
    by_plane = group_by_plane(structure.name, sorted(rings, key=lambda uvw: float(uvw[:, 2].mean())))
    joined = [drawn.get(id(ring)) or Contour(ring @ axes.T) for plane in by_plane for ring in _joined_rings(plane)]
    taken = {id(contour) for contour in closed}
    others = [contour for contour in structure.contours if id(contour) not in taken]
    return replace(structure, contours=(*joined, *others))


def _joined_rings(rings: Sequence[Float64Array]) -> Iterator[Float64Array]:
    """The rings (n, 3) of a plane in (u, v, w), holes through keyholes: outer ones take up the holes right in them."""
    if len(rings) == 1:
        yield rings[0]
        return
    rings = sorted(rings, key=lambda ring: ring_area_mm2(ring[:, :2]), reverse=True)
    around = _rings_around([np.ascontiguousarray(ring[:, :2]) for ring in rings])
    holes_of: dict[int, list[Float64Array]] = defaultdict(list)
    for m, outer in enumerate(around):
        for n in outer:
            if len(around[n]) == len(outer) - 1:
                holes_of[n].append(rings[m])
    for n, ring in enumerate(rings):
        if len(around[n]) % 2 == 0:
            holes = holes_of[n]
            joined = ring
            # From the right: a bridge to the right then meets no hole that is not part of the ring yet.
            for hole in sorted(holes, key=lambda points: float(points[:, 0].max()), reverse=True):
                with_hole = _bridged(joined, hole)
                if with_hole is None:
                    yield hole
                else:
                    joined = with_hole
            yield joined


def _rings_around(polygons: Sequence[Float64Array]) -> list[list[int]]:
    """Which of the polygons (n, 2), that come from large to small, surround each: hold most of its vertices."""
    low = np.array([polygon.min(axis=0) for polygon in polygons])
    high = np.array([polygon.max(axis=0) for polygon in polygons])
    around = []
    for n, polygon in enumerate(polygons):
        reach_round = ((low[:n] <= low[n]) & (high[:n] >= high[n])).all(axis=1)
        larger = np.flatnonzero(reach_round).tolist()
        around.append([m for m in larger if 2 * vertices_held(polygons[m], polygon) > len(polygon)])
    return around


def _bridged(ring: Float64Array, hole: Float64Array) -> Float64Array | None:
    """A ring (n, 3) that runs along +u from the rightmost point of a hole in it, and back; None where it meets none."""
    start = int(hole[:, 0].argmax())
    u, v, _ = hole[start]
    a, b = ring, np.roll(ring, -1, axis=0)
    passes = (a[:, 1] <= v) != (b[:, 1] <= v)
    share = (v - a[:, 1]) / np.where(passes, b[:, 1] - a[:, 1], 1.0)
    gates = a + share[:, None] * (b - a)
    away = np.where(passes & (gates[:, 0] >= u), gates[:, 0] - u, np.inf)
    edge = int(away.argmin())
    if not np.isfinite(away[edge]):
        return None
    gate = gates[edge : edge + 1]
    loop = np.roll(hole, -start, axis=0)
    return np.concatenate([ring[: edge + 1], gate, loop, loop[:1], gate, ring[edge + 1 :]])
