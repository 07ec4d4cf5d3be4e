"""A course as plain values: course.json, course.csv, and the words of the command."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from statistics import median
from typing import Any

from openigrt.guidance import AXES, AxisStatistics, SetupError
from openigrt.report import RESEARCH_STATEMENT
from openigrt.tasks.course.course import Course
from openigrt.tasks.course.fraction import Delivery, Fraction
from openigrt.tasks.course.keeping import fraction_record
from openigrt.tasks.plain_values import moment, rounded

SCHEMA_VERSION = 1
STAGES = ("before", "found", "believed", "at_beam_on")
VECTORS = ("match", "imager", "couch", "motion")
TABLE_AXES = ("lateral", "longitudinal", "vertical")

Record = dict[str, Any]


def course_record(course: Course) -> Record:
    """The record as nested dicts of numbers, text and None, ready for JSON; what is true of the target throughout."""
    return {
        "schema_version": SCHEMA_VERSION,
        "statement": RESEARCH_STATEMENT,
        "is_simulated": True,
        "settings": course.settings.words() | {"seed": course.settings.seed},
        "plan": asdict(course.planned) | {"planned_at": moment(course.planned.planned_at)},
        "fractions": [fraction_record(fraction) for fraction in course.fractions],
        "this_patient": {"before": _statistics(course.before), "at_beam_on": _statistics(course.after)},
        "smallest_expansion_mm": rounded(course.expansion_mm, 3),
        "smallest_expansion_note": "of this course only, not a margin recommendation",
        "reach_mm": {name: rounded(mm, 3) for name, mm in course.reach_mm.items()},
        "trusted_matches": len(course.trusted),
        "trusted_matches_beyond_their_bound": len(course.beyond_their_bound),
        "version": version("openigrt"),
    }


def course_table(course: Course) -> str:
    """One row for each fraction, as CSV; empty where something is not known."""
    text = io.StringIO()
    rows = [_row(fraction) for fraction in course.fractions]
    table = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def course_summary(course: Course) -> str:
    """What the course came to, in words."""
    before = [fraction.first.true.length_mm for fraction in course.fractions]
    after = [fraction.delivery.residual.length_mm for fraction in course.treated if fraction.delivery]
    lines = [
        f"{len(after)} of {len(before)} fractions of a virtual {course.settings.anatomy or 'patient'} were treated."
    ]
    if after:
        lines.append(
            f"The target was {median(before):.1f} mm off before a correction and {median(after):.1f} mm while the beam "
            f"was on (medians; largest {max(before):.1f} and {max(after):.1f} mm)."
        )
        lines.append(
            f"An expansion of {course.expansion_mm:.1f} mm held the whole target in every fraction: this course only, "
            "not a margin recommendation."
        )
    beyond = course.beyond_their_bound
    lines.append(
        f"Matches trusted: {len(course.trusted)} of {len(course.images)}; "
        f"{len(beyond) if beyond else 'none'} of them further off than said."
    )
    lines.append(f"Look at it: {course.folder / 'report.html'}")
    return "".join(f"{line}\n" for line in lines)


def _row(fraction: Fraction) -> Record:
    """One fraction, every column of it."""
    first, delivery = fraction.first, fraction.delivery
    verification = fraction.verification
    left = delivery.residual if delivery else None
    stages = zip(STAGES, (first.true, first.found, fraction.believed, left), strict=True)
    row: Record = {
        "fraction": fraction.number,
        "treated_at": moment(fraction.treated_at),
        "is_treated": delivery is not None,
        "set_up": fraction.set_up,
        "images": len(fraction.images),
        "verdict": str(first.verdict),
        "predicted_error_mm": rounded(first.predicted_error_mm, 3),
        "match_error_mm": rounded(first.match_error_mm, 3),
        "match_error_deg": rounded(first.match_error_deg, 3),
        "action": str(first.action),
        "verified_mm": None if verification is None else _length(verification.found),
    }
    for stage, error in stages:
        row |= {f"{stage}_{axis}": _axis(error, axis) for axis in AXES}
    return row | _delivered(delivery)


def _delivered(delivery: Delivery | None) -> Record:
    """What the beam met, empty where there was none."""
    row: Record = {
        name: rounded(getattr(delivery, name), 3) if delivery else None
        for name in ("delivered_mu", "beam_on_s", "since_image_s", "largest_mm", "expansion_mm")
    }
    row["deformation_mm"] = rounded(delivery.budget.deformation_mm, 3) if delivery else None
    for name in VECTORS:
        vector = getattr(delivery.budget, f"{name}_mm") if delivery else (None, None, None)
        row |= {f"{name}_{axis}_mm": rounded(mm, 3) for axis, mm in zip(TABLE_AXES, vector, strict=True)}
    return row


def _axis(error: SetupError | None, axis: str) -> float | None:
    """One axis of a setup error."""
    return None if error is None else rounded(getattr(error, axis), 3)


def _length(error: SetupError | None) -> float | None:
    """Length of a setup error, mm."""
    return None if error is None else rounded(error.length_mm, 3)


def _statistics(statistics: Mapping[str, AxisStatistics]) -> Record:
    """Mean, standard deviation and number by axis."""
    return {
        axis: {"mean": rounded(s.mean, 3), "sd": rounded(s.deviation, 3), "n": s.count}
        for axis, s in statistics.items()
    }
