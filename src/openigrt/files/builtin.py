"""Machine files, protocols and alias files: those that come with OpenIGRT, and a site's own."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import IntEnum
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from openigrt.errors import InputError, UnreadableFile, UnsupportedInput
from openigrt.guidance import Protocol, parse_protocols
from openigrt.machine import LINEAR_AXES, AcceptanceReadings, Machine, parse_machine, parse_readings
from openigrt.patient import Aliases, parse_aliases

Parsed = TypeVar("Parsed")

LARGEST_SETTINGS_BYTES = 1_000_000
DICOM_MARK_AT, DICOM_MARK = 128, b"DICM"


class LogAxisScale(IntEnum):
    """In which scale a trajectory log of a Varian linac counts its axes; cm and degrees in all of them."""

    MACHINE = 1
    MODIFIED_IEC = 2
    MACHINE_ISOCENTRIC = 3


_MACHINE_OF_LOG_SCALE = {
    LogAxisScale.MACHINE: "varian_standard",
    LogAxisScale.MODIFIED_IEC: "varian_iec",
    LogAxisScale.MACHINE_ISOCENTRIC: "varian_standard",
}


def builtin_machine_names() -> tuple[str, ...]:
    """Names of the machines that come with OpenIGRT, in alphabetical order."""
    entries = (files("openigrt.machine") / "data").iterdir()
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml")))


def builtin_machine(name: str = "iec61217") -> Machine:
    """A machine that comes with OpenIGRT, by the name of its file; raises InputError that lists the names."""
    if name not in builtin_machine_names():
        raise InputError(
            f"There is no built-in machine {name!r}; expected one of {', '.join(builtin_machine_names())}, "
            "or the path of a machine file.",
            found=name,
        )
    return parse_machine((files("openigrt.machine") / "data" / f"{name}.toml").read_text(encoding="utf-8"))


def read_machine(path: Path) -> Machine:
    """The machine of a site's own machine file; raises UnreadableFile or InputError with the name of the file."""
    return _parsed(path, "machine file", parse_machine)


def read_aliases(path: Path) -> Aliases:
    """The aliases of a site's alias file; raises UnreadableFile or InputError with the name of the file."""
    return _parsed(path, "alias file", parse_aliases)


def log_machine(axis_scale: int) -> Machine:
    """The scales that a trajectory log with this axis scale counts in; raises UnsupportedInput for any other number.

    In the machine scale with isocentric couch no public source gives the zero of the couch's lengths: they have no
    scale, so that to convert them raises ConfigurationRequired.
    """
    try:
        scale = LogAxisScale(axis_scale)
    except ValueError:
        raise UnsupportedInput(
            f"A trajectory log with axis scale {axis_scale!r} is not known; expected one of "
            f"{', '.join(str(int(known)) for known in LogAxisScale)}.",
            found=axis_scale,
        ) from None
    machine = builtin_machine(_MACHINE_OF_LOG_SCALE[scale])
    if scale is LogAxisScale.MACHINE_ISOCENTRIC:
        turning = {axis: known for axis, known in machine.couch.scales.items() if axis not in LINEAR_AXES}
        return replace(machine, couch=replace(machine.couch, scales=turning))
    return machine


def read_readings(path: Path) -> AcceptanceReadings:
    """The readings of an acceptance test; raises UnreadableFile or InputError with the name of the file."""
    return _parsed(path, "file of readings", parse_readings)


def builtin_protocols() -> Mapping[str, Protocol]:
    """The protocols that come with OpenIGRT, by name."""
    return parse_protocols((files("openigrt.guidance") / "data" / "clinical_defaults.json").read_text(encoding="utf-8"))


def _parsed(path: Path, kind: str, parse: Callable[[str], Parsed]) -> Parsed:
    """What a settings file says; an error names the file."""
    text = _settings_text(path, kind)
    try:
        return parse(text)
    except InputError as error:
        raise type(error)(f"{path}: {error.sentence}", **error.facts) from None


def _settings_text(path: Path, kind: str) -> str:
    """Text of a small UTF-8 file; raises UnreadableFile when it is missing, too large or no text."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SETTINGS_BYTES + 1)
    except OSError as error:
        raise UnreadableFile(f"The {kind} {path} cannot be read: {error.strerror}.", path=str(path)) from None
    if not _is_text(content):
        found = "a DICOM file" if content[DICOM_MARK_AT:].startswith(DICOM_MARK) else "no text, or too much of it"
        raise UnreadableFile(
            f"{path} is {found}; expected {'an' if kind.startswith('a') else 'a'} {kind}: text in TOML, UTF-8, at most "
            f"{LARGEST_SETTINGS_BYTES} bytes.",
            path=str(path),
        )
    return content.decode("utf-8-sig")


def _is_text(content: bytes) -> bool:
    """Whether the bytes are a bearable amount of UTF-8."""
    try:
        return "\0" not in content.decode("utf-8") and len(content) <= LARGEST_SETTINGS_BYTES
    except UnicodeDecodeError:
        return False
