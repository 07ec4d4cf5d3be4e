"""A reviewed course in a few lines for a person at a terminal."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from openigrt.guidance import AXES, Agreement, CourseImage, OtherView, Role, beyond_level, setup_errors
from openigrt.report import RESEARCH_STATEMENT
from openigrt.tasks.review.course import CourseReview
from openigrt.tasks.words import on_lines

REPORT = "review.html"
UNITS = {"mm": " mm", "deg": "°"}


def review_summary(review: CourseReview, folder: Path) -> str:
    """The answer, each image on a line with why a person must look at it, means, and where the files are."""
    lines = [
        _answer(review),
        *others_in_words(review),
        *_beyond_in_words(review),
        *(f"Question: {sentence}" for sentence in review.questions),
        *(f"Warning: {sentence}" for sentence in review.warnings),
        *(line for image in review.images for line in _image_lines(image)),
        *_means(review),
        *(f"Note: {note}" for note in review.notes),
        *(f"Left aside: {sentence}" for sentence in review.left_aside),
        f"Report: {folder / REPORT}",
        RESEARCH_STATEMENT,
    ]
    return on_lines(lines)


def _answer(review: CourseReview) -> str:
    """How many images, how many of them matched, and whether a person must look."""
    sessions = len({image.session for image in review.images} - {None})
    looked = sum(bool(image.attention) for image in review.images)
    asked = f"a person must look at {looked} of them" if looked else "none of them needs a look"
    counted = f"{_count(len(review.images), 'image')} in {_count(sessions, 'session')}"
    return f"{counted}, {len(review.matched)} matched; {asked}."


def _count(number: int, what: str) -> str:
    """A number of things."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def others_in_words(review: CourseReview) -> Iterator[str]:
    """Whether the registrations of other systems were right, in one sentence."""
    judged = [image.review.judged for image in review.images if image.review.judged is not None]
    if not judged:
        yield "No registration of another system speaks of these images."
        return
    counts = Counter(_standing(other) for other in judged)
    listed = ", ".join(f"{count} {standing}" for standing, count in counts.items())
    tolerance_mm = review.protocol.verification_tolerance_mm
    yield (
        f"Registrations of other systems, for {_count(len(judged), 'image')}: {listed} "
        f"(tolerance {tolerance_mm:g} mm at the target)."
    )


def _beyond_in_words(review: CourseReview) -> Iterator[str]:
    """How many setups lay above the action level, where any did."""
    level_mm, count = review.protocol.action_level_mm, len(setup_errors(review.images))
    beyond = beyond_level(review.images, level_mm)
    if beyond:
        counted = _count(count, "trusted setup image")
        yield f"Setup error above the action level of {level_mm:g} mm: {beyond} of {counted}."


def _standing(other: OtherView) -> str:
    """How a registration stands to ours, in a word or two."""
    words = {
        Agreement.AGREES: "agreeing",
        Agreement.DIFFERS: "differing",
        Agreement.EXCHANGED: "written the wrong way round",
        Agreement.NOT_JUDGED: "not judged, since our match is refused",
    }
    return "cannot be compared" if other.agreement is None else words[other.agreement]


def _image_lines(image: CourseImage) -> Iterator[str]:
    """An image, then why a person must look at it."""
    found = image.review.found
    when = f"{image.review.acquired_at:%Y-%m-%d %H:%M} UTC" if image.review.acquired_at else "of unknown time"
    place = f" session {image.session}, {image.role}," if image.session else " copy," if image.role is Role.COPY else ""
    if found is None or found.setup_error is None:
        told = "no setup error"
    else:
        told = ", ".join(
            f"{axis.rpartition('_')[0]} {value:+z.1f}{UNITS[axis.rpartition('_')[2]]}"
            for axis, value in zip(AXES, found.setup_error.values, strict=True)
        )
    verdict = f"; {found.verdict}" if found else ""
    yield f"Image {image.number},{place} {when}: {told}{verdict}."
    for sentence in image.attention:
        yield f"  LOOK: {sentence}"


def _means(review: CourseReview) -> Iterator[str]:
    """Mean and standard deviation of the setup errors by axis."""
    for axis, found in review.statistics.items():
        name, _, unit = axis.rpartition("_")
        if found.mean is not None:
            spread = "" if found.deviation is None else f", SD {found.deviation:.1f}{UNITS[unit]}"
            yield f"Setup error {name}: mean {found.mean:+z.1f}{UNITS[unit]}{spread} (n = {found.count})."
