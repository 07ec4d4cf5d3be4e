"""Even-odd filling of polygons, compiled."""

import math

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import compiled


@compiled()
def fill_even_odd(
    voxels: NDArray[np.bool_],
    plane_of_slice: NDArray[np.int64],
    polygons_of_plane: NDArray[np.int64],
    vertices_of_polygon: NDArray[np.int64],
    vertices: NDArray[np.float64],
) -> None:
    """Set the voxels [k, j, i] whose centres lie inside an odd number of the polygons of the plane that slice k shows.

    `plane_of_slice[k]` is -1 where the slice shows none. Polygons of plane p are `polygons_of_plane[p]` up to the next;
    vertices of polygon q are `vertices_of_polygon[q]` up to the next, (n, 2) in continuous indices (i, j), closed from
    last to first. A centre on an edge belongs to one side only. Voxels must be all False.
    """
    rows, columns = voxels.shape[1], voxels.shape[2]
    for k in range(voxels.shape[0]):
        plane = plane_of_slice[k]
        if plane < 0:
            continue
        first_row, last_row, first_column, last_column = rows, -1, columns, -1
        for polygon in range(polygons_of_plane[plane], polygons_of_plane[plane + 1]):
            start, stop = vertices_of_polygon[polygon], vertices_of_polygon[polygon + 1]
            for v in range(start, stop):
                w = v + 1 if v + 1 < stop else start
                # One direction for every edge: both sides of a keyhole's bridge then cross rows at the same place.
                low, high = (v, w) if vertices[v, 1] < vertices[w, 1] else (w, v)
                y_low, y_high = vertices[low, 1], vertices[high, 1]
                j_first = max(0, math.ceil(y_low))
                j_stop = min(rows, math.ceil(y_high))
                for j in range(j_first, j_stop):
                    share = (j - y_low) / (y_high - y_low)
                    x = vertices[low, 0] + share * (vertices[high, 0] - vertices[low, 0])
                    i = max(0, math.ceil(x))
                    if i < columns:
                        voxels[k, j, i] = not voxels[k, j, i]
                        first_column, last_column = min(first_column, i), max(last_column, i)
                if j_first < j_stop:
                    first_row, last_row = min(first_row, j_first), max(last_row, j_stop - 1)
        for j in range(first_row, last_row + 1):
            inside = False
            for i in range(first_column, columns):
                inside ^= voxels[k, j, i]
                if i > last_column and not inside:
                    break
                voxels[k, j, i] = inside
