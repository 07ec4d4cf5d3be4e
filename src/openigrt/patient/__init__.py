"""Nouns of a patient's treatment: structures, plan, dose, match, trust, correction; contours to masks and surfaces."""

from openigrt.geometry import (
    ImageAxes,
    Pivot,
)
from openigrt.patient.aliases import (
    Alias,
    Aliases,
    parse_aliases,
)
from openigrt.patient.beam import (
    AperturePositions,
    Beam,
    BeamLimitingDevice,
    ControlPoint,
    DoseCoefficient,
    FluenceMode,
    PlannedImage,
    PlannedMachine,
    ReferenceImage,
    Rotations,
    WedgePosition,
    jaws,
)
from openigrt.patient.beam_modifiers import (
    Accessory,
    Applicator,
    ApplicatorGeometry,
    BeamModifiers,
    Block,
    Bolus,
    Compensator,
    Wedge,
)
from openigrt.patient.beams_eye_view import (
    BeamsEyeView,
    beams_eye_view,
    fixed_from_beam,
    outline_in_room_mm,
    seen_by_beam_mm,
)
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
from openigrt.patient.filling import (
    Between,
    Ends,
    Filling,
    Gaps,
)
from openigrt.patient.fraction_group import (
    BeamShare,
    FractionGroup,
)
from openigrt.patient.ion_beam import (
    BeamLineDevice,
    BeamLineSetting,
    IonBeamLine,
    IonControlPoint,
    RangeModulatorSetting,
    ScanSpots,
    Snout,
)
from openigrt.patient.match import (
    Match,
    Rival,
    Surrogate,
    Trust,
    Verdict,
)
from openigrt.patient.occupancy import (
    Occupancy,
    dice,
)
from openigrt.patient.plan import (
    Plan,
    RelatedPlan,
)
from openigrt.patient.plan_change import (
    BeamChange,
    NewOpening,
    PlanChange,
    PlanVersion,
    changed,
    table_top_travel_mm,
)
from openigrt.patient.plan_contradictions import (
    contradictions,
)
from openigrt.patient.planned_setup import (
    HoldingDevice,
    MotionSynchronization,
    PlannedSetup,
    SetupDevice,
    SetupImage,
)
from openigrt.patient.prescription import (
    DoseLimits,
    DoseReference,
    GroupDose,
)
from openigrt.patient.rings import (
    contours_from_mask,
    contours_from_occupancy,
    with_keyholes,
)
from openigrt.patient.simplify import (
    simplified,
)
from openigrt.patient.solids import (
    occupancy_from_structure,
)
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
from openigrt.patient.tolerance_table import (
    DeviceTolerance,
    ToleranceTable,
)
from openigrt.patient.treatment_record import (
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
    "Accessory",
    "Action",
    "Alias",
    "Aliases",
    "AperturePositions",
    "Applicator",
    "ApplicatorGeometry",
    "Beam",
    "BeamChange",
    "BeamLimitingDevice",
    "BeamLineDevice",
    "BeamLineSetting",
    "BeamModifiers",
    "BeamOfFraction",
    "BeamShare",
    "BeamState",
    "BeamTask",
    "BeamTaskType",
    "BeamsEyeView",
    "Between",
    "Block",
    "Bolus",
    "CalculatedDose",
    "Compensator",
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
    "DeviceTolerance",
    "DoseCoefficient",
    "DoseGrid",
    "DoseKind",
    "DoseLimits",
    "DoseReference",
    "DoseSummation",
    "DoubleExposure",
    "Dvh",
    "Ends",
    "Filling",
    "FluenceMode",
    "FractionGroup",
    "FractionHistory",
    "Gaps",
    "Generation",
    "GroupDose",
    "HoldingDevice",
    "ImageAxes",
    "ImageTiming",
    "IonBeamLine",
    "IonControlPoint",
    "IonDelivery",
    "Match",
    "MotionSynchronization",
    "NewOpening",
    "Occupancy",
    "Override",
    "Parameter",
    "Pivot",
    "Plan",
    "PlanChange",
    "PlanReference",
    "PlanVersion",
    "PlannedImage",
    "PlannedMachine",
    "PlannedSetup",
    "PositionTolerances",
    "RangeModulatorSetting",
    "RangeShifterSetting",
    "ReferenceImage",
    "RelatedPlan",
    "Residual",
    "Rival",
    "RotationDirection",
    "Rotations",
    "ScanSpots",
    "SetupDevice",
    "SetupImage",
    "Snout",
    "StatedPosition",
    "Structure",
    "StructureRole",
    "StructureSet",
    "Surrogate",
    "Target",
    "TerminationStatus",
    "ToleranceTable",
    "TreatmentMachine",
    "TreatmentRecord",
    "Trust",
    "Verdict",
    "VerificationImage",
    "VerificationImageOrder",
    "VerificationStatus",
    "VolumeUnit",
    "Wedge",
    "WedgePosition",
    "beams_eye_view",
    "centroid_mm",
    "changed",
    "contours_beyond",
    "contours_from_mask",
    "contours_from_occupancy",
    "contradictions",
    "corrected_tasks",
    "course_history",
    "deviations",
    "dice",
    "fixed_from_beam",
    "jaws",
    "mask_from_structure",
    "occupancy_from_structure",
    "outline_in_room_mm",
    "parse_aliases",
    "plan_dose",
    "plane_spacing_mm",
    "planned_angles",
    "resampled_dose",
    "same_lattice",
    "seen_by_beam_mm",
    "simplified",
    "sphere_points_mm",
    "summed_dose",
    "surface_points_mm",
    "table_top_travel_mm",
    "volume_mm3",
    "with_keyholes",
]
