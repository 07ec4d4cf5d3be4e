"""What lies round a volume that an iterative method solves for: such a method puts it inside, filtering does not.

In the manner of Ziegler, Nielsen and Grass (Med Phys 35 (2008) 1317): the surroundings are projected and taken off the
data. What they are is told by filtered back-projection with continued rows on a wider, coarser grid; what that leaves
of the data is slow, and goes off smoothed.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.geometry import Float64Array, Frame, Grid, Trajectory
from openigrt.images import ProjectionPixels
from openigrt.xray.fdk import FdkSettings, blocks, reconstruct_fdk
from openigrt.xray.field_of_view import AXIAL_DIRECTION, FieldOfView
from openigrt.xray.projector import Projector
from openigrt.xray.redundancy import Fan, at_isocenter_mm, columns_mm

Float32Array = NDArray[np.float32]

FINEST_MM = 4.0
WIDER, MOST_OF_SOURCE_DISTANCE = 1.6, 0.6  # rows are continued over half of the field's radius at the most
EXTENSION_SHARE = 0.25
SMOOTHING_MM = 15.0
COVERED_SHARE, FEWEST_COVERED = 0.1, 0.01
EDGE_PIXELS = 2


@dataclass(frozen=True, slots=True)
class CutOff:
    """Whether the patient reaches beyond the detector across the axis of rotation, and along it."""

    is_across: bool
    is_along: bool


def cut_off(line_integrals: ProjectionPixels, trajectory: Trajectory, fan: Fan) -> CutOff:
    """Where a scan of line integrals [projection, row, column] is cut off: edges of the detector that the body covers.

    An edge counts where more than a hundredth of its pixels show over a tenth of what is usual behind the body. Of a
    half fan the shorter side, which always sees the body, does not count.
    """
    columns = columns_mm(trajectory)
    is_right_longer = float(np.median(columns[:, 0] + columns[:, -1])) > 0.0
    sides = [np.s_[..., :EDGE_PIXELS], np.s_[..., -EDGE_PIXELS:]]
    sides = sides if fan is Fan.FULL else sides[is_right_longer : 1 + is_right_longer]
    taken = [np.asarray(line_integrals[which], np.float32) for which in blocks(len(trajectory))]
    dense = COVERED_SHARE * max(float(np.percentile(part, 99.0)) for part in taken)
    ends = [np.s_[:, :EDGE_PIXELS], np.s_[:, -EDGE_PIXELS:]]
    across, along = (
        max(float(np.mean([float((part[edge] > dense).mean()) for part in taken])) for edge in edges)
        for edges in (sides, ends)
    )
    return CutOff(across > FEWEST_COVERED, along > FEWEST_COVERED)


@dataclass(frozen=True, eq=False, slots=True)
class Surroundings:
    """Attenuation per mm [k, j, i] on a grid wider than a volume: all that a scan shows, and what lies outside it."""

    grid: Grid
    whole: Float32Array
    outside: Float32Array

    def taken_off(self, line_integrals: Float32Array, trajectory: Trajectory) -> Float32Array:
        """Line integrals [projection, row, column] of the volume alone."""
        between_columns_mm, between_rows_mm = at_isocenter_mm(trajectory)
        widths = 0.0, SMOOTHING_MM / between_rows_mm, SMOOTHING_MM / between_columns_mm
        out = np.empty_like(line_integrals, dtype=np.float32)
        for which in blocks(len(trajectory)):
            projector = Projector(self.grid, trajectory.chosen(np.arange(which.start, which.stop)))
            rest = line_integrals[which] - projector.forward(self.whole)
            slow = ndimage.gaussian_filter(rest, widths, mode="nearest")
            np.subtract(line_integrals[which] - projector.forward(self.outside), slow, out=out[which])
        return out


def surroundings(
    line_integrals: ProjectionPixels,
    trajectory: Trajectory,
    grid: Grid,
    view: FieldOfView,
    settings: FdkSettings,
) -> Surroundings:
    """What lies round `grid`, whose axes are those of `AXIAL_DIRECTION`; raises InconsistentInput as `Fdk` does.

    Slices beyond those that are seen continue them along the axis.
    """
    wide = _wider(grid, view)
    image = reconstruct_fdk(line_integrals, trajectory, wide, replace(settings, extension_share=EXTENSION_SHARE))
    np.maximum(image, np.float32(0.0), out=image)
    points = _points(wide)
    whole = np.take_along_axis(image, _seen_slice(wide, view, points), axis=0)
    indices = grid.indices(points)
    inside = ((indices > -0.5) & (indices < np.array(grid.size) - 0.5)).all(axis=-1)
    return Surroundings(wide, whole, np.where(inside, np.float32(0.0), whole))


def _wider(grid: Grid, view: FieldOfView) -> Grid:
    """A coarse grid about the axis of rotation, as far as rows are continued and the cone opens."""
    step_mm = max(FINEST_MM, float(grid.spacing_mm.max()))
    radius_mm = min(WIDER * view.radius_mm, MOST_OF_SOURCE_DISTANCE * view.source_axis_distance_mm)
    opening = 1.0 + np.sqrt(2.0) * radius_mm / view.source_axis_distance_mm
    first_mm, last_mm = opening * min(view.first_mm, 0.0), opening * max(view.last_mm, 0.0)
    lengths = np.array([2.0 * radius_mm, 2.0 * radius_mm, last_mm - first_mm])
    counts = np.ceil(lengths / step_mm).astype(int) + 1
    middle = np.array([0.0, (first_mm + last_mm) / 2.0, 0.0])
    origin = middle - AXIAL_DIRECTION @ (step_mm * (counts - 1) / 2.0)
    size = int(counts[0]), int(counts[1]), int(counts[2])
    return Grid(Frame.FIXED, origin, np.full(3, step_mm), AXIAL_DIRECTION, size)


def _points(grid: Grid) -> Float64Array:
    """Centres of voxels [k, j, i] in mm (..., 3)."""
    k, j, i = np.indices(grid.shape)
    return np.asarray(grid.points(np.stack([i, j, k], axis=-1)))


def _seen_slice(grid: Grid, view: FieldOfView, points: Float64Array) -> NDArray[np.intp]:
    """For each voxel [k, j, i] the number of the nearest slice that is seen there, or at the edge of the field."""
    radius = np.minimum(np.hypot(points[..., 0], points[..., 2]), view.radius_mm)
    least, most = view.ends_mm(radius)
    nearest = points.copy()
    nearest[..., 1] = np.clip(points[..., 1], np.minimum(least, most), np.maximum(least, most))
    return np.clip(np.rint(grid.indices(nearest)[..., 2]).astype(np.intp), 0, grid.size[2] - 1)
