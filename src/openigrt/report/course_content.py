"""What the report of a course shows: nouns of the lower packages and a few plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from openigrt.guidance import AxisStatistics, CourseImage
from openigrt.report.content import ManifestSummary, ProtocolLevels
from openigrt.report.side_by_side import SideBySide


@dataclass(frozen=True, eq=False)
class CourseReportContent:
    """All that the report of one course says; `pictures` are by series UID, statistics by axis.

    `answer` says in one sentence how the registrations of other systems stand to ours.
    """

    patient_name: str
    patient_id: str
    patient_position: str
    plan_label: str
    plan_approval: str
    planned_at: datetime | None
    target: str
    target_rule: str
    region: str
    region_rule: str
    protocol: ProtocolLevels
    answer: str
    images: tuple[CourseImage, ...]
    pictures: Mapping[str, SideBySide]
    statistics: Mapping[str, AxisStatistics]
    statistics_of_others: Mapping[str, AxisStatistics]
    left_aside: tuple[str, ...]
    questions: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    manifest: ManifestSummary
    created_at: datetime
    timings_s: Mapping[str, float]

    @property
    def needs_person(self) -> bool:
        """Whether somebody must look."""
        return bool(self.questions) or any(image.attention for image in self.images)

    @property
    def session_count(self) -> int:
        """How many sessions there are."""
        return len({image.session for image in self.images} - {None})
