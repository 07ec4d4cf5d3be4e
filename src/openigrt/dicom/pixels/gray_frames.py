"""Gray pixels of objects that were read whole: RT Images, ultrasound volumes."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from openigrt.dicom.dataset.elements import name_of, raw_value, required_whole_number, text, whole_number
from openigrt.dicom.dataset.load import transfer_syntax
from openigrt.dicom.pixels.stored_bits import BITS_ALLOCATED, stored_type, within_stored_bits
from openigrt.dicom.pixels.stored_values import NATIVE_SYNTAXES, decoded
from openigrt.errors import MissingInput, UnreadableFile, UnsupportedInput

MAX_FRAMES = 10_000
MAX_PIXELS = 2**29
MAX_COMPRESSED_PIXELS = 2**27  # what is announced is allocated before it is decoded


def gray_frames(dataset: Dataset) -> NDArray[np.integer]:
    """Stored values [frame, row, column] of a gray image that was read whole, sign and unused high bits put right.

    Raises UnsupportedInput for color, other bit depths and more than 2^29 pixels (2^27 where they are compressed),
    MissingInput without pixel data, UnreadableFile where there are too few.
    """
    photometric, samples = text(dataset, "PhotometricInterpretation"), whole_number(dataset, "SamplesPerPixel") or 1
    bits = required_whole_number(dataset, "BitsAllocated")
    if samples != 1 or not photometric.startswith("MONOCHROME") or bits not in BITS_ALLOCATED:
        raise UnsupportedInput(
            f"{name_of(dataset)} is {photometric or 'of unknown photometric interpretation'} with {samples} samples of "
            f"{bits} bits; expected one gray value of 8, 16 or 32 bits."
        )
    shape = _announced_shape(dataset)
    content = raw_value(dataset, "PixelData")
    if not isinstance(content, bytes) or not content:
        raise MissingInput(f"{name_of(dataset)} has no pixel data.")
    if transfer_syntax(dataset) not in NATIVE_SYNTAXES:
        return within_stored_bits(dataset, decoded(dataset, name_of(dataset), shape))
    dtype, count = stored_type(dataset), shape[0] * shape[1] * shape[2]
    if len(content) < count * dtype.itemsize:
        raise UnreadableFile(
            f"{name_of(dataset)} announces {count * dtype.itemsize} bytes of pixels and holds {len(content)}."
        )
    return within_stored_bits(dataset, np.frombuffer(content, dtype, count).reshape(shape))


def _announced_shape(dataset: Dataset) -> tuple[int, int, int]:
    """(frames, rows, columns), each above zero and together not too many."""
    frames = whole_number(dataset, "NumberOfFrames")
    rows, columns = required_whole_number(dataset, "Rows"), required_whole_number(dataset, "Columns")
    shape = (1 if frames is None else frames, rows, columns)
    most = MAX_PIXELS if transfer_syntax(dataset) in NATIVE_SYNTAXES else MAX_COMPRESSED_PIXELS
    if min(shape) < 1 or shape[0] > MAX_FRAMES or shape[0] * rows * columns > most:
        raise UnsupportedInput(
            f"{name_of(dataset)} announces {shape[0]} frames of {rows} rows and {columns} columns; expected at least "
            f"one of each, at most {MAX_FRAMES} frames and at most {most} pixels."
        )
    return shape
