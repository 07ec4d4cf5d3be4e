"""`python -m benchmarks.cone_beam --engine gpu`: FDK and projection on a CUDA card, checked against the CPU.

The work of `benchmarks.cone_beam`. Times: whole, from arrays in memory to an array in memory; on the card, of what is
there already to what stays there; across, the copies alone. GUPS: 10^9 voxels times projections (or, projecting, rays
times planes) a second. Traffic: numbers that every step must read or write once, beside what the card's memory can.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

from benchmarks.engine import ROOT
from openigrt.arrays import Engine, require_gpu
from openigrt.errors import MissingInput
from openigrt.geometry import Grid, Trajectory
from openigrt.xray import Fdk, FdkSettings, Projector, reconstruct_fdk

REPEATS = 5
GIGA = 1e9
BYTES_OF_A_NUMBER = 4
COPIED_NUMBERS = 2**28
GOALS_MS = {"fdk": 60.0, "forward": 150.0}
LARGEST_DIFFERENCE = 1e-3


def main(grid: Grid, trajectory: Trajectory, projections: Any, volume: Any, scale: tuple[float, float]) -> int:
    """Print what was measured and keep it; 1 where no card is, or where a result is not the CPU's.

    `scale`: the attenuation to which a difference of volumes is compared, and by how much the CPU's ladder of depths is
    coarser than at full size: what it costs is allowed, LARGEST_DIFFERENCE there.
    """
    try:
        require_gpu()
    except MissingInput as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 1
    card = {"card": _name(), "card_gb_s": _peak_gb_s(), "copied_gb_s": _copied_gb_s()}
    rows = [_fdk(grid, trajectory, projections, scale[0]), _forward(grid, trajectory, volume)]
    sys.stdout.write(f"{card['card']}: {card['card_gb_s']:.0f} GB/s by clock and width of its memory, ")
    sys.stdout.write(f"{card['copied_gb_s']:.0f} GB/s in a copy\n")
    sys.stdout.write("".join(f"{_said(row)}\n" for row in rows))
    results = ROOT / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    (results / "cone_beam_gpu.json").write_text(json.dumps([row | card for row in rows], indent=1) + "\n")
    return int(any(row["difference"] > LARGEST_DIFFERENCE * scale[1] for row in rows))


def _said(row: dict[str, Any]) -> str:
    """A row in words."""
    whole_ms, card_ms, across_ms = (1e3 * row[name] for name in ("wall_s", "on_card_s", "across_s"))
    return (
        f"{row['work']}: {whole_ms:.1f} ms in all (goal {GOALS_MS[row['work']]:.0f}), {card_ms:.1f} ms on the card, "
        f"{across_ms:.1f} ms across; {row['gups']:.1f} GUPS, {row['gb_s']:.1f} GB/s; "
        f"RMS difference from the CPU {row['difference']:.1e}"
    )


def _fdk(grid: Grid, trajectory: Trajectory, projections: Any, largest: float) -> dict[str, Any]:
    """A reconstruction."""
    from openigrt.xray.gpu import GpuSum, pieces  # noqa: PLC0415  (needs numba's CUDA)

    chain = Fdk(grid, trajectory).chain
    there = cuda.to_device(projections)

    def on_the_card() -> None:
        taken = GpuSum(chain)
        for which in pieces(len(projections)):
            taken.take(there[which], which.start)

    settings = FdkSettings(engine=Engine.GPU)
    found, whole_s = _timed(lambda: reconstruct_fdk(projections, trajectory, grid, settings))
    _, card_s = _timed(on_the_card)
    across_s = _across(projections, grid.shape)
    cpu = reconstruct_fdk(projections, trajectory, grid)
    batches = len(pieces(len(projections)))
    # Read raw, write and read what is filtered and what is back-projected; the volume once a batch, and its clearing.
    numbers = projections.size * 6 + np.prod(grid.size) * (2 * batches + 1)
    updates = float(np.prod(grid.size)) * len(projections)
    difference = float(np.sqrt(np.mean((found - cpu) ** 2)) / largest)
    return _row("fdk", (whole_s, card_s, across_s), updates, float(numbers), difference)


def _forward(grid: Grid, trajectory: Trajectory, volume: Any) -> dict[str, Any]:
    """Projections of a volume."""
    from openigrt.xray.gpu import pieces  # noqa: PLC0415  (needs numba's CUDA)

    operators: Any = Projector(grid, trajectory, Engine.GPU).operators
    laid_out = operators.laid_out(volume)

    def on_the_card() -> None:
        for which in pieces(len(trajectory)):
            operators.seen(laid_out, which)

    found, whole_s = _timed(lambda: Projector(grid, trajectory, Engine.GPU).forward(volume))
    _, card_s = _timed(on_the_card)
    across_s = _across(volume, found.shape)
    cpu = Projector(grid, trajectory).forward(volume)
    # A view needs the whole volume, and no view leaves it in the cache of a card for the next one.
    numbers = float(np.prod(grid.size)) * len(trajectory) + found.size
    difference = float(np.sqrt(np.mean((found - cpu) ** 2)) / cpu.max())
    steps = float(found.size) * max(grid.size[0], grid.size[1])
    return _row("forward", (whole_s, card_s, across_s), steps, numbers, difference)


def _row(
    work: str, seconds: tuple[float, float, float], updates: float, numbers: float, difference: float
) -> dict[str, Any]:
    whole_s, card_s, across_s = seconds
    return {
        "work": work,
        "engine": "openigrt gpu",
        "wall_s": whole_s,
        "on_card_s": card_s,
        "across_s": across_s,
        "gups": updates / card_s / GIGA,
        "gb_s": numbers * BYTES_OF_A_NUMBER / card_s / GIGA,
        "difference": difference,
    }


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What a work gives, and the median of its seconds once kernels are compiled."""
    found = work()
    seconds = []
    for _ in range(REPEATS):
        cuda.synchronize()
        start_s = time.perf_counter()
        found = work()
        cuda.synchronize()
        seconds.append(time.perf_counter() - start_s)
    return found, float(np.median(seconds))


def _across(given: Any, shape: tuple[int, ...]) -> float:
    """Seconds to copy an array there, and one of this shape back."""
    back = cuda.device_array(shape, np.float32)
    return _timed(lambda: cuda.to_device(given))[1] + _timed(back.copy_to_host)[1]


def _name() -> str:
    name = getattr(cuda.current_context().device, "name", "simulator")
    return name.decode() if isinstance(name, bytes) else str(name)


def _peak_gb_s() -> float:
    """What the card's memory can by its clock and width, two numbers a tick; zero where the driver does not say."""
    device = cuda.current_context().device
    kilohertz = getattr(device, "MEMORY_CLOCK_RATE", 0)
    return 2.0 * kilohertz * 1e3 * getattr(device, "GLOBAL_MEMORY_BUS_WIDTH", 0) / 8.0 / GIGA


def _copied_gb_s() -> float:
    """What the card's memory does: a copy within it, read and written."""
    one, other = (cuda.device_array(COPIED_NUMBERS, np.float32) for _ in range(2))
    return 2.0 * BYTES_OF_A_NUMBER * COPIED_NUMBERS / _timed(lambda: one.copy_to_device(other))[1] / GIGA
