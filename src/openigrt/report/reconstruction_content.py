"""What the report of a reconstruction shows: nouns of the lower packages and a few plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from openigrt.geometry import Float64Array, require_same_frame
from openigrt.images import Image
from openigrt.motion import Bins, BreathingTrace
from openigrt.patient import Match
from openigrt.report.content import ManifestSummary


@dataclass(frozen=True, eq=False, slots=True)
class ShownPhase:
    """A phase of breathing: how many projections fall into it, and its image, None where they are too few."""

    name: str
    projections: int
    image: Image | None


@dataclass(frozen=True, eq=False, slots=True)
class ShownBreathing:
    """Breathing over the scan: the trace, when each projection was taken (n,), the bin of each; where it is from."""

    trace: BreathingTrace
    times_s: Float64Array
    bins: Bins
    found_in: str = "the projections themselves"


@dataclass(frozen=True, eq=False)
class ReconstructionReportContent:
    """All that the report of one reconstruction says.

    `image` is in HU in a frame whose origin is the machine isocenter. `source_angles_deg` (n,) are those of the source
    in the order of the projections. `scan` says in words what was taken, `messages` what to know, the most important
    first, and `pressing` those of them that want a person's look. `with_prior` is the image that contains the planning
    CT, `match` the one by which that was laid. Raises FrameMismatch where images lie in several frames.
    """

    image: Image
    source_angles_deg: Float64Array
    scan: Mapping[str, str]
    method: str
    messages: tuple[str, ...]
    settings: Mapping[str, str]
    manifest: ManifestSummary
    created_at: datetime
    timings_s: Mapping[str, float] = field(default_factory=dict)
    with_prior: Image | None = None
    match: Match | None = None
    phases: tuple[ShownPhase, ...] = ()
    breathing: ShownBreathing | None = None
    pressing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that all images can be laid over each other."""
        for image in (self.with_prior, *(phase.image for phase in self.phases)):
            if image is not None:
                require_same_frame(image.frame, self.image.frame, "Images of a reconstruction")

    @property
    def blank_phases(self) -> tuple[str, ...]:
        """The phases without an image."""
        return tuple(phase.name for phase in self.phases if phase.image is None)
