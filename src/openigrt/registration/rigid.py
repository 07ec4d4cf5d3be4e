"""Rigid match of an image of the day to the planning image, always in six dimensions, with trust.

A wide search on a coarse lattice, refinement at 8, 4 and 2 mm on locally normalised images under one joint mask, rivals
along the spine, a second metric, and a verdict. Images that measure X-ray attenuation are matched by local correlation,
others by mutual information.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from openigrt.errors import InputError, MatchImpossible
from openigrt.geometry import Float64Array, RigidTransform, renormalised_rotation, require_same_frame
from openigrt.images import Image, Mask, Modality
from openigrt.patient import Match, Rival, Verdict
from openigrt.registration.lattices import ball_of_shifts, lattice_of_turns
from openigrt.registration.metrics import LocalCorrelation, Metric, MutualInformation, Settled, information_opinion
from openigrt.registration.parts import nearest_shift_mm, parts_apart_mm
from openigrt.registration.refinement import DailySide, Pose
from openigrt.registration.regions import Flags, Region, RegionKind, region_flags
from openigrt.registration.rivals import RivalPose, find_rivals, spine_axis
from openigrt.registration.search import wide_search
from openigrt.registration.sides import (
    COARSE,
    FINE,
    MIDDLE,
    Level,
    PlanSide,
    PlanSource,
    Sources,
    coarse_flags,
    coarse_sides,
    joined,
    joint_sides,
    prepare_plan,
)
from openigrt.registration.template import Template, make_template, thinned
from openigrt.registration.trust import (
    Evidence,
    Judgement,
    judge,
    pose_difference_mm,
    score_gap_deviation,
    with_level_of,
)

SEARCH_RADIUS_MM = 56.0
SEARCH_TURN_DEG = 10.0
LOCAL_SEARCH_MM = 24.0
RIVAL_REACH_MM = 40.0
FINE_REACH_MM = 12.0
COARSE_CANDIDATES = 12
NEARBY_CANDIDATES = 3
DECIDING_TURN_DEG = 3.0
SECOND_OPINION_POINTS = 8192
BONE = Region("bone", RegionKind.BONE)
PATIENT = Region("patient", RegionKind.PATIENT)


@dataclass(frozen=True, eq=False)
class Question:
    """What a match is asked: which images, from which start, judged where, and how far it may err there.

    `starts` (plan from daily) is where the search begins, at each of them; `target_points_mm` (n, 3) of the plan are
    judged. `body`, on the grid of the planning image, is the body as it was contoured; without it the outline is found
    from the image. `plan_source` is what `prepare_plan` made of both, where many images meet one plan.
    """

    planning_image: Image
    daily_image: Image
    starts: tuple[RigidTransform, ...]
    target_points_mm: Float64Array
    allowed_error_mm: float
    body: Mask | None = None
    seed: int = 0
    plan_source: PlanSource | None = None

    def __post_init__(self) -> None:
        """Raise InputError where there is nowhere to begin, FrameMismatch for the planning side of another plan."""
        if not self.starts:
            raise InputError("A match needs a transform to start from; the question has none.")
        if self.plan_source is not None:
            require_same_frame(self.plan_source.image.frame, self.planning_image.frame, "The planning side of a match")

    def sources(self) -> Sources:
        """What every level is made from."""
        return joined(self.plan_source or prepare_plan(self.planning_image, self.body), self.daily_image)

    @property
    def pivot_mm(self) -> Float64Array:
        """Centre of the judged points: what poses turn about."""
        return np.asarray(self.target_points_mm.mean(axis=0))

    @property
    def metric(self) -> Metric:
        """Local correlation where both images measure X-ray attenuation, mutual information otherwise."""
        x_ray = (Modality.CT, Modality.CBCT)
        same = self.planning_image.modality in x_ray and self.daily_image.modality in x_ray
        return LocalCorrelation() if same else MutualInformation()

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
    """Both sides at one level, and how they are compared there."""

    question: Question
    level: Level
    plan: PlanSide
    daily: DailySide

    def template(self, flags: Flags) -> Template | None:
        """Template of voxels of the planning side, drawn with the question's seed."""
        points = flags.size if self.question.metric.needs_every_voxel else self.level.points
        rng = np.random.default_rng(self.question.seed)
        pivot_mm = self.question.pivot_mm
        return make_template(self.plan.volume, self.plan.normalised, flags, pivot_mm=pivot_mm, limit=points, rng=rng)

    def region_template(self, region: Region) -> Template | None:
        """Template of a region at this level."""
        return self.template(region_flags(region, self.plan.volume, self.plan.body))

    def demerit(self, settled: Settled) -> float:
        """For sorting: minus the score, with a little for seeing more, since a small overlap agrees with many poses."""
        return float(-settled.score * settled.overlap**self.question.metric.overlap_power)

    def settled(self, poses: Sequence[Pose], template: Template) -> list[Settled]:
        """Each pose at the bottom of its basin, best first, basins that were met before left out."""
        metric, tolerance_mm = self.question.metric, self.level.tolerance_mm
        tried = (metric.settle(pose, template, self.daily, tolerance_mm) for pose in poses)
        found = [settled for settled in tried if settled is not None]
        return _distinct(sorted(found, key=self.demerit), template.leaf_centers_mm, self.level.spacing_mm)


