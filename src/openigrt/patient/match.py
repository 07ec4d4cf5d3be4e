"""A match, how far it can be trusted, and whether it may stand for the target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from openigrt.geometry import RigidTransform


class Verdict(StrEnum):
    """How far a person may rely on something: as it is, after a look, or not at all."""

    TRUSTED = "trusted"
    LOOK = "look"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Rival:
    """The best match one or more vertebral levels away.

    `offset_mm` is how far it lies from the match along the spine (positive: toward the head); `score_gap` is the
    score of the match less the rival's, `gap_deviation` its standard deviation.
    """

    offset_mm: float
    score: float
    score_gap: float
    gap_deviation: float = 0.0


@dataclass(frozen=True, slots=True)
class Trust:
    """What is believed about one match, for its own region alone.

    `predicted_error_mm` is the 95 % bound of the error over the judged points; `error_parts_mm` names what it is made
    of; `rivals` are the levels up and down the spine; `evidence` holds the other figures that the verdict rests on.
    """

    verdict: Verdict
    predicted_error_mm: float
    reasons: tuple[str, ...]
    error_parts_mm: Mapping[str, float]
    rivals: tuple[Rival, ...] = ()
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """Where the daily image lies in the plan, seen through one region.

    `plan_from_daily` maps absolute LPS mm. `score` is the correlation of the locally normalised images (or the
    normalised mutual information) over the region, 0 to 1, and of markers the share of the variance that their fits
    explain; `overlap` the share of the region inside the daily field of view.
    """

    region: str
    metric: str
    plan_from_daily: RigidTransform
    score: float
    overlap: float
    trust: Trust


@dataclass(frozen=True, slots=True)
class Surrogate:
    """Whether the matched region may stand for the target.

    `differences_mm` is, by region, how far the target would land from where the match puts it (largest over the target
    surface).
    """

    verdict: Verdict
    region: str
    differences_mm: Mapping[str, float]
    limit_mm: float
    reasons: tuple[str, ...]
