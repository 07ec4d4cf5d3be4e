"""What is prescribed and in which fractions: RT Prescription (PS3.3 C.8.8.10) and RT Fraction Scheme (C.8.8.13)."""

from openigrt.dicom.dataset.mapping import (
    NUMBER,
    REQUIRED_WHOLE,
    WHOLE,
    Embedded,
    Many,
    Table,
    exactly,
    known,
    optional,
    required,
)
from openigrt.patient import BeamShare, DoseLimits, DoseReference, FractionGroup, GroupDose

LIMITS = Table(
    DoseLimits,
    (
        optional("constraint_weight", "ConstraintWeight", NUMBER),
        optional("delivery_warning_gy", "DeliveryWarningDose", NUMBER),
        optional("delivery_maximum_gy", "DeliveryMaximumDose", NUMBER),
        optional("target_minimum_gy", "TargetMinimumDose", NUMBER),
        optional("target_prescription_gy", "TargetPrescriptionDose", NUMBER),
        optional("target_maximum_gy", "TargetMaximumDose", NUMBER),
        optional("target_underdose_percent", "TargetUnderdoseVolumeFraction", NUMBER),
        optional("organ_full_volume_gy", "OrganAtRiskFullVolumeDose", NUMBER),
        optional("organ_limit_gy", "OrganAtRiskLimitDose", NUMBER),
        optional("organ_maximum_gy", "OrganAtRiskMaximumDose", NUMBER),
        optional("organ_overdose_percent", "OrganAtRiskOverdoseVolumeFraction", NUMBER),
    ),
)
DOSE_REFERENCE = Table(
    DoseReference,
    (
        required("number", "DoseReferenceNumber", REQUIRED_WHOLE),
        optional("uid", "DoseReferenceUID"),
        required("structure_type", "DoseReferenceStructureType"),
        optional("description", "DoseReferenceDescription"),
        optional("roi_number", "ReferencedROINumber", WHOLE),
        optional("point_mm", "DoseReferencePointCoordinates", exactly(3)),
        optional("prior_dose_gy", "NominalPriorDose", NUMBER),
        required("kind", "DoseReferenceType"),
        Embedded("limits", LIMITS),
    ),
)
GROUP_DOSE = Table(
    GroupDose,
    (
        required("dose_reference_number", "ReferencedDoseReferenceNumber", REQUIRED_WHOLE),
        Embedded("limits", LIMITS),
    ),
)
BEAM_SHARE = Table(
    BeamShare,
    (
        required("beam_number", "ReferencedBeamNumber", REQUIRED_WHOLE),
        optional("meterset_mu", "BeamMeterset", NUMBER),
        optional("dose_gy", "BeamDose", NUMBER),
        optional("dose_point_mm", "BeamDoseSpecificationPoint", exactly(3)),
        optional("dose_kind", "BeamDoseType"),
        optional("dose_reference_uid", "ReferencedDoseReferenceUID"),
        optional("point_depth_mm", "BeamDosePointDepth", NUMBER),
        optional("point_equivalent_depth_mm", "BeamDosePointEquivalentDepth", NUMBER),
        optional("point_source_surface_distance_mm", "BeamDosePointSSD", NUMBER),
        optional("longest_delivery_s", "BeamDeliveryDurationLimit", NUMBER),
    ),
)
FRACTION_GROUP = Table(
    FractionGroup,
    (
        required("number", "FractionGroupNumber", WHOLE),
        optional("description", "FractionGroupDescription"),
        known("fractions_planned", "NumberOfFractionsPlanned", WHOLE),
        optional("pattern_digits_per_day", "NumberOfFractionPatternDigitsPerDay", WHOLE),
        optional("pattern_weeks", "RepeatFractionCycleLength", WHOLE),
        optional("pattern", "FractionPattern"),
        optional("beam_dose_meaning", "BeamDoseMeaning"),
        Many("beams", "ReferencedBeamSequence", BEAM_SHARE),
        Many("doses", "ReferencedDoseReferenceSequence", GROUP_DOSE),
    ),
    (("NumberOfBeams", "beams"),),
)
