"""The scatter kernel of a machine, fitted on a scan of water: what the machine file then says."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from openigrt.errors import InconsistentInput, InputError
from openigrt.files import ScanDefaults, read_scan
from openigrt.geometry import Grid
from openigrt.images import Quantity
from openigrt.machine import ScatterFit
from openigrt.tasks.clock import Progress
from openigrt.tasks.guidance.inputs import machine_of
from openigrt.tasks.reconstruction.asked import TUBE_KV, one_of, pair, within
from openigrt.tasks.reconstruction.projection_corrections import (
    LineIntegrals,
    hardening_of,
    read_signals,
    without_lag,
)
from openigrt.tasks.reconstruction.reconstruction import ReconstructionSettings
from openigrt.tasks.reconstruction.volume_making import Bench, bench_of
from openigrt.tasks.words import given, require_listener, require_paths
from openigrt.xray import KernelScatter, Projector

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

VOXEL_MM = 2.0
MOST_FITTED = 60
LEAST_WATER_SHARE, LARGEST_UNEVENNESS, LARGEST_UNEVEN_SHARE = 0.4, 0.35, 0.005
WHOLE_SHARE = 0.999
SMALLEST_PHANTOM_CM3 = 500.0


def fit_scatter(
    projections: str | Path,
    *,
    geometry: str | Path | None = None,
    spacing: ArrayLike | None = None,
    quantity: str | None = None,
    machine: str | Path | None = None,
    flat: str | Path | None = None,
    dark: str | Path | None = None,
    tube_voltage: float | None = None,
    voxel: float = VOXEL_MM,
    progress: Progress = lambda words: None,
) -> ScatterFit:
    """The scatter kernel of an imager, from a scan of a phantom of water alone: a cylinder, an oval, a box.

    The words are those of `reconstruct`. The phantom is found in a first image; all inside its skin is taken for water,
    also beyond the last slices where it reaches them. What the detector saw more than the water lets through is
    scatter. Raises an OpenIgrtError where that cannot be told.
    """
    require_paths(projections=projections, **given(geometry=geometry, machine=machine, flat=flat, dark=dark))
    require_listener(progress)
    imager = None if machine is None else machine_of(machine).imager
    known = ScanDefaults(
        imager,
        None if geometry is None else Path(geometry),
        None if quantity is None else one_of(Quantity, quantity, "quantity"),
        None if spacing is None else pair(spacing, "spacing"),
    )
    progress("reading the headers of the projections")
    scan, _ = read_scan(Path(projections), known)
    if scan.quantity is not Quantity.INTENSITY:
        raise InputError('A kernel is fitted to what the detector counted; say quantity="intensity" of such stacks.')
    voltage_kv = None if tube_voltage is None else within(tube_voltage, "tube_voltage", *TUBE_KV)
    of_beam, of_dark = (None if field is None else Path(field) for field in (flat, dark))
    signals, _ = read_signals(scan, of_beam, of_dark, progress)
    signals, _ = without_lag(signals, imager)
    hardening, _ = hardening_of(scan, voltage_kv, imager)
    if hardening is None:
        raise InputError("What water lets through is known for a tube voltage alone; give tube_voltage.")
    bench = bench_of(scan, ReconstructionSettings(voxel_mm=within(voxel, "voxel", 0.5, 20.0)))
    progress("reconstructing the phantom")
    first = bench.volume(LineIntegrals(signals, None, hardening), progress)
    grid, water = water_in(first, bench, hardening.water_per_mm)
    progress("fitting the scatter kernel")
    chosen = np.unique(np.linspace(0, len(scan), MOST_FITTED, endpoint=False).astype(int))
    trajectory = scan.trajectory.chosen(chosen)
    through = Projector(grid, trajectory).forward(water * np.float32(hardening.water_per_mm))
    signal = np.concatenate([signals.read(slice(int(n), int(n) + 1))[0] for n in chosen])
    primary = signals.air * np.exp(-hardening.hardened(through))
    kernel = KernelScatter().fitted_to(signal, primary, signals.air, trajectory)
    return ScatterFit(kernel.amplitude, kernel.narrow_mm, kernel.wide_mm, kernel.wide_share)


def water_in(attenuation: Float32Array, bench: Bench, water_per_mm: float) -> tuple[Grid, Float32Array]:
    """Shares of water [k, j, i] on a grid of twice the slices that are seen whole: the first and last ones go on.

    Raises InconsistentInput for a phantom that is small, is no water, or leaves the field of view.
    """
    seen = bench.field_of_view.mask(bench.grid)
    whole = np.flatnonzero(seen.sum(axis=(1, 2)) >= WHOLE_SHARE * seen.sum(axis=(1, 2)).max())
    first, last = int(whole[0]), int(whole[-1]) + 1
    seen, attenuation = seen[first:last], attenuation[first:last]
    water = _largest_piece(seen & (attenuation > _half_level(attenuation[seen], water_per_mm)))
    _require_water(water, seen, attenuation, bench.grid)
    more = len(water)
    origin = bench.grid.origin_mm + (first - more) * bench.grid.spacing_mm[2] * bench.grid.direction[:, 2]
    size = bench.grid.size[0], bench.grid.size[1], 3 * more
    lengthened = np.pad(water, ((more, more), (0, 0), (0, 0)), mode="edge").astype(np.float32)
    return Grid(bench.grid.frame, origin, bench.grid.spacing_mm, bench.grid.direction, size), lengthened


def _half_level(attenuation: Float32Array, water_per_mm: float) -> float:
    """Half of what is usual where there is anything dense."""
    dense = attenuation[attenuation > LEAST_WATER_SHARE * water_per_mm]
    return float(np.median(dense)) / 2.0 if dense.size else water_per_mm / 2.0


def _largest_piece(dense: BoolArray) -> BoolArray:
    """The largest piece [k, j, i], and what it encloses in each slice."""
    pieces, count = ndimage.label(dense)
    sizes = np.bincount(pieces.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    largest = (pieces == int(np.argmax(sizes))) & (pieces > 0)
    return np.stack([ndimage.binary_fill_holes(layer) for layer in largest])


def _require_water(water: BoolArray, seen: BoolArray, attenuation: Float32Array, grid: Grid) -> None:
    """Raise InconsistentInput for what cannot be a phantom of water that is seen whole."""
    volume_cm3 = float(water.sum()) * float(np.prod(grid.spacing_mm)) / 1000.0
    if volume_cm3 < SMALLEST_PHANTOM_CM3:
        raise InconsistentInput(
            f"The scan shows {volume_cm3:.0f} cm3 of anything dense, and a kernel is fitted on "
            f"{SMALLEST_PHANTOM_CM3:.0f} cm3 of water or more; scan a cylinder of 20 to 40 cm, or check the flat field."
        )
    rim = np.ones((1, 3, 3), bool)
    if (water & ~ndimage.binary_erosion(seen, rim, iterations=2)).any():
        raise InconsistentInput("The phantom reaches out of the field of view; scan one that is seen whole.")
    inside = attenuation[ndimage.binary_erosion(water, rim, iterations=5)]
    level = float(np.median(inside)) if inside.size else 1.0
    uneven = float((np.abs(inside / level - 1.0) > LARGEST_UNEVENNESS).mean()) if inside.size else 1.0
    if uneven > LARGEST_UNEVEN_SHARE:
        raise InconsistentInput(
            f"{100.0 * uneven:.0f} % of the inside of the phantom is far from its median; a kernel is fitted on water "
            "alone, without inserts."
        )
