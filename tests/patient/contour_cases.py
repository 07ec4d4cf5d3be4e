"""Structures of known shape, and slow oracles for what they fill."""

import numpy as np

from openigrt.geometry import Frame, Grid
from openigrt.patient import Contour, Structure, StructureRole

PLAN = Frame.plan("1.2")


def grid_of(spacing_mm, size, origin_mm=None, direction=None):
    """A grid round the origin, or from `origin_mm` on."""
    spacing = np.asarray(spacing_mm, dtype=float)
    direction = np.eye(3) if direction is None else direction
    origin = -direction @ (spacing * (np.array(size) - 1) / 2) if origin_mm is None else origin_mm
    return Grid(PLAN, origin, spacing, direction, size)


def ring(radii_mm, z_mm, center=(0.0, 0.0), count=720):
    """An ellipse (count, 3) on the plane z; its area is that of the polygon, 1e-5 less than of the curve."""
    angle = 2.0 * np.pi * np.arange(count) / count
    a, b = np.broadcast_to(radii_mm, 2)
    return np.column_stack([center[0] + a * np.cos(angle), center[1] + b * np.sin(angle), np.full(count, z_mm)])


def square(half_mm, z_mm):
    x = half_mm * np.array([-1.0, 1.0, 1.0, -1.0])
    return np.column_stack([x, np.roll(x, 1), np.full(4, z_mm)])


def structure_of(contours, name="TEST"):
    return Structure(1, name, StructureRole.ORGAN, tuple(Contour(points) for points in contours))


def turned(structure, rotation, shift=(0.0, 0.0, 0.0)):
    return structure_of([contour.points_mm @ rotation.T + shift for contour in structure.contours])


def planes(low_mm, high_mm, step_mm, phase):
    """Positions of planes `step_mm` apart between two ends; at phase 0.5 the ends lie half-way between two of them."""
    positions = np.arange(low_mm - (1.0 - phase) * step_mm, high_mm + step_mm, step_mm)
    return positions[(positions > low_mm) & (positions < high_mm)]


def sphere(radius_mm, step_mm, phase=0.5):
    return structure_of([ring(np.sqrt(radius_mm**2 - z**2), z) for z in planes(-radius_mm, radius_mm, step_mm, phase)])


def slice_of(polygons):
    """A structure of polygons (n, 2) on the plane z = 0."""
    return structure_of([np.column_stack([polygon, np.zeros(len(polygon))]) for polygon in polygons])


def sampled_coverage(polygons, size, samples):
    """Covered parts of pixels [j, i] round whole coordinates by counting samples inside an odd number of polygons."""
    columns, rows = size
    x = (np.arange(columns * samples) + 0.5) / samples - 0.5
    y = (np.arange(rows * samples) + 0.5) / samples - 0.5
    inside = np.zeros((len(y), len(x)), dtype=bool)
    for polygon in polygons:
        for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            passed = (y0 <= y) != (y1 <= y)
            if passed.any():
                at = x0 + (y[passed] - y0) / (y1 - y0) * (x1 - x0)
                inside[passed] ^= x[None] < at[:, None]
    return inside.reshape(rows, samples, columns, samples).mean(axis=(1, 3))


def overlap(one, other):
    """Dice of two boolean arrays."""
    return 2.0 * (one & other).sum() / (one.sum() + other.sum())


def whole(occupancy):
    """The fractions on the whole grid."""
    fractions = np.zeros(occupancy.grid.shape, dtype=np.float32)
    fractions[occupancy.window] = occupancy.fractions
    return fractions
