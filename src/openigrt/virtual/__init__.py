"""Virtual patient and virtual linac: anatomy that is known at every point, and what devices would show of it."""

from openigrt.virtual.case import VirtualCase, daily_image, planned_structures, planning_image, virtual_case
from openigrt.virtual.example import EmbeddedExample, write_embedded_example
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
from openigrt.virtual.sites.mishaps import at_wrong_level, with_contrast, with_hip_prosthesis
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
    "FRAME_SETUP",
    "MASK_SETUP",
    "AbdomenState",
    "AbdomenTarget",
    "Anatomy",
    "Beam",
    "BeamModel",
    "BeamRunsOn",
    "Body",
    "BowTie",
    "BreathingOrgan",
    "BreathingPattern",
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
    "Layer",
    "LinacModel",
    "LinacTruth",
    "Lobe",
    "LocalMotion",
    "Loft",
    "MonitorModel",
    "MonitorSilent",
    "Operation",
    "Organ",
    "PacedClock",
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
    "Sheet",
    "Stiffness",
    "Superellipsoid",
    "Swelling",
    "ThoraxState",
    "Tube",
    "VirtualCase",
    "VirtualClock",
    "VirtualLinac",
    "VirtualPatient",
    "Widening",
    "abdomen_day",
    "abdomen_in",
    "abdomen_patient",
    "at_wrong_level",
    "brain_day",
    "brain_patient",
    "coarse_linac",
    "cone_beam_look",
    "couch_model",
    "daily_image",
    "detected",
    "head_neck_day",
    "head_neck_in",
    "head_neck_patient",
    "linac_couch",
    "line_integrals",
    "organ_contours",
    "pelvis_day",
    "pelvis_in",
    "pelvis_patient",
    "pixels_mm",
    "planned_structures",
    "planning_image",
    "primary",
    "render",
    "rendered",
    "resting_place_mm",
    "scanner_couch",
    "scatter",
    "spline_tube",
    "stiffness_of",
    "thorax_day",
    "thorax_in",
    "thorax_patient",
    "virtual_case",
    "virtual_pelvis",
    "with_contrast",
    "with_hip_prosthesis",
    "write_embedded_example",
]
