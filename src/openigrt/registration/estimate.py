"""What a refinement hands to trust, whatever its metric: a pose, its score, and linear equations part by part."""

from dataclasses import dataclass

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.information import (
    information,
    information_gradient_by_leaf,
    joint_histogram,
    make_binning,
    normalised_information,
    refine_by_information,
)
from openigrt.registration.refinement import (
    MILLIMETRE_PER_RADIAN,
    DailySide,
    Pose,
    normal_equations,
    plain_sums,
    refine,
)
from openigrt.registration.template import Template

LOCAL_CORRELATION = "local correlation"
MUTUAL_INFORMATION = "mutual information"
SECOND_OPINION_POINTS = 16384


@dataclass(frozen=True, eq=False)
class Estimate:
    """A refined pose under one metric.

    `score` is 0 to 1; `overlap` the share of the template inside the field of view; `agreement` the share of it that
    robust weights kept. `matrices` (BLOCKS, 6, 6) and `vectors` (BLOCKS, 6) are each leaf's part of the linear
    equations for a further motion (shift mm, turn rad, about the pivot, planning side); `score_sums` (BLOCKS, 7) are
    sums for a jackknife of the score.
    """

    metric: str
    pose: Pose
    score: float
    overlap: float
    agreement: float
    matrices: Float64Array
    vectors: Float64Array
    score_sums: Float64Array


def estimate_by_correlation(
    pose: Pose, template: Template, daily: DailySide, most_steps: int, tolerance_mm: float
) -> Estimate | None:
    """Refine under local correlation; None where the template leaves the daily image."""
    refined = refine(pose, template, daily, most_steps, tolerance_mm)
    if refined is None:
        return None
    plain = plain_sums(refined.pose, template, daily)
    if plain.weight <= 0.0:
        return None
    pairs = [normal_equations(leaf) for leaf in refined.sums.by_leaf]
    return Estimate(
        LOCAL_CORRELATION,
        refined.pose,
        max(plain.correlation, 0.0),
        plain.weight / len(template),
        refined.sums.weight / plain.weight,
        np.array([matrix for matrix, _ in pairs]),
        np.array([vector for _, vector in pairs]),
        plain.by_leaf[:, 27:],
    )


def estimate_by_information(pose: Pose, template: Template, daily: DailySide, most_steps: int) -> Estimate | None:
    """Refine under mutual information; None where the template leaves the daily image."""
    plain = plain_sums(pose, template, daily)
    if plain.weight < 0.02 * len(template):
        return None
    binning = make_binning(template, daily)
    best = refine_by_information(pose, template, daily, binning, most_steps)
    histogram = joint_histogram(best, template, daily, binning)
    _, slopes = information(histogram)
    vectors = -information_gradient_by_leaf(best, template, daily, binning, slopes)
    curvature = _curvature(best, template, daily)
    return Estimate(
        MUTUAL_INFORMATION,
        best,
        normalised_information(histogram),
        float(histogram.sum()) / len(template),
        1.0,
        np.broadcast_to(curvature / BLOCKS, (BLOCKS, 6, 6)),
        vectors,
        plain_sums(best, template, daily).by_leaf[:, 27:],
    )


def _curvature(pose: Pose, template: Template, daily: DailySide) -> Float64Array:
    """Minus the second derivative (6, 6) of the information, by differences of its gradient, made definite."""
    binning = make_binning(template, daily)
    steps = np.array([0.5] * 3 + [0.5 / MILLIMETRE_PER_RADIAN] * 3)
    rows = np.empty((6, 6))
    for axis, step in enumerate(steps):
        ends = []
        for sign in (-1.0, 1.0):
            motion = np.zeros(6)
            motion[axis] = sign * step
            moved = pose.after(-motion)
            _, slopes = information(joint_histogram(moved, template, daily, binning))
            ends.append(information_gradient_by_leaf(moved, template, daily, binning, slopes).sum(axis=0))
        rows[axis] = -(ends[1] - ends[0]) / (2.0 * step)
    scale = np.array([1.0] * 3 + [MILLIMETRE_PER_RADIAN] * 3)
    symmetric = 0.5 * (rows + rows.T) / np.outer(scale, scale)
    values, axes = np.linalg.eigh(symmetric)
    values = np.maximum(values, 1e-3 * max(float(values.max()), 1e-12))
    return np.asarray((axes * values) @ axes.T * np.outer(scale, scale))
