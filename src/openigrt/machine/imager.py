"""The kV imager of a machine: where its source stands beside the gantry, how far away, and how its arms sag."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from openigrt.geometry import FlexMap


class FrameAngle(StrEnum):
    """What turns by the angle that the maker writes beside each projection: the kV source, or the gantry."""

    KV_SOURCE = "kv_source"
    GANTRY = "gantry"


class FilterMaterial(StrEnum):
    """What filters of a tube and bow-ties are made of: materials whose attenuation is known."""

    ALUMINUM = "aluminum"
    COPPER = "copper"
    TITANIUM = "titanium"
    IRON = "iron"
    PMMA = "pmma"
    WATER = "water"


@dataclass(frozen=True, slots=True)
class PanelLag:
    """`shares` of each frame's signal are trapped in the panel, and leave with these time constants in `frames`."""

    shares: tuple[float, ...]
    frames: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScatterFit:
    """The kernel of the scatter that reaches the detector: two Gaussians, whose widths hold there."""

    amplitude: float
    narrow_mm: float
    wide_mm: float
    wide_share: float


@dataclass(frozen=True, slots=True)
class BowTieFilter:
    """Thicknesses of a bow-tie at angles of the fan, in degrees from the ray through the axis of rotation.

    Angles rise; positive ones lie toward the room's +x when the source is above.
    """

    material: FilterMaterial
    fan_angles_deg: tuple[float, ...]
    thicknesses_mm: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Imager:
    """A kV source and a detector on the gantry.

    The IEC 61217 angle of the kV source is that of the gantry, which is that of the treatment beam, and
    `kv_source_angle_offset_deg`. Distances are nominal; files that state them win. `flex` holds by angle of the source,
    None where nobody measured it; nor are `lag`, `scatter` and `bow_tie` ever assumed. `filters_mm` are all filters of
    the tube by material, empty where they are not stated.
    """

    kv_source_angle_offset_deg: float
    source_axis_distance_mm: float
    source_detector_distance_mm: float
    frame_angle: FrameAngle = FrameAngle.KV_SOURCE
    flex: FlexMap | None = None
    lag: PanelLag | None = None
    scatter: ScatterFit | None = None
    bow_tie: BowTieFilter | None = None
    filters_mm: Mapping[FilterMaterial, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def has_corrections(self) -> bool:
        """Whether it tells more of the projections than where they were taken: lag, scatter, bow-tie or filters."""
        return bool(self.lag or self.scatter or self.bow_tie or self.filters_mm)

    def kv_source_angle_deg(self, gantry_angle_deg: float) -> float:
        """Angle of the kV source, in [0, 360), when the gantry stands at this angle."""
        return (gantry_angle_deg + self.kv_source_angle_offset_deg) % 360.0
