"""From what a detector counted to line integrals: panel, level of the beam, scatter, beam hardening."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput, InputError
from openigrt.files import read_field
from openigrt.geometry import Trajectory
from openigrt.images import Quantity, Scan
from openigrt.machine import Imager
from openigrt.tasks.clock import Progress
from openigrt.tasks.reconstruction.imager_corrections import (
    FramesWithoutLag,
    bow_tie_of,
    kernel_of,
    lag_of,
    spectrum_of,
)
from openigrt.xray import (
    BeamHardening,
    FrameFlaws,
    Panel,
    UniformScatter,
    WithoutStrays,
    blocks,
    levels_of_histogram,
    logarithm,
    ring_pattern,
    water_hardening,
)

Float32Array = NDArray[np.float32]

REFERENCE_KEV = 60.0
LARGEST_DARK_SHARE = 0.1
BRIGHT_LINE_INTEGRAL, LARGEST_BRIGHT_SHARE = 0.1, 0.05  # noise and drift of the free beam stay far below
LARGEST_LINE_INTEGRAL = 20.0  # exp(-20) of the beam: below one quantum of any detector
LARGEST_COUNT = 65535.0  # where 16 bits end


class Scatter(StrEnum):
    """What is taken off as scatter before the planning CT is asked."""

    NONE = "none"
    UNIFORM = "uniform"
    KERNEL = "kernel"


class ScatterEstimate(Protocol):
    """Scatter [projection, row, column] of signals, by the free beam (rows, columns) and the trajectory of these."""

    def estimate(self, signal: Float32Array, air: Float32Array, trajectory: Trajectory) -> Float32Array:
        """Scatter in the unit of the signal."""


def scatter_of(scatter: Scatter, imager: Imager | None) -> tuple[ScatterEstimate | None, tuple[str, ...]]:
    """How scatter is estimated, by the machine where it says so, and messages."""
    if scatter is Scatter.KERNEL:
        return kernel_of(imager)
    return (UniformScatter() if scatter is Scatter.UNIFORM else None), ()


@dataclass(frozen=True, eq=False)
class Signals:
    """Share of the free beam that came through, of every projection of a scan, a slice at a time.

    `levels` (n,) is the level of the beam where no `panel` says it; `lag` is taken off, if any.
    """

    scan: Scan
    panel: Panel | None
    levels: NDArray[np.float64]
    lag: FramesWithoutLag | None = None

    @property
    def air(self) -> Float32Array:
        """The free beam (rows, columns) behind the bow-tie, 1 at the brightest."""
        return np.ones(self.scan.trajectory.shape[1:], np.float32) if self.panel is None else self.panel.air

    def read(self, which: slice) -> tuple[Float32Array, FrameFlaws]:
        """Signals [projection, row, column], in the unit of `air`, and what was wrong with them."""
        pixels = np.asarray(self.scan.pixels[which], np.float32)
        if self.scan.quantity is Quantity.LINE_INTEGRAL:
            return np.asarray(np.exp(-pixels), np.float32), FrameFlaws(pixels.size)
        if self.panel is not None:
            first = which.indices(len(self.scan))[0]
            transmissions, flaws = self.panel.transmissions(pixels, first)
            return self._without_lag(which, transmissions) * self.panel.air, flaws + FrameFlaws(0, _clipped(pixels))
        levels = np.asarray(self.levels[which], np.float32)
        signal = np.divide(self._without_lag(which, pixels), levels[:, None, None], dtype=np.float32)
        return signal, FrameFlaws(pixels.size, _clipped(pixels))

    def _without_lag(self, which: slice, frames: Float32Array) -> Float32Array:
        """Transmissions, or counts where there is no panel, without what earlier ones left."""
        return frames if self.lag is None else self.lag.corrected(which, frames, self._frames)

    def _frames(self, which: slice) -> Float32Array:
        """Transmissions, or counts where there is no panel, as they were read."""
        pixels = np.asarray(self.scan.pixels[which], np.float32)
        return pixels if self.panel is None else self.panel.transmissions(pixels, which.indices(len(self.scan))[0])[0]


class LineIntegrals:
    """Corrected line integrals of a scan as `ProjectionPixels`: computed when a slice of them is asked for.

    `flaws` adds up over what was asked. With `removes_rings` the whole scan is read once before.
    """

    def __init__(
        self,
        signals: Signals,
        scatter: ScatterEstimate | None = None,
        hardening: BeamHardening | None = None,
        *,
        removes_rings: bool = False,
    ) -> None:
        """Nothing is read yet."""
        self.signals = signals
        self.scatter = scatter
        self.hardening = hardening
        self.removes_rings = removes_rings
        self._rings: Float32Array | None = None
        self.flaws = FrameFlaws()
        self.floored = 0
        self.bright = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(projections, rows, columns)."""
        return self.signals.scan.trajectory.shape

    def __getitem__(self, which: slice) -> Float32Array:
        """Line integrals [projection, row, column] of a slice."""
        if not self.removes_rings:
            return self._with_rings(which)
        if self._rings is None:
            self._rings = ring_pattern(LineIntegrals(self.signals, self.scatter, self.hardening))
        return self._with_rings(which) - self._rings

    def _with_rings(self, which: slice) -> Float32Array:
        """Line integrals [projection, row, column] of a slice, whatever the gain of each pixel."""
        scan = self.signals.scan
        if scan.quantity is Quantity.LINE_INTEGRAL and self.scatter is None and self.hardening is None:
            return np.asarray(scan.pixels[which], np.float32)
        signal, flaws = self.signals.read(which)
        self.flaws += flaws
        if self.scatter is not None:
            numbers = np.arange(len(scan))[which]
            signal -= self.scatter.estimate(signal, self.signals.air, scan.trajectory.chosen(numbers))
        signal /= self.signals.air
        integrals, floored = logarithm(signal)
        self.floored += floored
        self.bright += int((integrals < -BRIGHT_LINE_INTEGRAL).sum())
        return integrals if self.hardening is None else self.hardening.corrected(integrals)

    def warnings(self) -> tuple[str, ...]:
        """What was wrong with the pixels; raises InconsistentInput where too many saw too much or nothing."""
        said, share = self.flaws.warnings(), self.floored / max(self.flaws.pixels, 1)
        pixels = self.signals.scan.pixels
        said += pixels.warnings() if isinstance(pixels, WithoutStrays) else ()
        if share > LARGEST_DARK_SHARE:
            raise InconsistentInput(
                f"{100.0 * share:.0f} % of the pixels saw no beam: they are zero or below, or not above the dark "
                "field; check --quantity, --flat and --dark.",
                dark_share=share,
            )
        if self.bright > LARGEST_BRIGHT_SHARE * self.flaws.pixels:
            bright_percent = 100.0 * self.bright / self.flaws.pixels
            raise InconsistentInput(
                f"{bright_percent:.0f} % of the pixels are brighter than the free beam: the flat field was taken with "
                "something in the beam, or with less of it; give another with --flat, or none."
            )
        if self.floored:
            said += (f"{100.0 * share:.2g} % of the pixels saw no beam; what lies before them is not known.",)
        return said


