"""Segments: masks that say what they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.images.image import Mask
from openigrt.images.markers import Code


@dataclass(frozen=True, eq=False)
class Segment:
    """A named part of an image: its mask, and what it is by coded category and type.

    `algorithm` is what drew it, empty where a person did. `fractions` (float32, 0 to 1, on the grid of the mask) is how
    much of each voxel it fills, or how probable it is there; None where it is all or nothing.
    """

    number: int
    label: str
    mask: Mask
    category: Code | None = None
    kind: Code | None = None
    algorithm: str = ""
    fractions: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check that fractions fit the mask, and freeze them."""
        if self.fractions is None:
            return
        view = np.ascontiguousarray(self.fractions, dtype=np.float32).view()
        if view.shape != self.mask.grid.shape:
            raise InvalidGeometry(f"Fractions of shape {view.shape} do not fit a mask of {self.mask.grid.shape}.")
        view.setflags(write=False)
        object.__setattr__(self, "fractions", view)
