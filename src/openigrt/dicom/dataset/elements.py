"""Values of DICOM attributes as plain Python: every malformed one is an UnreadableFile, never a traceback."""

import logging
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
from pydicom import Dataset
from pydicom._uid_dict import UID_dictionary
from pydicom.charset import python_encoding
from pydicom.config import disable_value_validation
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from openigrt.errors import OpenIgrtError, UnreadableFile
from openigrt.geometry import Float64Array

PYDICOM_FAILURES = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
LONGEST_NUMBER = 64
LONGEST_REASON = 120
LARGEST_WHOLE_NUMBER = 2.0**32  # of all kinds but those of 64 bits, which count bytes (PS3.5 6.2)
NAMES_IN_A_SENTENCE = 5
LONGEST_TEXT = 320  # five times what identifiers and labels may have, and short enough for a sentence

logging.getLogger("pydicom").addHandler(logging.NullHandler())  # it logs tracebacks of failures that are handled here

_DATE_TIME = re.compile(r"(\d{8})(\d{2})?(\d{2})?(\d{2})?(?:\.(\d{1,6}))?([+-]\d{4})?")


@contextmanager
def lenient() -> Iterator[None]:
    """Let pydicom read values that bend the standard without warning; what matters is checked here."""
    with warnings.catch_warnings(), disable_value_validation():
        warnings.simplefilter("ignore", UserWarning)
        yield


@contextmanager
def naming(dataset: Dataset) -> Iterator[None]:
    """Read one object leniently, and put its name before the sentence of any error about its elements."""
    with lenient():
        try:
            yield
        except _Malformed as error:
            raise UnreadableFile(f"{name_of(dataset)} cannot be read: {error.sentence}", **error.facts) from None


class _Malformed(OpenIgrtError):
    """An element without a usable value; `naming` turns it into an UnreadableFile that names the object."""


def name_of(dataset: Dataset) -> str:
    """What an object is called in a sentence: its class and SOP Instance UID."""
    try:
        return f"{sop_class_name(text(dataset, 'SOPClassUID'))} {text(dataset, 'SOPInstanceUID')}".strip()
    except _Malformed:
        return "A DICOM object"


def sop_class_name(sop_class_uid: str) -> str:
    """The name of a SOP class in a sentence, its UID where it has none."""
    return UID_dictionary.get(sop_class_uid, (sop_class_uid or "DICOM object",))[0].removesuffix(" Storage")


def text(dataset: Dataset, keyword: str) -> str:
    """A value as one printable line, backslashes between several, cut off when too long; empty where there is none."""
    value = raw_value(dataset, keyword)
    if value is None:
        return ""
    try:
        line = "\\".join(str(v).strip() for v in value) if isinstance(value, MultiValue) else str(value).strip()
    except PYDICOM_FAILURES as failure:
        raise _malformed(keyword, failure) from None
    line = line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]}…"
    return printable(line)


