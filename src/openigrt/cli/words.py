"""Words that a person types, as numbers."""

import math

import typer

from openigrt.geometry import CouchPose


def point(text: str | None, option: str) -> tuple[float, float, float] | None:
    """X,Y,Z in mm; wrong usage is said with the name of the option."""
    if text is None:
        return None
    x, y, z = _numbers(text, (3,), option)
    return x, y, z


def couch_pose(text: str | None) -> CouchPose | None:
    """LAT,LNG,VRT, then the support angle, then pitch and roll: IEC 61217 mm and degrees."""
    if text is None:
        return None
    values = _numbers(text, (3, 4, 6), "--couch-pose")
    return CouchPose(*values, *([0.0] * (6 - len(values))))


def _numbers(text: str, counts: tuple[int, ...], option: str) -> list[float]:
    """Finite numbers between commas, as many as one of `counts`."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts or not all(math.isfinite(value) for value in values):
        expected = " or ".join(str(count) for count in counts)
        raise typer.BadParameter(f"{text!r}: expected {expected} numbers with commas between them.", param_hint=option)
    return values
