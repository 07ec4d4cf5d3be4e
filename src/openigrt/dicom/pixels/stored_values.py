"""Stored pixel values of a file: taken from its bytes where they are uncompressed, else decoded."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from openigrt.dicom.dataset.elements import whole_number
from openigrt.dicom.dataset.inventory import Instance
from openigrt.dicom.dataset.load import PixelElement, plain_content, transfer_syntax
from openigrt.dicom.pixels.decoding import Encoded, decoded_frame, require_codec
from openigrt.dicom.pixels.encapsulated import END_OF_FRAGMENTS, encoded_frames, fragments
from openigrt.dicom.pixels.stored_bits import stored_type, within_stored_bits
from openigrt.errors import MissingInput, UnreadableFile

NATIVE_SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
FEWEST_BYTES_OF_A_FRAME = 8


def stored_pixels(
    instance: Instance, content: bytes, shape: tuple[int, int], frames: Sequence[int] = (0,)
) -> Iterator[NDArray[np.integer]]:
    """Stored values (rows, columns) of each of these frames, counted from 0, from the bytes of a file.

    Without rescale; sign and unused high bits put right. Raises MissingInput without pixel data, UnreadableFile where
    their number is wrong or they cannot be decoded, UnsupportedInput where the codec is not installed.
    """
    count = number_of_frames(instance)
    pixels = required_pixels(instance, count * shape[0] * shape[1])
    plain = plain_content(instance.path, content, pixels)
    if pixels.length is None:
        encoded = encoded_frames(str(instance.path), plain, pixels.offset, count)
        source = Encoded(instance.header, str(instance.path), shape)
        yield from (within_stored_bits(instance.header, decoded_frame(source, encoded[frame])) for frame in frames)
        return
    dtype = stored_type(instance.header)
    needed = count * shape[0] * shape[1] * dtype.itemsize
    if pixels.offset + needed > len(plain):
        raise _too_few(instance, needed, len(plain) - pixels.offset)
    stored = np.frombuffer(plain, dtype, needed // dtype.itemsize, pixels.offset).reshape(count, *shape)
    yield from (within_stored_bits(instance.header, stored[frame]) for frame in frames)


def number_of_frames(instance: Instance) -> int:
    """Number of Frames; one where it is not said. Raises UnreadableFile for less than none."""
    count = whole_number(instance.header, "NumberOfFrames") or 1
    if count < 1:
        raise UnreadableFile(f"{instance.path} announces {count} frames; expected one at least.", frames=count)
    return count


def decoded(dataset: Dataset, name: str, shape: tuple[int, int, int]) -> NDArray[np.integer]:
    """Pixels of `shape` (frames, rows, columns) of a compressed data set, called `name` in errors."""
    source = Encoded(dataset, name, shape[1:])
    require_codec(UID(transfer_syntax(dataset)), name)
    content = dataset.PixelData + END_OF_FRAGMENTS  # pydicom leaves it out of the value
    encoded = encoded_frames(name, content, 0, shape[0])
    return np.stack([decoded_frame(source, frame) for frame in encoded])


def required_pixels(instance: Instance, count: int) -> PixelElement:
    """Where an object holds `count` pixels at least; raises MissingInput without any, UnreadableFile with too few.

    Raises UnsupportedInput where they are compressed and cannot be decoded here.
    """
    if instance.pixels is None:
        raise MissingInput(f"{instance.path} has no pixel data.", path=str(instance.path))
    if instance.pixels.length is None:
        require_codec(UID(transfer_syntax(instance.header)), str(instance.path))
        return instance.pixels
    needed = count * stored_type(instance.header).itemsize
    if needed > instance.pixels.length:
        raise _too_few(instance, needed, instance.pixels.length)
    return instance.pixels


def require_whole_pixels(instance: Instance, count: int) -> None:
    """Raise as `required_pixels`, and UnreadableFile where compressed pixels end too early; nothing is decoded."""
    pixels = required_pixels(instance, count)
    if pixels.length is None:
        with instance.path.open("rb") as file:
            fragments(str(instance.path), file, pixels.offset, instance.path.stat().st_size)


def _too_few(instance: Instance, needed: int, found: int) -> UnreadableFile:
    """The error for fewer bytes of pixels than frames, rows and columns need."""
    return UnreadableFile(
        f"{instance.path} announces {needed} bytes of pixels and holds {found}.", path=str(instance.path)
    )
