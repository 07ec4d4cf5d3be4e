"""Which rings lie in which, compiled."""

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import compiled


@compiled()
def nesting_depths(vertices_of_polygon: NDArray[np.int64], vertices: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of the other polygons surround each: hold most of its vertices, since the two may touch.

    Vertices (n, 2) of polygon q are `vertices_of_polygon[q]` up to the next, closed from last to first.
    """
    count = len(vertices_of_polygon) - 1
    boxes = np.empty((count, 4), dtype=np.float64)
    for n in range(count):
        own = vertices[vertices_of_polygon[n] : vertices_of_polygon[n + 1]]
        boxes[n] = own[:, 0].min(), own[:, 1].min(), own[:, 0].max(), own[:, 1].max()
    depths = np.zeros(count, dtype=np.int64)
    for inner in range(count):
        points = vertices[vertices_of_polygon[inner] : vertices_of_polygon[inner + 1]]
        for outer in range(count):
            is_within = (boxes[inner, :2] >= boxes[outer, :2]).all() and (boxes[inner, 2:] <= boxes[outer, 2:]).all()
            if outer != inner and is_within:
                ring = vertices[vertices_of_polygon[outer] : vertices_of_polygon[outer + 1]]
                depths[inner] += 2 * vertices_held(ring, points) > len(points)
    return depths


@compiled()
def vertices_held(ring: NDArray[np.float64], points: NDArray[np.float64]) -> int:
    """How many points (n, 2) lie in a ring, by the even-odd rule."""
    held = 0
    for n in range(len(points)):
        x, y = points[n]
        is_inside = False
        for b in range(len(ring)):
            a = b - 1 if b > 0 else len(ring) - 1
            if (ring[a, 1] <= y) != (ring[b, 1] <= y):
                at = ring[a, 0] + (y - ring[a, 1]) / (ring[b, 1] - ring[a, 1]) * (ring[b, 0] - ring[a, 0])
                is_inside ^= at > x
        held += is_inside
    return held
