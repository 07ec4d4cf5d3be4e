"""From contours to how much of each voxel they fill: exact on the slices they were drawn on, sampled across them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Frame, Grid, require_same_frame
from openigrt.patient._kernels_coverage_cpu import cover_slices, lean_to_centers
from openigrt.patient._kernels_cpu import fill_even_odd
from openigrt.patient._kernels_solid_cpu import depths, sample_solid
from openigrt.patient.contour_stack import (
    PLANARITY_TOLERANCE_MM,
    ContourStack,
    closed_contours,
    own_axes,
    stack_contours,
)
from openigrt.patient.filling import Between, Filling, Span, spans_of
from openigrt.patient.occupancy import Occupancy
from openigrt.patient.structures import Structure

DEFAULT_FILLING = Filling()
Fill = Callable[[ContourStack, tuple[Span, ...], Grid], Occupancy]

# Contours are taken as parallel to slices that they cross by less: the outline moves by a part of this only.
LARGEST_TILT_MM = 0.2
# A voxel that is half covered, to within this, goes the way of its centre: outlines are often drawn through centres.
LEAN = 1e-4
# Slices on the border between two spans belong to the upper one, however the last digits fall.
BORDER_MM = 1e-6
SAMPLES = 4
PIXELS_PER_VOXEL = 2.0
MOST_PIXELS = 1 << 26
# Outlines farther outside a grid are not looked at: they say nothing about the shapes between planes in it.
AROUND_GRID_MM = 50.0


def occupancy_from_structure(
    structure: Structure, frame: Frame, grid: Grid, filling: Filling = DEFAULT_FILLING
) -> Occupancy:
    """How much of each voxel of a grid the closed contours of a structure of `frame` fill.

    A point is inside where an odd number of the contours of its plane surround it, so that a contour in a contour is a
    hole and keyholes come right (PS3.3 C.8.8.6.3). On slices parallel to the contours the parts are exact areas times
    what each slice has of each span; on any other grid, and between shapes, they are sampled. Contours of fewer than
    three points enclose nothing and are passed over; what lies outside the grid is cut off. A structure that is drawn
    on one plane is as thick as the filling says, else as a voxel across that plane. Raises FrameMismatch, MissingInput
    without closed contours, InvalidGeometry when they are not all parallel to each other.
    """
    require_same_frame(frame, grid.frame, f"Occupancy of structure {structure.name!r}")
    structure = replace(structure, contours=tuple(c for c in structure.contours if len(c.points_mm) > 2))
    if is_parallel(structure, grid.direction[:, 2]):
        stack = stack_contours(structure, grid.direction, filling.slice_mm or float(grid.spacing_mm[2]))
        fill = _sampled if filling.between is Between.SHAPES else _covered
        return _filled(fill, stack, filling, grid)
    axes = own_axes(structure)
    nearest = int(np.abs(axes[:, 2] @ grid.direction).argmax())
    stack = _stack_on_its_own(structure, axes, filling.slice_mm or float(grid.spacing_mm[nearest]))
    return _filled(_sampled, stack, filling, grid)


def _filled(fill: Fill, stack: ContourStack, filling: Filling, grid: Grid) -> Occupancy:
    """What a stack fills of a grid; nothing where a single plane ends upon itself."""
    spans = spans_of(stack, filling)
    return fill(stack, spans, grid) if spans else Occupancy(np.zeros((1, 1, 1), dtype=np.float32), grid)


def is_parallel(structure: Structure, normal: Float64Array, tilt_mm: float = LARGEST_TILT_MM) -> bool:
    """Whether every closed contour of a structure lies across a normal (3,), to within a tilt."""
    return all(float(np.ptp(points @ normal)) <= tilt_mm for points in closed_contours(structure))


def _stack_on_its_own(structure: Structure, axes: Float64Array, slice_mm: float) -> ContourStack:
    """The contours on planes across the third of their own axes; raises InvalidGeometry when they have no such."""
    tilts_mm = [float(np.ptp(points @ axes[:, 2])) for points in closed_contours(structure)]
    if max(tilts_mm) > PLANARITY_TOLERANCE_MM:
        raise InvalidGeometry(
            f"The contours of structure {structure.name!r} lie in different orientations: one reaches "
            f"{max(tilts_mm):.1f} mm across the plane of the largest. Give a structure drawn in parallel planes.",
            structure=structure.name,
            tilt_mm=max(tilts_mm),
        )
    return stack_contours(structure, axes, slice_mm)


@dataclass(frozen=True, eq=False)
class _Polygons:
    """All polygons of a stack in one array of vertices (n, 2), as the kernels take them."""

    polygons_of_plane: NDArray[np.int64]
    vertices_of_polygon: NDArray[np.int64]
    vertices: Float64Array

    @classmethod
    def of(cls, stack: ContourStack, origin: Float64Array, step: Float64Array) -> "_Polygons":
        """In continuous indices of a lattice in the planes: its first node (2,) and the distances of nodes (2,), mm."""
        polygons = [polygon for plane in stack.planes for polygon in plane.polygons_mm]
        return cls(
            np.cumsum([0, *(len(plane.polygons_mm) for plane in stack.planes)], dtype=np.int64),
            np.cumsum([0, *(len(polygon) for polygon in polygons)], dtype=np.int64),
            (np.concatenate(polygons) - origin) / step,
        )


def _covered(stack: ContourStack, spans: tuple[Span, ...], grid: Grid) -> Occupancy:
    """The exact way: the axes of the stack are those of the grid, and each span keeps the shape of one plane."""
    origin = grid.origin_mm @ grid.direction
    polygons = _Polygons.of(stack, origin[:2], grid.spacing_mm[:2])
    ends = (_ends_mm(spans) - origin[2]) / grid.spacing_mm[2]
    low = np.append(polygons.vertices.min(axis=0), ends.min())
    high = np.append(polygons.vertices.max(axis=0), ends.max())
    first, size = _crop(low, high, grid)
    fractions = np.zeros(size[::-1], dtype=np.float32)
    planes = np.array([span.first for span in spans], dtype=np.int64)
    slices = first[2] + np.arange(size[2])
    pairs_of_slice, span_of_pair, weights = _overlaps(ends, slices)
    drawn = polygons.polygons_of_plane, polygons.vertices_of_polygon, polygons.vertices - np.array(first[:2])
    are_tied = cover_slices(fractions, pairs_of_slice, planes[span_of_pair], weights, *drawn, LEAN)
    if are_tied.any():
        inside = np.zeros(fractions.shape, dtype=np.bool_)
        middles = _plane_at(ends, planes, slices, BORDER_MM / grid.spacing_mm[2])
        fill_even_odd(inside, np.where(are_tied, middles, -1), *drawn)
        lean_to_centers(fractions, inside, are_tied, LEAN)
    return Occupancy(fractions, grid, first)


def _ends_mm(spans: tuple[Span, ...]) -> Float64Array:
    """Lower and upper ends (n, 2) of spans, mm."""
    return np.array([[span.lower_mm, span.upper_mm] for span in spans])


def _crop(low: Float64Array, high: Float64Array, grid: Grid) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """First voxel and size (i, j, k) of the part of a grid that covers continuous indices (3,); one voxel at least."""
    first = np.clip(np.floor(low + 0.5), 0, np.array(grid.size) - 1).astype(np.int64)
    last = np.clip(np.ceil(high - 0.5), first, np.array(grid.size) - 1).astype(np.int64)
    i, j, k = first.tolist()
    columns, rows, slices = (last - first + 1).tolist()
    return (i, j, k), (columns, rows, slices)


def _overlaps(
    ends: Float64Array, slices: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float64Array]:
    """What each slice has of which span: where the pairs of a slice begin (n + 1,), their spans, and parts of a slice.

    `ends` (m, 2) are those of spans, in slices.
    """
    starts = np.searchsorted(ends[:, 1], slices - 0.5, side="right")
    counts = np.maximum(np.searchsorted(ends[:, 0], slices + 0.5, side="left") - starts, 0)
    pairs_of_slice = np.concatenate([[0], np.cumsum(counts)])
    slice_of_pair = np.repeat(slices, counts)
    span_of_pair = np.arange(pairs_of_slice[-1]) - np.repeat(pairs_of_slice[:-1] - starts, counts)
    upper = np.minimum(ends[span_of_pair, 1], slice_of_pair + 0.5)
    return pairs_of_slice, span_of_pair, upper - np.maximum(ends[span_of_pair, 0], slice_of_pair - 0.5)


def _plane_at(
    ends: Float64Array, planes: NDArray[np.int64], slices: NDArray[np.int64], border: float
) -> NDArray[np.int64]:
    """The plane whose span holds the middle of each slice, -1 for none; `border` as `BORDER_MM`, in slices."""
    span = np.searchsorted(ends[:, 0] - border, slices, side="right") - 1
    is_held = (span >= 0) & (slices < ends[span, 1] - border)
    return np.where(is_held, planes[span], -1)


def _sampled(stack: ContourStack, spans: tuple[Span, ...], grid: Grid) -> Occupancy:
    """The general way: samples in each voxel of a grid, looked up in maps of depth, one for each plane of the stack."""
    low, high = _seen(stack, grid)
    pixel_mm = max(
        float(grid.spacing_mm.min()) / PIXELS_PER_VOXEL,
        float(np.prod(high - low) * len(stack.planes) / MOST_PIXELS) ** 0.5,
    )
    origin = low - 2.0 * pixel_mm
    columns, rows = (np.ceil((high - low) / pixel_mm).astype(np.int64) + 5).tolist()
    depth = _depth_maps(stack, origin, pixel_mm, (len(stack.planes), rows, columns))
    ends_mm = _ends_mm(spans)
    corners = np.array(
        [[u, v, w] for u in (low[0], high[0]) for v in (low[1], high[1]) for w in (ends_mm.min(), ends_mm.max())]
    )
    indices = grid.indices(corners @ stack.axes.T)
    first, size = _crop(indices.min(axis=0), indices.max(axis=0), grid)
    fractions = np.zeros(size[::-1], dtype=np.float32)
    a, _ = grid.point_from_index()
    first_uvw = grid.points(first) @ stack.axes - np.append(origin, 0.0)
    planes = np.array([[span.first, span.second] for span in spans], dtype=np.int64)
    sample_solid(fractions, stack.axes.T @ a, first_uvw, SAMPLES, depth, planes, ends_mm, pixel_mm)
    return Occupancy(fractions, grid, first)


def _seen(stack: ContourStack, grid: Grid) -> tuple[Float64Array, Float64Array]:
    """Low and high corner (2,) in (u, v) of what is drawn and lies in a grid or near it, mm."""
    vertices = np.concatenate([polygon for plane in stack.planes for polygon in plane.polygons_mm])
    corners = (grid.corners_mm() @ stack.axes)[:, :2]
    low = np.maximum(vertices.min(axis=0), corners.min(axis=0) - AROUND_GRID_MM)
    high = np.minimum(vertices.max(axis=0), corners.max(axis=0) + AROUND_GRID_MM)
    return low, np.maximum(low, high)


def _depth_maps(
    stack: ContourStack, origin: Float64Array, pixel_mm: float, shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    """Depth below the outline of each plane [plane, v, u], mm, on pixels from `origin` (2,) on."""
    polygons = _Polygons.of(stack, origin, np.full(2, pixel_mm))
    maps = np.zeros(shape, dtype=np.float32)
    drawn = polygons.polygons_of_plane, polygons.vertices_of_polygon, polygons.vertices
    cover_slices(maps, np.arange(len(maps) + 1), np.arange(len(maps)), np.ones(len(maps)), *drawn, 0.0)
    depths(maps, pixel_mm)
    return maps
