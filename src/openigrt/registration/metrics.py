"""The two metrics behind one face: local correlation within a modality, mutual information between modalities.

A metric says how wide its local normalisation is, scores many poses of a search at once, settles a pose in its basin,
and gives the linear equations there, part by part, that trust is computed from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.registration._kernels_cpu import BLOCKS, correlations
from openigrt.registration._kernels_information_cpu import binned_informations
from openigrt.registration.information import (
    Binning,
    binning_of,
    coarse_bins,
    information,
    information_gradient_by_leaf,
    leaf_histograms,
    normalised_information,
    refine_by_information,
)
from openigrt.registration.lattices import lattice_of_turns
from openigrt.registration.refinement import (
    MILLIMETRE_PER_RADIAN,
    DailySide,
    Pose,
    Sums,
    normal_equations,
    plain_sums,
    refine,
    solve_motion,
)
from openigrt.registration.template import Template

PARTS = 16
LEAST_SHARE_SEEN = 0.02
WIDE_WINDOW_MM = 60.0
SEARCH_BINS = 8
CURVATURE_STEP_MM = 0.5


@dataclass(frozen=True, eq=False)
class Settled:
    """A pose at the bottom of its basin.

    `score` is 0 to 1, `scores_left_out` (PARTS,) the score with each compact part left out; `seen` (BLOCKS,) is the
    share of each leaf of the template inside the field of view, `agreement` the share that robust weights kept.
    """

    pose: Pose
    score: float
    scores_left_out: Float64Array
    seen: Float64Array
    agreement: float

    @property
    def overlap(self) -> float:
        """Share of the template inside the field of view."""
        return float(self.seen.mean())


@dataclass(frozen=True, eq=False)
class Equations:
    """Each leaf's part of the linear equations for a further motion: `matrices` (BLOCKS, 6, 6), `vectors` (BLOCKS, 6).

    Motions are shift (mm) and turn (rad) of the planning side about the pivot.
    """

    matrices: Float64Array
    vectors: Float64Array


class Metric(Protocol):
    """What a match needs of a metric; `skin_margin_mm` is how much air round the body it looks at.

    Of two poses, the one of larger score times overlap to the power `overlap_power` is better; the best `candidates` of
    the wide search go on, and the search nearby tries `nearby_turns`.
    """

    name: str
    skin_margin_mm: float
    overlap_power: float
    candidates: int
    nearby_turns: Sequence[Float64Array]

    def window_mm(self, fitting_mm: float) -> float:
        """Window of the local normalisation, where `fitting_mm` would fit the level."""

    def pose_scores(self, index_from_points: Float64Array, template: Template, daily: DailySide) -> Float64Array:
        """Score and share of points seen (m, 2) for many poses (m, 3, 4), nearest neighbour."""

    def settle(self, pose: Pose, template: Template, daily: DailySide, tolerance_mm: float) -> Settled | None:
        """The pose at the bottom of the basin; None where the template leaves the image."""

    def equations(self, pose: Pose, template: Template, daily: DailySide) -> Equations:
        """Linear equations by leaf at a settled pose."""


class LocalCorrelation:
    """Correlation of locally normalised images, found by robust Gauss-Newton."""

    name = "local correlation"
    skin_margin_mm = 0.0
    overlap_power = 0.25
    candidates = 4
    nearby_turns: Sequence[Float64Array] = (np.eye(3),)

    def window_mm(self, fitting_mm: float) -> float:
        """As fits the level: shading must vanish."""
        return fitting_mm

    def pose_scores(self, index_from_points: Float64Array, template: Template, daily: DailySide) -> Float64Array:
        """Plain correlation of each pose."""
        scores = np.empty((len(index_from_points), 2))
        correlations(
            daily.normalised, daily.volume.weight, index_from_points, template.points_mm, template.values, scores
        )
        return scores

    def settle(self, pose: Pose, template: Template, daily: DailySide, tolerance_mm: float) -> Settled | None:
        """Gauss-Newton, then the correlation without robust weights."""
        refined = refine(pose, template, daily, 20, tolerance_mm)
        if refined is None:
            return None
        plain = plain_sums(refined.pose, template, daily)
        if plain.weight < LEAST_SHARE_SEEN * len(template):
            return None
        parts = plain.by_leaf.reshape(PARTS, -1, plain.by_leaf.shape[1]).sum(axis=1)
        left_out = np.array([max(Sums(parts[None].sum(axis=1) - part).correlation, 0.0) for part in parts])
        seen = plain.by_leaf[:, 27] * (BLOCKS / len(template))
        agreement = refined.sums.weight / plain.weight
        return Settled(refined.pose, max(plain.correlation, 0.0), left_out, seen, agreement)

    def equations(self, pose: Pose, template: Template, daily: DailySide) -> Equations:
        """Robust normal equations."""
        refined = refine(pose, template, daily, 4, 1e-3)
        sums = plain_sums(pose, template, daily) if refined is None else refined.sums
        pairs = [normal_equations(leaf) for leaf in sums.by_leaf]
        return Equations(np.array([matrix for matrix, _ in pairs]), np.array([vector for _, vector in pairs]))


class MutualInformation:
    """Mutual information of gray values in a wide window, found by BFGS."""

    name = "mutual information"
    skin_margin_mm = 8.0
    overlap_power = 1.0
    candidates = 8
    nearby_turns: Sequence[Float64Array] = lattice_of_turns(5.0)

    def window_mm(self, fitting_mm: float) -> float:
        """Wide: what a tissue is called in another modality must stay one gray value over the organ."""
        return max(fitting_mm, WIDE_WINDOW_MM)

    def pose_scores(self, index_from_points: Float64Array, template: Template, daily: DailySide) -> Float64Array:
        """Information of eight by eight bins, less its bias."""
        plan_bins, daily_bins = coarse_bins(template, daily, SEARCH_BINS)
        scores = np.empty((len(index_from_points), 2))
        binned_informations(daily_bins, index_from_points, template.points_mm, plan_bins, SEARCH_BINS, scores)
        return scores

    def settle(self, pose: Pose, template: Template, daily: DailySide, tolerance_mm: float) -> Settled | None:
        """BFGS on the analytic gradient."""
        del tolerance_mm
        binning = binning_of(template, daily)
        if leaf_histograms(pose, template, daily, binning).sum() < LEAST_SHARE_SEEN * len(template):
            return None
        best = refine_by_information(pose, template, daily, binning, 30)
        histograms = leaf_histograms(best, template, daily, binning)
        whole = histograms.sum(axis=0)
        parts = histograms.reshape(PARTS, -1, *whole.shape).sum(axis=1)
        left_out = np.array([normalised_information(whole - part) for part in parts])
        seen = histograms.sum(axis=(1, 2)) * (BLOCKS / len(template))
        return Settled(best, normalised_information(whole), left_out, seen, 1.0)

    def equations(self, pose: Pose, template: Template, daily: DailySide) -> Equations:
        """Gradients by leaf; the curvature, by differences of the gradient, is shared evenly among leaves."""
        binning = binning_of(template, daily)
        gradient = _gradient_by_leaf(pose, template, daily, binning)
        curvature = _curvature(pose, template, daily, binning)
        return Equations(np.broadcast_to(curvature / BLOCKS, (BLOCKS, 6, 6)), -gradient)


def information_opinion(pose: Pose, template: Template, daily: DailySide) -> Pose:
    """Where mutual information would go from a pose near its optimum: one Newton step, at most 8 mm or 4 degrees."""
    binning = binning_of(template, daily)
    gradient = _gradient_by_leaf(pose, template, daily, binning).sum(axis=0)
    motion = solve_motion(_curvature(pose, template, daily, binning), gradient)
    return pose.after(-motion)


def _gradient_by_leaf(pose: Pose, template: Template, daily: DailySide, binning: Binning) -> Float64Array:
    """Each leaf's part (BLOCKS, 6) of the derivative of the information at a pose."""
    _, slopes = information(leaf_histograms(pose, template, daily, binning).sum(axis=0))
    return information_gradient_by_leaf(pose, template, daily, binning, slopes)


def _curvature(pose: Pose, template: Template, daily: DailySide, binning: Binning) -> Float64Array:
    """Minus the second derivative (6, 6) of the information, by differences of its gradient, made definite."""
    scale = np.array([1.0] * 3 + [1.0 / MILLIMETRE_PER_RADIAN] * 3)
    rows = np.empty((6, 6))
    for axis in range(6):
        step = np.zeros(6)
        step[axis] = CURVATURE_STEP_MM * scale[axis]
        behind, ahead = (
            _gradient_by_leaf(pose.after(-sign * step), template, daily, binning).sum(axis=0) for sign in (-1.0, 1.0)
        )
        rows[axis] = -(ahead - behind) / (2.0 * step[axis])
    symmetric = 0.5 * (rows + rows.T) * np.outer(scale, scale)
    values, axes = np.linalg.eigh(symmetric)
    values = np.maximum(values, 1e-3 * max(float(values.max()), 1e-12))
    return np.asarray((axes * values) @ axes.T / np.outer(scale, scale))
