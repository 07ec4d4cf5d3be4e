"""Virtual patient and virtual linac: anatomy that is known at every point, and what devices would show of it."""

from openigrt.virtual.case import VirtualCase, daily_image, planned_structures, planning_image, virtual_case
from openigrt.virtual.example import EmbeddedExample, write_embedded_example
from openigrt.virtual.imaging.beam_tissue import TissueInBeam, marker_places_mm
from openigrt.virtual.imaging.cbct import ConeBeamLook, cone_beam_look
from openigrt.virtual.imaging.couch import linac_couch, resting_place_mm, scanner_couch
from openigrt.virtual.imaging.phantoms import Body, Phantom, pixels_mm, rendered
from openigrt.virtual.imaging.projections import (
    Beam,
    BowTie,
    DetectorModel,
    Frames,
    ScatterModel,
    detected,
    line_integrals,
    primary,
    scatter,
)
from openigrt.virtual.imaging.radiographs import KilovoltBeam, MegavoltBeam, PanelModel, Taking, XrayBeam, radiographs
from openigrt.virtual.imaging.respiratory_signals import (
    BeltSignal,
    MarkerSignal,
    belt_trace,
    front_skin_mm,
    marker_trace,
)
from openigrt.virtual.imaging.surface_cameras import (
    CEILING_PODS,
    CameraPod,
    SurfaceSystem,
    TreatmentHead,
    seen_meshes,
    seen_surface,
)
from openigrt.virtual.imaging.transponders import (
    TRANSPONDER_MONITOR,
    MarkerReading,
    MarkerShadows,
    ShadowFinding,
    TransponderArray,
    Transponders,
    found_shadows,
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
from openigrt.virtual.patients.breathing import BreathingOrgan, BreathingPattern
from openigrt.virtual.patients.patient import Day, DrawnStructure, Drift, VirtualPatient
from openigrt.virtual.patients.population import BODY_SETUP, FRAME_SETUP, MASK_SETUP, SetupError, SetupPopulation
from openigrt.virtual.sites.abdomen import AbdomenState, AbdomenTarget, abdomen_day, abdomen_in, abdomen_patient
from openigrt.virtual.sites.brain import brain_day, brain_patient
from openigrt.virtual.sites.head_neck import HeadNeckState, head_neck_day, head_neck_in, head_neck_patient
from openigrt.virtual.sites.pelvis import PelvisState, pelvis_day, pelvis_in, pelvis_patient, virtual_pelvis
from openigrt.virtual.sites.thorax import Lobe, ThoraxState, thorax_day, thorax_in, thorax_patient
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.tissue.deformation import AT_REST, Deformation, Stiffness
from openigrt.virtual.tissue.moves import Gauge, GaugeRamp, LocalMotion, Ramp, Region, Swelling, Widening
from openigrt.virtual.tissue.outlines import organ_contours
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.rendering import render
from openigrt.virtual.tissue.solids import HalfSpace, Loft, Sheet, Superellipsoid, Tube, spline_tube
from openigrt.virtual.tissue.stiffness import stiffness_of

__all__ = [
    "AT_REST",
    "BODY_SETUP",
    "CEILING_PODS",
    "FRAME_SETUP",
    "MASK_SETUP",
    "TRANSPONDER_MONITOR",
    "AbdomenState",
    "AbdomenTarget",
    "Anatomy",
    "Beam",
    "BeamModel",
    "BeamRunsOn",
    "BeltSignal",
    "Body",
    "BowTie",
    "BreathingOrgan",
    "BreathingPattern",
    "CameraPod",
    "ConeBeamLook",
    "CouchModel",
    "CouchReadoutFrozen",
    "CouchStopsShort",
    "Day",
    "Deformation",
    "DetectorModel",
    "DrawnStructure",
    "Drift",
    "Drive",
    "EmbeddedExample",
    "Faults",
    "Frames",
    "FramesDropped",
    "Gauge",
    "GaugeRamp",
    "HalfSpace",
    "HeadNeckState",
    "ImagerModel",
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
    "MonitorModel",
    "MonitorSilent",
    "Operation",
    "Organ",
    "PacedClock",
    "PanelModel",
    "Part",
    "PatientOnCouch",
    "PelvisState",
    "Phantom",
    "PixelSource",
    "Ramp",
    "Region",
    "RotationModel",
    "ScatterModel",
    "ScheduledFault",
    "SetupError",
    "SetupPopulation",
    "ShadowFinding",
    "Sheet",
    "Stiffness",
    "Superellipsoid",
    "SurfaceSystem",
    "Swelling",
    "Taking",
    "ThoraxState",
    "TissueInBeam",
    "TransponderArray",
    "Transponders",
    "TreatmentHead",
    "Tube",
    "VirtualCase",
    "VirtualClock",
    "VirtualLinac",
    "VirtualPatient",
    "Widening",
    "XrayBeam",
    "XrayView",
    "abdomen_day",
    "abdomen_in",
    "abdomen_patient",
    "belt_trace",
    "brain_day",
    "brain_patient",
    "coarse_linac",
    "cone_beam_look",
    "couch_model",
    "daily_image",
    "detected",
    "found_shadows",
    "front_skin_mm",
    "gantry_kv_view",
    "head_neck_day",
    "head_neck_in",
    "head_neck_patient",
    "linac_couch",
    "line_integrals",
    "marker_places_mm",
    "marker_trace",
    "organ_contours",
    "pelvis_day",
    "pelvis_in",
    "pelvis_patient",
    "pixels_mm",
    "planned_structures",
    "planning_image",
    "portal_view",
    "primary",
    "radiographs",
    "render",
    "rendered",
    "resting_place_mm",
    "scanner_couch",
    "scatter",
    "seen_meshes",
    "seen_surface",
    "spline_tube",
    "stereoscopic_views",
    "stiffness_of",
    "thorax_day",
    "thorax_in",
    "thorax_patient",
    "virtual_case",
    "virtual_pelvis",
    "write_embedded_example",
]
