"""Bodies whose line integrals are known in closed form, and the scans that see them."""

from dataclasses import dataclass, field

import numpy as np

from openigrt.geometry import DetectorPlacement, Frame, Grid, circular_trajectory

WATER_PER_MM = 0.02
ROOM_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """A body of one attenuation: points c + turned @ (semi-axes * unit ball)."""

    center_mm: np.ndarray
    semi_axes_mm: np.ndarray
    per_mm: float = WATER_PER_MM
    turned: np.ndarray = field(default_factory=lambda: np.eye(3))

    def line_integrals(self, sources_mm, points_mm):
        """Attenuation times chord of the lines through sources (..., 3) and points (..., 3)."""
        to_unit = self.turned / self.semi_axes_mm
        ahead = points_mm - sources_mm
        a, d = (sources_mm - self.center_mm) @ to_unit, ahead @ to_unit
        dd, ad, aa = ((x * y).sum(axis=-1) for x, y in ((d, d), (a, d), (a, a)))
        inside = np.maximum(ad**2 - dd * (aa - 1.0), 0.0)
        return 2.0 * np.sqrt(inside) / dd * np.linalg.norm(ahead, axis=-1) * self.per_mm

    def at(self, points_mm):
        """Attenuation per mm at points (..., 3)."""
        unit = (points_mm - self.center_mm) @ (self.turned / self.semi_axes_mm)
        return self.per_mm * ((unit**2).sum(axis=-1) <= 1.0)


@dataclass(frozen=True, eq=False)
class Blob:
    """A round Gaussian, smooth enough that its samples hold all of it."""

    center_mm: np.ndarray
    sigma_mm: float
    per_mm: float = WATER_PER_MM

    def line_integrals(self, sources_mm, points_mm):
        """Integrals over whole lines: peak * sigma * sqrt(2 pi) * exp(-distance^2 / 2 sigma^2)."""
        ahead = points_mm - sources_mm
        ahead = ahead / np.linalg.norm(ahead, axis=-1, keepdims=True)
        away = np.cross(self.center_mm - sources_mm, ahead)
        fall = np.exp(-(away**2).sum(axis=-1) / (2.0 * self.sigma_mm**2))
        return self.per_mm * self.sigma_mm * np.sqrt(2.0 * np.pi) * fall

    def at(self, points_mm):
        """Attenuation per mm at points (..., 3)."""
        away = points_mm - self.center_mm
        return self.per_mm * np.exp(-(away**2).sum(axis=-1) / (2.0 * self.sigma_mm**2))


def placement(size=(48, 36), spacing=(4.0, 4.0), **more):
    """A detector 1500 mm from a source that turns at 1000 mm."""
    return DetectorPlacement(1000.0, 1500.0, size, spacing, **more)


def scan(angles_deg, held=None):
    """The trajectory of a source at these gantry angles."""
    return circular_trajectory(angles_deg, held or placement())


def room_grid(size=(32, 32, 24), spacing=(4.0, 4.0, 4.0), center=(0.0, 0.0, 0.0), direction=ROOM_AXES):
    """A grid about a point of the room, slices along y."""
    spacing = np.asarray(spacing)
    corner = np.asarray(center) - direction @ (spacing * (np.array(size) - 1) / 2.0)
    return Grid(Frame.FIXED, corner, spacing, direction, size)


def points_of(grid):
    """Voxel centres [k, j, i, 3], mm."""
    k, j, i = np.indices(grid.shape)
    return grid.points(np.stack([i, j, k], axis=-1))


def pixels_of(trajectory):
    """Pixel centres [projection, row, column, 3], mm."""
    along = trajectory.row_directions[:, None, None] * (
        trajectory.spacing_mm[0] * np.arange(trajectory.size[0])[:, None]
    )
    down = trajectory.column_directions[:, None, None] * (
        trajectory.spacing_mm[1] * np.arange(trajectory.size[1])[:, None, None]
    )
    return trajectory.first_pixels_mm[:, None, None] + along + down


def seen(bodies, trajectory):
    """Line integrals float32 [projection, row, column] of bodies."""
    sources, pixels = trajectory.sources_mm[:, None, None], pixels_of(trajectory)
    return sum(body.line_integrals(sources, pixels) for body in bodies).astype(np.float32)


def sampled(bodies, grid):
    """Attenuation per mm float32 [k, j, i] of bodies at voxel centres."""
    return sum(body.at(points_of(grid)) for body in bodies).astype(np.float32)


def head():
    """A water ellipsoid with a dense and an empty one inside, alike in no direction."""
    turn = np.deg2rad(25.0)
    turned = np.array([[np.cos(turn), 0.0, np.sin(turn)], [0.0, 1.0, 0.0], [-np.sin(turn), 0.0, np.cos(turn)]])
    return [
        Ellipsoid(np.array([3.0, -2.0, 4.0]), np.array([50.0, 60.0, 40.0])),
        Ellipsoid(np.array([20.0, 6.0, -8.0]), np.array([9.0, 12.0, 7.0]), 0.5 * WATER_PER_MM, turned),
        Ellipsoid(np.array([-18.0, -5.0, 14.0]), np.array([8.0, 10.0, 10.0]), -0.9 * WATER_PER_MM),
    ]
