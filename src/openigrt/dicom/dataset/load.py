"""Opening DICOM files without trusting them: lengths are checked against the file before anything is read."""

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from pydicom import Dataset, dcmread
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from openigrt.dicom.dataset.elements import PYDICOM_FAILURES, lenient, naming, one_line, text
from openigrt.dicom.dataset.inflating import InflatedFile, Truncated
from openigrt.errors import UnreadableFile

MAX_OBJECT_BYTES = 2**31
PREAMBLE_BYTES = 132
UNDEFINED_LENGTH = 0xFFFFFFFF
PIXEL_DATA = (0x7FE0, 0x0010)
PIXEL_HEADER_BYTES = 12
PIXEL_REPRESENTATIONS = (b"OB", b"OW", b"UN")  # each an odd length where there is no representation, so none at all
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
            raise Truncated
        self._ended = self._ended or (count > 0 and left == 0)
        content = self._file.read(count)
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move within the file."""
        if whence == 0 and offset > self._size:
            raise Truncated
        self._position = self._file.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position


class _Deflated(Exception):
    """Carried through pydicom when it is about to inflate a data set."""


Stream = WholeReads | InflatedFile


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where the pixel data of a file lie: first byte and number of bytes, None when they are encapsulated.

    In a deflated file both count inflated bytes, from `deflated_from` on; it is None in every other.
    """

    offset: int
    length: int | None
    deflated_from: int | None = None


def says_dicom(start: bytes) -> bool:
    """Whether the first 132 bytes are the preamble of a DICOM file (PS3.10, 7.1)."""
    return start[128:132] == b"DICM"


def looks_like_dicom(start: bytes) -> bool:
    """Whether the first 132 bytes may be those of a DICOM file, with or without the preamble."""
    return says_dicom(start) or start[:2] in IMPLICIT_STARTS


def read_header(path: Path, keywords: list[str] | None) -> tuple[Dataset, PixelElement | None]:
    """The elements `keywords` (all of them for None) of a file before its pixel data, and where the pixel data lie.

    Raises UnreadableFile when the file is truncated or malformed.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header, stream = _parse(path, file, size, keywords)
        return header, _pixel_element(path, header, stream, size)


def read_header_alone(path: Path, keywords: list[str]) -> Dataset:
    """The elements `keywords` of a file before its pixel data, whatever became of these; raises as `read_header`."""
    try:
        with path.open("rb") as file:
            return _parse(path, file, path.stat().st_size, keywords)[0]
    except OSError as failure:
        raise UnreadableFile(f"{path} cannot be read: {failure.strerror}.", path=str(path)) from None


def read_before_pixels(path: Path) -> tuple[Dataset, int]:
    """All elements of a file before its pixel data, and where those begin: the size of the file where there are none.

    The place means nothing in a deflated file. Raises UnreadableFile when the file is no DICOM, too large, truncated or
    malformed.
    """
    size = path.stat().st_size
    if size > MAX_OBJECT_BYTES:
        raise UnreadableFile(f"{path} has {size} bytes; at most {MAX_OBJECT_BYTES} are read.", path=str(path))
    with path.open("rb") as file:
        if not looks_like_dicom(file.read(PREAMBLE_BYTES)):
            raise UnreadableFile(f"{path} is not DICOM.", path=str(path))
        file.seek(0)
        return _parse(path, file, size, None)[0], file.tell()


def read_object(path: Path) -> tuple[Dataset, InputFile]:
    """A whole data set and the record of its file; raises UnreadableFile when no DICOM, truncated or too large."""
    content = read_content(path)
    if not looks_like_dicom(content[:PREAMBLE_BYTES]):
        raise UnreadableFile(f"{path} is not DICOM.", path=str(path))
    dataset, stream = _parse(path, BytesIO(content), len(content), None)
    pixels = _pixel_element(path, dataset, stream, len(content))
    if pixels is not None and pixels.length is not None:
        plain = plain_content(path, content, pixels)
        dataset.PixelData = plain[pixels.offset : pixels.offset + pixels.length]
    elif pixels is not None:
        dataset = _parse_encapsulated(path, content)
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


def plain_content(path: Path, content: bytes, pixels: PixelElement) -> bytes:
    """The bytes of a file as the offset of its pixels counts them: inflated where it is deflated.

    Raises UnreadableFile where they are damaged, truncated, or too many for a file of its size.
    """
    if pixels.deflated_from is None:
        return content
    file = BytesIO(content)
    file.seek(pixels.deflated_from)
    with _reading(path):
        return content[: pixels.deflated_from] + InflatedFile(str(path), file, len(content)).whole()


def _parse_encapsulated(path: Path, content: bytes) -> Dataset:
    """The data set of a file with compressed pixels, pixels included."""
    with _reading(path), lenient():
        return dcmread(BytesIO(content), force=True)


def transfer_syntax(dataset: Dataset) -> str:
    """Transfer Syntax UID; implicit little endian where the file does not say (PS3.5, 10)."""
    with naming(dataset):
        return text(getattr(dataset, "file_meta", Dataset()), "TransferSyntaxUID") or str(ImplicitVRLittleEndian)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn the many failures of pydicom and zlib into one error that names the file."""
    try:
        yield
    except Truncated:
        raise UnreadableFile(f"{path} is truncated: it ends in the middle of an element.", path=str(path)) from None
    except PYDICOM_FAILURES as failure:
        if _is_of_nesting(failure):
            raise UnreadableFile(
                f"{path} nests sequences deeper than any DICOM object needs; export it again.", path=str(path)
            ) from None
        raise UnreadableFile(f"{path} is damaged DICOM ({one_line(failure)}).", path=str(path)) from None


