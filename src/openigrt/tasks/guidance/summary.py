"""The answer of `guide` in a few lines for a person at a terminal."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from openigrt.guidance import setup_in_words
from openigrt.patient import Action, Correction, Match, Verdict
from openigrt.report import RESEARCH_STATEMENT
from openigrt.tasks.guidance.guidance import Guidance
from openigrt.tasks.words import on_lines

UNITS = {"_mm": " mm", "_deg": "°"}
NOT_COMMANDED = "–"


def guidance_summary(guidance: Guidance, folder: Path) -> str:
    """Decision, what led to it, what else to know, warnings, setup error, couch, matches, and where the files are.

    Of a refused match it says that alone, and nothing that is measured from it.
    """
    correction, position = guidance.correction, guidance.alignment.patient_position
    lines = [
        f"Decision: {correction.action.upper()}",
        *(f"  {'Cause: ' if correction.action is Action.CALL else ''}{reason}" for reason in correction.reasons),
        *(f"  Note: {remark}" for remark in correction.remarks),
        *(f"Warning: {sentence}" for sentence in guidance.warnings),
        setup_in_words(guidance.match, correction, position),
        _couch_line(guidance),
        f"Region: {guidance.match.region}, {guidance.region_rule}.",
        *(line for match in guidance.matches for line in _match_lines(match, guidance)),
        _surrogate_line(guidance),
        f"Report: {folder / 'report.html'}",
        RESEARCH_STATEMENT,
    ]
    return on_lines(lines)


def _couch_line(guidance: Guidance) -> str:
    """The move of the couch, and whether it is one to make."""
    correction = guidance.correction
    if guidance.match.trust.verdict is Verdict.REFUSED:
        return f"Couch: no move; the match on {guidance.match.region} is refused."
    return (
        f"Couch ({_recommended(guidance)}, {correction.degrees_of_freedom} degrees of freedom, about the "
        f"{str(correction.about).replace('_', ' ')}): {_move(correction)}"
    )


def _recommended(guidance: Guidance) -> str:
    """Whether the move is one to make."""
    if guidance.correction.action is Action.LEAVE:
        return "not needed"
    return "proposed" if guidance.correction.is_recommended else "not recommended"


def _move(correction: Correction) -> str:
    """Six axes on one line; a dash for those that are not commanded."""
    values = asdict(correction.couch)
    shown = [
        f"{field.removesuffix(suffix)} {NOT_COMMANDED if value is None else f'{value:+z.1f}{unit}'}"
        for field, value in values.items()
        for suffix, unit in UNITS.items()
        if field.endswith(suffix)
    ]
    return ", ".join(shown) + (f" ({NOT_COMMANDED}: not commanded)" if None in values.values() else "")


def _surrogate_line(guidance: Guidance) -> str:
    """Whether the region may stand for the target, and why."""
    surrogate = guidance.surrogate
    if guidance.match.trust.verdict is Verdict.REFUSED:
        return f"Surrogate: says nothing; the match on {guidance.match.region} is refused."
    return f"Surrogate: {surrogate.verdict}. {' '.join(surrogate.reasons)}"


def _match_lines(match: Match, guidance: Guidance) -> Iterator[str]:
    """One match: where it puts the isocenter, what is believed about it and, unless it is trusted, why."""
    alignment, trust = guidance.alignment, match.trust
    if trust.verdict is Verdict.REFUSED:
        yield f"Match on {match.region}: {trust.verdict}"
    else:
        x, y, z = match.plan_from_daily.shift_about_points_mm(alignment.plan_isocenter_mm, alignment.daily_isocenter_mm)
        yield (
            f"Match on {match.region}: ({x:+z.1f}, {y:+z.1f}, {z:+z.1f}) mm LPS, score {match.score:.2f}, "
            f"predicted error {trust.predicted_error_mm:.1f} mm, {trust.verdict}"
        )
    if trust.verdict is not Verdict.TRUSTED:
        yield f"  {trust.verdict}: {' '.join(trust.reasons)}"
