"""One image of a course, as `guide` would see it, with the registrations that other systems made of it."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from openigrt.dicom import (
    DailyFolder,
    DaySeries,
    StatedRegistration,
    Straightening,
    modality_of,
    plan_from_daily,
    series_of_files,
)
from openigrt.errors import InputError, OpenIgrtError, UnreadableFile, UnsupportedInput
from openigrt.geometry import PatientPosition, RigidTransform
from openigrt.guidance import (
    Agreement,
    Found,
    ImageReview,
    OtherView,
    apart,
    judge_other_match,
    off_target_mm,
    setup_error_of,
    with_exchanged_ends,
)
from openigrt.images import Image
from openigrt.patient import Verdict
from openigrt.registration import compare_similarity, field_of_view_mask
from openigrt.report import SideBySide, draw_side_by_side
from openigrt.tasks.clock import Clock
from openigrt.tasks.guidance.guidance import Guidance
from openigrt.tasks.guidance.guiding import Case
from openigrt.tasks.guidance.inputs import named_by, read_plan_input, read_series_of_day, straightening_of
from openigrt.tasks.guidance.isocenters import LARGEST_COORDINATE_MM, plan_isocenter
from openigrt.tasks.guidance.patient_setup import GivenSetup, patient_setup
from openigrt.tasks.guidance.plan_side import PlanSide
from openigrt.tasks.guidance.remarks import questions
from openigrt.tasks.guidance.settings import guidance_settings
from openigrt.tasks.review.course import ImageResult
from openigrt.tasks.review.course_store import keep, kept

RESULT_VERSION = 3


@dataclass(frozen=True, slots=True)
class CourseWords:
    """What a course is reviewed with, as plain words that another process can be told; isocenters are LPS."""

    plan: Path
    plan_uid: str | None
    position: PatientPosition | None
    site: str | None
    region: tuple[str, ...] | None
    target: str | None
    machine: str | None
    aliases: str | None
    plan_series: str | None
    straighten: str | None
    beam: int | None
    isocenter_mm: tuple[float, ...] | None
    daily_isocenter_mm: tuple[float, ...] | None
    seed: int


@dataclass(frozen=True, eq=False, slots=True)
class CourseSide:
    """What all images of a course share: the planning side, what was given by hand, and where the isocenter is from."""

    plan: PlanSide
    given: GivenSetup
    isocenter_from: str
    straightening: Straightening
    asked: str


@dataclass(frozen=True, eq=False, slots=True)
class ImageTask:
    """An image to review: its files, what their headers say of it, and the registrations of it, the latest last.

    It can be told to another process. `headers` is the review of an image of which nothing else is known.
    """

    paths: tuple[Path, ...]
    headers: ImageReview
    registrations: tuple[StatedRegistration, ...]


def image_task(image: DaySeries, registrations: tuple[StatedRegistration, ...]) -> ImageTask:
    """The task of one series."""
    first = image.series.instances[0]
    try:
        modality = str(modality_of(first))
    except UnreadableFile:
        modality = ""
    headers = ImageReview(
        series_uid=image.series.uid,
        study_uid=first.study_uid,
        frame_uid=first.frame_uid,
        description=image.series.description,
        modality=modality,
        acquired_at=image.acquired_at,
        problem=image.damage,
        others=tuple(_unjudged(stated, stated is registrations[-1]) for stated in registrations),
    )
    return ImageTask(tuple(instance.path for instance in image.series.instances), headers, registrations)


def course_side(words: CourseWords) -> CourseSide:
    """Read the plan and resolve the words; raises the errors of `guide` about both."""
    region = None if words.region is None else list(words.region)
    settings = guidance_settings(
        words.site,
        region,
        words.target,
        machine=words.machine,
        dof=None,
        start=None,
        aliases=words.aliases,
        seed=words.seed,
    ).saying({"planning series": words.plan_series, "straightened": words.straighten})
    of_plan, of_day = straightening_of(words.straighten)
    read = read_plan_input(words.plan, words.plan_uid, words.position, words.plan_series, of_plan)
    folder = named_by(settings.aliases, read)
    isocenter_mm, isocenter_from = plan_isocenter(folder.plan, words.isocenter_mm, words.beam, folder.doubts)
    given = GivenSetup(words.beam, words.isocenter_mm, words.daily_isocenter_mm, words.position, None)
    by_hand = words.isocenter_mm, words.daily_isocenter_mm, words.beam, words.position, words.target, words.seed
    inputs = settings.machine, settings.aliases, words.plan_series, words.straighten
    asked = repr((settings.protocol, inputs, settings.region, settings.region_is_named, by_hand))
    return CourseSide(PlanSide(folder, settings, isocenter_mm, words.target), given, isocenter_from, of_day, asked)


def review_image(side: CourseSide, task: ImageTask, store: Path | None) -> ImageResult:
    """What one image says; an image that cannot be read or matched says why.

    Where `store` names a folder, a result that was kept there for the same files and words is taken, and a new one is
    kept.
    """
    if task.headers.problem:
        return ImageResult(task.headers)
    try:
        daily = read_series_of_day(series_of_files(task.paths), side.plan.folder, side.straightening)
        key = _key(side, task, daily)
        known = None if store is None else kept(store, key)
        if known is not None:
            return known
        result = _reviewed(side, task, daily, key)
    except OpenIgrtError as error:
        return ImageResult(replace(task.headers, problem=error.sentence))
    except MemoryError:
        return ImageResult(replace(task.headers, problem="There is not enough memory for this image."))
    if store is not None:
        keep(store, result)
    return result


def _key(side: CourseSide, task: ImageTask, daily: DailyFolder) -> str:
    """SHA-256 of all that the result of an image depends on: the files by their digests, the words, the version."""
    depends_on = {
        "result": RESULT_VERSION,
        "version": version("openigrt"),
        "asked": side.asked,
        "plan": [file.sha256 for file in side.plan.folder.inputs],
        "image": [file.sha256 for file in daily.inputs],
        "registrations": [stated.file.sha256 for stated in task.registrations],
    }
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()


def _reviewed(side: CourseSide, task: ImageTask, daily: DailyFolder, key: str) -> ImageResult:
    """The match of an image, and every other registration beside it; age is no fault of an image of the past."""
    plan = side.plan
    setup = patient_setup(side.given, plan.folder, daily, plan.settings.machine)
    case = Case(plan, daily, setup)
    matches, left_out = case.matched(None)
    source, now = daily.daily_image.provenance, datetime.now(UTC)
    seen_at = min(now, source.acquired_at or now)
    guidance = case.guidance(matches, left_out, seen_at, Clock(lambda words: None))
    asked = questions(plan.folder, daily, setup, plan.settings.protocol, seen_at.astimezone())
    others = tuple(_other_view(stated, task, case, guidance) for stated in task.registrations)
    review = ImageReview(
        series_uid=source.series_uid,
        study_uid=source.study_uid,
        frame_uid=daily.daily_image.frame.uid,
        description=source.series_description,
        modality=str(daily.daily_image.modality),
        acquired_at=source.acquired_at,
        found=_found(guidance, asked),
        others=others,
        key=key,
        voxels_sha256=_voxels_sha256(daily.daily_image),
    )
    return ImageResult(review, _pictures(task, guidance, others))


def _voxels_sha256(image: Image) -> str:
    """SHA-256 of the voxels and their number along each axis: the same for every export of an image."""
    digest = hashlib.sha256(repr(image.voxels.shape).encode())
    for row in image.voxels:
        digest.update(row.astype("<f4", copy=False).tobytes())
    return digest.hexdigest()


def _found(guidance: Guidance, asked: tuple[str, ...]) -> Found:
    """The numbers of a guidance that a course is made of."""
    match, correction, alignment = guidance.match, guidance.correction, guidance.alignment
    transform, is_refused = match.plan_from_daily, match.trust.verdict is Verdict.REFUSED
    return Found(
        region=match.region,
        metric=match.metric,
        verdict=match.trust.verdict,
        predicted_error_mm=match.trust.predicted_error_mm,
        trust_reasons=match.trust.reasons,
        score=match.score,
        overlap=match.overlap,
        plan_from_daily=tuple(tuple(row) for row in transform.matrix4().tolist()),
        surrogate=guidance.surrogate.verdict,
        surrogate_reasons=guidance.surrogate.reasons,
        differences_mm=dict(guidance.surrogate.differences_mm),
        action=correction.action,
        reasons=correction.reasons,
        questions=asked,
        warnings=guidance.warnings,
        isocenter_rule=alignment.rule,
        gives_couch_move=alignment.gives_couch_move,
        setup_error=None if is_refused else setup_error_of(transform, alignment),
        off_target_mm=None if is_refused else off_target_mm(transform, alignment, guidance.target.points_mm),
    )


def _unjudged(stated: StatedRegistration, is_judged: bool, problem: str = "") -> OtherView:
    """A registration that cannot be compared."""
    uid = stated.registration.uid
    return OtherView(uid, stated.name, stated.maker, stated.created_at, is_judged, problem)


def _other_view(stated: StatedRegistration, task: ImageTask, case: Case, guidance: Guidance) -> OtherView:
    """One registration beside our match; only the latest is scored."""
    is_judged = stated is task.registrations[-1]
    try:
        other = plan_from_daily(stated.registration, guidance.planning_image, guidance.daily_image)
        _require_bearable(other)
    except InputError as error:
        return _unjudged(stated, is_judged, error.sentence)
    points_mm, position = guidance.target.points_mm, guidance.alignment.patient_position
    ours = guidance.match.plan_from_daily
    judged = judge_other_match(ours, other, points_mm, position, guidance.protocol.verification_tolerance_mm)
    is_refused = guidance.match.trust.verdict is Verdict.REFUSED
    agreement = Agreement.NOT_JUDGED if is_refused else judged.agreement
    meant = judged.exchanged if agreement is Agreement.EXCHANGED else other
    alike = compare_similarity(case.question(None), case.plan.regions[0], ours, meant) if is_judged else None
    return OtherView(
        uid=stated.registration.uid,
        name=stated.name,
        maker=stated.maker,
        created_at=stated.created_at,
        is_judged=is_judged,
        agreement=agreement,
        setup_error=setup_error_of(meant, guidance.alignment),
        apart_mm=() if is_refused else tuple(judged.apart.center_mm.tolist()),
        largest_mm=None if is_refused else judged.apart.largest_mm,
        rotation_deg=None if is_refused else judged.apart.rotation_deg,
        exchanged_mm=None if is_refused else judged.apart_exchanged.largest_mm,
        regions_mm={
            match.region: apart(match.plan_from_daily, meant, points_mm, position).largest_mm
            for match in guidance.matches[1:]
            if match.trust.verdict is Verdict.TRUSTED
        },
        similarity_ours=alike.first if alike else None,
        similarity_other=alike.second if alike else None,
        similarity_deviation=alike.gap_deviation if alike else None,
    )


def _require_bearable(other: RigidTransform) -> None:
    """Raise UnsupportedInput for a registration that carries the image further than any coordinate may be."""
    reach_mm = float(np.abs(other.translation_mm).max())
    if reach_mm > LARGEST_COORDINATE_MM:
        raise UnsupportedInput(
            f"It carries the image by {reach_mm:.3g} mm; at most {LARGEST_COORDINATE_MM:g} mm along an axis are taken. "
            "Check the matrix and its unit."
        )


def _pictures(task: ImageTask, guidance: Guidance, others: tuple[OtherView, ...]) -> SideBySide | None:
    """The image under our match and under the judged one as it was meant, where they differ."""
    if not others or others[-1].agreement in (None, Agreement.AGREES):
        return None
    images = guidance.planning_image, guidance.daily_image
    other = plan_from_daily(task.registrations[-1].registration, *images)
    meant = with_exchanged_ends(other) if others[-1].agreement is Agreement.EXCHANGED else other
    return draw_side_by_side(
        images,
        (guidance.match.plan_from_daily, meant),
        guidance.structure_set,
        guidance.target,
        region=guidance.match.region,
        daily_field=field_of_view_mask(guidance.daily_image),
    )
