"""Machines: couch axes, limits, resolutions, scales of displays, conventions of images, and their acceptance test."""

from openigrt.machine.acceptance import (
    TOLERANCE_DEG,
    TOLERANCE_MM,
    AcceptanceStep,
    Judgement,
    Outcome,
    Reading,
    acceptance_steps,
    judge_axes,
)
from openigrt.machine.acceptance_phantom import (
    PHANTOM_OFFSET_MM,
    PhantomImage,
    expected_phantom_mm,
    judge_phantom,
    phantom_setups,
)
from openigrt.machine.acceptance_readings import AcceptanceReadings, convention_of_images, parse_readings, readings_form
from openigrt.machine.couch import LINEAR_AXES, Couch, CouchAxis, axis_positions
from openigrt.machine.imager import BowTieFilter, FrameAngle, Imager, PanelLag, ScatterFit
from openigrt.machine.machine import Acceptance, ApertureAxis, CbctConvention, Machine
from openigrt.machine.machine_file import parse_machine
from openigrt.machine.scales import AngleScale, LengthScale, NegativeReadout, Scale

__all__ = [
    "LINEAR_AXES",
    "PHANTOM_OFFSET_MM",
    "TOLERANCE_DEG",
    "TOLERANCE_MM",
    "Acceptance",
    "AcceptanceReadings",
    "AcceptanceStep",
    "AngleScale",
    "ApertureAxis",
    "BowTieFilter",
    "CbctConvention",
    "Couch",
    "CouchAxis",
    "FrameAngle",
    "Imager",
    "Judgement",
    "LengthScale",
    "Machine",
    "NegativeReadout",
    "Outcome",
    "PanelLag",
    "PhantomImage",
    "Reading",
    "Scale",
    "ScatterFit",
    "acceptance_steps",
    "axis_positions",
    "convention_of_images",
    "expected_phantom_mm",
    "judge_axes",
    "judge_phantom",
    "parse_machine",
    "parse_readings",
    "phantom_setups",
    "readings_form",
]
