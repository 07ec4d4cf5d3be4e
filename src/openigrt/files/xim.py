"""Projections of Varian TrueBeam, Edge, VitalBeam and Halcyon: .xim files.

Layout as RTK (rtkXimImageIO) and other public readers describe it, no sample at hand: "VMS.XI", version, width,
height, bits and bytes of a pixel, whether compressed; the pixels; a histogram; named properties, with lengths in cm and
angles in Varian's own scale, where IEC 61217 is 180 degrees less the value (rtkVarianProBeamGeometryReader).
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import MissingInput, UnreadableFile, UnsupportedInput
from openigrt.files.binary import BinaryFile, binary_file
from openigrt.files.detector_size import require_detector
from openigrt.files.differences import decoded

MARK = b"VMS.XI"
MARK_BYTES = 8
MOST_PROPERTIES = 5_000
LONGEST_NAME = 256
LARGEST_NUMBER = 1e6
MM_PER_CM = 10.0

Property = float | str | tuple[float, ...]


@dataclass(frozen=True)
class XimHeader:
    """What a file says about its projection; `columns` and `rows` are 0 for a frame that was never read out."""

    path: Path
    columns: int
    rows: int
    bytes_per_pixel: int
    is_compressed: bool
    properties: Mapping[str, Property]

    @property
    def has_pixels(self) -> bool:
        """Whether there is a projection in the file."""
        return self.columns > 0 and self.rows > 0

    def stated(self, name: str) -> float | None:
        """A number of bearable size, None where it is not stated; raises UnreadableFile for any other value."""
        value = self.properties.get(name)
        if value is None:
            return None
        if not isinstance(value, float) or not abs(value) <= LARGEST_NUMBER:
            raise UnreadableFile(f"{self.path} has {name} {str(value)[:40]!r}; expected a number.", path=str(self.path))
        return value

    def number(self, name: str) -> float:
        """The same; raises MissingInput where it is not stated."""
        value = self.stated(name)
        if value is None:
            raise MissingInput(f"{self.path} does not state {name}: where its pixels lie is not known.", missing=name)
        return value

    @property
    def kv_source_angle_deg(self) -> float:
        """IEC 61217 angle of the kV source."""
        return (180.0 - self.number("KVSourceRtn")) % 360.0


def is_xim(start: bytes) -> bool:
    """Whether a file begins as these do."""
    return start.startswith(MARK)


def read_xim_header(path: Path) -> XimHeader:
    """Sizes and properties, without the pixels; raises UnreadableFile or UnsupportedInput."""
    with binary_file(path) as file:
        columns, rows, bytes_per_pixel, is_compressed = _start(file)
        if is_compressed:
            file.skip(file.whole_number("table of sizes"), "table of sizes")
            file.skip(file.whole_number("pixels"), "pixels")
            file.skip(4, "pixels")
        else:
            file.skip(file.whole_number("pixels"), "pixels")
        file.skip(4 * file.whole_number("histogram"), "histogram")
        return XimHeader(path, columns, rows, bytes_per_pixel, is_compressed, MappingProxyType(_properties(file)))


def read_xim_pixels(path: Path) -> NDArray[np.int32]:
    """Pixels (rows, columns); raises UnreadableFile or UnsupportedInput."""
    with binary_file(path) as file:
        columns, rows, bytes_per_pixel, is_compressed = _start(file)
        require_detector(path, columns, rows)
        if not is_compressed:
            return _plain(file, columns, rows, bytes_per_pixel)
        codes = file.bytes(file.whole_number("table of sizes"), "table of sizes")
        stored = file.bytes(file.whole_number("pixels"), "pixels")
    try:
        return decoded(codes, stored, columns, rows)
    except UnreadableFile as error:
        raise UnreadableFile(
            f"{path} is truncated or damaged: {error.sentence}; copy it again.", path=str(path)
        ) from None


def _start(file: BinaryFile) -> tuple[int, int, int, bool]:
    """Columns, rows, bytes of a pixel, and whether the pixels are compressed."""
    if not is_xim(file.bytes(MARK_BYTES, "header")):
        raise UnreadableFile(f"{file.path} does not begin with {MARK.decode()!r}: it is no .xim file.")
    _, columns, rows, _, bytes_per_pixel, compression = struct.unpack("<6i", file.bytes(24, "header"))
    if columns * rows:
        require_detector(file.path, columns, rows)
    if bytes_per_pixel not in (1, 2, 4) or compression not in (0, 1):
        raise UnsupportedInput(
            f"{file.path} has pixels of {bytes_per_pixel} bytes and compression {compression}; expected 1, 2 or 4 "
            "bytes, and 0 or 1."
        )
    return columns, rows, bytes_per_pixel, compression == 1


def _plain(file: BinaryFile, columns: int, rows: int, bytes_per_pixel: int) -> NDArray[np.int32]:
    """Pixels that are stored as they are."""
    size, needed = file.whole_number("pixels"), columns * rows * bytes_per_pixel
    if size < needed:
        raise UnreadableFile(f"{file.path} is damaged: its pixels take {needed} bytes, and {size} are announced.")
    kind = {1: "<u1", 2: "<u2", 4: "<i4"}[bytes_per_pixel]
    return np.frombuffer(file.bytes(needed, "pixels"), dtype=kind).reshape(rows, columns).astype(np.int32)


def _properties(file: BinaryFile) -> dict[str, Property]:
    """Named values: whole numbers, doubles, text, and rows of doubles or whole numbers."""
    count = file.whole_number("properties")
    if not 0 <= count <= MOST_PROPERTIES:
        raise UnreadableFile(f"{file.path} announces {count} properties; expected at most {MOST_PROPERTIES}.")
    found: dict[str, Property] = {}
    for _ in range(count):
        length = file.whole_number("properties")
        if not 0 < length <= LONGEST_NAME:
            raise UnreadableFile(f"{file.path} is damaged: a property's name has {length} letters; copy it again.")
        name = file.bytes(length, "properties").decode("latin-1").rstrip("\0")
        found[name] = _value(file)
    return found


def _value(file: BinaryFile) -> Property:
    """One value after its kind."""
    kind = file.whole_number("properties")
    if kind == 0:
        return float(file.whole_number("properties"))
    if kind == 1:
        return float(struct.unpack("<d", file.bytes(8, "properties"))[0])
    if kind not in (2, 4, 5):
        raise UnsupportedInput(f"{file.path} has a property of kind {kind}; expected 0, 1, 2, 4 or 5.")
    content = file.bytes(file.whole_number("properties"), "properties")
    if kind == 2:
        return content.decode("latin-1").rstrip("\0")
    layout = "<f8" if kind == 4 else "<i4"
    whole = len(content) - len(content) % np.dtype(layout).itemsize
    values = np.frombuffer(content[:whole], dtype=layout).tolist()
    return tuple(float(value) for value in values if math.isfinite(value))
