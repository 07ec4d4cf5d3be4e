"""Displacement fields: the type only; applying one lies with the noun that is displaced."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry.frames import Frame
from openigrt.geometry.grid import Grid


@dataclass(frozen=True, eq=False)
class DisplacementField:
    """Maps a point p of `grid.frame` to p + u(p) in `to_frame`, u interpolated between nodes.

    `vectors_mm` is float32 of shape grid.shape + (3,), components (x, y, z) in mm; a node with NaN has no displacement
    defined (as in DICOM Deformable Spatial Registration, PS3.3 C.20.3).
    """

    to_frame: Frame
    grid: Grid
    vectors_mm: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Copy to float32, check the shape and freeze."""
        vectors = np.array(self.vectors_mm, dtype=np.float32)
        if vectors.shape != (*self.grid.shape, 3):
            raise InvalidGeometry(
                f"A field on a grid {self.grid.shape} needs three components at each node, found {vectors.shape}."
            )
        vectors.setflags(write=False)
        object.__setattr__(self, "vectors_mm", vectors)
