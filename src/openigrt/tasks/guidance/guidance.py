"""The answer of `guide`: everything that was read, found and decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from openigrt.dicom import InputFile
from openigrt.guidance import Alignment, Protocol
from openigrt.images import Image
from openigrt.machine import Machine
from openigrt.patient import Correction, DoseGrid, Match, Plan, StructureSet, Surrogate, Target


@dataclass(frozen=True, eq=False)
class Guidance:
    """From a plan and the image of the day to a correction; `match` is the one on the region that was asked for.

    `read` says what was read and chosen, `warnings` what is doubtful about it, in sentences. `isocenter_from` names the
    beam that gave the plan's isocenter, `region_rule` says why that region, `settings` what was asked for, in words.
    `timing_s` holds seconds by step.
    """

    planning_image: Image
    daily_image: Image
    structure_set: StructureSet | None
    plan: Plan | None
    dose: DoseGrid | None
    isocenter_from: str
    region_rule: str
    target: Target
    alignment: Alignment
    matches: tuple[Match, ...]
    surrogate: Surrogate
    correction: Correction
    protocol: Protocol
    machine: Machine
    allowed_error_mm: float
    read: tuple[str, ...]
    warnings: tuple[str, ...]
    inputs: tuple[InputFile, ...]
    settings: Mapping[str, str]
    seed: int
    decided_at: datetime
    timing_s: Mapping[str, float]

    @property
    def match(self) -> Match:
        """The match on the region that was asked for: the first."""
        return self.matches[0]

    @property
    def image_age_s(self) -> float | None:
        """Seconds from acquisition to decision; None where the image does not say when it was taken."""
        acquired_at = self.daily_image.provenance.acquired_at
        return None if acquired_at is None else (self.decided_at - acquired_at).total_seconds()
