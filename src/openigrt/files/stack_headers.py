"""Headers of volumes and of stacks of projections in MetaImage (.mha, .mhd) and NRRD (.nrrd, .nhdr) files.

They are read here because ITK's own readers end the program on some. https://itk.org/Wiki/ITK/MetaIO/Documentation and
https://teem.sourceforge.net/nrrd/format.html. Axes are given the fastest first; geometry is that of ITK: mm, axes of
LPS, and for a stack of projections those of RTK's detector.
"""

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from openigrt.errors import UnreadableFile, UnsupportedInput
from openigrt.geometry import Float64Array

LONGEST_HEADER_BYTES = 2**20
MOST_PIXELS = 2**31
LONGEST_SIDE = 100_000
LONGEST_NAME = 255  # bytes
LARGEST_NUMBER = 1e6
LOCAL = "LOCAL"
MM = "mm"
NRRD_MARK = b"NRRD0"
NRRD_SKIPS = ("lineskip", "byteskip")
NRRD_OF_ONE_NUMBER = ("domain", "space", "time", "list", "none", "???")  # kinds of axes whose samples are one number
META_STARTS = (b"ObjectType", b"NDims", b"Comment")

META_KINDS = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
META_EXPECTED = {
    "BinaryData": "true",
    "HeaderSize": "0",
    "DistanceUnits": MM,
    "ElementToIntensityFunctionSlope": "1",
    "ElementToIntensityFunctionOffset": "0",
}
NRRD_NAMES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
NRRD_KINDS = {name: kind for kind, names in NRRD_NAMES.items() for name in names}
_IDENTITY = {2: "1 0 0 1", 3: "1 0 0 0 1 0 0 0 1"}
LPS_FROM: dict[str, tuple[float, ...]] = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "lps": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "las": (1.0, -1.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class StackHeader:
    """Size (columns, rows, slices or projections), geometry as ITK has it (mm), where and how the pixels are stored.

    `axes` is 2 for a single image, which is a stack of one.
    `has_space` says that the axes are those of the patient, and not only lengths. `data` is the file that holds the
    pixels from byte `start` on, deflated where `is_compressed`.
    """

    axes: int
    size: tuple[int, int, int]
    origin_mm: Float64Array
    spacing_mm: Float64Array
    direction: Float64Array
    has_space: bool
    kind: np.dtype[np.generic]
    data: Path
    start: int
    is_compressed: bool

    @property
    def is_whole_numbers(self) -> bool:
        """Whether pixels are stored as whole numbers."""
        return self.kind.kind in "iu"

    @property
    def pixel_count(self) -> int:
        """How many pixels there are in all."""
        return math.prod(self.size)

    @property
    def stored_bytes(self) -> int:
        """How many bytes the pixels take when they are not deflated."""
        return self.pixel_count * self.kind.itemsize


def is_meta(start: bytes) -> bool:
    """Whether a file begins as a MetaImage."""
    return start.lstrip().startswith(META_STARTS) and b"NDims" in start


def is_nrrd(start: bytes) -> bool:
    """Whether a file begins as an NRRD."""
    return start.startswith(NRRD_MARK)


def read_stack_header(path: Path) -> StackHeader:
    """The header of an image, a volume or a stack; raises UnreadableFile or UnsupportedInput that names the file."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_HEADER_BYTES)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    try:
        return _nrrd(path, content) if is_nrrd(content) else _meta(path, content)
    except (UnreadableFile, UnsupportedInput) as error:
        raise type(error)(f"{path}: {error.sentence}; write it again.", path=str(path)) from None


# -------------------------------------------------------------------------------- MetaImage


def _meta(path: Path, content: bytes) -> StackHeader:
    """A header of lines `key = value`, of which the last names where the pixels are."""
    fields, start = _meta_fields(content)
    axes = _axes(_word(fields, "NDims"), fields.get("ElementNumberOfChannels", "1"))
    _require_plain_meta(fields)
    kind = META_KINDS.get(_word(fields, "ElementType"))
    if kind is None:
        expected = ", ".join(META_KINDS)
        raise UnsupportedInput(f"its pixels are {fields['ElementType'][:40]!r}; expected one of {expected}")
    is_big = _is_true("ElementByteOrderMSB", _only(fields, ("ElementByteOrderMSB", "BinaryDataByteOrderMSB"), "False"))
    spacing = fields.get("ElementSpacing", fields.get("ElementSize", ""))  # of a voxel, where nothing says between them
    transform = _only(fields, ("TransformMatrix", "Rotation", "Orientation"), _IDENTITY[axes])
    origin = _only(fields, ("Offset", "Origin", "Position"), " ".join("0" * axes))
    data = _word(fields, "ElementDataFile")
    return StackHeader(
        axes=axes,
        size=_size(_word(fields, "DimSize"), axes),
        origin_mm=_in_three(_numbers(origin, axes, "Offset"), 0.0),
        spacing_mm=_in_three(_spacing(_numbers(spacing, axes, "ElementSpacing")), 1.0),
        direction=_turned_in_three(_numbers(transform, axes**2, "TransformMatrix").reshape(axes, axes).T),
        has_space=True,
        kind=np.dtype((">" if is_big else "<") + kind),
        data=path if data == LOCAL else _beside(path, data),
        start=start if data == LOCAL else 0,
        is_compressed=_is_true("CompressedData", fields.get("CompressedData", "False")),
    )


def _require_plain_meta(fields: dict[str, str]) -> None:
    """Raise UnsupportedInput for pixels that are text or stand after a gap, other units than mm, and scaled values."""
    for key, expected in META_EXPECTED.items():
        if fields.get(key, expected).lower() != expected:
            raise UnsupportedInput(f"its header says {key} = {fields[key][:40]!r}; only {expected!r} is read")


def _meta_fields(content: bytes) -> tuple[dict[str, str], int]:
    """Keys and values, and where the header ends."""
    fields: dict[str, str] = {}
    start = 0
    while "ElementDataFile" not in fields:
        end = content.find(b"\n", start)
        if end < 0:
            raise UnreadableFile("its header does not end with ElementDataFile")
        key, _, value = content[start:end].decode("latin-1").partition("=")
        _add(fields, key.strip(), value.strip())
        start = end + 1
    return fields, start


def _only(fields: dict[str, str], names: tuple[str, ...], otherwise: str) -> str:
    """The value of a key with several names; raises UnreadableFile where they contradict each other."""
    stated = {fields[name] for name in names if name in fields} or {otherwise}
    if len(stated) > 1:
        raise UnreadableFile(f"its header says several things of {' and '.join(names)}")
    return stated.pop()


def _is_true(name: str, word: str) -> bool:
    """Whether a word is yes as MetaIO knows it (True, T or 1); raises UnreadableFile where it is not no, either."""
    if word.lower() not in ("true", "t", "1", "false", "f", "0"):
        raise UnreadableFile(f"its header says {name} = {word[:40]!r}; expected True or False")
    return word.lower() in ("true", "t", "1")


# -------------------------------------------------------------------------------- NRRD


def _nrrd(path: Path, content: bytes) -> StackHeader:
    """A header of lines `field: value` that ends with an empty line, or with the file where the pixels are in another.

    https://teem.sourceforge.net/nrrd/format.html; names of fields are compared without their spaces.
    """
    fields, start = _nrrd_fields(content)
    axes = _axes(_word(fields, "dimension"), _components(fields.get("kinds", "")))
    kind, encoding = NRRD_KINDS.get(_word(fields, "type").lower()), _word(fields, "encoding").lower()
    skips = [name for name in NRRD_SKIPS if fields.get(name, "0") != "0"]
    if kind is None or encoding not in ("raw", "gzip", "gz") or skips:
        raise UnsupportedInput(
            f"its pixels are {fields['type'][:40]!r} in encoding {encoding[:40]!r} {', '.join(skips)}; expected "
            "numbers in encoding raw or gzip, without a gap"
        )
    data = fields.get("datafile")
    origin, spacing, direction = _nrrd_geometry(fields, axes)
    return StackHeader(
        axes=axes,
        size=_size(_word(fields, "sizes"), axes),
        origin_mm=_in_three(origin, 0.0),
        spacing_mm=_in_three(_spacing(spacing), 1.0),
        direction=_turned_in_three(direction),
        has_space="spacedirections" in fields,
        kind=np.dtype(_nrrd_order(fields, kind) + kind),
        data=path if data is None else _beside(path, data),
        start=start if data is None else 0,
        is_compressed=encoding != "raw",
    )


def _nrrd_fields(content: bytes) -> tuple[dict[str, str], int]:
    """Fields and values, and where the header ends."""
    empty_line = re.search(rb"\n\r?\n", content)
    fields: dict[str, str] = {}
    for line in content[: empty_line.start() if empty_line else None].decode("latin-1").split("\n")[1:]:
        if line.strip() and not line.startswith("#") and ":=" not in line:
            name, _, value = line.partition(":")
            _add(fields, name.strip().lower().replace(" ", ""), value.strip())
    if empty_line is None and ("datafile" not in fields or len(content) >= LONGEST_HEADER_BYTES):
        raise UnreadableFile("its header does not end with an empty line")
    return fields, empty_line.end() if empty_line else len(content)


def _components(kinds: str) -> str:
    """How many numbers there are at each place, by the kinds of the axes: an axis of components is none of space."""
    others = [kind for kind in kinds.lower().split() if kind not in NRRD_OF_ONE_NUMBER]
    return others[0] if others else "1"


def _nrrd_order(fields: dict[str, str], kind: str) -> str:
    """The order of bytes, which must be stated where there is one."""
    endian = fields.get("endian", "" if kind[1:] != "1" else "little").lower()
    if endian not in ("little", "big"):
        raise UnreadableFile(f"its endian is {endian[:40]!r}; expected little or big")
    return ">" if endian == "big" else "<"


def _nrrd_geometry(fields: dict[str, str], axes: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Origin, spacing and direction; from vectors in space where they are stated."""
    if "spacedirections" not in fields:
        if "axismins" in fields:
            raise UnsupportedInput("its position is stated as axis mins; expected space directions and space origin")
        return np.zeros(axes), _numbers(fields.get("spacings", ""), axes, "spacings"), np.eye(axes)
    in_a_plane = (1.0, 1.0) if axes == 2 else None  # two axes have no names
    signs, units = (
        LPS_FROM.get(fields.get("space", "").lower(), in_a_plane),
        fields.get("spaceunits", "").replace('"', " "),
    )
    if signs is None or len(signs) != axes or set(units.split()) - {MM}:
        found = f"{fields.get('space', 'not stated')} {units}".strip()
        raise UnsupportedInput(f"its space is {found[:80]!r}; expected LPS, RAS or LAS, in mm")
    vectors = _numbers(_without_brackets(fields["spacedirections"]), axes**2, "space directions")
    vectors = vectors.reshape(axes, axes) * signs
    lengths = _spacing(np.linalg.norm(vectors, axis=1))
    origin = _numbers(_without_brackets(fields.get("spaceorigin", " ".join("0" * axes))), axes, "space origin") * signs
    return origin, lengths, (vectors / lengths[:, np.newaxis]).T


def _without_brackets(text: str) -> str:
    """The numbers of (a,b,c) (d,e,f)."""
    return text.replace("(", " ").replace(")", " ").replace(",", " ")


# -------------------------------------------------------------------------------- both


def _add(fields: dict[str, str], name: str, value: str) -> None:
    """One line of a header; raises UnreadableFile where it contradicts a former one."""
    if fields.setdefault(name, value) != value and name.lower() != "comment":
        raise UnreadableFile(f"its header says two things of {name[:40]!r}: {fields[name][:40]!r} and {value[:40]!r}")


def _word(fields: dict[str, str], name: str) -> str:
    """The value of a key; raises UnreadableFile where it is absent."""
    found = fields.get(name)
    if not found:
        raise UnreadableFile(f"its header lacks {name}")
    return found


def _axes(dimensions: str, channels: str) -> int:
    """How many axes there are: two of an image, three of a volume or stack; raises UnsupportedInput for others."""
    if dimensions not in ("2", "3") or channels != "1":
        raise UnsupportedInput(
            f"it has {dimensions[:20]!r} dimensions and {channels[:20]!r} components; expected a 3D scalar "
            "volume or stack, or one image"
        )
    return int(dimensions)


def _in_three(values: Float64Array, third: float) -> Float64Array:
    """What is said along each axis, with a third one where there are two."""
    return np.append(values, third)[:3]


def _turned_in_three(direction: Float64Array) -> Float64Array:
    """The direction of three axes, where there may be two."""
    out = np.eye(3)
    out[: len(direction), : len(direction)] = direction
    return out


def _numbers(text: str, count: int, name: str) -> Float64Array:
    """So many finite numbers of bearable size."""
    words = text.split()
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if not words:
        raise UnreadableFile(f"its header lacks {name}")
    if len(values) != count or not all(math.isfinite(v) and abs(v) <= LARGEST_NUMBER for v in values):
        raise UnreadableFile(f"its header says {name} {text[:60]!r}, where {count} finite numbers are expected")
    return np.array(values)


def _spacing(values: Float64Array) -> Float64Array:
    """Spacings above zero."""
    if not (values > 0.0).all():
        raise UnreadableFile(f"its spacing is {values.tolist()}; expected numbers above zero")
    return values


def _size(text: str, axes: int) -> tuple[int, int, int]:
    """Columns, rows, slices or projections."""
    words = text.split()
    sides = [int(word) if word.isascii() and word.isdigit() and len(word) < 7 else 0 for word in words]
    if len(sides) != axes or not all(1 <= side <= LONGEST_SIDE for side in sides) or math.prod(sides) > MOST_PIXELS:
        raise UnreadableFile(f"its size is {text[:60]!r}; expected {axes} numbers, at most {MOST_PIXELS} pixels in all")
    return sides[0], sides[1], sides[2] if axes > 2 else 1


def _beside(path: Path, name: str) -> Path:
    """The file of pixels that a header names, which must lie in its folder."""
    is_plain = name == Path(name).name and name not in ("", ".", "..") and not name.startswith("LIST")
    if not is_plain or not name.isprintable() or len(os.fsencode(name)) > LONGEST_NAME:
        raise UnsupportedInput(f"its pixels are in {name[:60]!r}; expected a file in the same folder")
    return path.with_name(name)
