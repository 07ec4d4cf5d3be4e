"""The matched pair of operators: line integrals through a volume, and their transpose."""

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import Engine, require_gpu, thread_count
from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Grid, Trajectory, require_same_frame
from openigrt.images import ProjectionPixels
from openigrt.xray._kernels_cpu import project, project_adjoint, restored_volume, transposed_volume
from openigrt.xray.rectification import Rectification, rectification

Float32Array = NDArray[np.float32]
LaidOut: TypeAlias = Any
"""A volume as an engine reads it: float32 [j + 1, i + 1, k + 1] of the lattice, in memory or on a card."""

RUNG_STEP_VOXELS = 1.0
STEEPEST_COMFORTABLE = 0.6
NEAREST_SHARE = 0.02
CYCLES = ((2, 1, 0), (0, 2, 1), (1, 0, 2))


class Projector:
    """Line integrals of a volume on `grid` along the rays of a `trajectory` in the same frame, and the transpose.

    Volumes are float32 [k, j, i], attenuation per mm; projections float32 [projection, row, column], without unit. The
    volume is trilinear between voxel centres and falls to zero within a voxel beyond them. Method: Joseph, IEEE Trans
    Med Imaging 1 (1982) 192; along the detector's columns, lines at depths whose rows differ by less than a voxel are
    added before they are read. A GPU reads without this ladder.
    """

    def __init__(self, grid: Grid, trajectory: Trajectory, engine: Engine = Engine.CPU) -> None:
        """Prepare; raises FrameMismatch, InvalidGeometry for a source near the volume, MissingInput where no GPU is."""
        if engine is Engine.GPU:
            require_gpu()
        require_same_frame(trajectory.frame, grid.frame, "Projecting a volume")
        self.grid = grid
        self.trajectory = trajectory
        self._axes = CYCLES[_column_axis(grid, trajectory)]
        lattice = _turned(grid, self._axes)
        straightening = rectification(trajectory, lattice.direction[:, 2])
        require_apart(lattice, views(lattice, straightening.trajectory))
        self.operators: Operators = _CpuOperators(self._axes, lattice, straightening)
        if engine is Engine.GPU:
            from openigrt.xray.gpu import GpuOperators  # noqa: PLC0415  (needs numba's CUDA)

            self.operators = GpuOperators(grid, self._axes, lattice, straightening)

    def forward(self, volume: Float32Array) -> Float32Array:
        """Line integrals [projection, row, column] of a volume [k, j, i]."""
        return self.through(self.laid_out(volume))

    def laid_out(self, volume: Float32Array) -> LaidOut:
        """A volume [k, j, i] as `through` reads it: the order of its axes depends on where the sources stand."""
        if volume.shape != self.grid.shape:
            raise InvalidGeometry(f"A volume of shape {volume.shape} does not fit a grid of {self.grid.shape}.")
        return self.operators.laid_out(volume)

    def through(self, laid_out: LaidOut) -> Float32Array:
        """Line integrals [projection, row, column] of a volume that a projector of the same `layout` laid out."""
        return self.operators.through(laid_out)

    def adjoint(self, projections: Float32Array) -> Float32Array:
        """The transpose of `forward`: a volume [k, j, i] of projections [projection, row, column]."""
        require_projections_of(self.trajectory, projections)
        return self.operators.adjoint(projections)

    @property
    def layout(self) -> tuple[int, int, int]:
        """The order of the axes in which volumes are laid out."""
        return self._axes


class Operators(Protocol):
    """What an engine makes of volumes [k, j, i] and projections [projection, row, column] of the right shape."""

    def laid_out(self, volume: Float32Array) -> LaidOut:
        """The volume as `through` reads it; raises InvalidGeometry for voxels that are no numbers."""

    def through(self, laid_out: LaidOut) -> Float32Array:
        """Line integrals."""

    def adjoint(self, projections: Float32Array) -> Float32Array:
        """The transpose; raises InvalidGeometry for pixels that are no numbers."""