def _is_of_nesting(failure: BaseException) -> bool:
    """Whether it began with too deep a recursion, which pydicom may have made another exception of."""
    return isinstance(failure, RecursionError) or (
        failure.__context__ is not None and _is_of_nesting(failure.__context__)
    )


def _parse(path: Path, file: BinaryIO, size: int, keywords: list[str] | None) -> tuple[Dataset, Stream]:
    """What pydicom reads before the pixel data, and the stream that then stands at them."""
    stream = WholeReads(file, size)
    with _reading(path), lenient():
        try:
            return dcmread(stream, force=True, stop_before_pixels=True, specific_tags=keywords), stream
        except _Deflated:
            return _parse_deflated(path, InflatedFile(str(path), file, size), keywords)


def _parse_deflated(path: Path, stream: InflatedFile, keywords: list[str] | None) -> tuple[Dataset, Stream]:
    """The same of a deflated file, of which no more is inflated than is read."""
    tags: list[BaseTag | int] | None = None
    if keywords is not None:
        tags = [Tag(word) for word in ("SpecificCharacterSet", *keywords)]
    plain = cast(BinaryIO, stream)
    dataset = read_dataset(plain, False, True, stop_when=_is_pixel_data, specific_tags=tags)
    dataset.file_meta = read_file_meta_info(path)
    return dataset, stream


def _is_pixel_data(tag: BaseTag, vr: str | None, length: int) -> bool:
    """Whether an element is the pixel data."""
    return bool(tag == Tag(PIXEL_DATA))


def _pixel_element(path: Path, dataset: Dataset, stream: Stream, size: int) -> PixelElement | None:
    """The pixel data element that begins where the stream stands, in a file of so many bytes; None without any."""
    with _reading(path):
        try:
            start = stream.read(PIXEL_HEADER_BYTES)
        except Truncated:
            return None
    if len(start) < PIXEL_HEADER_BYTES:
        return None
    syntax = transfer_syntax(dataset)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    group, element = struct.unpack(order + "HH", start[:4])
    if (group, element) != PIXEL_DATA:
        return None
    implicit = start[4:6] not in PIXEL_REPRESENTATIONS
    (length,) = struct.unpack(order + "I", start[4:8] if implicit else start[8:12])
    offset = stream.tell() - (4 if implicit else 0)
    deflated_from = stream.start if isinstance(stream, InflatedFile) else None
    if length == UNDEFINED_LENGTH and deflated_from is not None:
        raise UnreadableFile(f"{path} is damaged DICOM: what is deflated holds no compressed pixels.", path=str(path))
    if length == UNDEFINED_LENGTH:
        return PixelElement(offset, None)
    if deflated_from is None and offset + length > size:
        raise UnreadableFile(
            f"{path} is truncated: {length} bytes of pixel data are announced and {size - offset} are there.",
            path=str(path),
        )
    return PixelElement(offset, length, deflated_from)
