"""Compressed pixels as they lie in a file (PS3.5 A.4): fragments, and the frames that they form."""

import struct
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import BinaryIO

from openigrt.errors import UnreadableFile

ITEM, SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
ITEM_HEADER_BYTES = 8
MAX_FRAGMENTS = 2**20
END_OF_FRAGMENTS = struct.pack("<HHI", *SEQUENCE_END, 0)


@dataclass(frozen=True, slots=True)
class Fragment:
    """One item of encapsulated pixel data: where its content begins, and how many bytes it has."""

    offset: int
    length: int


def fragments(name: str, file: BinaryIO, offset: int, size: int) -> list[Fragment]:
    """The items of encapsulated pixel data that begin at `offset`, the offset table first; no content is read.

    Raises UnreadableFile, calling the file `name`, where an item does not fit into its `size`, the end is missing, or
    there are more than any image has.
    """
    found: list[Fragment] = []
    while len(found) < MAX_FRAGMENTS:
        file.seek(offset)
        header = file.read(ITEM_HEADER_BYTES)
        if len(header) < ITEM_HEADER_BYTES:
            break
        group, element, length = struct.unpack("<HHI", header)
        if (group, element) == SEQUENCE_END:
            return found
        offset += ITEM_HEADER_BYTES
        if (group, element) != ITEM or offset + length > size:
            break
        found.append(Fragment(offset, length))
        offset += length
    raise UnreadableFile(
        f"{name} is truncated or damaged: its compressed pixels have no proper end after {len(found)} piece(s).",
        path=name,
    )


def encoded_frames(name: str, content: bytes, offset: int, count: int) -> list[bytes]:
    """The compressed bytes of each of `count` frames of the encapsulated pixel data at `offset` of `content`.

    Raises UnreadableFile where there are too few, or nothing tells which fragment belongs to which frame.
    """
    table, *items = fragments(name, BytesIO(content), offset, len(content)) or [Fragment(offset, 0)]
    if len(items) < count or not all(item.length for item in items[:count]):
        raise UnreadableFile(f"{name} announces {count} frame(s) and holds {len(items)} piece(s) of compressed pixels.")
    firsts = [0] if count == 1 else list(range(count)) if len(items) == count else _firsts(content, table, items)
    if len(firsts) != count:
        raise UnreadableFile(f"{name}: nothing tells which of its {len(items)} compressed pieces form which frame.")
    pieces = [content[item.offset : item.offset + item.length] for item in items]
    return [b"".join(pieces[begin:end]) for begin, end in pairwise([*firsts, len(items)])]


def _firsts(content: bytes, table: Fragment, items: list[Fragment]) -> list[int]:
    """The number of the first fragment of each frame by the Basic Offset Table; empty where it fits no fragments."""
    starts = {item.offset - items[0].offset: number for number, item in enumerate(items)}
    offsets = struct.unpack_from(f"<{table.length // 4}I", content, table.offset)
    firsts = [starts.get(offset, -1) for offset in offsets]
    is_sound = firsts[:1] == [0] and all(one < other for one, other in pairwise(firsts))
    return firsts if is_sound else []
