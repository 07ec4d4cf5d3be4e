"""Virtual patient and virtual linac: anatomy that is known at every point, and what devices would show of it."""

from openigrt.virtual.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.case import VirtualCase, daily_image, planned_structures, planning_image, virtual_case
from openigrt.virtual.cbct import ConeBeamLook, cone_beam_look
from openigrt.virtual.couch import linac_couch, resting_place_mm, scanner_couch
from openigrt.virtual.example import EmbeddedExample, write_embedded_example
from openigrt.virtual.outlines import organ_contours
from openigrt.virtual.pelvis import PelvisState, virtual_pelvis
from openigrt.virtual.phantoms import Body, Phantom, pixels_mm, rendered
from openigrt.virtual.primitive_table import Operation
from openigrt.virtual.projections import (
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
from openigrt.virtual.rendering import render
from openigrt.virtual.solids import HalfSpace, Loft, Sheet, Superellipsoid, Tube, spline_tube

__all__ = [
    "Anatomy",
    "Beam",
    "Body",
    "BowTie",
    "ConeBeamLook",
    "DetectorModel",
    "EmbeddedExample",
    "Frames",
    "HalfSpace",
    "Layer",
    "Loft",
    "Operation",
    "Organ",
    "Part",
    "PelvisState",
    "Phantom",
    "ScatterModel",
    "Sheet",
    "Superellipsoid",
    "Tube",
    "VirtualCase",
    "cone_beam_look",
    "daily_image",
    "detected",
    "linac_couch",
    "line_integrals",
    "organ_contours",
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
    "virtual_case",
    "virtual_pelvis",
    "write_embedded_example",
]
