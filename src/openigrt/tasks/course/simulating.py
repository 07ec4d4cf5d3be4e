"""A virtual patient through a whole course: planned, then set up, imaged, matched, corrected, treated, day by day."""

import json
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from openigrt.dicom import PlanFolder, Straightening
from openigrt.errors import InputError
from openigrt.files import builtin_machine
from openigrt.patient import StructureRole
from openigrt.registration import field_of_view_mask
from openigrt.report import SideBySide, draw_side_by_side, render_treated_report
from openigrt.tasks.clock import Clock, Progress
from openigrt.tasks.course.content import course_content
from openigrt.tasks.course.course import Course, PlannedCourse
from openigrt.tasks.course.fraction import Fraction
from openigrt.tasks.course.images import day_series, imager_of
from openigrt.tasks.course.judging import judged
from openigrt.tasks.course.keeping import FRACTION, fraction_text, kept_fraction
from openigrt.tasks.course.naming import day_of
from openigrt.tasks.course.record import course_record, course_table
from openigrt.tasks.course.rooms import VirtualRoom, linac_of
from openigrt.tasks.course.settings import CourseSettings, Imaging, Linac
from openigrt.tasks.course.treated_records import write_record
from openigrt.tasks.course.treating import treat
from openigrt.tasks.guidance.inputs import read_plan_input
from openigrt.tasks.guidance.isocenters import plan_isocenter
from openigrt.tasks.guidance.plan_side import PlanSide
from openigrt.tasks.guidance.settings import guidance_settings
from openigrt.tasks.words import given, require_listener, require_paths, require_seed, require_texts, require_whole_numbers
from openigrt.virtual import VirtualClock, VirtualPatient, planned_treatment, write_planning

ASKED, RUN = "asked.json", "run.json"
PLAN, FRACTIONS = "plan", "fractions"
RECORD, TABLE, REPORT = "course.json", "course.csv", "report.html"
MAKING = ".making-"
PICTURED = 3


def simulate_course(
    out: str | Path,
    *,
    anatomy: str = "pelvis",
    fractions: int | None = None,
    seed: int = 0,
    images: str = "demo",
    linac: str = "nominal",
    correct_above: float | None = None,
    progress: Progress = lambda words: None,
) -> Course:
    """Treat a virtual patient for a whole course, and write plan, every fraction and a report into the folder `out`.

    `anatomy` is pelvis, thorax, head_neck, abdomen or brain; `images` quick, demo or full; `linac` nominal or coarse;
    `correct_above` mm in place of the action level of the protocol. A course that was begun there with the same words
    goes on where it was. Raises InputError for words that make no course, and for a folder that holds anything else;
    nothing is written then. The same seed gives the same files, but for run.json.
    """
    require_paths(out=out)
    require_texts(anatomy=anatomy, images=images, linac=linac)
    require_whole_numbers(**given(fractions=fractions))
    require_seed(seed)
    require_listener(progress)
    settings = _settings(anatomy, fractions, seed, images, linac, correct_above)
    return _treated(settings, Path(out), Clock(progress))


def _settings(
    anatomy: str, fractions: int | None, seed: int, images: str, linac: str, correct_above: float | None
) -> CourseSettings:
    """The words of a course, checked."""
    asked = CourseSettings(anatomy, 1, seed, _one_of(Imaging, images), _one_of(Linac, linac), correct_above)
    return replace(asked, fractions=asked.site.fractions if fractions is None else fractions)


def _one_of[Word: (Imaging, Linac)](kind: type[Word], word: str) -> Word:
    """A word of a list; raises InputError that names the list."""
    try:
        return kind(word)
    except ValueError:
        name = "images" if kind is Imaging else "linac"
        raise InputError(f"{name} is {word!r}; expected one of {', '.join(kind)}.", found=word) from None


