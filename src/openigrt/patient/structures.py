"""Structures and structure sets: contours in the planning frame."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array, Frame


class StructureRole(StrEnum):
    """What a structure is for (ICRU 50, 62 and 83; RT ROI Interpreted Type (3006,00A4), grouped)."""

    GTV = "GTV"
    CTV = "CTV"
    ITV = "ITV"
    PTV = "PTV"
    ORGAN = "ORGAN"
    PRV = "PRV"
    AVOIDANCE = "AVOIDANCE"
    EXTERNAL = "EXTERNAL"
    BOLUS = "BOLUS"
    CAVITY = "CAVITY"
    CONTRAST_AGENT = "CONTRAST_AGENT"
    DOSE_REGION = "DOSE_REGION"
    MARKER = "MARKER"
    ISOCENTER = "ISOCENTER"
    SUPPORT = "SUPPORT"
    OTHER = "OTHER"

    @property
    def is_organ_at_risk(self) -> bool:
        """Whether dose is to be kept away: an organ, one with its margin, or a region that is to be avoided."""
        return self in (StructureRole.ORGAN, StructureRole.PRV, StructureRole.AVOIDANCE)


class Generation(StrEnum):
    """How contours were made (ROI Generation Algorithm (3006,0036)); empty where nobody says."""

    UNKNOWN = ""
    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    MANUAL = "MANUAL"


class ContourKind(StrEnum):
    """Contour Geometric Type (3006,0042)."""

    CLOSED_PLANAR = "CLOSED_PLANAR"
    OPEN = "OPEN"
    POINT = "POINT"


@dataclass(frozen=True, eq=False)
class Contour:
    """Points (n, 3) in mm in the frame of the structure set, read-only."""

    points_mm: Float64Array
    kind: ContourKind = ContourKind.CLOSED_PLANAR

    def __post_init__(self) -> None:
        """Copy and freeze."""
        points: NDArray[np.float64] = np.array(self.points_mm, dtype=np.float64).reshape(-1, 3)
        points.setflags(write=False)
        object.__setattr__(self, "points_mm", points)


@dataclass(frozen=True, eq=False)
class Structure:
    """One region of interest by name, with all its contours; `canonical_name` is what an alias file calls it."""

    number: int
    name: str
    role: StructureRole
    contours: tuple[Contour, ...]
    color: tuple[int, int, int] | None = None
    canonical_name: str = ""
    generation: Generation = Generation.UNKNOWN

    @property
    def drawn_name(self) -> str:
        """The name without the number that tells structures of one name apart."""
        return self.name.removesuffix(f" (ROI {self.number})")


@dataclass(frozen=True, eq=False)
class StructureSet:
    """The structures drawn on one image series."""

    uid: str
    label: str
    frame: Frame
    structures: tuple[Structure, ...]
    patient_id: str = ""
    image_series_uid: str = ""
    image_instance_uids: tuple[str, ...] = ()
    approval: str = ""
    reviewer: str = ""
    reviewed_at: datetime | None = None

    def repeated_names(self) -> tuple[str, ...]:
        """Names that several structures have, each once, in order."""
        counts = Counter(structure.name for structure in self.structures)
        return tuple(name for name, count in counts.items() if count > 1)

    def with_distinct_names(self) -> "StructureSet":
        """The same structures, those of one name told apart by their number: `PROSTATE (ROI 3)`."""
        repeated = self.repeated_names()
        named = (replace(s, name=f"{s.name} (ROI {s.number})") if s.name in repeated else s for s in self.structures)
        return replace(self, structures=tuple(named))
