"""Pixels of volumes and stacks of projections (.mha, .mhd, .nrrd) and of TIFF images."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from openigrt.errors import UnreadableFile, UnsupportedInput
from openigrt.files.detector_size import require_detector
from openigrt.files.file_pixels import Float32Array
from openigrt.files.silence import silent_standard_error
from openigrt.files.stack_headers import StackHeader

TIFF_MARKS = (b"II*\x00", b"MM\x00*")
TIFF_MODES = ("L", "I;16", "I;16L", "I;16B", "I", "F")
CHUNK_BYTES = 2**18
PIXELS_AT_ONCE = 2**17
ALWAYS_INFLATED_PIXELS = 2**26
MOST_PIXELS_PER_BYTE = 100
LARGEST_VALUE = 1e9
GZIP_OR_ZLIB = 47
DAMAGED_TIFF = (
    *(OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, struct.error, MemoryError, OverflowError),
    *(UnidentifiedImageError, Image.DecompressionBombError, RuntimeError, EOFError, ArithmeticError, AttributeError),
)


def is_tiff(start: bytes) -> bool:
    """Whether a file begins as a TIFF image."""
    return start.startswith(TIFF_MARKS)


def require_whole(path: Path, header: StackHeader) -> None:
    """Raise UnreadableFile unless a header announces the pixels that are there, or that may believably be deflated."""
    if not header.data.is_file():
        raise UnreadableFile(f"{header.data} cannot be read: there is no such file.", path=str(header.data))
    there = header.data.stat().st_size - header.start
    if header.is_compressed:
        is_whole = header.pixel_count <= max(ALWAYS_INFLATED_PIXELS, MOST_PIXELS_PER_BYTE * there)
    else:
        is_whole = header.stored_bytes == there
    if not is_whole:
        raise UnreadableFile(
            f"{path} is truncated or damaged: its pixels take {header.stored_bytes} bytes, and {there} are there; "
            "write it again.",
            path=str(path),
        )


@dataclass(frozen=True, eq=False)
class StackPixels:
    """The pixels of one file, read when a slice needs them; compressed ones are read whole once, and kept."""

    path: Path
    header: StackHeader

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices or projections, rows, columns)."""
        columns, rows, count = self.header.size
        return count, rows, columns

    def __getitem__(self, which: slice, /) -> Float32Array:
        """Those of a slice along the first axis (n, rows, columns)."""
        chosen = range(*which.indices(self.shape[0]))
        if not chosen:
            return np.empty((0, *self.shape[1:]), dtype=np.float32)
        if self.header.is_compressed:
            return self._whole[which]
        first, last = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
        part = self._part(first, last - first + 1)
        return part if chosen.step == 1 else np.ascontiguousarray(part[np.array(chosen) - first])

    def _part(self, first: int, count: int) -> Float32Array:
        """Some slices of a plain file."""
        each = self.shape[1] * self.shape[2] * self.header.kind.itemsize
        with self._opened(self.header.start + first * each) as file:
            return self._filled(count, file.read)

    @cached_property
    def _whole(self) -> Float32Array:
        """All pixels of a compressed file, of which nothing may be left, and whose checksum must be right."""
        with self._opened(self.header.start) as file:
            inflated = _Inflated(file)
            pixels = self._filled(self.shape[0], inflated.read)
            is_at_end = not inflated.read(1) and inflated.is_whole
        if not is_at_end:
            raise UnreadableFile(
                f"{self.path} is truncated or damaged: it holds other pixels than its header says; write it again.",
                path=str(self.path),
            )
        return pixels

    @contextmanager
    def _opened(self, start: int) -> Iterator[BinaryIO]:
        """The file of the pixels from a byte on; what fails meanwhile becomes UnreadableFile."""
        try:
            with self.header.data.open("rb") as file:
                file.seek(start)
                yield file
        except (OSError, zlib.error) as error:
            raise UnreadableFile(
                f"{self.path} is truncated or damaged: {error}; write it again.", path=str(self.path)
            ) from None

    def _filled(self, count: int, read: Callable[[int], bytes | bytearray]) -> Float32Array:
        """So many slices from the next bytes, a piece at a time that stays in the cache."""
        pixels = np.empty((count, *self.shape[1:]), dtype=np.float32)
        flat = pixels.reshape(-1)
        for start in range(0, len(flat), PIXELS_AT_ONCE):
            into = flat[start : start + PIXELS_AT_ONCE]
            stored = np.frombuffer(read(len(into) * self.header.kind.itemsize), dtype=np.uint8)
            if len(stored) < len(into) * self.header.kind.itemsize:
                raise UnreadableFile(
                    f"{self.path} is truncated or damaged: pixels are missing; write it again.", path=str(self.path)
                )
            _set_bearable(self.path, into, stored.view(self.header.kind))
        return pixels


