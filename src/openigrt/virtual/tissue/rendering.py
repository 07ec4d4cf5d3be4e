"""Voxels of an anatomy: HU at the points of any grid in any pose, straight from the continuous description."""

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Grid, RigidTransform
from openigrt.virtual.tissue._kernels_cpu import COARSE_MM, FINE_MM, MIDDLE_MM, SEPTA_MM, render_voxels
from openigrt.virtual.tissue.anatomy import Anatomy
from openigrt.virtual.tissue.backdrop import View

SCANNER_BLUR_MM = 0.5
SAMPLES_ALONG = 20
LOGISTIC_DEVIATION = np.pi / np.sqrt(3.0)


def render(
    anatomy: Anatomy, grid: Grid, anatomy_from_grid: RigidTransform, blur_mm: float = SCANNER_BLUR_MM
) -> NDArray[np.float32]:
    """HU (float32, [k, j, i]) of an anatomy at the voxel centres of `grid`, without noise.

    `anatomy_from_grid` maps the grid's frame to the anatomy's (`plan_from_daily` for an image of the day). Edges are
    logistic in the signed distance; their standard deviation joins that of a box as wide as a voxel (root mean square
    of the three spacings) and `blur_mm`, the standard deviation of the scanner's point spread. Texture finer than that
    is damped. Raises FrameMismatch when the transform joins other frames.
    """
    anatomy_from_grid.require_frames(anatomy.frame, grid.frame, "Rendering an anatomy on a grid")
    matrix, origin = grid.point_from_index()
    point_from_index = np.empty((3, 4))
    point_from_index[:, :3] = anatomy_from_grid.rotation @ matrix
    point_from_index[:, 3] = anatomy_from_grid.points(origin) - anatomy.origin_mm
    deviation_mm = float(np.sqrt((grid.spacing_mm**2).mean() / 12.0 + blur_mm**2))
    wavelengths_mm = 2.0 * np.array([FINE_MM, MIDDLE_MM, COARSE_MM, SEPTA_MM / 4.0])
    gains = np.exp(-2.0 * (np.pi * deviation_mm / wavelengths_mm) ** 2)
    softness_mm, farthest_mm = deviation_mm / LOGISTIC_DEVIATION, _farthest_mm(anatomy, grid.shape, point_from_index)
    view = View(grid.shape, point_from_index, blur_mm, farthest_mm)
    voxels = anatomy.backdrop.painted(view, anatomy.deformation.table)
    render_voxels(anatomy.table, anatomy.deformation.table, point_from_index, softness_mm, farthest_mm, gains, voxels)
    return voxels


def _farthest_mm(anatomy: Anatomy, shape: tuple[int, ...], point_from_index: NDArray[np.float64]) -> float:
    """From how far away tissue has come to any voxel: sampled, with a quarter and 3 mm more for what lies between."""
    if not anatomy.deformation.moves:
        return 0.0
    axes = [np.linspace(0.0, count - 1.0, min(count, SAMPLES_ALONG)) for count in shape[::-1]]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    points = index @ point_from_index[:, :3].T + point_from_index[:, 3]
    apart = np.linalg.norm(anatomy.deformation.rest_mm(points) - points, axis=-1)
    return 1.25 * float(apart.max()) + 3.0
