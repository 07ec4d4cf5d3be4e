"""Daily images made from a packed volume: moved, deformed, cut to a field of view, shaded, noisy, streaked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.trust.volumes import AIR_HU, Packed
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform, resample, sample_points
from openigrt.images import Image, Modality

DAILY_FRAME = Frame.daily("trust")
VOXEL_MM = 2.0
METAL_HU = 3000.0
METAL_RADIUS_MM = 7.0
STREAK_REACH_MM = 80.0
STREAK_LENGTH_MM = 20.0
FIXED_POINT_STEPS = 60
TISSUE_HU = (-1000.0, -500.0, -150.0, -80.0, 0.0, 40.0, 80.0, 200.0, 350.0, 700.0, 3000.0)
TISSUE_SIGNAL = (0.0, 60.0, 850.0, 900.0, 250.0, 450.0, 520.0, 650.0, 500.0, 80.0, 20.0)
FIELD_WIDTH_MM = 50.0

Voxels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scanner:
    """What a cone-beam scanner shows of the patient: a cylinder about `center_mm` (daily LPS), and how badly."""

    radius_mm: float
    length_mm: float
    center_mm: Float64Array
    noise_hu: float
    cupping_hu: float
    slope: float
    offset_hu: float
    streaks_hu: float = 0.0

    def grid(self) -> Grid:
        """The lattice that holds the cylinder."""
        half = np.array([self.radius_mm, self.radius_mm, 0.5 * self.length_mm])
        size = np.maximum((2.0 * half / VOXEL_MM).astype(int) + 1, 4)
        origin = self.center_mm - 0.5 * (size - 1) * VOXEL_MM
        return Grid(DAILY_FRAME, origin, np.full(3, VOXEL_MM), np.eye(3), (int(size[0]), int(size[1]), int(size[2])))


@dataclass(frozen=True, eq=False)
class Bumps:
    """A smooth displacement of the anatomy: u(p) = sum of `shifts_mm` (n, 3) under Gaussians about `centers_mm`."""

    centers_mm: Float64Array
    shifts_mm: Float64Array
    widths_mm: Float64Array

    def displacements_mm(self, points_mm: Float64Array) -> Float64Array:
        """Displacement (n, 3) at points (n, 3)."""
        moved = np.zeros_like(points_mm)
        for center, shift, width in zip(self.centers_mm, self.shifts_mm, self.widths_mm, strict=True):
            near = np.exp(-0.5 * ((points_mm - center) ** 2).sum(axis=1) / width**2)
            moved += near[:, None] * shift
        return moved

    def sources_mm(self, points_mm: Float64Array) -> Float64Array:
        """Points y with y + u(y) = the points given, by a damped fixed point."""
        found = points_mm.copy()
        for _ in range(FIXED_POINT_STEPS):
            found += 0.5 * (points_mm - self.displacements_mm(found) - found)
        return found


def rigid_voxels(volume: Packed, voxels: Voxels, grid: Grid, plan_from_daily: RigidTransform) -> Voxels:
    """`voxels` of a volume on a daily grid; NaN where nothing is known, air beside the patient."""
    volume_from_daily = RigidTransform(
        volume.grid.frame, grid.frame, plan_from_daily.rotation, plan_from_daily.translation_mm
    )
    return _with_air(volume, resample(voxels, volume.grid, grid, volume_from_daily), grid, volume_from_daily)


def deformed_voxels(volume: Packed, grid: Grid, plan_from_daily: RigidTransform, bumps: Bumps) -> Voxels:
    """The volume on a daily grid after a deformation: a daily point p shows T p + u(T p)."""
    ticks = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    points = plan_from_daily.points(grid.points(ticks.reshape(-1, 3)[:, ::-1]))
    points += bumps.displacements_mm(points)
    voxels = sample_points(volume.voxels, volume.grid, points).reshape(grid.shape)
    volume_from_daily = RigidTransform(
        volume.grid.frame, grid.frame, plan_from_daily.rotation, plan_from_daily.translation_mm
    )
    return _with_air(volume, voxels, grid, volume_from_daily)


def _with_air(volume: Packed, voxels: Voxels, grid: Grid, volume_from_daily: RigidTransform) -> Voxels:
    """Air where the volume ends beside the patient; NaN stays where it ends across the patient."""
    if volume.cropped:
        return voxels
    a, b = volume.grid.index_from_point()
    point, origin = grid.point_from_index()
    row, offset = (a @ volume_from_daily.rotation @ point)[2], (a @ volume_from_daily.points(origin) + b)[2]
    k, j, i = (np.arange(n) for n in grid.shape)
    slices = row[2] * k[:, None, None] + row[1] * j[None, :, None] + row[0] * i[None, None, :] + offset
    beside = np.isnan(voxels) & (slices >= 0.0) & (slices <= volume.grid.size[2] - 1)
    return np.where(beside, np.float32(AIR_HU), voxels)


def shown(voxels: Voxels, grid: Grid, scanner: Scanner, rng: np.random.Generator) -> Image:
    """HU on the scanner's grid as it shows them; outside its cylinder, and where nothing is known, padding."""
    x, y = (grid.origin_mm[a] + VOXEL_MM * np.arange(grid.size[a]) - scanner.center_mm[a] for a in (0, 1))
    radius = np.hypot(x[None, :], y[:, None])
    known = np.isfinite(voxels) & (radius <= scanner.radius_mm)
    image = scanner.slope * voxels + np.float32(scanner.offset_hu)
    image += np.float32(scanner.cupping_hu) * _cup(radius / scanner.radius_mm, rng)
    image += np.float32(scanner.noise_hu) * texture(voxels.shape, rng)
    if scanner.streaks_hu > 0.0:
        _add_streaks(image, grid, scanner, rng)
    image = np.where(known, np.maximum(image, AIR_HU), AIR_HU).astype(np.float32)
    return Image(np.rint(image), grid, Modality.CBCT)


