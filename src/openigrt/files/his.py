"""Projections of Elekta XVI: .his files, in the format of Heimann (later PerkinElmer) detectors.

Layout as RTK (rtkHisImageIO) describes it, no sample at hand: 68 bytes that begin with 00 70 44 00 and state the length
of a second header, the corners of the image and the number of frames; then 16 bits for each pixel. The values fall with
the beam: RTK takes 65536 less the value as intensity (rtkElektaSynergyRawLookupTableImageFilter), and so do we. The
detector is 409.6 mm wide each way. Of a frame that is not square public sources differ on which side is which.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import UnsupportedInput
from openigrt.files.binary import BinaryFile, binary_file
from openigrt.files.detector_size import require_detector

MARK = b"\x00\x70\x44\x00"
HEADER_BYTES = 68
WORDS_OF_16_BITS = 4
PANEL_MM = 409.6
DARKEST = 65536.0


@dataclass(frozen=True, slots=True)
class HisHeader:
    """What a file says about its projection."""

    path: Path
    columns: int
    rows: int

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Between columns, between rows."""
        return PANEL_MM / self.columns, PANEL_MM / self.rows


def is_his(start: bytes) -> bool:
    """Whether a file begins as these do."""
    return start.startswith(MARK)


def read_his_header(path: Path) -> HisHeader:
    """Size of the projection, after its length was checked; raises UnreadableFile or UnsupportedInput."""
    with binary_file(path) as file:
        header = _header(file)
        file.skip(2 * header.columns * header.rows, "pixels")
        return header


def read_his_pixels(path: Path) -> NDArray[np.float32]:
    """Beam intensity (rows, columns), 65536 less what is stored; raises UnreadableFile or UnsupportedInput."""
    with binary_file(path) as file:
        header = _header(file)
        stored = np.frombuffer(file.bytes(2 * header.columns * header.rows, "pixels"), dtype="<u2")
    return np.float32(DARKEST) - stored.reshape(header.rows, header.columns).astype(np.float32)


def _header(file: BinaryFile) -> HisHeader:
    """The header; the file then stands at its pixels."""
    content = file.bytes(HEADER_BYTES, "header")
    more, left, top, right, bottom, frames = struct.unpack_from("<6H", content, 10)
    kind = struct.unpack_from("<H", content, 32)[0]
    columns, rows = bottom - top + 1, right - left + 1
    if not is_his(content) or frames != 1 or kind != WORDS_OF_16_BITS or columns != rows:
        raise UnsupportedInput(
            f"{file.path} holds {frames} frames of {columns} x {rows} pixels of type {kind}; expected one square frame "
            f"of type {WORDS_OF_16_BITS} (16 bits) in the format of Heimann.",
            path=str(file.path),
        )
    require_detector(file.path, columns, rows)
    file.skip(more, "header")
    return HisHeader(file.path, columns, rows)
