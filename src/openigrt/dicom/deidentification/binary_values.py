"""Whether the bytes of a binary element are numbers of the kind and count that PS3.6 says, and no text."""

import re

from pydicom.datadict import dictionary_VM, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

MOST_NUMBERS = 65536

_SIZES = {
    **dict.fromkeys(("OB", "UN"), 1),
    **dict.fromkeys(("US", "SS", "OW"), 2),
    **dict.fromkeys(("UL", "SL", "FL", "AT", "OL", "OF"), 4),
    **dict.fromkeys(("FD", "SV", "UV", "OD", "OV"), 8),
}
_WORD = re.compile(rb"[A-Za-z]{3}")
_WRITING = re.compile(rb"[ -~\t\r\n]{12,}")
_SENTENCE = re.compile(rb"[ -~\t\r\n]{32,}")
_FEWEST_GAPS = 3  # a ramp of 8 or 16 bits has one gap in 32 letters, and no three letters beside several
_WRITING_AMONG_NUMBERS = re.compile(rb"[ -~\t\r\n]{24,}")


def is_binary_of_kind(element: RawDataElement, *, is_bulk: bool) -> bool:
    """Whether an element as it lies in the file may stay: its representation is one that PS3.6 allows or is not told,
    its length fits the size and multiplicity, and it does not read as text.

    `is_bulk` is for what is long by nature, such as look-up tables and coordinates.
    """
    allowed = dictionary_VR(element.tag).split(" or ")
    if element.VR not in (None, "UN", *allowed, dictionary_VR(element.tag)):
        return False
    kinds = [element.VR] if element.VR in allowed else allowed
    content = element.value or b""
    if not content:
        return True
    if not any(_fits(len(content), kind, element.tag, is_bulk=is_bulk) for kind in kinds):
        return False
    return not reads_as_text(content, is_bulk=is_bulk)


def _fits(length: int, vr: str, tag: BaseTag, *, is_bulk: bool) -> bool:
    """Whether so many bytes are whole numbers, and as many as the attribute may have."""
    count, rest = divmod(length, _SIZES[vr])
    if rest:
        return False
    if is_bulk or vr.startswith("O"):
        return is_bulk
    least, _, most = dictionary_VM(tag).partition("-")
    if not most:
        return count == int(least)
    bound = int(most) if most.isdigit() else MOST_NUMBERS
    step = int(most[:-1] or 1) if most.endswith("n") else 1
    return int(least) <= count <= bound and count % step == 0


def reads_as_text(content: bytes, *, is_bulk: bool = False) -> bool:
    """Whether bytes are writing: all of them, or a part that numbers are not long enough to look like by chance."""
    written = _WRITING.fullmatch(content.rstrip(b"\0"))
    if is_bulk and not written:
        return any(
            _WORD.search(found[0]) and found[0].count(b" ") >= _FEWEST_GAPS for found in _SENTENCE.finditer(content)
        )
    found = written or _WRITING_AMONG_NUMBERS.search(content)
    return found is not None and _WORD.search(found[0]) is not None