def _distinct(found: Sequence[Settled], points_mm: Float64Array, apart_mm: float) -> list[Settled]:
    """Without those that put all points where a better one puts them: one basin, one place."""
    chosen: list[Settled] = []
    for settled in found:
        if all(pose_difference_mm(settled.pose, other.pose, points_mm).max() > apart_mm for other in chosen):
            chosen.append(settled)
    return chosen


@dataclass(frozen=True, eq=False)
class Leading:
    """The best pose of a region at the middle level, the rivals that it beat, and how far it is seen.

    `finalists` are poses that may yet be better at the fine level, best first; that one starts from the first.
    """

    settled: Settled
    finalists: tuple[Pose, ...]
    rivals: tuple[RivalPose, ...]
    axis: Float64Array
    seen_length_mm: float

    @property
    def start(self) -> Pose:
        """Where the fine level starts."""
        return self.finalists[0]


@dataclass(frozen=True, eq=False)
class FoundMatch:
    """A match with the stages that it was found on, for regions that start from it."""

    match: Match
    leading: Leading
    middle: Stage
    fine: Stage


def match_rigid(question: Question, regions: Sequence[Region]) -> tuple[Match, ...]:
    """Matches of all regions, the first one found by a wide search, the others from there.

    Where the first is not trusted and another region is refused there, that one is looked for by itself: a bad start
    says nothing about it. Regions after the first that cannot be matched (too small, outside the field of view) are
    left out. Raises MatchImpossible where the first cannot be matched.
    """
    for start in question.starts:
        start.require_frames(question.planning_image.frame, question.daily_image.frame, "The start of a match")
    sources = question.sources()
    found = _found_widely(question, sources, regions[0])
    first = _found_match(question, sources, regions[0], found)
    if first is None:
        raise _impossible(regions[0])
    tried = [first.match, *(_other_match(question, sources, region, found, first) for region in regions[1:])]
    return _on_one_level(question, regions, [match for match in tried if match is not None])


@dataclass(frozen=True, slots=True)
class Similarity:
    """How alike plan and image of the day are over a region under two transforms, by the metric of the match.

    Scores are 0 to 1; `gap_deviation` is the standard deviation of their difference over compact parts of the region.
    """

    metric: str
    first: float
    second: float
    gap_deviation: float


def compare_similarity(
    question: Question, region: Region, first: RigidTransform, second: RigidTransform
) -> Similarity | None:
    """Both transforms (plan from daily) scored as they are, on the finest level; nothing is refined.

    The same points of the region, under the masks of `second`: what they favor is never `first`. None where a region is
    not in the field of view under one of them.
    """
    for transform in (first, second):
        transform.require_frames(question.planning_image.frame, question.daily_image.frame, "A similarity")
    stage = _joint_stage(question, question.sources(), FINE, question.pose(second), FINE_REACH_MM)
    template = stage.region_template(region)
    if template is None:
        return None
    scored = [question.metric.scored(question.pose(t), template, stage.daily) for t in (first, second)]
    if scored[0] is None or scored[1] is None:
        return None
    deviation = score_gap_deviation(scored[0], scored[1])
    return Similarity(question.metric.name, scored[0].score, scored[1].score, deviation)


