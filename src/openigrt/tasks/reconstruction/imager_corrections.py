"""What a machine file says about its imager, as corrections of projections: lag, scatter kernel, beam."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Trajectory
from openigrt.machine import Imager
from openigrt.xray import KernelScatter, Lag, LagCorrection, Material, Spectrum, Tube, blocks, tube_spectrum

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

AXIS_OF_ROTATION = np.array([0.0, 1.0, 0.0])


class FramesWithoutLag:
    """Takes lag off frames that come in slices: what lies between them, or before where they go back, is read too."""

    def __init__(self, lag: Lag, trajectory: Trajectory) -> None:
        """Nothing is read yet."""
        self._lag = lag
        self._count, self._shape = len(trajectory), trajectory.shape[1:]
        self._next = 0
        self._correction = LagCorrection(lag, self._shape)

    def corrected(self, which: slice, frames: Float32Array, earlier: Callable[[slice], Float32Array]) -> Float32Array:
        """Frames [n, row, column] of a slice, dark field taken off, without what the ones before left."""
        first, last, _ = which.indices(self._count)
        if first < self._next:
            self._correction, self._next = LagCorrection(self._lag, self._shape), 0
        for part in blocks(first - self._next):
            self._correction.corrected(earlier(slice(self._next + part.start, self._next + part.stop)))
        self._next = last
        return self._correction.corrected(frames)


def lag_of(imager: Imager | None) -> tuple[Lag | None, tuple[str, ...]]:
    """The lag of the panel, and a message where a machine file does not state it."""
    if imager is None:
        return None, ()
    if imager.lag is None:
        return None, ("The machine file states no lag of the panel, so it is left in ([imager.lag]).",)
    lag = Lag(imager.lag.shares, imager.lag.frames)
    traps = ", ".join(
        f"{100.0 * share:g} % for {frames:g} frames" for share, frames in zip(lag.shares, lag.frames, strict=True)
    )
    return lag, (f"The lag of the panel is taken off by the machine file: {traps}.",)


def kernel_of(imager: Imager | None) -> tuple[KernelScatter, tuple[str, ...]]:
    """The scatter kernel of a machine, or the usual one with a message."""
    if imager is None or imager.scatter is None:
        return KernelScatter(), (
            "The scatter kernel is not of this machine: its usual values are those of a simulated one with a grid; fit "
            "it on a water phantom (openigrt.fit_scatter), and give the machine file with --machine.",
        )
    fit = imager.scatter
    said = f"Scatter by the kernel of the machine file, amplitude {fit.amplitude:g}."
    return KernelScatter(fit.amplitude, fit.narrow_mm, fit.wide_mm, fit.wide_share), (said,)


def spectrum_of(tube_voltage_kv: float, imager: Imager | None) -> Spectrum:
    """The spectrum behind the filters of the tube, the usual ones where none is stated."""
    if imager is None or not imager.filters_mm:
        return tube_spectrum(Tube(tube_voltage_kv))
    filters_mm = {Material(material): thickness for material, thickness in imager.filters_mm.items()}
    return tube_spectrum(Tube(tube_voltage_kv, filters_mm))


def bow_tie_of(imager: Imager | None, trajectory: Trajectory) -> tuple[Float64Array, Material]:
    """Thickness (columns,) of the bow-tie before each column, and its material; (1,) of 0 mm where there is none."""
    if imager is None or imager.bow_tie is None:
        return np.zeros(1), Material.ALUMINUM
    bow_tie = imager.bow_tie
    thicknesses = np.interp(_fan_angles_deg(trajectory), bow_tie.fan_angles_deg, bow_tie.thicknesses_mm)
    return thicknesses, Material(bow_tie.material)


def _fan_angles_deg(trajectory: Trajectory) -> Float64Array:
    """Angles (columns,) of the middle row of the first detector, from the ray through the axis of rotation."""
    columns, rows = trajectory.size
    first, source = trajectory[0], trajectory.sources_mm[0]
    middle = first.first_pixel_mm + (rows - 1) / 2.0 * first.spacing_mm[1] * first.column_direction
    across = np.arange(columns)[:, None] * first.spacing_mm[0] * first.row_direction
    upward = source - AXIS_OF_ROTATION * (source @ AXIS_OF_ROTATION)
    upward /= np.linalg.norm(upward)
    rays = middle + across - source
    return np.asarray(np.rad2deg(np.arctan2(rays @ np.cross(AXIS_OF_ROTATION, upward), -rays @ upward)))
