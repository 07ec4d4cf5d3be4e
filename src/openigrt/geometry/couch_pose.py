"""Where the couch stands, in DICOM's words and IEC 61217 mm and degrees."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CouchPose:
    """Pose of the table top (PS3.3 C.8.8.14.12, IEC 61217:2011): mm and degrees, all zero at the isocenter.

    Positions are of the table-top origin in the table-top eccentric system; pitch is applied before roll, so the matrix
    is Rx(pitch) Ry(roll). Eccentric distance and angle are zero on nearly all linacs.
    """

    table_top_lateral_position_mm: float = 0.0
    table_top_longitudinal_position_mm: float = 0.0
    table_top_vertical_position_mm: float = 0.0
    patient_support_angle_deg: float = 0.0
    table_top_pitch_angle_deg: float = 0.0
    table_top_roll_angle_deg: float = 0.0
    table_top_eccentric_axis_distance_mm: float = 0.0
    table_top_eccentric_angle_deg: float = 0.0
