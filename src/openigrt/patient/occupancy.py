"""How much of each voxel a structure fills: what volumes, histograms and overlaps are made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Frame, Grid
from openigrt.images import Mask


@dataclass(frozen=True, eq=False)
class Occupancy:
    """The filled part of each voxel, 0 to 1: float32 `fractions` [k, j, i], read-only, where there is any.

    They are those of the voxels of `grid` from index `first` (i, j, k) on, and all others are empty: a small structure
    in a large image costs its bounding box.
    """

    fractions: NDArray[np.float32]
    grid: Grid
    first: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        """Freeze, and raise InvalidGeometry where the fractions reach beyond the grid."""
        fractions = np.ascontiguousarray(self.fractions, dtype=np.float32).view()
        fractions.setflags(write=False)
        object.__setattr__(self, "fractions", fractions)
        if fractions.ndim != 3 or not _fits(self.first, fractions.shape, self.grid):
            raise InvalidGeometry(
                f"Fractions of shape {fractions.shape} from voxel {self.first} on do not fit a grid of size "
                f"{self.grid.size}."
            )

    @property
    def frame(self) -> Frame:
        """The frame of the grid."""
        return self.grid.frame

    @property
    def part(self) -> Grid:
        """The part of the grid that the fractions lie on."""
        k, j, i = self.fractions.shape
        return self.grid.part(self.first, (i, j, k))

    @property
    def window(self) -> tuple[slice, slice, slice]:
        """Where the fractions lie in an array [k, j, i] on the whole grid."""
        k, j, i = (slice(f, f + n) for f, n in zip(self.first[::-1], self.fractions.shape, strict=True))
        return k, j, i

    @property
    def volume_mm3(self) -> float:
        """The filled volume, mm³."""
        return float(self.fractions.sum(dtype=np.float64) * np.prod(self.grid.spacing_mm))

    @property
    def centroid_mm(self) -> Float64Array:
        """Centroid (3,) of the filled volume, mm; NaN where nothing is filled."""
        weights = [self.fractions.sum(axis=axes, dtype=np.float64) for axes in ((0, 1), (0, 2), (1, 2))]
        total = weights[0].sum() or np.nan
        return self.part.points([float(np.arange(len(w)) @ w) / total for w in weights])

    def mask(self) -> Mask:
        """The voxels that are more than half filled, on the part of the grid that holds any."""
        return Mask(self.fractions > 0.5, self.part)

    def whole_mask(self) -> Mask:
        """The same voxels on the whole grid."""
        voxels = np.zeros(self.grid.shape, dtype=np.bool_)
        voxels[self.window] = self.fractions > 0.5
        return Mask(voxels, self.grid)


def dice(one: Occupancy, other: Occupancy) -> float:
    """Twice the common volume over the sum of both (Dice 1945), by parts of voxels; NaN where both are empty.

    Raises InvalidGeometry when they are on different grids.
    """
    if one.grid != other.grid:
        raise InvalidGeometry("Two occupancies on different grids have no overlap; fill both on one grid.")
    firsts = np.maximum(one.first, other.first)
    stops = np.minimum(_stop(one), _stop(other))
    total = one.fractions.sum(dtype=np.float64) + other.fractions.sum(dtype=np.float64)
    if total == 0.0:
        return float("nan")
    if (stops <= firsts).any():
        return 0.0
    common = np.minimum(_within(one, firsts, stops), _within(other, firsts, stops)).sum(dtype=np.float64)
    return float(2.0 * common / total)


def _fits(first: tuple[int, int, int], shape: tuple[int, ...], grid: Grid) -> bool:
    """Whether an array [k, j, i] that begins at index `first` (i, j, k) lies within a grid."""
    stop = np.add(first, shape[::-1])
    return min(first) >= 0 and min(shape) >= 1 and bool((stop <= grid.size).all())


def _stop(occupancy: Occupancy) -> NDArray[np.int64]:
    """The index (i, j, k) after the last one of the fractions."""
    return np.add(occupancy.first, occupancy.fractions.shape[::-1]).astype(np.int64)


def _within(occupancy: Occupancy, first: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.float32]:
    """The fractions from index `first` (i, j, k) to before `stop`."""
    i, j, k = (slice(f - own, s - own) for f, s, own in zip(first, stop, occupancy.first, strict=True))
    return occupancy.fractions[k, j, i]
