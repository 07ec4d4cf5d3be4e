"""Ellipsoids with closed-form line integrals, the scans of RTK's tests, and RTK's two measures of an image."""

from dataclasses import dataclass, replace

import numpy as np

from openigrt.geometry import DetectorPlacement, Frame, Grid, circular_trajectory, rotation_y

REFERENCE_VALUE = 2.0


@dataclass(frozen=True)
class Ellipsoid:
    """Semi-axes and centre in mm (x, y, z of the room), turned about y, with a density that adds to what it lies in."""

    semi_axes_mm: tuple[float, float, float]
    center_mm: tuple[float, float, float]
    density: float
    turn_deg: float = 0.0

    def unit(self, vectors):
        """Vectors (..., 3) where the ellipsoid is the unit sphere."""
        return vectors @ rotation_y(self.turn_deg) / np.array(self.semi_axes_mm)

    def line_integrals(self, geometry):
        """Length of each ray of a projection inside, times the density: [row, column]."""
        first, across, down = self.unit(rays_of(geometry))
        start = self.unit(geometry.source_mm - np.array(self.center_mm))
        column, row = np.arange(geometry.size[0]), np.arange(geometry.size[1])[:, None]
        square = squared_lengths(first, across, down, column, row)
        middle = (first @ start + column * (across @ start) + row * (down @ start)) / square
        half = np.sqrt(np.maximum(middle**2 - (start @ start - 1.0) / square, 0.0))
        return 2.0 * self.density * half * np.sqrt(squared_lengths(*rays_of(geometry), column, row))

    def added_to(self, volume, grid):
        """Add the density to every voxel whose centre lies inside."""
        k, j, i = np.indices(grid.shape, sparse=True)
        matrix, origin = grid.point_from_index()
        points = i[..., None] * matrix[:, 0] + j[..., None] * matrix[:, 1] + k[..., None] * matrix[:, 2] + origin
        volume[(self.unit(points - np.array(self.center_mm)) ** 2).sum(axis=-1) <= 1.0] += self.density

    def at(self, center_mm):
        return replace(self, center_mm=center_mm)


def rays_of(geometry):
    """From the source to the first pixel, and the steps from column to column and from row to row: (3, 3), mm."""
    steps = np.stack([geometry.row_direction, geometry.column_direction]) * geometry.spacing_mm[:, None]
    return np.vstack([geometry.first_pixel_mm - geometry.source_mm, steps])


def squared_lengths(first, across, down, column, row):
    """|first + column across + row down|^2 [row, column]."""
    straight = first @ first + 2.0 * row * (first @ down) + row**2 * (down @ down)
    return straight + 2.0 * column * (first @ across + row * (across @ down)) + column**2 * (across @ across)


def projected(ellipsoids, trajectory):
    """Line integrals float32 [projection, row, column]."""
    return np.array(
        [sum(e.line_integrals(trajectory[n]) for e in ellipsoids) for n in range(len(trajectory))], np.float32
    )


def drawn(ellipsoids, grid):
    """Densities [k, j, i]."""
    volume = np.zeros(grid.shape, np.float32)
    for ellipsoid in ellipsoids:
        ellipsoid.added_to(volume, grid)
    return volume


def shepp_logan(scale_mm):
    """The head phantom in three dimensions of Kak and Slaney (1988), table 3.1, its long axis along y.

    The skull is 2, and what lies in it about 1, as in RTK's tests.
    """
    table = (
        (0.69, 0.90, 0.92, 0.0, 0.0, 0.0, 0.0, 2.0),
        (0.6624, 0.880, 0.874, 0.0, 0.0, 0.0, 0.0, -0.98),
        (0.41, 0.21, 0.16, -0.22, -0.25, 0.0, 108.0, -0.02),
        (0.31, 0.22, 0.11, 0.22, -0.25, 0.0, 72.0, -0.02),
        (0.21, 0.50, 0.25, 0.0, -0.25, 0.35, 0.0, 0.02),
        (0.046, 0.046, 0.046, 0.0, -0.25, 0.10, 0.0, 0.02),
        (0.046, 0.02, 0.023, -0.08, -0.25, -0.65, 0.0, 0.01),
        (0.046, 0.02, 0.023, 0.06, -0.25, -0.65, 90.0, 0.01),
        (0.056, 0.1, 0.04, 0.06, 0.625, -0.105, 90.0, 0.02),
        (0.056, 0.1, 0.056, 0.0, 0.625, 0.1, 0.0, -0.02),
    )
    return [
        Ellipsoid(tuple(scale_mm * n for n in row[:3]), tuple(scale_mm * n for n in row[3:6]), row[7], turn_deg=row[6])
        for row in table
    ]


def room_grid(size, spacing_mm):
    """A grid round the isocenter; i along x, j along z, k along y of the room. `size` in voxels along x, z, y."""
    direction = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    corner = -(np.array(size) - 1) / 2.0 * spacing_mm
    return Grid(Frame.FIXED, direction @ corner, np.full(3, spacing_mm), direction, size)


def turn(projections, size, spacing_mm, arc_deg=360.0, offset_mm=(0.0, 0.0)):
    """Evenly spaced projections from 600 mm, the detector at 1200 mm: the machine of RTK's tests."""
    placement = DetectorPlacement(600.0, 1200.0, size, (spacing_mm, spacing_mm), offset_mm)
    return circular_trajectory(np.arange(projections) * arc_deg / projections, placement)


def seen_by_all(grid, trajectory):
    """Whether each voxel [k, j, i] projects onto every detector."""
    k, j, i = np.indices(grid.shape)
    points = grid.points(np.stack([i, j, k], axis=-1))
    inside = np.ones(grid.shape, bool)
    for n in range(len(trajectory)):
        pixels = trajectory[n].pixels(points)
        inside &= ((pixels >= 0.0) & (pixels <= np.array(trajectory.size) - 1)).all(axis=-1)
    return inside


def error_per_pixel(image, truth):
    """Mean absolute difference over the whole volume, as RTK's CheckImageQuality has it."""
    return float(np.abs(image - truth).mean())


def psnr_db(image, truth):
    """20 log10(2) - 10 log10(mean squared difference), as CheckImageQuality has it in RTK's tests."""
    return float(20.0 * np.log10(REFERENCE_VALUE) - 10.0 * np.log10(((image - truth) ** 2).mean()))
