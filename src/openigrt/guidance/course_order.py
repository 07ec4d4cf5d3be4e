"""The images of a course in the order of time, by session, and what each says after the one before it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean, stdev

from openigrt.guidance.course import AxisStatistics, CourseImage, ImageReview, OtherView, Role
from openigrt.guidance.other_match import Agreement
from openigrt.guidance.setup_error import SetupError
from openigrt.guidance.verification import Verification, judge_verification
from openigrt.patient import Verdict

# Fractions on one day lie at least six hours apart; a session lasts minutes, and an hour when something went wrong.
LONGEST_PAUSE = timedelta(hours=4)
AXES = ("lateral_mm", "longitudinal_mm", "vertical_mm", "yaw_deg", "pitch_deg", "roll_deg")


def course_images(reviews: Sequence[ImageReview], tolerance_mm: float) -> tuple[CourseImage, ...]:
    """All images in the order of acquisition (UTC; equal times by series UID), those of unknown time at the end.

    An image belongs to the session of the one before it unless more than four hours lie between. The first image of a
    session shows the setup, the later ones verify it; what follows an image that could not be matched is unclear. An
    image whose voxels are those of an earlier one is a copy, whatever its headers say: of no session and in no mean.
    """
    timed = sorted((r for r in reviews if r.acquired_at is not None), key=_when)
    untimed = sorted((r for r in reviews if r.acquired_at is None), key=lambda r: r.series_uid)
    images: list[CourseImage] = []
    first_with: dict[str, int] = {}
    for review in (*timed, *untimed):
        number = len(images) + 1
        first = first_with.setdefault(review.voxels_sha256, number) if review.voxels_sha256 else number
        if first != number:
            images.append(_image(review, number, None, Role.COPY, copy_of=first))
            continue
        if review.acquired_at is None:
            images.append(_image(review, number, None, Role.UNCLEAR))
            continue
        before = next((image for image in reversed(images) if image.session is not None), None)
        is_same = before is not None and _pause(before.review, review) <= LONGEST_PAUSE
        images.append(_placed(review, before if is_same else None, images, tolerance_mm))
    return tuple(images)


def _when(review: ImageReview) -> tuple[datetime, str]:
    """Sorting key of images with a time."""
    if review.acquired_at is None:
        raise ValueError("an image of unknown time has no place in time")
    return review.acquired_at, review.series_uid


def _pause(before: ImageReview, review: ImageReview) -> timedelta:
    """How long after another image one was acquired."""
    return _when(review)[0] - _when(before)[0]


def _placed(
    review: ImageReview, before: CourseImage | None, images: Sequence[CourseImage], tolerance_mm: float
) -> CourseImage:
    """An image at its place after those that are there already; `before` is the one before it in its session."""
    number = len(images) + 1
    if before is None:
        session = 1 + max((image.session or 0 for image in images), default=0)
        return _image(review, number, session, Role.SETUP)
    first, now = _setup_error(before.review), review.found
    role = Role.UNCLEAR if first is None or before.role is Role.UNCLEAR else Role.VERIFICATION
    verification = None
    if first is not None and now is not None and now.setup_error is not None and now.off_target_mm is not None:
        verification = judge_verification(first, now.setup_error, now.off_target_mm, tolerance_mm)
    return _image(review, number, before.session, role, after=before.number, verification=verification)


def _setup_error(review: ImageReview) -> SetupError | None:
    """The setup error of an image, where one is known."""
    return None if review.found is None else review.found.setup_error


def _image(
    review: ImageReview,
    number: int,
    session: int | None,
    role: Role,
    *,
    after: int | None = None,
    verification: Verification | None = None,
    copy_of: int | None = None,
) -> CourseImage:
    """An image with what asks for a person."""
    attention = (*_of_copy(number, copy_of), *_attention(review, after, verification))
    return CourseImage(number, session, role, review, after, verification, attention, copy_of)


def _of_copy(number: int, copy_of: int | None) -> Iterator[str]:
    """What an image asks for whose voxels were there before."""
    if copy_of is not None:
        yield (
            f"Image {number} has the very pixels of image {copy_of}: a copy or another export. It is of no session and "
            "in no mean; find out which of the two times is right."
        )


def _attention(review: ImageReview, after: int | None, verification: Verification | None) -> Iterator[str]:
    """Why a person must look at an image."""
    if review.problem:
        yield review.problem
    found = review.found
    if found is not None:
        if found.verdict is not Verdict.TRUSTED:
            yield f"The match on {found.region} is not trusted ({found.verdict}). {' '.join(found.trust_reasons)}"
        if found.surrogate is Verdict.REFUSED and found.verdict is not Verdict.REFUSED:
            yield f"The regions disagree. {' '.join(found.surrogate_reasons)}"
        yield from found.questions
    if review.judged is not None:
        yield from _of_other(review.judged, found.region if found else "")
    if verification is not None:
        yield from _of_verification(verification, after)


def _of_other(other: OtherView, region: str) -> Iterator[str]:
    """What is wrong with the registration that counts."""
    if other.problem:
        yield f"The registration {other.name!r} cannot be compared: {other.problem}"
    elif other.agreement is Agreement.EXCHANGED:
        yield (
            f"The registration {other.name!r} is written the wrong way round: its inverse is within "
            f"{other.exchanged_mm:.1f} mm of our match at the target, as written it is {other.largest_mm:.1f} mm off; "
            "source and registered image were exchanged."
        )
    elif other.agreement is Agreement.DIFFERS:
        yield (
            f"The registration {other.name!r} puts the target up to {other.largest_mm:.1f} mm and "
            f"{other.rotation_deg:.1f}° from where our match on {region} does.{_nearest_region(other)}"
        )


def _nearest_region(other: OtherView) -> str:
    """A sentence about a region on which our match is nearer to the other one."""
    nearest = min((other.regions_mm or {}).items(), key=lambda item: item[1], default=None)
    if nearest is None or other.largest_mm is None or nearest[1] > 0.5 * other.largest_mm:
        return ""
    return f" Our match on {nearest[0]} is {nearest[1]:.1f} mm from it: was that the region it was made on?"


def _of_verification(verification: Verification, after: int | None) -> Iterator[str]:
    """What an image after a correction asks for."""
    if not verification.is_within:
        yield (
            f"After image {after} the target is still up to {verification.residual_mm:.1f} mm off, more than the "
            f"{verification.tolerance_mm:g} mm of verification."
        )
    if verification.grew:
        yield f"The residual grew on {', '.join(verification.grew)} since image {after}."
    yield from verification.causes


def order_notes(images: Sequence[CourseImage]) -> tuple[str, ...]:
    """What to know about times and sessions."""
    return (*_unknown_times(images), *_equal_times(images), *_two_sessions_a_day(images), *_unclear(images))


def _unknown_times(images: Sequence[CourseImage]) -> Iterator[str]:
    """Images that belong to no session."""
    for image in images:
        if image.review.acquired_at is None:
            yield f"Image {image.number} does not say when it was acquired: it is listed last and is of no session."


def _equal_times(images: Sequence[CourseImage]) -> Iterator[str]:
    """Images whose order is not known."""
    for before, image in pairwise(images):
        if image.session is not None and before.review.acquired_at == image.review.acquired_at:
            yield (
                f"Images {before.number} and {image.number} say the same time of acquisition: they stand in the order "
                "of their series UIDs, and which came first is not known."
            )


def _two_sessions_a_day(images: Sequence[CourseImage]) -> Iterator[str]:
    """Sessions that begin on the day of the one before."""
    starts = [image for image in images if image.role is Role.SETUP]
    for before, start in pairwise(starts):
        days = [s.review.acquired_at.date() for s in (before, start) if s.review.acquired_at]
        if len(set(days)) == 1:
            hours = LONGEST_PAUSE.total_seconds() / 3600.0
            yield (
                f"Sessions {before.session} and {start.session} are of one day (UTC), more than {hours:g} hours apart."
            )


def _unclear(images: Sequence[CourseImage]) -> Iterator[str]:
    """Images after one that could not be matched."""
    for image in images:
        if image.role is Role.UNCLEAR and image.session is not None:
            yield (
                f"Image {image.number} follows an image of its session without a match: whether it shows the setup or "
                "what a correction left is not known, and it is in no mean."
            )


def setup_errors(images: Sequence[CourseImage]) -> list[SetupError]:
    """Our setup errors of the images that show the setup and are trusted."""
    errors = (_setup_error(image.review) for image in images if is_counted(image))
    return [error for error in errors if error is not None]


def setup_errors_of_others(images: Sequence[CourseImage]) -> list[SetupError]:
    """Those of the registrations that count, of the same images; one that is written the wrong way round is none."""
    judged = (image.review.judged for image in images if is_counted(image))
    return [o.setup_error for o in judged if o and o.setup_error and o.agreement is not Agreement.EXCHANGED]


def beyond_level(images: Sequence[CourseImage], level_mm: float) -> int:
    """How many of the images in the means show a setup error above a level on any axis; none where all is corrected.

    A level of zero means that every shift is corrected: then none lies above what it should be.
    """
    return 0 if level_mm <= 0.0 else sum(max(map(abs, error.values[:3])) > level_mm for error in setup_errors(images))


def is_counted(image: CourseImage) -> bool:
    """Whether an image is in the means: of the setup, and trusted."""
    found = image.review.found
    return image.role is Role.SETUP and found is not None and found.verdict is Verdict.TRUSTED


def statistics_of(errors: Sequence[SetupError]) -> dict[str, AxisStatistics]:
    """Mean and standard deviation (n - 1) by axis (clinical.md 3.1: m_p and s_p of this patient)."""
    columns = {axis: [getattr(error, axis) for error in errors] for axis in AXES}
    return {
        axis: AxisStatistics(fmean(values) if values else None, stdev(values) if len(values) > 1 else None, len(values))
        for axis, values in columns.items()
    }
