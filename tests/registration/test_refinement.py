"""One Gauss-Newton step against numerical derivatives on a closed-form image, sums against scipy, and where it ends."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from openigrt.geometry import rotation_angle_deg, rotation_from_vector
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.refinement import (
    LONGEST_STEP_MM,
    LONGEST_STEP_RAD,
    DailySide,
    Pose,
    normal_equations,
    plain_sums,
    refine,
    solve_motion,
    sums_at,
)
from openigrt.registration.template import Template
from tests.registration.waves import (
    DAILY_GRID,
    NEAR,
    PIVOT_MM,
    TRUE,
    analytic,
    daily_at_truth,
    pose_of,
    seen,
    template_of,
)


def residuals(pose, template, daily, line=(1.0, 0.0)):
    values = map_coordinates(daily.normalised, seen(pose, template.points_mm), order=1)
    return values - (line[0] * template.values + line[1])


def test_sums_are_those_of_interpolated_values():
    template, daily = template_of(), daily_at_truth()
    line, scale = (1.3, -0.4), 1.5
    sums = sums_at(NEAR, template, daily, line, scale).by_leaf
    m = map_coordinates(daily.normalised.astype(float), seen(NEAR, template.points_mm), order=1)
    v, r = template.values, residuals(NEAR, template, daily, line)
    w = (1.0 + (r / scale) ** 2) ** -2
    expected = np.stack([w, w * r * r, w * m, w * v, w * m * m, w * v * v, w * m * v], axis=1)
    assert sums[:, 27:] == pytest.approx(expected.reshape(BLOCKS, -1, 7).sum(axis=1), rel=1e-3, abs=2e-3)


def test_normal_equations_are_those_of_numerical_derivatives():
    """Residuals by a motion of the planning side, from the closed form, by central differences."""
    template = template_of()
    daily = daily_at_truth()
    step = 1e-4
    jacobian = np.empty((len(template), 6))
    for axis in range(6):
        motion = step * np.eye(6)[axis]
        ends = [
            analytic(template.points_mm + sign * (motion[:3] + np.cross(motion[3:], template.points_mm)))[0]
            for sign in (1, -1)
        ]
        jacobian[:, axis] = 1.2 * (ends[0] - ends[1]) / (2.0 * step)
    line = (1.2, 0.1)
    r = residuals(NEAR, template, daily, line)
    matrix, vector = normal_equations(sums_at(NEAR, template, daily, line, 1e6).total)
    assert matrix == pytest.approx(jacobian.T @ jacobian, rel=1e-4, abs=1e-4 * np.abs(matrix).max())
    assert vector == pytest.approx(jacobian.T @ r, rel=1e-3, abs=1e-3 * np.abs(vector).max())


def test_the_vector_is_the_slope_of_the_squared_residual_by_the_pose():
    """Near the answer both sides' gradients agree: half the slope of sum r^2 by `after` is minus J^T r."""
    template, daily = template_of(), daily_at_truth()
    pose = pose_of([4.1, -3.1, 6.1], [0.051, -0.081, 0.061])
    _, vector = normal_equations(plain_sums(pose, template, daily).total)
    step = 0.05
    slopes = np.empty(6)
    for axis in range(6):
        motion = step * np.eye(6)[axis] / (1.0 if axis < 3 else 20.0)
        ends = [(residuals(pose.after(sign * motion), template, daily) ** 2).sum() for sign in (1.0, -1.0)]
        slopes[axis] = 0.5 * (ends[0] - ends[1]) / (2.0 * np.abs(motion).max())
    assert -vector == pytest.approx(slopes, rel=0.1, abs=0.05 * np.abs(slopes[:3]).max())


def test_score_and_line_are_those_of_numpy():
    template, daily = template_of(), daily_at_truth()
    m = map_coordinates(daily.normalised.astype(float), seen(NEAR, template.points_mm), order=1)
    sums = plain_sums(NEAR, template, daily)
    assert sums.correlation == pytest.approx(np.corrcoef(m, template.values)[0, 1], abs=1e-4)
    assert sums.gain_and_offset == pytest.approx(np.polyfit(template.values, m, 1), abs=1e-3)
    assert sums.weight == pytest.approx(len(template))
    assert sums.residual_rms == pytest.approx(np.sqrt(((m - template.values) ** 2).mean()), rel=1e-3)


