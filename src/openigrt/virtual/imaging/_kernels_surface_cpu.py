"""Hot loop of the virtual cameras: where the rays of a camera meet the skin of a patient as he lies deformed."""

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled
from openigrt.virtual.tissue._kernels_cpu import organ_distance
from openigrt.virtual.tissue._kernels_deformation_cpu import rest_point
from openigrt.virtual.tissue.move_table import MoveTable
from openigrt.virtual.tissue.primitive_table import PrimitiveTable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_STEPS = 200
STEP_SHARE = 0.7  # distances are to first order, and of tissue at rest
LEAST_STEP_MM = 0.2
CLOSE_MM = 1e-3
SLOPE_STEP_MM = 0.5


@compiled()
def skin_distance(table: PrimitiveTable, moves: MoveTable, solids: Integers, x: float, y: float, z: float) -> float:
    """Signed distance to the skin, of the tissue that has come to a point."""
    x, y, z = rest_point(moves, x, y, z)
    return organ_distance(table.solid_parameters, table.numbers, solids, 0, solids.shape[0], x, y, z)


@compiled(parallel=True)
def hits(
    table: PrimitiveTable,
    moves: MoveTable,
    organ: int,
    starts: Floats,
    directions: Floats,
    farthest: Floats,
    distances: Floats,
    normals: Floats,
) -> None:
    """How far along each ray (n,) the skin is first met, -1 where it is not, and the outward normal (n, 3) there.

    Rays begin at `starts` (n, 3), outside the skin, and end `farthest` (n,) mm on; all in the anatomy's own axes.
    """
    solids = np.arange(table.solids_of_organ[organ], table.solids_of_organ[organ + 1])
    for n in prange(starts.shape[0]):
        sx, sy, sz = starts[n, 0], starts[n, 1], starts[n, 2]
        dx, dy, dz = directions[n, 0], directions[n, 1], directions[n, 2]
        distances[n] = -1.0
        before, at = 0.0, 0.0
        for _ in range(MOST_STEPS):
            gap = skin_distance(table, moves, solids, sx + at * dx, sy + at * dy, sz + at * dz)
            if gap <= 0.0:
                low, high = before, at
                while high - low > CLOSE_MM:
                    middle = 0.5 * (low + high)
                    inside = skin_distance(table, moves, solids, sx + middle * dx, sy + middle * dy, sz + middle * dz)
                    if inside <= 0.0:
                        high = middle
                    else:
                        low = middle
                distances[n] = high
                break
            before = at
            at += max(STEP_SHARE * gap, LEAST_STEP_MM)
            if at > farthest[n]:
                break
        if distances[n] < 0.0:
            continue
        x, y, z = sx + distances[n] * dx, sy + distances[n] * dy, sz + distances[n] * dz
        h = SLOPE_STEP_MM
        gx = skin_distance(table, moves, solids, x + h, y, z) - skin_distance(table, moves, solids, x - h, y, z)
        gy = skin_distance(table, moves, solids, x, y + h, z) - skin_distance(table, moves, solids, x, y - h, z)
        gz = skin_distance(table, moves, solids, x, y, z + h) - skin_distance(table, moves, solids, x, y, z - h)
        length = math.sqrt(gx * gx + gy * gy + gz * gz)
        if length > 0.0:
            normals[n, 0], normals[n, 1], normals[n, 2] = gx / length, gy / length, gz / length
