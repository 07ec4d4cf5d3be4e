"""What a plan is meant to give: doses to targets, limits for organs and points. All doses in Gy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DoseLimits:
    """Doses that are wanted or allowed; fractions of a volume are percent, as DICOM has them."""

    constraint_weight: float | None = None
    delivery_warning_gy: float | None = None
    delivery_maximum_gy: float | None = None
    target_minimum_gy: float | None = None
    target_prescription_gy: float | None = None
    target_maximum_gy: float | None = None
    target_underdose_percent: float | None = None
    organ_full_volume_gy: float | None = None
    organ_limit_gy: float | None = None
    organ_maximum_gy: float | None = None
    organ_overdose_percent: float | None = None


@dataclass(frozen=True, slots=True)
class DoseReference:
    """A place that dose is prescribed to or limited at.

    `structure_type` is POINT or VOLUME (of the structure `roi_number`), COORDINATES (`point_mm` in LPS of the plan's
    frame) or SITE (no place); `kind` is TARGET or ORGAN_AT_RISK.
    """

    number: int
    structure_type: str
    kind: str
    uid: str = ""
    description: str = ""
    roi_number: int | None = None
    point_mm: tuple[float, ...] = ()
    prior_dose_gy: float | None = None
    limits: DoseLimits = DoseLimits()


@dataclass(frozen=True, slots=True)
class GroupDose:
    """What one fraction group is to give to a dose reference."""

    dose_reference_number: int
    limits: DoseLimits = DoseLimits()
