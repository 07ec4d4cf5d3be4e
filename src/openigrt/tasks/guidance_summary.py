"""The answer of `guide` in a few lines for a person at a terminal."""

from collections.abc import Iterator
from pathlib import Path

from openigrt.guidance import setup_in_words
from openigrt.patient import Correction, Match, Verdict
from openigrt.tasks.guidance import Guidance
from openigrt.tasks.guidance_record import STATEMENT

UNITS = {"_mm": " mm", "_deg": "°"}
NOT_COMMANDED = "–"


def guidance_summary(guidance: Guidance, folder: Path) -> str:
    """Decision, what led to it, what else to know, warnings, setup error, couch, matches, and where the files are."""
    correction, position = guidance.correction, guidance.alignment.patient_position
    lines = [
        f"Decision: {correction.action.upper()}",
        *(f"  {'Cause: ' if correction.action == 'call' else ''}{reason}" for reason in correction.reasons),
        *(f"  Note: {remark}" for remark in correction.remarks),
        *(f"Warning: {sentence}" for sentence in guidance.warnings),
        setup_in_words(guidance.match, correction, position),
        _couch_line(guidance),
        f"Region: {guidance.match.region}, {guidance.region_rule}.",
        *(line for match in guidance.matches for line in _match_lines(match, guidance)),
        f"Surrogate: {guidance.surrogate.verdict}. " + " ".join(guidance.surrogate.reasons),
        f"Report: {folder / 'report.html'}",
        STATEMENT,
    ]
    return "\n".join(lines) + "\n"


def _couch_line(guidance: Guidance) -> str:
    """The move of the couch, and whether it is one to make; a refused match has none."""
    correction = guidance.correction
    if guidance.match.trust.verdict is Verdict.REFUSED:
        return f"Couch: no move; the match on {guidance.match.region} is refused."
    return (
        f"Couch ({_recommended(guidance)}, {correction.degrees_of_freedom} degrees of freedom, about the "
        f"{str(correction.about).replace('_', ' ')}): {_move(correction)}"
    )


def _recommended(guidance: Guidance) -> str:
    """Whether the move is one to make."""
    if guidance.correction.action == "leave":
        return "below the action level"
    return "proposed" if guidance.correction.is_recommended else "not recommended"


def _move(correction: Correction) -> str:
    """Six axes on one line; a dash for those that are not commanded."""
    values = {field: getattr(correction.couch, field) for field in correction.couch.__slots__}
    shown = [
        f"{field.removesuffix(suffix)} {NOT_COMMANDED if value is None else f'{value:+.1f}{unit}'}"
        for field, value in values.items()
        for suffix, unit in UNITS.items()
        if field.endswith(suffix)
    ]
    return ", ".join(shown) + (f" ({NOT_COMMANDED}: not commanded)" if None in values.values() else "")


def _match_lines(match: Match, guidance: Guidance) -> Iterator[str]:
    """One match: where it puts the isocenter, what is believed about it and, unless it is trusted, why."""
    alignment = guidance.alignment
    shift = match.plan_from_daily.shift_about_points_mm(alignment.plan_isocenter_mm, alignment.daily_isocenter_mm)
    x, y, z = shift
    yield (
        f"Match on {match.region}: ({x:+.1f}, {y:+.1f}, {z:+.1f}) mm LPS, score {match.score:.2f}, "
        f"predicted error {match.trust.predicted_error_mm:.1f} mm, {match.trust.verdict}"
    )
    if match.trust.verdict is not Verdict.TRUSTED:
        yield f"  {match.trust.verdict}: {' '.join(match.trust.reasons)}"
