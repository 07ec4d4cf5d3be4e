"""What a compressed frame says of itself before anything is decoded: a decoder asks for memory by its words alone."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.uid import HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL, JPEG2000TransferSyntaxes

JPEG_2000_SYNTAXES = (*JPEG2000TransferSyntaxes, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K)

_SIZE_OF_JPEG_2000 = b"\xff\x4f\xff\x51"
_START_OF_JPEG = b"\xff\xd8"
_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
START_OF_SCAN, _FILL = 0xDA, 0xFF


@dataclass(frozen=True, slots=True)
class Codestream:
    """Rows, columns, samples of a pixel and bits of a sample that a compressed frame announces."""

    rows: int
    columns: int
    samples: int
    bits: int


def read_codestream(encoded: bytes, transfer_syntax_uid: str) -> Codestream | None:
    """The announcement of a JPEG, JPEG-LS or JPEG 2000 frame; None where there is none that can be read."""
    try:
        return _jpeg_2000(encoded) if transfer_syntax_uid in JPEG_2000_SYNTAXES else _jpeg(encoded)
    except (struct.error, IndexError):
        return None


def _jpeg_2000(encoded: bytes) -> Codestream | None:
    """The SIZ segment (ISO/IEC 15444-1, A.5.1), with which a frame must begin: no JP2 boxes (PS3.5 A.4.4)."""
    if not encoded.startswith(_SIZE_OF_JPEG_2000):
        return None
    right, bottom, left, top = struct.unpack_from(">4I", encoded, 8)
    samples, depth = struct.unpack_from(">HB", encoded, 40)
    return Codestream(bottom - top, right - left, samples, (depth & 0x7F) + 1)


def _jpeg(encoded: bytes) -> Codestream | None:
    """The frame header (ISO/IEC 10918-1, B.2.2; ISO/IEC 14495-1, C.2.2)."""
    for marker, begin, _ in jpeg_segments(encoded):
        if marker in _FRAME_MARKERS:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", encoded, begin)
            return Codestream(rows, columns, samples, bits)
        if marker == START_OF_SCAN:
            return None
    return None


def jpeg_segments(encoded: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, first byte and end of each segment behind the start of a JPEG image, of use up to its scan header.

    Raises struct.error or IndexError where the bytes end among them.
    """
    position = len(_START_OF_JPEG) if encoded.startswith(_START_OF_JPEG) else len(encoded)
    while encoded[position : position + 1] == b"\xff":
        marker = encoded[position + 1]
        if marker == _FILL:
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        else:
            (length,) = struct.unpack_from(">H", encoded, position + 2)
            end = position + 2 + max(length, 2)
            yield marker, position + 4, end
            position = end