def _treated(settings: CourseSettings, out: Path, clock: Clock) -> Course:
    """The whole course, in a folder that is new or holds a part of it."""
    _begin(settings, out)
    clock.step("plan", f"planning a virtual {settings.anatomy}")
    patient = settings.site.made(settings.frame, settings.seed)
    if not (out / PLAN).is_dir():
        _whole(out / PLAN, lambda place: write_planning(planned_treatment(patient), place))
    side = _plan_side(settings, out / PLAN)
    treated: list[Fraction] = []
    for number in range(1, settings.fractions + 1):
        place = out / FRACTIONS / f"{number:02d}"
        if kept_fraction(place) is None:
            clock.step(f"fraction_{number:02d}", f"fraction {number} of {settings.fractions}")
            _whole(place, lambda into, number=number: _fraction(settings, patient, side, number, into))
        kept = kept_fraction(place)
        if kept is not None:
            treated.append(kept)
    clock.step("report", "writing the report")
    course = Course(
        settings, _planned(settings, side), tuple(treated), out, _pictures(side, tuple(treated), out), clock.seconds
    )
    _write(course, out)
    clock.stop()
    (out / RUN).write_text(json.dumps({"version": version("openigrt"), "timing_s": clock.seconds}, indent=2) + "\n")
    return course


def _begin(settings: CourseSettings, out: Path) -> None:
    """Make the folder; raises InputError where it holds something else than a part of this course."""
    asked = json.dumps(settings.words() | {"seed": settings.seed, "version": version("openigrt")}, indent=2) + "\n"
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a new folder with --out.", path=str(out))
    found = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    if not found:
        try:
            out.mkdir(parents=True, exist_ok=True)
            (out / ASKED).write_text(asked, encoding="utf-8")
        except OSError as error:
            raise InputError(f"Cannot write to {out}: {error.strerror}; choose another folder with --out.") from error
        return
    if ASKED not in found:
        raise InputError(f"{out} already holds {found[0]}; choose a new or an empty folder with --out.", path=str(out))
    if (out / ASKED).read_text(encoding="utf-8") != asked:
        raise InputError(
            f"{out} holds another course ({out / ASKED} says which); choose another folder with --out.", path=str(out)
        )


def _whole(place: Path, make) -> None:  # noqa: ANN001
    """A folder that is there whole or not at all."""
    making = place.parent / f"{MAKING}{place.name}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    make(making)
    making.rename(place)


def _plan_side(settings: CourseSettings, folder: Path) -> PlanSide:
    """The plan as guidance reads it, with protocol, region and machine of the course."""
    site = settings.site
    read: PlanFolder = read_plan_input(folder, None, None, None, Straightening.REFUSED)
    asked = guidance_settings(
        site.protocol, site.region, None, machine=None, dof=None, start=None, aliases=None, seed=settings.seed
    )
    protocol = asked.protocol
    if settings.correct_above_mm is not None:
        protocol = replace(protocol, action_level_mm=settings.correct_above_mm)
    couch = settings.linac.model().couch.couch
    machine = replace(builtin_machine(), name="virtual linac", couch=couch)
    asked = replace(asked, protocol=protocol, machine=machine, machine_is_named=True)
    isocenter_mm, _ = plan_isocenter(read.plan, None, None, read.doubts)
    return PlanSide(read, asked, isocenter_mm, None)


def _fraction(settings: CourseSettings, patient: VirtualPatient, side: PlanSide, number: int, place: Path) -> None:
    """One fraction, written into its folder; its record comes last."""
    planned_at = side.folder.planning_image.provenance.acquired_at
    if planned_at is None:
        raise InputError("The planning image does not say when it was taken; plan it again.")
    linac = linac_of(settings, number, VirtualClock(day_of(planned_at, number)))
    series = day_series(settings, side, number, linac.devices.clock.zero_at)
    room = VirtualRoom(
        linac, patient, settings.site.day(patient, number), settings.seed, imager_of(settings, number), series.write
    )
    treatment = treat(room.seen(), side, place, is_verified=settings.is_verified(number))
    fraction = judged(number, treatment, linac, room.lain, side.target.points_mm)
    if side.folder.plan is not None and treatment.beams:
        write_record(side.folder.plan, treatment.beams, number, series, place)
    (place / FRACTION).write_text(fraction_text(fraction), encoding="utf-8")
