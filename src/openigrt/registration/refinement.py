"""Local refinement: robust inverse-compositional Gauss-Newton on locally normalised images.

The planning side gives points, values and gradients once; each step interpolates the daily image at the moved points
and solves for a small rigid motion together with gain and offset (Baker and Matthews 2004). Residuals are weighted
after Geman and McClure, so that anatomy which moved otherwise (breathing, gas, ribs) lets go of the solution.
"""

from dataclasses import dataclass

import numpy as np

from openigrt.geometry import Float64Array, rotation_from_vector
from openigrt.registration._kernels_cpu import (
    BLOCKS,
    GAUSS_NEWTON_SUMS,
    gauss_newton_sums,
    gauss_newton_sums_of_few,
)
from openigrt.registration.template import Template
from openigrt.registration.working_volume import Voxels, WorkingVolume, index_from_point

ROBUST_SCALE = 2.0
LONGEST_STEP_MM = 8.0
LONGEST_STEP_RAD = 0.07
MILLIMETRE_PER_RADIAN = 60.0
FEW_POINTS = 3000
UPPER = np.triu_indices(6)


@dataclass(frozen=True, eq=False)
class Pose:
    """daily point = rotation @ (plan point - pivot) + translation_mm; the pivot is the template's."""

    rotation: Float64Array
    translation_mm: Float64Array

    def index_matrix(self, volume: WorkingVolume) -> Float64Array:
        """(3, 4) matrix from pivot-relative plan points to continuous (i, j, k) of the daily volume."""
        a = index_from_point(volume.grid)
        return np.column_stack([a[:, :3] @ self.rotation, a[:, :3] @ self.translation_mm + a[:, 3]])

    def after(self, motion: Float64Array) -> "Pose":
        """This pose with the planning side first moved back by a small motion (translation mm, rotation rad)."""
        rotation = self.rotation @ rotation_from_vector(motion[3:]).T
        return Pose(rotation, self.translation_mm - rotation @ motion[:3])


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of one step over all points, and by leaf: what every figure of a match is computed from."""

    by_leaf: Float64Array

    @property
    def total(self) -> Float64Array:
        """Sums over all leaves, added in order."""
        return np.asarray(self.by_leaf.sum(axis=0))

    @property
    def weight(self) -> float:
        """Sum of weights: the number of points that count, discounted as outliers and edges of the field of view."""
        return float(self.total[27])

    @property
    def gain_and_offset(self) -> tuple[float, float]:
        """Least-squares line from planning to daily values."""
        s = self.total
        variance = s[32] - s[30] ** 2 / s[27]
        gain = max((s[33] - s[29] * s[30] / s[27]) / max(variance, 1e-12), 0.1)
        return float(gain), float((s[29] - gain * s[30]) / s[27])

    @property
    def correlation(self) -> float:
        """Weighted correlation of planning and daily values, 0 where either is constant."""
        s = self.total
        if s[27] <= 0.0:
            return 0.0
        bottom = (s[31] - s[29] ** 2 / s[27]) * (s[32] - s[30] ** 2 / s[27])
        return float((s[33] - s[29] * s[30] / s[27]) / np.sqrt(bottom)) if bottom > 0.0 else 0.0

    @property
    def residual_rms(self) -> float:
        """Root mean square of the weighted residual."""
        s = self.total
        return float(np.sqrt(s[28] / s[27])) if s[27] > 0.0 else np.inf


def normal_equations(sums: Float64Array) -> tuple[Float64Array, Float64Array]:
    """J^T W J (6, 6) and J^T W r (6,) from 34 sums."""
    matrix = np.zeros((6, 6))
    matrix[UPPER] = sums[:21]
    return matrix + np.triu(matrix, 1).T, sums[21:27]


@dataclass(frozen=True, eq=False)
class DailySide:
    """What of the daily image a step reads: normalised voxels and their weight on a working volume's lattice."""

    volume: WorkingVolume
    normalised: Voxels


def sums_at(pose: Pose, template: Template, daily: DailySide, line: tuple[float, float], scale: float) -> Sums:
    """Sums of one step at `pose`; `line` is gain and offset, `scale` the residual of quarter weight."""
    blocks = np.empty((BLOCKS, GAUSS_NEWTON_SUMS))
    kernel = gauss_newton_sums_of_few if len(template) < FEW_POINTS else gauss_newton_sums
    kernel(
        daily.normalised,
        daily.volume.weight,
        pose.index_matrix(daily.volume),
        template.points_mm,
        template.values,
        template.gradients,
        line[0],
        line[1],
        scale,
        blocks,
    )
    return Sums(blocks)


def plain_sums(pose: Pose, template: Template, daily: DailySide) -> Sums:
    """Sums with no point weighted down: for scores that compare poses."""
    return sums_at(pose, template, daily, (1.0, 0.0), 1e6)


@dataclass(frozen=True, eq=False)
class Refined:
    """Where refinement ended: the pose, the robust sums there, and how many steps it took."""

    pose: Pose
    sums: Sums
    steps: int


def refine(pose: Pose, template: Template, daily: DailySide, most_steps: int, tolerance_mm: float) -> Refined | None:
    """Gauss-Newton until a step is shorter than `tolerance_mm`; None where the template leaves the image."""
    line, scale = (1.0, 0.0), 1e6
    for step in range(most_steps):
        sums = sums_at(pose, template, daily, line, scale)
        if sums.weight < 0.02 * len(template):
            return None
        motion = solve_motion(*normal_equations(sums.total))
        pose = pose.after(motion)
        line, scale = sums.gain_and_offset, min(scale, ROBUST_SCALE * sums.residual_rms) if step > 0 else scale
        if (
            step > 1
            and np.abs(motion[:3]).max() < tolerance_mm
            and np.abs(motion[3:]).max() < tolerance_mm / MILLIMETRE_PER_RADIAN
        ):
            break
    return Refined(pose, sums_at(pose, template, daily, line, scale), step + 1)


def solve_motion(matrix: Float64Array, vector: Float64Array) -> Float64Array:
    """The step (translation mm, rotation rad), slightly damped, cut to the longest step that a linear model bears."""
    damped = matrix + 1e-6 * np.diag(np.diag(matrix)) + 1e-12 * np.eye(6)
    motion = np.asarray(np.linalg.solve(damped, vector), dtype=np.float64)
    motion[:3] *= min(1.0, LONGEST_STEP_MM / max(float(np.linalg.norm(motion[:3])), 1e-9))
    motion[3:] *= min(1.0, LONGEST_STEP_RAD / max(float(np.linalg.norm(motion[3:])), 1e-9))
    return motion
