"""How far a machine may be from the plan before it must not treat."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceTolerance:
    """For a beam-limiting device of this kind."""

    kind: str
    position_mm: float | None


@dataclass(frozen=True, slots=True)
class ToleranceTable:
    """Largest difference of each axis from the plan, mm and degrees; None where the table leaves an axis out."""

    number: int
    label: str = ""
    gantry_angle_deg: float | None = None
    gantry_pitch_angle_deg: float | None = None
    beam_limiting_device_angle_deg: float | None = None
    devices: tuple[DeviceTolerance, ...] = ()
    snout_position_mm: float | None = None
    head_fixation_angle_deg: float | None = None
    patient_support_angle_deg: float | None = None
    table_top_eccentric_angle_deg: float | None = None
    table_top_pitch_angle_deg: float | None = None
    table_top_roll_angle_deg: float | None = None
    table_top_vertical_position_mm: float | None = None
    table_top_longitudinal_position_mm: float | None = None
    table_top_lateral_position_mm: float | None = None
