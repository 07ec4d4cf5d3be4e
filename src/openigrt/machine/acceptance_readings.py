"""The readings of an acceptance test, as a person fills them in: TOML text to readings, and the form to fill in."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from openigrt.errors import InputError
from openigrt.geometry import PatientPosition
from openigrt.machine.acceptance import Reading, acceptance_steps
from openigrt.machine.acceptance_phantom import (
    LEAST_DIFFERENCE_MM,
    PHANTOM_OFFSET_MM,
    PhantomImage,
    is_asymmetric,
    phantom_setups,
)
from openigrt.machine.couch import CouchAxis
from openigrt.machine.machine import ApertureAxis, CbctConvention, Machine
from openigrt.machine.toml_table import TomlTable

LARGEST_READING = 1e6
AXES = ("gantry", "beam_limiting_device", *map(str, CouchAxis), *map(str, ApertureAxis))


@dataclass(frozen=True, slots=True)
class AcceptanceReadings:
    """What was read: by axis, and in the images of the phantom; `manufacturer` says whose images they are."""

    axes: Mapping[str, tuple[Reading, ...]]
    manufacturer: str
    phantom_offset_mm: tuple[float, float, float]
    images: tuple[PhantomImage, ...]


def parse_readings(text: str) -> AcceptanceReadings:
    """The readings in a form that was filled in; entries without `shown` or `seen_mm` were not read and are left out.

    Raises UnreadableFile when the text is no TOML, InputError with the place and the key of what is wrong.
    """
    table = TomlTable.of("file of readings", text)
    axes: dict[str, list[Reading]] = defaultdict(list)
    for entry in table.tables("reading"):
        axis, iec = _axis(entry), entry.value("iec", float)
        if "shown" in entry:
            axes[axis].append(
                Reading(_bearable(entry, "iec", iec), _bearable(entry, "shown", entry.value("shown", float)))
            )
        entry.require_no_more()
    phantom = table.table("phantom")
    offset_mm = _point(phantom, "offset_mm") if "offset_mm" in phantom else PHANTOM_OFFSET_MM
    if not is_asymmetric(offset_mm):
        raise InputError(
            f"{phantom.place}: offset_mm = {list(offset_mm)} does not tell the axes apart; its numbers must differ "
            f"from each other and from zero by {LEAST_DIFFERENCE_MM:g} mm or more, signs aside.",
            key="offset_mm",
        )
    readings = AcceptanceReadings(
        {axis: tuple(found) for axis, found in axes.items()},
        phantom.value("manufacturer", str, ""),
        offset_mm,
        tuple(_images(phantom)),
    )
    phantom.require_no_more()
    table.require_no_more()
    return readings


def _images(phantom: TomlTable) -> Iterator[PhantomImage]:
    """The images in which the phantom was looked for."""
    for entry in phantom.tables("image"):
        position = entry.one_of("position", PatientPosition)
        angle_deg = entry.value("patient_support_angle_deg", float)
        if "seen_mm" in entry:
            yield PhantomImage(position, angle_deg, _point(entry, "seen_mm"))
        entry.require_no_more()


def _axis(entry: TomlTable) -> str:
    """The axis that was read."""
    axis = entry.value("axis", str)
    if axis not in AXES:
        raise InputError(f"{entry.place}: axis = {axis!r} is not one of {', '.join(AXES)}.", key="axis")
    return axis


def _bearable(table: TomlTable, key: str, value: float) -> float:
    """A reading that a machine can give."""
    if abs(value) > LARGEST_READING:
        raise InputError(
            f"{table.place}: {key} = {value!r} is no reading; expected up to {LARGEST_READING:g}.", key=key
        )
    return value


def _point(table: TomlTable, key: str) -> tuple[float, float, float]:
    """Three numbers."""
    found = table.value(key, list)
    numbers = [float(x) for x in found if isinstance(x, int | float) and not isinstance(x, bool)]
    if len(found) != 3 or len(numbers) != 3 or not all(math.isfinite(x) and abs(x) < LARGEST_READING for x in numbers):
        raise InputError(f"{table.place}: {key} = {found!r} must be three numbers, mm.", key=key)
    return numbers[0], numbers[1], numbers[2]


def convention_of_images(machine: Machine, readings: AcceptanceReadings) -> CbctConvention | None:
    """The convention of the images that were taken, None where the machine file has none at all.

    Raises InputError where it is not said whose images they are though the file lists several makers.
    """
    conventions = machine.cbct_conventions
    if not conventions:
        return None
    found = machine.cbct_convention(readings.manufacturer) if readings.manufacturer else None
    if found is None and (readings.manufacturer or len(conventions) > 1):
        listed = ", ".join(repr(convention.manufacturer) for convention in conventions)
        raise InputError(
            f"[phantom] of the file of readings: manufacturer = {readings.manufacturer!r} is not in the machine file; "
            f"expected one of {listed}, as in Manufacturer (0008,0070) of the images.",
            key="manufacturer",
        )
    return found or conventions[0]


def readings_form(machine: Machine) -> str:
    """The form to fill in, as TOML: every step of the test, with nothing read yet."""
    lines = [
        "# Readings of the acceptance test. Take away the # before `shown` and `seen_mm` and write what was read.",
        "# `iec` is where the axis really stood, measured with a ruler, a level or the lasers: correct it if it was",
        "# another place. Displays are read as they are; the middle of the phantom as its DICOM (LPS) coordinates.",
    ]
    for step in acceptance_steps(machine):
        lines += ["", "[[reading]]", f'axis = "{step.axis}"', f"iec = {step.iec}  # {step.iec_unit}"]
        lines += [f"# shown =   # {step.shown_unit}"]
    if machine.cbct_conventions:
        lines += [
            "",
            "[phantom]",
            '# manufacturer = ""  # Manufacturer (0008,0070) of the images, if several are listed',
        ]
        lines += [
            f"offset_mm = {list(PHANTOM_OFFSET_MM)}  # lateral, longitudinal, vertical on the table, from the isocenter"
        ]
    for position, angle_deg in phantom_setups() if machine.cbct_conventions else ():
        lines += ["", "[[phantom.image]]", f'position = "{position}"', f"patient_support_angle_deg = {angle_deg}"]
        lines += ["# seen_mm = [ , , ]"]
    return "\n".join(lines) + "\n"
