"""Projections taken in ordered subsets: what the algebraic methods share.

A subset holds projections spread evenly over the arc, and follows upon one that stands far from it (Hudson and Larkin,
IEEE Trans Med Imaging 13 (1994) 601; Guan and Gordon, Phys Med Biol 39 (1994) 2005).
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import Engine
from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Frame, Grid, Trajectory, require_same_frame
from openigrt.images import ProjectionPixels
from openigrt.xray.fdk import blocks
from openigrt.xray.projector import Projector, require_projections_of

Float32Array = NDArray[np.float32]

Report: TypeAlias = Callable[[int, float], None]
"""Called after every iteration with its number, from 1, and the residual over the data, both as root mean squares."""

GOLDEN_SHARE = (math.sqrt(5.0) - 1.0) / 2.0
SHORTEST_PATH_VOXELS = 1.0


class OrderedSubsets:
    """One scan on one grid, in subsets, with the weights of SART (Andersen and Kak, Ultrason Imaging 6 (1984) 81).

    Rays count by one over their length in the volume, voxels by one over the most that any subset gives them: where
    subsets differ, as for a half fan, no step is then longer than that of SART. Held besides the projections: as many
    numbers again (one over the lengths), and one volume.
    """

    def __init__(
        self,
        line_integrals: Float32Array,
        trajectory: Trajectory,
        grid: Grid,
        subset_size: int,
        *,
        engine: Engine = Engine.CPU,
    ) -> None:
        """Prepare projectors and weights; the projections are those of `whole_scan`."""
        self._data = line_integrals
        self._members = interleaved(trajectory.source_angles_deg(), subset_size)
        self._projectors = [Projector(grid, trajectory.chosen(members), engine) for members in self._members]
        self._per_length = np.empty(trajectory.shape, np.float32)
        self._per_weight = np.zeros(grid.shape, np.float32)
        shortest_mm = SHORTEST_PATH_VOXELS * float(grid.spacing_mm.min())
        for members, projector in zip(self._members, self._projectors, strict=True):
            self._weigh(members, projector, shortest_mm)
        seen = self._per_weight > 0.0
        np.divide(1.0, self._per_weight, out=self._per_weight, where=seen)
        self._size = root_mean_square(line_integrals)

    def sweep(self, volume: Float32Array, relaxation: float, least: float) -> float:
        """Correct `volume`, in place, by every subset in turn, and keep it at `least` or above.

        Returns the residual over the data, each projection judged when its turn came.
        """
        squares = 0.0
        for members, projector in zip(self._members, self._projectors, strict=True):
            squares += self._correct(volume, members, projector, relaxation)
            np.maximum(volume, np.float32(least), out=volume)
        return math.sqrt(squares / self._data.size) / self._size if self._size else 0.0

    def _weigh(self, members: NDArray[np.intp], projector: Projector, shortest_mm: float) -> None:
        """Fill in the lengths of the rays of a subset, and raise the weights of voxels to those that it gives them."""
        lengths = projector.forward(np.ones(self._per_weight.shape, np.float32))
        self._per_length[members] = np.where(lengths > 0.0, 1.0 / np.maximum(lengths, shortest_mm), 0.0)
        weights = projector.adjoint(np.ones_like(lengths))
        np.maximum(self._per_weight, weights, out=self._per_weight)

    def _correct(
        self, volume: Float32Array, members: NDArray[np.intp], projector: Projector, relaxation: float
    ) -> float:
        """Take the step of one subset; returns the sum of its squared differences before."""
        difference = projector.forward(volume)
        np.subtract(self._data[members], difference, out=difference)
        squares = inner_product(difference, difference)
        difference *= self._per_length[members]
        step = projector.adjoint(difference)
        step *= self._per_weight
        step *= np.float32(relaxation)
        volume += step
        return squares


def interleaved(angles_deg: Float64Array, subset_size: int) -> list[NDArray[np.intp]]:
    """Numbers of the projections of each subset of about `subset_size`, in the order in which they are taken."""
    ordered = np.argsort(angles_deg, kind="stable")
    count = max(1, round(len(ordered) / subset_size))
    far_apart = np.mod(np.arange(count) * GOLDEN_SHARE, 1.0)
    return [np.sort(ordered[first::count]) for first in np.argsort(np.argsort(far_apart))]


def whole_scan(line_integrals: ProjectionPixels, trajectory: Trajectory) -> Float32Array:
    """All projections in memory, which an iteration needs again and again; an array is taken as it is.

    Raises InvalidGeometry where they do not fit the trajectory, and for pixels that are no numbers.
    """
    require_same_frame(trajectory.frame, Frame.FIXED, "A reconstruction")
    require_projections_of(trajectory, line_integrals)
    if isinstance(line_integrals, np.ndarray):
        data = np.asarray(line_integrals, dtype=np.float32)
    else:
        data = np.empty(trajectory.shape, np.float32)
        for which in blocks(len(trajectory)):
            data[which] = line_integrals[which]
    if not all(np.isfinite(data[which]).all() for which in blocks(len(trajectory))):
        raise InvalidGeometry("A projection holds pixels that are no numbers; correct dead pixels first.")
    return data


def start_volume(start: Float32Array | None, grid: Grid) -> Float32Array:
    """A volume to improve: a copy of `start`, or zeros; raises InvalidGeometry for one that is no image of the grid."""
    if start is None:
        return np.zeros(grid.shape, np.float32)
    if start.shape != grid.shape or not np.isfinite(start).all():
        raise InvalidGeometry(
            f"An iteration starts from numbers on its grid of {grid.shape}; this volume has the shape {start.shape}"
            f"{'' if start.shape != grid.shape else ' and holds voxels that are no numbers'}."
        )
    return np.array(start, dtype=np.float32)


def inner_product(a: Float32Array, b: Float32Array) -> float:
    """Sum of the products, added in double precision and in one order whatever the number of threads."""
    return float(sum(np.multiply(x, y, dtype=np.float64).sum() for x, y in zip(a, b, strict=True)))


def root_mean_square(a: Float32Array) -> float:
    """The root of the mean of the squares."""
    return math.sqrt(inner_product(a, a) / a.size)
