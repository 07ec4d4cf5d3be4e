"""Breathing traces: two columns of text (CSV), and motion files of Varian's respiratory gating (.vxp).

A CSV begins with the names of its columns, units included. The layout of .vxp, version 1.6, is that of its header:
lines `key=value` between [Header] and [Data], of which Data_layout names the columns and Scale_factor makes mm of the
amplitude; times are in ms, and the mark Z stands at zero phase, the end of inhalation, P half a breath later.
"""

import csv
import math
from pathlib import Path

import numpy as np

from openigrt.errors import InconsistentInput, InputError, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Float64Array
from openigrt.motion import AmplitudeUnit, BreathingTrace

LARGEST_BYTES = 2**26
TIMES_S = {"time_s": 1.0, "time_ms": 1e-3}
AMPLITUDES = {
    "amplitude_mm": (1.0, AmplitudeUnit.MM),
    "amplitude_cm": (10.0, AmplitudeUnit.MM),
    "amplitude": (1.0, AmplitudeUnit.OWN),
}
EXPECTED = f"{' or '.join(TIMES_S)}, and {', '.join(AMPLITUDES)} (on a scale of its own)"
VXP_START, VXP_DATA = "[Header]", "[Data]"
VXP_COLUMNS = ("amplitude", "timestamp", "mark")
INHALED, EXHALED = "Z", "P"


def read_trace(path: Path) -> BreathingTrace:
    """The trace of a file, its times as the file counts them, in seconds.

    Amplitudes of a CSV rise with inhalation; those of .vxp are turned so by their marks. Raises MissingInput,
    UnreadableFile, UnsupportedInput or InconsistentInput that names the file and, where it is one, the line.
    """
    lines = _lines(path)
    read = _vxp if lines[0].strip() == VXP_START else _columns
    try:
        return read(lines)
    except InputError as error:
        raise type(error)(f"The trace {path}: {error.sentence}", path=str(path)) from None


def _lines(path: Path) -> list[str]:
    """The lines of a text file that is not too large."""
    if not path.is_file():
        raise MissingInput(f"{path} is no file; expected a breathing trace (CSV or .vxp).", path=str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    except UnicodeError:
        lines = []
    if not lines or len(content) > LARGEST_BYTES:
        raise UnreadableFile(
            f"{path} is empty, over {LARGEST_BYTES} bytes, or no text; expected a breathing trace (CSV or .vxp).",
            path=str(path),
        )
    return lines


def _columns(lines: list[str]) -> BreathingTrace:
    """A CSV that names its columns first."""
    mark = max(",;\t", key=lines[0].count)
    names = [name.strip().lower() for name in lines[0].split(mark)]
    times, amplitudes = [n for n in names if n in TIMES_S], [n for n in names if n in AMPLITUDES]
    if len(times) != 1 or len(amplitudes) != 1:
        raise UnsupportedInput(f"its first line is {lines[0][:60]!r}; expected the names of its columns: {EXPECTED}.")
    where = names.index(times[0]), names.index(amplitudes[0])
    numbers = np.array([_numbers(row, where, n) for n, row in _rows(lines[1:], mark, 2)]).reshape(-1, 2)
    share, unit = AMPLITUDES[amplitudes[0]]
    return BreathingTrace(numbers[:, 0] * TIMES_S[times[0]], numbers[:, 1] * share, unit)


def _vxp(lines: list[str]) -> BreathingTrace:
    """A motion file of Varian's respiratory gating."""
    names = [line.strip() for line in lines]
    if VXP_DATA not in names:
        raise UnreadableFile(f"it has no line {VXP_DATA}; export it again.")
    start = names.index(VXP_DATA) + 1
    header = dict(line.partition("=")[::2] for line in names[1 : start - 1])
    layout = [name.strip() for name in header.get("Data_layout", "").split(",")]
    if not set(VXP_COLUMNS) <= set(layout):
        raise UnsupportedInput(
            f"its Data_layout is {header.get('Data_layout', 'not stated')[:60]!r}; expected {', '.join(VXP_COLUMNS)} "
            "among its columns (version 1.6)."
        )
    amplitude, time, mark = (layout.index(name) for name in VXP_COLUMNS)
    rows = _rows(lines[start:], ",", start + 1)
    numbers = np.array([_numbers(row, (time, amplitude), n) for n, row in rows]).reshape(-1, 2)
    marks = np.array([row[mark].strip() if mark < len(row) else "" for _, row in rows])
    scale = _number(header.get("Scale_factor", ""), "Scale_factor")
    rising = scale * _sign_of_inhalation(numbers[:, 1], marks)
    return BreathingTrace(numbers[:, 0] / 1000.0, numbers[:, 1] * rising, AmplitudeUnit.MM)


def _sign_of_inhalation(amplitudes: Float64Array, marks: np.ndarray) -> float:
    """+1 where amplitudes rise with inhalation, -1 where they fall, by the marks of both ends of it."""
    inhaled, exhaled = amplitudes[marks == INHALED], amplitudes[marks == EXHALED]
    if not len(inhaled) or not len(exhaled):
        raise InconsistentInput(
            f"it has no marks {INHALED} and {EXHALED} of the ends of inhalation and exhalation, so which way is up is "
            "not known; write its times and amplitudes as CSV."
        )
    return 1.0 if float(np.median(inhaled)) >= float(np.median(exhaled)) else -1.0


def _rows(lines: list[str], mark: str, first: int) -> list[tuple[int, list[str]]]:
    """The rows that hold something, each with the number of its line."""
    try:
        rows = list(csv.reader(lines, delimiter=mark))
    except csv.Error:
        raise UnreadableFile("it is damaged, or no table of numbers; export it again.") from None
    return [(n, row) for n, row in enumerate(rows, start=first) if any(word.strip() for word in row)]


def _numbers(row: list[str], where: tuple[int, int], line: int) -> tuple[float, float]:
    """Two columns of a row."""
    if len(row) <= max(where):
        raise UnreadableFile(f"line {line} has {len(row)} columns; expected {max(where) + 1} at least.")
    return _number(row[where[0]], f"line {line}"), _number(row[where[1]], f"line {line}")


def _number(word: str, name: str) -> float:
    """A finite number."""
    try:
        value = float(word) if "_" not in word else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UnreadableFile(f"{name} says {word[:40]!r}; expected a number, with a point and not a comma.")
    return value
