"""A virtual patient through a whole course: planned, then set up, imaged, matched, corrected, treated, day by day."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from openigrt.dicom import PlanFolder, Straightening, plan_from_daily
from openigrt.errors import InputError
from openigrt.files import builtin_machine
from openigrt.patient import StructureRole
from openigrt.registration import field_of_view_mask
from openigrt.report import SideBySide, draw_side_by_side, render_treated_report
from openigrt.tasks.clock import Clock, Progress
from openigrt.tasks.course.content import course_content
from openigrt.tasks.course.course import Course, PlannedCourse
from openigrt.tasks.course.day_files import DayFiles
from openigrt.tasks.course.fraction import Fraction
from openigrt.tasks.course.images import DayImager
from openigrt.tasks.course.judging import judged
from openigrt.tasks.course.keeping import FRACTION, fraction_text, kept_fraction
from openigrt.tasks.course.naming import day_of
from openigrt.tasks.course.patients import CoursePatient, course_patient
from openigrt.tasks.course.record import course_record, course_table
from openigrt.tasks.course.rooms import VirtualRoom, linac_of
from openigrt.tasks.course.settings import ELSEWHERE, CourseSettings, Imaging, Linac, SiteCourse, site_course
from openigrt.tasks.course.treating import GUIDANCE, IMAGE, treat
from openigrt.tasks.guidance.files import REGISTRATION
from openigrt.tasks.guidance.inputs import read_plan_input, read_start, read_today_input, starts_of_search
from openigrt.tasks.guidance.isocenters import plan_isocenter
from openigrt.tasks.guidance.patient_setup import GivenSetup, patient_setup
from openigrt.tasks.guidance.plan_side import PlanSide
from openigrt.tasks.guidance.settings import guidance_settings
from openigrt.tasks.reconstruction.asked import one_of
from openigrt.tasks.results.folder import utf8
from openigrt.tasks.words import (
    given,
    require_listener,
    require_paths,
    require_seed,
    require_texts,
    require_whole_numbers,
)
from openigrt.virtual import (
    VirtualClock,
    identity_of,
    planned_treatment,
    prescription_of,
    write_planning,
)

ASKED, RUN = "asked.json", "run.json"
PLAN, FRACTIONS = "plan", "fractions"
RECORD, TABLE, REPORT = "course.json", "course.csv", "report.html"
MAKING = ".making-"


def simulate_course(
    out: str | Path,
    *,
    anatomy: str | None = None,
    patient: str | Path | None = None,
    target: str | None = None,
    fractions: int | None = None,
    seed: int = 0,
    images: str = "demo",
    linac: str = "nominal",
    correct_above: float | None = None,
    progress: Progress = lambda words: None,
) -> Course:
    """Treat a virtual patient for a whole course, and write plan, every fraction and a report into the folder `out`.

    `anatomy` is pelvis (if left out), thorax, head_neck, abdomen or brain; `patient` the plan folder of a patient of
    one's own, of whom a virtual one is made, and `anatomy` then what moves in him, if the structures do not tell,
    `target` the structure that is treated; `images` quick, demo or full; `linac` nominal or coarse;
    `correct_above` mm in place of the action level of the protocol. A course that was begun there with the same words
    goes on where it was. Raises InputError for words that make no course, and for a folder that holds anything else;
    nothing is written then. The same seed gives the same files, but for run.json.
    """
    require_paths(out=out, **given(patient=patient))
    require_texts(images=images, linac=linac, **given(anatomy=anatomy, target=target))
    require_whole_numbers(**given(fractions=fractions))
    require_seed(seed)
    require_listener(progress)
    named = anatomy or ("pelvis" if patient is None else "")
    usual = site_course(named) if patient is None else ELSEWHERE
    settings = CourseSettings(
        named,
        usual.fractions if fractions is None else fractions,
        seed,
        one_of(Imaging, images, "images"),
        one_of(Linac, linac, "linac"),
        correct_above,
        None if patient is None else Path(patient),
        target,
    )
    clock = Clock(progress)
    clock.step("plan", f"planning a virtual {named or 'patient'}")
    return _treated(settings, course_patient(settings), Path(out), clock)


def _treated(settings: CourseSettings, who: CoursePatient, out: Path, clock: Clock) -> Course:
    """The whole course, in a folder that is new or holds a part of it."""
    asked = _asked(settings, who)
    _require_place(out, asked)
    if not (out / PLAN).is_dir():
        treatment = planned_treatment(who.patient)
        _mark(out, asked)
        _whole(out / PLAN, lambda place: write_planning(treatment, place))
    side = _plan_side(settings, who.site, out / PLAN)
    treated: list[Fraction] = []
    for number in range(1, settings.fractions + 1):
        place = out / FRACTIONS / f"{number:02d}"
        if place.exists() and kept_fraction(place) is None:
            raise InputError(f"{place} is no whole fraction, and not ours to remove; take it away, and call again.")
        if kept_fraction(place) is None:
            clock.step(f"fraction_{number:02d}", f"fraction {number} of {settings.fractions}")
            _whole(place, partial(_fraction, settings, who, side, number))
        kept = kept_fraction(place)
        if kept is not None:
            treated.append(kept)
    clock.step("report", "writing the report")
    course = Course(
        settings, _planned(who, side), tuple(treated), out, _pictures(side, tuple(treated), out), clock.seconds
    )
    _write(course, out)
    clock.stop()
    (out / RUN).write_text(json.dumps({"version": version("openigrt"), "timing_s": clock.seconds}, indent=2) + "\n")
    return course


def _asked(settings: CourseSettings, who: CoursePatient) -> str:
    """Which course this is, as its folder says it."""
    words = settings.words() | {"seed": settings.seed, "version": version("openigrt"), "made_of": who.digest}
    return json.dumps(words, indent=2) + "\n"


def _require_place(out: Path, asked: str) -> None:
    """Raise InputError where a folder holds something else than a part of this course."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a new folder with --out.", path=str(out))
    found = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    if found and ASKED not in found:
        raise InputError(f"{out} already holds {found[0]}; choose a new or an empty folder with --out.", path=str(out))
    if found and (out / ASKED).read_text(encoding="utf-8", errors="replace") != asked:
        raise InputError(
            f"{out} holds another course ({out / ASKED} says which); choose another folder with --out.", path=str(out)
        )


