"""Nouns of a patient's treatment: structures, plan, dose, match, trust, correction; contours to masks and surfaces."""

from openigrt.geometry import (
    ImageAxes,
    Pivot,
)
from openigrt.patient.aliases import Alias, Aliases, parse_aliases
from openigrt.patient.contour_stack import (
    plane_spacing_mm,
)
from openigrt.patient.contours import (
    contours_beyond,
    mask_from_structure,
)
from openigrt.patient.correction import (
    Action,
    Correction,
    CouchCommand,
    CouchMove,
    Residual,
    Target,
)
from openigrt.patient.course_history import (
    BeamOfFraction,
    BeamState,
    CourseHistory,
    FractionHistory,
    course_history,
    planned_angles,
)
from openigrt.patient.delivery_instruction import (
    BeamTask,
    BeamTaskType,
    DeliveryInstruction,
    DoubleExposure,
    ImageTiming,
    PlanReference,
    VerificationImageOrder,
    corrected_tasks,
)
from openigrt.patient.dose import (
    DoseGrid,
    DoseKind,
    DoseSummation,
)
from openigrt.patient.dose_sum import (
    plan_dose,
    resampled_dose,
    same_lattice,
    summed_dose,
)
from openigrt.patient.dvh import (
    Dvh,
    VolumeUnit,
)
from openigrt.patient.filling import Between, Ends, Filling, Gaps
from openigrt.patient.match import (
    Match,
    Rival,
    Surrogate,
    Trust,
    Verdict,
)
from openigrt.patient.occupancy import Occupancy, dice
from openigrt.patient.plan import (
    Beam,
    ControlPoint,
    Plan,
)
from openigrt.patient.rings import contours_from_mask, contours_from_occupancy, with_keyholes
from openigrt.patient.simplify import simplified
from openigrt.patient.solids import occupancy_from_structure
from openigrt.patient.stated_position import (
    Deviation,
    PositionTolerances,
    StatedPosition,
    deviations,
)
from openigrt.patient.structures import (
    Contour,
    ContourKind,
    Generation,
    Structure,
    StructureRole,
    StructureSet,
)
from openigrt.patient.surfaces import (
    centroid_mm,
    sphere_points_mm,
    surface_points_mm,
    volume_mm3,
)
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
    RotationDirection,
    TerminationStatus,
    TreatmentMachine,
    TreatmentRecord,
    VerificationImage,
    VerificationStatus,
)

__all__ = [
    "Action",
    "Alias",
    "Aliases",
    "AperturePositions",
    "Beam",
    "BeamOfFraction",
    "BeamState",
    "BeamTask",
    "BeamTaskType",
    "Between",
    "CalculatedDose",
    "Contour",
    "ContourKind",
    "ControlPoint",
    "CorrectedParameter",
    "Correction",
    "CouchCommand",
    "CouchMove",
    "CourseHistory",
    "DeliveredBeam",
    "DeliveredControlPoint",
    "DeliveredSpots",
    "DeliveryInstruction",
    "DeliveryType",
    "Deviation",
    "DoseGrid",
    "DoseKind",
    "DoseSummation",
    "DoubleExposure",
    "Dvh",
    "Ends",
    "Filling",
    "FractionHistory",
    "Gaps",
    "Generation",
    "ImageAxes",
    "ImageTiming",
    "IonDelivery",
    "Match",
    "Occupancy",
    "Override",
    "Parameter",
    "Pivot",
    "Plan",
    "PlanReference",
    "PositionTolerances",
    "RangeShifterSetting",
    "Residual",
    "Rival",
    "RotationDirection",
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
    "VerificationImageOrder",
    "VerificationStatus",
    "VolumeUnit",
    "centroid_mm",
    "contours_beyond",
    "contours_from_mask",
    "contours_from_occupancy",
    "corrected_tasks",
    "course_history",
    "deviations",
    "dice",
    "mask_from_structure",
    "occupancy_from_structure",
    "parse_aliases",
    "plan_dose",
    "plane_spacing_mm",
    "planned_angles",
    "resampled_dose",
    "same_lattice",
    "simplified",
    "sphere_points_mm",
    "summed_dose",
    "surface_points_mm",
    "volume_mm3",
    "with_keyholes",
]
