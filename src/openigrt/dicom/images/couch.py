"""Where the couch stood, in the attributes that RT objects have for it, IEC 61217 (PS3.3 C.8.8.14.12).

A CT Image has no attribute for it: slices that OpenIGRT writes carry these, as a Standard Extended SOP Class does.
"""

from pydicom import Dataset

from openigrt.dicom.dataset.elements import number_within
from openigrt.dicom.dataset.headers import decimal
from openigrt.geometry import CouchPose

COUCH_POSITION = {
    "TableTopLateralPosition": "table_top_lateral_position_mm",
    "TableTopLongitudinalPosition": "table_top_longitudinal_position_mm",
    "TableTopVerticalPosition": "table_top_vertical_position_mm",
}
COUCH_REST = {
    "PatientSupportAngle": "patient_support_angle_deg",
    "TableTopPitchAngle": "table_top_pitch_angle_deg",
    "TableTopRollAngle": "table_top_roll_angle_deg",
    "TableTopEccentricAxisDistance": "table_top_eccentric_axis_distance_mm",
    "TableTopEccentricAngle": "table_top_eccentric_angle_deg",
}
SINGLE_FLOATS = ("TableTopPitchAngle", "TableTopRollAngle")
FARTHEST_MM, LARGEST_ANGLE_DEG = 10_000.0, 360.0


def set_couch(dataset: Dataset, couch: CouchPose, *, has_position: bool = True) -> None:
    """State a pose; its angles alone where the position is not known."""
    for keyword, name in (COUCH_REST | COUCH_POSITION if has_position else COUCH_REST).items():
        value = float(getattr(couch, name))
        setattr(dataset, keyword, value if keyword in SINGLE_FLOATS else decimal(value))


def stated_couch(dataset: Dataset) -> CouchPose | None:
    """The pose that an image states, None unless its position and its angle about the isocenter are there."""
    found = {name: _within_room(dataset, keyword) for keyword, name in (COUCH_POSITION | COUCH_REST).items()}
    if None in (found[name] for name in (*COUCH_POSITION.values(), "patient_support_angle_deg")):
        return None
    return CouchPose(**{name: value for name, value in found.items() if value is not None})


def _within_room(dataset: Dataset, keyword: str) -> float | None:
    """A length or an angle that can be."""
    most = LARGEST_ANGLE_DEG if keyword.endswith("Angle") else FARTHEST_MM
    return number_within(dataset, keyword, -most, most)
