"""A reconstruction: what was asked, and what came of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from openigrt.images import Image, Scan
from openigrt.motion import SortingQuantity
from openigrt.patient import Match
from openigrt.report import ShownBreathing
from openigrt.tasks.reconstruction.projection_corrections import Scatter
from openigrt.xray import Arc, Fan, FieldOfView, RampWindow


class Method(StrEnum):
    """How the volume is found."""

    FDK = "fdk"
    OS_SART = "os-sart"
    CGLS = "cgls"
    TOTAL_VARIATION = "tv"


@dataclass(frozen=True, slots=True)
class BreathingSettings:
    """How breathing is sorted: into so many `bins`, by phase or amplitude.

    `trace` is the file of a trace, None for the projections themselves; on its clock the first projection was taken at
    `trace_start_s`.
    """

    bins: int
    by: SortingQuantity = SortingQuantity.PHASE
    trace: Path | None = None
    trace_start_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ReconstructionSettings:
    """What was asked for.

    `voxel_mm` is the edge of a voxel; `size` (columns, rows, slices), None for all that the scan sees whole. `fan` None
    finds it. `iterations` None leaves their number to the method. `water_per_mm` is the attenuation to which HU refer,
    None where beam hardening or its default say it. `flat` and `dark` are fields of the detector. `is_match_seen`: a
    person has looked at the match to the plan, and it is right.
    """

    method: Method = Method.FDK
    voxel_mm: float = 1.0
    size: tuple[int, int, int] | None = None
    window: RampWindow = RampWindow.HANN
    cut_off_share: float = 1.0
    fan: Fan | None = None
    extension_share: float = 0.25
    iterations: int | None = None
    scatter: Scatter = Scatter.NONE
    tube_voltage_kv: float | None = None
    water_per_mm: float | None = None
    flat: Path | None = None
    dark: Path | None = None
    removes_rings: bool = False
    removes_metal: bool = False
    is_match_seen: bool = False
    breathing: BreathingSettings | None = None

    def record(self) -> dict[str, object]:
        """The settings by name, for records; files by their names alone."""
        return _plain(asdict(self))


def _plain(words: Mapping[str, object]) -> dict[str, object]:
    """Words as text, numbers and such dicts."""
    return {name: _plain_word(value) for name, value in words.items()}


def _plain_word(value: object) -> object:
    """A word as text or number; a file by its name alone."""
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, Path):
        return value.name
    return str(value) if isinstance(value, StrEnum) else value


@dataclass(frozen=True, eq=False, slots=True)
class BreathingBin:
    """The image of a bin of breathing, None where too few projections fall into it; `folder` is where it is written."""

    name: str
    folder: str
    image: Image | None
    projections: int


@dataclass(frozen=True, eq=False, slots=True)
class PlanningPrior:
    """What the registered planning CT gave: the match by which it was laid, and the image that contains it.

    No match and no trust is ever made with that image; None where a person must look at the match before it is used.
    """

    match: Match
    image: Image | None


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A cone-beam CT in HU, in a frame of its own whose origin is the machine isocenter, and how it was made.

    Voxels that not every projection saw are NaN. `messages` stand in the order of their weight; the first of them,
    `pressing`, want a person's look.
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
    bins: tuple[BreathingBin, ...] = ()
    prior: PlanningPrior | None = None
    breathing: ShownBreathing | None = None
    pressing: tuple[str, ...] = ()

    @property
    def is_person_needed(self) -> bool:
        """Whether something that was asked for is missing: the planning prior, or the image of a bin of breathing."""
        is_prior_missing = self.prior is not None and self.prior.image is None
        return is_prior_missing or any(made.image is None for made in self.bins)
