"""Templates: points of a region with planning values and gradients, in an order that keeps parts together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array, Grid, sample_points
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.regions import Flags
from openigrt.registration.working_volume import Voxels, WorkingVolume


@dataclass(frozen=True, eq=False)
class Template:
    """Points (n, 3) mm relative to `pivot_mm`, values (n,) and gradients (n, 3) per mm, in plan axes.

    n is a multiple of BLOCKS, and each run of n / BLOCKS points is one leaf of a tree of median splits: a compact part
    of the region, and neighbouring leaves are neighbours in space.
    """

    pivot_mm: Float64Array
    points_mm: Float64Array
    values: Float64Array
    gradients: Float64Array

    @property
    def leaf_centers_mm(self) -> Float64Array:
        """Mean point (BLOCKS, 3) of each leaf, relative to the pivot."""
        return np.asarray(self.points_mm.reshape(BLOCKS, -1, 3).mean(axis=1))

    def __len__(self) -> int:
        """Number of points."""
        return len(self.points_mm)


def make_template(
    volume: WorkingVolume,
    normalised: Voxels,
    flags: Flags,
    *,
    pivot_mm: Float64Array,
    limit: int,
    rng: np.random.Generator,
) -> Template | None:
    """Template of at most `limit` voxels of `flags`, drawn by `rng`; None with fewer than 4 points a leaf.

    Points are scattered within their voxels: on the lattice itself, interpolation is sharper where two lattices
    coincide than between, and a metric would prefer such poses.
    """
    flags = flags & (volume.weight > 0.0)
    flags[[0, -1]] = False
    flags[:, [0, -1]] = False
    flags[:, :, [0, -1]] = False
    found = np.flatnonzero(flags)
    count = min(len(found), limit) // BLOCKS * BLOCKS
    if count < 4 * BLOCKS:
        return None
    if count < len(found):
        found = rng.choice(found, count, replace=False, shuffle=False)
    k, j, i = np.unravel_index(found, flags.shape)
    indices = np.column_stack([i, j, k]) + rng.uniform(-0.5, 0.5, (count, 3))
    points = volume.grid.points(indices)
    points = points[leaf_order(points)]
    values, gradients = _values_and_gradients(normalised, volume.grid, points)
    return Template(pivot_mm, points - pivot_mm, values, gradients)


def _values_and_gradients(voxels: Voxels, grid: Grid, points_mm: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Interpolated values (n,) and central differences over one voxel (n, 3) per mm, in the axes of the frame."""
    values = sample_points(voxels, grid, points_mm).astype(np.float64)
    steps = []
    for axis in range(3):
        half = 0.5 * grid.spacing_mm[axis] * grid.direction[:, axis]
        ahead, behind = (sample_points(voxels, grid, points_mm + sign * half) for sign in (1.0, -1.0))
        steps.append((ahead.astype(np.float64) - behind) / grid.spacing_mm[axis])
    return values, np.column_stack(steps) @ grid.direction.T


def thinned(template: Template, limit: int) -> Template:
    """The template with at most `limit` points, an even share of each leaf."""
    per_leaf = len(template) // BLOCKS
    kept = max(limit // BLOCKS, 4)
    if kept >= per_leaf:
        return template
    chosen = np.arange(kept) * per_leaf // kept
    points, values, gradients = (
        np.ascontiguousarray(x.reshape(BLOCKS, per_leaf, -1)[:, chosen].reshape(BLOCKS * kept, -1))
        for x in (template.points_mm, template.values, template.gradients)
    )
    return Template(template.pivot_mm, points, values[:, 0].copy(), gradients)


def leaf_order(points: Float64Array) -> NDArray[np.int64]:
    """Order (n,) that puts points into BLOCKS compact leaves of equal size, by median splits along the longest side."""
    order = np.arange(len(points))
    parts = [order]
    while len(parts) < BLOCKS:
        parts = [half for part in parts for half in _split(points, part)]
    return np.concatenate(parts)


def _split(points: Float64Array, part: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two halves of `part` at the median of the coordinate with the largest extent."""
    inside = points[part]
    axis = int(np.argmax(inside.max(axis=0) - inside.min(axis=0)))
    ranks = np.argpartition(inside[:, axis], len(part) // 2)
    return part[ranks[: len(part) // 2]], part[ranks[len(part) // 2 :]]
