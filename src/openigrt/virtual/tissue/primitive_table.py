"""The compact table of primitives that the kernels read: an anatomy as arrays."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Columns of `solid_parameters`: what the solid is made of, then what it does and to whom.
SHAPE_PARAMETERS = 26
KIND, OPERATION, BLEND, GROUP, ORGAN, REACH_MM = range(SHAPE_PARAMETERS, SHAPE_PARAMETERS + 6)


class SolidKind(IntEnum):
    """Which implicit function a row of the table holds."""

    SUPERELLIPSOID = 0
    CONE_SEGMENT = 1
    HALF_SPACE = 2
    SHEET = 3
    LOFT = 4


class Operation(IntEnum):
    """How a part changes the organ that the parts before it have built."""

    UNION = 0
    SUBTRACT = 1
    INTERSECT = 2


class PrimitiveTable(NamedTuple):
    """Organs, front to back (the first hides the others), in mm of the anatomy's own axes.

    An organ owns rows `solids_of_organ[o]` up to the next, and layers likewise. A row of `solid_parameters` is one
    solid: its shape, `KIND`, `OPERATION`, `BLEND` (mm); rows of one `GROUP` are joined sharply before that; it matters
    up to `REACH_MM` outside its bounds. Bounds are (low x, y, z, high x, y, z). Layers are (depth mm, HU, coarse, fine
    and septa texture in HU), outermost first. `numbers` holds outlines and profiles of sheets and lofts. `permutation`
    (512) and `gradients` (256, 3) are the lattice noise.
    """

    organ_bounds: NDArray[np.float64]
    solids_of_organ: NDArray[np.int64]
    layers_of_organ: NDArray[np.int64]
    is_textured: NDArray[np.bool_]
    layers: NDArray[np.float64]
    solid_parameters: NDArray[np.float64]
    solid_bounds: NDArray[np.float64]
    numbers: NDArray[np.float64]
    permutation: NDArray[np.int64]
    gradients: NDArray[np.float64]
