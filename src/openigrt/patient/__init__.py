"""Nouns of a patient's treatment: structures, plan, dose, match, trust, correction; contours to masks and surfaces."""

from openigrt.geometry import ImageAxes, Pivot
from openigrt.patient.contour_stack import plane_spacing_mm
from openigrt.patient.contours import contours_beyond, mask_from_structure
from openigrt.patient.correction import (
    Action,
    Correction,
    CouchCommand,
    CouchMove,
    Residual,
    Target,
)
from openigrt.patient.match import Match, Rival, Surrogate, Trust, Verdict
from openigrt.patient.plan import Beam, ControlPoint, DoseGrid, Plan
from openigrt.patient.stated_position import Deviation, PositionTolerances, StatedPosition, deviations
from openigrt.patient.structures import Contour, ContourKind, Structure, StructureRole, StructureSet
from openigrt.patient.surfaces import centroid_mm, sphere_points_mm, surface_points_mm, volume_mm3
from openigrt.patient.treatment_record import (
    AperturePositions,
    CalculatedDose,
    CorrectedParameter,
    DeliveredBeam,
    DeliveredControlPoint,
    DeliveredSpots,
    DeliveryType,
    IonDelivery,
    Override,
    Parameter,
    RangeShifterSetting,
    TerminationStatus,
    TreatmentMachine,
    TreatmentRecord,
    VerificationImage,
    VerificationStatus,
)

__all__ = [
    "Action",
    "AperturePositions",
    "Beam",
    "CalculatedDose",
    "Contour",
    "ContourKind",
    "ControlPoint",
    "CorrectedParameter",
    "Correction",
    "CouchCommand",
    "CouchMove",
    "DeliveredBeam",
    "DeliveredControlPoint",
    "DeliveredSpots",
    "DeliveryType",
    "Deviation",
    "DoseGrid",
    "ImageAxes",
    "IonDelivery",
    "Match",
    "Override",
    "Parameter",
    "Pivot",
    "Plan",
    "PositionTolerances",
    "RangeShifterSetting",
    "Residual",
    "Rival",
    "StatedPosition",
    "Structure",
    "StructureRole",
    "StructureSet",
    "Surrogate",
    "Target",
    "TerminationStatus",
    "TreatmentMachine",
    "TreatmentRecord",
    "Trust",
    "Verdict",
    "VerificationImage",
    "VerificationStatus",
    "centroid_mm",
    "contours_beyond",
    "deviations",
    "mask_from_structure",
    "plane_spacing_mm",
    "sphere_points_mm",
    "surface_points_mm",
    "volume_mm3",
]
