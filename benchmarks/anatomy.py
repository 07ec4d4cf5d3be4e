"""The finer anatomies that planning and daily images are rendered from, each by an interpolator of its own."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its users' name for it
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks._kernels_cpu import sample_lattice
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform

PHASES = 4096
ANATOMY_FRAME = Frame.plan("anatomy")
DETECTOR_BLUR_MM = 0.4
Float32Array = NDArray[np.float32]


def cubic_bspline_weights() -> Float32Array:
    """Cubic B-spline at four taps, for coefficients (not samples); (PHASES + 1, 4)."""
    t = np.linspace(0.0, 1.0, PHASES + 1)[:, None]
    pieces = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    return np.hstack(pieces).astype(np.float32) / np.float32(6.0)


def windowed_sinc_weights(radius: int = 3) -> Float32Array:
    """Lanczos-windowed sinc, normalised to reproduce constants; (PHASES + 1, 2 radius)."""
    fraction = np.linspace(0.0, 1.0, PHASES + 1)[:, None]
    distance = fraction - np.arange(1 - radius, radius + 1)
    weights = np.sinc(distance) * np.sinc(distance / radius) * (np.abs(distance) < radius)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


class Anatomy(Protocol):
    """What planning and daily images are rendered from; mm of `ANATOMY_FRAME`.

    `spacing_mm` is that of the planning CT, `table_depth_mm` how far the table top lies below `center_mm`.
    """

    @property
    def name(self) -> str: ...
    @property
    def table_depth_mm(self) -> float: ...
    @property
    def spacing_mm(self) -> Float64Array: ...
    @property
    def center_mm(self) -> Float64Array: ...

    def planning_voxels(self, grid: Grid, anatomy_from_plan: RigidTransform) -> Float32Array:
        """HU [k, j, i] on `grid` as a planning scanner sees them."""
        ...

    def daily_voxels(self, grid: Grid, anatomy_from_daily: RigidTransform) -> Float32Array:
        """HU [k, j, i] on `grid` as a flat panel sees them, without its faults."""
        ...


@dataclass(frozen=True, eq=False)
class VoxelAnatomy:
    """Voxels, HU on a grid in `ANATOMY_FRAME`, seen as continuous by two different interpolators."""

    name: str
    voxels: Float32Array
    grid: Grid
    table_depth_mm: float

    @property
    def spacing_mm(self) -> Float64Array:
        """Spacing of the voxels."""
        return self.grid.spacing_mm

    @property
    def center_mm(self) -> Float64Array:
        """Centre of the voxels."""
        return self.grid.center_mm

    @cached_property
    def bspline_coefficients(self) -> Float32Array:
        """Cubic B-spline coefficients of the voxels [k, j, i]."""
        return ndimage.spline_filter(self.voxels, order=3, output=np.float32, mode="mirror")

    @cached_property
    def detector_blurred(self) -> Float32Array:
        """The voxels as a flat-panel detector blurs them within a slice [k, j, i]."""
        sigma = [0.0, *(DETECTOR_BLUR_MM / self.grid.spacing_mm[1::-1])]
        return ndimage.gaussian_filter(self.voxels, sigma, mode="nearest")

    def planning_voxels(self, grid: Grid, anatomy_from_plan: RigidTransform) -> Float32Array:
        """HU on `grid` by cubic B-spline, averaged over the thickness of a slice."""
        third = grid.direction[:, 2] * grid.spacing_mm[2] / 3.0
        total = np.zeros(grid.shape, np.float32)
        for step in (-1.0, 0.0, 1.0):
            shifted = Grid(grid.frame, grid.origin_mm + step * third, grid.spacing_mm, grid.direction, grid.size)
            total += self._sampled(self.bspline_coefficients, cubic_bspline_weights(), shifted, anatomy_from_plan)
        return total / np.float32(3.0)

    def daily_voxels(self, grid: Grid, anatomy_from_daily: RigidTransform) -> Float32Array:
        """HU on `grid` by windowed sinc, blurred as by a detector."""
        return self._sampled(self.detector_blurred, windowed_sinc_weights(), grid, anatomy_from_daily)

    def _sampled(
        self, source: Float32Array, weights: Float32Array, grid: Grid, anatomy_from_grid: RigidTransform
    ) -> Float32Array:
        """`source` at the nodes of `grid`."""
        point, origin = grid.point_from_index()
        index, offset = self.grid.index_from_point()
        linear = index @ anatomy_from_grid.rotation @ point
        shift = index @ anatomy_from_grid.points(origin) + offset
        return sample_lattice(source, weights, np.column_stack([linear, shift]), grid.shape)


def head(data: Path) -> VoxelAnatomy:
    """The head phantom of the real data, 512x512x108 at 0.469x0.469x2.5 mm."""
    image = sitk.ReadImage(str(data / "head_phantom" / "headphantom.mha"))
    direction = np.reshape(image.GetDirection(), (3, 3))
    grid = Grid(ANATOMY_FRAME, image.GetOrigin(), image.GetSpacing(), direction, image.GetSize())
    return VoxelAnatomy("head", sitk.GetArrayFromImage(image).astype(np.float32), grid, table_depth_mm=103.0)
