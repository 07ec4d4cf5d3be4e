"""From voxels back to contours: closed rings where half a voxel is filled, holes as rings or through keyholes."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Grid
from openigrt.images import Mask
from openigrt.patient.contour_stack import ContourPlane, own_axes, stack_contours
from openigrt.patient.occupancy import Occupancy
from openigrt.patient.simplify import simplified
from openigrt.patient.structures import Contour, ContourKind, Structure
from openigrt.patient.surfaces import ring_area_mm2, surrounds

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
    """Closed contours round the voxels of a mask, half-way between those inside and those outside; see above."""
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

    For readers that do not know holes as contours of their own. Raises MissingInput, InvalidGeometry.
    """
    axes = own_axes(structure)
    joined = [
        Contour(np.column_stack([ring, np.full(len(ring), plane.position_mm)]) @ axes.T)
        for plane in stack_contours(structure, axes, slice_mm=1.0).planes
        for ring in _joined_rings(plane)
    ]
    others = [contour for contour in structure.contours if contour.kind is not ContourKind.CLOSED_PLANAR]
    return replace(structure, contours=(*joined, *others))


def _joined_rings(plane: ContourPlane) -> Iterator[Float64Array]:
    """The rings (n, 2) of a plane, holes through keyholes: each outer ring takes up the holes right inside it."""
    rings = sorted(plane.polygons_mm, key=ring_area_mm2, reverse=True)
    around = [[m for m in range(n) if surrounds(rings[m], rings[n])] for n in range(len(rings))]
    for n, ring in enumerate(rings):
        if len(around[n]) % 2 == 0:
            holes = [rings[m] for m in range(len(rings)) if len(around[m]) == len(around[n]) + 1 and n in around[m]]
            joined = ring
            # From the right: a bridge to the right then meets no hole that is not part of the ring yet.
            for hole in sorted(holes, key=lambda points: float(points[:, 0].max()), reverse=True):
                with_hole = _bridged(joined, hole)
                if with_hole is None:
                    yield hole
                else:
                    joined = with_hole
            yield joined


def _bridged(ring: Float64Array, hole: Float64Array) -> Float64Array | None:
    """A ring (n, 2) that runs along +u from the rightmost point of a hole in it, and back; None where it meets none."""
    start = int(hole[:, 0].argmax())
    u, v = hole[start]
    a, b = ring, np.roll(ring, -1, axis=0)
    passes = (a[:, 1] <= v) != (b[:, 1] <= v)
    rise = np.where(passes, b[:, 1] - a[:, 1], 1.0)
    at = np.where(passes, a[:, 0] + (v - a[:, 1]) / rise * (b[:, 0] - a[:, 0]), np.inf)
    at[at < u] = np.inf
    edge = int(at.argmin())
    if not np.isfinite(at[edge]):
        return None
    gate = np.array([[at[edge], v]])
    loop = np.roll(hole, -start, axis=0)
    return np.concatenate([ring[: edge + 1], gate, loop, loop[:1], gate, ring[edge + 1 :]])
