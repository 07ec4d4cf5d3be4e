"""Machine files: TOML text to a Machine."""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from openigrt.errors import InputError
from openigrt.geometry import DegreesOfFreedom, ImageAxes, Pivot
from openigrt.machine.couch import LINEAR_AXES, Couch, CouchAxis
from openigrt.machine.imager_table import imager_of
from openigrt.machine.machine import Acceptance, ApertureAxis, CbctConvention, Machine
from openigrt.machine.scales import AngleScale, LengthScale, NegativeReadout, Scale
from openigrt.machine.toml_table import TomlTable

COARSEST_RESOLUTION = 10.0
FINGERPRINT_DIGITS = 16


def parse_machine(text: str) -> Machine:
    """The machine that a machine file (TOML text, docs/how-to/machine_file.md) describes.

    Raises UnreadableFile when the text is no TOML, InputError with the place and the key when a value is missing, of
    the wrong kind, impossible, or when a key is not known.
    """
    table = TomlTable.of("machine file", text)
    scales = table.table("scales")
    machine = Machine(
        name=table.value("name", str),
        couch=_couch(table.table("couch"), scales),
        gantry=_angle_scale(scales.table("gantry"), "Gantry"),
        beam_limiting_device=_angle_scale(scales.table("beam_limiting_device"), "Collimator"),
        cbct_conventions=tuple(_cbct_convention(entry) for entry in table.tables("cbct")),
        aperture=MappingProxyType(
            {axis: _length_scale(scales.table(axis), _label(axis)) for axis in ApertureAxis if axis in scales}
        ),
        acceptance=_acceptance(table.table("acceptance")) if "acceptance" in table else None,
        fingerprint=_fingerprint(table.values),
        imager=imager_of(table.table("imager")) if "imager" in table else None,
    )
    scales.require_no_more()
    table.require_no_more()
    return machine


def _fingerprint(values: Mapping[str, Any]) -> str:
    """Digits that two files share when they say the same, apart from comments, order and [acceptance]."""
    stated = {key: value for key, value in values.items() if key != "acceptance"}
    text = json.dumps(stated, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_DIGITS]


def _acceptance(table: TomlTable) -> Acceptance:
    """The [acceptance] table, whose date is a TOML date without quotes."""
    day = table.value("date", date)
    if isinstance(day, datetime):
        raise InputError(f"{table.place}: date = {day!r} is a time; write the day alone, as 2026-01-31.", key="date")
    acceptance = Acceptance(day, table.value("by", str), table.value("version", str), table.value("fingerprint", str))
    table.require_no_more()
    return acceptance


def _label(axis: ApertureAxis) -> str:
    """What a display calls a jaw or a bank of leaves where the file does not say."""
    return axis.replace("_", " ").capitalize()


def _couch(table: TomlTable, scales: TomlTable) -> Couch:
    """The [couch] table with the scales of its axes."""
    limits, changes = table.table("limits"), table.table("largest_change")
    couch = Couch(
        degrees_of_freedom=_degrees_of_freedom(table),
        pivot=table.one_of("pivot", Pivot),
        resolution_mm=table.positive("resolution_mm", COARSEST_RESOLUTION),
        resolution_deg=table.positive("resolution_deg", COARSEST_RESOLUTION),
        limits=MappingProxyType({axis: _range(limits, _key(axis)) for axis in CouchAxis if _key(axis) in limits}),
        largest_change=MappingProxyType(
            {axis: changes.positive(_key(axis)) for axis in CouchAxis if _key(axis) in changes}
        ),
        scales=MappingProxyType({axis: _scale(axis, scales.table(axis)) for axis in CouchAxis if axis in scales}),
    )
    for each in (limits, changes, table):
        each.require_no_more()
    return couch


def _degrees_of_freedom(table: TomlTable) -> DegreesOfFreedom:
    """The key `degrees_of_freedom`: 3, 4, 5 or 6."""
    found = table.value("degrees_of_freedom", int)
    if found not in list(DegreesOfFreedom):
        raise InputError(f"{table.place}: degrees_of_freedom = {found!r} must be 3, 4, 5 or 6.", found=found)
    return DegreesOfFreedom(found)


def _key(axis: CouchAxis) -> str:
    """Key of an axis in a table of limits, with its unit."""
    return f"{axis}_{axis.unit}"


def _range(table: TomlTable, key: str) -> tuple[float, float]:
    """A pair [lowest, highest]."""
    found = table.value(key, list)
    numbers = [float(x) for x in found if isinstance(x, int | float) and not isinstance(x, bool)]
    if len(found) != 2 or len(numbers) != 2 or not -math.inf < numbers[0] < numbers[1] < math.inf:
        raise InputError(f"{table.place}: {key} = {found!r} must be [lowest, highest], both finite.", key=key)
    return numbers[0], numbers[1]


def _scale(axis: CouchAxis, table: TomlTable) -> Scale:
    """The scale of a couch axis."""
    return _length_scale(table, axis.capitalize()) if axis in LINEAR_AXES else _angle_scale(table, axis.capitalize())


def _length_scale(table: TomlTable, label: str) -> LengthScale:
    """The scale of a linear axis."""
    scale = LengthScale(
        label=table.value("label", str, label),
        unit=table.value("unit", str),
        unit_mm=table.positive("unit_mm"),
        sign=table.sign(),
        offset_mm=table.value("offset_mm", float, 0.0),
        modulus=table.positive("modulus") if "modulus" in table else None,
        negative=table.one_of("negative", NegativeReadout, NegativeReadout.REFUSE),
    )
    table.require_no_more()
    return scale


def _angle_scale(table: TomlTable, label: str) -> AngleScale:
    """The scale of a turning axis; IEC 61217 from 0 to 360 when the table is empty."""
    scale = AngleScale(
        label=table.value("label", str, label),
        sign=table.sign(),
        offset_deg=table.value("offset_deg", float, 0.0),
        is_signed=table.value("is_signed", bool, False),
    )
    table.require_no_more()
    return scale


def _cbct_convention(table: TomlTable) -> CbctConvention:
    """One [[cbct]] entry."""
    convention = CbctConvention(
        manufacturer=table.value("manufacturer", str).strip(),
        origin_is_isocenter=table.value("origin_is_isocenter", bool),
        axes=table.one_of("axes", ImageAxes),
    )
    table.require_no_more()
    return convention