def printable(line: str) -> str:
    """A line with question marks for what no screen shows."""
    return line if line.isprintable() else "".join(c if c.isprintable() else "?" for c in line)


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of a multi-valued text."""
    return tuple(text(dataset, keyword).split("\\")) if text(dataset, keyword) else ()


def number(dataset: Dataset, keyword: str) -> float | None:
    """One finite number, or None where there is none."""
    values = numbers(dataset, keyword)
    if len(values) > 1:
        raise _Malformed(f"{keyword} should be one number and has {len(values)}.", keyword=keyword)
    return values[0] if values else None


def required_number(dataset: Dataset, keyword: str) -> float:
    """One finite number that must be there."""
    value = number(dataset, keyword)
    if value is None:
        raise _Malformed(f"{keyword} is missing.", keyword=keyword)
    return value


def number_within(dataset: Dataset, keyword: str, low: float, high: float) -> float | None:
    """One number that can be, or None where there is none; a number outside is malformed."""
    value = number(dataset, keyword)
    if value is not None and not low <= value <= high:
        raise _Malformed(f"{keyword} is {value:g}; expected {low:g} to {high:g}.", keyword=keyword)
    return value


def whole_number(dataset: Dataset, keyword: str) -> int | None:
    """One whole number, or None where there is none."""
    value = number_within(dataset, keyword, -LARGEST_WHOLE_NUMBER, LARGEST_WHOLE_NUMBER)
    return None if value is None else round(value)


def required_whole_number(dataset: Dataset, keyword: str) -> int:
    """One whole number that must be there."""
    value = whole_number(dataset, keyword)
    if value is None:
        raise _Malformed(f"{keyword} is missing.", keyword=keyword)
    return value


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """All numbers of an element, each finite."""
    value = raw_value(dataset, keyword)
    if value is None or value == "":
        return ()
    try:
        values = tuple(float(v) for v in value) if isinstance(value, MultiValue | list) else (float(str(value)),)
    except PYDICOM_FAILURES as failure:
        raise _malformed(keyword, failure) from None
    if not np.isfinite(values).all():
        raise _Malformed(f"{keyword} is not finite.", keyword=keyword)
    return values


def required_numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...]:
    """Exactly `count` finite numbers."""
    values = numbers(dataset, keyword)
    if len(values) != count:
        raise _Malformed(f"{keyword} should hold {count} numbers and holds {len(values)}.", keyword=keyword)
    return values


def number_pairs(dataset: Dataset, keyword: str) -> tuple[tuple[float, float], ...]:
    """Pairs of finite numbers; none where there are none."""
    values = numbers(dataset, keyword)
    if len(values) % 2:
        raise _Malformed(f"{keyword} should hold pairs of numbers and holds {len(values)}.", keyword=keyword)
    return tuple(zip(values[::2], values[1::2], strict=True))


def point_list(dataset: Dataset, keyword: str) -> Float64Array:
    """Points (n, 3) of a long Decimal String element, parsed from its bytes where pydicom has not done so yet."""
    try:
        value = dataset.get_item(Tag(keyword)).value
        parts = value.split(b"\\") if isinstance(value, bytes) else [str(v).encode() for v in value or ()]
        if parts and max(map(len, parts)) > LONGEST_NUMBER:
            raise ValueError("a number is too long")
        if len(parts) % 3:
            raise ValueError(f"{len(parts)} numbers are no triples")
        points = np.array(parts, dtype=f"S{LONGEST_NUMBER}").astype(np.float64).reshape(-1, 3)
    except PYDICOM_FAILURES as failure:
        raise _malformed(keyword, failure) from None
    if not np.isfinite(points).all():
        raise _Malformed(f"{keyword} is not finite.", keyword=keyword)
    return points


def float_array(dataset: Dataset, keyword: str, most: int) -> Float64Array:
    """The numbers (n,) of a Floating Point Single element, from its bytes where pydicom has not converted them yet.

    More than `most` are malformed, and so are such as are not finite.
    """
    try:
        element = dataset.get_item(Tag(keyword)) if keyword in dataset else None
        value = None if element is None else element.value
        if isinstance(value, bytes):
            is_little = bool(getattr(element, "is_little_endian", True))
            values = np.frombuffer(value, "<f4" if is_little else ">f4").astype(np.float64)
        else:
            values = np.atleast_1d(np.array([] if value is None or value == "" else value, dtype=np.float64))
    except PYDICOM_FAILURES as failure:
        raise _malformed(keyword, failure) from None
    if len(values) > most:
        raise _Malformed(f"{keyword} holds {len(values)} numbers; at most {most} are read.", keyword=keyword)
    if not np.isfinite(values).all():
        raise _Malformed(f"{keyword} is not finite.", keyword=keyword)
    return values


def tag_number(dataset: Dataset, keyword: str) -> int:
    """An Attribute Tag as one number, group and element; 0 where there is none."""
    value = raw_value(dataset, keyword)
    if value is None or value == "" or value == []:
        return 0
    if isinstance(value, MultiValue | list):
        raise _Malformed(f"{keyword} should be one tag and has {len(value)}.", keyword=keyword)
    try:
        return int(Tag(value))  # type: ignore[arg-type]  # whatever it is, Tag says so
    except PYDICOM_FAILURES as failure:
        raise _malformed(keyword, failure) from None


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; none where it is absent."""
    value = raw_value(dataset, keyword)
    if isinstance(value, Sequence):
        return tuple(value)
    if value:
        raise _Malformed(f"{keyword} is no sequence.", keyword=keyword)
    return ()


