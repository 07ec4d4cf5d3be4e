"""The two metrics behind one face: local correlation within a modality, mutual information between modalities.

A metric says how wide its local normalisation is, scores many poses of a search at once, settles a pose in its basin,
and gives the linear equations there, part by part, that trust is computed from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.ndimage import gaussian_filter

from openigrt.geometry import Float64Array
from openigrt.images import Modality
from openigrt.registration._kernels_cpu import BLOCKS, correlations
from openigrt.registration._kernels_information_cpu import binned_informations
from openigrt.registration.information import (
    Overlay,
    coarse_bins,
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
from openigrt.registration.working_volume import WorkingVolume

PARTS = 16
LEAST_SHARE_SEEN = 0.02
WIDE_WINDOW_MM = 60.0
SEARCH_BINS = 8
BINS = 18
OPINION_BINS = 32
SOFT_WINDOW_HU = (-200.0, 250.0)
SMOOTHING_VOXELS = 1.0
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
    """What a match needs of a metric.

    A metric that `needs_every_voxel` of a region is not content with the points of a level. Where the daily image may
    show a couch, what lies outside the planned body does not count there either (`couch_in_sight`).

    Of two poses, the one of larger score times overlap to the power `overlap_power` is better; the best `candidates` of
    the wide search go on to the middle level, where the search nearby tries `nearby_turns`, and the best `finalists` of
    that to the fine level.
    """

    name: str
    needs_every_voxel: bool
    couch_in_sight: bool
    overlap_power: float
    candidates: int
    finalists: int
    nearby_turns: Sequence[Float64Array]

    def window_mm(self, fitting_mm: float) -> float:
        """Window of the local normalisation, where `fitting_mm` would fit the level."""

    def contrast(self, volume: WorkingVolume, modality: Modality) -> WorkingVolume:
        """What of a volume's gray values is compared, before they are normalised."""

    def pose_scores(self, index_from_points: Float64Array, template: Template, daily: DailySide) -> Float64Array:
        """Score and share of points seen (m, 2) for many poses (m, 3, 4), nearest neighbour."""

    def settle(self, pose: Pose, template: Template, daily: DailySide, tolerance_mm: float) -> Settled | None:
        """The pose at the bottom of the basin; None where the template leaves the image."""

    def scored(self, pose: Pose, template: Template, daily: DailySide) -> Settled | None:
        """A pose as it is, scored as `settle` scores where it ends; None where the template leaves the image."""

    def equations(self, pose: Pose, template: Template, daily: DailySide) -> Equations:
        """Linear equations by leaf at a settled pose."""


class LocalCorrelation:
    """Correlation of locally normalised images, found by robust Gauss-Newton."""

    name = "local correlation"
    needs_every_voxel = False
    couch_in_sight = True
    overlap_power = 0.25
    candidates = 4
    finalists = 1
    nearby_turns: Sequence[Float64Array] = (np.eye(3),)

    def window_mm(self, fitting_mm: float) -> float:
        """As fits the level: shading must vanish."""
        return fitting_mm

    def contrast(self, volume: WorkingVolume, modality: Modality) -> WorkingVolume:
        """All of it."""
        del modality
        return volume

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
        return self._settled(refined.pose, template, plain, refined.sums.weight)

    def scored(self, pose: Pose, template: Template, daily: DailySide) -> Settled | None:
        """The correlation without robust weights."""
        plain = plain_sums(pose, template, daily)
        return self._settled(pose, template, plain, plain.weight)

    def _settled(self, pose: Pose, template: Template, plain: Sums, robust_weight: float) -> Settled | None:
        """What the sums at a pose say; `robust_weight` is what robust weights kept of their weight."""
        if plain.weight < LEAST_SHARE_SEEN * len(template):
            return None
        parts = plain.by_leaf.reshape(PARTS, -1, plain.by_leaf.shape[1]).sum(axis=1)
        left_out = np.array([max(Sums(parts[None].sum(axis=1) - part).correlation, 0.0) for part in parts])
        seen = plain.by_leaf[:, 27] * (BLOCKS / len(template))
        return Settled(pose, max(plain.correlation, 0.0), left_out, seen, robust_weight / plain.weight)

    def equations(self, pose: Pose, template: Template, daily: DailySide) -> Equations:
        """Robust normal equations."""
        refined = refine(pose, template, daily, 4, 1e-3)
        sums = plain_sums(pose, template, daily) if refined is None else refined.sums
        pairs = [normal_equations(leaf) for leaf in sums.by_leaf]
        return Equations(np.array([matrix for matrix, _ in pairs]), np.array([vector for _, vector in pairs]))


