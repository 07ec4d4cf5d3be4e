"""What shows where no organ of an anatomy does: air, or something that was scanned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array
from openigrt.virtual.tissue.move_table import MoveTable

AIR_HU = -1000.0


@dataclass(frozen=True, eq=False)
class View:
    """Voxels that look at a patient: their shape [k, j, i] and where they are, in mm of his own axes.

    `point_from_index` (3, 4) maps (i, j, k). Edges are blurred by `blur_mm`, one standard deviation; tissue has come
    from no more than `farthest_mm` away.
    """

    shape: tuple[int, ...]
    point_from_index: Float64Array
    blur_mm: float
    farthest_mm: float


class Outline(Protocol):
    """The surface of something at rest, in a patient's own axes."""

    def signed_distance_mm(self, points_mm: Float64Array) -> Float64Array:
        """Distances (n,) of points (n, 3), negative inside."""
        ...

    @property
    def bounds_mm(self) -> Float64Array:
        """Box (2, 3), low and high corner, that holds it."""
        ...


class Backdrop(Protocol):
    """What lies behind all organs of an anatomy, and moves with them."""

    @property
    def outlines(self) -> Mapping[str, Outline]:
        """What is known by name in it."""
        ...

    def painted(self, view: View, moves: MoveTable) -> NDArray[np.float32]:
        """HU [k, j, i] that a view shows of it, moved."""
        ...


@dataclass(frozen=True)
class Air:
    """Nothing: air everywhere."""

    @property
    def outlines(self) -> Mapping[str, Outline]:
        """None."""
        return {}

    def painted(self, view: View, moves: MoveTable) -> NDArray[np.float32]:
        """Air."""
        return np.full(view.shape, AIR_HU, dtype=np.float32)


AIR = Air()
