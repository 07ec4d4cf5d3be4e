"""What an enemy, a broken disk or a careless vendor makes of a file: damaged bytes, or hostile elements."""

import re
from io import BytesIO
from random import Random

from pydicom import Dataset, dcmread
from pydicom.config import disable_value_validation
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import Tag

LONGEST_PIECE = 300
DEEPEST = 60
MOST_COPIES = 30  # of shared items at several depths: their product is what is written
LONGEST_FILE = 2**17

NUMBER_WORDS = (
    *(b"NaN", b"inf", b"-inf", b"1e400", b"-1e308", b"1e-320", b"0", b"-0", b"-1", b"", b" ", b"1\\2", b"abc", b"0x10"),
    *(
        b"100000",
        b"99999999999",
        b"2147483648",
        b"-2147483649",
        b"1" * 200,
        b"1,5",
        b"\xff\xfe",
        b"1_000",
        b"+-3",
        b".",
    ),
)
TEXT_WORDS = (
    *(b"", b" ", b"\x00", b"../../etc/passwd", b"A" * 5000, b"\x1b$B\xff\xff", b"\\", b"\n\r\x07", b"HFS", b"RIGID"),
    *(b"\xe4\xf6\xfc", "Übung^Ärztin".encode(), b"%s%n", b"CON", b"1.2.3", b"1..2", b"2.25." + b"9" * 80),
)
BINARY_WORDS = (
    *(b"", b"\x00", b"\x00\x00", b"\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f"),
    *(b"\x00" * 8, b"\xff" * 8, b"\x00\x00\x00\x00\x00\x00\xf0\x7f", b"\x00\x00\xc0\x7f", b"\x01\x00" * 50),
)
WORDS_OF = {
    **dict.fromkeys(("DS", "IS"), NUMBER_WORDS),
    **dict.fromkeys(("US", "SS", "UL", "SL", "FD", "FL", "OB", "OW", "OF", "OD", "OL", "AT", "UN", "UV"), BINARY_WORDS),
}


def damaged(content: bytes, random: Random) -> bytes:
    """Bytes changed, cut out, doubled, filled with extremes, or cut off."""
    changed = bytearray(content)
    start = random.randrange(len(changed)) if changed else 0
    length = random.randint(1, LONGEST_PIECE)
    kind = random.randrange(6)
    if kind == 0:
        for _ in range(random.randint(1, 12)):
            changed[random.randrange(len(changed))] = random.randrange(256)
    elif kind == 1:
        del changed[start : start + length]
    elif kind == 2:
        changed[start:start] = changed[start : start + length]
    elif kind == 3:
        changed[start : start + 4] = random.choice((b"\xff" * 4, b"\x00" * 4, b"\xff\xff\xff\x7f", b"\xfe\xff\x0d\xe0"))
    elif kind == 4:
        changed[start : start + length] = bytes(random.randrange(256) for _ in range(length))
    else:
        del changed[start:]
    return bytes(changed or b"\x00")


def replaced(content: bytes, random: Random) -> bytes:
    """Elements replaced by hostile ones in a file that parses; the file as it is where it does not."""
    try:
        with disable_value_validation():
            dataset = dcmread(BytesIO(content), force=True)
            for _ in range(random.choice((1, 1, 1, 2, 4))):
                _replace_one(dataset, random)
            return _written(dataset)
    except Exception:  # noqa: BLE001  (pydicom fails in many ways on what earlier mutations left)
        return content


def _written(dataset: Dataset) -> bytes:
    """The bytes of a data set, as odd as it is."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=False)
    return buffer.getvalue()


def _replace_one(dataset: Dataset, random: Random) -> None:
    """One element at a random depth: removed, replaced, copied or nested."""
    holder, tag = random.choice(_places(dataset))
    if holder.get_item(tag).VR == "SQ":
        _replace_sequence(holder, tag, random)
    elif random.random() < 0.15:
        del holder[tag]
    else:
        _replace_value(holder, tag, random)


def _places(dataset: Dataset, depth: int = 0) -> list[tuple[Dataset, Tag]]:
    """All elements at all depths, with the data set that holds them."""
    found = []
    for tag in list(dataset.keys()):
        found.append((dataset, tag))
        if depth < DEEPEST and dataset.get_item(tag).VR == "SQ":
            for item in dataset[tag].value:
                found += _places(item, depth + 1)
    return found


def _replace_value(holder: Dataset, tag: Tag, random: Random) -> None:
    """Raw bytes of the element's own VR, or now and then of another."""
    vr = holder.get_item(tag).VR or "UN"
    words = WORDS_OF.get(vr, TEXT_WORDS)
    value = random.choice(words)
    if random.random() < 0.3:
        value = (b"\\" if words is not BINARY_WORDS else b"").join(
            random.choice(words) for _ in range(random.randint(1, 16))
        )
    if random.random() < 0.05:
        vr = random.choice(("UN", "LO", "DS", "US", "OB", "FD"))
    padded = value + (b" " if len(value) % 2 else b"")
    if vr not in ("OB", "OW", "OF", "OD", "OL", "UN", "UT", "UC"):
        padded = padded[:65534]
    holder._dict[tag] = RawDataElement(Tag(tag), vr, len(padded), padded, 0, False, True)


def _replace_sequence(holder: Dataset, tag: Tag, random: Random) -> None:
    """A sequence without items, with one too many, in another order, or within itself."""
    items = list(holder[tag].value)
    kind = random.randrange(5)
    if kind == 0 or not items:
        changed = []
    elif kind == 1:
        changed = items * random.choice((2, 3, MOST_COPIES))
    elif kind == 2:
        changed = items[::-1]
    elif kind == 3:
        changed = [*items, Dataset()]
    else:
        changed = _nested(tag, items[:1], random.randint(1, DEEPEST))
    holder[tag].value = Sequence(changed[:MOST_COPIES])


def _nested(tag: Tag, items: list[Dataset], depth: int) -> list[Dataset]:
    """Items within a sequence of the same tag within another, and so on."""
    for _ in range(depth):
        outer = Dataset()
        outer.add_new(tag, "SQ", items)
        items = [outer]
    return items


def mutated(content: bytes, random: Random) -> bytes:
    """Hostile elements, damaged bytes, or both: elements first, since only a whole file can be taken apart."""
    kind = random.randrange(3)
    if kind < 2:
        content = replaced(content, random)
    for _ in range(random.randint(1, 3) if kind else 0):
        content = damaged(content, random)
    return content[:LONGEST_FILE]


def torn(content: bytes, random: Random) -> bytes:
    """Damaged bytes of a file that is not DICOM."""
    for _ in range(random.randint(1, 3)):
        content = damaged(content, random)
    return content[:LONGEST_FILE]


def reworded(content: bytes, random: Random) -> bytes:
    """Numbers and words of a text replaced by hostile ones, damaged bytes, or both."""
    kind = random.randrange(3)
    for _ in range(random.choice((1, 1, 2, 4)) if kind < 2 else 0):
        places = list(re.finditer(rb"(?<=>)[^<>]+(?=<)|(?<== )[^\n]+|(?<=: )[^\n]+|(?<=,)[^,\n]+", content))
        if places:
            found = random.choice(places)
            word = random.choice(NUMBER_WORDS + TEXT_WORDS)
            content = content[: found.start()] + word + content[found.end() :]
    return torn(content, random) if kind else content[:LONGEST_FILE]
