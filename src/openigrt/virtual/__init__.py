"""Virtual patient and virtual linac: anatomy that is known at every point, and what devices would show of it."""

from openigrt.virtual.example import (
    EmbeddedExample,
    ExampleCase,
    example_case,
    example_daily_image,
    example_planning_image,
    write_embedded_example,
)
from openigrt.virtual.imaging.beam_tissue import TissueInBeam, marker_places_mm
from openigrt.virtual.imaging.cbct import ConeBeamLook, cone_beam_look
from openigrt.virtual.imaging.composition import Composition
from openigrt.virtual.imaging.cone_beam_protocol import (
    HEAD_CBCT,
    HEAD_DEMO_CBCT,
    PELVIS_CBCT,
    PELVIS_DEMO_CBCT,
    TRUNK_CBCT,
    TRUNK_DEMO_CBCT,
    ConeBeamProtocol,
    demo_of,
)
from openigrt.virtual.imaging.couch import linac_couch, resting_place_mm, scanner_couch
from openigrt.virtual.imaging.four_d_ct import CINE, FourDCt, FourDCtProtocol, four_d_ct
from openigrt.virtual.imaging.moments import Moments, moments_of
from openigrt.virtual.imaging.mr import NO_FLAWS, T1_WEIGHTED, T2_WEIGHTED, MrFlaws, MrScan, mr_image
from openigrt.virtual.imaging.patient_projections import PatientProjections, primary_through
from openigrt.virtual.imaging.pet import FDG, PetProtocol, PetScan, pet_image
from openigrt.virtual.imaging.phantoms import Body, Phantom, pixels_mm, rendered
from openigrt.virtual.imaging.projections import (
    Beam,
    BowTie,
    DetectorModel,
    FlatPanel,
    Frames,
    detected,
    line_integrals,
    primary,
)
from openigrt.virtual.imaging.quick import (
    SMALL_FIELD,
    WIDE_FIELD,
    ImagingField,
    imaging_field,
    quick_daily_image,
    quick_moments_s,
    true_plan_from_daily,
)
from openigrt.virtual.imaging.radiographs import KilovoltBeam, MegavoltBeam, PanelModel, Taking, XrayBeam, radiographs
from openigrt.virtual.imaging.respiratory_signals import (
    BeltSignal,
    MarkerSignal,
    belt_trace,
    front_skin_mm,
    marker_trace,
)
from openigrt.virtual.imaging.scan_folder import ScanFolder, write_scan_folder
from openigrt.virtual.imaging.scatter import ScatterModel, SolidScatterer, VoxelScatterer, scatter, scattered
from openigrt.virtual.imaging.surface_cameras import (
    CEILING_PODS,
    CameraPod,
    SurfaceSystem,
    TreatmentHead,
    seen_meshes,
    seen_surface,
)
from openigrt.virtual.imaging.tissues import Tissue, rendered_property
from openigrt.virtual.imaging.transponders import (
    TRANSPONDER_MONITOR,
    MarkerReading,
    MarkerShadows,
    ShadowFinding,
    TransponderArray,
    Transponders,
    found_shadows,
)
from openigrt.virtual.imaging.ultrasound import (
    CURVED_ARRAY,
    Transducer,
    UltrasoundScan,
    probe_frame,
    probe_on_skin,
    ultrasound_image,
)
from openigrt.virtual.imaging.xray_views import XrayView, gantry_kv_view, portal_view, stereoscopic_views
from openigrt.virtual.linac.beam import BeamModel
from openigrt.virtual.linac.clock import PacedClock, VirtualClock
from openigrt.virtual.linac.couch import CouchModel, couch_model
from openigrt.virtual.linac.faults import (
    BeamRunsOn,
    CouchReadoutFrozen,
    CouchStopsShort,
    Faults,
    FramesDropped,
    MonitorSilent,
    ScheduledFault,
)
from openigrt.virtual.linac.imager import ImagerModel, PixelSource
from openigrt.virtual.linac.linac import LinacModel, LinacTruth, VirtualLinac, coarse_linac
from openigrt.virtual.linac.monitor import MonitorModel
from openigrt.virtual.linac.patient_on_couch import PatientOnCouch
from openigrt.virtual.linac.rotation import RotationModel
from openigrt.virtual.linac.travel import Drive
from openigrt.virtual.patients.breathing import MID_VENTILATION, BreathingOrgan, BreathingPattern, HeldBreath
from openigrt.virtual.patients.own_planning import OwnPlanning
from openigrt.virtual.patients.patient import Day, DrawnStructure, Drift, VirtualPatient
from openigrt.virtual.patients.population import (
    AS_PLANNED,
    BODY_SETUP,
    FRAME_SETUP,
    MASK_SETUP,
    SetupError,
    SetupPopulation,
)
from openigrt.virtual.planning.conformal import conformal_plan
from openigrt.virtual.planning.datasets import planning_datasets, write_planning
from openigrt.virtual.planning.depth_dose import tissue_factor
from openigrt.virtual.planning.dose import Density, density_of, dose_per_mu
from openigrt.virtual.planning.headers import daily_series, described
from openigrt.virtual.planning.identity import Identity, identity_of
from openigrt.virtual.planning.leaves import COLLIMATOR
from openigrt.virtual.planning.planning_ct import PlanningScan, planning_image, planning_scan
from openigrt.virtual.planning.prescriptions import ConformalArc, SitePrescription, StaticFields, prescription_of
from openigrt.virtual.planning.structures import planned_structures
from openigrt.virtual.planning.treatment import PlannedTreatment, planned_dose, planned_treatment, prescribed
from openigrt.virtual.sites.abdomen import AbdomenState, AbdomenTarget, abdomen_day, abdomen_in, abdomen_patient
from openigrt.virtual.sites.brain import brain_day, brain_patient
from openigrt.virtual.sites.head_neck import HeadNeckState, head_neck_day, head_neck_in, head_neck_patient
from openigrt.virtual.sites.mishaps import at_wrong_level, with_contrast, with_hip_prosthesis
from openigrt.virtual.sites.pelvis import PelvisState, pelvis_day, pelvis_in, pelvis_patient, virtual_pelvis
from openigrt.virtual.sites.scanned import ScannedState, scanned_day, scanned_in, scanned_patient
from openigrt.virtual.sites.scanned_structures import Site
from openigrt.virtual.sites.thorax import Lobe, ThoraxState, thorax_day, thorax_in, thorax_patient
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.tissue.backdrop import AIR, Air, Backdrop, Outline, View
from openigrt.virtual.tissue.deformation import AT_REST, Deformation, Stiffness
from openigrt.virtual.tissue.moves import Gauge, GaugeRamp, LocalMotion, Ramp, Region, Swelling, Widening
from openigrt.virtual.tissue.outlines import organ_contours
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.rendering import render
from openigrt.virtual.tissue.scanned import ScannedTissue, scanned_tissue
from openigrt.virtual.tissue.solids import HalfSpace, Loft, Sheet, Superellipsoid, Tube, spline_tube
from openigrt.virtual.tissue.stiffness import stiffness_of

