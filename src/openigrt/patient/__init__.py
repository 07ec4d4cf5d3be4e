"""Nouns of a patient's treatment: structures, plan, dose, match, trust, correction; contours to masks and surfaces."""

from openigrt.geometry import ImageAxes, Pivot
from openigrt.patient.beam import (
    Beam,
    BeamLimitingDevice,
    ControlPoint,
    DevicePositions,
    DoseCoefficient,
    FluenceMode,
    PlannedImage,
    ReferenceImage,
    Rotations,
    TreatmentMachine,
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
from openigrt.patient.fraction_group import BeamShare, FractionGroup
from openigrt.patient.ion_beam import (
    BeamLineDevice,
    BeamLineSetting,
    IonBeamLine,
    IonControlPoint,
    RangeModulatorSetting,
    ScanSpots,
    Snout,
)
from openigrt.patient.match import Match, Rival, Surrogate, Trust, Verdict
from openigrt.patient.plan import DoseGrid, Plan, RelatedPlan
from openigrt.patient.plan_contradictions import contradictions
from openigrt.patient.planned_setup import (
    HoldingDevice,
    MotionSynchronization,
    PlannedSetup,
    SetupDevice,
    SetupImage,
)
from openigrt.patient.prescription import DoseLimits, DoseReference, GroupDose
from openigrt.patient.structures import Contour, ContourKind, Structure, StructureRole, StructureSet
from openigrt.patient.surfaces import centroid_mm, sphere_points_mm, surface_points_mm, volume_mm3
from openigrt.patient.tolerance_table import DeviceTolerance, ToleranceTable

__all__ = [
    "Accessory",
    "Action",
    "Applicator",
    "ApplicatorGeometry",
    "Beam",
    "BeamLimitingDevice",
    "BeamLineDevice",
    "BeamLineSetting",
    "BeamModifiers",
    "BeamShare",
    "BeamsEyeView",
    "Block",
    "Bolus",
    "Compensator",
    "Contour",
    "ContourKind",
    "ControlPoint",
    "Correction",
    "CouchCommand",
    "CouchMove",
    "DevicePositions",
    "DeviceTolerance",
    "DoseCoefficient",
    "DoseGrid",
    "DoseLimits",
    "DoseReference",
    "FluenceMode",
    "FractionGroup",
    "GroupDose",
    "HoldingDevice",
    "ImageAxes",
    "IonBeamLine",
    "IonControlPoint",
    "Match",
    "MotionSynchronization",
    "Pivot",
    "Plan",
    "PlannedImage",
    "PlannedSetup",
    "RangeModulatorSetting",
    "ReferenceImage",
    "RelatedPlan",
    "Residual",
    "Rival",
    "Rotations",
    "ScanSpots",
    "SetupDevice",
    "SetupImage",
    "Snout",
    "Structure",
    "StructureRole",
    "StructureSet",
    "Surrogate",
    "Target",
    "ToleranceTable",
    "TreatmentMachine",
    "Trust",
    "Verdict",
    "Wedge",
    "WedgePosition",
    "beams_eye_view",
    "centroid_mm",
    "contours_beyond",
    "contradictions",
    "fixed_from_beam",
    "jaws",
    "mask_from_structure",
    "outline_in_room_mm",
    "plane_spacing_mm",
    "seen_by_beam_mm",
    "sphere_points_mm",
    "surface_points_mm",
    "volume_mm3",
]
