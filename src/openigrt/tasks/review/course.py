"""A reviewed course: its images at their places, what was left aside, and what it all rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from openigrt.dicom import InputFile, PlanFolder
from openigrt.guidance import AxisStatistics, CourseImage, ImageReview, Protocol
from openigrt.patient import Target
from openigrt.report import SideBySide


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What one image says, with pictures where another match differs from ours."""

    review: ImageReview
    pictures: SideBySide | None = None


@dataclass(frozen=True, eq=False)
class CourseReview:
    """A whole course: its images in the order of time, what was left aside, and what a person must look at.

    `pictures` are by series UID. `statistics` and `statistics_of_others` are by axis, over the trusted setup images.
    `warnings` hold for all images, `notes` say how they were ordered, `questions` are reasons to look that belong to no
    image.
    """

    plan_folder: PlanFolder
    isocenter_from: str
    isocenter_mm: tuple[float, ...]
    patient_position: str
    target: Target
    region: str
    region_rule: str
    protocol: Protocol
    allowed_error_mm: float
    images: tuple[CourseImage, ...]
    pictures: Mapping[str, SideBySide]
    statistics: Mapping[str, AxisStatistics]
    statistics_of_others: Mapping[str, AxisStatistics]
    left_aside: tuple[str, ...]
    questions: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    inputs: tuple[InputFile, ...]
    settings: Mapping[str, str]
    seed: int
    reviewed_at: datetime
    timing_s: Mapping[str, float]

    @property
    def matched(self) -> tuple[CourseImage, ...]:
        """The images that could be matched."""
        return tuple(image for image in self.images if image.review.found is not None)

    @property
    def needs_person(self) -> bool:
        """Whether somebody must look."""
        return bool(self.questions) or any(image.attention for image in self.images)