def moment(dataset: Dataset, date_keyword: str, time_keyword: str, zone: str = "") -> datetime | None:
    """Date and time in UTC; without an offset in the data set, or a `zone` from around it, they are local time.

    None where either is missing or unreadable: a date alone is no moment.
    """
    if not text(dataset, time_keyword):
        return None
    return _parsed_moment(
        text(dataset, date_keyword) + text(dataset, time_keyword).replace(":", ""),
        text(dataset, "TimezoneOffsetFromUTC") or zone,
    )


def date_time(dataset: Dataset, keyword: str, offset: str = "") -> datetime | None:
    """A DICOM Date Time in UTC, local where neither it nor its data set (nor `offset`) states a time zone.

    None where unreadable or absent.
    """
    return _parsed_moment(text(dataset, keyword), text(dataset, "TimezoneOffsetFromUTC") or offset)


def character_set_doubt(dataset: Dataset) -> tuple[str, ...]:
    """A message where the text of an object is in a character set that is not known (PS3.3 C.12.1.1.2)."""
    unknown = [found for found in texts(dataset, "SpecificCharacterSet") if found and found not in python_encoding]
    name = name_of(dataset)
    return tuple(f"{name} is in the unknown character set {found!r}: its text may show wrongly." for found in unknown)


def moment_of(date: str, time: str, offset: str) -> datetime | None:
    """The moment in UTC of a DICOM date and time in the time zone `offset`, local without one; None for no moment."""
    return _parsed_moment(date + time.replace(":", ""), offset)


def _parsed_moment(value: str, default_offset: str) -> datetime | None:
    """UTC of YYYYMMDD[HHMMSS[.F]][&ZZXX]."""
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        return None
    day, hour, minute, second, fraction, offset = match.groups()
    clock = f"{hour or '00'}{minute or '00'}{second or '00'}.{fraction or '0'}"
    zone = offset or default_offset
    try:
        if re.fullmatch(r"[+-]\d{4}", zone):
            return datetime.strptime(f"{day}{clock}{zone}", "%Y%m%d%H%M%S.%f%z").astimezone(UTC)
        local = datetime.strptime(f"{day}{clock}", "%Y%m%d%H%M%S.%f").astimezone()
        return local.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def raw_value(dataset: Dataset, keyword: str) -> object:
    """The value as pydicom has it, None where the element is absent."""
    try:
        value: object = dataset.get(keyword)
    except PYDICOM_FAILURES as failure:
        raise _malformed(keyword, failure) from None
    return value


def _malformed(keyword: str, failure: BaseException) -> _Malformed:
    """The error about an element that pydicom could not convert."""
    return _Malformed(f"{keyword} is malformed ({one_line(failure)}).", keyword=keyword)


def one_line(failure: BaseException) -> str:
    """The start of another library's message on one line, its class where it says nothing."""
    if isinstance(failure, RecursionError):
        return "nested too deeply"
    return printable(" ".join(str(failure)[:LONGEST_REASON].split())) or type(failure).__name__


def in_short(names: list[str], most: int = NAMES_IN_A_SENTENCE, between: str = ", ") -> str:
    """Names in a sentence, the first few of many."""
    more = f"{between.rstrip(', ')} and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + more
