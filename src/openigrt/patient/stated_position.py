"""Where an object says that the machine stands, and how far that is from where it should stand."""

from dataclasses import dataclass, fields

from openigrt.geometry import CouchPose, signed_angle_difference_deg


@dataclass(frozen=True, slots=True)
class StatedPosition:
    """Gantry, collimator and couch as far as an object states them, IEC 61217 mm and degrees (PS3.3 C.8.8.14.12).

    What it leaves open is None, never zero.
    """

    gantry_angle_deg: float | None = None
    beam_limiting_device_angle_deg: float | None = None
    patient_support_angle_deg: float | None = None
    table_top_lateral_position_mm: float | None = None
    table_top_longitudinal_position_mm: float | None = None
    table_top_vertical_position_mm: float | None = None
    table_top_pitch_angle_deg: float | None = None
    table_top_roll_angle_deg: float | None = None
    table_top_eccentric_angle_deg: float | None = None
    table_top_eccentric_axis_distance_mm: float | None = None

    @classmethod
    def of_couch(cls, pose: CouchPose) -> "StatedPosition":
        """The couch of a pose that is wholly known; nothing about gantry and collimator."""
        return cls(**{axis.name: getattr(pose, axis.name) for axis in fields(CouchPose)})


@dataclass(frozen=True, slots=True)
class PositionTolerances:
    """How far each axis may stand from its plan, mm and degrees; None for an axis that is not checked."""

    gantry_angle_deg: float | None = None
    beam_limiting_device_angle_deg: float | None = None
    patient_support_angle_deg: float | None = None
    table_top_lateral_position_mm: float | None = None
    table_top_longitudinal_position_mm: float | None = None
    table_top_vertical_position_mm: float | None = None
    table_top_pitch_angle_deg: float | None = None
    table_top_roll_angle_deg: float | None = None
    table_top_eccentric_angle_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Deviation:
    """An axis, by its name in StatedPosition, that stood further from its plan than it may: actual less planned."""

    axis: str
    difference: float
    tolerance: float

    def __str__(self) -> str:
        """Such as `table top lateral position +12.0 mm, tolerance 10 mm`."""
        name, unit = self.axis.replace("_", " ").rsplit(" ", 1)
        return f"{name} {self.difference:+.1f} {unit}, tolerance {self.tolerance:g} {unit}"


def deviations(
    planned: StatedPosition, actual: StatedPosition, tolerances: PositionTolerances
) -> tuple[tuple[Deviation, ...], tuple[str, ...]]:
    """The axes that stood out of tolerance, and those with a tolerance that could not be checked.

    Angles differ the short way, in (-180, 180]. An axis that plan or record leaves open is not checked, and is named.
    """
    found, unchecked = [], []
    for axis in (axis.name for axis in fields(PositionTolerances)):
        tolerance = getattr(tolerances, axis)
        if tolerance is None:
            continue
        at, wanted = getattr(actual, axis), getattr(planned, axis)
        if at is None or wanted is None:
            unchecked.append(axis)
            continue
        difference = signed_angle_difference_deg(at, wanted) if axis.endswith("_deg") else at - wanted
        if abs(difference) > tolerance:
            found.append(Deviation(axis, difference, tolerance))
    return tuple(found), tuple(unchecked)
