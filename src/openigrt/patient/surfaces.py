"""Surfaces, volumes and centroids of structures, and spheres where there is no structure."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.geometry import Float64Array
from openigrt.patient._kernels_cpu import fill_even_odd
from openigrt.patient._kernels_rings_cpu import nesting_depths
from openigrt.patient.contour_stack import ContourPlane, ContourStack, own_axes, stack_contours
from openigrt.patient.structures import Structure

GOLDEN_RATIO = (1.0 + 5.0**0.5) / 2.0
# What no structure of a patient comes near: specks a metre apart, threads of a hair's breadth.
MOST_NODES = 1 << 26
MOST_LEVELS = 10_000


def volume_mm3(structure: Structure, slice_mm: float | None = None) -> float:
    """Volume inside the closed contours: area times what each plane reaches over, holes taken out, mm³.

    `slice_mm` is the thickness of a structure drawn on one plane. Raises MissingInput, InvalidGeometry.
    """
    return float(sum(_area_mm2(plane) * plane.thickness_mm for plane in _own_stack(structure, slice_mm).planes))


def centroid_mm(structure: Structure, slice_mm: float | None = None) -> Float64Array:
    """Centroid (3,) of the volume inside the closed contours, mm; their mean point where they enclose no area.

    `slice_mm` is the thickness of a structure drawn on one plane. Raises MissingInput, InvalidGeometry.
    """
    stack = _own_stack(structure, slice_mm)
    total, weighted = 0.0, np.zeros(3)
    for plane in stack.planes:
        middle = 0.5 * (plane.lower_mm + plane.upper_mm)
        for polygon, sign in zip(plane.polygons_mm, _signs(plane), strict=True):
            area, center = _area_and_center(polygon)
            weight = sign * area * plane.thickness_mm
            total += weight
            weighted += weight * np.array([*center, middle])
    if total <= 0.0:
        return np.asarray(np.concatenate([contour.points_mm for contour in structure.contours]).mean(axis=0))
    return np.asarray(stack.axes @ (weighted / total))


def surface_points_mm(structure: Structure, *, max_points: int = 2000, slice_mm: float | None = None) -> Float64Array:
    """Points (n, 3) spread evenly over the surface of a structure, side walls and caps, n at most `max_points`.

    The surface is that of the stack of slabs that the contour planes stand for; where one slab juts out over the next,
    the ledge belongs to it. The same structure gives the same points. Raises MissingInput, InvalidGeometry.
    """
    stack = _own_stack(structure, slice_mm)
    walls = sum(_perimeter_mm(p) * plane.thickness_mm for plane in stack.planes for p in plane.polygons_mm)
    step_mm = (
        max(walls + sum(2.0 * _area_mm2(p) for p in (stack.planes[0], stack.planes[-1])), 1e-6) / max_points
    ) ** 0.5
    points = np.concatenate([*_wall_points(stack, step_mm), *_ledge_points(stack, step_mm)])
    kept = np.unique(np.linspace(0, len(points) - 1, min(max_points, len(points))).round().astype(np.int64))
    ordered = points[np.argsort(points[:, 2], kind="stable")]
    return np.asarray(ordered[kept] @ stack.axes.T)


def sphere_points_mm(center_mm: ArrayLike, radius_mm: float, count: int = 500) -> Float64Array:
    """Points (count, 3) spread evenly over a sphere, along a Fibonacci spiral (Swinbank and Purser 2006), mm."""
    index = np.arange(count)
    z = 1.0 - (2.0 * index + 1.0) / count
    angle = 2.0 * np.pi * index / GOLDEN_RATIO
    ring = np.sqrt(1.0 - z * z)
    unit = np.column_stack([ring * np.cos(angle), ring * np.sin(angle), z])
    return np.asarray(np.asarray(center_mm, dtype=np.float64) + radius_mm * unit)


def _own_stack(structure: Structure, slice_mm: float | None) -> ContourStack:
    """The contours on their own planes."""
    return stack_contours(structure, own_axes(structure), slice_mm)


def _wall_points(stack: ContourStack, step_mm: float) -> list[Float64Array]:
    """Points (n, 3) in (u, v, w) along each contour, at one or more levels through the thickness of its plane."""
    points: list[Float64Array] = []
    for plane in stack.planes:
        levels = min(MOST_LEVELS, max(1, round(plane.thickness_mm / step_mm)))
        arc_step_mm = step_mm * step_mm * levels / plane.thickness_mm
        for level in range(levels):
            w = plane.lower_mm + plane.thickness_mm * (level + 0.5) / levels
            for polygon in plane.polygons_mm:
                offset = (len(points) / GOLDEN_RATIO) % 1.0
                uv = _along(polygon, arc_step_mm, offset)
                points.append(np.column_stack([uv, np.full(len(uv), w)]))
    return points


def _along(polygon: Float64Array, step_mm: float, offset: float) -> Float64Array:
    """Points (m, 2) every `step_mm` along a closed polygon, the first at `offset` (0 to 1) of a step."""
    closed = np.vstack([polygon, polygon[:1]])
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    where = np.arange(offset * step_mm, arc[-1], step_mm)
    return np.column_stack([np.interp(where, arc, closed[:, 0]), np.interp(where, arc, closed[:, 1])])


def _ledge_points(stack: ContourStack, step_mm: float) -> list[Float64Array]:
    """Points (n, 3) in (u, v, w) on caps and ledges: what one plane covers and the plane that touches it does not.

    They are farther apart than `step_mm` where the lattice that they are found on would be too large.
    """
    vertices = np.concatenate([polygon for plane in stack.planes for polygon in plane.polygons_mm])
    low, extent_mm = vertices.min(axis=0), np.ptp(vertices, axis=0)
    step_mm = max(step_mm, float(extent_mm.max()) * (len(stack.planes) / MOST_NODES) ** 0.5)
    size = np.ceil(extent_mm / step_mm).astype(np.int64) + 1
    covered = _lattice(stack.planes, low, step_mm, (int(size[1]), int(size[0])))
    borders = []
    for index, plane in enumerate(stack.planes):
        touches = index + 1 < len(stack.planes) and stack.planes[index + 1].lower_mm <= plane.upper_mm + 1e-6
        borders.append((covered[index] ^ covered[index + 1] if touches else covered[index], plane.upper_mm))
        if index == 0 or stack.planes[index - 1].upper_mm < plane.lower_mm - 1e-6:
            borders.append((covered[index], plane.lower_mm))
    return [_lattice_points(ledge, low, step_mm, w) for ledge, w in borders]


def _lattice(
    planes: tuple[ContourPlane, ...], low: Float64Array, step_mm: float, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Which nodes (planes, rows, columns) of an in-plane lattice from `low` (2,) each plane covers."""
    polygons = [(polygon - low) / step_mm - 0.5 for plane in planes for polygon in plane.polygons_mm]
    covered = np.zeros((len(planes), *shape), dtype=np.bool_)
    fill_even_odd(
        covered,
        np.arange(len(planes), dtype=np.int64),
        np.cumsum([0, *(len(plane.polygons_mm) for plane in planes)], dtype=np.int64),
        np.cumsum([0, *(len(polygon) for polygon in polygons)], dtype=np.int64),
        np.concatenate(polygons),
    )
    return covered


