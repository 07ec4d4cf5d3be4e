"""The compact table of moves that the kernels read: a deformation as arrays, one row for each move."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Columns of a row. Where a column begins a vector, its components follow.
KIND, IS_SOFT = 0, 1
LOW, HIGH = 2, 5
CENTER, LOCAL, REACH = 8, 11, 20
RAMP, RAMP_START, RAMP_END = 21, 24, 25
PIVOT, AXIS, ANGLE_RAD, TRANSLATION = 26, 29, 32, 33
DIMENSIONS, FACTOR, HALF_LENGTH, LENGTH_REACH = 36, 37, 38, 39
GAUGE_FIRST, GAUGE_SIZE, GAUGE_ORIGIN, GAUGE_SPACING, GAUGE_START, GAUGE_END = 40, 41, 44, 47, 48, 49
COLUMNS = 50


class MoveKind(IntEnum):
    """What a row of the table does."""

    MOTION = 0
    SWELLING = 1


class MoveTable(NamedTuple):
    """Moves in the order in which they happen, and how stiff the patient is at rest.

    `rows` (n, 50); `stiffness` [k, j, i] is 1 in bone and 0 in soft tissue, at `origin_mm` (3,) + `spacing_mm` times
    the index in the anatomy's own axes, and 0 outside. Moves of soft tissue are the smaller the stiffer the place.
    `gauges` are the samples of all gauges that rows refer to, one after the other.
    """

    rows: NDArray[np.float64]
    stiffness: NDArray[np.float32]
    origin_mm: NDArray[np.float64]
    spacing_mm: float
    gauges: NDArray[np.float32]