def test_points_outside_the_image_or_without_weight_do_not_count():
    weight = np.ones(DAILY_GRID.shape, np.float32)
    weight[:, :, 50:] = 0.0
    template = template_of(radius_mm=60.0)
    k, j, i = seen(NEAR, template.points_mm)
    inside = (np.array([k, j, i]) >= 0).all(axis=0) & (np.array([k, j, i]) < np.array([[89.0], [91.0], [95.0]])).all(
        axis=0
    )
    share = np.where(inside, map_coordinates(weight, [k, j, i], order=1, mode="nearest"), 0.0)
    found = plain_sums(NEAR, template, daily_at_truth(weight)).by_leaf[:, 27]
    assert found == pytest.approx(share.reshape(BLOCKS, -1).sum(axis=1), abs=1e-2)
    assert 0 < found.sum() < len(template)


@pytest.mark.parametrize("seed", range(4))
def test_refinement_ends_at_the_truth(seed):
    random = np.random.default_rng(seed)
    start = Pose(
        TRUE.rotation @ rotation_from_vector(random.normal(0.0, 0.04, 3)),
        TRUE.translation_mm + random.normal(0.0, 2.0, 3),
    )
    refined = refine(start, template_of(), daily_at_truth(), 30, 0.001)
    assert np.linalg.norm(refined.pose.translation_mm - TRUE.translation_mm) < 0.02
    assert rotation_angle_deg(refined.pose.rotation.T @ TRUE.rotation) < 0.05
    assert refined.steps < 20


def test_a_line_between_gray_values_changes_nothing():
    daily = daily_at_truth()
    scaled = DailySide(daily.volume, (0.5 * daily.normalised + 3.0).astype(np.float32))
    first, second = (refine(NEAR, template_of(), side, 30, 1e-4).pose for side in (daily, scaled))
    assert second.translation_mm == pytest.approx(first.translation_mm, abs=2e-3)


def test_a_part_that_moved_otherwise_lets_go():
    """A quarter of the region 5 mm away: the answer stays with the rest, closer than least squares."""
    template, daily = template_of(), daily_at_truth()
    moved = template.points_mm[:, 0] > 11.0
    values, gradients = template.values.copy(), template.gradients.copy()
    values[moved], gradients[moved] = analytic(template.points_mm[moved] + np.array([0.0, 0.0, 5.0]))
    refined = refine(NEAR, Template(PIVOT_MM, template.points_mm, values, gradients), daily, 30, 1e-4)
    assert np.linalg.norm(refined.pose.translation_mm - TRUE.translation_mm) < 1.0


def test_a_template_outside_the_image_is_said():
    far = pose_of([500.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    assert refine(far, template_of(), daily_at_truth(), 5, 0.01) is None


def test_steps_are_cut_and_weak_equations_bear_no_infinity():
    matrix = np.diag([1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    motion = solve_motion(matrix, np.array([300.0, 400.0, 0.0, 5.0, 0.0, 0.0]))
    assert motion[:3] == pytest.approx([0.6 * LONGEST_STEP_MM, 0.8 * LONGEST_STEP_MM, 0.0])
    assert motion[3:] == pytest.approx([LONGEST_STEP_RAD, 0.0, 0.0])
    assert np.isfinite(solve_motion(np.zeros((6, 6)), np.zeros(6))).all()


def test_a_pose_after_a_motion_sees_the_moved_point():
    pose = pose_of([3.0, 4.0, 5.0], [0.2, 0.1, -0.3])
    shift, turn = np.array([1.0, -2.0, 0.5]), np.array([0.1, 0.2, -0.1])
    point = np.array([7.0, 8.0, 9.0])
    moved_point = rotation_from_vector(turn) @ point + shift
    after = pose.after(np.concatenate([shift, turn]))
    assert after.rotation @ moved_point + after.translation_mm == pytest.approx(
        pose.rotation @ point + pose.translation_mm
    )


def test_the_index_matrix_of_a_pose_is_that_of_grid_and_pose():
    volume = daily_at_truth().volume
    points = np.random.default_rng(3).normal(0.0, 20.0, (7, 3))
    matrix = NEAR.index_matrix(volume)
    assert (points @ matrix[:, :3].T + matrix[:, 3]).T == pytest.approx(seen(NEAR, points)[::-1])
