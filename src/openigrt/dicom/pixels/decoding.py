"""Compressed frames to stored values, by one codec for each transfer syntax, after a look at what they announce.

RLE and lossless JPEG are decoded here, JPEG 2000 by OpenJPEG (else Pillow), JPEG-LS by CharLS, lossy JPEG by Pillow,
these through pydicom. GDCM is never asked: on damaged lossless JPEG it ends the program. No second decoder is asked
where one refuses: what one calls damaged is damaged.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, RLELossless

from openigrt.dicom.dataset.elements import PYDICOM_FAILURES, lenient, one_line, required_whole_number, whole_number
from openigrt.dicom.dataset.load import transfer_syntax
from openigrt.dicom.pixels.codestream import read_codestream
from openigrt.dicom.pixels.lossless_jpeg import lossless_frame
from openigrt.dicom.pixels.run_length import unpacked_frame
from openigrt.dicom.pixels.stored_bits import stored_type
from openigrt.errors import UnreadableFile, UnsupportedInput

CODEC_EXTRA = "openigrt[codecs]"
PREFERRED_PLUGINS = ("pylibjpeg", "pyjpegls", "pillow")
LOSSLESS_JPEG = (JPEGLossless, JPEGLosslessSV1)
DECODED_HERE = (RLELossless, *LOSSLESS_JPEG)
LOSSY_JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit)
WIDEST_LOSSY_JPEG_BITS = 8


@dataclass(frozen=True, eq=False, slots=True)
class Encoded:
    """What is known of compressed frames: their header, what they are called in errors, and (rows, columns)."""

    header: Dataset
    name: str
    shape: tuple[int, int]


def decoded_frame(source: Encoded, encoded: bytes) -> NDArray[np.integer]:
    """Stored values (rows, columns) of one compressed frame of one sample a pixel.

    Raises UnreadableFile where it cannot be decoded or announces another size than the header, UnsupportedInput where
    no codec for it is installed.
    """
    syntax = UID(transfer_syntax(source.header))
    require_codec(syntax, source.name)
    try:
        with lenient():
            pixels = _decoded(source, encoded, syntax)
    except (*PYDICOM_FAILURES, RuntimeError) as failure:
        raise UnreadableFile(
            f"{source.name} has compressed pixels that cannot be decoded ({one_line(failure)})."
        ) from None
    if pixels.shape != source.shape:
        raise UnreadableFile(f"{source.name} decodes to pixels of shape {pixels.shape}, expected {source.shape}.")
    return pixels


def require_codec(syntax: UID, name: str) -> None:
    """Raise UnsupportedInput for a transfer syntax that nobody decodes, or whose codec is not installed."""
    try:
        is_available = syntax in DECODED_HERE or bool(_plugins(get_decoder(syntax)))
    except NotImplementedError:
        raise UnsupportedInput(f"{name} has transfer syntax {syntax}, which is not read.") from None
    if not is_available:
        raise UnsupportedInput(
            f"{name} is compressed ({syntax.name}) and its codec is not installed; install {CODEC_EXTRA}.",
            transfer_syntax=str(syntax),
        )


def _plugins(decoder: Decoder) -> list[str]:
    """The installed plugins of a decoder, the preferred one first."""
    return [plugin for plugin in PREFERRED_PLUGINS if plugin in decoder.available_plugins]


def _decoded(source: Encoded, encoded: bytes, syntax: UID) -> NDArray[np.integer]:
    """A frame by its codec; what a JPEG announces must agree with the header, so that memory is what rows need."""
    if syntax == RLELossless:
        count = source.shape[0] * source.shape[1]
        return unpacked_frame(encoded, stored_type(source.header), count).reshape(source.shape)
    announced = read_codestream(encoded, syntax)
    if announced is None or (announced.rows, announced.columns, announced.samples) != (*source.shape, 1):
        found = f"{announced.rows} x {announced.columns} x {announced.samples}" if announced else "nothing readable"
        raise ValueError(f"they announce {found}, the header {source.shape[0]} x {source.shape[1]} x 1")
    if syntax in LOSSLESS_JPEG:
        return lossless_frame(encoded, source.shape).astype(stored_type(source.header))
    if announced.bits > WIDEST_LOSSY_JPEG_BITS and syntax in LOSSY_JPEG:
        raise UnsupportedInput(f"{source.name} is lossy JPEG of {announced.bits} bits, which no codec here decodes.")
    return _by_plugin(source, encoded, syntax)


def _by_plugin(source: Encoded, encoded: bytes, syntax: UID) -> NDArray[np.integer]:
    """A frame by the preferred plugin of pydicom."""
    decoder = get_decoder(syntax)
    header, (rows, columns) = source.header, source.shape
    allocated = required_whole_number(header, "BitsAllocated")
    options: dict[str, Any] = {
        "rows": rows,
        "columns": columns,
        "number_of_frames": 1,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "bits_allocated": allocated,
        "bits_stored": whole_number(header, "BitsStored") or allocated,
        "pixel_representation": whole_number(header, "PixelRepresentation") or 0,
        "pixel_keyword": "PixelData",
    }
    frame = encapsulate([encoded], has_bot=False)
    pixels, _ = decoder.as_array(frame, index=0, raw=True, decoding_plugin=_plugins(decoder)[0], **options)
    return pixels
