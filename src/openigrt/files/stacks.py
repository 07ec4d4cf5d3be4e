"""Pixels of stacks of projections (.mha, .mhd, .nrrd) and of series of TIFF images."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from openigrt.errors import UnreadableFile, UnsupportedInput
from openigrt.files.detector_size import require_detector
from openigrt.files.file_pixels import Float32Array
from openigrt.files.silence import silent_standard_error
from openigrt.files.stack_headers import StackHeader
from openigrt.files.volumes import require_bearable_values

TIFF_MARKS = (b"II*\x00", b"MM\x00*")
TIFF_MODES = ("L", "I;16", "I;16L", "I;16B", "I", "F")
CHUNK_BYTES = 2**20
ALWAYS_INFLATED_BYTES = 2**25
MOST_TIMES_LARGER = 100
GZIP_OR_ZLIB = 47
DAMAGED_TIFF = (
    *(OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, struct.error, MemoryError, OverflowError),
    *(UnidentifiedImageError, Image.DecompressionBombError, RuntimeError, EOFError, ArithmeticError, AttributeError),
)


def is_tiff(start: bytes) -> bool:
    """Whether a file begins as a TIFF image."""
    return start.startswith(TIFF_MARKS)


def require_whole(path: Path, header: StackHeader) -> None:
    """Raise UnreadableFile where the pixels of a stack cannot all be there, or inflate to far more than is believed."""
    try:
        there = header.data.stat().st_size - header.start
    except OSError as error:
        raise UnreadableFile(f"{header.data} cannot be read: {error.strerror}.", path=str(header.data)) from None
    needed = int(np.prod(header.size, dtype=np.int64)) * header.kind.itemsize
    most = max(ALWAYS_INFLATED_BYTES, MOST_TIMES_LARGER * there) if header.is_compressed else there
    if needed > most:
        raise UnreadableFile(
            f"{path} is truncated or damaged: its pixels take {needed} bytes, and {there} are there; write it again.",
            path=str(path),
        )


@dataclass(frozen=True, eq=False)
class StackPixels:
    """The projections of one file, read when a slice needs them; compressed ones are read whole once, and kept."""

    path: Path
    header: StackHeader

    @property
    def shape(self) -> tuple[int, int, int]:
        """(projections, rows, columns)."""
        columns, rows, count = self.header.size
        return count, rows, columns

    def __getitem__(self, which: slice, /) -> Float32Array:
        """The projections of a slice (n, rows, columns)."""
        chosen = range(*which.indices(self.shape[0]))
        if not chosen:
            return np.empty((0, *self.shape[1:]), dtype=np.float32)
        if self.header.is_compressed:
            return self._whole[which]
        first, last = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
        part = self._part(first, last - first + 1)
        return np.ascontiguousarray(part[np.array(chosen) - first])

    def _part(self, first: int, count: int) -> Float32Array:
        """Some projections of a plain file."""
        each = self.shape[1] * self.shape[2]
        try:
            with self.header.data.open("rb") as file:
                file.seek(self.header.start + first * each * self.header.kind.itemsize)
                stored = file.read(count * each * self.header.kind.itemsize)
        except OSError as error:
            raise UnreadableFile(f"{self.path} cannot be read: {error.strerror}.", path=str(self.path)) from None
        return self._float32(stored, count)

    @cached_property
    def _whole(self) -> Float32Array:
        """All projections of a compressed file."""
        needed = int(np.prod(self.header.size, dtype=np.int64)) * self.header.kind.itemsize
        stored = bytearray()
        try:
            for piece in _inflated(self.header.data, self.header.start):
                stored += piece[: needed - len(stored)]
                if len(stored) == needed:
                    break
        except (OSError, zlib.error) as error:
            raise UnreadableFile(f"{self.path} is damaged: {error}; write it again.", path=str(self.path)) from None
        return self._float32(bytes(stored), self.shape[0])

    def _float32(self, stored: bytes, count: int) -> Float32Array:
        """Pixels of so many projections."""
        shape = (count, *self.shape[1:])
        if len(stored) != int(np.prod(shape, dtype=np.int64)) * self.header.kind.itemsize:
            raise UnreadableFile(f"{self.path} is truncated: pixels are missing; write it again.", path=str(self.path))
        return _bearable(self.path, np.frombuffer(stored, dtype=self.header.kind).reshape(shape))


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


def _inflated(path: Path, start: int) -> Iterator[bytes]:
    """What a deflated file holds, in pieces."""
    inflater = zlib.decompressobj(GZIP_OR_ZLIB)
    with path.open("rb") as file:
        file.seek(start)
        while not inflater.eof and (pending := inflater.unconsumed_tail or file.read(CHUNK_BYTES)):
            yield inflater.decompress(pending, CHUNK_BYTES)


def _bearable(path: Path, stored: NDArray[np.generic]) -> Float32Array:
    """As float32; raises UnsupportedInput for values that no detector has, and for infinity."""
    with np.errstate(over="ignore", invalid="ignore"):
        pixels: Float32Array = stored.astype(np.float32)
    require_bearable_values(path, pixels)
    if np.isinf(pixels).any():
        raise UnsupportedInput(f"{path} holds pixels that are infinite; write what has no data as NaN.", path=str(path))
    return pixels