def _lattice_points(nodes: NDArray[np.bool_], low: Float64Array, step_mm: float, w_mm: float) -> Float64Array:
    """The True nodes (rows, columns) of a lattice as points (n, 3) in (u, v, w), mm."""
    rows, columns = np.nonzero(nodes)
    u, v = low[0] + (columns + 0.5) * step_mm, low[1] + (rows + 0.5) * step_mm
    return np.column_stack([u, v, np.full(len(u), w_mm)])


def _area_mm2(plane: ContourPlane) -> float:
    """Area inside an odd number of the polygons of a plane, mm²; the polygons must not cross each other."""
    areas = [_area_and_center(polygon)[0] for polygon in plane.polygons_mm]
    return float(np.dot(_signs(plane), areas))


def _perimeter_mm(polygon: Float64Array) -> float:
    """Length of a closed polygon (n, 2), mm."""
    return float(np.linalg.norm(polygon - np.roll(polygon, -1, axis=0), axis=1).sum())


def ring_area_mm2(polygon: Float64Array) -> float:
    """Area of a closed polygon (n, 2), mm²."""
    return _area_and_center(polygon)[0]


def _area_and_center(polygon: Float64Array) -> tuple[float, Float64Array]:
    """Area and centroid (2,) of a closed polygon (n, 2) (Bourke 1988); its mean point when it has no area."""
    middle = polygon.mean(axis=0)
    a, b = polygon - middle, np.roll(polygon, -1, axis=0) - middle
    cross = a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]
    doubled = float(cross.sum())
    if abs(doubled) < 1e-12:
        return 0.0, middle
    return 0.5 * abs(doubled), np.asarray(middle + ((a + b) * cross[:, None]).sum(axis=0) / (3.0 * doubled))


def _signs(plane: ContourPlane) -> list[int]:
    """+1 for polygons inside an even number of the others of their plane, -1 for holes."""
    polygons = plane.polygons_mm
    if len(polygons) == 1:
        return [1]
    starts = np.cumsum([0, *(len(polygon) for polygon in polygons)], dtype=np.int64)
    return [-1 if depth % 2 else 1 for depth in nesting_depths(starts, np.concatenate(polygons)).tolist()]
