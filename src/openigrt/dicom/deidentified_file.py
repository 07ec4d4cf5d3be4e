"""A DICOM file without the person in it: the header is treated, the pixel data are carried over byte for byte."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from openigrt.dicom.confidentiality import Profile
from openigrt.dicom.deidentification import PIXEL_TAGS, Remark, Remarks, deidentify
from openigrt.dicom.elements import PYDICOM_FAILURES, lenient, naming, one_line, text
from openigrt.dicom.load import UNDEFINED_LENGTH, read_before_pixels, transfer_syntax
from openigrt.dicom.pseudonyms import Pseudonyms
from openigrt.errors import UnreadableFile, UnsupportedInput

COPIED_AT_ONCE_BYTES = 2**20

NO_UID = "without-uid"

_MODALITY = re.compile(r"[A-Z][A-Z\d]{1,15}")
_ITEM, _END_OF_SEQUENCE = 0xFFFEE000, 0xFFFEE0DD
_SYNTAX = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}


@dataclass(frozen=True, eq=False, slots=True)
class DeidentifiedFile:
    """The treated header of a file, what was noticed, and which bytes of the source are its pixel data."""

    source: Path
    header: Dataset
    remarks: Remarks
    syntax: UID
    pixels: range

    @property
    def place(self) -> PurePosixPath:
        """Where the file goes below a folder: patient, modality and series, object; new names alone."""
        with naming(self.header):
            patient, modality = text(self.header, "PatientID"), text(self.header, "Modality")
            series, instance = text(self.header, "SeriesInstanceUID"), text(self.header, "SOPInstanceUID")
        kind = modality if _MODALITY.fullmatch(modality) else "OT"
        return PurePosixPath(patient, f"{kind}_{series or NO_UID}", f"{instance or NO_UID}.dcm")


def deidentified_file(source: Path, profile: Profile, pseudonyms: Pseudonyms) -> DeidentifiedFile:
    """Read one file and de-identify its header; the encoding stays, and so does every byte of the pixel data.

    Raises UnreadableFile for a damaged source, UnsupportedInput for one that is deflated or nested too deeply, OSError
    where the system refuses.
    """
    header, start = read_before_pixels(source)
    syntax, size = _syntax(header), source.stat().st_size
    with source.open("rb") as file:
        end = _end_of_pixels(file, start, size, syntax)
    remarks = deidentify(header, profile, pseudonyms)
    if end < size:
        remarks[Remark.AFTER_PIXELS, ""] += 1
    return DeidentifiedFile(source, header, remarks, syntax, range(start, end))


def save_deidentified(file: DeidentifiedFile, target: Path) -> None:
    """Write a Part 10 file that appears whole or not at all; the pixel data are copied from the source piece by piece.

    Raises UnreadableFile where the source has shrunk, OSError where the system refuses.
    """
    unfinished = target.with_name(f".{target.name}.part")
    try:
        with unfinished.open("wb") as written, file.source.open("rb") as source:
            _write_header(written, file.header, file.syntax)
            source.seek(file.pixels.start)
            _copy(source, written, len(file.pixels))
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _syntax(header: Dataset) -> UID:
    """The transfer syntax that the elements are really in, which a file without meta information does not say."""
    named = UID(transfer_syntax(header))
    implicit, little = header.original_encoding
    found = _SYNTAX.get((bool(implicit), bool(little)))
    is_compressed = not named.is_private and named.is_transfer_syntax and named.is_compressed
    if named == DeflatedExplicitVRLittleEndian:
        raise UnsupportedInput("The object is deflated; convert it to an uncompressed transfer syntax.")
    if found is None or (is_compressed and found is not ExplicitVRLittleEndian):
        raise UnsupportedInput(f"The object is not encoded as its transfer syntax {named.name} says.")
    return named if is_compressed else found


def _end_of_pixels(file: BinaryIO, start: int, size: int, syntax: UID) -> int:
    """Where the pixel data element that begins at `start` ends; raises UnreadableFile where it does not."""
    if start >= size:
        return size
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    is_implicit = syntax == ImplicitVRLittleEndian
    first = start + (8 if is_implicit else 12)
    file.seek(start)
    begin = file.read(first - start)
    if start + len(begin) < first:
        return start
    group, element = struct.unpack(order + "HH", begin[:4])
    if group << 16 | element not in PIXEL_TAGS:
        return start
    (length,) = struct.unpack(order + "I", begin[4:8] if is_implicit else begin[8:12])
    end = _end_of_items(file, first, order) if length == UNDEFINED_LENGTH else first + length
    if end > size:
        raise UnreadableFile("The pixel data are truncated.")
    return end


def _end_of_items(file: BinaryIO, position: int, order: str) -> int:
    """Where encapsulated pixel data end (PS3.5, A.4); nothing of them is read but the lengths."""
    while True:
        file.seek(position)
        begin = file.read(8)
        if len(begin) < 8:
            raise UnreadableFile("The compressed pixel data are truncated.")
        group, element, length = struct.unpack(order + "HHI", begin)
        position += 8
        if group << 16 | element == _END_OF_SEQUENCE:
            return position
        if group << 16 | element != _ITEM or length == UNDEFINED_LENGTH:
            raise UnreadableFile("The compressed pixel data are no sequence of fragments.")
        position += length


def _write_header(file: BinaryIO, header: Dataset, syntax: UID) -> None:
    """Preamble of zeros, new File Meta Information and the data set, in the encoding of the source."""
    with naming(header):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = UID(text(header, "SOPClassUID"))
        meta.MediaStorageSOPInstanceUID = UID(text(header, "SOPInstanceUID"))
        meta.TransferSyntaxUID = syntax
        header.file_meta, header.preamble = meta, b"\0" * 128
        try:
            with lenient():
                dcmwrite(file, header, enforce_file_format=True)
        except PYDICOM_FAILURES as failure:
            if isinstance(failure, OSError) and failure.errno is not None:  # pydicom's own OSErrors have no number
                raise
            raise UnreadableFile(f"The object cannot be written again: {one_line(failure)}.") from None


def _copy(source: BinaryIO, target: BinaryIO, count: int) -> None:
    """Copy bytes piece by piece."""
    while count > 0:
        piece = source.read(min(count, COPIED_AT_ONCE_BYTES))
        if not piece:
            raise UnreadableFile("The pixel data are truncated.")
        target.write(piece)
        count -= len(piece)
