"""A reconstruction: what was asked, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from openigrt.images import Image, Scan
from openigrt.xray import Arc, Fan, FieldOfView, RampWindow

WATER_PER_MM = 0.0206


class Method(StrEnum):
    """How the volume is found."""

    FDK = "fdk"


@dataclass(frozen=True, slots=True)
class ReconstructionSettings:
    """What was asked for.

    `voxel_mm` is the edge of a voxel; `size` (columns, rows, slices), None for all that the scan sees whole. `fan` None
    finds it. `water_per_mm`: attenuation of water, to which HU refer; its default is that of 60 keV (NIST, XCOM).
    """

    method: Method = Method.FDK
    voxel_mm: float = 1.0
    size: tuple[int, int, int] | None = None
    window: RampWindow = RampWindow.HANN
    cut_off_share: float = 1.0
    fan: Fan | None = None
    extension_share: float = 0.25
    water_per_mm: float = WATER_PER_MM

    def record(self) -> dict[str, object]:
        """The settings by name, for records."""
        return {
            "method": str(self.method),
            "voxel_mm": self.voxel_mm,
            "size": self.size and list(self.size),
            "window": str(self.window),
            "cut_off_share": self.cut_off_share,
            "fan": self.fan and str(self.fan),
            "extension_share": self.extension_share,
            "water_per_mm": self.water_per_mm,
        }


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A cone-beam CT in HU, in a frame of its own whose origin is the machine isocenter, and how it was made.

    Voxels that not every projection saw are NaN.
    """

    image: Image
    scan: Scan
    source: Path
    settings: ReconstructionSettings
    arc: Arc
    fan: Fan
    field_of_view: FieldOfView
    fingerprint: str
    reconstructed_at: datetime
    messages: tuple[str, ...] = ()
    timing_s: Mapping[str, float] = field(default_factory=dict)