__all__ = [
    "AIR",
    "AS_PLANNED",
    "AT_REST",
    "BODY_SETUP",
    "CEILING_PODS",
    "CINE",
    "COLLIMATOR",
    "CURVED_ARRAY",
    "FDG",
    "FRAME_SETUP",
    "HEAD_CBCT",
    "HEAD_DEMO_CBCT",
    "MASK_SETUP",
    "MID_VENTILATION",
    "NO_FLAWS",
    "PELVIS_CBCT",
    "PELVIS_DEMO_CBCT",
    "SMALL_FIELD",
    "T1_WEIGHTED",
    "T2_WEIGHTED",
    "TRANSPONDER_MONITOR",
    "TRUNK_CBCT",
    "TRUNK_DEMO_CBCT",
    "WIDE_FIELD",
    "AbdomenState",
    "AbdomenTarget",
    "Air",
    "Anatomy",
    "Backdrop",
    "Beam",
    "BeamModel",
    "BeamRunsOn",
    "BeltSignal",
    "Body",
    "BowTie",
    "BreathingOrgan",
    "BreathingPattern",
    "CameraPod",
    "Composition",
    "ConeBeamLook",
    "ConeBeamProtocol",
    "ConformalArc",
    "CouchModel",
    "CouchReadoutFrozen",
    "CouchStopsShort",
    "Day",
    "Deformation",
    "Density",
    "DetectorModel",
    "DrawnStructure",
    "Drift",
    "Drive",
    "EmbeddedExample",
    "ExampleCase",
    "Faults",
    "FlatPanel",
    "FourDCt",
    "FourDCtProtocol",
    "Frames",
    "FramesDropped",
    "Gauge",
    "GaugeRamp",
    "HalfSpace",
    "HeadNeckState",
    "HeldBreath",
    "Identity",
    "ImagerModel",
    "ImagingField",
    "KilovoltBeam",
    "Layer",
    "LinacModel",
    "LinacTruth",
    "Lobe",
    "LocalMotion",
    "Loft",
    "MarkerReading",
    "MarkerShadows",
    "MarkerSignal",
    "MegavoltBeam",
    "Moments",
    "MonitorModel",
    "MonitorSilent",
    "MrFlaws",
    "MrScan",
    "Operation",
    "Organ",
    "Outline",
    "OwnPlanning",
    "PacedClock",
    "PanelModel",
    "Part",
    "PatientOnCouch",
    "PatientProjections",
    "PelvisState",
    "PetProtocol",
    "PetScan",
    "Phantom",
    "PixelSource",
    "PlannedTreatment",
    "PlanningScan",
    "Ramp",
    "Region",
    "RotationModel",
    "ScanFolder",
    "ScannedState",
    "ScannedTissue",
    "ScatterModel",
    "ScheduledFault",
    "SetupError",
    "SetupPopulation",
    "ShadowFinding",
    "Sheet",
    "Site",
    "SitePrescription",
    "SolidScatterer",
    "StaticFields",
    "Stiffness",
    "Superellipsoid",
    "SurfaceSystem",
    "Swelling",
    "Taking",
    "ThoraxState",
    "Tissue",
    "TissueInBeam",
    "Transducer",
    "TransponderArray",
    "Transponders",
    "TreatmentHead",
    "Tube",
    "UltrasoundScan",
    "View",
    "VirtualClock",
    "VirtualLinac",
    "VirtualPatient",
    "VoxelScatterer",
    "Widening",
    "XrayBeam",
    "XrayView",
    "abdomen_day",
    "abdomen_in",
    "abdomen_patient",
    "at_wrong_level",
    "belt_trace",
    "brain_day",
    "brain_patient",
    "coarse_linac",
    "cone_beam_look",
    "conformal_plan",
    "couch_model",
    "daily_series",
    "demo_of",
    "density_of",
    "described",
    "detected",
    "dose_per_mu",
    "example_case",
    "example_daily_image",
    "example_planning_image",
    "found_shadows",
    "four_d_ct",
    "front_skin_mm",
    "gantry_kv_view",
    "head_neck_day",
    "head_neck_in",
    "head_neck_patient",
    "identity_of",
    "imaging_field",
    "linac_couch",
    "line_integrals",
    "marker_places_mm",
    "marker_trace",
    "moments_of",
    "mr_image",
    "organ_contours",
    "pelvis_day",
    "pelvis_in",
    "pelvis_patient",
    "pet_image",
    "pixels_mm",
    "planned_dose",
    "planned_structures",
    "planned_treatment",
    "planning_datasets",
    "planning_image",
    "planning_scan",
    "portal_view",
    "prescribed",
    "prescription_of",
    "primary",
    "primary_through",
    "probe_frame",
    "probe_on_skin",
    "quick_daily_image",
    "quick_moments_s",
    "radiographs",
    "render",
    "rendered",
    "rendered_property",
    "resting_place_mm",
    "scanned_day",
    "scanned_in",
    "scanned_patient",
    "scanned_tissue",
    "scanner_couch",
    "scatter",
    "scattered",
    "seen_meshes",
    "seen_surface",
    "spline_tube",
    "stereoscopic_views",
    "stiffness_of",
    "thorax_day",
    "thorax_in",
    "thorax_patient",
    "tissue_factor",
    "true_plan_from_daily",
    "ultrasound_image",
    "virtual_pelvis",
    "with_contrast",
    "with_hip_prosthesis",
    "write_embedded_example",
    "write_planning",
    "write_scan_folder",
]
