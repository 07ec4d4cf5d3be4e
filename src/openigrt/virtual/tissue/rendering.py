"""Voxels of an anatomy: HU at the points of any grid in any pose, straight from the continuous description."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.geometry import Float64Array, Grid, RigidTransform
from openigrt.virtual.tissue._kernels_cpu import COARSE_MM, FINE_MM, MIDDLE_MM, SEPTA_MM, render_voxels
from openigrt.virtual.tissue.anatomy import Anatomy, Organ
from openigrt.virtual.tissue.backdrop import View

SCANNER_BLUR_MM = 0.5
SAMPLES_ALONG = 20
SPECK_STEP_MM, REACH_DEVIATIONS = 0.2, 3.5
LOGISTIC_DEVIATION = np.pi / np.sqrt(3.0)


def render(
    anatomy: Anatomy, grid: Grid, anatomy_from_grid: RigidTransform, blur_mm: float = SCANNER_BLUR_MM
) -> NDArray[np.float32]:
    """HU (float32, [k, j, i]) of an anatomy at the voxel centres of `grid`, without noise.

    `anatomy_from_grid` maps the grid's frame to the anatomy's (`plan_from_daily` for an image of the day). Edges are
    logistic in the signed distance; their standard deviation joins that of a box as wide as a voxel (root mean square
    of the three spacings) and `blur_mm`, the standard deviation of the scanner's point spread. Texture finer than that
    is damped. Specks are spread by what they fill of a voxel, over half a voxel at least, so that their middle stays.
    Raises FrameMismatch when the transform joins other frames.
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
    table, moves = anatomy.table_without_specks, anatomy.deformation.table
    render_voxels(table, moves, point_from_index, softness_mm, farthest_mm, gains, voxels)
    for speck in anatomy.specks:
        _paint_speck(voxels, anatomy, speck, point_from_index, np.maximum(blur_mm, 0.5 * grid.spacing_mm))
    return voxels


def _paint_speck(
    voxels: NDArray[np.float32],
    anatomy: Anatomy,
    speck: Organ,
    point_from_index: Float64Array,
    deviation_mm: Float64Array,
) -> None:
    """Mix a speck into the voxels round it, by the share of each that it fills, spread as a Gaussian on each axis."""
    matrix, origin = point_from_index[:, :3], point_from_index[:, 3]
    low, high = anatomy.bounds_mm(speck.name) - anatomy.origin_mm
    middle = np.linalg.solve(matrix, 0.5 * (low + high) - origin)
    spacing_mm = np.linalg.norm(matrix, axis=0)
    reach = np.ceil((0.5 * np.linalg.norm(high - low) + REACH_DEVIATIONS * deviation_mm) / spacing_mm).astype(int)
    first, last = np.rint(middle).astype(int) - reach, np.rint(middle).astype(int) + reach
    if (first < 0).any() or (last >= np.array(voxels.shape[::-1])).any():
        return
    counts = np.ceil(spacing_mm / SPECK_STEP_MM).astype(int)
    axes = [
        np.arange(first[n] - 0.5, last[n] + 0.5, 1.0 / counts[n])[: (2 * reach[n] + 1) * counts[n]] + 0.5 / counts[n]
        for n in range(3)
    ]
    index = np.stack(np.meshgrid(*axes[::-1], indexing="ij")[::-1], axis=-1)
    points = index @ matrix.T + origin + anatomy.origin_mm
    filled = (anatomy.signed_distance_mm(speck.name, points) < 0.0).astype(np.float32)
    filled = ndimage.gaussian_filter(filled, (deviation_mm / spacing_mm * counts)[::-1], mode="constant")
    i, j, k = (2 * reach + 1).tolist()
    share = filled.reshape(k, counts[2], j, counts[1], i, counts[0]).mean(axis=(1, 3, 5))
    part = voxels[first[2] : last[2] + 1, first[1] : last[1] + 1, first[0] : last[0] + 1]
    part += share * (np.float32(speck.layers[0].hu) - part)


def _farthest_mm(anatomy: Anatomy, shape: tuple[int, ...], point_from_index: NDArray[np.float64]) -> float:
    """From how far away tissue has come to any voxel: sampled, with a quarter and 3 mm more for what lies between."""
    if not anatomy.deformation.moves:
        return 0.0
    axes = [np.linspace(0.0, count - 1.0, min(count, SAMPLES_ALONG)) for count in shape[::-1]]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    points = index @ point_from_index[:, :3].T + point_from_index[:, 3]
    apart = np.linalg.norm(anatomy.deformation.rest_mm(points) - points, axis=-1)
    return 1.25 * float(apart.max()) + 3.0
