"""What every projection of a scan sees, and a volume that covers it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Frame, Grid, Trajectory
from openigrt.xray.rectification import ROTATION_AXIS, rectification
from openigrt.xray.redundancy import Fan, columns_mm, distances_mm

AXIAL_DIRECTION = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True, slots=True)
class FieldOfView:
    """The body round the room's y axis that a scan reconstructs whole.

    `radius_mm` about the axis; at the axis it reaches from `first_mm` to `last_mm` along y, and less beside it, as the
    cone narrows toward sources at `source_axis_distance_mm`, whose y are within `source_y_mm` (least, most), and widens
    beyond: an end that lies on the same side of a source as the other one is lost where it widens.
    """

    radius_mm: float
    first_mm: float
    last_mm: float
    source_axis_distance_mm: float
    source_y_mm: tuple[float, float] = (0.0, 0.0)

    def contains(self, points_mm: Float64Array) -> NDArray[np.bool_]:
        """Whether points (..., 3) of the room lie in it."""
        radius = np.hypot(points_mm[..., 0], points_mm[..., 2])
        y = points_mm[..., 1]
        least, most = self.ends_mm(radius)
        return np.asarray((radius <= self.radius_mm) & (y >= least) & (y <= most))

    def ends_mm(self, radius_mm: Float64Array) -> tuple[Float64Array, Float64Array]:
        """The y at which it begins and ends at distances (...) from the axis."""
        beside = radius_mm / self.source_axis_distance_mm
        least = self.first_mm + beside * max(abs(self.first_mm - source) for source in self.source_y_mm)
        most = self.last_mm - beside * max(abs(self.last_mm - source) for source in self.source_y_mm)
        return least, most

    def mask(self, grid: Grid) -> NDArray[np.bool_]:
        """Voxels [k, j, i] of a grid in the room whose centres lie in it, a slice at a time."""
        i, j = np.meshgrid(np.arange(grid.size[0]), np.arange(grid.size[1]), indexing="xy")
        slices = (np.stack([i, j, np.full(i.shape, k)], axis=-1) for k in range(grid.size[2]))
        return np.stack([self.contains(grid.points(indices)) for indices in slices])


def field_of_view(trajectory: Trajectory, fan: Fan) -> FieldOfView:
    """The field of view of a trajectory in the room: with a half fan the longer side counts, else the shorter."""
    straight = rectification(trajectory, ROTATION_AXIS).trajectory
    columns, distances = columns_mm(straight), distances_mm(straight)
    sides = np.sort(np.abs(columns[:, [0, -1]]), axis=1)[:, 1 if fan is Fan.HALF else 0]
    to_axis = np.hypot(straight.sources_mm[:, 0], straight.sources_mm[:, 2])
    radius = float((to_axis * sides / np.hypot(sides, distances)).min())
    rows = np.einsum("ni,i->n", straight.first_pixels_mm - straight.sources_mm, ROTATION_AXIS)
    height = (straight.size[1] - 1) * straight.spacing_mm[1] * np.sign(straight.column_directions[:, 1])
    edges = np.sort(np.stack([rows, rows + height], axis=1), axis=1) * (to_axis / distances)[:, None]
    at_axis = edges + straight.sources_mm[:, 1:2]
    first, last = float(at_axis[:, 0].max()), float(at_axis[:, 1].min())
    if radius <= 0.0 or last <= first:
        raise InvalidGeometry("No part of the room is seen by all projections; check the position of the detector.")
    along = straight.sources_mm[:, 1]
    return FieldOfView(radius, first, last, float(to_axis.mean()), (float(along.min()), float(along.max())))


def covering_grid(
    view: FieldOfView, voxel_mm: tuple[float, float, float], size: tuple[int, int, int] | None = None
) -> Grid:
    """A grid in the room that covers a field of view, or of `size` voxels about its middle on the axis.

    Axial: i along x, j down (-z), k along y; `voxel_mm` and `size` in that order.
    """
    spacing = np.array(voxel_mm)
    middle = (view.first_mm + view.last_mm) / 2.0
    extent = np.array([2.0 * view.radius_mm, 2.0 * view.radius_mm, view.last_mm - view.first_mm])
    counts = np.ceil(extent / spacing).astype(int) if size is None else np.array(size)
    origin = np.array([0.0, middle, 0.0]) - AXIAL_DIRECTION @ (spacing * (counts - 1) / 2.0)
    return Grid(Frame.FIXED, origin, spacing, AXIAL_DIRECTION, (int(counts[0]), int(counts[1]), int(counts[2])))
