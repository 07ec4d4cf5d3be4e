"""Three planes through a point of the plan, and images sampled on them: only the voxels that a figure shows."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform, resample
from openigrt.images import Image, Mask
from openigrt.report.wording import plain

LONGEST_SIDE_PX = 480
SMALLEST_PIXEL_MM = 0.6


class Plane(StrEnum):
    """The three anatomical planes, as radiology shows them."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


_VIEWED_AXES = {
    Plane.AXIAL: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    Plane.CORONAL: ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    Plane.SAGITTAL: ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}
_LETTERS = {(0, 1): "L", (0, -1): "R", (1, 1): "P", (1, -1): "A", (2, 1): "S", (2, -1): "I"}


@dataclass(frozen=True, eq=False)
class PlaneView:
    """One plane as a one-slice `grid` in LPS of the plan: i runs to the viewer's right, j down, k away or near.

    Picture coordinates are mm from the upper left corner of the picture. Axial and coronal planes show the patient's
    left on the viewer's right, the sagittal one is seen from the patient's left.
    """

    plane: Plane
    grid: Grid

    @property
    def width_mm(self) -> float:
        """Width of the picture, mm."""
        return float(self.grid.size[0] * self.grid.spacing_mm[0])

    @property
    def height_mm(self) -> float:
        """Height of the picture, mm."""
        return float(self.grid.size[1] * self.grid.spacing_mm[1])

    @property
    def pixel_mm(self) -> float:
        """Side of a pixel, mm."""
        return float(self.grid.spacing_mm[0])

    @property
    def letters(self) -> dict[str, str]:
        """Patient direction (L R A P S I) at each edge of the picture."""
        right, down = self.grid.direction[:, 0], self.grid.direction[:, 1]
        edges = {"left": -right, "right": right, "top": -down, "bottom": down}
        return {edge: direction_letter(vector) for edge, vector in edges.items()}

    def picture_points(self, points_mm: Float64Array) -> Float64Array:
        """Points (n, 3) of the plan as (right, down, distance from the plane), mm."""
        indices = self.grid.indices(points_mm)
        return np.asarray((indices + np.array([0.5, 0.5, 0.0])) * self.grid.spacing_mm)

    @property
    def slice_position(self) -> str:
        """Which slice this is, in LPS mm of the plan."""
        axis = int(np.argmax(np.abs(self.grid.direction[:, 2])))
        return f"{'xyz'[axis]} = {plain(float(self.grid.origin_mm[axis]))} mm"


def direction_letter(vector: Float64Array) -> str:
    """The patient direction nearest to a vector (3,) in LPS: L, R, A, P, S or I."""
    axis = int(np.argmax(np.abs(vector)))
    return _LETTERS[axis, 1 if vector[axis] > 0 else -1]


def plane_views(frame: Frame, center_mm: Float64Array, box_mm: tuple[Float64Array, Float64Array]) -> list[PlaneView]:
    """The axial, coronal and sagittal views through `center_mm` (3,) that show a box (low, high) of the plan, mm."""
    low, high = box_mm
    pixel_mm = max(SMALLEST_PIXEL_MM, float((high - low).max()) / LONGEST_SIDE_PX)
    views = []
    for plane, axes in _VIEWED_AXES.items():
        right, down = np.array(axes)
        direction = np.column_stack([right, down, np.cross(right, down)])
        start = np.where(direction[:, :2].sum(axis=1) > 0, low, high)
        origin = np.where(direction[:, 2] != 0, center_mm, start) + (right + down) * pixel_mm / 2.0
        columns, rows = (max(1, round(float(abs(axis @ (high - low))) / pixel_mm)) for axis in (right, down))
        grid = Grid(frame, origin, np.array([pixel_mm, pixel_mm, 1.0]), direction, (columns, rows, 1))
        views.append(PlaneView(plane, grid))
    return views


def field_corners_mm(image: Image) -> Float64Array:
    """Corners (8, 3) of the box round the voxels that hold data, mm in the image's frame; of all when none does."""
    seen = np.isfinite(image.voxels[::2, ::2, ::2])
    last = np.array(image.grid.size) - 1
    spans = [np.flatnonzero(seen.any(axis=axes)) * 2 for axes in ((0, 1), (0, 2), (1, 2))]
    if min(len(span) for span in spans) == 0:
        return image.grid.corners_mm()
    ends = [(max(span[0] - 1, 0), min(span[-1] + 1, most)) for span, most in zip(spans, last, strict=True)]
    return image.grid.points([[i, j, k] for k in ends[2] for j in ends[1] for i in ends[0]])


def seen_image(image: Image, field: Mask | None) -> Image:
    """The image without what lies outside its field of view (NaN there); itself when no field is given.

    Raises InconsistentInput when the field lies on another grid.
    """
    if field is None:
        return image
    if field.grid != image.grid:
        raise InconsistentInput("The field of view must lie on the grid of its image; resample it there first.")
    return replace(image, voxels=np.where(field.voxels, image.voxels, np.float32(np.nan)))


def sample_image(image: Image, onto: Grid, image_from_plan: RigidTransform) -> NDArray[np.float32]:
    """Voxel values (rows, columns) on a one-slice grid of the plan; NaN where there is no data."""
    values: NDArray[np.float32] = resample(image.voxels, image.grid, onto, image_from_plan)[0]
    return values
