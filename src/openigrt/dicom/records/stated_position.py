"""Gantry, collimator and couch of a recorded control point (PS3.3 C.8.8.21): what changed, to and from positions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydicom import Dataset
from pydicom.datadict import dictionary_VR

from openigrt.dicom.dataset.elements import number, number_within
from openigrt.dicom.dataset.headers import decimal
from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.geometry import LONGEST_MM, signed_angle_difference_deg
from openigrt.patient import RotationDirection, StatedPosition

LARGEST_ANGLE_DEG = 720.0
SAME_ANGLE_DEG = 1e-4

ANGLES = {
    "GantryAngle": "gantry_angle_deg",
    "BeamLimitingDeviceAngle": "beam_limiting_device_angle_deg",
    "PatientSupportAngle": "patient_support_angle_deg",
    "TableTopEccentricAngle": "table_top_eccentric_angle_deg",
    "TableTopPitchAngle": "table_top_pitch_angle_deg",
    "TableTopRollAngle": "table_top_roll_angle_deg",
}
TRANSLATIONS = {
    "TableTopVerticalPosition": "table_top_vertical_position_mm",
    "TableTopLongitudinalPosition": "table_top_longitudinal_position_mm",
    "TableTopLateralPosition": "table_top_lateral_position_mm",
}
DISTANCES = {"TableTopEccentricAxisDistance": "table_top_eccentric_axis_distance_mm"}
FIELDS = (*ANGLES.values(), *TRANSLATIONS.values(), *DISTANCES.values())
GANTRY, ECCENTRIC = "GantryAngle", "TableTopEccentricAngle"
TILTS = ("TableTopPitchAngle", "TableTopRollAngle")

Value = TypeVar("Value")


@dataclass(slots=True)
class CarriedPosition:
    """The position at the last control point: what the next one omits stays as it was; an empty value is not known."""

    values: dict[str, float | None] = field(default_factory=dict)
    relative: frozenset[str] | None = None

    def after(self, item: Dataset, notice: Callable[[str], None]) -> StatedPosition:
        """The position at the next control point; `notice` hears of couch positions that are relative.

        Where the first control point leaves a couch position open, all later ones are relative to an unknown place
        (PS3.3 C.8.8.14.6), and say nothing.
        """
        for keyword, name in ANGLES.items():
            self._take(item, keyword, name, LARGEST_ANGLE_DEG)
        for keyword, name in DISTANCES.items():
            self._take(item, keyword, name, LONGEST_MM)
        if self.relative is None:
            self.relative = frozenset(keyword for keyword in TRANSLATIONS if number(item, keyword) is None)
        for keyword, name in TRANSLATIONS.items():
            if keyword not in self.relative:
                self._take(item, keyword, name, LONGEST_MM)
            elif number(item, keyword) is not None:
                notice(
                    f"{keyword} is not stated at the first control point of a beam, so that later ones are relative to "
                    "an unknown place; they are taken as not stated."
                )
        return StatedPosition(**{name: self.values.get(name) for name in FIELDS})

    def _take(self, item: Dataset, keyword: str, name: str, largest: float) -> None:
        """Take a value where this control point states one, or states that it is not known."""
        if keyword in item:
            self.values[name] = number_within(item, keyword, -largest, largest)


def set_positions(point_items: Sequence[Dataset], positions: Sequence[StatedPosition], is_ion: bool) -> None:
    """Write the positions of all control points of a beam: everything at the first, then what moves.

    The gantry is written by `set_gantry`. Raises MissingInput where an angle that must be written is not known,
    UnsupportedInput for one that moves.
    """
    for keyword, name in ANGLES.items():
        if keyword == GANTRY or (keyword == ECCENTRIC and is_ion):
            continue
        angles_deg = [getattr(position, name) for position in positions]
        if keyword in TILTS and set(angles_deg) == {None}:
            _leave_open(point_items[0], keyword, is_ion)
        else:
            _set_angle(point_items[0], keyword, [require_known(angle, keyword) for angle in angles_deg])
    for keyword, name in TRANSLATIONS.items():
        _set_translations(point_items, keyword, [getattr(position, name) for position in positions])
    distance_mm = positions[0].table_top_eccentric_axis_distance_mm
    if distance_mm is not None and not is_ion:
        point_items[0].TableTopEccentricAxisDistance = decimal(distance_mm)


def _leave_open(item: Dataset, keyword: str, is_ion: bool) -> None:
    """A tilt that is not known: empty for ions (type 2C), absent for other beams (type 1C)."""
    if is_ion:
        setattr(item, keyword, None)
        setattr(item, _direction(keyword), "")


def _direction(keyword: str) -> str:
    """Keyword of the direction in which an angle turns."""
    return keyword.replace("Angle", "RotationDirection")


def _set_angle(item: Dataset, keyword: str, angles_deg: Sequence[float]) -> None:
    """An angle that stands still during a beam, at the first control point; raises UnsupportedInput where it moves."""
    if _moves(angles_deg):
        raise UnsupportedInput(f"A beam during which {keyword} moves cannot be written.", keyword=keyword)
    setattr(item, keyword, angles_deg[0] if dictionary_VR(keyword) == "FL" else decimal(angles_deg[0]))
    setattr(item, _direction(keyword), RotationDirection.NONE.value)


def _moves(angles_deg: Sequence[float]) -> bool:
    """Whether an angle differs anywhere from where it began."""
    return any(abs(signed_angle_difference_deg(angle, angles_deg[0])) > SAME_ANGLE_DEG for angle in angles_deg)


def set_gantry(
    point_items: Sequence[Dataset], angles_deg: Sequence[float | None], turns: Sequence[RotationDirection | None]
) -> None:
    """Write the gantry: once where it stands still, else everywhere, with the direction that leads on.

    Raises MissingInput where its angle or the direction of its turn is not known: the shorter way may be wrong.
    """
    known_deg = [require_known(angle, "GantryAngle") for angle in angles_deg]
    stands = not _moves(known_deg) and set(turns) <= {None, RotationDirection.NONE}
    last = len(point_items) - 1
    for index, item in enumerate(point_items[:1] if stands else point_items):
        item.GantryAngle = decimal(known_deg[index])
        turn = turns[index] or (RotationDirection.NONE if stands or index == last else None)
        item.GantryRotationDirection = require_known(turn, "the direction in which the gantry turned").value


def _set_translations(point_items: Sequence[Dataset], keyword: str, positions_mm: Sequence[float | None]) -> None:
    """One couch position where it changes, empty where it is not known."""
    if positions_mm[0] is None and set(positions_mm) != {None}:
        raise MissingInput(f"{keyword} cannot be written: it is not known at the first control point, and is later.")
    for index, (item, value) in enumerate(zip(point_items, positions_mm, strict=True)):
        if index == 0 or value != positions_mm[index - 1]:
            setattr(item, keyword, "" if value is None else decimal(value))


def require_known(value: Value | None, what: str) -> Value:
    """A value that must be written; raises MissingInput where it is not known."""
    if value is None or value == "":
        raise MissingInput(f"A treatment record cannot be written: {what} is not known, and the standard asks for it.")
    return value
