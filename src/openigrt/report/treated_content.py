"""What the report of a virtual course shows: what was believed, and beside it what was true."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from openigrt.guidance import SetupError
from openigrt.patient import Verdict
from openigrt.report.content import ManifestSummary
from openigrt.report.side_by_side import SideBySide


@dataclass(frozen=True, slots=True)
class ShownFraction:
    """One fraction, of the target: setup errors before the correction, believed to be left, and truly left at beam-on.

    The last three are None where nobody was treated. `budget_mm` has the vectors that make up the residual by the name
    of the error, lateral, longitudinal, vertical. `link` leads to the report of its first image. `notes` are what a
    person had to decide.
    """

    number: int
    treated_at: datetime
    link: str
    image_count: int
    verdict: Verdict
    predicted_error_mm: float | None
    match_error_mm: float | None
    match_error_deg: float | None
    before: SetupError
    believed: SetupError | None
    after: SetupError | None
    largest_mm: float | None
    expansion_mm: float | None
    delivered_mu: float | None
    since_image_s: float | None
    verified_mm: float | None
    budget_mm: Mapping[str, tuple[float, float, float]]
    deformation_mm: float | None
    notes: tuple[str, ...] = ()

    @property
    def is_treated(self) -> bool:
        """Whether there was a beam."""
        return self.after is not None


@dataclass(frozen=True, eq=False)
class TreatedCourseContent:
    """All that the report of one virtual course says; `pictures` are by the number of the fraction, before and after.

    `expansion_mm` is by how much the target must grow to hold it in every fraction of this course, None where nobody
    was treated; `reach_mm` the same by direction. `margin_mm` is what the plan has round the target. Counts are of
    all images: of those trusted, how many were further off than the 95 % bound that they said.
    """

    anatomy: str
    patient_name: str
    patient_id: str
    patient_position: str
    plan_label: str
    prescription: str
    target: str
    region: str
    protocol: str
    imaging: str
    planned_at: datetime
    fractions: tuple[ShownFraction, ...]
    expansion_mm: float | None
    reach_mm: Mapping[str, float]
    margin_mm: float | None
    image_count: int
    trusted_count: int
    beyond_count: int
    pictures: Mapping[int, SideBySide]
    settings: Mapping[str, str]
    manifest: ManifestSummary
    notes: tuple[str, ...] = ()

    @property
    def treated(self) -> tuple[ShownFraction, ...]:
        """The fractions with a beam."""
        return tuple(fraction for fraction in self.fractions if fraction.is_treated)


def angle_deg(error: SetupError) -> float:
    """Length of the three angles, which is the turn for small ones, degrees."""
    return float(np.linalg.norm(error.values[3:]))