class _Inflated:
    """A deflated file (gzip or zlib), of which never more is held than is asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._inflater = file, zlib.decompressobj(GZIP_OR_ZLIB)

    @property
    def is_whole(self) -> bool:
        """Whether the end has been reached, and its checksum was right."""
        return self._inflater.eof

    def read(self, count: int) -> bytearray:
        """The next bytes, fewer where the file ends."""
        found = bytearray()
        while len(found) < count and not self._inflater.eof:
            pending = self._inflater.unconsumed_tail or self._file.read(CHUNK_BYTES)
            piece = self._inflater.decompress(pending, count - len(found))
            if not pending and not piece:
                break
            found += piece
        return found


def read_tiff_size(path: Path) -> tuple[tuple[int, int], bool]:
    """(columns, rows), and whether pixels are whole numbers; raises UnreadableFile or UnsupportedInput."""
    with _tiff_refusals(path), Image.open(path, formats=("TIFF",)) as image:
        size, mode, frames = image.size, image.mode, getattr(image, "n_frames", 1)
    if mode not in TIFF_MODES or frames != 1:
        raise UnsupportedInput(
            f"{path} holds {frames} images of mode {mode}; expected one of gray values (8, 16 or 32 bits).",
            path=str(path),
        )
    require_detector(path, *size)
    return size, mode != "F"


def read_tiff_pixels(path: Path) -> Float32Array:
    """Pixels (rows, columns) of an image; raises UnreadableFile or UnsupportedInput."""
    read_tiff_size(path)
    with _tiff_refusals(path), Image.open(path, formats=("TIFF",)) as image:
        stored = np.asarray(image)
    return _bearable(path, stored)


@contextmanager
def _tiff_refusals(path: Path) -> Iterator[None]:
    """Turn whatever Pillow raises on a damaged image into one sentence, and let it say nothing else."""
    try:
        with silent_standard_error(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DAMAGED_TIFF:
        raise UnreadableFile(f"{path} is damaged, or no TIFF image; write it again.", path=str(path)) from None


def _bearable(path: Path, stored: NDArray[np.generic]) -> Float32Array:
    """As float32; raises UnsupportedInput as `_set_bearable` does."""
    pixels = np.empty(stored.shape, dtype=np.float32)
    _set_bearable(path, pixels, stored)
    return pixels


def _set_bearable(path: Path, into: Float32Array, stored: NDArray[np.generic]) -> None:
    """Copy values as float32; raises UnsupportedInput for those beyond what any image means, NaN (no data) aside."""
    with np.errstate(over="ignore", invalid="ignore"):
        into[...] = stored
        largest = max(into.max(initial=0.0), -into.min(initial=0.0))
    if np.isnan(largest):
        largest = np.abs(into[~np.isnan(into)]).max(initial=0.0)
    if largest > LARGEST_VALUE:
        raise UnsupportedInput(
            f"{path.name} holds values up to {largest:.1g}; at most {LARGEST_VALUE:g} is read. Write what has no data "
            "as NaN.",
            path=str(path),
        )
