"""Filtered back-projection of cone-beam scans (Feldkamp, Davis, Kress, J Opt Soc Am A 1 (1984) 612)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import Engine, require_gpu
from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Frame, Grid, Trajectory, require_same_frame
from openigrt.images import ProjectionPixels
from openigrt.xray.arc import Arc, arc_of
from openigrt.xray.fdk_chain import CpuSum, FdkChain, Obliquity
from openigrt.xray.projector import require_apart, require_projections_of, views
from openigrt.xray.ramp import RampFilter, ramp_response
from openigrt.xray.rectification import rectification
from openigrt.xray.redundancy import Fan, distances_mm, evened, fan_of, ray_weights, require_full_fan, uncovered

Float32Array = NDArray[np.float32]

PROJECTIONS_AT_ONCE = 16
MOST_ASKEW_DEG = 15.0
LARGEST_EXTENSION = 2.0
BYTES_OF_A_NUMBER = 4
WEIGHTS_AT_ONCE = 4
IMAGES_AT_ONCE = 5
ROWS_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class FdkSettings:
    """How to filter; `fan` None finds it from the detector's place.

    `extension_share`: the edges of truncated rows are continued over this share of the detector's width. `arc` None
    takes the projections for the whole scan; a part of one needs its own. `engine`: what weights, filters and
    back-projects.
    """

    ramp: RampFilter = field(default_factory=RampFilter)
    fan: Fan | None = None
    extension_share: float = 0.0
    arc: Arc | None = None
    engine: Engine = Engine.CPU

    def __post_init__(self) -> None:
        """Check; raises InvalidGeometry."""
        if not 0.0 <= self.extension_share <= LARGEST_EXTENSION:
            raise InvalidGeometry(
                f"Rows are continued over a share of 0 to {LARGEST_EXTENSION:g} of their width, found "
                f"{self.extension_share}."
            )


class Fdk:
    """A volume that grows with every projection: add each of the trajectory once, in any order, then take it.

    `grid` and `trajectory` lie in the room (`Frame.FIXED`); the source turns about its y axis, on a circle or near it.
    Projections are line integrals float32 [row, column]; the volume is attenuation per mm, [k, j, i].
    """

    def __init__(self, grid: Grid, trajectory: Trajectory, settings: FdkSettings = FdkSettings()) -> None:
        """Prepare weights and filter.

        Raises InconsistentInput for arcs and detectors that leave the volume open, InvalidGeometry for volumes that
        reach to the source or whose slices do not lie across the axis of rotation.
        """
        require_same_frame(trajectory.frame, Frame.FIXED, "A reconstruction")
        require_same_frame(grid.frame, Frame.FIXED, "A reconstruction")
        _require_across(grid)
        self.grid = grid
        self.arc: Arc = settings.arc or arc_of(trajectory)
        straightening = rectification(trajectory, grid.direction[:, 2])
        straight = straightening.trajectory
        self.fan = settings.fan or fan_of(trajectory)
        if self.fan is Fan.FULL:
            require_full_fan(straight)
        self.warnings = self.arc.warnings + uncovered(straight, self.arc)
        wide, before = evened(straight) if self.fan is Fan.HALF else (straight, 0)
        seen = views(grid, wide)
        require_apart(grid, seen)
        extension = round(settings.extension_share * straight.size[0])
        self.chain = FdkChain(
            shape=grid.shape,
            rectification=straightening,
            weights=ray_weights(straight, self.arc, self.fan).astype(np.float32),
            obliquity=Obliquity.of(straight),
            before=before,
            columns=wide.size[0],
            extension=extension,
            response=ramp_response(wide.size[0] + 2 * extension, settings.ramp),
            views=seen,
            scales=_scales(straight, self.arc),
        )
        self._sum = _sum(self.chain, settings.engine)
        self._added = np.zeros(len(trajectory), bool)

    def add(self, line_integrals: Float32Array, first: int) -> None:
        """Add projections [n, row, column], numbers `first` and following of the trajectory.

        Raises InvalidGeometry for another shape, for one that was added before, and for pixels that are no numbers; a
        GPU finds those meanwhile, and they are said by `volume`.
        """
        which = slice(first, first + len(line_integrals))
        expected = self.chain.rectification.original.shape[1:]
        if line_integrals.shape[1:] != expected or first < 0 or which.stop > len(self._added):
            raise InvalidGeometry(
                f"Projections {first} to {which.stop - 1} of shape {line_integrals.shape[1:]} do not fit a trajectory "
                f"of {len(self._added)} detectors of {expected}."
            )
        if self._added[which].any():
            raise InvalidGeometry(f"Projection {first + int(np.argmax(self._added[which]))} was added before.")
        if not len(line_integrals):
            return
        self._sum.add(line_integrals, first)
        self._added[which] = True

    @property
    def missing(self) -> int:
        """How many projections of the trajectory have not been added."""
        return int((~self._added).sum())

    def volume(self) -> Float32Array:
        """Attenuation per mm [k, j, i] from what was added so far; on a GPU, raises InvalidGeometry as `add` does."""
        return self._sum.volume()


class _Sum(Protocol):
    """A volume to which projections are added."""

    def add(self, line_integrals: Float32Array, first: int) -> None:
        """Filter and back-project projections [n, row, column], numbers `first` and following."""

    def volume(self) -> Float32Array:
        """Attenuation per mm [k, j, i] so far."""


def _sum(chain: FdkChain, engine: Engine) -> _Sum:
    """An empty sum where it is wanted; raises MissingInput where that is a GPU and none is there."""
    if engine is Engine.CPU:
        return CpuSum(chain)
    require_gpu()
    from openigrt.xray.gpu import GpuSum  # noqa: PLC0415  (needs numba's CUDA)

    return GpuSum(chain)


def _require_across(grid: Grid) -> None:
    """Raise InvalidGeometry where slices lie far from across the axis of rotation: rows are filtered along them."""
    askew_deg = float(np.rad2deg(np.arccos(min(1.0, abs(grid.direction[1, 2])))))
    if askew_deg > MOST_ASKEW_DEG:
        raise InvalidGeometry(
            f"The slices of the volume are turned by {askew_deg:.1f} degrees from across the axis of rotation, and "
            f"{MOST_ASKEW_DEG:g} are allowed; reconstruct a volume in room axes and resample it."
        )


def _scales(trajectory: Trajectory, arc: Arc) -> Float64Array:
    """Per projection (n,): step of the arc, distance weight at the detector, and spacing of the ramp, at the axis."""
    to_axis = np.hypot(trajectory.sources_mm[:, 0], trajectory.sources_mm[:, 2])
    at_detector = to_axis / distances_mm(trajectory)
    return np.asarray(np.deg2rad(arc.steps_deg) * at_detector**2 / (trajectory.spacing_mm[0] * at_detector))


def reconstruct_fdk(
    line_integrals: ProjectionPixels, trajectory: Trajectory, grid: Grid, settings: FdkSettings = FdkSettings()
) -> Float32Array:
    """Attenuation per mm [k, j, i] of a whole scan of line integrals [projection, row, column].

    Raises InvalidGeometry where they do not fit the trajectory, and as `Fdk` does.
    """
    require_projections_of(trajectory, line_integrals)
    fdk = Fdk(grid, trajectory, settings)
    for which in blocks(len(trajectory)):
        fdk.add(line_integrals[which], which.start)
    return fdk.volume()


def reconstruction_bytes(grid: Grid, trajectory: Trajectory, settings: FdkSettings = FdkSettings()) -> int:
    """About how much memory `reconstruct_fdk` takes beside its projections: say so before it would not fit.

    The volume and its copy, the weights, and of the projections that are filtered together rows padded to twice their
    length with their spectra. Raises InvalidGeometry as `Fdk` does for detectors that cannot be straightened.
    """
    straight = rectification(trajectory, grid.direction[:, 2]).trajectory
    if (settings.fan or fan_of(trajectory)) is Fan.HALF:
        straight, _ = evened(straight)
    count, rows, columns = straight.shape
    padded = 2 * (columns + 2 * round(settings.extension_share * columns))
    weights = count * columns * WEIGHTS_AT_ONCE
    at_once = min(count, PROJECTIONS_AT_ONCE) * rows * (columns * IMAGES_AT_ONCE + padded * ROWS_AT_ONCE)
    return BYTES_OF_A_NUMBER * (2 * int(np.prod(grid.size)) + weights + at_once)


def blocks(count: int) -> Iterator[slice]:
    """Slices of so many projections that filtering and back-projection take together."""
    return (slice(n, min(n + PROJECTIONS_AT_ONCE, count)) for n in range(0, count, PROJECTIONS_AT_ONCE))
