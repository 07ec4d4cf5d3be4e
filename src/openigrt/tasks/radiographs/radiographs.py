"""Radiographs: what was asked, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openigrt.dicom import InputFile, PlanFolder
from openigrt.geometry import PatientPosition
from openigrt.images import Projection
from openigrt.report import RadiographOutline
from openigrt.tasks.radiographs.views import View
from openigrt.xray import BONE, SOFT_TISSUE, WHOLE, HuWindow


class RadiographWindow(StrEnum):
    """How much bone and soft tissue count."""

    BONE = "bone"
    SOFT = "soft"
    WHOLE = "whole"

    @property
    def weights(self) -> HuWindow:
        """The weights of HU."""
        return {RadiographWindow.BONE: BONE, RadiographWindow.SOFT: SOFT_TISSUE, RadiographWindow.WHOLE: WHOLE}[self]


@dataclass(frozen=True, slots=True)
class DrrSettings:
    """What was asked for.

    `size` and `spacing_mm` of the detector are (columns, rows). `source_image_distance_mm` None: 1500, or the imager's.
    """

    windows: tuple[RadiographWindow, ...] = (RadiographWindow.BONE,)
    size: tuple[int, int] = (512, 512)
    spacing_mm: tuple[float, float] = (0.8, 0.8)
    source_image_distance_mm: float | None = None
    beam: int | None = None
    gantry_angles_deg: tuple[float, ...] = ()
    machine: str | None = None
    structures: tuple[str, ...] = ()
    has_aperture: bool = False

    def record(self) -> dict[str, object]:
        """The settings by the words of the command."""
        return {
            "window": [str(window) for window in self.windows],
            "size": list(self.size),
            "spacing": list(self.spacing_mm),
            "source_to_image": self.source_image_distance_mm,
            "beam": self.beam,
            "gantry": list(self.gantry_angles_deg),
            "machine": self.machine,
            "structures": list(self.structures),
            "aperture": self.has_aperture,
        }


@dataclass(frozen=True, eq=False, slots=True)
class Radiograph:
    """One radiograph: a view under a window, and what is drawn over its picture."""

    view: View
    window: RadiographWindow
    projection: Projection
    outlines: tuple[RadiographOutline, ...] = ()

    @property
    def name(self) -> str:
        """What its files are called, without suffix."""
        return f"{self.view.name}_{self.window}"


@dataclass(frozen=True, eq=False)
class Radiographs:
    """The radiographs of a plan, and what they were made from; pixels are line integrals without unit."""

    folder: PlanFolder
    patient_position: PatientPosition
    settings: DrrSettings
    radiographs: tuple[Radiograph, ...]
    messages: tuple[str, ...]
    made_at: datetime
    timing_s: Mapping[str, float]

    @property
    def inputs(self) -> tuple[InputFile, ...]:
        """The files that were read."""
        return self.folder.inputs
