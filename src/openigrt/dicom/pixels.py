"""Stored pixel values of a file: taken from its bytes where they are uncompressed, else decoded by pydicom."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels import get_decoder, pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from openigrt.dicom.elements import PYDICOM_FAILURES, lenient, one_line, required_whole_number, whole_number
from openigrt.dicom.folder import Instance
from openigrt.dicom.load import PixelElement, parse_encapsulated, transfer_syntax
from openigrt.errors import MissingInput, UnreadableFile, UnsupportedInput

NATIVE_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
CODEC_EXTRA = "openigrt[codecs]"


def stored_pixels(instance: Instance, content: bytes, shape: tuple[int, ...]) -> NDArray[np.integer]:
    """Stored values of `shape` from the bytes of a file, without rescale; sign and unused high bits put right.

    Raises MissingInput without pixel data, UnreadableFile where their number is wrong or they cannot be decoded,
    UnsupportedInput where the codec is not installed.
    """
    count = int(np.prod(shape))
    pixels = required_pixels(instance, count)
    if pixels.length is None:
        stored = decoded(parse_encapsulated(instance.path, content), str(instance.path), shape)
    else:
        dtype = stored_type(instance.header)
        if pixels.offset + count * dtype.itemsize > len(content):
            raise _too_few(instance, count * dtype.itemsize, len(content) - pixels.offset)
        stored = np.frombuffer(content, dtype, count, pixels.offset).reshape(shape)
    return within_stored_bits(instance.header, stored)


def stored_type(header: Dataset) -> np.dtype[np.integer]:
    """The integer type of native pixels (PS3.5, 8.1.1)."""
    order = ">" if transfer_syntax(header) == ExplicitVRBigEndian else "<"
    kind = "i" if whole_number(header, "PixelRepresentation") == 1 else "u"
    return np.dtype(f"{order}{kind}{required_whole_number(header, 'BitsAllocated') // 8}")


def within_stored_bits(header: Dataset, stored: NDArray[np.integer]) -> NDArray[np.integer]:
    """Values without what may lie above Bits Stored, their sign extended."""
    allocated = required_whole_number(header, "BitsAllocated")
    unused = allocated - (whole_number(header, "BitsStored") or allocated)
    if not 0 < unused < allocated:
        return stored
    shifted: NDArray[np.integer] = np.right_shift(np.left_shift(stored, unused), unused)
    return shifted


def decoded(dataset: Dataset, name: str, shape: tuple[int, ...]) -> NDArray[np.integer]:
    """Pixels of a compressed data set; `name` is what it is called in errors."""
    _require_codec(UID(transfer_syntax(dataset)), name)
    try:
        with lenient():
            pixels = pixel_array(dataset, raw=True)
    except (*PYDICOM_FAILURES, RuntimeError) as failure:
        raise UnreadableFile(f"{name} has compressed pixels that cannot be decoded ({one_line(failure)}).") from None
    if pixels.shape != shape:
        raise UnreadableFile(f"{name} decodes to pixels of shape {pixels.shape}, expected {shape}.")
    return pixels


def required_pixels(instance: Instance, count: int) -> PixelElement:
    """Where an object holds `count` pixels at least; raises MissingInput without any, UnreadableFile with too few.

    Raises UnsupportedInput where they are compressed and cannot be decoded here.
    """
    if instance.pixels is None:
        raise MissingInput(f"{instance.path} has no pixel data.", path=str(instance.path))
    if instance.pixels.length is None:
        _require_codec(UID(transfer_syntax(instance.header)), str(instance.path))
        return instance.pixels
    needed = count * stored_type(instance.header).itemsize
    if needed > instance.pixels.length:
        raise _too_few(instance, needed, instance.pixels.length)
    return instance.pixels


def _too_few(instance: Instance, needed: int, found: int) -> UnreadableFile:
    """The error for fewer bytes of pixels than rows and columns need."""
    return UnreadableFile(
        f"{instance.path} announces {needed} bytes of pixels and holds {found}.", path=str(instance.path)
    )


def _require_codec(syntax: UID, name: str) -> None:
    """Raise UnsupportedInput for a transfer syntax that nobody decodes, or whose codec is not installed."""
    try:
        is_available = get_decoder(syntax).is_available
    except NotImplementedError:
        raise UnsupportedInput(f"{name} has transfer syntax {syntax}, which is not read.") from None
    if not is_available:
        raise UnsupportedInput(
            f"{name} is compressed ({syntax.name}) and its codec is not installed; install {CODEC_EXTRA}.",
            transfer_syntax=str(syntax),
        )
