"""`python -m benchmarks.cone_beam`: reconstruction and projection of cone beams, OpenIGRT beside RTK, as tables.

360 projections of 512x384 and 256^3 voxels of 1 mm; a radiograph of 512x512 of 512x512x108 voxels; projections that
arrive ten a second. Each engine and work in a process of its own, one after the other; RTK in the peers' environment.
`--engine gpu` is FDK and projection on a CUDA card, beside the CPU: `benchmarks.cone_beam_gpu`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import cone_beam_gpu
from benchmarks.engine import ROOT, peers_python
from benchmarks.engines.openigrt_cone_beam import grid_of
from benchmarks.run import table
from openigrt.geometry import DetectorPlacement, circular_trajectory

OURS, PEER, GPU = "openigrt", "rtk", "gpu"
MODULES = {OURS: "benchmarks.engines.openigrt_cone_beam", PEER: "benchmarks.peers.rtk"}
WORKS = {"fdk": (OURS, PEER), "forward": (OURS, PEER), "drr": (OURS, PEER), "streaming": (OURS,)}
WATER_PER_MM = 0.02
SEMI_AXES_MM = np.array([95.0, 85.0, 80.0])
CENTER_MM = np.array([6.0, -3.0, 4.0])
SCAN: dict[str, Any] = {
    "source_axis_mm": 1000.0,
    "source_detector_mm": 1536.0,
    "size": [512, 384],
    "pixel_mm": [0.8, 0.8],
    "angles_deg": [float(n) for n in range(360)],
    "volume_shape": [256, 256, 256],
    "voxel_mm": [1.0, 1.0, 1.0],
}
RADIOGRAPH = SCAN | {
    "source_detector_mm": 1500.0,
    "size": [512, 512],
    "angles_deg": [0.0],
    "volume_shape": [512, 108, 512],
    "voxel_mm": [0.98, 1.7, 0.98],
}


def main() -> int:
    """Make the inputs, run every work, print and keep the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default="", help="only works whose name holds this")
    parser.add_argument("--engine", default="", help="only engines whose name holds this; gpu: a CUDA card")
    parser.add_argument("--coarser", type=int, default=1, help="gpu: a scan so many times coarser, to try it out")
    options = parser.parse_args()
    if options.engine == GPU:
        return on_a_card(options.coarser)
    rows: list[dict[str, Any]] = []
    for work in [name for name in WORKS if options.work in name]:
        with tempfile.TemporaryDirectory() as folder:
            made = rows_of(work, Path(folder), options.engine)
        sys.stdout.write(table(made) + "\n\n")
        sys.stdout.flush()
        rows += made
    results = ROOT / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    (results / "cone_beam.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def on_a_card(times: int) -> int:
    """FDK and projection on a CUDA card; 1 where there is none, or where the CPU finds something else."""
    scan = coarser(SCAN, times)
    held = DetectorPlacement(
        scan["source_axis_mm"], scan["source_detector_mm"], tuple(scan["size"]), tuple(scan["pixel_mm"])
    )
    trajectory = circular_trajectory(scan["angles_deg"], held)
    grid = grid_of(scan["volume_shape"], scan["voxel_mm"])
    volume = np.ascontiguousarray(body(scan).transpose(1, 0, 2))
    return cone_beam_gpu.main(grid, trajectory, chords(scan), volume, (WATER_PER_MM, float(times)))


def coarser(scan: dict[str, Any], times: int) -> dict[str, Any]:
    """The same scan of fewer and larger pixels, voxels and angles."""
    fewer = {name: [n // times for n in scan[name]] for name in ("size", "volume_shape")}
    larger = {name: [n * times for n in scan[name]] for name in ("pixel_mm", "voxel_mm")}
    return scan | fewer | larger | {"angles_deg": scan["angles_deg"][::times]}


def rows_of(work: str, folder: Path, engine: str) -> list[dict[str, Any]]:
    """One row for each engine; `error` is the RMS error or difference, in parts of water or of the largest integral."""
    scan = RADIOGRAPH if work == "drr" else SCAN
    (folder / "scan.json").write_text(json.dumps(scan))
    np.save(folder / "volume.npy", body(scan)) if work in ("forward", "drr") else np.save(
        folder / "projections.npy", chords(scan)
    )
    rows = []
    for name in [one for one in WORKS[work] if engine in one]:
        python = sys.executable if name == OURS else peers_python()
        done = subprocess.run(
            [python, "-m", MODULES[name], work, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        rows.append({"work": work, "engine": name, **json.loads(done.stdout.splitlines()[-1])})
        if work != "streaming":
            rows[-1]["error"] = error_of(work, np.load(folder / f"{name}.npy"), scan)
        rows[-1]["ratio"] = rows[-1]["wall_s"] / rows[0]["wall_s"]
    if len(rows) == 2:
        rows[-1]["difference"] = difference(work, *(np.load(folder / f"{name}.npy") for name in WORKS[work]), scan)
        sys.stdout.write(f"{work}: RMS difference {rows[-1]['difference']:.2e}\n")
    return rows


def centers_mm(scan: dict[str, Any]) -> list[NDArray[np.float64]]:
    """Coordinates of voxel centres along z, y, x."""
    spacing = scan["voxel_mm"][::-1]
    return [(np.arange(n) - (n - 1) / 2.0) * mm for n, mm in zip(scan["volume_shape"], spacing, strict=True)]


def radius(scan: dict[str, Any]) -> NDArray[np.float64]:
    """Distance from the body's centre [z, y, x] in parts of its semi-axes."""
    z, y, x = (
        ((at - middle) / half) ** 2
        for at, middle, half in zip(centers_mm(scan), CENTER_MM[::-1], SEMI_AXES_MM[::-1], strict=True)
    )
    return np.sqrt(z[:, None, None] + y[None, :, None] + x[None, None])


def body(scan: dict[str, Any]) -> NDArray[np.float32]:
    """The body, its edge a voxel wide."""
    inside = np.clip((1.0 - radius(scan)) * SEMI_AXES_MM.min() + 0.5, 0.0, 1.0)
    return np.asarray(WATER_PER_MM * inside, dtype=np.float32)


def chords(scan: dict[str, Any]) -> NDArray[np.float32]:
    """Line integrals through the body in closed form [projection, row, column]."""
    held = DetectorPlacement(
        scan["source_axis_mm"], scan["source_detector_mm"], tuple(scan["size"]), tuple(scan["pixel_mm"])
    )
    trajectory = circular_trajectory(scan["angles_deg"], held)
    out = np.empty(trajectory.shape, np.float32)
    columns, rows = np.meshgrid(*(np.arange(n) for n in trajectory.size))
    for n in range(len(trajectory)):
        geometry = trajectory[n]
        ahead = (geometry.points(np.stack([columns, rows], axis=-1)) - geometry.source_mm) / SEMI_AXES_MM
        start = (geometry.source_mm - CENTER_MM) / SEMI_AXES_MM
        dd, ad, aa = (ahead**2).sum(-1), ahead @ start, start @ start
        half = np.sqrt(np.maximum(ad**2 - dd * (aa - 1.0), 0.0)) / dd
        out[n] = WATER_PER_MM * 2.0 * half * np.linalg.norm(ahead * SEMI_AXES_MM, axis=-1)
    return out


def inside(scan: dict[str, Any]) -> NDArray[np.bool_]:
    """Voxels [z, y, x] of water away from the edge, in slices that every projection sees."""
    return np.asarray((radius(scan) < 0.95) & (np.abs(centers_mm(scan)[1])[None, :, None] < 60.0))


def error_of(work: str, found: NDArray[np.float32], scan: dict[str, Any]) -> float:
    """RMS error against the closed form, inside the water or over the detector."""
    if work == "fdk":
        return float(np.sqrt(np.mean((found[inside(scan)] / WATER_PER_MM - 1.0) ** 2)))
    truth = chords(scan)
    return float(np.sqrt(np.mean((found - truth) ** 2)) / truth.max())


def difference(work: str, ours: NDArray[np.float32], theirs: NDArray[np.float32], scan: dict[str, Any]) -> float:
    """RMS difference of two engines, inside the water or over the detector."""
    if work == "fdk":
        return float(np.sqrt(np.mean((ours - theirs)[inside(scan)] ** 2)) / WATER_PER_MM)
    return float(np.sqrt(np.mean((ours - theirs) ** 2)) / theirs.max())


if __name__ == "__main__":
    sys.exit(main())
