"""Machines: couch axes, limits, resolutions, scales of the displays, conventions of the images; parsed from text."""

from openigrt.machine.couch import LINEAR_AXES, Couch, CouchAxis, axis_positions
from openigrt.machine.machine import CbctConvention, Machine
from openigrt.machine.machine_file import parse_machine
from openigrt.machine.scales import AngleScale, LengthScale, NegativeReadout

__all__ = [
    "LINEAR_AXES",
    "AngleScale",
    "CbctConvention",
    "Couch",
    "CouchAxis",
    "LengthScale",
    "Machine",
    "NegativeReadout",
    "axis_positions",
    "parse_machine",
]