def shown_by_magnetic_resonance(voxels: Voxels, grid: Grid, scanner: Scanner, rng: np.random.Generator) -> Image:
    """What a T1-weighted magnetic resonance image would show of HU: fat bright, muscle and water darker, cortex black.

    Under a receive field that falls off by up to a half, with Rician noise; the scanner gives noise and extent alone.
    """
    known = np.isfinite(voxels)
    signal = np.interp(np.where(known, voxels, AIR_HU), TISSUE_HU, TISSUE_SIGNAL)
    smooth = ndimage.gaussian_filter(rng.standard_normal(voxels.shape), FIELD_WIDTH_MM / VOXEL_MM, mode="reflect")
    signal *= 1.0 - rng.uniform(0.0, 0.5) * (smooth.max() - smooth) / max(float(np.ptp(smooth)), 1e-9)
    noise = scanner.noise_hu * rng.standard_normal((2, *voxels.shape))
    image = np.where(known, np.hypot(signal + noise[0], noise[1]), 0.0)
    return Image(np.rint(image).astype(np.float32), grid, Modality.MR)


def texture(shape: tuple[int, ...], rng: np.random.Generator) -> Voxels:
    """Noise of unit variance [k, j, i], correlated over a voxel, without its lowest frequencies."""
    white = rng.standard_normal(shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(white, [0.3, 0.6, 0.6]) - ndimage.gaussian_filter(white, [0.3, 2.0, 2.0])
    return noise / noise.std()


def _cup(r: Float64Array, rng: np.random.Generator) -> Voxels:
    """A cup of radial cosines [j, i], from 0 at its highest to -1 at its lowest."""
    orders = [-1.0, *rng.uniform(-0.25, 0.25, 2)]
    cup = np.sum([a * np.cos(np.pi * (n + 1) * np.minimum(r, 1.0)) for n, a in enumerate(orders)], axis=0)
    return ((cup - cup.max()) / np.ptp(cup)).astype(np.float32)


def _add_streaks(image: Voxels, grid: Grid, scanner: Scanner, rng: np.random.Generator) -> None:
    """Two metal beads, and bright and dark rays from each in the slices around it."""
    k, j, i = (grid.origin_mm[a] + VOXEL_MM * np.arange(grid.size[a]) for a in (2, 1, 0))
    for _ in range(2):
        center = scanner.center_mm + rng.uniform(-0.6, 0.6, 3) * [
            scanner.radius_mm,
            scanner.radius_mm,
            0.5 * scanner.length_mm,
        ]
        dx, dy, dz = i[None, :] - center[0], j[:, None] - center[1], k - center[2]
        r, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
        rays = np.sum([np.cos(m * angle + rng.uniform(0.0, 2.0 * np.pi)) for m in range(2, 14, 2)], axis=0)
        plane = scanner.streaks_hu * rays / np.sqrt(3.0) * np.exp(-r / STREAK_REACH_MM)
        image += (np.exp(-0.5 * (dz / STREAK_LENGTH_MM) ** 2)[:, None, None] * plane[None]).astype(np.float32)
        image[(r[None] ** 2 + dz[:, None, None] ** 2) < METAL_RADIUS_MM**2] = METAL_HU
