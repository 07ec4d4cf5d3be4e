"""Detectors whose columns run along an axis of the volume: every flat one, seen from its source, is such a one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Trajectory
from openigrt.xray._kernels_cpu import warp, warp_adjoint

Float32Array = NDArray[np.float32]

SAME_PIXEL = 1e-3
STEEPEST = 0.9
LARGEST_GROWTH = 4.0
ROTATION_AXIS = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, eq=False)
class Rectification:
    """A `trajectory` whose detectors have their columns along an axis and their rows across it, from the same sources.

    `measured` (n, 3, 3) takes its homogeneous pixels (column, row, 1) to those of the `original` detectors; None where
    the original ones were such detectors already. Nothing is lost but by the interpolation between pixels.
    """

    original: Trajectory
    trajectory: Trajectory
    measured: Float64Array | None

    def rectified(self, projections: Float32Array, first: int = 0) -> Float32Array:
        """Projections [n, row, column] of the original detectors, from number `first` on, as the new ones see them.

        Zero beyond the edges of the original detector.
        """
        return self._warped(projections, self.measured, first, self.trajectory)

    def restored(self, projections: Float32Array, first: int = 0) -> Float32Array:
        """Projections of the new detectors as the original ones would see them."""
        return self._warped(projections, self._from_measured(), first, self.original)

    def restored_adjoint(self, projections: Float32Array, first: int = 0) -> Float32Array:
        """The transpose of `restored`."""
        there = self._from_measured()
        if there is None:
            return projections
        out = np.zeros((len(projections), *self.trajectory.shape[1:]), np.float32)
        warp_adjoint(projections, there[first : first + len(projections)], out)
        return out

    def _from_measured(self) -> Float64Array | None:
        return None if self.measured is None else np.asarray(np.linalg.inv(self.measured), dtype=np.float64)

    @staticmethod
    def _warped(projections: Float32Array, there: Float64Array | None, first: int, onto: Trajectory) -> Float32Array:
        if there is None:
            return projections
        out = np.empty((len(projections), *onto.shape[1:]), np.float32)
        warp(projections, there[first : first + len(projections)], out)
        return out


def rectification(trajectory: Trajectory, axis: Float64Array) -> Rectification:
    """Detectors through the centres of the given ones, with columns along the unit vector `axis` (3,).

    Raises InvalidGeometry where rays run along the axis rather than across it.
    """
    normals = normals_of(trajectory)
    along = normals @ axis
    if np.abs(along).max() > STEEPEST:
        raise InvalidGeometry(
            "A detector faces along the axis of the volume's slices; choose a volume whose slices lie across the axis "
            "of rotation, or check the tilt of the detector."
        )
    across = normals - along[:, None] * axis
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    # One sense for all: of a detector on its side, rounding or a bent arm would choose another for each projection.
    columns = np.where(float((trajectory.column_directions @ axis).sum()) < 0.0, -axis, axis)
    rows = np.cross(columns, across)
    rows *= -1.0 if float((rows * trajectory.row_directions).sum()) < 0.0 else 1.0
    columns = np.broadcast_to(columns, rows.shape)
    if _is_same(trajectory, rows, columns):
        return Rectification(trajectory, trajectory, None)
    new = _covering(trajectory, rows, columns, across)
    return Rectification(trajectory, new, _pixels_from_pixels(trajectory, new, normals))


def normals_of(trajectory: Trajectory) -> Float64Array:
    """Unit vectors (n, 3) across the detectors, away from the source."""
    normals = np.cross(trajectory.row_directions, trajectory.column_directions)
    toward = np.einsum("ni,ni->n", normals, trajectory.first_pixels_mm - trajectory.sources_mm)
    return np.asarray(normals * np.where(toward < 0.0, -1.0, 1.0)[:, None])


def _is_same(trajectory: Trajectory, rows: Float64Array, columns: Float64Array) -> bool:
    """Whether turning the detectors to these axes moves no pixel by anything that matters."""
    tolerance = SAME_PIXEL / max(trajectory.size)
    turned = max(np.abs(rows - trajectory.row_directions).max(), np.abs(columns - trajectory.column_directions).max())
    return bool(turned < tolerance)


def _corners(trajectory: Trajectory) -> Float64Array:
    """Centres of the four corner pixels (n, 4, 3) of every detector, mm."""
    last = np.array(trajectory.size) - 1
    along = trajectory.row_directions * (trajectory.spacing_mm[0] * last[0])
    down = trajectory.column_directions * (trajectory.spacing_mm[1] * last[1])
    first = trajectory.first_pixels_mm
    return np.stack([first, first + along, first + down, first + along + down], axis=1)


def _covering(trajectory: Trajectory, rows: Float64Array, columns: Float64Array, normals: Float64Array) -> Trajectory:
    """Detectors of these axes that see all that the original ones see, with pixels of the same size."""
    corners = _corners(trajectory)
    centers = corners.mean(axis=1)
    sources = trajectory.sources_mm
    distances = np.einsum("ni,ni->n", centers - sources, normals)
    rays = corners - sources[:, None]
    depths = np.einsum("nci,ni->nc", rays, normals)
    if not (depths > 0.0).all():
        raise InvalidGeometry("Part of a detector lies beside its source; check its tilt and its distance.")
    reached = sources[:, None] + rays * (distances[:, None] / depths)[..., None] - centers[:, None]
    places = np.stack([np.einsum("nci,ni->nc", reached, rows), np.einsum("nci,ni->nc", reached, columns)], axis=-1)
    least, most = places.min(axis=1), places.max(axis=1)
    size = np.ceil((most - least).max(axis=0) / trajectory.spacing_mm - SAME_PIXEL).astype(int) + 1
    if (size > LARGEST_GROWTH * np.array(trajectory.size).max()).any():
        raise InvalidGeometry("A detector is tilted so far that rays graze it; check its out-of-plane angle.")
    corner = (least + most) / 2.0 - (size - 1) / 2.0 * trajectory.spacing_mm
    first = centers + rows * corner[:, :1] + columns * corner[:, 1:]
    return Trajectory(
        trajectory.frame, sources, first, rows, columns, trajectory.spacing_mm, (int(size[0]), int(size[1]))
    )


def _pixels_from_pixels(to: Trajectory, origin: Trajectory, normals: Float64Array) -> Float64Array:
    """Homogeneous pixels of `to`, whose normals these are, from those of `origin` (n, 3, 3) on the same rays."""
    rays_of = np.stack(
        [
            origin.row_directions * origin.spacing_mm[0],
            origin.column_directions * origin.spacing_mm[1],
            origin.first_pixels_mm - origin.sources_mm,
        ],
        axis=2,
    )
    from_source = to.first_pixels_mm - to.sources_mm
    distances = np.einsum("ni,ni->n", from_source, normals)
    rows = []
    for n, direction in enumerate((to.row_directions, to.column_directions)):
        foot = np.einsum("ni,ni->n", from_source, direction)
        rows.append((direction * distances[:, None] - normals * foot[:, None]) / to.spacing_mm[n])
    onto = np.stack([*rows, normals], axis=1)
    return np.asarray(onto @ rays_of)
