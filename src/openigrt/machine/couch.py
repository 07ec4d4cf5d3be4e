"""The couch of a machine: axes, limits, resolution, scales."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from openigrt.errors import ConfigurationRequired
from openigrt.geometry import CouchPose, DegreesOfFreedom, Pivot, signed_angle_difference_deg
from openigrt.machine.scales import AngleScale, Scale

# A move that equals its limit is within it, however the last digits fall.
LIMIT_SLACK = 1e-6


class CouchAxis(StrEnum):
    """The six axes of a couch, by the words of a correction; IEC 61217 senses."""

    LATERAL = "lateral"
    LONGITUDINAL = "longitudinal"
    VERTICAL = "vertical"
    YAW = "yaw"
    PITCH = "pitch"
    ROLL = "roll"

    @property
    def unit(self) -> str:
        """Unit of its IEC 61217 values."""
        return "mm" if self in LINEAR_AXES else "deg"


LINEAR_AXES = (CouchAxis.LATERAL, CouchAxis.LONGITUDINAL, CouchAxis.VERTICAL)


def axis_positions(pose: CouchPose) -> dict[CouchAxis, float]:
    """Where each axis stands, IEC 61217 mm and degrees, angles in (-180, 180]."""
    return {
        CouchAxis.LATERAL: pose.table_top_lateral_position_mm,
        CouchAxis.LONGITUDINAL: pose.table_top_longitudinal_position_mm,
        CouchAxis.VERTICAL: pose.table_top_vertical_position_mm,
        CouchAxis.YAW: signed_angle_difference_deg(pose.patient_support_angle_deg, 0.0),
        CouchAxis.PITCH: signed_angle_difference_deg(pose.table_top_pitch_angle_deg, 0.0),
        CouchAxis.ROLL: signed_angle_difference_deg(pose.table_top_roll_angle_deg, 0.0),
    }


@dataclass(frozen=True, slots=True)
class Couch:
    """What a couch can do.

    `limits` are absolute IEC 61217 positions, `largest_change` is per command; axes that are not named have none.
    Commands are rounded to the resolutions. `pivot` is what commanded angles turn about.
    """

    degrees_of_freedom: DegreesOfFreedom
    pivot: Pivot
    resolution_mm: float
    resolution_deg: float
    limits: Mapping[CouchAxis, tuple[float, float]]
    largest_change: Mapping[CouchAxis, float]
    scales: Mapping[CouchAxis, Scale]

    def rounded(self, axis: CouchAxis, value: float) -> float:
        """The nearest value, mm or degrees, that this axis can be commanded to."""
        resolution = self.resolution_mm if axis in LINEAR_AXES else self.resolution_deg
        steps = round(value / resolution)
        # Through the decimal text, so that 0.1-steps are the floats that people type: 0.3, not 0.30000000000000004.
        return float(f"{steps * resolution:.9g}") + 0.0

    def exceeded_by_change(self, change: Mapping[CouchAxis, float]) -> tuple[str, ...]:
        """Sentences for the axes whose change, mm or degrees, is larger than one command may make."""
        return tuple(
            f"{axis} change {change[axis]:+.1f} {axis.unit} is more than the {limit:g} {axis.unit} "
            "that the machine allows in one correction"
            for axis, limit in self.largest_change.items()
            if abs(change[axis]) > limit + LIMIT_SLACK
        )

    def exceeded_by_positions(self, standing: Mapping[CouchAxis, float]) -> tuple[str, ...]:
        """Sentences for the axes whose absolute position, mm or degrees, lies outside the limits; only those given."""
        return tuple(
            f"{axis} would stand at {standing[axis]:.1f} {axis.unit}, outside the machine's {low:g} to {high:g}"
            for axis, (low, high) in self.limits.items()
            if axis in standing and not low - LIMIT_SLACK <= standing[axis] <= high + LIMIT_SLACK
        )

    def native_readout(self, pose: CouchPose) -> dict[str, str]:
        """What the machine's displays show for a pose, by the label of each scale; empty without scales.

        A scale that refuses to guess (ConfigurationRequired) shows why in place of a number.
        """
        positions = axis_positions(pose)
        return {scale.label: self._shown(axis, positions[axis]) for axis, scale in self.scales.items()}

    def _shown(self, axis: CouchAxis, iec: float) -> str:
        """One display as text, to the couch's resolution."""
        scale = self.scales[axis]
        try:
            native = scale.native_from_iec(self.rounded(axis, iec))
        except ConfigurationRequired:
            return "not shown: the machine file does not say how this scale shows values below zero"
        if isinstance(scale, AngleScale):
            return f"{native:.{_decimals(self.resolution_deg)}f} deg"
        return f"{native:.{_decimals(self.resolution_mm / scale.unit_mm)}f} {scale.unit}"


def _decimals(resolution: float) -> int:
    """Digits behind the point that a resolution needs, at most 6."""
    return next((n for n in range(6) if abs(round(resolution, n) - resolution) < 1e-9), 6)
