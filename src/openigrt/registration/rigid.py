"""Rigid match of an image of the day to the planning image, always in six dimensions, with trust.

A wide search on a coarse lattice, refinement at 8, 4 and 2 mm on locally normalised images under one joint mask, rivals
along the spine, a second metric, and a verdict. Images of one modality are matched by local correlation; of two, by
mutual information, found first through their edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openigrt.errors import MatchImpossible
from openigrt.geometry import Float64Array, RigidTransform, renormalised_rotation
from openigrt.images import Image, Mask, Modality
from openigrt.patient import Match, Rival
from openigrt.registration.estimate import (
    SECOND_OPINION_POINTS,
    Estimate,
    estimate_by_correlation,
    estimate_by_information,
)
from openigrt.registration.refinement import DailySide, Pose, plain_sums, refine
from openigrt.registration.regions import Region, RegionKind, region_flags
from openigrt.registration.rivals import RivalPose, find_rivals, spine_axis
from openigrt.registration.search import ball_of_shifts, lattice_of_turns, wide_search
from openigrt.registration.sides import (
    COARSE,
    FINE,
    MIDDLE,
    Level,
    Picture,
    PlanSide,
    Sources,
    coarse_flags,
    coarse_sides,
    joint_sides,
    prepare,
)
from openigrt.registration.template import Template, make_template, thinned
from openigrt.registration.trust import Evidence, Judgement, judge, pose_difference_mm, score_gap_deviation

SEARCH_RADIUS_MM = 56.0
SEARCH_TURN_DEG = 10.0
LOCAL_SEARCH_MM = 24.0
RIVAL_REACH_MM = 40.0
FINE_REACH_MM = 12.0
COARSE_CANDIDATES = 12
MIDDLE_CANDIDATES = 4


@dataclass(frozen=True, eq=False)
class Question:
    """What a match is asked: which images, from which start, judged where, and how far it may err there.

    `start` (plan from daily) is where the search begins; `target_points_mm` (n, 3) of the plan are judged. `body`, on
    the grid of the planning image, is the body as it was contoured; without it the outline is found from the image.
    """

    planning_image: Image
    daily_image: Image
    start: RigidTransform
    target_points_mm: Float64Array
    allowed_error_mm: float
    body: Mask | None = None
    seed: int = 0

    @property
    def pivot_mm(self) -> Float64Array:
        """Centre of the judged points: what poses turn about."""
        return np.asarray(self.target_points_mm.mean(axis=0))

    @property
    def same_modality(self) -> bool:
        """Whether both images measure X-ray attenuation, so that their gray values lie on a line."""
        x_ray = (Modality.CT, Modality.CBCT)
        return self.planning_image.modality in x_ray and self.daily_image.modality in x_ray

    def pose(self, plan_from_daily: RigidTransform) -> Pose:
        """The pose of a transform about the pivot."""
        daily_from_plan = plan_from_daily.inverse()
        return Pose(daily_from_plan.rotation, daily_from_plan.points(self.pivot_mm))

    def plan_from_daily(self, pose: Pose) -> RigidTransform:
        """The transform of a pose."""
        rotation = renormalised_rotation(pose.rotation.T)
        shift = self.pivot_mm - rotation @ pose.translation_mm
        return RigidTransform(self.planning_image.frame, self.daily_image.frame, rotation, shift)


@dataclass(frozen=True, eq=False)
class Stage:
    """Both sides at one level."""

    level: Level
    plan: PlanSide
    daily: DailySide

    def template(self, region: Region, question: Question, points: int) -> Template | None:
        """Template of a region at this level, with the question's seed."""
        flags = region_flags(region, self.plan.volume, self.plan.body)
        rng = np.random.default_rng(question.seed)
        return make_template(
            self.plan.volume, self.plan.normalised, flags, pivot_mm=question.pivot_mm, limit=points, rng=rng
        )


