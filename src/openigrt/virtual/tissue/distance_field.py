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

    Half a sample is taken off the distance between samples; in one that is filled in part, it is what its part says.
    """
    inside = fractions > 0.5
    sampling = spacing_mm[::-1]
    half_mm = 0.5 * float(spacing_mm.min())  # of the finest axis: on the others a surface is known less well
    if not inside.any() or inside.all():
        far_mm = np.where(inside, -1.0, 1.0) * float(np.linalg.norm(spacing_mm * fractions.shape[::-1]))
        return DistanceField(far_mm.astype(np.float32), origin_mm, spacing_mm, ends_mm)
    outward = ndimage.distance_transform_edt(~inside, sampling=sampling) - half_mm
    inward = ndimage.distance_transform_edt(inside, sampling=sampling) - half_mm
    distances = np.where(inside, -inward, outward)
    is_cut = (fractions > 0.0) & (fractions < 1.0) & (np.abs(distances) < 2.0 * half_mm)
    distances[is_cut] = ((0.5 - fractions[is_cut]) * 2.0 * half_mm).astype(np.float64)
    return DistanceField(distances.astype(np.float32), origin_mm, spacing_mm, ends_mm)
