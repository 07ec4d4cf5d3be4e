"""A course that was treated: whose, how, and all its fractions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from openigrt.guidance import AxisStatistics, statistics_of
from openigrt.patient import Verdict
from openigrt.report import SideBySide
from openigrt.tasks.course.fraction import Fraction, TakenImage
from openigrt.tasks.course.settings import CourseSettings
from openigrt.tasks.course.truth import DIRECTIONS


@dataclass(frozen=True, eq=False)
class PlannedCourse:
    """What a course is treated by: who, which plan, and what is matched."""

    patient_id: str
    patient_name: str
    patient_position: str
    plan_label: str
    prescription: str
    target: str
    region: str
    protocol: str
    margin_mm: float | None
    planned_at: datetime


@dataclass(frozen=True, eq=False)
class Course:
    """A virtual course in `folder`; `pictures` of some fractions by their number; `timing_s` by step."""

    settings: CourseSettings
    planned: PlannedCourse
    fractions: tuple[Fraction, ...]
    folder: Path
    pictures: Mapping[int, SideBySide]
    timing_s: Mapping[str, float]

    @property
    def treated(self) -> tuple[Fraction, ...]:
        """The fractions with a beam."""
        return tuple(fraction for fraction in self.fractions if fraction.delivery is not None)

    @property
    def expansion_mm(self) -> float | None:
        """By how much the target must grow on all sides to have held it in every fraction of this course."""
        return max((f.delivery.expansion_mm for f in self.treated if f.delivery), default=None)

    @property
    def reach_mm(self) -> dict[str, float]:
        """By how much the target reached beyond the planned one in any fraction, by direction."""
        deliveries = [fraction.delivery for fraction in self.treated if fraction.delivery]
        return {name: max(d.reach_mm[name] for d in deliveries) for name in DIRECTIONS} if deliveries else {}

    @property
    def before(self) -> Mapping[str, AxisStatistics]:
        """This patient's mean and standard deviation by axis, before any correction."""
        return statistics_of([fraction.first.true for fraction in self.fractions])

    @property
    def after(self) -> Mapping[str, AxisStatistics]:
        """The same while the beam was on."""
        return statistics_of([f.delivery.residual for f in self.treated if f.delivery])

    @property
    def images(self) -> tuple[TakenImage, ...]:
        """All images in order."""
        return tuple(image for fraction in self.fractions for image in fraction.images)

    @property
    def trusted(self) -> tuple[TakenImage, ...]:
        """The images whose match is trusted."""
        return tuple(image for image in self.images if image.verdict is Verdict.TRUSTED)

    @property
    def beyond_their_bound(self) -> tuple[TakenImage, ...]:
        """Trusted matches that were further off than they said."""
        return tuple(
            image
            for image in self.trusted
            if image.match_error_mm is not None
            and image.predicted_error_mm is not None
            and image.match_error_mm > image.predicted_error_mm
        )
