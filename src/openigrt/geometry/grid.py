"""Grids: where the voxels of an image lie, apart from the voxels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InvalidGeometry
from openigrt.geometry.frames import Frame, require_same_frame
from openigrt.geometry.rigid import ORTHONORMAL_TOLERANCE, Float64Array, RigidTransform, frozen_array

LONGEST_MM = 1e5  # beyond any room: no file is believed that states a longer coordinate or length


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular lattice in a frame, oblique ones included.

    `size` and `spacing_mm` are in the order (i, j, k) = (column, row, slice); the columns of `direction` (3, 3) are the
    unit vectors along i, j and k, so that point = origin + direction @ (spacing * (i, j, k)). `origin_mm` is the centre
    of voxel (0, 0, 0). Arrays on the grid are indexed [k, j, i]: `shape` is `size` reversed.
    """

    frame: Frame
    origin_mm: Float64Array
    spacing_mm: Float64Array
    direction: Float64Array
    size: tuple[int, int, int]

    def __post_init__(self) -> None:
        """Copy, check and freeze; raises InvalidGeometry on anything that is no lattice."""
        object.__setattr__(self, "origin_mm", frozen_array(self.origin_mm, (3,)))
        object.__setattr__(self, "spacing_mm", frozen_array(self.spacing_mm, (3,)))
        object.__setattr__(self, "direction", frozen_array(self.direction, (3, 3)))
        object.__setattr__(self, "size", tuple(int(n) for n in self.size))
        if len(self.size) != 3 or min(self.size) < 1 or not (self.spacing_mm > 0.0).all():
            raise InvalidGeometry(f"A grid needs three sizes and spacings above zero: {self.size}, {self.spacing_mm}.")
        defect = float(np.abs(self.direction.T @ self.direction - np.eye(3)).max())
        if defect > ORTHONORMAL_TOLERANCE:
            raise InvalidGeometry(f"The axes of a grid must be orthonormal; these are off by {defect:.2g}.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of an array on this grid: (slices, rows, columns)."""
        return self.size[2], self.size[1], self.size[0]

    @property
    def center_mm(self) -> Float64Array:
        """Centre of the grid (3,), mm."""
        return self.points((np.array(self.size) - 1) / 2.0)

    def point_from_index(self) -> tuple[Float64Array, Float64Array]:
        """(A, b) with point = A @ (i, j, k) + b, mm."""
        return self.direction * self.spacing_mm, self.origin_mm

    def index_from_point(self) -> tuple[Float64Array, Float64Array]:
        """(A, b) with (i, j, k) = A @ point + b."""
        a = (self.direction / self.spacing_mm).T
        return a, -a @ self.origin_mm

    def points(self, indices: ArrayLike) -> Float64Array:
        """Points (..., 3) in mm of continuous indices (..., 3) in the order (i, j, k)."""
        a, b = self.point_from_index()
        return np.asarray(indices, dtype=np.float64) @ a.T + b

    def indices(self, points_mm: ArrayLike) -> Float64Array:
        """Continuous indices (..., 3) in the order (i, j, k) of points in mm."""
        a, b = self.index_from_point()
        return np.asarray(points_mm, dtype=np.float64) @ a.T + b

    def corners_mm(self) -> Float64Array:
        """Centres of the eight corner voxels (8, 3), mm."""
        last = np.array(self.size) - 1
        unit = np.array([[i, j, k] for k in (0, 1) for j in (0, 1) for i in (0, 1)])
        return self.points(unit * last)

    def contains(self, point_mm: ArrayLike) -> bool:
        """Whether a point lies in the volume: within half a voxel of the outermost centres."""
        index = self.indices(point_mm)
        return bool(((index >= -0.5) & (index <= np.array(self.size) - 0.5)).all())

    def part(self, first: tuple[int, int, int], size: tuple[int, int, int]) -> "Grid":
        """The lattice of `size` (i, j, k) voxels that begins at voxel `first` (i, j, k) of this one."""
        return Grid(self.frame, self.points(first), self.spacing_mm, self.direction, size)

    def moved(self, new_from_old: RigidTransform) -> "Grid":
        """The same lattice carried by a rigid transform into another frame; the volume may become oblique."""
        require_same_frame(self.frame, new_from_old.from_frame, "Moving a grid")
        origin, direction = new_from_old.points(self.origin_mm), new_from_old.rotation @ self.direction
        return Grid(new_from_old.to_frame, origin, self.spacing_mm, direction, self.size)

    def reordered(self, axes: tuple[int, int, int]) -> "Grid":
        """The same lattice with its axes (0: i, 1: j, 2: k) in another order; every voxel stays where it is.

        An odd permutation makes a right-handed lattice left-handed, and no axis is turned round.
        """
        order = list(axes)
        i, j, k = (self.size[axis] for axis in axes)
        return Grid(self.frame, self.origin_mm, self.spacing_mm[order], self.direction[:, order], (i, j, k))

    def __eq__(self, other: object) -> bool:
        """Same frame, size and bitwise the same numbers."""
        return (
            isinstance(other, Grid)
            and (self.frame, self.size) == (other.frame, other.size)
            and np.array_equal(self.origin_mm, other.origin_mm)
            and np.array_equal(self.spacing_mm, other.spacing_mm)
            and np.array_equal(self.direction, other.direction)
        )

    def __hash__(self) -> int:
        """Hash of frame, size and numbers."""
        return hash(
            (self.frame, self.size, self.origin_mm.tobytes(), self.spacing_mm.tobytes(), self.direction.tobytes())
        )
