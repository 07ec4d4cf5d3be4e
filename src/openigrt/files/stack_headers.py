"""Headers of stacks in MetaImage (.mha, .mhd) and NRRD files, read here: ITK's own readers end the program on some.

https://itk.org/Wiki/ITK/MetaIO/Documentation and https://teem.sourceforge.net/nrrd/format.html. Axes are given the
fastest first; geometry is that of ITK: mm, axes of LPS, and for a stack of projections those of RTK's detector.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from openigrt.errors import UnreadableFile, UnsupportedInput
from openigrt.geometry import Float64Array

LONGEST_HEADER_BYTES = 65_536
MOST_PIXELS = 2**31
LONGEST_SIDE = 100_000
LONGEST_NAME = 255
LARGEST_NUMBER = 1e6
LOCAL = "LOCAL"
NRRD_MARK = b"NRRD0"
META_STARTS = (b"ObjectType", b"NDims", b"Comment")

META_KINDS = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
NRRD_NAMES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
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
}


@dataclass(frozen=True, eq=False)
class StackHeader:
    """Size (columns, rows, projections), geometry as ITK has it (mm), and where and how the pixels are stored.

    `data` is the file that holds them from byte `start` on, deflated where `is_compressed`.
    """

    size: tuple[int, int, int]
    origin_mm: Float64Array
    spacing_mm: Float64Array
    direction: Float64Array
    kind: np.dtype[np.generic]
    data: Path
    start: int
    is_compressed: bool

    @property
    def is_whole_numbers(self) -> bool:
        """Whether pixels are stored as whole numbers."""
        return self.kind.kind in "iu"


def is_meta(start: bytes) -> bool:
    """Whether a file begins as a MetaImage."""
    return start.lstrip().startswith(META_STARTS) and b"NDims" in start


def is_nrrd(start: bytes) -> bool:
    """Whether a file begins as an NRRD."""
    return start.startswith(NRRD_MARK)


def read_stack_header(path: Path) -> StackHeader:
    """The header of a stack; an image of two dimensions is a stack of one.

    Raises UnreadableFile or UnsupportedInput that names the file.
    """
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
    kind = META_KINDS.get(_word(fields, "ElementType"))
    if kind is None or fields.get("BinaryData", "True").lower() != "true" or "HeaderSize" in fields:
        raise UnsupportedInput(f"its pixels are {fields['ElementType'][:40]!r}; expected binary numbers without a gap")
    is_big = next((fields[k] for k in ("ElementByteOrderMSB", "BinaryDataByteOrderMSB") if k in fields), "False")
    origin = _first(fields, ("Offset", "Origin", "Position"), " ".join("0" * axes))
    spacing = _first(fields, ("ElementSpacing", "ElementSize"), " ".join("1" * axes))
    transform = _first(fields, ("TransformMatrix", "Rotation", "Orientation"), _IDENTITY[axes])
    data = _word(fields, "ElementDataFile")
    return StackHeader(
        size=_size(_word(fields, "DimSize"), axes),
        origin_mm=_in_three(_numbers(origin, axes, "Offset"), 0.0),
        spacing_mm=_in_three(_spacing(_numbers(spacing, axes, "ElementSpacing")), 1.0),
        direction=_turned_in_three(_numbers(transform, axes**2, "TransformMatrix").reshape(axes, axes).T),
        kind=np.dtype((">" if is_big.lower() == "true" else "<") + kind),
        data=path if data == LOCAL else _beside(path, data),
        start=start if data == LOCAL else 0,
        is_compressed=fields.get("CompressedData", "False").lower() == "true",
    )


def _meta_fields(content: bytes) -> tuple[dict[str, str], int]:
    """Keys and values, and where the header ends."""
    fields: dict[str, str] = {}
    start = 0
    while "ElementDataFile" not in fields:
        end = content.find(b"\n", start)
        if end < 0:
            raise UnreadableFile("its header does not end with ElementDataFile")
        key, _, value = content[start:end].decode("latin-1").partition("=")
        fields[key.strip()], start = value.strip(), end + 1
    return fields, start


def _first(fields: dict[str, str], names: tuple[str, ...], otherwise: str) -> str:
    """The value of the first of these keys that is there."""
    return next((fields[name] for name in names if name in fields), otherwise)


# -------------------------------------------------------------------------------- NRRD


def _nrrd(path: Path, content: bytes) -> StackHeader:
    """A header of lines `field: value` that ends with an empty line."""
    fields, start = _nrrd_fields(content)
    axes = _axes(_word(fields, "dimension"), "1")
    kind, encoding = NRRD_KINDS.get(_word(fields, "type").lower()), _word(fields, "encoding").lower()
    stray = [
        name for name in ("data file", "datafile", "line skip", "lineskip", "byte skip", "byteskip") if name in fields
    ]
    if kind is None or encoding not in ("raw", "gzip", "gz") or stray:
        raise UnsupportedInput(
            f"its pixels are {fields['type'][:40]!r} in encoding {encoding[:40]!r} {', '.join(stray)}; expected "
            "numbers in encoding raw or gzip, in the file itself"
        )
    origin, spacing, direction = _nrrd_geometry(fields, axes)
    return StackHeader(
        size=_size(_word(fields, "sizes"), axes),
        origin_mm=_in_three(origin, 0.0),
        spacing_mm=_in_three(_spacing(spacing), 1.0),
        direction=_turned_in_three(direction),
        kind=np.dtype((">" if fields.get("endian", "little").lower() == "big" else "<") + kind),
        data=path,
        start=start,
        is_compressed=encoding != "raw",
    )


def _nrrd_fields(content: bytes) -> tuple[dict[str, str], int]:
    """Fields and values, and where the header ends."""
    fields: dict[str, str] = {}
    start = content.find(b"\n") + 1
    while True:
        end = content.find(b"\n", start)
        if end < 0 or start == 0:
            raise UnreadableFile("its header does not end with an empty line")
        line, start = content[start:end].decode("latin-1").strip(), end + 1
        if not line:
            return fields, start
        if not line.startswith("#") and ":=" not in line:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()


def _nrrd_geometry(fields: dict[str, str], axes: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Origin, spacing and direction; from vectors in space where they are stated."""
    if "space directions" not in fields:
        still = np.zeros(axes), np.eye(axes)
        return still[0], _numbers(fields.get("spacings", " ".join("1" * axes)), axes, "spacings"), still[1]
    signs = LPS_FROM.get(fields.get("space", "").lower(), None if axes > 2 else (1.0, 1.0))
    if signs is None or len(signs) != axes:
        raise UnsupportedInput(f"its space is {fields.get('space', 'not stated')[:40]!r}; expected LPS or RAS")
    vectors = _numbers(_without_brackets(fields["space directions"]), axes**2, "space directions")
    vectors = vectors.reshape(axes, axes) * signs
    lengths = _spacing(np.linalg.norm(vectors, axis=1))
    origin = _numbers(_without_brackets(fields.get("space origin", " ".join("0" * axes))), axes, "space origin") * signs
    return origin, lengths, (vectors / lengths[:, np.newaxis]).T


