"""Which bytes of a file are its pixel data, and which of these are no picture: those are cut off, or made zero."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from openigrt.dicom.dataset.elements import PYDICOM_FAILURES, naming, text
from openigrt.dicom.dataset.load import UNDEFINED_LENGTH
from openigrt.dicom.deidentification.deidentified_elements import PIXEL_TAGS, Remark, Remarks
from openigrt.dicom.deidentification.unneeded_bytes import begins_frame, is_known, no_picture
from openigrt.errors import UnreadableFile

_ITEM, _END_OF_SEQUENCE = 0xFFFEE000, 0xFFFEE0DD
_MOST_DIGITS = 12
_ABOUT_PIXELS = (
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames"),
    *("BitsAllocated", "PhotometricInterpretation"),
)
_BITS = {0x7FE00008: 32, 0x7FE00009: 64}

Piece = range | bytes


@dataclass(frozen=True, slots=True)
class Announced:
    """The picture that a header announces: pixels of a frame, frames, samples, bits, and whether two share colours."""

    pixels: int
    frames: int
    samples: int
    bits: int
    is_halved: bool

    def size_bytes(self, bits: int) -> int:
        """How many bytes the pixels need without compression, padded to an even number."""
        total = self.pixels * self.frames * self.samples * bits
        size = (total * 2 // 3 if self.is_halved else total) + 7
        return (size // 8 + 1) // 2 * 2


def announced(header: Dataset) -> Announced | None:
    """What a header says of its pixels; None where it does not say it in whole numbers."""
    try:
        # A copy, since reading converts what is then written.
        said = Dataset({tag: header.get_item(tag) for tag in map(Tag, _ABOUT_PIXELS) if tag in header})
        with naming(said):
            words = [text(said, keyword) for keyword in _ABOUT_PIXELS[:4]]
            bits, photometric = text(said, "BitsAllocated"), text(said, "PhotometricInterpretation")
    except (UnreadableFile, *PYDICOM_FAILURES):
        return None
    rows, columns, samples, frames = (word or default for word, default in zip(words, ("", "", "1", "1"), strict=True))
    words = [rows, columns, samples, frames, bits or "0"]
    if not all(word.isdecimal() and len(word) < _MOST_DIGITS for word in words):
        return None
    counts = [int(word) for word in words]
    return Announced(counts[0] * counts[1], counts[3], counts[2], counts[4], photometric.startswith("YBR_FULL_422"))


def pixel_pieces(
    file: BinaryIO, place: range, syntax: str, picture: Announced | None, remarks: Remarks
) -> tuple[tuple[Piece, ...], int]:
    """The pieces of the pixel data element that begins with `place`, and where it ends.

    Ranges are copied from the file, bytes are written in their place. `place` ends where the file does. Raises
    UnreadableFile where the pixel data are truncated or no fragments.
    """
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    head_bytes = 8 if syntax == ImplicitVRLittleEndian else 12
    file.seek(place.start)
    head = file.read(head_bytes)
    if len(head) < head_bytes:
        return (), place.start
    group, element = struct.unpack(order + "HH", head[:4])
    tag = group << 16 | element
    if tag not in PIXEL_TAGS:
        return (), place.start
    first = place.start + head_bytes
    (length,) = struct.unpack(order + "I", head[-4:])
    if length == UNDEFINED_LENGTH:
        fragments, end = _fragments(file, first, order)
        if end > place.stop:
            raise UnreadableFile("The compressed pixel data are truncated.")
        blank = _blank(file, fragments, syntax, picture, remarks)
        return _with_zeros(range(place.start, end), blank), end
    if first + length > place.stop:
        raise UnreadableFile("The pixel data are truncated.")
    needed = picture.size_bytes(_BITS.get(tag, picture.bits)) if picture else 0
    if not needed:
        remarks[Remark.UNSEEN_PIXELS, ""] += 1
    elif length > needed:
        remarks[Remark.BEHIND_PIXELS, ""] += 1
        kept = range(first, first + needed)
        return (head[:-4] + struct.pack(order + "I", needed), kept), first + length
    return (range(place.start, first + length),), first + length


def _fragments(file: BinaryIO, position: int, order: str) -> tuple[list[range], int]:
    """Where the items of encapsulated pixel data lie, and where they end (PS3.5, A.4); only lengths are read."""
    found: list[range] = []
    while True:
        file.seek(position)
        begin = file.read(8)
        if len(begin) < 8:
            raise UnreadableFile("The compressed pixel data are truncated.")
        group, element, length = struct.unpack(order + "HHI", begin)
        position += 8
        if group << 16 | element == _END_OF_SEQUENCE:
            return found, position
        if group << 16 | element != _ITEM or length == UNDEFINED_LENGTH:
            raise UnreadableFile("The compressed pixel data are no sequence of fragments.")
        found.append(range(position, position + length))
        position += length


def _blank(
    file: BinaryIO, fragments: list[range], syntax: str, picture: Announced | None, remarks: Remarks
) -> list[range]:
    """The places in a file where fragments hold no picture; what cannot be looked into is told."""
    if not is_known(syntax) or not picture or not fragments:
        remarks[Remark.UNSEEN_PIXELS, ""] += 1
        return []
    found: list[range] = []
    frames = _frames(file, fragments[1:], syntax)
    planes = picture.samples * picture.bits // 8
    try:
        for frame in frames:
            found += _in_file(no_picture(_content(file, frame), syntax, picture.pixels, planes), frame)
        _require_announced(file, fragments[0], frames, picture.frames)
    except UnreadableFile:
        remarks[Remark.UNSEEN_PIXELS, ""] += 1
    if found:
        remarks[Remark.BLANKED, ""] += 1
    return found


def _require_announced(file: BinaryIO, table: range, frames: list[list[range]], count: int) -> None:
    """Raise UnreadableFile where there are other frames than announced, or the table of their offsets is none.

    Each offset is that of the item of the first fragment of a frame, behind the table (PS3.5, A.4).
    """
    offsets = b"".join(struct.pack("<I", frame[0].start - frames[0][0].start) for frame in frames)
    if len(frames) != count or (table and (len(table) != 4 * count or _content(file, [table]) != offsets)):
        raise UnreadableFile("The compressed pixel data are other frames than their header says.")


def _frames(file: BinaryIO, fragments: list[range], syntax: str) -> list[list[range]]:
    """Fragments by the frame that they belong to."""
    frames: list[list[range]] = []
    for fragment in fragments:
        if not frames or begins_frame(_content(file, [fragment[:2]]), syntax):
            frames.append([])
        frames[-1].append(fragment)
    return frames


def _content(file: BinaryIO, places: list[range]) -> bytes:
    """The bytes of a file at several places."""
    parts = []
    for place in places:
        file.seek(place.start)
        parts.append(file.read(len(place)))
    return b"".join(parts)


def _in_file(places: list[range], frame: list[range]) -> list[range]:
    """Places in a frame as places in the file, over its fragments."""
    found, begin = [], 0
    for fragment in frame:
        shift = fragment.start - begin
        for place in places:
            start, stop = max(place.start, begin), min(place.stop, begin + len(fragment))
            if start < stop:
                found.append(range(start + shift, stop + shift))
        begin += len(fragment)
    return found


def _with_zeros(whole: range, blank: list[range]) -> tuple[Piece, ...]:
    """A part of a file with zeros at some places of it."""
    pieces: list[Piece] = []
    position = whole.start
    for place in blank:
        pieces += [range(position, place.start), bytes(len(place))]
        position = place.stop
    return (*pieces, range(position, whole.stop))
