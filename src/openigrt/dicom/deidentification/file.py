"""A DICOM file without the person in it: the header is treated, the pixel data are carried over byte for byte."""

from collections import Counter
from dataclasses import dataclass
from io import BytesIO
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

from openigrt.dicom.dataset.elements import PYDICOM_FAILURES, lenient, naming, one_line, sop_class_name, text
from openigrt.dicom.dataset.load import (
    PIXEL_HEADER_BYTES,
    plain_content,
    read_before_pixels,
    read_content,
    read_header,
    transfer_syntax,
)
from openigrt.dicom.deidentification.confidentiality import Profile
from openigrt.dicom.deidentification.deidentified_elements import PIXEL_TAGS, Remark, Remarks, deidentify
from openigrt.dicom.deidentification.pixel_bytes import Piece, announced, pixel_pieces
from openigrt.dicom.deidentification.pseudonyms import Pseudonyms
from openigrt.errors import UnreadableFile, UnsupportedInput

COPIED_AT_ONCE_BYTES = 2**20

NO_UID = "without-uid"

# Defined terms of Modality (PS3.3, C.7.3.1.1.1) of the classes that are treated; a folder is called by no other word.
_MODALITIES = frozenset(
    "CR CT DX FID IO MG MR NM OT PT PX REG RF RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG "
    "SR SURFSEG US XA PR KO ES GM SM XC OP OPT IVUS IVOCT ECG EPS DOC M3D POS PLAN RG".split()
)
_SYNTAX = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}


@dataclass(frozen=True, eq=False, slots=True)
class DeidentifiedFile:
    """The treated header of a file, what was noticed, and its pixel data as places in the source or bytes."""

    source: Path
    header: Dataset
    remarks: Remarks
    syntax: UID
    pixels: tuple[Piece, ...]

    @property
    def sop_class_uid(self) -> str:
        """The class of the object, new where nobody registered it."""
        with naming(self.header):
            return text(self.header, "SOPClassUID")

    @property
    def class_name(self) -> str:
        """The class as the standard names it."""
        return sop_class_name(self.sop_class_uid)

    @property
    def place(self) -> PurePosixPath:
        """Where the file goes below a folder: patient, modality and series, object; new names alone."""
        with naming(self.header):
            patient, modality = text(self.header, "PatientID"), text(self.header, "Modality")
            series, instance = text(self.header, "SeriesInstanceUID"), text(self.header, "SOPInstanceUID")
        kind = modality if modality in _MODALITIES else "OT"
        return PurePosixPath(patient, f"{kind}_{series or NO_UID}", f"{instance or NO_UID}.dcm")


def deidentified_file(source: Path, profile: Profile, pseudonyms: Pseudonyms) -> DeidentifiedFile:
    """Read one file and de-identify its header; the encoding stays, and so does every byte of the picture.

    A deflated object becomes one in explicit little endian. Raises UnreadableFile for a damaged source,
    UnsupportedInput for one that is nested too deeply or deflated in a strange way, OSError where the system refuses.
    """
    header, start = read_before_pixels(source)
    if transfer_syntax(header) == DeflatedExplicitVRLittleEndian:
        return _inflated(source, profile, pseudonyms)
    syntax, size, picture = _syntax(header), source.stat().st_size, announced(header)
    found: Remarks = Counter()
    with source.open("rb") as file:
        pieces, end = pixel_pieces(file, range(start, size), syntax, picture, found)
    remarks = deidentify(header, profile, pseudonyms)
    remarks.update(found)
    if end < size:
        remarks[Remark.AFTER_PIXELS, ""] += 1
    return DeidentifiedFile(source, header, remarks, syntax, pieces)


def _inflated(source: Path, profile: Profile, pseudonyms: Pseudonyms) -> DeidentifiedFile:
    """The same of a deflated object, whose pixels are held until they are written."""
    header, pixels = read_header(source, None)
    if not PIXEL_TAGS.isdisjoint(header.keys()) or (pixels is not None and pixels.length is None):
        raise UnsupportedInput("The object is deflated, and its pixel data are of no kind that is read so.")
    content, found = b"", Counter[tuple[Remark, str]]()
    if pixels is not None and pixels.length is not None:
        content = plain_content(source, read_content(source), pixels)[pixels.offset - PIXEL_HEADER_BYTES :]
    pieces, end = pixel_pieces(BytesIO(content), range(len(content)), ExplicitVRLittleEndian, announced(header), found)
    remarks = deidentify(header, profile, pseudonyms)
    remarks.update(found)
    if end < len(content):
        remarks[Remark.AFTER_PIXELS, ""] += 1
    held = tuple(content[piece.start : piece.stop] if isinstance(piece, range) else piece for piece in pieces)
    return DeidentifiedFile(source, header, remarks, ExplicitVRLittleEndian, held)


def save_deidentified(file: DeidentifiedFile, target: Path) -> None:
    """Write a Part 10 file that appears whole or not at all; the pixel data are copied from the source piece by piece.

    Raises UnreadableFile where the source has shrunk, OSError where the system refuses.
    """
    unfinished = target.with_name(f".{target.name}.part")
    try:
        with unfinished.open("wb") as written, file.source.open("rb") as source:
            _write_header(written, file.header, file.syntax)
            for piece in file.pixels:
                if isinstance(piece, range):
                    source.seek(piece.start)
                    _copy(source, written, len(piece))
                else:
                    written.write(piece)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _syntax(header: Dataset) -> UID:
    """The transfer syntax that the elements are really in, which a file without meta information does not say."""
    named = UID(transfer_syntax(header))
    implicit, little = header.original_encoding
    found = _SYNTAX.get((bool(implicit), bool(little)))
    is_compressed = not named.is_private and named.is_transfer_syntax and named.is_compressed
    if found is None or (is_compressed and found is not ExplicitVRLittleEndian):
        raise UnsupportedInput(f"The object is not encoded as its transfer syntax {named.name} says.")
    return named if is_compressed else found


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