def _found_match(question: Question, sources: Sources, region: Region, found: Sequence[Pose]) -> FoundMatch | None:
    """The match of one region from the poses of a wide search; None where it cannot be matched."""
    middle = _joint_stage(question, sources, MIDDLE, found[0], RIVAL_REACH_MM)
    leading = _leading(middle, region, found)
    if leading is None:
        return None
    fine = _joint_stage(question, sources, FINE, leading.start, FINE_REACH_MM)
    if question.metric.finalists > 1:
        leading = _decided(leading, fine, region)
        fine = _joint_stage(question, sources, FINE, leading.start, FINE_REACH_MM)
    match = _finished(leading, fine, region)
    return None if match is None else FoundMatch(match, leading, middle, fine)


def _other_match(
    question: Question, sources: Sources, region: Region, found: Sequence[Pose], first: FoundMatch
) -> Match | None:
    """The match of another region from where the first one lies; by itself where that may be the wrong place."""
    nearby = _leading(first.middle, region, [first.leading.start])
    match = None if nearby is None else _finished(nearby, first.fine, region)
    is_refused = match is None or match.trust.verdict is Verdict.REFUSED
    if not is_refused or first.match.trust.verdict is Verdict.TRUSTED:
        return match
    alone = _found_match(question, sources, region, found)
    return match if alone is None or alone.match.trust.verdict is Verdict.REFUSED else alone.match


def _on_one_level(question: Question, regions: Sequence[Region], matches: Sequence[Match]) -> tuple[Match, ...]:
    """The matches, judged again where the one on bone tells the vertebral level that others cannot tell."""
    bones = {region.name for region in regions if region.kind is RegionKind.BONE}
    bone = next((match for match in matches if match.region in bones), None)
    if bone is None:
        return tuple(matches)
    pose, points_mm = question.pose(bone.plan_from_daily), question.target_points_mm - question.pivot_mm
    judged = []
    for match in matches:
        apart_mm = float(pose_difference_mm(question.pose(match.plan_from_daily), pose, points_mm).max())
        trust = with_level_of(bone.trust, apart_mm, match.trust, question.allowed_error_mm)
        judged.append(match if match is bone else replace(match, trust=trust))
    return tuple(judged)


def _impossible(region: Region) -> MatchImpossible:
    """The error for a region that cannot be matched at all."""
    return MatchImpossible(
        f"The region {region.name} cannot be matched: within 50 mm of where the search begins, none or too little of "
        "it lies in the daily field of view. Check that both images show the same part of the body, or give --start.",
        region=region.name,
    )


def _joint_stage(question: Question, sources: Sources, level: Level, pose: Pose, reach_mm: float) -> Stage:
    """Both sides at a level under one mask, given a pose."""
    plan_from_daily = question.plan_from_daily(pose)
    sides = joint_sides(sources, level, question.metric, plan_from_daily=plan_from_daily, reach_mm=reach_mm)
    return Stage(question, level, *sides)


def _found_widely(question: Question, sources: Sources, region: Region) -> list[Pose]:
    """Poses worth refining, best first, from a wide search on the coarse level.

    Whatever the region, bone is looked for first: nothing else is as unlike its surroundings on a shaded image. Between
    modalities it is the patient, whose shape both show.
    """
    stage = Stage(question, COARSE, *coarse_sides(sources, question.metric))
    wanted = (BONE, region, PATIENT) if isinstance(question.metric, LocalCorrelation) else (PATIENT, region)
    templates = (stage.template(coarse_flags(sources, r)) for r in wanted)
    template = next((t for t in templates if t is not None), None)
    if template is None:
        raise _impossible(region)
    sparse = thinned(template, COARSE.points)
    shifts, turns = ball_of_shifts(SEARCH_RADIUS_MM, COARSE.spacing_mm), lattice_of_turns(SEARCH_TURN_DEG)
    starts = [question.pose(start) for start in question.starts]
    met = [
        wide_search(start, sparse, stage.daily, question.metric, shifts=shifts, turns=turns, most=COARSE_CANDIDATES)
        for start in starts
    ]
    found = stage.settled([*starts, *chain.from_iterable(met)], template)
    if not found:
        raise _impossible(region)
    return [settled.pose for settled in found[: question.metric.candidates]]


