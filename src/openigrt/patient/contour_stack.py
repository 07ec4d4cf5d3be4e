"""The closed contours of a structure as polygons on parallel planes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openigrt.errors import InvalidGeometry, MissingInput
from openigrt.geometry import LONGEST_MM, Float64Array
from openigrt.patient.structures import ContourKind, Structure

PLANARITY_TOLERANCE_MM = 1.0
SAME_PLANE_MM = 0.1
# A plane reaches half-way to its neighbour unless a slice is missing between them: then each ends half a slice away.
LARGEST_GAP_IN_SLICES = 1.5


@dataclass(frozen=True, eq=False)
class ContourPlane:
    """Polygons (n, 2) on one plane at `position_mm` along the normal; the structure reaches from `lower` to `upper`."""

    position_mm: float
    lower_mm: float
    upper_mm: float
    polygons_mm: tuple[Float64Array, ...]

    @property
    def thickness_mm(self) -> float:
        """Extent along the normal that this plane stands for."""
        return self.upper_mm - self.lower_mm


@dataclass(frozen=True, eq=False)
class ContourStack:
    """Planes in rising order; columns of `axes` (3, 3) are the two in-plane directions and the normal, orthonormal.

    A point of the structure's frame is `axes @ (u, v, w)` with (u, v) in a plane and w along the normal, mm.
    """

    axes: Float64Array
    planes: tuple[ContourPlane, ...]


def closed_contours(structure: Structure) -> list[Float64Array]:
    """Points (n, 3) of each closed planar contour; raises MissingInput if none, InvalidGeometry if not finite."""
    contours = [c.points_mm for c in structure.contours if c.kind is ContourKind.CLOSED_PLANAR and len(c.points_mm)]
    if not contours:
        raise MissingInput(
            f"Structure {structure.name!r} has no closed planar contour, so it encloses nothing; choose another one.",
            structure=structure.name,
        )
    if not all(np.isfinite(c).all() and np.abs(c).max() <= LONGEST_MM for c in contours):
        raise InvalidGeometry(
            f"A contour of structure {structure.name!r} has points that are not finite or over 100 m away.",
            structure=structure.name,
        )
    return contours


def stack_contours(structure: Structure, axes: Float64Array, slice_mm: float | None = None) -> ContourStack:
    """The closed contours on planes across the third column of `axes` (3, 3).

    A plane reaches half-way to its neighbours; at the ends, and where a slice is missing, half the usual spacing.
    `slice_mm` is that spacing for a structure drawn on a single plane. Raises MissingInput without closed contours or
    without `slice_mm` where it is needed, InvalidGeometry when the contours are not parallel to the planes.
    """
    contours = [points @ axes for points in closed_contours(structure)]
    contours.sort(key=lambda uvw: float(uvw[:, 2].mean()))
    groups = group_by_plane(structure.name, contours)
    positions = np.array([np.mean([uvw[:, 2].mean() for uvw in group]) for group in groups])
    lower, upper = _extents(structure.name, positions, slice_mm)
    planes = tuple(
        ContourPlane(float(position), float(low), float(high), tuple(np.ascontiguousarray(uvw[:, :2]) for uvw in group))
        for position, low, high, group in zip(positions, lower, upper, groups, strict=True)
    )
    return ContourStack(axes, planes)


def own_axes(structure: Structure) -> Float64Array:
    """Axes (3, 3) of the planes that the contours of a structure themselves lie on.

    The normal points toward +x, +y or +z, whichever is nearest. Raises MissingInput without closed
    contours, InvalidGeometry when no contour spans a plane.
    """
    largest = max(closed_contours(structure), key=lambda points: float(np.prod(np.sort(np.ptp(points, axis=0))[1:])))
    _, spread, directions = np.linalg.svd(largest - largest.mean(axis=0), full_matrices=False)
    if len(largest) < 3 or spread[1] < 1e-6:
        raise InvalidGeometry(f"The contours of structure {structure.name!r} are lines or points and span no plane.")
    normal = directions[2]
    axis = int(np.argmax(np.abs(normal)))
    normal = normal * np.sign(normal[axis])
    u = np.eye(3)[(axis + 1) % 3]
    u = u - (u @ normal) * normal
    u /= np.linalg.norm(u)
    return np.column_stack([u, np.cross(normal, u), normal])


def plane_spacing_mm(structures: Sequence[Structure]) -> float | None:
    """Usual distance between the contour planes of several structures, mm; None when each is drawn on one plane."""
    gaps = [gap for structure in structures for gap in _gaps_mm(structure)]
    return float(np.median(gaps)) if gaps else None


def _gaps_mm(structure: Structure) -> list[float]:
    """Distances between neighbouring planes of the closed contours of one structure, mm; empty when it has none."""
    if not any(c.kind is ContourKind.CLOSED_PLANAR and len(c.points_mm) > 2 for c in structure.contours):
        return []
    normal = own_axes(structure)[:, 2]
    positions = np.sort([float((points @ normal).mean()) for points in closed_contours(structure)])
    gaps = np.diff(positions)
    return [float(gap) for gap in gaps[gaps > SAME_PLANE_MM]]


def group_by_plane(name: str, contours: list[Float64Array]) -> list[list[Float64Array]]:
    """Contours (n, 3) in (u, v, w), sorted by w, split where w jumps; raises InvalidGeometry when one is tilted."""
    groups: list[list[Float64Array]] = []
    previous = -np.inf
    for uvw in contours:
        tilt_mm = float(np.ptp(uvw[:, 2]))
        if tilt_mm > PLANARITY_TOLERANCE_MM:
            raise InvalidGeometry(
                f"A contour of structure {name!r} crosses {tilt_mm:.1f} mm of slices, expected at most "
                f"{PLANARITY_TOLERANCE_MM:g}: contours must be parallel to the slices of the grid; use the image they "
                "were drawn on.",
                structure=name,
                tilt_mm=tilt_mm,
            )
        position = float(uvw[:, 2].mean())
        if position - previous > SAME_PLANE_MM:
            groups.append([])
        groups[-1].append(uvw)
        previous = position
    return groups


def _extents(name: str, positions: Float64Array, slice_mm: float | None) -> tuple[Float64Array, Float64Array]:
    """Lower and upper ends (n,) of what each plane at `positions` (n,) stands for, mm."""
    gaps = np.diff(positions)
    usual = float(np.median(gaps)) if len(gaps) else slice_mm
    if usual is None:
        raise MissingInput(
            f"Structure {name!r} is drawn on one plane only: its thickness is unknown. Pass the slice spacing.",
            structure=name,
        )
    half = np.where(gaps > LARGEST_GAP_IN_SLICES * usual, usual, gaps) / 2.0
    lower = positions - np.concatenate([[usual / 2.0], half])
    upper = positions + np.concatenate([half, [usual / 2.0]])
    return lower, upper