class _CpuOperators:
    """The operators in memory, on a `lattice` that is the grid with its axes in the order of `axes`, from the last."""

    def __init__(self, axes: tuple[int, int, int], lattice: Grid, straightening: Rectification) -> None:
        self._array_axes = 2 - axes[0], 2 - axes[1], 2 - axes[2]
        self._lattice = lattice
        self._rectification = straightening
        self._views = views(lattice, straightening.trajectory)

    def laid_out(self, volume: Float32Array) -> LaidOut:
        require_numbers(volume, "A volume")
        turned = np.ascontiguousarray(np.transpose(volume, self._array_axes), dtype=np.float32)
        bordered = np.zeros(_bordered(self._lattice), np.float32)
        transposed_volume(turned, bordered, 1)
        return bordered

    def through(self, laid_out: LaidOut) -> Float32Array:
        out = np.empty(self._rectification.trajectory.shape, np.float32)
        project(laid_out, self._views, self._lattice.spacing_mm, RUNG_STEP_VOXELS, out)
        return self._rectification.restored(out)

    def adjoint(self, projections: Float32Array) -> Float32Array:
        require_numbers(projections, "A projection")
        straight = self._rectification.restored_adjoint(np.ascontiguousarray(projections, dtype=np.float32))
        bordered = np.zeros(_bordered(self._lattice), np.float32)
        project_adjoint(straight, self._views, self._lattice.spacing_mm, RUNG_STEP_VOXELS, thread_count(), bordered)
        turned = np.empty(self._lattice.shape, np.float32)
        restored_volume(bordered, turned, 1)
        return np.ascontiguousarray(np.transpose(turned, np.argsort(self._array_axes)))


def require_projections_of(trajectory: Trajectory, projections: ProjectionPixels) -> None:
    """Raise InvalidGeometry unless there is one projection for each detector of a trajectory, of as many pixels."""
    if tuple(projections.shape) != trajectory.shape:
        raise InvalidGeometry(
            f"Projections of shape {tuple(projections.shape)} do not fit a trajectory of {trajectory.shape}."
        )


def require_numbers(values: Float32Array, what: str) -> None:
    """Raise InvalidGeometry where something is NaN or infinite: one pixel would spoil whatever its rays meet."""
    if not (np.isfinite(values.min()) and np.isfinite(values.max())):
        raise no_numbers(what)


def no_numbers(what: str) -> InvalidGeometry:
    """The error that says so."""
    return InvalidGeometry(f"{what} holds values that are no numbers; fill voxels without data and dead pixels first.")


def views(grid: Grid, trajectory: Trajectory) -> Float64Array:
    """Source, first pixel, step between columns and step between rows in voxel indices (n, 12), for the kernels."""
    matrix, _ = grid.index_from_point()
    return np.hstack(
        [
            grid.indices(trajectory.sources_mm),
            grid.indices(trajectory.first_pixels_mm),
            trajectory.row_directions * trajectory.spacing_mm[0] @ matrix.T,
            trajectory.column_directions * trajectory.spacing_mm[1] @ matrix.T,
        ]
    )


def require_apart(grid: Grid, seen: Float64Array) -> None:
    """Raise InvalidGeometry where the volume comes near a source, or lies beside or behind it."""
    source, first, across = seen[:, None, 0:2], seen[:, None, 3:5], seen[:, None, 6:8]
    corners = np.array([[i, j] for i in (-1, grid.size[0]) for j in (-1, grid.size[1])], dtype=np.float64)
    shares = _cross(corners - source, across) / _cross(first - source, across)
    if shares.min() < NEAREST_SHARE:
        raise InvalidGeometry(
            "The volume reaches to the X-ray source or beyond it; choose a smaller volume, or check the source-axis "
            "distance.",
            share_of_the_way=float(shares.min()),
        )


def _cross(a: Float64Array, b: Float64Array) -> Float64Array:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def _column_axis(grid: Grid, trajectory: Trajectory) -> int:
    """Place in `CYCLES` of the axis along which columns shall run: k, unless rays run along it."""
    centers = trajectory.first_pixels_mm + (
        trajectory.row_directions * (trajectory.spacing_mm[0] * (trajectory.size[0] - 1) / 2.0)
        + trajectory.column_directions * (trajectory.spacing_mm[1] * (trajectory.size[1] - 1) / 2.0)
    )
    rays = centers - trajectory.sources_mm
    steepness = np.abs(rays / np.linalg.norm(rays, axis=1, keepdims=True) @ grid.direction).max(axis=0)
    by_cycle = [steepness[cycle[0]] for cycle in CYCLES]
    return 0 if by_cycle[0] < STEEPEST_COMFORTABLE else int(np.argmin(by_cycle))


def _turned(grid: Grid, axes: tuple[int, int, int]) -> Grid:
    """The same lattice with its axes in the order (axes[2], axes[1], axes[0])."""
    order = list(axes[::-1])
    size = grid.size[order[0]], grid.size[order[1]], grid.size[order[2]]
    return Grid(grid.frame, grid.origin_mm, grid.spacing_mm[order], grid.direction[:, order], size)


def _bordered(grid: Grid) -> tuple[int, int, int]:
    """Shape of an array [j, i, k] with a border."""
    return grid.size[1] + 2, grid.size[0] + 2, grid.size[2] + 2
