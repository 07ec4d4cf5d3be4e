"""review.csv: one row for each image of a course, numbers in mm and degrees; what is not known is empty."""

import csv
import math
from collections.abc import Callable, Mapping
from io import StringIO

from openigrt.guidance import AXES, CourseImage, SetupError
from openigrt.tasks.plain_values import moment
from openigrt.tasks.review.course import CourseReview

FORMULA_STARTS = "=+-@\t\r"
DIGITS = 3

Cell = str | float | int | bool | None


def review_table(review: CourseReview) -> str:
    """The table as text, RFC 4180, with a line of names."""
    lines = StringIO()
    writer = csv.writer(lines)
    writer.writerow(COLUMNS)
    for image in review.images:
        writer.writerow([_cell(read(image)) for read in COLUMNS.values()])
    return lines.getvalue()


def _cell(value: Cell) -> str:
    """A value as it stands in a cell; no text that a spreadsheet would take for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{round(value, DIGITS) + 0.0:.{DIGITS}f}" if math.isfinite(value) else ""
    text = " ".join(str(value).split())
    return f"'{text}" if text.startswith(tuple(FORMULA_STARTS)) else text


def _of_found(name: str) -> Callable[[CourseImage], Cell]:
    """A value of what was found."""
    return lambda image: None if image.review.found is None else getattr(image.review.found, name)


def _of_other(name: str) -> Callable[[CourseImage], Cell]:
    """A value of the registration of another system that counts."""
    return lambda image: None if image.review.judged is None else getattr(image.review.judged, name)


def _axis(error: SetupError | None, axis: str) -> float | None:
    """One axis of a setup error, where one is known."""
    return None if error is None else float(getattr(error, axis))


def _ours(axis: str) -> Callable[[CourseImage], Cell]:
    """An axis of our setup error."""
    return lambda image: _axis(image.review.found.setup_error if image.review.found else None, axis)


def _theirs(axis: str) -> Callable[[CourseImage], Cell]:
    """An axis of the setup error by the other system."""
    return lambda image: _axis(image.review.judged.setup_error if image.review.judged else None, axis)


def _apart(place: int) -> Callable[[CourseImage], Cell]:
    """Where the other system puts the centre of the target less where we do, along one axis."""
    return lambda image: (
        image.review.judged.apart_mm[place] if image.review.judged and image.review.judged.apart_mm else None
    )


def _made_at(image: CourseImage) -> str | None:
    """When the registration that counts was made, ISO 8601 UTC."""
    return moment(image.review.judged.created_at) if image.review.judged else None


COLUMNS: Mapping[str, Callable[[CourseImage], Cell]] = {
    "image": lambda image: image.number,
    "session": lambda image: image.session,
    "role": lambda image: str(image.role),
    "copy_of": lambda image: image.copy_of,
    "acquired_at": lambda image: moment(image.review.acquired_at),
    "series_uid": lambda image: image.review.series_uid,
    "modality": lambda image: image.review.modality,
    "description": lambda image: image.review.description,
    **{axis: _ours(axis) for axis in AXES},
    "off_target_mm": _of_found("off_target_mm"),
    "region": _of_found("region"),
    "verdict": _of_found("verdict"),
    "predicted_error_mm": _of_found("predicted_error_mm"),
    "score": _of_found("score"),
    "surrogate": _of_found("surrogate"),
    "action": _of_found("action"),
    "registrations": lambda image: len(image.review.others),
    "other_uid": _of_other("uid"),
    "other_maker": _of_other("maker"),
    "other_made_at": _made_at,
    "other_agreement": _of_other("agreement"),
    **{f"other_{axis}": _theirs(axis) for axis in AXES},
    "apart_lateral_mm": _apart(0),
    "apart_longitudinal_mm": _apart(1),
    "apart_vertical_mm": _apart(2),
    "apart_largest_mm": _of_other("largest_mm"),
    "apart_rotation_deg": _of_other("rotation_deg"),
    "similarity_ours": _of_other("similarity_ours"),
    "similarity_other": _of_other("similarity_other"),
    "verifies_image": lambda image: image.after,
    "is_within_tolerance": lambda image: image.verification.is_within if image.verification else None,
    "grew": lambda image: " ".join(image.verification.grew) if image.verification else None,
    "needs_person": lambda image: bool(image.attention),
    "why": lambda image: " ".join(image.attention) or None,
}
