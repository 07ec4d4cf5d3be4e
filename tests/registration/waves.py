"""A smooth image in closed form, its template and its daily side: oracles need no image file and no resampling."""

from functools import cache

import numpy as np

from openigrt.geometry import Frame, Grid, rotation_from_vector
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.refinement import DailySide, Pose
from openigrt.registration.template import Template
from openigrt.registration.working_volume import WorkingVolume
from tests.registration.phantom import points_of

DAILY = Frame.daily("1")
PIVOT_MM = np.array([12.0, -3.0, 40.0])
DAILY_GRID = Grid(
    DAILY, np.array([-52.0, -45.0, -38.0]), np.ones(3), rotation_from_vector([0.1, 0.0, 0.15]), (96, 92, 90)
)
WAVES = np.random.default_rng(5).normal(0.0, 0.09, (12, 3))
PHASES = np.random.default_rng(6).uniform(0.0, 6.0, 12)


def analytic(points_mm):
    """A smooth image in closed form, and its gradient (n, 3) per mm."""
    angle = points_mm @ WAVES.T + PHASES
    return np.sin(angle).sum(axis=1), np.cos(angle) @ WAVES


def template_of(count=20 * BLOCKS, seed=0, radius_mm=22.0):
    points = np.random.default_rng(seed).uniform(-radius_mm, radius_mm, (count, 3))
    values, gradients = analytic(points)
    return Template(PIVOT_MM, points, values, gradients)


@cache
def shown_at_truth():
    """The daily voxels that show the image where TRUE puts it."""
    points = (points_of(DAILY_GRID) - TRUE.translation_mm) @ TRUE.rotation
    return analytic(points)[0].reshape(DAILY_GRID.shape).astype(np.float32)


def daily_at_truth(weight=None):
    """The daily side, all of it counting where no weight is given."""
    weight = np.ones(DAILY_GRID.shape, np.float32) if weight is None else weight
    return DailySide(WorkingVolume(shown_at_truth(), weight, DAILY_GRID), shown_at_truth())


def pose_of(shift_mm, turn_rad):
    return Pose(rotation_from_vector(turn_rad), np.array(shift_mm, dtype=float))


TRUE = pose_of([4.0, -3.0, 6.0], [0.05, -0.08, 0.06])
NEAR = pose_of([4.8, -3.5, 5.2], [0.06, -0.07, 0.05])


def seen(pose, points):
    """Planning points as a pose sees them in the daily image, in continuous indices (3, n) in the order k, j, i."""
    return DAILY_GRID.indices(points @ pose.rotation.T + pose.translation_mm)[:, ::-1].T
