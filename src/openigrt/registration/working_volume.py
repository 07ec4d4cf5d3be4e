"""Working volumes: an image averaged onto an isotropic lattice of its own axes, with what of it counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array, Grid
from openigrt.images import Image
from openigrt.registration._kernels_cpu import averaged_along_columns, averaged_along_rows, averaged_along_slices

Voxels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WorkingVolume:
    """Float32 `voxels` [k, j, i] on an isotropic `grid`; `weight`, same shape, is 0 where a voxel must not count."""

    voxels: Voxels
    weight: Voxels
    grid: Grid

    @property
    def spacing_mm(self) -> float:
        """The one spacing of the lattice."""
        return float(self.grid.spacing_mm[0])


@dataclass(frozen=True, slots=True)
class IndexBox:
    """A box of voxels: first and one past the last index, in the order (i, j, k)."""

    first: tuple[int, int, int]
    stop: tuple[int, int, int]

    @classmethod
    def whole(cls, grid: Grid) -> "IndexBox":
        """The box of all voxels of a grid."""
        return cls((0, 0, 0), grid.size)


def averaged(image: Image, spacing_mm: float, box: IndexBox, fill: float) -> tuple[Voxels, Grid]:
    """Voxels and grid of `image` within `box`, averaged with tents of one spacing; non-finite voxels are `fill`.

    Tents are as wide as the larger of old and new spacing: an average where the lattice becomes coarser, linear
    interpolation where it becomes finer.
    """
    window = tuple(slice(a, b) for a, b in zip(box.first[::-1], box.stop[::-1], strict=True))
    voxels = image.voxels[window]
    if not np.isfinite(voxels).all():
        voxels = np.where(np.isfinite(voxels), voxels, np.float32(fill))
    tables = [_tents(n, s, spacing_mm) for n, s in zip(voxels.shape[::-1], image.grid.spacing_mm, strict=True)]
    (ti, wi, oi), (tj, wj, oj), (tk, wk, ok) = tables
    rows = np.empty((*voxels.shape[:2], len(ti)), np.float32)
    averaged_along_rows(voxels, ti, wi, rows)
    columns = np.empty((voxels.shape[0], len(tj), len(ti)), np.float32)
    averaged_along_columns(rows, tj, wj, columns)
    out = np.empty((len(tk), len(tj), len(ti)), np.float32)
    averaged_along_slices(columns, tk, wk, out)
    first = np.array(box.first) + np.array([oi, oj, ok]) / image.grid.spacing_mm
    grid = Grid(image.frame, image.grid.points(first), np.full(3, spacing_mm), image.grid.direction, out.shape[::-1])
    return out, grid


def _tents(count: int, old_mm: float, new_mm: float) -> tuple[NDArray[np.int64], Voxels, float]:
    """First voxel and weights (m, taps) of each tent along an axis, and the position of the first centre, mm.

    Weights are tilted so that their centroid is the centre, where a width is no whole number of voxels or an edge cuts
    it: an image that is linear in position stays what it is.
    """
    length = (count - 1) * old_mm
    new_count = max(int(length / new_mm) + 1, 1)
    origin = 0.5 * (length - (new_count - 1) * new_mm)
    centers = (origin + new_mm * np.arange(new_count)) / old_mm
    half = max(new_mm / old_mm, 1.0)
    taps = min(int(np.ceil(2.0 * half)) + 1, count)
    starts = np.clip(np.ceil(centers - half).astype(np.int64), 0, count - taps)
    away = starts[:, None] + np.arange(taps) - centers[:, None]
    weights = np.maximum(1.0 - np.abs(away) / half, 0.0)
    first, second = ((weights * away**n).sum(axis=1, keepdims=True) for n in (1, 2))
    weights *= 1.0 - away * first / np.maximum(second, 1e-12)
    return starts, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32), origin


def index_from_point(grid: Grid) -> Float64Array:
    """(3, 4) matrix from points in mm of the grid's frame to continuous (i, j, k)."""
    a, b = grid.index_from_point()
    return np.column_stack([a, b])
