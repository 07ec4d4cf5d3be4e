"""Mutual information of planning and daily values over a template, with its analytic gradient.

The metric for images of other modality, and the second opinion on those of the same: it knows nothing of a line between
gray values, only that they belong together (Viola and Wells 1997; Mattes 2003).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration._kernels_information_cpu import information_gradients, joint_histograms
from openigrt.registration.refinement import MILLIMETRE_PER_RADIAN, DailySide, Pose
from openigrt.registration.template import Template

BINS = 32
PRIOR_COUNT = 1e-9
STEEPNESS = 10.0


@dataclass(frozen=True, eq=False)
class Binning:
    """How values fall into BINS bins: the planning bin (n,) of each point, and scale and offset of daily values."""

    plan_bins: NDArray[np.int64]
    daily_bin: tuple[float, float]


def binning_of(template: Template, daily: DailySide) -> Binning:
    """Bins over the central 99 % of planning and of daily values that count."""
    low, high = np.percentile(template.values, [0.5, 99.5])
    plan_bins = np.clip((template.values - low) / max(high - low, 1e-12) * BINS, 0, BINS - 1).astype(np.int64)
    daily_low, daily_high = np.percentile(_counting(daily), [0.5, 99.5])
    scale = (BINS - 4.0) / max(daily_high - daily_low, 1e-12)
    return Binning(plan_bins, (float(scale), float(1.5 - daily_low * scale)))


def coarse_bins(template: Template, daily: DailySide, bins: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Bins of equal population: of each point's planning value (n,), and a volume of daily ones (`bins`: outside)."""
    ranks = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    plan_bins = np.searchsorted(np.quantile(template.values, ranks), template.values)
    daily_bins = np.searchsorted(np.quantile(_counting(daily), ranks), daily.normalised).astype(np.uint8)
    daily_bins[daily.volume.weight <= 0.0] = bins
    return plan_bins.astype(np.int64), daily_bins


def _counting(daily: DailySide) -> NDArray[np.float32]:
    """An even sample of the daily values that count."""
    seen = daily.normalised[daily.volume.weight > 0.0]
    return seen[:: max(len(seen) // 20000, 1)]


def leaf_histograms(pose: Pose, template: Template, daily: DailySide, binning: Binning) -> Float64Array:
    """Joint histograms (BLOCKS, plan bins, daily bins) at a pose, one per leaf, in weighted points."""
    histograms = np.empty((BLOCKS, BINS, BINS))
    joint_histograms(
        daily.normalised,
        daily.volume.weight,
        pose.index_matrix(daily.volume),
        template.points_mm,
        binning.plan_bins,
        np.array(binning.daily_bin),
        BINS,
        histograms,
    )
    return histograms


def information(histogram: Float64Array) -> tuple[float, Float64Array]:
    """Mutual information in nats, and its derivative by each cell of the histogram at a fixed total (plan, daily)."""
    total = max(float(histogram.sum()), PRIOR_COUNT)
    joint = histogram / total + PRIOR_COUNT
    ratio = np.log(joint / (joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)))
    return float((joint * ratio).sum()), ratio / total


def normalised_information(histogram: Float64Array) -> float:
    """Mutual information over the mean of both entropies, 0 to 1: the score of a match between modalities."""
    joint = histogram / max(float(histogram.sum()), PRIOR_COUNT) + PRIOR_COUNT
    entropies = [-float((p * np.log(p)).sum()) for p in (joint.sum(axis=1), joint.sum(axis=0))]
    return 2.0 * information(histogram)[0] / max(sum(entropies), PRIOR_COUNT)


def refine_by_information(pose: Pose, template: Template, daily: DailySide, binning: Binning, most_steps: int) -> Pose:
    """The pose of largest mutual information near `pose`, by BFGS on shift (mm) and turn (scaled to mm at 60 mm)."""
    from scipy.optimize import minimize  # noqa: PLC0415  (a second to load that X-ray images never need)

    scale = np.array([1.0] * 3 + [1.0 / MILLIMETRE_PER_RADIAN] * 3)

    def negative_information(motion: Float64Array) -> tuple[float, Float64Array]:
        moved = pose.after(-motion * scale)
        value, slopes = information(leaf_histograms(moved, template, daily, binning).sum(axis=0))
        gradient = information_gradient_by_leaf(moved, template, daily, binning, slopes).sum(axis=0)
        return -STEEPNESS * value, -STEEPNESS * _by_motion(gradient, motion * scale) * scale

    found = minimize(
        negative_information, np.zeros(6), jac=True, method="BFGS", options={"maxiter": most_steps, "gtol": 1e-3}
    )
    return pose.after(-found.x * scale)


def information_gradient_by_leaf(
    pose: Pose, template: Template, daily: DailySide, binning: Binning, slopes: Float64Array
) -> Float64Array:
    """Each leaf's part (BLOCKS, 6) of the information's derivative by a small motion of the points (mm, rad)."""
    blocks = np.empty((BLOCKS, 6))
    information_gradients(
        daily.normalised,
        daily.volume.weight,
        pose.index_matrix(daily.volume),
        template.points_mm,
        binning.plan_bins,
        np.array(binning.daily_bin),
        BINS,
        slopes,
        blocks,
    )
    return blocks


def _by_motion(gradient: Float64Array, motion: Float64Array) -> Float64Array:
    """The gradient at a moved pose as one by the coordinates of the motion itself: turns do not commute."""
    shift, turn = motion[:3], motion[3:]
    torque = gradient[3:] + np.cross(shift, gradient[:3])
    torque = torque + 0.5 * np.cross(turn, torque) + np.cross(turn, np.cross(turn, torque)) / 6.0
    return np.concatenate([gradient[:3], torque])
