"""Voxels of an anatomy: HU at the points of any grid in any pose, straight from the continuous description."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from openigrt.geometry import Float64Array, Grid, RigidTransform
from openigrt.virtual.tissue._kernels_cpu import COARSE_MM, FINE_MM, MIDDLE_MM, SEPTA_MM, render_voxels
from openigrt.virtual.tissue.anatomy import Anatomy, Organ
from openigrt.virtual.tissue.backdrop import View
from openigrt.virtual.tissue.deformation import AT_REST

SCANNER_BLUR_MM = 0.5
SAMPLES_ALONG = 20
GRAIN_MM, REACH_DEVIATIONS = 0.2, 3.5
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
    inside, grain_mm3 = _filled(anatomy, speck)
    index = (inside - origin) @ np.linalg.inv(matrix).T
    spacing_mm = np.linalg.norm(matrix, axis=0)
    reach = REACH_DEVIATIONS * deviation_mm / spacing_mm
    first = np.floor(index.min(axis=0) - reach).astype(int)
    last = np.ceil(index.max(axis=0) + reach).astype(int)
    if (first < 0).any() or (last >= np.array(voxels.shape[::-1])).any():
        return
    along = [
        _shares(index[:, n], np.arange(first[n], last[n] + 2) - 0.5, deviation_mm[n] / spacing_mm[n]) for n in range(3)
    ]
    share = np.einsum("ni,nj,nk->kji", *along, optimize=True) * (grain_mm3 / float(np.prod(spacing_mm)))
    part = voxels[first[2] : last[2] + 1, first[1] : last[1] + 1, first[0] : last[0] + 1]
    part += share.astype(np.float32) * (np.float32(speck.layers[0].hu) - part)


def _filled(anatomy: Anatomy, speck: Organ) -> tuple[Float64Array, float]:
    """Grains (n, 3) of a speck where they are now, in the anatomy's own axes, and the volume of each, mm^3."""
    row = [organ.name for organ in anatomy.organs[::-1]].index(speck.name)
    low, high = anatomy.table.organ_bounds[row].reshape(2, 3)
    counts = np.ceil((high - low) / GRAIN_MM).astype(int)
    steps = (high - low) / counts
    axes = [low[n] + steps[n] * (np.arange(counts[n]) + 0.5) for n in range(3)]
    at_rest = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    resting = anatomy.deformed(AT_REST)
    inside = at_rest[resting.signed_distance_mm(speck.name, at_rest + anatomy.origin_mm) < 0.0]
    return anatomy.deformation.moved_mm(inside), float(np.prod(steps))


def _shares(places: Float64Array, edges: Float64Array, deviation: float) -> Float64Array:
    """What falls between edges (m + 1,) of Gaussians at places (n,): (n, m)."""
    return np.diff(ndtr((edges - places[:, None]) / deviation), axis=1)


def _farthest_mm(anatomy: Anatomy, shape: tuple[int, ...], point_from_index: NDArray[np.float64]) -> float:
    """From how far away tissue has come to any voxel: sampled, with a quarter and 3 mm more for what lies between."""
    if not anatomy.deformation.moves:
        return 0.0
    axes = [np.linspace(0.0, count - 1.0, min(count, SAMPLES_ALONG)) for count in shape[::-1]]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    points = index @ point_from_index[:, :3].T + point_from_index[:, 3]
    apart = np.linalg.norm(anatomy.deformation.rest_mm(points) - points, axis=-1)
    return 1.25 * float(apart.max()) + 3.0