def without_lag(signals: Signals, imager: Imager | None) -> tuple[Signals, tuple[str, ...]]:
    """The signals without the lag of the panel that a machine file states; and messages."""
    if signals.scan.quantity is Quantity.LINE_INTEGRAL:
        return signals, ()
    lag, said = lag_of(imager)
    return (signals if lag is None else replace(signals, lag=FramesWithoutLag(lag, signals.scan.trajectory))), said


def read_signals(
    scan: Scan, flat: Path | None, dark: Path | None, progress: Progress
) -> tuple[Signals, tuple[str, ...]]:
    """What came through, by flat and dark field, or by the brightest pixels of each projection; and messages."""
    if scan.quantity is Quantity.LINE_INTEGRAL:
        if flat is not None:
            raise InputError("Line integrals need no flat field; leave out --flat, or say --quantity intensity.")
        scan = replace(scan, pixels=WithoutStrays(scan))
        _require_line_integrals(scan)
        return Signals(scan, None, np.ones(len(scan))), ()
    if flat is not None:
        darkness = np.zeros(scan.trajectory.shape[1:], np.float32) if dark is None else _field(dark, scan)
        panel = Panel(darkness, _field(flat, scan))
        return Signals(scan, panel, np.ones(len(scan))), panel.warnings
    scan = replace(scan, pixels=WithoutStrays(scan))
    progress("looking for the free beam")
    levels, messages = levels_of_histogram(scan.pixels)
    words = "No flat field is given: the level of the beam is that of the brightest pixels of each projection (--flat)."
    return Signals(scan, None, levels), (words, *messages)


def hardening_of(
    scan: Scan, tube_voltage_kv: float | None, imager: Imager | None = None
) -> tuple[BeamHardening | None, tuple[str, ...]]:
    """The hardening in water of the beam that a scan measured, by its tube voltage; None where that is not known.

    Filters and bow-tie are those of the machine, where it states them.
    """
    voltage_kv = tube_voltage_kv if tube_voltage_kv is not None else scan.exposure.tube_voltage_kv
    if voltage_kv is None:
        said = "The tube voltage is not stated, so beam hardening is left as it is; give --tube-voltage."
        return None, () if scan.quantity is Quantity.LINE_INTEGRAL else (said,)
    if scan.quantity is Quantity.LINE_INTEGRAL and tube_voltage_kv is None:
        return None, ()
    return water_hardening(spectrum_of(voltage_kv, imager), *bow_tie_of(imager, scan.trajectory), REFERENCE_KEV), ()


def _clipped(pixels: Float32Array) -> int:
    """How many pixels stand where 16 bits end, and none above."""
    return int((pixels == LARGEST_COUNT).sum()) if pixels.max(initial=0.0) == LARGEST_COUNT else 0


def _require_line_integrals(scan: Scan) -> None:
    """Raise InconsistentInput for pixels that no line integrals are: empty, negative, or beyond what detectors tell."""
    highest, lowest_mean, is_empty = 0.0, 0.0, True
    for which in blocks(len(scan)):
        pixels = np.asarray(scan.pixels[which])
        highest = max(highest, float(np.median(pixels, axis=(1, 2)).max()))
        lowest_mean = min(lowest_mean, float(pixels.mean(axis=(1, 2), dtype=np.float64).min()))
        is_empty = is_empty and not pixels.any()
    if is_empty:
        raise InconsistentInput("The projections are empty: every line integral is zero; export them again.")
    if lowest_mean < -BRIGHT_LINE_INTEGRAL:
        raise InconsistentInput(
            f"The pixels of a projection are {lowest_mean:.3g} on the average, and line integrals are not negative; "
            "turn their sign, or say --quantity intensity."
        )
    if highest > LARGEST_LINE_INTEGRAL:
        raise InconsistentInput(
            f"Half of the pixels of a projection are {highest:.4g} or more, and no line integral is above "
            f"{LARGEST_LINE_INTEGRAL:g}; say --quantity intensity, if they are what the detector counted."
        )


def _field(path: Path, scan: Scan) -> Float32Array:
    """A field (rows, columns) of the detector of a scan."""
    field = read_field(path)
    if field.shape != scan.trajectory.shape[1:]:
        raise InconsistentInput(
            f"{path} has {field.shape} pixels (rows, columns) and the projections {scan.trajectory.shape[1:]}; use the "
            "field of this panel and mode."
        )
    return field
