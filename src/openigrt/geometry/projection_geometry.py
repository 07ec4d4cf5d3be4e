"""Where the pixels of a projection lie: a point source and a flat detector, apart from the pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InvalidGeometry
from openigrt.geometry.central_projection import Rays
from openigrt.geometry.frames import Frame, require_same_frame
from openigrt.geometry.rigid import ORTHONORMAL_TOLERANCE, Float64Array, RigidTransform, frozen_array

SHORTEST_DISTANCE_MM = 1.0


@dataclass(frozen=True, eq=False)
class ProjectionGeometry:
    """An X-ray source and a detector plane in a frame: the room (`Frame.FIXED`), or a patient's after `moved`.

    `first_pixel_mm` is the centre of pixel (column 0, row 0). `row_direction` and `column_direction` are the unit
    vectors along which the column and the row index rise. `size` and `spacing_mm` are in that order too: (columns,
    rows), (between columns, between rows). Arrays on the detector are indexed [row, column].
    """

    frame: Frame
    source_mm: Float64Array
    first_pixel_mm: Float64Array
    row_direction: Float64Array
    column_direction: Float64Array
    spacing_mm: Float64Array
    size: tuple[int, int]

    def __post_init__(self) -> None:
        """Copy, check and freeze; raises InvalidGeometry for a detector that is no plane or holds the source."""
        for name in ("source_mm", "first_pixel_mm", "row_direction", "column_direction"):
            object.__setattr__(self, name, frozen_array(getattr(self, name), (3,)))
        object.__setattr__(self, "spacing_mm", frozen_array(self.spacing_mm, (2,)))
        object.__setattr__(self, "size", tuple(int(n) for n in self.size))
        if len(self.size) != 2 or min(self.size) < 1 or not (self.spacing_mm > 0.0).all():
            raise InvalidGeometry(
                f"A detector needs two sizes and spacings above zero, found {self.size} and {self.spacing_mm.tolist()}."
            )
        axes = np.stack([self.row_direction, self.column_direction])
        defect = float(np.abs(axes @ axes.T - np.eye(2)).max())
        if defect > ORTHONORMAL_TOLERANCE:
            raise InvalidGeometry(f"Rows and columns of a detector must be orthonormal; these are off by {defect:.2g}.")
        if self.source_detector_distance_mm < SHORTEST_DISTANCE_MM:
            raise InvalidGeometry(
                f"The source lies {self.source_detector_distance_mm:.3g} mm from the plane of the detector; expected "
                f"{SHORTEST_DISTANCE_MM} mm or more. Check source-axis and source-detector distance."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of an array on the detector: (rows, columns)."""
        return self.size[1], self.size[0]

    @property
    def normal(self) -> Float64Array:
        """The unit vector (3,) across the detector that leads away from the source."""
        across = np.cross(self.row_direction, self.column_direction)
        return np.asarray(across if across @ (self.first_pixel_mm - self.source_mm) >= 0.0 else -across)

    @property
    def source_detector_distance_mm(self) -> float:
        """How far the source stands from the plane of the detector, along its normal."""
        return float(self.normal @ (self.first_pixel_mm - self.source_mm))

    def points(self, pixels: ArrayLike) -> Float64Array:
        """Points (..., 3) in mm of continuous pixels (..., 2) given as (column, row)."""
        steps = np.stack([self.row_direction * self.spacing_mm[0], self.column_direction * self.spacing_mm[1]])
        return np.asarray(self.first_pixel_mm + np.asarray(pixels, dtype=np.float64) @ steps)

    def pixels(self, points_mm: ArrayLike) -> Float64Array:
        """Where the rays through points (..., 3) meet the detector: continuous pixels (..., 2) as (column, row).

        They may lie beyond its edges. Raises InvalidGeometry for points that do not lie in front of the source.
        """
        from_source = np.asarray(points_mm, dtype=np.float64) - self.source_mm
        depth_mm = from_source @ self.normal
        if not (depth_mm > 0.0).all():
            raise InvalidGeometry(
                "A point at or behind the X-ray source has no projection; check the isocenter and the frame of the "
                f"points: expected {self.frame}."
            )
        reached = from_source * (self.source_detector_distance_mm / depth_mm)[..., np.newaxis]
        on_plane = self.source_mm + reached - self.first_pixel_mm
        along = np.stack([on_plane @ self.row_direction, on_plane @ self.column_direction], axis=-1)
        return np.asarray(along / self.spacing_mm)

    def rays(self, pixels: ArrayLike) -> Rays:
        """The rays from the source through pixels (n, 2) given as (column, row)."""
        return Rays(self.source_mm, np.atleast_2d(self.points(pixels) - self.source_mm))

    def contains(self, pixel: ArrayLike) -> bool:
        """Whether a (column, row) lies on the detector: within half a pixel of the outermost centres."""
        found = np.asarray(pixel, dtype=np.float64)
        return bool(((found >= -0.5) & (found <= np.array(self.size) - 0.5)).all())

    def moved(self, new_from_old: RigidTransform) -> "ProjectionGeometry":
        """The same source and detector in another frame, such as that of the patient on the table."""
        require_same_frame(self.frame, new_from_old.from_frame, "Moving a projection geometry")
        return ProjectionGeometry(
            frame=new_from_old.to_frame,
            source_mm=new_from_old.points(self.source_mm),
            first_pixel_mm=new_from_old.points(self.first_pixel_mm),
            row_direction=new_from_old.vectors(self.row_direction),
            column_direction=new_from_old.vectors(self.column_direction),
            spacing_mm=self.spacing_mm,
            size=self.size,
        )
