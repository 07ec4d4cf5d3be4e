"""The offline review of a course: was each match of it right, by our own match of every image."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from numpy.typing import ArrayLike

from openigrt.arrays import kernels_are_cached
from openigrt.dicom import DaysFolder, read_days_folder
from openigrt.errors import MissingInput
from openigrt.guidance import (
    CourseImage,
    course_images,
    order_notes,
    setup_errors,
    setup_errors_of_others,
    statistics_of,
)
from openigrt.tasks.clock import Clock, Progress
from openigrt.tasks.guidance.guiding import COMPILING, MATCHING
from openigrt.tasks.guidance.inputs import position_of
from openigrt.tasks.guidance.isocenters import DAILY_OPTION, PLAN_OPTION, point_mm
from openigrt.tasks.inputs.exchanged import naming_an_exchange
from openigrt.tasks.results.folder import require_usable_folder
from openigrt.tasks.results.former import tell_set_aside
from openigrt.tasks.review.course import CourseReview, ImageResult
from openigrt.tasks.review.course_image import CourseSide, CourseWords, ImageTask, course_side, image_task
from openigrt.tasks.review.course_matching import Matcher, matcher, process_count
from openigrt.tasks.review.course_store import KEPT
from openigrt.tasks.review.files import RECORD, RESULTS, write_review
from openigrt.tasks.words import (
    given,
    require_listener,
    require_names,
    require_paths,
    require_seed,
    require_texts,
    require_whole_numbers,
)

BAR_WIDTH = 20
ASKED_OF_GUIDE_ALONE = ("degrees of freedom", "start of the search")


def review(
    plan: str | Path,
    days: str | Path,
    *,
    site: str | None = None,
    region: str | Sequence[str] | None = None,
    target: str | None = None,
    plan_uid: str | None = None,
    beam: int | None = None,
    machine: str | Path | None = None,
    aliases: str | Path | None = None,
    plan_series: str | None = None,
    straighten: str | None = None,
    position: str | None = None,
    isocenter: ArrayLike | None = None,
    daily_isocenter: ArrayLike | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> CourseReview:
    """Match every image of a course to the plan as `guide` would, and compare with the registrations that are there.

    The words are those of `guide`. `days` is a folder that holds the images of all days, however they are nested;
    `daily_isocenter` is the same point of each of them. An image that cannot be used is a row that says why. Written to
    the folder `out` where one is named; results of single images are kept there, and taken when nothing that they
    depend on has changed. `jobs` is the number of processes, one for each core where None. Raises an OpenIgrtError
    where the plan cannot be used or there is no image at all.
    """
    require_paths(plan=plan, days=days, **given(machine=machine, aliases=aliases, out=out))
    require_texts(**given(site=site, target=target, plan_uid=plan_uid, position=position))
    require_texts(**given(plan_series=plan_series, straighten=straighten))
    require_whole_numbers(**given(beam=beam, jobs=jobs))
    require_seed(seed)
    require_names(**given(region=region))
    require_listener(progress)
    words = CourseWords(
        plan=Path(plan),
        plan_uid=plan_uid,
        position=position_of(position),
        site=site,
        region=(region,) if isinstance(region, str) else None if region is None else tuple(region),
        target=target,
        machine=None if machine is None else str(machine),
        aliases=None if aliases is None else str(aliases),
        plan_series=plan_series,
        straighten=straighten,
        beam=beam,
        isocenter_mm=_point(isocenter, PLAN_OPTION),
        daily_isocenter_mm=_point(daily_isocenter, DAILY_OPTION),
        seed=int(seed),
    )
    if out is not None:
        require_usable_folder(Path(out), RESULTS, words.plan, Path(days))
        tell_set_aside(Path(out), RESULTS, RECORD, "review", progress)
    found = _reviewed(words, Path(days), None if out is None else Path(out) / KEPT, process_count(jobs), progress)
    if out is not None:
        progress("writing the report")
        write_review(found, out)
    return found


def _point(values: ArrayLike | None, option: str) -> tuple[float, ...] | None:
    """A point that was given, as plain numbers; raises InputError for what is none."""
    return None if values is None else tuple(point_mm(values, option).tolist())


def _reviewed(words: CourseWords, days: Path, store: Path | None, processes: int, progress: Progress) -> CourseReview:
    """The course, from folders to statistics."""
    clock = Clock(progress)
    clock.step("read_plan", "reading the plan")
    with naming_an_exchange(words.plan, days, "review", "DAYS"):
        side = course_side(words)
    regions = side.plan.regions  # a region that is not there is wrong for the whole course
    with matcher(words, side, processes) as match:
        clock.step("read_days", "looking for images")
        folder = read_days_folder(
            days,
            words.plan,
            side.plan.folder.planning_image,
            lambda done, count: progress(f"looking for images, {done} of {count} files"),
        )
        tasks = _tasks(folder, days, side)
        clock.step("match", MATCHING if kernels_are_cached("registration") else COMPILING)
        results = _matched(match, tasks, store, progress)
    clock.stop()
    return _course(side, folder, results, regions[0].name, clock)


def _tasks(folder: DaysFolder, days: Path, side: CourseSide) -> list[ImageTask]:
    """One for each image; raises MissingInput where there is none."""
    if not folder.images:
        aside = " ".join((*folder.strangers, *folder.left_aside[:3]))
        raise MissingInput(
            f"{days} holds no image of a day of this patient. {aside} Give the folder that holds the images that were "
            "taken on the treatment machine.".replace("  ", " "),
            path=str(days),
        )
    frame_uid = side.plan.folder.planning_image.frame.uid
    return [image_task(image, folder.registrations_of(image, frame_uid)) for image in folder.images]


def _matched(match: Matcher, tasks: list[ImageTask], store: Path | None, progress: Progress) -> list[ImageResult]:
    """The results in the order of the tasks."""
    done: dict[int, ImageResult] = {}
    for n, result in match(tasks, store):
        done[n] = result
        filled = BAR_WIDTH * len(done) // len(tasks)
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        progress(f"matching {bar} {len(done)} of {len(tasks)} images")
    return [done[n] for n in range(len(tasks))]


def _course(
    side: CourseSide, folder: DaysFolder, results: list[ImageResult], region: str, clock: Clock
) -> CourseReview:
    """Everything put in its place."""
    plan, settings = side.plan, side.plan.settings
    images = course_images([result.review for result in results], settings.protocol.verification_tolerance_mm)
    frame_uid = plan.folder.planning_image.frame.uid
    of_none = (
        f"{stated.name!r} by {stated.maker or 'nobody named'}: a registration of none of these images."
        for stated in folder.registrations_of_none(frame_uid)
    )
    position = plan.folder.plan.patient_position if plan.folder.plan else side.given.position
    return CourseReview(
        plan_folder=plan.folder,
        isocenter_from=side.isocenter_from,
        isocenter_mm=tuple(plan.isocenter_mm.tolist()),
        patient_position=str(position or plan.folder.planning_image.provenance.patient_position or ""),
        target=plan.target,
        region=region,
        region_rule=settings.region_rule,
        protocol=settings.protocol,
        allowed_error_mm=settings.allowed_error_mm,
        images=images,
        pictures={result.review.series_uid: result.pictures for result in results if result.pictures},
        statistics=statistics_of(setup_errors(images)),
        statistics_of_others=statistics_of(setup_errors_of_others(images)),
        left_aside=(*folder.left_aside, *of_none),
        questions=(*folder.strangers, *folder.unreadable),
        warnings=_warnings_of_all(images),
        notes=order_notes(images),
        inputs=plan.folder.inputs,
        settings={name: word for name, word in settings.words.items() if name not in ASKED_OF_GUIDE_ALONE}
        | {"daily isocenters": _isocenter_rules(images)},
        seed=settings.seed,
        reviewed_at=datetime.now(UTC),
        timing_s=dict(clock.seconds),
    )


def _warnings_of_all(images: Sequence[CourseImage]) -> tuple[str, ...]:
    """Warnings that every matched image has: they are about plan and words, not about one image."""
    found = [image.review.found.warnings for image in images if image.review.found is not None]
    return tuple(w for w in found[0] if all(w in other for other in found[1:])) if found else ()


def _isocenter_rules(images: Sequence[CourseImage]) -> str:
    """How the daily isocenters are known, each rule once."""
    rules = dict.fromkeys(image.review.found.isocenter_rule for image in images if image.review.found is not None)
    return "; ".join(rules) or "not known"
