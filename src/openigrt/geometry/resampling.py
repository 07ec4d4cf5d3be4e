"""Trilinear resampling of voxels through a rigid transform, and at single points: explicit, never silent."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry._kernels_cpu import resample_rigid, sample_indices
from openigrt.geometry.grid import Grid
from openigrt.geometry.rigid import RigidTransform

FURTHEST_INDEX = float(1 << 29)


def resample(voxels: NDArray[np.float32], grid: Grid, onto: Grid, from_onto: RigidTransform) -> NDArray[np.float32]:
    """Voxels [k, j, i] of `grid`, trilinearly interpolated at the voxel centres of `onto`: float32 of `onto.shape`.

    `from_onto` maps a point of the frame of `onto` to the frame of `grid`. NaN outside the centres of the outermost
    voxels and wherever a voxel that would count is NaN. Positions are rounded to 2^-20 of a voxel. Raises
    FrameMismatch when the transform joins other frames, InvalidGeometry when the voxels do not fit the grid.
    """
    from_onto.require_frames(grid.frame, onto.frame, "Resampling")
    index_from_point, index_offset = grid.index_from_point()
    point_from_index, point_offset = onto.point_from_index()
    matrix = index_from_point @ from_onto.rotation @ point_from_index
    offset = index_from_point @ from_onto.points(point_offset) + index_offset
    reach = np.abs(matrix) @ np.array(onto.size) + np.abs(offset)
    if max(float(reach.max()), float(np.abs(matrix).max())) > FURTHEST_INDEX:
        raise InvalidGeometry(
            f"The grids lie up to {reach.max():.2g} voxels apart; check the transform and the spacing of both.",
            reach=float(reach.max()),
        )
    out = np.empty(onto.shape, dtype=np.float32)
    resample_rigid(_flat(voxels, grid), grid.size, matrix, offset, out)
    return out


def sample_points(voxels: NDArray[np.float32], grid: Grid, points_mm: ArrayLike) -> NDArray[np.float32]:
    """Voxels [k, j, i] of `grid`, trilinearly interpolated at points (n, 3) mm of its frame: float32 (n,).

    NaN as `resample` gives it, and at points that are not finite. Raises InvalidGeometry for other shapes.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InvalidGeometry(f"Expected points (n, 3), found an array of shape {points.shape}.")
    out = np.empty(len(points), dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        indices = grid.indices(points)
    sample_indices(_flat(voxels, grid), grid.size, indices, out)
    return out


def _flat(voxels: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """Read-only flat view of float32 voxels that fit the grid (a copy only where they are not contiguous)."""
    if voxels.shape != grid.shape or voxels.dtype != np.float32:
        raise InvalidGeometry(
            f"Expected float32 voxels of shape {grid.shape}, found {voxels.dtype} of shape {voxels.shape}."
        )
    flat = np.ascontiguousarray(voxels).reshape(-1).view()
    flat.setflags(write=False)
    return flat
