"""Filtered back-projection of cone-beam scans (Feldkamp, Davis, Kress, J Opt Soc Am A 1 (1984) 612)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import thread_count
from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Frame, Grid, Trajectory, require_same_frame
from openigrt.images import ProjectionPixels
from openigrt.xray._kernels_cpu import back_project, restored_volume
from openigrt.xray.arc import Arc, arc_of
from openigrt.xray.projector import require_apart, views
from openigrt.xray.ramp import RampFilter, ramp_filtered, ramp_response
from openigrt.xray.rectification import rectification
from openigrt.xray.redundancy import Fan, columns_mm, distances_mm, fan_of, ray_weights

Float32Array = NDArray[np.float32]

RUNG_STEP_PIXELS = 1.0
CHUNKS_OF_A_THREAD = 2
PROJECTIONS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class FdkSettings:
    """How to filter; `fan` None finds it from the detector's place.

    `extension_share`: the edges of truncated rows are continued over this share of the detector's width.
    """

    ramp: RampFilter = field(default_factory=RampFilter)
    fan: Fan | None = None
    extension_share: float = 0.0


class Fdk:
    """A volume that grows with every projection: add each of the trajectory once, in any order, then take it.

    `grid` and `trajectory` lie in the room (`Frame.FIXED`); the source turns about its y axis, on a circle or near it.
    Projections are line integrals float32 [row, column]; the volume is attenuation per mm, [k, j, i].
    """

    def __init__(self, grid: Grid, trajectory: Trajectory, settings: FdkSettings = FdkSettings()) -> None:
        """Prepare weights and filter; raises InconsistentInput for arcs and detectors that leave the volume open."""
        require_same_frame(trajectory.frame, Frame.FIXED, "A reconstruction")
        require_same_frame(grid.frame, Frame.FIXED, "A reconstruction")
        self.grid = grid
        self.arc: Arc = arc_of(trajectory)
        self._rectification = rectification(trajectory, grid.direction[:, 2])
        straight = self._rectification.trajectory
        self.fan = settings.fan or fan_of(straight)
        weights = ray_weights(straight, self.arc, self.fan).astype(np.float32)
        self._beyond = _beyond(straight) if self.fan is Fan.HALF else (0, 0)
        straight = _widened(straight, self._beyond)
        self._views = views(grid, straight)
        require_apart(grid, self._views)
        self._weights = np.pad(weights, ((0, 0), self._beyond))
        self._scales = _scales(straight, self.arc)
        self._obliquity = _Obliquity.of(straight)
        self._extension = round(settings.extension_share * straight.size[0])
        self._response = ramp_response(straight.size[0] + 2 * self._extension, settings.ramp)
        self._volume = np.zeros((grid.size[1], grid.size[0], grid.size[2]), np.float32)
        self._added = np.zeros(len(trajectory), bool)

    def add(self, line_integrals: Float32Array, first: int) -> None:
        """Add projections [n, row, column], numbers `first` and following of the trajectory.

        Raises InvalidGeometry for another shape, for one that was added before, and for pixels that are no numbers.
        """
        which = slice(first, first + len(line_integrals))
        expected = self._rectification.original.shape[1:]
        if line_integrals.shape[1:] != expected or which.stop > len(self._added):
            raise InvalidGeometry(
                f"Projections {first} to {which.stop - 1} of shape {line_integrals.shape[1:]} do not fit a trajectory "
                f"of {len(self._added)} detectors of {expected}."
            )
        if self._added[which].any():
            raise InvalidGeometry(f"Projection {first + int(np.argmax(self._added[which]))} was added before.")
        if not np.isfinite(line_integrals).all():
            raise InvalidGeometry("A projection holds pixels that are no numbers; correct dead pixels first.")
        straight = self._rectification.rectified(np.ascontiguousarray(line_integrals, np.float32), first)
        straight = np.pad(straight, ((0, 0), (0, 0), self._beyond))
        weighted = straight * self._weights[which, None, :] * self._obliquity.cosines(which)
        filtered = ramp_filtered(weighted, self._response, self._extension)
        chunks = CHUNKS_OF_A_THREAD * thread_count()
        back_project(filtered, self._views[which], self._scales[which], RUNG_STEP_PIXELS, chunks, self._volume)
        self._added[which] = True

    @property
    def missing(self) -> int:
        """How many projections of the trajectory have not been added."""
        return int((~self._added).sum())

    def volume(self) -> Float32Array:
        """Attenuation per mm [k, j, i] from what was added so far."""
        out = np.empty(self.grid.shape, np.float32)
        restored_volume(self._volume, out, 0)
        return out


@dataclass(frozen=True, eq=False)
class _Obliquity:
    """What makes the cosine between each ray and the normal of its detector."""

    distances_mm: Float64Array
    columns_mm: Float64Array
    rows_mm: Float64Array

    @classmethod
    def of(cls, trajectory: Trajectory) -> "_Obliquity":
        to_first = trajectory.first_pixels_mm - trajectory.sources_mm
        first_column = np.einsum("ni,ni->n", to_first, trajectory.row_directions)
        first_row = np.einsum("ni,ni->n", to_first, trajectory.column_directions)
        columns, rows = (np.arange(trajectory.size[n]) * trajectory.spacing_mm[n] for n in range(2))
        return cls(distances_mm(trajectory), first_column[:, None] + columns, first_row[:, None] + rows)

    def cosines(self, which: slice) -> Float32Array:
        """Cosines (n, rows, columns)."""
        distance = self.distances_mm[which, None, None]
        squares = distance**2 + self.columns_mm[which, None, :] ** 2 + self.rows_mm[which, :, None] ** 2
        return np.asarray(distance / np.sqrt(squares), dtype=np.float32)


def _beyond(trajectory: Trajectory) -> tuple[int, int]:
    """How many columns a half fan lacks before its first and after its last one to be as wide on both sides.

    No ray was measured there, but filtered rows reach there from the measured ones, and belong to the image.
    """
    columns = columns_mm(trajectory)
    lack = int(np.ceil(np.abs(columns[:, 0] + columns[:, -1]).max() / trajectory.spacing_mm[0]))
    return (lack, 0) if float(np.median(columns[:, 0] + columns[:, -1])) > 0.0 else (0, lack)


def _widened(trajectory: Trajectory, beyond: tuple[int, int]) -> Trajectory:
    """The same detectors with so many columns more before the first and after the last one."""
    first = trajectory.first_pixels_mm - trajectory.row_directions * (beyond[0] * trajectory.spacing_mm[0])
    return replace(trajectory, first_pixels_mm=first, size=(trajectory.size[0] + sum(beyond), trajectory.size[1]))


def _scales(trajectory: Trajectory, arc: Arc) -> Float64Array:
    """Per projection (n,): step of the arc, distance weight at the detector, and spacing of the ramp, at the axis."""
    to_axis = np.hypot(trajectory.sources_mm[:, 0], trajectory.sources_mm[:, 2])
    at_detector = to_axis / distances_mm(trajectory)
    return np.asarray(np.deg2rad(arc.steps_deg) * at_detector**2 / (trajectory.spacing_mm[0] * at_detector))


def reconstruct_fdk(
    line_integrals: ProjectionPixels, trajectory: Trajectory, grid: Grid, settings: FdkSettings = FdkSettings()
) -> Float32Array:
    """Attenuation per mm [k, j, i] of a whole scan of line integrals [projection, row, column]."""
    fdk = Fdk(grid, trajectory, settings)
    for which in blocks(len(trajectory)):
        fdk.add(line_integrals[which], which.start)
    return fdk.volume()


def blocks(count: int) -> Iterator[slice]:
    """Slices of so many projections that filtering and back-projection take together."""
    return (slice(n, min(n + PROJECTIONS_AT_ONCE, count)) for n in range(0, count, PROJECTIONS_AT_ONCE))
