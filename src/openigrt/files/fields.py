"""Dark and flat fields of a detector: one image, or the mean of several."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.files.his import is_his, read_his_pixels
from openigrt.files.hnd import is_hnd, read_hnd_pixels
from openigrt.files.stack_headers import is_meta, is_nrrd, read_stack_header
from openigrt.files.stacks import StackPixels, is_tiff, read_tiff_pixels, require_whole
from openigrt.files.xim import is_xim, read_xim_pixels

Float32Array = NDArray[np.float32]

START_BYTES = 1024
FRAMES_AT_ONCE = 16


def read_field(path: Path) -> Float32Array:
    """The field (rows, columns) of a detector from an image or a stack, whose projections are averaged.

    Reads what `read_scan` reads; no geometry is needed. Raises MissingInput, UnreadableFile or UnsupportedInput.
    """
    if not path.is_file():
        raise MissingInput(f"{path} is no file; expected one image, or one stack of images, of the detector.")
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    for knows, read in _IMAGES:
        if knows(start):
            return np.asarray(read(path), dtype=np.float32)
    if is_meta(start) or is_nrrd(start):
        return _mean(path)
    raise UnsupportedInput(
        f"{path} is no image of a detector; expected .xim, .hnd, .hnc, .his, .mha, .mhd, .nrrd or TIFF.", path=str(path)
    )


def _mean(path: Path) -> Float32Array:
    """The mean of a stack, some of its images at a time."""
    header = read_stack_header(path)
    require_whole(path, header)
    stack = StackPixels(path, header)
    count = stack.shape[0]
    parts = (stack[n : n + FRAMES_AT_ONCE] for n in range(0, count, FRAMES_AT_ONCE))
    total = sum((part.sum(axis=0, dtype=np.float64) for part in parts), np.zeros(stack.shape[1:]))
    return np.asarray(total / count, dtype=np.float32)


_IMAGES: tuple[tuple[Callable[[bytes], bool], Callable[[Path], NDArray[np.generic]]], ...] = (
    (is_xim, read_xim_pixels),
    (is_hnd, read_hnd_pixels),
    (is_his, read_his_pixels),
    (is_tiff, read_tiff_pixels),
)
