"""The answer of `guide` in a few lines for a person at a terminal."""

from pathlib import Path

from openigrt.guidance import setup_error_in_words
from openigrt.patient import CouchMove, Match
from openigrt.tasks.guidance import Guidance
from openigrt.tasks.guidance_record import STATEMENT


def guidance_summary(guidance: Guidance, folder: Path) -> str:
    """Decision, reasons, setup error, couch move, matches, and where the files are."""
    correction, position = guidance.correction, guidance.alignment.patient_position
    lines = [
        f"Decision: {correction.action.upper()}",
        *(f"  {reason}" for reason in correction.reasons),
        setup_error_in_words(correction.setup_error_mm, correction.setup_rotation, position),
        f"Couch ({_recommended(guidance)}, {correction.degrees_of_freedom} degrees of freedom, about the "
        f"{str(correction.about).replace('_', ' ')}): {_move(correction.couch)}",
        *(_match_line(match, guidance) for match in guidance.matches),
        f"Surrogate: {guidance.surrogate.verdict}. " + " ".join(guidance.surrogate.reasons),
        *(f"Warning: {sentence}" for sentence in guidance.warnings),
        f"Report: {folder / 'report.html'}",
        STATEMENT,
    ]
    return "\n".join(lines) + "\n"


def _recommended(guidance: Guidance) -> str:
    """Whether the move is one to make."""
    if guidance.correction.action == "leave":
        return "below the action level"
    return "proposed" if guidance.correction.is_recommended else "not recommended"


def _move(move: CouchMove) -> str:
    """Six axes on one line."""
    return (
        f"lateral {move.lateral_mm:+.1f} mm, longitudinal {move.longitudinal_mm:+.1f} mm, vertical "
        f"{move.vertical_mm:+.1f} mm, yaw {move.yaw_deg:+.1f}°, pitch {move.pitch_deg:+.1f}°, "
        f"roll {move.roll_deg:+.1f}°"
    )


def _match_line(match: Match, guidance: Guidance) -> str:
    """One match: where it puts the isocenter, and what is believed about it."""
    alignment = guidance.alignment
    shift = match.plan_from_daily.shift_about_points_mm(alignment.plan_isocenter_mm, alignment.daily_isocenter_mm)
    x, y, z = shift
    return (
        f"Match on {match.region}: ({x:+.1f}, {y:+.1f}, {z:+.1f}) mm LPS, score {match.score:.2f}, "
        f"predicted error {match.trust.predicted_error_mm:.1f} mm, {match.trust.verdict}"
    )