def match_rigid(question: Question, regions: Sequence[Region]) -> tuple[Match, ...]:
    """Matches of all regions, the first one found by a wide search, the others from there.

    Regions after the first that cannot be matched (too small, outside the field of view) are left out. Raises
    MatchImpossible where the first cannot be matched.
    """
    question.start.require_frames(question.planning_image.frame, question.daily_image.frame, "The start of a match")
    sources = prepare(question.planning_image, question.daily_image, question.body)
    found = _found_widely(question, sources, regions[0])
    middle = _stage(question, sources, MIDDLE, found[0], RIVAL_REACH_MM)
    leading = _at_middle(question, middle, regions[0], found)
    if leading is None:
        raise _impossible(regions[0])
    fine = _stage(question, sources, FINE, leading.estimate.pose, FINE_REACH_MM)
    matches = [_finished(question, leading, fine, regions[0])]
    for region in regions[1:]:
        nearby = _at_middle(question, middle, region, [leading.estimate.pose])
        matches.append(_finished(question, nearby, fine, region) if nearby else None)
    if matches[0] is None:
        raise _impossible(regions[0])
    return tuple(match for match in matches if match is not None)


def _impossible(region: Region) -> MatchImpossible:
    """The error for a region that cannot be matched at all."""
    return MatchImpossible(
        f"The region {region.name} cannot be matched: within 50 mm of the start it does not meet the daily "
        "field of view, or it is too small there. Check that both images show the same part of the body, or give --start.",
        region=region.name,
    )


def _found_widely(question: Question, sources: Sources, region: Region) -> list[Pose]:
    """Poses worth refining, best first, from a wide search on the coarse level.

    Whatever the region, bone is looked for first: nothing else is as unlike its surroundings on a shaded image.
    """
    plan, daily = coarse_sides(sources, _picture(question))
    template = None
    for wanted in (Region("bone", RegionKind.BONE), region, Region("patient", RegionKind.PATIENT)):
        if template is None:
            flags = coarse_flags(sources, wanted)
            rng = np.random.default_rng(question.seed)
            template = make_template(
                plan.volume, plan.normalised, flags, pivot_mm=question.pivot_mm, limit=COARSE.points, rng=rng
            )
    if template is None:
        raise _impossible(region)
    shifts, turns = ball_of_shifts(SEARCH_RADIUS_MM, COARSE.spacing_mm), lattice_of_turns(SEARCH_TURN_DEG)
    starts = wide_search(
        question.pose(question.start), template, daily, shifts=shifts, turns=turns, most=COARSE_CANDIDATES
    )
    refined = [r.pose for r in (refine(pose, template, daily, 12, 0.2) for pose in starts) if r is not None]
    if not refined:
        raise _impossible(region)
    ranked = sorted(refined, key=lambda pose: -_merit(pose, template, daily))
    return _distinct(ranked, template.leaf_centers_mm, COARSE.spacing_mm)[:MIDDLE_CANDIDATES]


def _merit(pose: Pose, template: Template, daily: DailySide) -> float:
    """Correlation, and a little for seeing more: a small overlap agrees with many poses."""
    plain = plain_sums(pose, template, daily)
    return float(plain.correlation * plain.weight**0.25)


def _distinct(poses: Sequence[Pose], points_mm: Float64Array, apart_mm: float) -> list[Pose]:
    """Poses in their order, without those that put all points where a better one puts them: one basin, one place."""
    chosen: list[Pose] = []
    for pose in poses:
        if all(pose_difference_mm(pose, other, points_mm).max() > apart_mm for other in chosen):
            chosen.append(pose)
    return chosen


def _picture(question: Question) -> Picture:
    """What is compared before the modality matters no more: gray values, or edges between modalities."""
    return Picture.GRAY if question.same_modality else Picture.EDGES


def _stage(question: Question, sources: Sources, level: Level, pose: Pose, reach_mm: float) -> Stage:
    """Both sides at a level under one mask, given a pose."""
    plan, daily = joint_sides(sources, level, question.plan_from_daily(pose), reach_mm)
    return Stage(level, plan, daily)


