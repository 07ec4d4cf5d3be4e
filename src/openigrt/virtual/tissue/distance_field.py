"""Signed distances to what was contoured, sampled on a lattice along a patient's own axes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import MissingInput
from openigrt.geometry import Float64Array
from openigrt.virtual.tissue._kernels_scan_cpu import field_distances


@dataclass(frozen=True, eq=False)
class DistanceField:
    """Distances in mm, float32 `samples` [k, j, i], negative inside, every `spacing_mm` (3,) from `origin_mm` (3,) on.

    They are known between the levels `ends_mm` (2,) along z; beyond them all is as at the nearer.
    """

    samples: NDArray[np.float32]
    origin_mm: Float64Array
    spacing_mm: Float64Array
    ends_mm: Float64Array

    def signed_distance_mm(self, points_mm: Float64Array) -> Float64Array:
        """Distances (n,) of points (n, 3), negative inside; farther than the samples reach they are not exact."""
        points = np.ascontiguousarray(points_mm, dtype=np.float64)
        distances = np.empty(len(points))
        field_distances(self.samples, self.origin_mm, self.spacing_mm, self.ends_mm, points, distances)
        return distances

    @cached_property
    def bounds_mm(self) -> Float64Array:
        """Box (2, 3) that holds all samples inside, and one more all round; raises MissingInput for none inside."""
        corners = []
        for axis, others in enumerate(((0, 1), (0, 2), (1, 2))):
            along = np.flatnonzero((self.samples < 0.0).any(axis=others))
            if not len(along):
                raise MissingInput("A structure encloses nothing of the scan; leave it out, or take another scan.")
            corners.append(self.origin_mm[axis] + self.spacing_mm[axis] * (along[[0, -1]] + np.array([-1, 1])))
        return np.array(corners).T


def distance_field(
    fractions: NDArray[np.float32], origin_mm: Float64Array, spacing_mm: Float64Array, ends_mm: Float64Array
) -> DistanceField:
    """Distances to the surface that encloses more than half of a sample, from how much of each it fills (0 to 1).

    From the middle of the nearest sample on the other side, less what the part that is filled says of where the surface
    passes through that one.
    """
    inside = fractions > 0.5
    spacing = spacing_mm[::-1]
    if not inside.any() or inside.all():
        far_mm = np.where(inside, -1.0, 1.0) * float(np.linalg.norm(spacing_mm * fractions.shape[::-1]))
        return DistanceField(far_mm.astype(np.float32), origin_mm, spacing_mm, ends_mm)
    depths_mm = (0.5 - fractions) * float(spacing_mm.min())  # of the finest axis: the others know it less well
    distances = np.where(inside, -_way_to(~inside, -depths_mm, spacing), _way_to(inside, depths_mm, spacing))
    is_cut = (fractions > 0.0) & (fractions < 1.0) & (np.abs(distances) < float(spacing_mm.min()))
    distances[is_cut] = depths_mm[is_cut]
    return DistanceField(distances.astype(np.float32), origin_mm, spacing_mm, ends_mm)


def _way_to(samples: NDArray[np.bool_], depths_mm: NDArray[np.float32], spacing: Float64Array) -> Float64Array:
    """How far it is [k, j, i] to the nearest of some samples, and from its middle to the surface in it."""
    far_mm, nearest = ndimage.distance_transform_edt(~samples, sampling=spacing, return_indices=True)
    return np.asarray(far_mm + depths_mm[tuple(nearest)])
