"""Pixels of a scan that stay in its files until they are asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FilePixels:
    """One file for each projection, read by `read` whenever a slice needs it: memory is that of the slice.

    `size` is (columns, rows), which a file must still have when it is read; InconsistentInput else.
    """

    paths: tuple[Path, ...]
    size: tuple[int, int]
    read: Callable[[Path], NDArray[np.int32] | Float32Array]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(projections, rows, columns)."""
        return len(self.paths), self.size[1], self.size[0]

    def __getitem__(self, which: slice, /) -> Float32Array:
        """The projections of a slice (n, rows, columns)."""
        chosen = self.paths[which]
        pixels = np.empty((len(chosen), *self.shape[1:]), dtype=np.float32)
        for into, path in zip(pixels, chosen, strict=True):
            found = self.read(path)
            if found.shape != into.shape:
                raise InconsistentInput(f"{path} has changed since the scan was opened; open the scan again.")
            into[...] = found
        return pixels
