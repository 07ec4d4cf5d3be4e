"""Numbers as a person says them: signed values, directions, ages, names from DICOM."""

from datetime import UTC, datetime

import numpy as np

from openigrt.geometry import Float64Array, PatientPosition
from openigrt.patient import Action, Verdict

MINUS = "\u2212"

# Words of the couch itself: they hold however far the patient support is turned.
COUCH_DIRECTIONS = {
    "lateral": ("right, seen from the couch foot", "left, seen from the couch foot"),
    "longitudinal": ("toward the couch's gantry end", "toward the couch's foot end"),
    "vertical": ("up", "down"),
    "yaw": ("counter-clockwise from above", "clockwise from above"),
    "pitch": ("gantry end up", "gantry end down"),
    "roll": ("right side down, seen from the couch foot", "right side up, seen from the couch foot"),
}
HEADLINES = {
    (Action.LEAVE, True): "Leave the couch where it is.",
    (Action.LEAVE, False): "Leave the couch where it is.",
    (Action.CORRECT, True): "Move the couch by the command below, then verify with a second image.",
    (Action.CORRECT, False): "A correction is due, but the numbers below are no couch move.",
    (Action.CALL, True): "Call a person, who decides about the couch move below.",
    (Action.CALL, False): "Call a person. No couch move is recommended.",
}
VERDICT_MEANINGS = {
    Verdict.TRUSTED: "may be relied on as it is",
    Verdict.LOOK: "a person must look before it is used",
    Verdict.REFUSED: "must not be used",
}


def signed(value: float, digits: int = 1) -> str:
    """A value with its sign, a true minus, and no sign on what rounds to zero; a dash when it is not finite."""
    if not np.isfinite(value):
        return "–"
    rounded = round(float(value), digits)
    sign = "+" if rounded > 0.0 else MINUS if rounded < 0.0 else ""
    return f"{sign}{abs(rounded):.{digits}f}"


def command(value: float) -> str:
    """A signed value with one decimal, or two where a finer machine uses them."""
    text = signed(value, 2)
    return text.removesuffix("0") if "." in text else text


def position_words(position: PatientPosition) -> str:
    """A patient position with what its letters mean."""
    ends = {"HF": "head first", "FF": "feet first"}
    sides = {"S": "supine", "P": "prone", "DL": "left side down", "DR": "right side down"}
    return f"{position} ({ends[position[:2]]}, {sides[position[2:]]})"


def plain(value: float | None, digits: int = 1) -> str:
    """A value without a plus sign; a dash when there is none."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.{digits}f}".replace("-", MINUS)


def point(position_mm: Float64Array) -> str:
    """A position (3,) in mm."""
    return ", ".join(plain(float(value)) for value in position_mm) + " mm"


def couch_direction(axis: str, value: float, digits: int = 2) -> str:
    """Which way a couch axis moves for a value in IEC 61217 mm or degrees; empty when it rounds to zero."""
    rounded = round(value, digits)
    if rounded == 0.0:
        return ""
    return COUCH_DIRECTIONS[axis][rounded < 0.0]


def person_name(name: str) -> str:
    """A DICOM person name (PS3.5 6.2.1) as it is read: family, given; the first of its component groups."""
    family, *others = name.split("=")[0].split("^")
    given = " ".join(part for part in others if part.strip())
    return ", ".join(part for part in (family.strip(), given) if part)


def moment(value: datetime | None) -> str:
    """Date and time to the second, with the zone where it is known."""
    return "not stated" if value is None else value.isoformat(" ", "seconds")


def moment_utc(value: datetime | None) -> str:
    """Date and time to the minute in UTC."""
    return "not stated" if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(value_s: float | None) -> str:
    """A duration in seconds in the two largest units that say something."""
    if value_s is None:
        return "unknown"
    minutes = round(value_s / 60.0)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if abs(minutes) < 60:
        return f"{minutes} min"
    if minutes < 1440:
        return f"{hours} h {rest} min"
    return f"{days} d {hours} h" if days < 30 else f"{days} days"
