"""Affine transforms that know both ends: for display and deformation, never to move a patient."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry.frames import Frame
from openigrt.geometry.rigid import Float64Array, frozen_array

LAST_ROW_TOLERANCE = 1e-9
SMALLEST_VOLUME_RATIO = 1e-6


@dataclass(frozen=True, eq=False)
class AffineTransform:
    """Maps a point of `from_frame` to `to_frame` by a homogeneous `matrix` (4, 4), mm: rotated, scaled and sheared."""

    to_frame: Frame
    from_frame: Frame
    matrix: Float64Array

    def __post_init__(self) -> None:
        """Copy, check the last row and that nothing collapses, and freeze; raises InvalidGeometry."""
        matrix = frozen_array(self.matrix, (4, 4))
        ratio = abs(float(np.linalg.det(matrix[:3, :3])))
        is_affine = bool(np.allclose(matrix[3], [0.0, 0.0, 0.0, 1.0], rtol=0.0, atol=LAST_ROW_TOLERANCE))
        if not is_affine or not SMALLEST_VOLUME_RATIO <= ratio <= 1.0 / SMALLEST_VOLUME_RATIO:
            raise InvalidGeometry(
                f"The matrix of {self.to_frame} from {self.from_frame} is no affine map of space onto itself: last row "
                f"{matrix[3].tolist()}, determinant {ratio:.3g}."
            )
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def identity(cls, frame: Frame) -> "AffineTransform":
        """The map of a frame onto itself."""
        return cls(frame, frame, np.eye(4))

    def points(self, points_mm: ArrayLike) -> Float64Array:
        """Map points (..., 3) in mm from `from_frame` to `to_frame`."""
        return np.asarray(points_mm, dtype=np.float64) @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    def inverse(self) -> "AffineTransform":
        """The transform from `to_frame` to `from_frame`."""
        return AffineTransform(self.from_frame, self.to_frame, np.asarray(np.linalg.inv(self.matrix), np.float64))

    def __matmul__(self, other: "AffineTransform") -> "AffineTransform":
        """Compose: `a_from_b @ b_from_c` is `a_from_c`; raises FrameMismatch when the neighbours differ."""
        if self.from_frame != other.to_frame:
            raise FrameMismatch(
                f"Cannot compose {self.to_frame} from {self.from_frame} with {other.to_frame} from "
                f"{other.from_frame}: the neighbours must be the same frame."
            )
        return AffineTransform(self.to_frame, other.from_frame, self.matrix @ other.matrix)
