"""One match to be made: a case file, how its daily image is moved, and what is true of the answer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from openigrt.geometry import Float64Array, rotation_angle_deg


@dataclass(frozen=True, eq=False)
class Trial:
    """Matrices are 4x4, LPS mm. `moved` carries the file's daily image into the daily frame of this trial, by header.

    `plan_from_daily` is the truth, None where only consistency can be judged; points (n, 3) are in the plan's frame.
    """

    file: Path
    moved: Float64Array
    start: Float64Array
    isocenter_mm: Float64Array
    points_mm: Float64Array
    plan_from_daily: Float64Array | None
    options: dict[str, Any] = field(default_factory=dict)

    def errors_mm(self, found: Float64Array) -> Float64Array:
        """Target registration error at each point (n,), mm; needs a truth."""
        assert self.plan_from_daily is not None
        daily_points = apply(np.asarray(np.linalg.inv(self.plan_from_daily), np.float64), self.points_mm)
        return np.asarray(np.linalg.norm(apply(found, daily_points) - self.points_mm, axis=1))

    def unmoved(self, found: Float64Array) -> Float64Array:
        """The answer as it reads for the image where the file has it: plan from the file's daily frame (4, 4)."""
        return found @ self.moved


def apply(matrix4: Float64Array, points_mm: Float64Array) -> Float64Array:
    """Points (n, 3) under a homogeneous matrix."""
    return np.asarray(points_mm) @ matrix4[:3, :3].T + matrix4[:3, 3]


def matrix4_about(point_mm: Float64Array, rotation: Float64Array, shift_mm: Float64Array) -> Float64Array:
    """The motion (4, 4) that turns about a point and then shifts."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = point_mm + shift_mm - rotation @ point_mm
    return matrix


def difference(found: Float64Array, expected: Float64Array, point_mm: Float64Array) -> tuple[float, float]:
    """How far two transforms (4, 4) are apart: mm at a point, degrees of rotation."""
    between = found @ np.linalg.inv(expected)
    return float(np.linalg.norm(apply(between, point_mm[None]) - point_mm)), rotation_angle_deg(between[:3, :3])
