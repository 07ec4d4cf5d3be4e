"""Machine files: TOML text to a Machine."""

import math
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from openigrt.errors import InputError, UnreadableFile
from openigrt.geometry import DegreesOfFreedom, ImageAxes, Pivot
from openigrt.machine.couch import LINEAR_AXES, Couch, CouchAxis
from openigrt.machine.machine import CbctConvention, Machine
from openigrt.machine.scales import AngleScale, LengthScale, NegativeReadout

Kind = TypeVar("Kind")
Choice = TypeVar("Choice", bound=StrEnum)

SMALLEST, LARGEST = 1e-6, 1e6
COARSEST_RESOLUTION = 10.0


def parse_machine(text: str) -> Machine:
    """The machine that a machine file (TOML text, docs/how-to/machine_file.md) describes.

    Raises UnreadableFile when the text is no TOML, InputError with the place and the key when a value is missing, of
    the wrong kind, impossible, or when a key is not known.
    """
    try:
        table = _Table("the machine file", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFile(f"The machine file is not valid TOML: {error}. Correct it there.") from error
    scales = table.table("scales")
    machine = Machine(
        name=table.value("name", str),
        couch=_couch(table.table("couch"), scales),
        gantry=_angle_scale(scales.table("gantry"), "Gantry"),
        beam_limiting_device=_angle_scale(scales.table("beam_limiting_device"), "Collimator"),
        cbct_conventions=tuple(_cbct_convention(entry) for entry in table.tables("cbct")),
    )
    scales.require_no_more()
    table.require_no_more()
    return machine


class _Table:
    """A TOML table that knows its place, and remembers which keys were asked for so that no other passes unseen."""

    def __init__(self, place: str, values: Mapping[str, Any]) -> None:
        self.place = place
        self.values = dict(values)
        self.asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def value(self, key: str, kind: type[Kind], default: Kind | None = None) -> Kind:
        """The value of a key, of this kind and finite; whole numbers pass as float, and nothing else is converted."""
        self.asked.add(key)
        found = self.values.get(key, default)
        if found is None:
            raise InputError(f"{self.place} lacks {key!r}; add it.", place=self.place, key=key)
        if kind is float and isinstance(found, int) and not isinstance(found, bool):
            found = float(found)
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            raise InputError(f"{self.place}: {key} = {found!r} is not of kind {kind.__name__}.", key=key)
        if isinstance(found, float) and not math.isfinite(found):
            raise InputError(f"{self.place}: {key} = {found!r} is not finite; leave out what has no value.", key=key)
        return found

    def positive(self, key: str, largest: float = LARGEST) -> float:
        """A number above zero, of a size that a machine can have."""
        found = self.value(key, float)
        if not SMALLEST <= found <= largest:
            raise InputError(
                f"{self.place}: {key} = {found!r} must be above zero, from {SMALLEST:g} to {largest:g}.", key=key
            )
        return found

    def one_of(self, key: str, choices: type[Choice], default: Choice | None = None) -> Choice:
        """A word out of an enumeration."""
        found = self.value(key, str, default)
        for choice in choices:
            if choice == found:
                return choice
        raise InputError(f"{self.place}: {key} = {found!r} is not one of {', '.join(choices)}.", key=key)

    def sign(self) -> Literal[-1, 1]:
        """The key `sign`: 1 (the default) or -1."""
        found = self.value("sign", int, 1)
        if found not in (-1, 1):
            raise InputError(f"{self.place}: sign = {found!r} must be 1 or -1.", key="sign")
        return 1 if found == 1 else -1

    def table(self, key: str) -> "_Table":
        """A table within; empty when it is absent."""
        return _Table(f"[{key}] of {self.place}", self.value(key, dict, {}))

    def tables(self, key: str) -> Iterable["_Table"]:
        """The entries of an array of tables; none when it is absent."""
        entries = self.value(key, list, [])
        if not all(isinstance(entry, dict) for entry in entries):
            raise InputError(f"{self.place}: write each {key} as a table [[{key}]].", key=key)
        return (_Table(f"[[{key}]] {n} of {self.place}", entry) for n, entry in enumerate(entries, start=1))

    def require_no_more(self) -> None:
        """Raise InputError for a key that nobody asked for: a typing error must not pass as a default."""
        if unknown := sorted(self.values.keys() - self.asked):
            raise InputError(
                f"{self.place} has {', '.join(map(repr, unknown))}, which OpenIGRT does not know; "
                f"known here: {', '.join(sorted(self.asked))}.",
                unknown=unknown,
            )


def _couch(table: _Table, scales: _Table) -> Couch:
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


def _degrees_of_freedom(table: _Table) -> DegreesOfFreedom:
    """The key `degrees_of_freedom`: 3, 4, 5 or 6."""
    found = table.value("degrees_of_freedom", int)
    if found not in list(DegreesOfFreedom):
        raise InputError(f"{table.place}: degrees_of_freedom = {found!r} must be 3, 4, 5 or 6.", found=found)
    return DegreesOfFreedom(found)


def _key(axis: CouchAxis) -> str:
    """Key of an axis in a table of limits, with its unit."""
    return f"{axis}_{axis.unit}"


def _range(table: _Table, key: str) -> tuple[float, float]:
    """A pair [lowest, highest]."""
    found = table.value(key, list)
    numbers = [float(x) for x in found if isinstance(x, int | float) and not isinstance(x, bool)]
    if len(found) != 2 or len(numbers) != 2 or not -math.inf < numbers[0] < numbers[1] < math.inf:
        raise InputError(f"{table.place}: {key} = {found!r} must be [lowest, highest], both finite.", key=key)
    return numbers[0], numbers[1]


def _scale(axis: CouchAxis, table: _Table) -> LengthScale | AngleScale:
    """The scale of a couch axis."""
    return _length_scale(table, axis.capitalize()) if axis in LINEAR_AXES else _angle_scale(table, axis.capitalize())


def _length_scale(table: _Table, label: str) -> LengthScale:
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


def _angle_scale(table: _Table, label: str) -> AngleScale:
    """The scale of a turning axis; IEC 61217 from 0 to 360 when the table is empty."""
    scale = AngleScale(
        label=table.value("label", str, label),
        sign=table.sign(),
        offset_deg=table.value("offset_deg", float, 0.0),
        is_signed=table.value("is_signed", bool, False),
    )
    table.require_no_more()
    return scale


def _cbct_convention(table: _Table) -> CbctConvention:
    """One [[cbct]] entry."""
    convention = CbctConvention(
        manufacturer=table.value("manufacturer", str).strip(),
        origin_is_isocenter=table.value("origin_is_isocenter", bool),
        axes=table.one_of("axes", ImageAxes),
    )
    table.require_no_more()
    return convention
