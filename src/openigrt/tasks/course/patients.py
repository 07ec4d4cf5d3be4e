"""Who is treated in a virtual course: a virtual patient of a site, or one made of a planning CT of one's own."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from openigrt.dicom import Straightening
from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.patient import Plan
from openigrt.tasks.course.settings import ELSEWHERE, SITE_COURSES, CourseSettings, SiteCourse
from openigrt.tasks.guidance.inputs import read_plan_input
from openigrt.virtual import Day, VirtualPatient, scanned_day, scanned_patient

SOFT_SITES = ("pelvis", "thorax", "abdomen")


@dataclass(frozen=True, eq=False)
class CoursePatient:
    """A patient, his days by number, how his site is treated, and the digest of the files that he is made of."""

    patient: VirtualPatient
    day: Callable[[int], Day]
    site: SiteCourse
    digest: str = ""


def course_patient(settings: CourseSettings) -> CoursePatient:
    """Who is treated; raises an InputError for a folder that no patient can be made of."""
    if settings.patient is not None:
        return _own(settings, settings.patient)
    site = settings.site
    patient = site.made(settings.frame, settings.seed)
    return CoursePatient(patient, lambda number: site.day(patient, number), site)


def _own(settings: CourseSettings, folder: Path) -> CoursePatient:
    """A patient made of a plan folder: matched on his target with the turn of bone, or on bone where nothing moves."""
    read = read_plan_input(folder, None, None, None, Straightening.REFUSED)
    if read.structure_set is None:
        raise MissingInput(f"{folder} has no structure set, so what is treated is not known; export it with the CT.")
    if read.plan is not None:
        _require_straight_couch(read.plan)
    patient = scanned_patient(
        read.planning_image,
        read.structure_set,
        read.plan,
        read.dose,
        site=settings.anatomy or None,
        target=settings.target,
        seed=settings.seed,
    )
    site = SITE_COURSES.get(patient.site, ELSEWHERE)
    is_soft = patient.site in SOFT_SITES
    site = replace(site, region=patient.target if is_soft else "bone", turn_by="bone" if is_soft else None)
    files = "".join(sorted(file.sha256 for file in read.inputs))
    digest = hashlib.sha256(files.encode()).hexdigest()
    return CoursePatient(patient, lambda number: scanned_day(patient, number), site, digest)


def _require_straight_couch(plan: Plan) -> None:
    """Raise UnsupportedInput for a plan that turns the couch, which a virtual course does not."""
    treating = [beam for beam in plan.beams if not beam.is_setup]
    turned = [beam for beam in treating if any(p.couch.patient_support_angle_deg for p in beam.control_points)]
    if turned:
        raise UnsupportedInput(
            f"Beam {turned[0].name} of the plan turns the couch; virtual courses are treated with the couch straight. "
            "Leave the plan out of the folder, and a simple one is made."
        )
