"""The acceptance test of a machine file: what to read at the machine, and what the readings say about the file.

Every axis is moved by a known distance, measured with a ruler, a level or the lasers and never with the display itself;
what the display shows must be what the file says (clinical.md 1.6). Where it is not, the simplest change of the scale
that explains all readings of the axis is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, log10
from typing import Literal

from openigrt.errors import ConfigurationRequired
from openigrt.machine.machine import Machine
from openigrt.machine.scales import AngleScale, LengthScale, NegativeReadout, Scale

TOLERANCE_MM, TOLERANCE_DEG = 1.0, 0.3
STEP_MM, STEP_DEG = 50.0, 2.0
LEAST_APART = 0.5  # of a step: readings closer than that tell no sign from an offset
UNITS_MM = {"mm": 1.0, "cm": 10.0, "inch": 25.4}
FULL_TURN_DEG = 360.0
ROUNDING = 1e-9


class Outcome(StrEnum):
    """What the readings say: the file is right, wrong, or not told."""

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class AcceptanceStep:
    """Where an axis is brought (IEC 61217 mm or degrees) and what its display should show there.

    `shown` is None where the scale refuses to guess; `shown_decimals` are as many as keep what is rounded off within
    half of the tolerance.
    """

    axis: str
    label: str
    iec: float
    iec_unit: str
    shown: float | None
    shown_unit: str
    shown_decimals: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Where an axis really stood, IEC 61217 mm or degrees, and what its display showed there, in the display's unit."""

    iec: float
    shown: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome for one axis or image, with its sentence."""

    what: str
    outcome: Outcome
    sentence: str


def acceptance_steps(machine: Machine) -> tuple[AcceptanceStep, ...]:
    """At zero and one step above for every axis with a scale; one below where the display may have no minus sign."""
    return tuple(
        AcceptanceStep(axis, scale.label, iec, _iec_unit(scale), _shown(scale, iec), scale.unit, _decimals(scale))
        for axis, scale in machine.scales.items()
        for iec in _positions(scale)
    )


def _positions(scale: Scale) -> tuple[float, ...]:
    """Where an axis is brought, IEC 61217 mm or degrees."""
    step = _step(scale)
    has_no_minus = isinstance(scale, AngleScale) or scale.modulus is not None
    return (0.0, step, -step) if has_no_minus else (0.0, step)


def _step(scale: Scale) -> float:
    """How far an axis is moved."""
    return STEP_DEG if isinstance(scale, AngleScale) else STEP_MM


def _iec_unit(scale: Scale) -> str:
    """Unit of the IEC 61217 value of an axis."""
    return "deg" if isinstance(scale, AngleScale) else "mm"


def _shown(scale: Scale, iec: float) -> float | None:
    """What a display shows, None where the scale refuses to guess."""
    try:
        return scale.native_from_iec(iec)
    except ConfigurationRequired:
        return None


def _decimals(scale: Scale) -> int:
    """How many decimals a display needs to be compared within the tolerance."""
    unit = scale.unit_mm if isinstance(scale, LengthScale) else 1.0
    return max(0, ceil(-log10(_tolerance(scale) / unit) - ROUNDING))


def judge_axes(machine: Machine, readings: Mapping[str, Sequence[Reading]]) -> tuple[Judgement, ...]:
    """One judgement for each axis that has a scale; raises ConfigurationRequired for readings of any other axis."""
    for axis in readings:
        machine.scale_of(axis)
    return tuple(judge_axis(axis, scale, readings.get(axis, ())) for axis, scale in machine.scales.items())


def judge_axis(axis: str, scale: Scale, readings: Sequence[Reading]) -> Judgement:
    """Whether the readings of an axis are what its scale says, and the change that would make it so."""
    wrong = [reading for reading in readings if not _agrees(scale, reading)]
    if wrong:
        return Judgement(axis, Outcome.FAILED, _failure(axis, scale, wrong[0], readings))
    lacking = _lacking(scale, readings)
    if lacking:
        return Judgement(axis, Outcome.INCOMPLETE, f"{axis}: {lacking}.")
    tolerance = f"{_tolerance(scale):g} {_iec_unit(scale)}"
    return Judgement(axis, Outcome.PASSED, f"{axis}: {len(readings)} readings as the file says, within {tolerance}.")


def _lacking(scale: Scale, readings: Sequence[Reading]) -> str:
    """What is missing before an axis can be called tested; empty where nothing is."""
    positions, least = [reading.iec for reading in readings], LEAST_APART * _step(scale)
    if not positions or max(positions) - min(positions) < least:
        return f"{len(positions)} reading(s); expected two at least {least:g} {_iec_unit(scale)} apart"
    if not isinstance(scale, LengthScale) or scale.modulus is None:
        return ""
    if scale.negative is NegativeReadout.REFUSE:
        return "the file does not say what this display shows below zero (negative); read it there, and state it"
    if min(scale.sign * position + scale.offset_mm for position in positions) >= 0.0:
        return "no reading below zero, where this display has no minus sign"
    return ""


def _tolerance(scale: Scale) -> float:
    """How far a reading may lie from the file, mm or degrees."""
    return TOLERANCE_DEG if isinstance(scale, AngleScale) else TOLERANCE_MM


def _agrees(scale: Scale, reading: Reading) -> bool:
    """Whether a display shows what the scale says, within the tolerance."""
    expected = _shown(scale, reading.iec)
    if expected is None:
        return False
    unit = scale.unit_mm if isinstance(scale, LengthScale) else 1.0
    error = abs(expected - reading.shown) * unit
    if isinstance(scale, AngleScale) and not scale.is_signed:
        error = min(error % FULL_TURN_DEG, FULL_TURN_DEG - error % FULL_TURN_DEG)
    return error <= _tolerance(scale)


def _failure(axis: str, scale: Scale, wrong: Reading, readings: Sequence[Reading]) -> str:
    """What was read, what was expected, and what is likely wrong."""
    at = f"at {wrong.iec:+g} {_iec_unit(scale)}"
    expected = _shown(scale, wrong.iec)
    if expected is None:
        reads = f"{axis} reads {wrong.shown:g} {scale.unit} {at}, which the file does not say how to show"
    else:
        reads = f"{axis} reads {wrong.shown:g} {scale.unit} {at} where {expected:g} {scale.unit} was expected"
    explanations = [
        why for why, other in _alternatives(scale, readings) if all(_agrees(other, reading) for reading in readings)
    ]
    if explanations:
        return f"{reads}: {explanations[0]}."
    return f"{reads}: no single change of the scale explains all readings; read this axis again."


def _alternatives(scale: Scale, readings: Sequence[Reading]) -> Iterator[tuple[str, Scale]]:
    """Scales that differ from this one by the mistakes that people make, the simplest first, each in words."""
    if isinstance(scale, LengthScale):
        yield from _other_lengths(scale, readings)
    else:
        yield from _other_angles(scale, readings)


def _other_lengths(scale: LengthScale, readings: Sequence[Reading]) -> Iterator[tuple[str, Scale]]:
    """Sign, unit, what is shown below zero, offset; then two of them at once."""
    opposite = replace(scale, sign=_opposite(scale))
    yield f"the sign is opposite (sign = {opposite.sign})", opposite
    units = {name: unit_mm for name, unit_mm in UNITS_MM.items() if unit_mm != scale.unit_mm}
    for name, unit_mm in units.items():
        yield f"the display counts in {name} (unit_mm = {unit_mm:g})", replace(scale, unit_mm=unit_mm)
    if scale.modulus is not None:
        for negative in (NegativeReadout.BELOW_MODULUS, NegativeReadout.ABOVE_MODULUS):
            words = f"below zero this display shows {negative.replace('_', ' the ')} (negative = {negative.value!r})"
            yield words, replace(scale, negative=negative)
        yield "the display has a minus sign (leave out modulus)", replace(scale, modulus=None)
    else:
        yield from _with_modulus(scale)
    for why, other in (("", scale), ("the sign is opposite and ", opposite)):
        moved = replace(other, offset_mm=_offset_mm(other, readings))
        yield f"{why}the offset is another one (offset_mm = {moved.offset_mm:g})", moved
    for name, unit_mm in units.items():
        other = replace(opposite, unit_mm=unit_mm)
        yield f"the display counts in {name} and the sign is opposite (unit_mm = {unit_mm:g})", other


def _with_modulus(scale: LengthScale) -> Iterator[tuple[str, Scale]]:
    """Displays without a minus sign, where one shows values near a round number for those below zero."""
    for modulus in (100.0, 1000.0, 10000.0):
        for negative in (NegativeReadout.BELOW_MODULUS, NegativeReadout.ABOVE_MODULUS):
            words = f"the display has no minus sign (modulus = {modulus:g}, negative = {negative.value!r})"
            yield words, replace(scale, modulus=modulus, negative=negative)


def _other_angles(scale: AngleScale, readings: Sequence[Reading]) -> Iterator[tuple[str, Scale]]:
    """Sign, minus sign, offset; then sign and offset at once."""
    opposite = replace(scale, sign=_opposite(scale))
    yield f"the sign is opposite (sign = {opposite.sign})", opposite
    shows = "from 0 to 360" if scale.is_signed else "with a minus sign"
    words = f"the display counts {shows} (is_signed = {str(not scale.is_signed).lower()})"
    yield words, replace(scale, is_signed=not scale.is_signed)
    for why, other in (("", scale), ("the sign is opposite and ", opposite)):
        moved = replace(other, offset_deg=_offset_deg(other, readings))
        yield f"{why}the offset is another one (offset_deg = {moved.offset_deg:g})", moved


def _opposite(scale: Scale) -> Literal[-1, 1]:
    """The other sign."""
    return -1 if scale.sign == 1 else 1


def _offset_mm(scale: LengthScale, readings: Sequence[Reading]) -> float:
    """The offset that fits the first reading, to a tenth of the tolerance."""
    return round(readings[0].shown * scale.unit_mm - scale.sign * readings[0].iec, 1) + 0.0


def _offset_deg(scale: AngleScale, readings: Sequence[Reading]) -> float:
    """The offset that fits the first reading, to a third of the tolerance."""
    offset = readings[0].shown - scale.sign * readings[0].iec
    return round(offset if scale.is_signed else offset % FULL_TURN_DEG, 1) + 0.0
