"""Machine files and protocols: those that come with OpenIGRT, and a site's own."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from openigrt.errors import InputError, UnreadableFile
from openigrt.guidance import Protocol, parse_protocols
from openigrt.machine import Machine, parse_machine

LARGEST_SETTINGS_BYTES = 1_000_000


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
    """The machine of a site's own machine file; raises UnreadableFile or InputError."""
    return parse_machine(_settings_text(path))


def builtin_protocols() -> Mapping[str, Protocol]:
    """The protocols that come with OpenIGRT, by name."""
    return parse_protocols((files("openigrt.guidance") / "data" / "clinical_defaults.json").read_text(encoding="utf-8"))


def _settings_text(path: Path) -> str:
    """Text of a small UTF-8 file; raises UnreadableFile when it is missing, too large or no text."""
    try:
        if path.stat().st_size > LARGEST_SETTINGS_BYTES:
            raise UnreadableFile(f"{path} is over {LARGEST_SETTINGS_BYTES} bytes: that is no machine file.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"Cannot read {path} as a text file: {error}.", path=str(path)) from error
