"""Lossless JPEG frames (ISO/IEC 10918-1, process 14): the usual compression of archives.

Decoded here because the one codec that pydicom offers for it, GDCM, ends the whole program on damaged frames (measured:
a crash within a thousand of them).
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from openigrt.dicom.pixels._kernels_cpu import decode_differences, predict
from openigrt.dicom.pixels.codestream import START_OF_SCAN, jpeg_segments

FRAME, HUFFMAN_TABLES, RESTART_INTERVAL = 0xC3, 0xC4, 0xDD
MOST_EXTRA_BITS = 16
CODE_BITS = 16

_END_OF_SCAN = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff+[\xd0-\xd7]")


@dataclass(slots=True)
class _Scan:
    """What the segments before the coded data say."""

    bits: int = 0
    rows: int = 0
    columns: int = 0
    restart_values: int = 0
    tables: dict[int, NDArray[np.uint16]] = field(default_factory=dict)


def lossless_frame(encoded: bytes, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """The values of a frame of one component and of this shape; raises ValueError where it is damaged or another."""
    scan = _Scan()
    for marker, begin, end in jpeg_segments(encoded):
        segment = encoded[begin:end]
        if marker == FRAME:
            scan.bits, scan.rows, scan.columns, components = struct.unpack_from(">BHHB", segment)
            if components != 1 or not 2 <= scan.bits <= 16 or (scan.rows, scan.columns) != shape:
                raise ValueError(f"{scan.rows} x {scan.columns} values of {components} components of {scan.bits} bits")
        elif marker == HUFFMAN_TABLES:
            scan.tables.update(_huffman_tables(segment))
        elif marker == RESTART_INTERVAL:
            (scan.restart_values,) = struct.unpack_from(">H", segment)
        elif marker == START_OF_SCAN:
            return _scanned(scan, segment, encoded[end:])
    raise ValueError("no scan")


def _huffman_tables(segment: bytes) -> Iterator[tuple[int, NDArray[np.uint16]]]:
    """Number and lookup table (see `decode_differences`) of each table of a segment (ISO/IEC 10918-1, C.2, F.2.2.3)."""
    while segment:
        number, counts = segment[0], segment[1:17]
        total = sum(counts)
        symbols, segment = segment[17 : 17 + total], segment[17 + total :]
        if len(counts) != CODE_BITS or len(symbols) != total or (symbols and max(symbols) > MOST_EXTRA_BITS):
            raise ValueError("a Huffman table is malformed")
        lengths = np.repeat(np.arange(1, CODE_BITS + 1), list(counts))
        spans = 1 << (CODE_BITS - lengths)
        if spans.sum() > 1 << CODE_BITS:
            raise ValueError("a Huffman table has too many codes")
        entries = (lengths << 8 | np.frombuffer(symbols, np.uint8)).astype(np.uint16)
        table = np.zeros(1 << CODE_BITS, dtype=np.uint16)
        table[: spans.sum()] = np.repeat(entries, spans)
        yield number, table


def _scanned(scan: _Scan, segment: bytes, coded: bytes) -> NDArray[np.uint16]:
    """The values of the one scan, whose header is `segment`, from what follows it."""
    components, _, table, selection, _, transform = struct.unpack_from(">6B", segment)
    if components != 1 or not 1 <= selection <= 7 or table >> 4 not in scan.tables or transform >= scan.bits:
        raise ValueError("a scan header that is none of one lossless component")
    if not scan.rows * scan.columns or scan.restart_values % scan.columns:
        raise ValueError(f"{scan.rows} x {scan.columns} values restart after {scan.restart_values}")
    end = _END_OF_SCAN.search(coded)
    pieces = _RESTART.split(coded[: end.start()] if end else coded)
    values = np.zeros((scan.rows, scan.columns), dtype=np.int32)
    rows = scan.restart_values // scan.columns or scan.rows
    blocks = [values[begin : begin + rows] for begin in range(0, scan.rows, rows)]
    if len(pieces) < len(blocks):
        raise ValueError(f"{len(pieces)} of {len(blocks)} restart intervals")
    for block, piece in zip(blocks, pieces, strict=False):
        plain = np.frombuffer(piece.replace(b"\xff\x00", b"\xff"), np.uint8)
        found = decode_differences(plain, scan.tables[table >> 4], block.reshape(-1))
        if found < block.size:
            raise ValueError(f"the coded data end or break after {found} of {block.size} values")
        predict(block, selection, 1 << (scan.bits - transform - 1))
    stored: NDArray[np.uint16] = (values << transform).astype(np.uint16)
    return stored
