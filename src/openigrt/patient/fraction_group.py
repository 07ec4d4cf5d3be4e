"""How a plan is given: which beams in which fractions, with which metersets."""

from dataclasses import dataclass

from openigrt.patient.prescription import GroupDose


@dataclass(frozen=True, slots=True)
class BeamShare:
    """One beam in a fraction group: its meterset, and the dose that it gives to a point (LPS of the plan's frame)."""

    beam_number: int
    meterset_mu: float | None = None
    dose_gy: float | None = None
    dose_point_mm: tuple[float, ...] = ()
    dose_kind: str = ""
    dose_reference_uid: str = ""
    point_depth_mm: float | None = None
    point_equivalent_depth_mm: float | None = None
    point_source_surface_distance_mm: float | None = None
    longest_delivery_s: float | None = None


@dataclass(frozen=True, slots=True)
class FractionGroup:
    """Fractions that are alike: `pattern` is seven digits for each week, 1 where a fraction is given."""

    number: int | None
    fractions_planned: int | None
    beams: tuple[BeamShare, ...] = ()
    description: str = ""
    pattern_digits_per_day: int | None = None
    pattern_weeks: int | None = None
    pattern: str = ""
    beam_dose_meaning: str = ""
    doses: tuple[GroupDose, ...] = ()
