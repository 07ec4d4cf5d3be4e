"""Virtual patient and virtual linac: anatomy that is known at every point, and what devices would show of it."""

from openigrt.virtual.case import VirtualCase, daily_image, planned_structures, planning_image, virtual_case
from openigrt.virtual.example import EmbeddedExample, write_embedded_example
from openigrt.virtual.imaging.cbct import ConeBeamLook, cone_beam_look
from openigrt.virtual.imaging.composition import Composition
from openigrt.virtual.imaging.cone_beam_protocol import PELVIS_CBCT, PELVIS_DEMO_CBCT, ConeBeamProtocol
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
from openigrt.virtual.imaging.scatter import ScatterModel, SolidScatterer, VoxelScatterer, scatter, scattered
from openigrt.virtual.imaging.tissues import Tissue, rendered_property
from openigrt.virtual.imaging.ultrasound import (
    CURVED_ARRAY,
    Transducer,
    UltrasoundScan,
    probe_frame,
    probe_on_skin,
    ultrasound_image,
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
from openigrt.virtual.patients.breathing import MID_VENTILATION, BreathingOrgan, BreathingPattern, HeldBreath
from openigrt.virtual.patients.patient import Day, DrawnStructure, Drift, VirtualPatient
from openigrt.virtual.patients.population import (
    AS_PLANNED,
    BODY_SETUP,
    FRAME_SETUP,
    MASK_SETUP,
    SetupError,
    SetupPopulation,
)
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
    "AS_PLANNED",
    "AT_REST",
    "BODY_SETUP",
    "CINE",
    "CURVED_ARRAY",
    "FDG",
    "FRAME_SETUP",
    "MASK_SETUP",
    "MID_VENTILATION",
    "NO_FLAWS",
    "PELVIS_CBCT",
    "PELVIS_DEMO_CBCT",
    "T1_WEIGHTED",
    "T2_WEIGHTED",
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
    "Composition",
    "ConeBeamLook",
    "ConeBeamProtocol",
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
    "ImagerModel",
    "Layer",
    "LinacModel",
    "LinacTruth",
    "Lobe",
    "LocalMotion",
    "Loft",
    "Moments",
    "MonitorModel",
    "MonitorSilent",
    "MrFlaws",
    "MrScan",
    "Operation",
    "Organ",
    "PacedClock",
    "Part",
    "PatientOnCouch",
    "PatientProjections",
    "PelvisState",
    "PetProtocol",
    "PetScan",
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
    "SolidScatterer",
    "Stiffness",
    "Superellipsoid",
    "Swelling",
    "ThoraxState",
    "Tissue",
    "Transducer",
    "Tube",
    "UltrasoundScan",
    "VirtualCase",
    "VirtualClock",
    "VirtualLinac",
    "VirtualPatient",
    "VoxelScatterer",
    "Widening",
    "abdomen_day",
    "abdomen_in",
    "abdomen_patient",
    "brain_day",
    "brain_patient",
    "coarse_linac",
    "cone_beam_look",
    "couch_model",
    "daily_image",
    "detected",
    "four_d_ct",
    "head_neck_day",
    "head_neck_in",
    "head_neck_patient",
    "linac_couch",
    "line_integrals",
    "moments_of",
    "mr_image",
    "organ_contours",
    "pelvis_day",
    "pelvis_in",
    "pelvis_patient",
    "pet_image",
    "pixels_mm",
    "planned_structures",
    "planning_image",
    "primary",
    "primary_through",
    "probe_frame",
    "probe_on_skin",
    "render",
    "rendered",
    "rendered_property",
    "resting_place_mm",
    "scanner_couch",
    "scatter",
    "scattered",
    "spline_tube",
    "stiffness_of",
    "thorax_day",
    "thorax_in",
    "thorax_patient",
    "ultrasound_image",
    "virtual_case",
    "virtual_pelvis",
    "write_embedded_example",
]
