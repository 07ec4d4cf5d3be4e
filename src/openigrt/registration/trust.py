"""How far a match can be trusted: predicted error, rivals, verdict.

The predicted error is a 95 % bound over the judged points. It is made of what leaving out parts of the region changes
(a jackknife over compact parts, one linear step each), of how much left and right, and slabs along the spine, disagree,
of what a second metric says, of where the parts nearest the judged points lie when they are matched by themselves, and
of a calibrated floor. It says nothing of anatomy outside the region.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.patient import Rival, Trust, Verdict
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.metrics import PARTS, Equations, Settled
from openigrt.registration.refinement import Pose
from openigrt.registration.template import Template

NORMAL_95 = 1.96
UNKNOWN_MM = 50.0
NO_RIVAL = Rival(0.0, 0.0, 1.0)
LEVEL_APART_MM = 8.0


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Limits of trust, set by hand on known cases; docs/reference/figures.md shows them beside held-out ones."""

    floor_mm: float = 0.3
    parts_factor: float = 1.5
    halves_factor: float = 1.0
    metrics_factor: float = 0.5
    nearest_factor: float = 1.25
    least_score: float = 0.3
    least_score_to_look: float = 0.12
    least_information_to_look: float = 0.05
    least_overlap: float = 0.3
    least_agreement: float = 0.53
    most_parts_apart_mm: float = 0.6
    parts_apart_in_sharp_images_mm: float = 0.3
    parts_apart_by_noise_mm: float = 2.0
    least_rival_gap: float = 0.08
    least_rival_gap_in_deviations: float = 3.0
    least_length_along_spine_mm: float = 45.0

    def parts_apart_allowed_mm(self, score: Float64Array | float) -> Float64Array:
        """How far parts may lie apart: little where the images agree well, since then noise does not move them."""
        by_score = self.parts_apart_in_sharp_images_mm + self.parts_apart_by_noise_mm * (1.0 - np.asarray(score))
        return np.minimum(by_score, self.most_parts_apart_mm)


SETTINGS = TrustSettings()


@dataclass(frozen=True, eq=False)
class Judgement:
    """On what a match is judged: points (n, 3) of the plan relative to the pivot, and the error allowed there."""

    points_mm: Float64Array
    allowed_error_mm: float


def displacement_mm(motion: Float64Array, points_mm: Float64Array) -> Float64Array:
    """Displacement (n, 3) of points by a small motion (shift mm, turn rad) about the pivot."""
    return np.asarray(motion[:3] + np.cross(motion[3:], points_mm))


def pose_difference_mm(first: Pose, second: Pose, points_mm: Float64Array) -> Float64Array:
    """Distances (n,) between where two poses see planning points, mm."""
    a = points_mm @ first.rotation.T + first.translation_mm
    b = points_mm @ second.rotation.T + second.translation_mm
    return np.asarray(np.linalg.norm(a - b, axis=1))


def jackknife_error_mm(equations: Equations, points_mm: Float64Array) -> float:
    """Standard error of the worst judged point, from leaving out each of PARTS compact parts once (Tukey).

    Cut at 50 mm, beyond which the linear model says nothing.
    """
    per_part = BLOCKS // PARTS
    matrices = equations.matrices.reshape(PARTS, per_part, 6, 6).sum(axis=1)
    vectors = equations.vectors.reshape(PARTS, per_part, 6).sum(axis=1)
    matrix, vector = matrices.sum(axis=0), vectors.sum(axis=0)
    motions = np.array([_solved(matrix - m, vector - v) for m, v in zip(matrices, vectors, strict=True)])
    moved = np.array([displacement_mm(motion, points_mm) for motion in motions])
    spread = ((moved - moved.mean(axis=0)) ** 2).sum(axis=(0, 2)) * (PARTS - 1) / PARTS
    return min(float(np.sqrt(spread.max())), UNKNOWN_MM)


