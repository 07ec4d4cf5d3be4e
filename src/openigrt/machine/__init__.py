"""Machines: couch axes, limits, scales of displays, conventions of images, acceptance test, and the device ports."""

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
from openigrt.machine.beam_order import BeamLatency, BeamOrder, BeamPoint, BeamReading, BeamState
from openigrt.machine.couch import LINEAR_AXES, Couch, CouchAxis, axis_positions
from openigrt.machine.imager import BowTieFilter, FilterMaterial, FrameAngle, Imager, PanelLag, ScatterFit
from openigrt.machine.machine import Acceptance, ApertureAxis, CbctConvention, Machine
from openigrt.machine.machine_file import parse_machine
from openigrt.machine.ports import (
    BeamPort,
    ClockPort,
    CouchPort,
    Devices,
    ImagerPort,
    InterlockPort,
    MonitorPort,
    RotationPort,
    wait_until_still,
)
from openigrt.machine.readings import ArmState, CouchReading, Interlock, RotationReading
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
    "ArmState",
    "BeamLatency",
    "BeamOrder",
    "BeamPoint",
    "BeamPort",
    "BeamReading",
    "BeamState",
    "BowTieFilter",
    "CbctConvention",
    "ClockPort",
    "Couch",
    "CouchAxis",
    "CouchPort",
    "CouchReading",
    "Devices",
    "FilterMaterial",
    "FrameAngle",
    "Imager",
    "ImagerPort",
    "Interlock",
    "InterlockPort",
    "Judgement",
    "LengthScale",
    "Machine",
    "MonitorPort",
    "NegativeReadout",
    "Outcome",
    "PanelLag",
    "PhantomImage",
    "Reading",
    "RotationPort",
    "RotationReading",
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
    "wait_until_still",
]
