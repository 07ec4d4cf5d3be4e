"""The setup error in words that a person at the couch can act on."""

from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array, PatientPosition, TableAngles, frozen_array
from openigrt.patient import Correction, Match, Verdict

IN_PLACE_MM = 0.05
NOT_TURNED_DEG = 0.05
# (above zero, below zero) along left, posterior, superior.
DIRECTIONS = (
    ("left", "right"),
    ("posterior", "anterior"),
    ("toward the head", "toward the feet"),
)


def setup_error_in_words(setup_error_mm: ArrayLike, setup_rotation: TableAngles, position: PatientPosition) -> str:
    """A sentence for a setup error (3,) in LPS mm and the patient's rotation in IEC table axes.

    Left, anterior and head are the patient's own, high and low the room's; turns are as seen from round the couch.
    Distances below 0.05 mm and angles below 0.05 degrees count as none.
    """
    error = frozen_array(setup_error_mm, (3,))
    up = position.table_top_from_lps()[2]
    shifts = [_shift(float(error[axis]), axis, up) for axis in (0, 2, 1) if abs(error[axis]) >= IN_PLACE_MM]
    turns = _turns(setup_rotation)
    if not shifts and not turns:
        return "The patient is in place."
    if not shifts:
        return f"The patient is in place but turned {_joined(turns)}."
    return f"The patient is {_joined(shifts)}; {f'turned {_joined(turns)}' if turns else 'not turned'}."


def setup_in_words(match: Match, correction: Correction, position: PatientPosition) -> str:
    """The setup error of a correction in words; a refused match says nothing about the patient."""
    if match.trust.verdict is Verdict.REFUSED:
        return f"Where the patient lies is not known: the match on {match.region} is refused."
    return setup_error_in_words(correction.setup_error_mm, correction.setup_rotation, position)


def _shift(error_mm: float, axis: int, up: Float64Array) -> str:
    """One component in words; `up` (3,) is the vertical of the room in LPS."""
    height = error_mm * float(up[axis])
    aside = f" (too {'high' if height > 0.0 else 'low'})" if height else ""
    return f"{abs(error_mm):.1f} mm too far {DIRECTIONS[axis][error_mm < 0.0]}{aside}"


def _turns(rotation: TableAngles) -> list[str]:
    """The angles that count, in words (IEC 61217 senses)."""
    yaw, pitch, roll = rotation.yaw_deg, rotation.pitch_deg, rotation.roll_deg
    said = [
        (yaw, f"{'counter-clockwise' if yaw > 0.0 else 'clockwise'} seen from above (yaw)"),
        (pitch, f"with the gantry end {'up' if pitch > 0.0 else 'down'} (pitch)"),
        (roll, f"{'clockwise' if roll > 0.0 else 'counter-clockwise'} seen from the foot of the couch (roll)"),
    ]
    return [f"{abs(angle):.1f}° {words}" for angle, words in said if abs(angle) >= NOT_TURNED_DEG]


def _joined(parts: list[str]) -> str:
    """Parts as a list in a sentence."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
