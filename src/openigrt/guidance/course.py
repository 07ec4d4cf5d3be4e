"""The nouns of a course: what was found in each image, and what its place among the others makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openigrt.guidance.other_match import Agreement
from openigrt.guidance.setup_error import SetupError
from openigrt.guidance.verification import Verification
from openigrt.patient import Action, Verdict


class Role(StrEnum):
    """What an image of a course is for, as far as its place in the session tells."""

    SETUP = "setup"
    VERIFICATION = "verification"
    UNCLEAR = "unclear"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class OtherView:
    """A registration of another system beside our match, or the `problem` that keeps it from being one.

    `apart_mm` is where it puts the centre of the target less where ours does (lateral, longitudinal, vertical);
    `largest_mm` the largest distance over the target, `exchanged_mm` the same for its inverse; `regions_mm` that from
    our trusted matches on other regions. Similarities are of our match and of this one, by the metric of the match.
    Where it is written the wrong way round, setup error, regions and similarity are of its inverse, as it was meant.
    """

    uid: str
    name: str
    maker: str
    created_at: datetime | None
    is_judged: bool
    problem: str = ""
    agreement: Agreement | None = None
    setup_error: SetupError | None = None
    apart_mm: tuple[float, ...] = ()
    largest_mm: float | None = None
    rotation_deg: float | None = None
    exchanged_mm: float | None = None
    regions_mm: Mapping[str, float] | None = None
    similarity_ours: float | None = None
    similarity_other: float | None = None
    similarity_deviation: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What the match of one image says: the numbers of `guide`, the setup error in table axes, None when refused.

    `off_target_mm` is how far the target's surface is from its place at most; `questions` are what a person must answer
    about the input.
    """

    region: str
    metric: str
    verdict: Verdict
    predicted_error_mm: float
    trust_reasons: tuple[str, ...]
    score: float
    overlap: float
    plan_from_daily: tuple[tuple[float, ...], ...]
    surrogate: Verdict
    surrogate_reasons: tuple[str, ...]
    differences_mm: Mapping[str, float]
    action: Action
    reasons: tuple[str, ...]
    questions: tuple[str, ...]
    warnings: tuple[str, ...]
    isocenter_rule: str
    gives_couch_move: bool
    setup_error: SetupError | None
    off_target_mm: float | None


@dataclass(frozen=True, slots=True)
class ImageReview:
    """One image of a course: what it is, what was found in it or the `problem` why nothing was, and other matches.

    `key` is the digest of everything that the result depends on, `voxels_sha256` that of the voxels alone, whatever the
    headers say; empty where the image could not be read.
    """

    series_uid: str
    study_uid: str
    frame_uid: str
    description: str
    modality: str
    acquired_at: datetime | None
    problem: str = ""
    found: Found | None = None
    others: tuple[OtherView, ...] = ()
    key: str = ""
    voxels_sha256: str = ""

    @property
    def judged(self) -> OtherView | None:
        """The registration of another system that counts: the latest."""
        return next((other for other in self.others if other.is_judged), None)


@dataclass(frozen=True, slots=True)
class CourseImage:
    """An image at its place: its number in the order of time, its session (None: unknown time, or a copy), its role.

    `verification` compares it with the image before in its session, whose number is `after`; `attention` says why a
    person must look. `copy_of` is the number of the first image that has the same voxels, where that is another one.
    """

    number: int
    session: int | None
    role: Role
    review: ImageReview
    after: int | None
    verification: Verification | None
    attention: tuple[str, ...]
    copy_of: int | None = None


@dataclass(frozen=True, slots=True)
class AxisStatistics:
    """Mean and standard deviation (n - 1) of one axis over the setup images; None where there are too few."""

    mean: float | None
    deviation: float | None
    count: int