def halves_error_mm(
    equations: Equations, centers_mm: Float64Array, along: Float64Array, points_mm: Float64Array
) -> float:
    """Largest disagreement at the judged points between the two halves of the region along a direction."""
    side = centers_mm @ along
    upper = side > np.median(side)
    motions = [
        _solved(equations.matrices[half].sum(axis=0), equations.vectors[half].sum(axis=0)) for half in (upper, ~upper)
    ]
    difference = displacement_mm(motions[0], points_mm) - displacement_mm(motions[1], points_mm)
    return min(float(np.linalg.norm(difference, axis=1).mean()), UNKNOWN_MM)


def _solved(matrix: Float64Array, vector: Float64Array) -> Float64Array:
    """Solution of linear equations that may be weak in some direction: a ridge of a thousandth of the mean diagonal."""
    ridge = 1e-3 * np.diag(matrix)
    return np.asarray(np.linalg.solve(matrix + np.diag(ridge + 1e-9), vector))


def score_gap_deviation(best: Settled, rival: Settled) -> float:
    """Standard deviation of the gap between two scores, by leaving out each of PARTS compact parts once."""
    gaps = best.scores_left_out - rival.scores_left_out
    return float(np.sqrt((PARTS - 1) * np.var(gaps)))


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that speaks for or against one match."""

    settled: Settled
    equations: Equations
    template: Template
    second_opinion: Pose | None
    rivals: Sequence[Rival]
    spine_axis: Float64Array
    seen_length_mm: float
    nearest_shift_mm: float = 0.0
    parts_apart_mm: float = 0.0
    by_information: bool = False

    def figures(self, settings: TrustSettings) -> Mapping[str, float]:
        """The figures that the verdict rests on, by name; of the rivals, the one that is told apart least surely."""
        return {
            "by_information": float(self.by_information),
            "score": self.settled.score,
            "overlap": self.settled.overlap,
            "agreement": self.settled.agreement,
            "parts_apart_mm": self.parts_apart_mm,
            **rival_figures(self.rivals, settings),
            "seen_length_mm": self.seen_length_mm,
        }


def rival_figures(rivals: Sequence[Rival], settings: TrustSettings) -> dict[str, float]:
    """Of rivals, the gap to the one that is told apart least surely, and its deviation."""
    deviations = settings.least_rival_gap_in_deviations
    nearest = min(rivals, key=lambda r: r.score_gap - deviations * r.gap_deviation, default=NO_RIVAL)
    return {"rival_gap": nearest.score_gap, "rival_deviation": nearest.gap_deviation}


def judge(evidence: Evidence, judgement: Judgement, settings: TrustSettings = SETTINGS) -> Trust:
    """Predicted error and verdict with reasons."""
    parts = error_parts_mm(evidence, judgement.points_mm, settings)
    trust = judge_figures(evidence.figures(settings), parts, judgement.allowed_error_mm, settings)
    return replace(trust, rivals=tuple(evidence.rivals))


def judge_figures(
    figures: Mapping[str, float], parts_mm: Mapping[str, float], allowed_error_mm: float, settings: TrustSettings
) -> Trust:
    """The verdict that `Evidence.figures` and the parts of the predicted error lead to."""
    predicted = float(np.sqrt(sum(value**2 for value in parts_mm.values())))
    refusals = _reasons_to_refuse(figures, settings)
    doubts = _reasons_to_look(figures, settings)
    if predicted > allowed_error_mm:
        doubts.append(f"The predicted error of {predicted:.2f} mm is above the allowed {allowed_error_mm:.2f} mm.")
    if refusals:
        return Trust(Verdict.REFUSED, predicted, tuple(refusals + doubts), parts_mm, evidence=figures)
    if doubts:
        return Trust(Verdict.LOOK, predicted, tuple(doubts), parts_mm, evidence=figures)
    reason = f"The predicted error of {predicted:.1f} mm is within the allowed {allowed_error_mm:.1f} mm."
    return Trust(Verdict.TRUSTED, predicted, (reason,), parts_mm, evidence=figures)


def with_level_of(
    level: Trust, apart_mm: float, own: Trust, allowed_error_mm: float, settings: TrustSettings = SETTINGS
) -> Trust:
    """A verdict where a trusted match on bone settles the vertebral level.

    A short region cannot tell one level from the next, and its rivals there may match as well. A match on bone that is
    trusted can tell, and what lies less than half a level from it (`apart_mm`, at the judged points) lies on the same.
    Rivals that may be as near to bone's answer stay.
    """
    if level.verdict is not Verdict.TRUSTED or apart_mm >= LEVEL_APART_MM:
        return own
    near = [rival for rival in own.rivals if abs(rival.offset_mm) - apart_mm < LEVEL_APART_MM]
    figures = {
        **own.evidence,
        **rival_figures([*near, *level.rivals], settings),
        "seen_length_mm": level.evidence["seen_length_mm"],
    }
    settled = judge_figures(figures, own.error_parts_mm, allowed_error_mm, settings)
    if settled.reasons == own.reasons:
        return own
    reason = f"The level is that of the trusted match on bone, at most {apart_mm:.1f} mm from this one."
    return replace(settled, reasons=(*settled.reasons, reason), rivals=own.rivals)


def error_parts_mm(evidence: Evidence, points_mm: Float64Array, settings: TrustSettings) -> Mapping[str, float]:
    """What the predicted error is made of, each a 95 % bound in mm."""
    equations, template = evidence.equations, evidence.template
    centers = template.leaf_centers_mm
    halves = max(
        halves_error_mm(equations, centers, along, points_mm)
        for along in (np.array([1.0, 0.0, 0.0]), evidence.spine_axis)
    )
    second = evidence.second_opinion
    metrics = 0.0 if second is None else float(pose_difference_mm(evidence.settled.pose, second, points_mm).max())
    return {
        "floor": settings.floor_mm,
        "parts left out": settings.parts_factor * NORMAL_95 * jackknife_error_mm(equations, points_mm),
        "halves": settings.halves_factor * halves,
        "second metric": settings.metrics_factor * metrics,
        "nearest part": settings.nearest_factor * evidence.nearest_shift_mm,
    }


def _reasons_to_refuse(figures: Mapping[str, float], settings: TrustSettings) -> list[str]:
    """Why nothing may be done with the match."""
    reasons = []
    by_information = bool(figures["by_information"])
    least = settings.least_information_to_look if by_information else settings.least_score_to_look
    if figures["score"] < least:
        reasons.append(
            f"The images hardly resemble each other in this region (score {figures['score']:.2f}, "
            f"at least {least:.2f} is needed)."
        )
    if figures["rival_gap"] <= 0.0:
        reasons.append("Another vertebral level matches as well or better: the level is not known.")
    return reasons


def _reasons_to_look(figures: Mapping[str, float], settings: TrustSettings) -> list[str]:
    """Why a person must look before the match is used."""
    reasons = []
    if figures["by_information"]:
        reasons.append("Images were compared by mutual information: no such match is trusted as yet; compare by eye.")
    elif figures["score"] < settings.least_score:
        reasons.append(f"The score of {figures['score']:.2f} is low (below {settings.least_score:.2f}).")
    if figures["overlap"] < settings.least_overlap:
        reasons.append(f"Only {100.0 * figures['overlap']:.0f} % of the region lies in the daily field of view.")
    if figures["agreement"] < settings.least_agreement:
        reasons.append(f"Only {100.0 * figures['agreement']:.0f} % of the region agrees with one rigid motion.")
    apart_mm, allowed_mm = figures["parts_apart_mm"], float(settings.parts_apart_allowed_mm(figures["score"]))
    if apart_mm > allowed_mm:
        reasons.append(
            f"Half of the parts of the region lie {apart_mm:.2f} mm or more from where the whole says "
            f"({allowed_mm:.2f} mm is allowed): it bent, or it is another patient."
        )
    if figures["seen_length_mm"] < settings.least_length_along_spine_mm:
        reasons.append(
            f"Only {figures['seen_length_mm']:.0f} mm of the region along the spine are seen: "
            "fewer than two vertebral levels, so the level cannot be told."
        )
    gap = figures["rival_gap"]
    needed = max(settings.least_rival_gap, settings.least_rival_gap_in_deviations * figures["rival_deviation"])
    if 0.0 < gap < needed:
        reasons.append(f"A neighboring level matches almost as well (score gap {gap:.2f}, {needed:.2f} is needed).")
    return reasons
