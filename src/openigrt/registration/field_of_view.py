"""The field of view of an image, found from its content: the smallest convex body that holds all data.

Attributes lie or are missing: a cone-beam CT padded with -1000 HU often says nothing about it. Padding is one exact
value that fills the outside; whatever differs from it is content. Scanners, detectors and their truncation give convex
fields, so the body is closed by a polytope of fixed face directions, and gas or air inside stays inside.
"""

from dataclasses import dataclass

import numpy as np

from openigrt.errors import MatchImpossible
from openigrt.geometry import Float64Array, Grid, RigidTransform
from openigrt.images import Image, Mask
from openigrt.registration._kernels_cpu import depth_in_polytope, support_of_content
from openigrt.registration.working_volume import Voxels

FAN = 48


@dataclass(frozen=True, eq=False)
class Polytope:
    """A convex body in mm: all x with normals (n, 3) . x <= offsets_mm (n,).

    The first FAN normals go round the image's slice axis, the next two along it; the rest are oblique.
    """

    normals: Float64Array
    offsets_mm: Float64Array

    def moved(self, motion: RigidTransform) -> "Polytope":
        """The body carried by a rigid motion."""
        normals = motion.vectors(self.normals)
        return Polytope(normals, self.offsets_mm + normals @ motion.translation_mm)

    def grown(self, margin_mm: float) -> "Polytope":
        """The body with every face moved outward by a margin."""
        return Polytope(self.normals, self.offsets_mm + margin_mm)

    def corners_mm(self) -> Float64Array:
        """Corners (2 * FAN, 3) of the prism of fan and ends, which holds the body."""
        fan, offsets = self.normals[:FAN], self.offsets_mm[:FAN]
        next_fan, next_offsets = np.roll(fan, -1, axis=0), np.roll(offsets, -1)
        systems = [np.stack([fan, next_fan, np.tile(self.normals[FAN + e], (FAN, 1))], axis=1) for e in (0, 1)]
        sides = [
            np.stack([offsets, next_offsets, np.full(FAN, self.offsets_mm[FAN + e])], axis=1)[..., None] for e in (0, 1)
        ]
        return np.linalg.solve(np.concatenate(systems), np.concatenate(sides))[..., 0]

    def depth_mm(self, grid: Grid, limit_mm: float) -> Voxels:
        """How deep each voxel of `grid` lies inside: 0 outside, at most `limit_mm`."""
        a, b = grid.point_from_index()
        out = np.empty(grid.shape, np.float32)
        offsets = self.offsets_mm - self.normals @ b
        depth_in_polytope(grid.shape, self.normals @ a, offsets, np.float32(limit_mm), out)
        return out


def padding_value(image: Image) -> float:
    """The value that fills the outside of `image`: the commonest exact value on its outermost voxels, or NaN.

    NaN where no value fills a tenth of the outermost voxels of any face: then every finite voxel is content.
    """
    v = image.voxels
    faces = [v[0], v[-1], v[:, 0], v[:, -1], v[:, :, 0], v[:, :, -1]]
    best, best_share = np.nan, 0.1
    for face in faces:
        values, counts = np.unique(face[np.isfinite(face)], return_counts=True)
        if len(counts) and counts.max() / face.size > best_share:
            best, best_share = float(values[counts.argmax()]), counts.max() / face.size
    return best


def field_of_view(image: Image) -> Polytope:
    """The field of view in the frame of `image`; raises MatchImpossible where the image holds no content at all."""
    normals = _face_directions() @ image.grid.direction.T
    a, b = image.grid.point_from_index()
    per_slice = np.empty((image.voxels.shape[0], len(normals)))
    support_of_content(image.voxels, np.float32(padding_value(image)), normals @ a, per_slice)
    support = per_slice.max(axis=0)
    if not np.isfinite(support).all():
        raise MatchImpossible(
            "The daily image is constant or holds no finite voxel, so there is nothing to match; check the export.",
            series_uid=image.provenance.series_uid,
        )
    return Polytope(normals, support + normals @ b)


def field_of_view_mask(image: Image) -> Mask:
    """The voxels of `image` that lie in its field of view."""
    half_voxel_mm = 0.5 * float(image.grid.spacing_mm.min())
    return Mask(field_of_view(image).grown(half_voxel_mm).depth_mm(image.grid, 1.0) > 0.0, image.grid)


def _face_directions() -> Float64Array:
    """Outward face normals (n, 3) in image axes: a fan about k, both ends, and cones at 45 degrees."""
    angles = 2.0 * np.pi * np.arange(FAN) / FAN
    fan = np.column_stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)])
    ends = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    cones = [(fan[::3] + end) / np.sqrt(2.0) for end in ends]
    return np.concatenate([fan, ends, *cones])