def _estimate(question: Question, pose: Pose, template: Template, stage: Stage) -> Estimate | None:
    """Refinement with the metric that fits the modalities."""
    if question.same_modality:
        return estimate_by_correlation(pose, template, stage.daily, 20, 0.002 * stage.level.spacing_mm)
    return estimate_by_information(pose, template, stage.daily, 40)


@dataclass(frozen=True, eq=False)
class Leading:
    """The best estimate of a region at the middle level, the rivals that it beat, and how far it is seen."""

    estimate: Estimate
    rivals: tuple[RivalPose, ...]
    axis: Float64Array
    seen_length_mm: float


def _at_middle(question: Question, stage: Stage, region: Region, poses: Sequence[Pose]) -> Leading | None:
    """The best estimate from several poses and their surroundings; a rival that beats it takes its place."""
    template = stage.template(region, question, stage.level.points)
    if template is None:
        return None
    sparse = thinned(template, COARSE.points)
    shifts = ball_of_shifts(LOCAL_SEARCH_MM, 1.5 * stage.level.spacing_mm)
    starts = list(poses) + wide_search(poses[0], sparse, stage.daily, shifts=shifts, most=3)
    best = _best(question, template, stage, starts)
    if best is None:
        return None
    bone = region_flags(Region("bone", RegionKind.BONE), stage.plan.volume, stage.plan.body)
    axis = spine_axis(stage.plan.volume, bone)
    rivals = find_rivals(best, template, stage.daily, axis)
    if rivals and max(rival.score for rival in rivals) > best.score:
        best = _best(question, template, stage, [best.pose, *(rival.pose for rival in rivals)]) or best
        rivals = find_rivals(best, template, stage.daily, axis)
    return Leading(best, tuple(rivals), axis, _seen_length_mm(best, template, axis))


def _best(question: Question, template: Template, stage: Stage, starts: Sequence[Pose]) -> Estimate | None:
    """The estimate of highest score from several starts; None where all of them leave the image."""
    estimates = [e for e in (_estimate(question, pose, template, stage) for pose in starts) if e is not None]
    return max(estimates, key=lambda e: e.score * e.overlap**0.25, default=None)


def _seen_length_mm(estimate: Estimate, template: Template, axis: Float64Array) -> float:
    """Length along the spine over which leaves of the region lie inside the field of view."""
    seen = estimate.score_sums[:, 0] > 0.3 * len(template) / len(estimate.score_sums)
    along = template.leaf_centers_mm[seen] @ axis
    return float(np.ptp(along)) if len(along) > 1 else 0.0


def _finished(question: Question, leading: Leading, stage: Stage, region: Region) -> Match | None:
    """The match at the fine level, with its second opinion, rivals and trust."""
    template = stage.template(region, question, stage.level.points)
    estimate = _estimate(question, leading.estimate.pose, template, stage) if template else None
    if template is None or estimate is None:
        return None
    evidence = Evidence(
        estimate,
        template,
        _second_opinion(question, estimate, template, stage),
        tuple(Rival(r.offset_mm, r.score, leading.estimate.score - r.score) for r in leading.rivals),
        max((score_gap_deviation(leading.estimate.score_sums, r.score_sums) for r in leading.rivals), default=0.0),
        leading.axis,
        leading.seen_length_mm,
    )
    judgement = Judgement(question.target_points_mm - question.pivot_mm, question.allowed_error_mm)
    plan_from_daily = question.plan_from_daily(estimate.pose)
    overlap = leading.estimate.overlap
    return Match(region.name, estimate.metric, plan_from_daily, estimate.score, overlap, judge(evidence, judgement))


def _second_opinion(question: Question, estimate: Estimate, template: Template, stage: Stage) -> Pose | None:
    """The pose of the other metric, from the same start, on fewer points; None between modalities."""
    if not question.same_modality:
        return None
    other = estimate_by_information(estimate.pose, thinned(template, SECOND_OPINION_POINTS), stage.daily, 15)
    return other.pose if other is not None else None
