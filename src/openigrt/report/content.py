"""What a guidance report shows: nouns of the lower packages and a few plain values, nothing of files or DICOM."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, Frame, PatientPosition, RigidTransform, require_same_frame
from openigrt.images import Image, Mask
from openigrt.patient import Correction, DoseGrid, Match, Plan, StructureSet, Surrogate, Target, Verdict


@dataclass(frozen=True, slots=True)
class ProtocolLevels:
    """The protocol by name and its levels, mm and degrees; no rotation limit is None.

    `allowed_error_mm` is the largest predicted error at which a match counts as trusted.
    """

    name: str
    action_level_mm: float
    call_level_mm: float
    rotation_limit_deg: float | None
    verification_tolerance_mm: float
    allowed_error_mm: float


@dataclass(frozen=True, slots=True)
class ManifestSummary:
    """What a reader needs to repeat the run: version, seed, number of inputs by kind, settings in words."""

    version: str
    seed: int | None
    input_counts: Mapping[str, int]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class GuidanceReportContent:
    """All that one guidance report says. Positions are LPS mm of the frame in their name.

    `plan_isocenter_mm` (plan frame) and `daily_isocenter_mm` (daily frame) are None where none is known: figures are
    then centred on the target, and the alignment before the match is the one that the files have. `region` names the
    match that the correction follows. `daily_field` says which daily voxels were seen; without it, all that are finite.
    `alignment_rule` says, as half a sentence, how the daily isocenter is known. Raises InconsistentInput when `region`
    names no match, FrameMismatch when images and matches belong to other frames.
    """

    planning_image: Image
    daily_image: Image
    structures: StructureSet | None
    plan: Plan | None
    dose: DoseGrid | None
    target: Target
    plan_isocenter_mm: Float64Array | None
    daily_isocenter_mm: Float64Array | None
    patient_position: PatientPosition
    matches: tuple[Match, ...]
    region: str
    surrogate: Surrogate
    correction: Correction
    protocol: ProtocolLevels
    alignment_rule: str
    manifest: ManifestSummary
    daily_field: Mask | None = None
    read: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    image_age_s: float | None = None
    image_validity_s: float | None = None
    created_at: datetime | None = None
    timings_s: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the chosen region was matched, and that every match joins these two images."""
        if self.region not in [match.region for match in self.matches]:
            raise InconsistentInput(
                f"The report follows region {self.region!r}, but only these were matched: "
                f"{', '.join(match.region for match in self.matches) or 'none'}; choose one of them.",
                region=self.region,
            )
        for match in self.matches:
            match.plan_from_daily.require_frames(self.plan_frame, self.daily_image.frame, f"Match on {match.region}")
        if self.structures is not None:
            require_same_frame(self.structures.frame, self.plan_frame, "Structures of the report")

    @property
    def plan_frame(self) -> Frame:
        """The frame of the planning image."""
        return self.planning_image.frame

    @property
    def match(self) -> Match:
        """The match of the chosen region."""
        return next(match for match in self.matches if match.region == self.region)

    @property
    def is_refused(self) -> bool:
        """Whether the match of the chosen region is refused: then it says nothing about the patient."""
        return self.match.trust.verdict is Verdict.REFUSED

    @property
    def differences_mm(self) -> dict[str, float]:
        """By region, how far it puts the target from where the chosen one does, mm; a refused match has no say."""
        refused = {match.region for match in self.matches if match.trust.verdict is Verdict.REFUSED}
        differences = {} if self.is_refused else self.surrogate.differences_mm
        return {region: apart for region, apart in differences.items() if region not in refused}

    @property
    def plan_from_daily_before(self) -> RigidTransform:
        """The alignment before the match: isocenter on isocenter, or as the files have it where none is known."""
        to_mm, from_mm = self.plan_isocenter_mm, self.daily_isocenter_mm
        if to_mm is None or from_mm is None:
            return RigidTransform.identity(self.plan_frame, self.daily_image.frame)
        return RigidTransform.about_points(
            (self.plan_frame, to_mm), (self.daily_image.frame, from_mm), np.eye(3), np.zeros(3)
        )

    @property
    def center_mm(self) -> Float64Array:
        """Where the three planes cross (3,), plan frame: the plan's isocenter, else the centre of the target."""
        if self.plan_isocenter_mm is not None:
            return np.asarray(self.plan_isocenter_mm, dtype=np.float64)
        return np.asarray(self.target.points_mm.mean(axis=0), dtype=np.float64)