class MutualInformation:
    """Normalised mutual information of gray values in a wide window, found by BFGS."""

    name = "mutual information"
    needs_every_voxel = True
    couch_in_sight = False
    overlap_power = 1.0
    candidates = 8
    finalists = 4
    nearby_turns: Sequence[Float64Array] = lattice_of_turns(5.0)

    def window_mm(self, fitting_mm: float) -> float:
        """Wide: what a tissue is called in another modality must stay one gray value over the organ."""
        return max(fitting_mm, WIDE_WINDOW_MM)

    def contrast(self, volume: WorkingVolume, modality: Modality) -> WorkingVolume:
        """Smoothed by a voxel, since noise makes information rough in the pose; of CT what tells soft tissues apart."""
        x_ray = modality in (Modality.CT, Modality.CBCT)
        voxels = np.clip(volume.voxels, *SOFT_WINDOW_HU) if x_ray else volume.voxels
        return replace(volume, voxels=gaussian_filter(voxels, SMOOTHING_VOXELS, mode="nearest", truncate=3.0))

    def pose_scores(self, index_from_points: Float64Array, template: Template, daily: DailySide) -> Float64Array:
        """Information of eight by eight bins, less its bias."""
        plan_bins, daily_bins = coarse_bins(template, daily, SEARCH_BINS)
        scores = np.empty((len(index_from_points), 2))
        binned_informations(daily_bins, index_from_points, template.points_mm, plan_bins, SEARCH_BINS, scores)
        return scores

    def settle(self, pose: Pose, template: Template, daily: DailySide, tolerance_mm: float) -> Settled | None:
        """BFGS on the analytic gradient."""
        del tolerance_mm
        overlay = Overlay.of(template, daily, BINS)
        if overlay.histograms(pose).sum() < LEAST_SHARE_SEEN * len(template):
            return None
        return self._settled(refine_by_information(pose, overlay, 60), template, overlay)

    def scored(self, pose: Pose, template: Template, daily: DailySide) -> Settled | None:
        """The information at the pose."""
        overlay = Overlay.of(template, daily, BINS)
        if overlay.histograms(pose).sum() < LEAST_SHARE_SEEN * len(template):
            return None
        return self._settled(pose, template, overlay)

    def _settled(self, pose: Pose, template: Template, overlay: Overlay) -> Settled:
        """What the joint histograms at a pose say."""
        histograms = overlay.histograms(pose)
        whole = histograms.sum(axis=0)
        parts = histograms.reshape(PARTS, -1, *whole.shape).sum(axis=1)
        score, left_out = normalised_information(whole)[0], [normalised_information(whole - part)[0] for part in parts]
        seen = histograms.sum(axis=(1, 2)) * (BLOCKS / len(template))
        return Settled(pose, score, np.array(left_out), seen, 1.0)

    def equations(self, pose: Pose, template: Template, daily: DailySide) -> Equations:
        """Gradients by leaf; the curvature, by differences of the gradient, is shared evenly among leaves."""
        overlay = Overlay.of(template, daily, BINS)
        _, gradients = overlay.information_and_gradients(pose)
        return Equations(np.broadcast_to(_curvature(pose, overlay) / BLOCKS, (BLOCKS, 6, 6)), -gradients)


def information_opinion(pose: Pose, template: Template, daily: DailySide) -> Pose:
    """Where mutual information would go from a pose near its optimum: one Newton step, at most 8 mm or 4 degrees."""
    overlay = Overlay.of(template, daily, OPINION_BINS)
    _, gradients = overlay.information_and_gradients(pose)
    return pose.after(-solve_motion(_curvature(pose, overlay), gradients.sum(axis=0)))


def _curvature(pose: Pose, overlay: Overlay) -> Float64Array:
    """Minus the second derivative (6, 6) of the information, by differences of its gradient, made definite."""
    scale = np.array([1.0] * 3 + [1.0 / MILLIMETRE_PER_RADIAN] * 3)
    rows = np.empty((6, 6))
    for axis in range(6):
        step = np.zeros(6)
        step[axis] = CURVATURE_STEP_MM * scale[axis]
        behind, ahead = (
            overlay.information_and_gradients(pose.after(-sign * step))[1].sum(axis=0) for sign in (-1.0, 1.0)
        )
        rows[axis] = -(ahead - behind) / (2.0 * step[axis])
    symmetric = 0.5 * (rows + rows.T) * np.outer(scale, scale)
    values, axes = np.linalg.eigh(symmetric)
    values = np.maximum(values, 1e-3 * max(float(values.max()), 1e-12))
    return np.asarray((axes * values) @ axes.T / np.outer(scale, scale))
