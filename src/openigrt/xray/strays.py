"""Pixels of a scan that are no numbers: interpolated when they are asked for, and counted."""

import numpy as np
from numpy.typing import NDArray

from openigrt.images import ProjectionPixels, Quantity, Scan
from openigrt.xray.bad_pixels import repair_of, require_enough_numbers, strays_remark

Float32Array = NDArray[np.float32]


class WithoutStrays:
    """The pixels of a scan as `ProjectionPixels`, each that is NaN or infinite made from its neighbours.

    Attenuation is taken to change straight between them. `count` grows with what was asked, each projection once.
    """

    def __init__(self, scan: Scan) -> None:
        """Nothing is read yet."""
        self._pixels: ProjectionPixels = scan.pixels
        self._is_logarithmic = scan.quantity is Quantity.LINE_INTEGRAL
        self._found: dict[int, int] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        """(projections, rows, columns)."""
        return tuple(self._pixels.shape)

    @property
    def count(self) -> int:
        """How many pixels that were asked for are no numbers."""
        return sum(self._found.values())

    def __getitem__(self, which: slice) -> Float32Array:
        """Projections [n, row, column]; raises InconsistentInput where one has too few numbers to go by."""
        pixels = np.asarray(self._pixels[which], np.float32)
        strays = ~np.isfinite(pixels)
        if not strays.any():
            return pixels
        filled = pixels.copy()
        first = which.indices(self.shape[0])[0]
        for n in np.flatnonzero(strays.any(axis=(1, 2))):
            require_enough_numbers(strays[n], first + int(n))
            self._found[first + int(n)] = int(strays[n].sum())
            frame = np.exp(-pixels[n : n + 1]) if self._is_logarithmic else pixels[n : n + 1].copy()
            repair_of(strays[n]).apply(frame)
            filled[n][strays[n]] = -np.log(frame[0][strays[n]]) if self._is_logarithmic else frame[0][strays[n]]
        return filled

    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        return (strays_remark(self.count),) if self.count else ()
