"""Projections of Varian's On-Board Imager: .hnd (compressed) and .hnc (plain) files.

Layout as RTK (rtkHndImageIO, rtkHncImageIO) describes it, no sample at hand. A header of fixed fields, lengths in mm
where they are used here; pixels of .hnc from byte 512 on, 16 bits; of .hnd from byte 1024 on, as differences. The two
are told apart by the mark (..._HND_1.0, ..._HNCU_1.0), else by the length: plain is exactly 2 bytes for each pixel.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import UnreadableFile
from openigrt.files.binary import BinaryFile, binary_file
from openigrt.files.detector_size import require_detector
from openigrt.files.differences import code_bytes, decoded

MARK = b"VARIAN_VA_INTERNAL"
MARK_BYTES = 32
HEADER_BYTES = 488
PLAIN_START, COMPRESSED_START = 512, 1024
LARGEST_NUMBER = 1e6

_SIZE_AT = 120
_DOUBLES_AT = {
    "source_axis_distance_mm": 176,
    "source_detector_distance_mm": 184,
    "column_spacing_mm": 352,
    "row_spacing_mm": 360,
    "tube_voltage_kv": 400,
    "tube_current_ma": 408,
    "source_angle_deg": 432,
    "norm_chamber": 440,
}


@dataclass(frozen=True, slots=True)
class HndHeader:
    """What a file says about its projection; the angle is that of the kV source, IEC 61217 (dCTProjectionAngle)."""

    path: Path
    columns: int
    rows: int
    is_compressed: bool
    source_angle_deg: float
    column_spacing_mm: float
    row_spacing_mm: float
    source_axis_distance_mm: float
    source_detector_distance_mm: float
    tube_voltage_kv: float
    tube_current_ma: float
    norm_chamber: float


def is_hnd(start: bytes) -> bool:
    """Whether a file begins as these do."""
    return start.startswith(MARK)


def read_hnd_header(path: Path) -> HndHeader:
    """Sizes, angle, pixel spacing and exposure, without the pixels; raises UnreadableFile."""
    with binary_file(path) as file:
        return _header(file)


def read_hnd_pixels(path: Path) -> NDArray[np.int32]:
    """Pixels (rows, columns); raises UnreadableFile."""
    with binary_file(path) as file:
        header = _header(file)
        if not header.is_compressed:
            file.skip(PLAIN_START - HEADER_BYTES, "header")
            stored = file.bytes(2 * header.columns * header.rows, "pixels")
            return np.frombuffer(stored, dtype="<u2").reshape(header.rows, header.columns).astype(np.int32)
        file.skip(COMPRESSED_START - HEADER_BYTES, "header")
        codes = file.bytes(code_bytes(header.columns, header.rows), "table of sizes")
        stored = file.bytes(file.left, "pixels")
    try:
        return decoded(codes, stored, header.columns, header.rows)
    except UnreadableFile as error:
        raise UnreadableFile(
            f"{path} is truncated or damaged: {error.sentence}; copy it again.", path=str(path)
        ) from None


def _header(file: BinaryFile) -> HndHeader:
    """The fixed fields, each number finite."""
    content = file.bytes(HEADER_BYTES, "header")
    if not is_hnd(content):
        raise UnreadableFile(f"{file.path} does not begin with {MARK.decode()!r}: it is no .hnd or .hnc file.")
    columns, rows = struct.unpack_from("<2I", content, _SIZE_AT)
    require_detector(file.path, columns, rows)
    numbers = {name: struct.unpack_from("<d", content, at)[0] for name, at in _DOUBLES_AT.items()}
    wrong = [name for name, value in numbers.items() if not abs(value) <= LARGEST_NUMBER]
    if wrong or min(numbers["column_spacing_mm"], numbers["row_spacing_mm"]) <= 0.0:
        raise UnreadableFile(
            f"{file.path} is damaged: {', '.join(wrong) or 'pixel spacing'} in its header cannot be; copy it again."
        )
    kind = content[len(MARK) : MARK_BYTES]
    is_compressed = b"HND" in kind or (b"HNC" not in kind and file.size != PLAIN_START + 2 * columns * rows)
    return HndHeader(path=file.path, columns=columns, rows=rows, is_compressed=is_compressed, **numbers)