def _leading(stage: Stage, region: Region, poses: Sequence[Pose]) -> Leading | None:
    """The best of several poses and their surroundings; a rival that beats it takes its place."""
    template = stage.region_template(region)
    if template is None:
        return None
    metric, sparse = stage.question.metric, thinned(template, COARSE.points)
    shifts = ball_of_shifts(LOCAL_SEARCH_MM, 1.5 * stage.level.spacing_mm)
    turns = metric.nearby_turns
    nearby = wide_search(poses[0], sparse, stage.daily, metric, shifts=shifts, turns=turns, most=NEARBY_CANDIDATES)
    settled = stage.settled([*poses, *nearby], template)
    if not settled:
        return None
    best = settled[0]
    axis = spine_axis(stage.plan.volume, region_flags(BONE, stage.plan.volume, stage.plan.body))
    rivals = find_rivals(best, template, stage.daily, metric, axis)
    if any(stage.demerit(rival.settled) < stage.demerit(best) for rival in rivals):
        settled = stage.settled([best.pose, *(rival.settled.pose for rival in rivals)], template)
        best = settled[0]
        rivals = find_rivals(best, template, stage.daily, metric, axis)
    finalists = tuple(s.pose for s in settled[: metric.finalists])
    return Leading(best, finalists, tuple(rivals), axis, _seen_length_mm(best, template, axis))


def _decided(leading: Leading, stage: Stage, region: Region) -> Leading:
    """The finalists, and the first of them turned a little, in the order that the fine level gives them."""
    template = stage.region_template(region)
    turns = np.deg2rad(DECIDING_TURN_DEG) * np.concatenate([np.eye(3), -np.eye(3)])
    turned = [leading.start.after(np.concatenate([np.zeros(3), turn])) for turn in turns]
    starts = [*leading.finalists, *turned]
    settled = stage.settled(starts, thinned(template, stage.level.points)) if template else []
    return replace(leading, finalists=tuple(s.pose for s in settled)) if settled else leading


def _seen_length_mm(settled: Settled, template: Template, axis: Float64Array) -> float:
    """Length along the spine over which leaves of the region lie inside the field of view."""
    along = template.leaf_centers_mm[settled.seen > 0.3] @ axis
    return float(np.ptp(along)) if len(along) > 1 else 0.0


def _finished(leading: Leading, stage: Stage, region: Region) -> Match | None:
    """The match at the fine level, with its second opinion, rivals and trust."""
    template = stage.region_template(region)
    settled = next(iter(stage.settled([leading.start], template)), None) if template else None
    if template is None or settled is None:
        return None
    question, best = stage.question, leading.settled
    evidence = Evidence(
        settled,
        question.metric.equations(settled.pose, template, stage.daily),
        template,
        _second_opinion(settled.pose, template, stage),
        tuple(_rival(best, rival) for rival in leading.rivals),
        leading.axis,
        leading.seen_length_mm,
        nearest_shift_mm=_by_correlation(nearest_shift_mm, settled, template, stage),
        parts_apart_mm=_by_correlation(parts_apart_mm, settled, template, stage),
        by_information=not isinstance(question.metric, LocalCorrelation),
    )
    trust = judge(evidence, Judgement(question.target_points_mm - question.pivot_mm, question.allowed_error_mm))
    plan_from_daily = question.plan_from_daily(settled.pose)
    return Match(region.name, question.metric.name, plan_from_daily, settled.score, best.overlap, trust)


def _rival(best: Settled, rival: RivalPose) -> Rival:
    """The rival as a noun: where it lies, its score, and the gap to the best with its standard deviation."""
    gap = best.score - rival.settled.score
    return Rival(rival.offset_mm, rival.settled.score, gap, score_gap_deviation(best, rival.settled))


def _by_correlation(
    distance_mm: Callable[[Settled, Template, DailySide], float], settled: Settled, template: Template, stage: Stage
) -> float:
    """A distance of parts that are matched by themselves; 0 by mutual information, where no part speaks alone."""
    return distance_mm(settled, template, stage.daily) if isinstance(stage.question.metric, LocalCorrelation) else 0.0


def _second_opinion(pose: Pose, template: Template, stage: Stage) -> Pose | None:
    """The pose of the other metric, from the same start, on fewer points; None between modalities."""
    if not isinstance(stage.question.metric, LocalCorrelation):
        return None
    return information_opinion(pose, thinned(template, SECOND_OPINION_POINTS), stage.daily)
