"""The plane of an image: its axes from Image Orientation (Patient), checked and made orthonormal; lengths believed."""

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array

ORTHONORMAL_TOLERANCE = 1e-3


def is_plane(orientation: NDArray[np.float64], spacing_mm: tuple[float, ...]) -> bool:
    """Whether two axes (2, 3) are perpendicular unit vectors and the spacing is above zero."""
    defect = float(np.abs(orientation @ orientation.T - np.eye(2)).max())
    return defect <= ORTHONORMAL_TOLERANCE and min(spacing_mm) > 0.0


def plane_axes(orientation: NDArray[np.float64]) -> Float64Array:
    """Orthonormal columns (3, 3): row direction, column direction, row x column (PS3.3 C.7.6.2.1.1)."""
    row = orientation[0] / np.linalg.norm(orientation[0])
    column = orientation[1] - (orientation[1] @ row) * row
    column /= np.linalg.norm(column)
    return np.column_stack([row, column, np.cross(row, column)])
