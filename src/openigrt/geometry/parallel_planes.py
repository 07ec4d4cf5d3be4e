"""Parallel planes that are no grid: slices of a tilted gantry, or at mixed distances; and how they become one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry.frames import Frame
from openigrt.geometry.grid import Grid
from openigrt.geometry.rigid import Float64Array, frozen_array

ON_A_PLANE = 1e-3
ON_A_PIXEL = 1e-6


@dataclass(frozen=True, eq=False)
class ParallelPlanes:
    """Planes of `size` (columns, rows) pixels of `spacing_mm` (between columns, between rows), in ascending order.

    `positions_mm` (n, 3) are the centres of their first pixels; the columns of `direction` (3, 3) are the unit vectors
    along a row, along a column and from plane to plane. The planes may lie at any distance and aside of each other.
    """

    frame: Frame
    positions_mm: Float64Array
    spacing_mm: Float64Array
    direction: Float64Array
    size: tuple[int, int]

    def __post_init__(self) -> None:
        """Copy, check and freeze; raises InvalidGeometry where the planes do not ascend."""
        object.__setattr__(self, "positions_mm", frozen_array(self.positions_mm, (len(self.positions_mm), 3)))
        object.__setattr__(self, "spacing_mm", frozen_array(self.spacing_mm, (2,)))
        object.__setattr__(self, "direction", frozen_array(self.direction, (3, 3)))
        if len(self.positions_mm) < 2 or not (self.gaps_mm > 0.0).all():
            raise InvalidGeometry("Parallel planes need two positions at least, in ascending order along their normal.")

    @property
    def offsets_mm(self) -> Float64Array:
        """Where each plane begins, seen from the first one: along rows, along columns, and along the normal (n, 3)."""
        offsets: Float64Array = (self.positions_mm - self.positions_mm[0]) @ self.direction
        return offsets

    @property
    def gaps_mm(self) -> Float64Array:
        """Distances from plane to plane along the normal (n - 1,)."""
        return np.diff(self.offsets_mm[:, 2])

    def straight_grid(self, step_mm: float) -> Grid:
        """The grid at steps of `step_mm` from the first plane on, wide enough to hold every pixel of every plane."""
        offsets = self.offsets_mm[:, :2] / self.spacing_mm
        first = np.floor(offsets.min(axis=0) + ON_A_PIXEL)
        columns, rows = (np.array(self.size) + np.ceil(offsets.max(axis=0) - ON_A_PIXEL) - first).astype(int).tolist()
        return Grid(
            frame=self.frame,
            origin_mm=self.positions_mm[0] + self.direction[:, :2] @ (first * self.spacing_mm),
            spacing_mm=np.array([*self.spacing_mm, step_mm]),
            direction=self.direction,
            size=(columns, rows, int(self.offsets_mm[-1, 2] / step_mm + ON_A_PLANE) + 1),
        )

    def straightened(self, voxels: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
        """Pixels [plane, row, column] at the voxels of `straight_grid`, NaN where there are none.

        Linear along the normal between the two nearest planes; along rows and columns by the exact offset of each.
        """
        out = np.empty(grid.shape, dtype=np.float32)
        along_mm = self.offsets_mm[:, 2]
        for k in range(grid.size[2]):
            height_mm = k * float(grid.spacing_mm[2])
            below = int(np.clip(np.searchsorted(along_mm, height_mm, side="right") - 1, 0, len(along_mm) - 2))
            share = (height_mm - along_mm[below]) / (along_mm[below + 1] - along_mm[below])
            if share < ON_A_PLANE or share > 1.0 - ON_A_PLANE:
                out[k] = self._aside(voxels, below + round(share), grid)
            else:
                out[k] = (1.0 - share) * self._aside(voxels, below, grid)
                out[k] += share * self._aside(voxels, below + 1, grid)
        return out

    def _aside(self, voxels: NDArray[np.float32], plane: int, grid: Grid) -> NDArray[np.float32]:
        """One plane at the rows and columns of the grid."""
        begin = (self.positions_mm[plane] - grid.origin_mm) @ self.direction[:, :2] / self.spacing_mm
        rows = _moved(voxels[plane], float(begin[1]), grid.size[1])
        return _moved(rows.T, float(begin[0]), grid.size[0]).T


def _moved(lines: NDArray[np.float32], begin: float, count: int) -> NDArray[np.float32]:
    """Lines (n, m) interpolated at 0 ... count - 1 of the first axis, along which they begin at `begin`."""
    whole = int(np.floor(begin + ON_A_PIXEL))
    share = np.float32(begin - whole)
    out = np.full((count, lines.shape[1]), np.nan, dtype=np.float32)
    if share < ON_A_PIXEL:
        out[whole : whole + len(lines)] = lines
    else:
        out[whole + 1 : whole + len(lines)] = (1.0 - share) * lines[1:] + share * lines[:-1]
    return out