def _mark(out: Path, asked: str) -> None:
    """Make the folder, and say whose it is."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ASKED).write_text(asked, encoding="utf-8")
    except OSError as error:
        raise InputError(f"Cannot write to {out}: {error.strerror}; choose another folder with --out.") from error


def _whole(place: Path, make: Callable[[Path], object]) -> None:
    """A folder that is there whole or not at all."""
    making = place.parent / f"{MAKING}{place.name}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    make(making)
    making.rename(place)


def _plan_side(settings: CourseSettings, site: SiteCourse, folder: Path) -> PlanSide:
    """The plan as guidance reads it, with protocol, region and machine of the course."""
    read: PlanFolder = read_plan_input(folder, None, None, None, Straightening.REFUSED)
    asked = guidance_settings(
        site.protocol,
        site.region,
        None,
        machine=None,
        dof=None,
        start=None,
        aliases=None,
        seed=settings.seed,
        turn_by=site.turn_by,
    )
    protocol = asked.protocol
    if settings.correct_above_mm is not None:
        protocol = replace(protocol, action_level_mm=settings.correct_above_mm)
    couch = settings.linac.model().couch.couch
    machine = replace(builtin_machine(), name="virtual linac", couch=couch)
    asked = replace(asked, protocol=protocol, machine=machine, machine_is_named=True)
    isocenter_mm, _ = plan_isocenter(read.plan, None, None, read.doubts)
    return PlanSide(read, asked, isocenter_mm, settings.target)


def _fraction(settings: CourseSettings, who: CoursePatient, side: PlanSide, number: int, place: Path) -> None:
    """One fraction, written into its folder; its record comes last."""
    identity = identity_of(who.patient)
    linac = linac_of(settings, number, VirtualClock(day_of(identity.planned_at, number)))
    files = DayFiles(identity, number, linac.devices.clock.zero_at)
    imager, day = DayImager(settings, number), who.day(number)
    room = VirtualRoom(linac, who.patient, day, settings.seed, imager, files.write_image)
    treatment = treat(room.seen(), side, place, is_verified=settings.is_verified(number))
    fraction = judged(number, treatment, linac, room.lain)
    if side.folder.plan is not None and treatment.beams:
        files.write_record(side.folder.plan, treatment.beams, linac.devices.clock, place)
    (place / FRACTION).write_text(fraction_text(fraction), encoding="utf-8")


def _planned(who: CoursePatient, side: PlanSide) -> PlannedCourse:
    """What the course is treated by, in words."""
    plan, image = side.folder.plan, side.folder.planning_image
    patient, prescription = who.patient, prescription_of(who.patient.site)
    words = f"{prescription.dose_gy:g} Gy in {prescription.fractions} fractions"
    is_own = patient.own is not None and patient.own.plan is not None
    margins = [drawn.margin_mm for drawn in patient.structures if drawn.role is StructureRole.PTV]
    return PlannedCourse(
        patient_id=image.provenance.patient_id,
        patient_name=image.provenance.patient_name,
        patient_position=str(patient.position),
        plan_label=plan.label if plan else "",
        prescription="that of the plan" if is_own else words,
        target=side.target.name,
        region=" + ".join(side.settings.region),
        protocol=side.settings.protocol.name,
        margin_mm=margins[0] if margins and patient.own is None else None,
        planned_at=identity_of(patient).planned_at,
    )


def _pictures(side: PlanSide, fractions: tuple[Fraction, ...], out: Path) -> dict[int, SideBySide]:
    """The first, a middle and the last fraction, before and after the match of their first image."""
    chosen = sorted({0, len(fractions) // 2, len(fractions) - 1}) if fractions else []
    return {fractions[n].number: _picture(side, fractions[n], out) for n in chosen}


def _picture(side: PlanSide, fraction: Fraction, out: Path) -> SideBySide:
    """The image of a fraction on the plan, as the isocenters lie and as it was matched."""
    place = out / FRACTIONS / f"{fraction.number:02d}" / fraction.first.folder
    daily = read_today_input(place / IMAGE, side.folder, None, Straightening.REFUSED)
    registration = read_start(place / GUIDANCE / REGISTRATION)
    images = side.folder.planning_image, daily.daily_image
    setup = patient_setup(GivenSetup(None, None, None, None, None), side.folder, daily, side.settings.machine)
    before = starts_of_search(None, side.folder, daily, setup.alignment)[0]
    return draw_side_by_side(
        images,
        (before, plan_from_daily(registration, *images)),
        side.folder.structure_set,
        side.target,
        region=side.regions[0].name,
        daily_field=field_of_view_mask(daily.daily_image),
    )


def _write(course: Course, out: Path) -> None:
    """The record, the table and the page; those of an earlier call are replaced."""
    contents = {
        TABLE: course_table(course),
        REPORT: render_treated_report(course_content(course)),
        RECORD: json.dumps(course_record(course), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for name, text in contents.items():
        part = out / f"{MAKING}{name}"
        part.write_bytes(utf8(text))
        part.replace(out / name)
