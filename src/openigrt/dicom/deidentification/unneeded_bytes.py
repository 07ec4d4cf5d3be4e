"""Which bytes of a compressed frame are no picture: comments, data of applications, and what lies behind the end."""

import re
import struct
from collections.abc import Iterator

from pydicom.uid import JPEGLSTransferSyntaxes, JPEGTransferSyntaxes, RLELossless

from openigrt.dicom.pixels.codestream import JPEG_2000_SYNTAXES
from openigrt.errors import UnreadableFile

JPEG_START, JPEG_2000_START = b"\xff\xd8", b"\xff\x4f"

_JPEG = (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes)
_END, _SCAN, _COMMENT, _FIRST_APP, _LAST_APP = 0xD9, 0xDA, 0xFE, 0xE0, 0xEF
# Segments of T.81 and T.87 beside these: frames (C0-CF but for JPG, C8), DQT, DRI, LSE of JPEG-LS; others are nobody's.
_SEGMENTS = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDD, _COMMENT, *range(_FIRST_APP, _LAST_APP + 1), 0xF7, 0xF8} - {0xC8}
_NUMBER_OF_LINES, _NUMBER_OF_LINES_BYTES = 0xDC, 4
_PARAMETERS_OF_LS, _LAST_PARAMETERS = 0xF8, 4
_MARKER_AFTER_SCAN = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
# What decoders need: density (APP0), colours (APP14), and the colours of JPEG-LS (APP8), each of one known length.
_NEEDED = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12), 0xE8: (b"mrfx", 5)}
_TILE, _DATA, _COMMENT_2000, _END_2000 = 0xFF90, 0xFF93, 0xFF64, 0xFFD9
# CAP SIZ COD COC TLM PLM PLT PRF CPF QCD QCC RGN POC PPM PPT CRG: table A.2 of T.800, and T.814 for CAP and CPF.
_SEGMENTS_2000 = {0xFF50, 0xFF51, 0xFF52, 0xFF53, *range(0xFF55, 0xFF5A), *range(0xFF5C, 0xFF62), 0xFF63}
_RLE_HEADER_BYTES = 64


def is_known(syntax: str) -> bool:
    """Whether frames of a transfer syntax can be looked through."""
    return syntax in (*_JPEG, *JPEG_2000_SYNTAXES, RLELossless)


def begins_frame(start: bytes, syntax: str) -> bool:
    """Whether a fragment that begins like this is the first of a frame."""
    return syntax == RLELossless or start[:2] == (JPEG_START if syntax in _JPEG else JPEG_2000_START)


def no_picture(frame: bytes, syntax: str, plane_pixels: int, planes: int) -> list[range]:
    """The places in a frame that decoders do not need; raises UnreadableFile where it is no stream of its syntax.

    `planes` are bytes of one pixel, each of which is a segment of `plane_pixels` of RLE.
    """
    try:
        if syntax == RLELossless:
            found = _in_rle(frame, plane_pixels, planes)
        else:
            found = _in_jpeg(frame) if syntax in _JPEG else _in_jpeg_2000(frame)
        return [place for place in found if any(frame[place.start : place.stop])]
    except (struct.error, IndexError, ValueError):
        raise UnreadableFile("The compressed pixel data are not as their transfer syntax says.") from None


def _in_jpeg(frame: bytes) -> Iterator[range]:
    """Comments, application data and what follows the end of a JPEG or JPEG-LS stream (T.81 B.1, T.87)."""
    position = _after(frame, JPEG_START)
    while True:
        if frame[position] != 0xFF:
            raise ValueError
        marker = frame[position + 1]
        if marker == 0xFF:  # fill
            position += 1
            continue
        if marker == _END:
            break
        (length,) = struct.unpack_from(">H", frame, position + 2)
        if marker not in _SEGMENTS and (marker, length) != (_NUMBER_OF_LINES, _NUMBER_OF_LINES_BYTES):
            raise ValueError
        if marker == _PARAMETERS_OF_LS and not 1 <= frame[position + 4] <= _LAST_PARAMETERS:
            raise ValueError
        content = range(position + 4, position + 2 + length)
        if marker == _COMMENT or (_FIRST_APP <= marker <= _LAST_APP and not _is_needed(frame, marker, content)):
            yield content
        position = content.stop
        if marker == _SCAN:
            found = _MARKER_AFTER_SCAN.search(frame, position)
            if found is None:  # the end is missing, which decoders forgive
                return
            position = found.start()
    yield range(position + 2, len(frame))


def _is_needed(frame: bytes, marker: int, content: range) -> bool:
    """Whether application data are of a kind and length that decoders need."""
    start, length = _NEEDED.get(marker, (b"\0", -1))
    return len(content) == length and frame[content.start : content.stop].startswith(start)


def _in_jpeg_2000(frame: bytes) -> Iterator[range]:
    """Comments in all headers of a JPEG 2000 codestream, and what follows its end (T.800 annex A)."""
    position, tile_end = _after(frame, JPEG_2000_START), len(frame)
    while True:
        (marker,) = struct.unpack_from(">H", frame, position)
        if marker == _END_2000:
            break
        if marker == _DATA:
            position = tile_end
            if frame[position : position + 1] == b"":
                return
            continue
        (length,) = struct.unpack_from(">H", frame, position + 2)
        if marker == _TILE:
            (tile_bytes,) = struct.unpack_from(">I", frame, position + 6)
            tile_end = position + tile_bytes if tile_bytes else frame.rindex(b"\xff\xd9")
            if tile_end <= position:
                raise ValueError
        elif marker == _COMMENT_2000:
            yield range(position + 6, position + 2 + length)
        elif marker not in _SEGMENTS_2000 or length < 2:
            raise ValueError
        position += 2 + length
    yield range(position + 2, len(frame))


def _in_rle(frame: bytes, plane_pixels: int, planes: int) -> Iterator[range]:
    """What lies behind the bytes of each segment of an RLE frame (PS3.5 annex G), and unused offsets in its header."""
    count, *offsets = struct.unpack_from("<16I", frame)
    if not 1 <= count <= len(offsets) or count != planes or offsets[0] != _RLE_HEADER_BYTES:
        raise ValueError
    yield range(4 + 4 * count, _RLE_HEADER_BYTES)
    ends = [*offsets[1:count], len(frame)]
    for begin, end in zip(offsets[:count], ends, strict=True):
        if not begin <= end <= len(frame):
            raise ValueError
        yield range(_end_of_segment(frame, begin, end, plane_pixels), end)


def _end_of_segment(frame: bytes, position: int, end: int, pixels: int) -> int:
    """Where a segment has given one byte for each pixel."""
    made = 0
    while made < pixels and position < end:
        control = frame[position]
        if control < 128:
            made, position = made + control + 1, position + control + 2
        else:
            made, position = made + (257 - control if control > 128 else 0), position + (2 if control > 128 else 1)
    return min(position, end)


def _after(frame: bytes, start: bytes) -> int:
    """The place behind the start of a stream."""
    if not frame.startswith(start):
        raise ValueError
    return len(start)
