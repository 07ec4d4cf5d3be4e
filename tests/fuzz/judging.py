"""What a reader may do with a hostile file: read something sound or refuse in a sentence, within time and memory."""

import dataclasses
import math
import resource
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from types import FrameType

import numpy as np

from openigrt.errors import OpenIgrtError

LONGEST_S = 10.0
LONGEST_WAIT_S = 300.0
LONGEST_SENTENCE = 2000
MEMORY_BESIDES_TWICE_THE_FILE = 64 * 2**20
KIB = 1024


@dataclass(frozen=True)
class Failure:
    """Something that no file whatever may bring about."""

    kind: str
    detail: str


class _TooLong(BaseException):
    """The reader has had its time; not to be caught by readers, so no Exception."""


def judged(read: Callable[[Path], object], path: Path) -> Failure | str:
    """Let a reader read; what it did wrong, or the sentence of its refusal ('' where it read something sound)."""
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        outcome = _outcome(read, path)
    except _TooLong:
        return Failure("hang", f"over {LONGEST_S:g} s of work, or {LONGEST_WAIT_S:g} s of waiting")
    except RecursionError as error:
        return Failure("crash", f"RecursionError: {error}")
    except Exception as error:  # noqa: BLE001  (any other exception is what this looks for)
        return Failure("crash", f"{type(error).__name__}: {error} {_where(error)}")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) * KIB
    allowed = 2 * path.stat().st_size + MEMORY_BESIDES_TWICE_THE_FILE
    if grown > allowed:
        return Failure("memory", f"{grown / 2**20:.0f} MiB more for a file of {path.stat().st_size} bytes")
    return outcome


def _outcome(read: Callable[[Path], object], path: Path) -> Failure | str:
    """The result of one reading within the time."""
    try:
        with _limited_time():
            noun = read(path)
    except OpenIgrtError as error:
        return _judged_sentence(error.sentence)
    unsound = _unsound(noun, "result")
    return Failure("wrong result", unsound) if unsound else ""


@contextmanager
def _limited_time() -> Iterator[None]:
    """Alarms by processor time, which other work does not wear away, and by the clock for what only waits."""
    limits = ((signal.SIGPROF, signal.ITIMER_PROF, LONGEST_S), (signal.SIGALRM, signal.ITIMER_REAL, LONGEST_WAIT_S))
    former = [signal.signal(alarm, _end) for alarm, _, _ in limits]
    for _, timer, longest_s in limits:
        signal.setitimer(timer, longest_s)
    try:
        yield
    finally:
        for _, timer, _ in limits:
            signal.setitimer(timer, 0.0)
        for (alarm, _, _), handler in zip(limits, former, strict=True):
            signal.signal(alarm, handler)


def _end(number: int, frame: FrameType | None) -> None:
    """The alarm."""
    raise _TooLong


def _judged_sentence(sentence: str) -> Failure | str:
    """A refusal is one printable line of bearable length."""
    if not sentence or not sentence.isprintable():
        return Failure("sentence", f"not one printable line: {sentence!r}"[:300])
    if len(sentence) > LONGEST_SENTENCE:
        return Failure("sentence", f"{len(sentence)} characters: {sentence[:200]}")
    return sentence


def refuses_or_reads(action: Callable[[], object]) -> None:
    """Run an action; only a refusal in one printable line may come out of it."""
    judgement: Failure | str = ""
    try:
        action()
    except OpenIgrtError as error:
        judgement = _judged_sentence(error.sentence)
    assert not isinstance(judgement, Failure), judgement


def _where(error: BaseException) -> str:
    """File and line of our code that let it through."""
    here, found = error.__traceback__, ""
    while here is not None:
        name = here.tb_frame.f_code.co_filename
        if "openigrt" in name or not found:
            found = f"({Path(name).name}:{here.tb_lineno})"
        here = here.tb_next
    return found


def _unsound(value: object, name: str) -> str:
    """Where a noun holds a number that is none, empty where all is sound; NaN in float32 arrays means no data."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{name} is {value}"
    if isinstance(value, np.ndarray):
        return _unsound_array(value, name)
    if isinstance(value, str | bytes | int | Enum | date | datetime | Path) or value is None:
        return ""
    if isinstance(value, Mapping):
        return next(filter(None, (_unsound(v, f"{name}[{k!r}]") for k, v in value.items())), "")
    if isinstance(value, tuple | list | frozenset | set):
        return next(filter(None, (_unsound(v, f"{name}[{k}]") for k, v in enumerate(value))), "")
    if dataclasses.is_dataclass(value):
        fields = (f.name for f in dataclasses.fields(value))
        return next(filter(None, (_unsound(getattr(value, f), f"{name}.{f}") for f in fields)), "")
    return ""


def _unsound_array(array: np.ndarray, name: str) -> str:
    """Geometry is finite; voxels are finite or NaN."""
    if array.dtype.kind != "f":
        return ""
    wrong = np.isinf(array).any() if array.dtype == np.float32 else not np.isfinite(array).all()
    return f"{name} holds numbers that are not finite" if wrong else ""
