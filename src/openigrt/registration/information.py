"""Mutual information of planning and daily values over a template, normalised, with its analytic gradient.

The metric for images of other modality, and the second opinion on those of the same: it knows nothing of a line between
gray values, only that they belong together (Viola and Wells 1997; Mattes 2003). Plain information also grows where the
template meets richer parts of the image, and so settles beside the truth; normalised by both entropies it hardly does
(Studholme 1999).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration._kernels_information_cpu import information_gradients, joint_histograms
from openigrt.registration.refinement import MILLIMETRE_PER_RADIAN, DailySide, Pose
from openigrt.registration.template import Template
from openigrt.registration.working_volume import Voxels

PRIOR_COUNT = 1e-9
WIDEST_BASIN_MM = 20.0
GRADIENT_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False)
class Overlay:
    """A template laid over a daily side: what their mutual information is a function of the pose of.

    Both are sorted into `bins`: `plan_bins` (n,) is the planning bin of each point, `daily_bin` scale and offset from
    daily value to bin.
    """

    template: Template
    daily: DailySide
    bins: int
    plan_bins: NDArray[np.int64]
    daily_bin: Float64Array

    @classmethod
    def of(cls, template: Template, daily: DailySide, bins: int) -> "Overlay":
        """Bins over the central 99 % of planning and of daily values that count."""
        low, high = np.percentile(template.values, [0.5, 99.5])
        plan_bins = np.clip((template.values - low) / max(high - low, 1e-12) * bins, 0, bins - 1).astype(np.int64)
        daily_low, daily_high = np.percentile(_counting(daily), [0.5, 99.5])
        scale = (bins - 4.0) / max(daily_high - daily_low, 1e-12)
        return cls(template, daily, bins, plan_bins, np.array([scale, 1.5 - daily_low * scale]))

    def histograms(self, pose: Pose) -> Float64Array:
        """Joint histograms (BLOCKS, plan bins, daily bins) at a pose, one per leaf, in weighted points."""
        histograms = np.empty((BLOCKS, self.bins, self.bins))
        joint_histograms(*self._seen(pose), self.bins, histograms)
        return histograms

    def information_and_gradients(self, pose: Pose) -> tuple[float, Float64Array]:
        """Normalised information, and each leaf's part (BLOCKS, 6) of its derivative by a small motion (mm, rad)."""
        value, slopes = normalised_information(self.histograms(pose).sum(axis=0))
        blocks = np.empty((BLOCKS, 6))
        information_gradients(*self._seen(pose), slopes, blocks)
        return value, blocks

    def _seen(self, pose: Pose) -> tuple[Voxels, Voxels, Float64Array, Float64Array, NDArray[np.int64], Float64Array]:
        """What both kernels read: daily values and weights, where a pose sees the points, and the bins."""
        volume = self.daily.volume
        index_from_point = pose.index_matrix(volume)
        return (
            self.daily.normalised,
            volume.weight,
            index_from_point,
            self.template.points_mm,
            self.plan_bins,
            self.daily_bin,
        )


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


def normalised_information(histogram: Float64Array) -> tuple[float, Float64Array]:
    """Mutual information over the mean of both entropies, 0 to 1, and its derivative by each cell (plan, daily)."""
    total = max(float(histogram.sum()), PRIOR_COUNT)
    joint = histogram / total + PRIOR_COUNT
    logs = [np.log(p) for p in (joint, joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True))]
    entropy, *singles = (-float((joint * log).sum()) for log in logs)
    both = max(sum(singles), PRIOR_COUNT)
    by_joint = -(logs[1] + logs[2]) * entropy / both**2 + logs[0] / both
    slopes = 2.0 * (by_joint - float((joint * by_joint).sum())) / total
    return 2.0 * (both - entropy) / both, slopes


def refine_by_information(pose: Pose, overlay: Overlay, most_steps: int) -> Pose:
    """The pose of largest normalised information near `pose`, by BFGS on shift (mm) and turn (scaled to mm at 60 mm).

    It stays within 20 mm of each: information alone, of ever fewer points, can lead out of any basin.
    """
    from scipy.optimize import minimize  # noqa: PLC0415  (a second to load that X-ray images never need)

    scale = np.array([1.0] * 3 + [1.0 / MILLIMETRE_PER_RADIAN] * 3)

    def negative_information(motion: Float64Array) -> tuple[float, Float64Array]:
        value, gradients = overlay.information_and_gradients(pose.after(-motion * scale))
        by_motion = _by_motion(gradients.sum(axis=0), motion * scale)
        return -value, -by_motion * scale

    found = minimize(
        negative_information,
        np.zeros(6),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-WIDEST_BASIN_MM, WIDEST_BASIN_MM)] * 6,
        options={"maxiter": most_steps, "ftol": 1e-9, "gtol": GRADIENT_TOLERANCE},
    )
    return pose.after(-found.x * scale)


def _by_motion(gradient: Float64Array, motion: Float64Array) -> Float64Array:
    """The gradient at a moved pose as one by the coordinates of the motion itself: turns do not commute."""
    shift, turn = motion[:3], motion[3:]
    torque = gradient[3:] + np.cross(shift, gradient[:3])
    torque = torque + 0.5 * np.cross(turn, torque) + np.cross(turn, np.cross(turn, torque)) / 6.0
    return np.concatenate([gradient[:3], torque])
