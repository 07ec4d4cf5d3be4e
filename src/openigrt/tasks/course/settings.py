"""What course is asked for: whose, how many fractions, with which images, on which linac."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from openigrt.errors import InputError
from openigrt.geometry import Frame
from openigrt.tasks.course.naming import course_uid
from openigrt.virtual import (
    MID_VENTILATION,
    Day,
    LinacModel,
    VirtualPatient,
    abdomen_day,
    abdomen_patient,
    brain_day,
    brain_patient,
    coarse_linac,
    head_neck_day,
    head_neck_patient,
    pelvis_day,
    pelvis_patient,
    thorax_day,
    thorax_patient,
)

MOST_FRACTIONS = 100
HIGHEST_LEVEL_MM = 50.0


class Imaging(StrEnum):
    """How images of the day are made: quickly without projections, from few projections, or as a clinic takes them."""

    QUICK = "quick"
    DEMO = "demo"
    FULL = "full"


class Linac(StrEnum):
    """The linac of a course: a nominal one with a couch of six axes, or a coarse one with three, accurate to 1 mm."""

    NOMINAL = "nominal"
    COARSE = "coarse"

    def model(self) -> LinacModel:
        """What it is made of."""
        return LinacModel() if self is Linac.NOMINAL else coarse_linac()


@dataclass(frozen=True, slots=True)
class SiteCourse:
    """How an anatomy is treated: by which protocol, matched on what, and in how many fractions of the demo.

    `turn_by` is the region whose turn is taken, None where it is that of the match.
    """

    protocol: str
    region: str
    turn_by: str | None
    fractions: int
    patient: Callable[[Frame, int], VirtualPatient]
    day: Callable[[VirtualPatient, int], Day]

    def made(self, frame: Frame, seed: int) -> VirtualPatient:
        """The patient, who is planned at mid-ventilation where he breathes (Wolthaus et al., Int J Radiat Oncol 70)."""
        patient = self.patient(frame, seed)
        if not patient.breathing_organs:
            return patient
        return replace(patient, planned=replace(patient.planned, breathing=MID_VENTILATION))


SITE_COURSES: Mapping[str, SiteCourse] = {
    "pelvis": SiteCourse("prostate", "markers", None, 5, pelvis_patient, pelvis_day),
    "thorax": SiteCourse("lung_sbrt", "PTV", "bone", 3, thorax_patient, thorax_day),
    "head_neck": SiteCourse("head_neck", "bone", None, 5, head_neck_patient, head_neck_day),
    "abdomen": SiteCourse("liver_sbrt", "PTV", "bone", 5, abdomen_patient, abdomen_day),
    "brain": SiteCourse("srs", "bone", None, 3, brain_patient, brain_day),
}


ELSEWHERE = SiteCourse("default", "bone", None, 5, brain_patient, brain_day)  # of a patient of one's own


def site_course(anatomy: str) -> SiteCourse:
    """How an anatomy is treated; raises InputError for one that there is not."""
    if anatomy not in SITE_COURSES:
        raise InputError(
            f"There is no virtual patient of {anatomy!r}; expected one of {', '.join(SITE_COURSES)}.", found=anatomy
        )
    return SITE_COURSES[anatomy]


@dataclass(frozen=True, slots=True)
class CourseSettings:
    """A course as it was asked for; `correct_above_mm` None leaves the action level to the protocol.

    `patient` is the plan folder that a patient of one's own is made of; `anatomy` is then his site, empty where the
    structures shall say it. `target` names the structure that is treated, None leaves it to the rule.
    """

    anatomy: str
    fractions: int
    seed: int
    imaging: Imaging
    linac: Linac
    correct_above_mm: float | None = None
    patient: Path | None = None
    target: str | None = None

    def __post_init__(self) -> None:
        """Raise InputError for a course that cannot be."""
        if self.patient is None:
            site_course(self.anatomy)
            if self.target is not None:
                raise InputError(
                    "--target names a structure of a patient of your own; give --patient, or leave it out."
                )
        if not 1 <= self.fractions <= MOST_FRACTIONS:
            raise InputError(
                f"A course of {self.fractions} fractions cannot be treated; ask for 1 to {MOST_FRACTIONS}.",
                found=self.fractions,
            )
        level = self.correct_above_mm
        if level is not None and not (isinstance(level, int | float) and 0.0 <= level <= HIGHEST_LEVEL_MM):
            raise InputError(f"The action level is {level} mm; expected 0 to {HIGHEST_LEVEL_MM:g} mm.")

    @property
    def site(self) -> SiteCourse:
        """How the anatomy is treated."""
        return site_course(self.anatomy)

    @property
    def frame(self) -> Frame:
        """The frame of the plan."""
        return Frame.plan(course_uid(self.anatomy, self.seed, "plan frame"))

    def is_verified(self, number: int) -> bool:
        """Whether a second image follows the correction of a fraction: of all in a clinic, of first and last here."""
        return self.imaging is Imaging.FULL or number in (1, self.fractions)

    def words(self) -> dict[str, str]:
        """The settings for reports and manifests."""
        level = "by the protocol" if self.correct_above_mm is None else f"above {self.correct_above_mm:g} mm"
        return {
            "anatomy": self.anatomy or "by the structures",
            **({} if self.patient is None else {"patient": self.patient.name, "target": self.target or "by rule"}),
            "fractions": str(self.fractions),
            "images": str(self.imaging),
            "linac": str(self.linac),
            "corrections": level,
        }
