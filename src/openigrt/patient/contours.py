"""Contours to masks by the centres of voxels, as `guide` matches on them; `solids` has the parts of voxels."""

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array, Frame, Grid, require_same_frame
from openigrt.images import Mask
from openigrt.patient._kernels_cpu import fill_even_odd
from openigrt.patient.contour_stack import PLANARITY_TOLERANCE_MM, ContourPlane, closed_contours, stack_contours
from openigrt.patient.solids import BORDER_MM, is_parallel, occupancy_from_structure
from openigrt.patient.structures import Structure


def mask_from_structure(structure: Structure, frame: Frame, grid: Grid) -> Mask:
    """The voxels whose centres lie inside a structure of `frame`; those more than half filled where it is oblique.

    A voxel is inside when an odd number of the contours of its plane surround it, so that a contour in a contour is a
    hole and keyholes come right (PS3.3 C.8.8.6.3). A slice shows the contour plane that reaches over it: half-way to
    the neighbouring planes, half a slice beyond the last. What lies outside the grid is cut off: ask
    `contours_beyond`. This is the region that `guide` matches on; for volumes, doses and overlaps, and on the way
    back to contours, take `occupancy_from_structure`. Raises FrameMismatch, MissingInput without closed contours,
    InvalidGeometry when they are not parallel to each other.
    """
    require_same_frame(frame, grid.frame, f"Mask of structure {structure.name!r}")
    if not is_parallel(structure, grid.direction[:, 2], PLANARITY_TOLERANCE_MM):
        return occupancy_from_structure(structure, frame, grid).whole_mask()
    stack = stack_contours(structure, grid.direction, float(grid.spacing_mm[2]))
    origin_uvw = grid.origin_mm @ grid.direction
    slice_positions = origin_uvw[2] + grid.spacing_mm[2] * np.arange(grid.size[2])
    polygons = [_in_indices(polygon, origin_uvw, grid) for plane in stack.planes for polygon in plane.polygons_mm]
    voxels = np.zeros(grid.shape, dtype=np.bool_)
    fill_even_odd(
        voxels,
        _plane_of_slice(stack.planes, slice_positions),
        np.cumsum([0, *(len(plane.polygons_mm) for plane in stack.planes)], dtype=np.int64),
        np.cumsum([0, *(len(polygon) for polygon in polygons)], dtype=np.int64),
        np.concatenate(polygons),
    )
    return Mask(voxels, grid)


def contours_beyond(structure: Structure, frame: Frame, grid: Grid) -> int:
    """How many closed contours of a structure of `frame` lie partly or wholly outside the volume of a grid."""
    require_same_frame(frame, grid.frame, f"Contours of structure {structure.name!r}")
    last = np.array(grid.size) - 0.5
    indices = [grid.indices(points) for points in closed_contours(structure)]
    return sum(not ((i >= -0.5) & (i <= last)).all() for i in indices)


def _in_indices(polygon_mm: Float64Array, origin_uvw: Float64Array, grid: Grid) -> Float64Array:
    """A polygon (n, 2) from mm along the grid's axes to continuous indices (i, j)."""
    return np.asarray((polygon_mm - origin_uvw[:2]) / grid.spacing_mm[:2])


def _plane_of_slice(planes: tuple[ContourPlane, ...], positions_mm: Float64Array) -> NDArray[np.int64]:
    """Index of the plane that reaches over each slice position (n,), -1 for none."""
    lower = np.array([plane.lower_mm for plane in planes]) - BORDER_MM
    upper = np.array([plane.upper_mm for plane in planes]) - BORDER_MM
    index = np.searchsorted(lower, positions_mm, side="right") - 1
    covered = (index >= 0) & (positions_mm < upper[np.maximum(index, 0)])
    return np.where(covered, index, -1).astype(np.int64)
