"""Opening DICOM files without trusting them: lengths are checked against the file before anything is read."""

import hashlib
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from openigrt.dicom.elements import PYDICOM_FAILURES, lenient, naming, one_line, text
from openigrt.errors import UnreadableFile, UnsupportedInput

MAX_OBJECT_BYTES = 2**31
PREAMBLE_BYTES = 132
UNDEFINED_LENGTH = 0xFFFFFFFF
PIXEL_DATA = (0x7FE0, 0x0010)
IMPLICIT_STARTS = (b"\x02\x00", b"\x08\x00")


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that was used: where it lay, which object it holds, and the SHA-256 of its bytes."""

    path: Path
    sop_instance_uid: str
    sha256: str


class WholeReads:
    """A file of known size in which reading or seeking past the end means that the file is truncated.

    pydicom returns silently at such an end; the end of the last element is the only place where nothing may be left.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read from `file`, which holds `size` bytes."""
        self._file, self._size, self._ended, self._position = file, size, False, file.tell()

    def read(self, count: int = -1) -> bytes:
        """Exactly `count` bytes; nothing at all once, at the very end."""
        if count < 0:
            raise _Deflated  # pydicom reads all that is left only to inflate it, without a limit
        left = self._size - self._position
        if count > left and (left > 0 or self._ended):
            raise _Truncated
        self._ended = self._ended or (count > 0 and left == 0)
        content = self._file.read(count)
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move within the file."""
        if whence == 0 and offset > self._size:
            raise _Truncated
        self._position = self._file.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position


class _Truncated(Exception):
    """Carried through pydicom, which swallows EOFError."""


class _Deflated(Exception):
    """Carried through pydicom when it is about to inflate a data set."""


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where the pixel data of a file lie: first byte and number of bytes, None when they are encapsulated."""

    offset: int
    length: int | None


def says_dicom(start: bytes) -> bool:
    """Whether the first 132 bytes are the preamble of a DICOM file (PS3.10, 7.1)."""
    return start[128:132] == b"DICM"


def looks_like_dicom(start: bytes) -> bool:
    """Whether the first 132 bytes may be those of a DICOM file, with or without the preamble."""
    return says_dicom(start) or start[:2] in IMPLICIT_STARTS


def read_header(path: Path, keywords: list[str]) -> tuple[Dataset, PixelElement | None]:
    """The elements `keywords` of a file before its pixel data, and where the pixel data lie.

    Raises UnreadableFile when the file is truncated or malformed, UnsupportedInput when it is deflated.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header = _parse(path, WholeReads(file, size), keywords)
        start = file.read(12)
        return header, _pixel_element(path, header, start, (file.tell(), size))


def read_before_pixels(path: Path) -> tuple[Dataset, int]:
    """All elements of a file before its pixel data, and where those begin: the size of the file where there are none.

    Raises UnreadableFile when the file is no DICOM, too large, truncated or malformed, UnsupportedInput when deflated.
    """
    size = path.stat().st_size
    if size > MAX_OBJECT_BYTES:
        raise UnreadableFile(f"{path} has {size} bytes; at most {MAX_OBJECT_BYTES} are read.", path=str(path))
    with path.open("rb") as file:
        if not looks_like_dicom(file.read(PREAMBLE_BYTES)):
            raise UnreadableFile(f"{path} is not DICOM.", path=str(path))
        file.seek(0)
        return _parse(path, WholeReads(file, size), None), file.tell()


def read_object(path: Path) -> tuple[Dataset, InputFile]:
    """A whole data set and the record of its file; raises UnreadableFile when no DICOM, truncated or too large."""
    content = read_content(path)
    if not looks_like_dicom(content[:PREAMBLE_BYTES]):
        raise UnreadableFile(f"{path} is not DICOM.", path=str(path))
    file = BytesIO(content)
    dataset = _parse(path, WholeReads(file, len(content)), None)
    pixels = _pixel_element(path, dataset, file.read(12), (file.tell(), len(content)))
    if pixels is not None and pixels.length is not None:
        dataset.PixelData = content[pixels.offset : pixels.offset + pixels.length]
    elif pixels is not None:
        dataset = parse_encapsulated(path, content)
    with naming(dataset):
        uid = text(dataset, "SOPInstanceUID")
    return dataset, InputFile(path, uid, hashlib.sha256(content).hexdigest())


def read_content(path: Path) -> bytes:
    """The bytes of a file; raises UnreadableFile when the system refuses or there are too many."""
    try:
        size = path.stat().st_size
        if size > MAX_OBJECT_BYTES:
            raise UnreadableFile(f"{path} has {size} bytes; at most {MAX_OBJECT_BYTES} are read.", path=str(path))
        return path.read_bytes()
    except OSError as failure:
        raise UnreadableFile(f"{path} cannot be read: {failure.strerror}.", path=str(path)) from None


def parse_encapsulated(path: Path, content: bytes) -> Dataset:
    """The data set of a file with compressed pixels, pixels included; `path` is only named."""
    try:
        with lenient():
            return dcmread(BytesIO(content), force=True)
    except PYDICOM_FAILURES as failure:
        raise UnreadableFile(f"{path} is damaged DICOM ({one_line(failure)}).", path=str(path)) from None


def transfer_syntax(dataset: Dataset) -> str:
    """Transfer Syntax UID; implicit little endian where the file does not say (PS3.5, 10)."""
    with naming(dataset):
        return text(getattr(dataset, "file_meta", Dataset()), "TransferSyntaxUID") or str(ImplicitVRLittleEndian)


def _parse(path: Path, file: WholeReads, keywords: list[str] | None) -> Dataset:
    """pydicom's reader up to the pixel data, its many failures as one."""
    try:
        with lenient():
            return dcmread(file, force=True, stop_before_pixels=True, specific_tags=keywords)
    except _Truncated:
        raise UnreadableFile(f"{path} is truncated: it ends in the middle of an element.", path=str(path)) from None
    except _Deflated:
        raise UnsupportedInput(
            f"{path} is deflated DICOM, which is not read; convert it to an uncompressed transfer syntax."
        ) from None
    except PYDICOM_FAILURES as failure:
        raise UnreadableFile(f"{path} is damaged DICOM ({one_line(failure)}).", path=str(path)) from None


def _pixel_element(path: Path, dataset: Dataset, start: bytes, extent: tuple[int, int]) -> PixelElement | None:
    """The pixel data element that begins with the 12 bytes `start`; `extent` is (position after them, file size)."""
    after, size = extent
    if len(start) < 12:
        return None
    syntax = transfer_syntax(dataset)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    group, element = struct.unpack(order + "HH", start[:4])
    if (group, element) != PIXEL_DATA:
        return None
    implicit = not start[4:6].isalpha()
    (length,) = struct.unpack(order + "I", start[4:8] if implicit else start[8:12])
    offset = after - 4 if implicit else after
    if length == UNDEFINED_LENGTH:
        return PixelElement(offset, None)
    if offset + length > size:
        raise UnreadableFile(
            f"{path} is truncated: {length} bytes of pixel data are announced and {size - offset} are there.",
            path=str(path),
        )
    return PixelElement(offset, length)
