"""OpenIGRT on the works of `benchmarks.cone_beam`, as `benchmarks.peers.rtk` does them.

`python -m benchmarks.engines.openigrt_cone_beam WORK FOLDER`. Kernels are compiled on a small piece first, as they are
after the first run on a machine. Volumes in the folder are [z, y, x] in the room.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.worker import peak_mb
from openigrt.geometry import DetectorPlacement, Frame, Grid, circular_trajectory
from openigrt.xray import Fdk, Projector, reconstruct_fdk

ROOM_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
PROJECTIONS_PER_S = 10.0


def grid_of(shape: list[int], voxel_mm: list[float]) -> Grid:
    """A grid about the isocenter, slices along y, for a volume of this shape [z, y, x]."""
    size, spacing = (shape[2], shape[0], shape[1]), np.array(voxel_mm)[[0, 2, 1]]
    return Grid(Frame.FIXED, -ROOM_AXES @ (spacing * (np.array(size) - 1) / 2.0), spacing, ROOM_AXES, size)


def streamed(fdk: Fdk, projections: Any) -> dict[str, float]:
    """Add projections as a gantry delivers them, then take the volume."""
    start, cpu_s = time.perf_counter(), time.process_time()
    latest_s = 0.0
    for n in range(len(projections)):
        due = start + n / PROJECTIONS_PER_S
        time.sleep(max(0.0, due - time.perf_counter()))
        latest_s = max(latest_s, time.perf_counter() - due)
        fdk.add(projections[n : n + 1], n)
    fdk.volume()
    after_s = time.perf_counter() - start - (len(projections) - 1) / PROJECTIONS_PER_S
    used = (time.process_time() - cpu_s) / (time.perf_counter() - start)
    return {"wall_s": after_s, "cpu_s": time.process_time() - cpu_s, "cores": used, "latest_s": latest_s}


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What a work gives, and its seconds."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    found = work()
    return found, {"wall_s": time.perf_counter() - wall_s, "cpu_s": time.process_time() - cpu_s}


def main() -> None:
    """Run one work."""
    work, folder = sys.argv[1], Path(sys.argv[2])
    scan = json.loads((folder / "scan.json").read_text())
    held = DetectorPlacement(
        scan["source_axis_mm"], scan["source_detector_mm"], tuple(scan["size"]), tuple(scan["pixel_mm"])
    )
    trajectory = circular_trajectory(scan["angles_deg"], held)
    grid = grid_of(scan["volume_shape"], scan["voxel_mm"])
    small, few = grid.part((0, 0, 0), (4, 4, 4)), circular_trajectory([0.0, 90.0, 180.0, 270.0], held)
    nothing = np.zeros(few.shape, np.float32)
    if work == "forward" or work == "drr":
        volume = np.ascontiguousarray(np.load(folder / "volume.npy").transpose(1, 0, 2))
        Projector(small, few).forward(np.zeros(small.shape, np.float32))
        projector = Projector(grid, trajectory)
        laid_out = projector.laid_out(volume)
        found, seconds = timed(
            lambda: projector.through(laid_out) if work == "drr" else Projector(grid, trajectory).forward(volume)
        )
    else:
        projections = np.load(folder / "projections.npy")
        reconstruct_fdk(nothing, few, small)
        if work == "streaming":
            seconds = streamed(Fdk(grid, trajectory), projections)
            found = np.zeros(0)
        else:
            found, seconds = timed(lambda: reconstruct_fdk(projections, trajectory, grid))
            found = found.transpose(1, 0, 2)
    peak = peak_mb()
    np.save(folder / "openigrt.npy", found)
    sys.stdout.write(json.dumps(seconds | {"peak_mb": peak}) + "\n")


if __name__ == "__main__":
    main()
