"""The kV imager of a machine: where its source stands beside the gantry, how far away, and how its arms sag."""

from dataclasses import dataclass
from enum import StrEnum

from openigrt.geometry import FlexMap


class FrameAngle(StrEnum):
    """What turns by the angle that the maker writes beside each projection: the kV source, or the gantry."""

    KV_SOURCE = "kv_source"
    GANTRY = "gantry"


@dataclass(frozen=True, slots=True)
class Imager:
    """A kV source and a detector on the gantry.

    The IEC 61217 angle of the kV source is that of the gantry, which is that of the treatment beam, and
    `kv_source_angle_offset_deg`. Distances are nominal; files that state them win. `flex` holds by angle of the source,
    None where nobody measured it.
    """

    kv_source_angle_offset_deg: float
    source_axis_distance_mm: float
    source_detector_distance_mm: float
    frame_angle: FrameAngle = FrameAngle.KV_SOURCE
    flex: FlexMap | None = None

    def kv_source_angle_deg(self, gantry_angle_deg: float) -> float:
        """Angle of the kV source, in [0, 360), when the gantry stands at this angle."""
        return (gantry_angle_deg + self.kv_source_angle_offset_deg) % 360.0
