"""The acceptance test of a machine file: its scales by example, the form to fill in, and what the readings say."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from openigrt.errors import ConfigurationRequired
from openigrt.files import read_readings
from openigrt.machine import (
    ApertureAxis,
    CouchAxis,
    Judgement,
    LengthScale,
    Machine,
    Outcome,
    Scale,
    convention_of_images,
    judge_axes,
    judge_phantom,
    readings_form,
)
from openigrt.report import acceptance_html, acceptance_markdown
from openigrt.tasks.guidance.inputs import machine_of
from openigrt.tasks.results.folder import utf8, write_together
from openigrt.tasks.words import given, on_lines, require_paths

SCHEMA_VERSION = 1
PAGE_HTML, PAGE_MARKDOWN, FORM = "acceptance.html", "acceptance.md", "readings.toml"
IEC_EXAMPLES_MM, IEC_EXAMPLES_DEG = (-50.0, 0.0, 50.0), (-2.0, 0.0, 2.0, 90.0, 270.0)
SHOWN_EXAMPLES, SHOWN_EXAMPLES_DEG = (0.0, 5.0, 100.0), (0.0, 2.0, 90.0, 180.0, 358.0)
TILT_EXAMPLES_DEG = (-2.0, 0.0, 2.0)
BELOW_MODULUS = 5.0

Record = dict[str, object]


@dataclass(frozen=True, eq=False, slots=True)
class MachineAcceptance:
    """A machine file and, where readings were given, what they say about it."""

    machine: Machine
    judgements: tuple[Judgement, ...]

    @property
    def outcome(self) -> Outcome | None:
        """The worst that the readings say; None where there are none."""
        outcomes = {judgement.outcome for judgement in self.judgements}
        return next((o for o in (Outcome.FAILED, Outcome.INCOMPLETE, Outcome.PASSED) if o in outcomes), None)

    @property
    def unstated_axes(self) -> tuple[str, ...]:
        """Axes whose scale the file does not state, so that their read-outs cannot be converted."""
        return tuple(str(axis) for axis in (*CouchAxis, *ApertureAxis) if axis not in self.machine.scales)


def accept(machine: str | Path, readings: str | Path | None = None, out: str | Path | None = None) -> MachineAcceptance:
    """Check a machine file, and judge it by the readings of its acceptance test where a file of them is given.

    With `out`, that folder gets the page to take to the machine (HTML and Markdown) and the form for the readings,
    which is not written over one that is there. Raises MissingInput where there is no such machine, UnreadableFile or
    InputError for what a file says wrongly, ConfigurationRequired for readings of an axis without scale.
    """
    require_paths(machine=machine, **given(readings=readings, out=out))
    named = machine_of(machine)
    found = MachineAcceptance(named, () if readings is None else _judgements(named, Path(readings)))
    if out is not None:
        _write(found, Path(out))
    return found


def _judgements(machine: Machine, path: Path) -> tuple[Judgement, ...]:
    """What a file of readings says about every axis, and about the images where the machine file has a convention."""
    readings = read_readings(path)
    convention = convention_of_images(machine, readings)
    axes = judge_axes(machine, readings.axes)
    if convention is None or not convention.origin_is_isocenter:
        return axes
    return (*axes, *judge_phantom(convention, readings.phantom_offset_mm, readings.images))


def _write(found: MachineAcceptance, folder: Path) -> None:
    """The page and the form, all or none; an earlier page is moved to `former`, a form that is there stays."""
    pages = {
        PAGE_HTML: acceptance_html(found.machine, found.judgements),
        PAGE_MARKDOWN: acceptance_markdown(found.machine, found.judgements),
    }
    if not (folder / FORM).exists():
        pages[FORM] = readings_form(found.machine)
    write_together(folder, {name: utf8(text) for name, text in pages.items()}, None)


def acceptance_record(found: MachineAcceptance) -> Record:
    """The test as nested dicts of text and numbers, ready for JSON."""
    machine = found.machine
    return {
        "schema_version": SCHEMA_VERSION,
        "machine": machine.name,
        "fingerprint": machine.fingerprint,
        "is_accepted": machine.is_accepted,
        "acceptance": machine.acceptance_in_words,
        "unstated_axes": list(found.unstated_axes),
        "outcome": None if found.outcome is None else str(found.outcome),
        "judgements": [
            {"what": judgement.what, "outcome": str(judgement.outcome), "sentence": judgement.sentence}
            for judgement in found.judgements
        ],
    }


def acceptance_summary(found: MachineAcceptance) -> str:
    """The scales by example, what is open, and what the readings say."""
    machine = found.machine
    lines = [f"Machine file {machine.name!r}, fingerprint {machine.fingerprint}: {machine.acceptance_in_words}."]
    if found.judgements:
        lines += [f"{judgement.outcome.upper()}: {judgement.sentence}" for judgement in found.judgements]
        lines += _seal(found)
    else:
        lines += _scales(machine)
        lines += [f"No scale: {', '.join(found.unstated_axes)}; their read-outs are not converted."] * bool(
            found.unstated_axes
        )
    return on_lines(lines)


def _seal(found: MachineAcceptance) -> Iterator[str]:
    """What to write into the machine file, or why not to."""
    counts = {outcome: sum(j.outcome is outcome for j in found.judgements) for outcome in Outcome}
    yield ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + "."
    if found.outcome is not Outcome.PASSED:
        yield "The machine file is not accepted: correct it or read again, and run this command once more."
        return
    yield "Write this into the machine file, with your name and the version of the machine:"
    yield "[acceptance]"
    yield f"date = {datetime.now(UTC).astimezone().date().isoformat()}"
    yield 'by = ""'
    yield 'version = ""'
    yield f'fingerprint = "{found.machine.fingerprint}"'


def _scales(machine: Machine) -> Iterator[str]:
    """Every scale by example, in both directions."""
    for axis, scale in machine.scales.items():
        unit = "mm" if isinstance(scale, LengthScale) else "deg"
        iec, shown = _examples(scale)
        yield f"{axis} ({scale.label})"
        yield f"  IEC 61217 to display: {_pairs(iec, scale.native_from_iec, unit, scale.unit)}"
        yield f"  display to IEC 61217: {_pairs(shown, scale.iec_from_native, scale.unit, unit)}"


def _examples(scale: Scale) -> tuple[Sequence[float], Sequence[float]]:
    """Values of IEC 61217 and of the display, such as one without minus sign shows below zero among them."""
    if isinstance(scale, LengthScale):
        below = () if scale.modulus is None else (scale.modulus - BELOW_MODULUS,)
        return IEC_EXAMPLES_MM, (*SHOWN_EXAMPLES, *below)
    return (TILT_EXAMPLES_DEG, TILT_EXAMPLES_DEG) if scale.is_signed else (IEC_EXAMPLES_DEG, SHOWN_EXAMPLES_DEG)


def _pairs(values: Sequence[float], convert: Callable[[float], float], unit: str, other_unit: str) -> str:
    """Values and what they are on the other side."""
    return ", ".join(f"{value:g} {unit} is {_converted(convert, value, other_unit)}" for value in values)


def _converted(convert: Callable[[float], float], value: float, unit: str) -> str:
    """One value on the other side, or that the file does not say."""
    try:
        return f"{convert(value):g} {unit}"
    except ConfigurationRequired:
        return "NOT STATED"