def _without_brackets(text: str) -> str:
    """The numbers of (a,b,c) (d,e,f)."""
    return text.replace("(", " ").replace(")", " ").replace(",", " ")


# -------------------------------------------------------------------------------- both


def _word(fields: dict[str, str], name: str) -> str:
    """The value of a key; raises UnreadableFile where it is absent."""
    found = fields.get(name)
    if not found:
        raise UnreadableFile(f"its header lacks {name}")
    return found


def _axes(dimensions: str, channels: str) -> int:
    """How many axes there are: two of an image, three of a stack; raises UnsupportedInput for what is neither."""
    if dimensions not in ("2", "3") or channels != "1":
        raise UnsupportedInput(
            f"it has {dimensions[:20]!r} dimensions and {channels[:20]!r} components; expected one image, or "
            "projections along a third axis"
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
    if len(values) != count or not all(math.isfinite(v) and abs(v) <= LARGEST_NUMBER for v in values):
        raise UnreadableFile(f"its header says {name} {text[:60]!r}, where {count} finite numbers are expected")
    return np.array(values)


def _spacing(values: Float64Array) -> Float64Array:
    """Spacings above zero."""
    if not (values > 0.0).all():
        raise UnreadableFile(f"its spacing is {values.tolist()}; expected numbers above zero")
    return values


def _size(text: str, axes: int) -> tuple[int, int, int]:
    """Columns, rows, projections."""
    words = text.split()
    sides = [int(word) if word.isascii() and word.isdigit() and len(word) < 7 else 0 for word in words]
    if len(sides) != axes or not all(1 <= side <= LONGEST_SIDE for side in sides) or math.prod(sides) > MOST_PIXELS:
        raise UnreadableFile(f"its size is {text[:60]!r}; expected {axes} numbers, at most {MOST_PIXELS} pixels in all")
    return sides[0], sides[1], sides[2] if axes > 2 else 1


def _beside(path: Path, name: str) -> Path:
    """The file of pixels that an .mhd names, which must lie in its folder."""
    if name != Path(name).name or name in ("", ".", "..", "LIST") or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UnsupportedInput(f"its pixels are in {name[:60]!r}; expected a file in the same folder")
    return path.with_name(name)
