"""RTK on the CPU: filtered back-projection and Joseph's projection of the works of `benchmarks.cone_beam`.

`python -m benchmarks.peers.rtk WORK FOLDER`: reads the folder's arrays, writes its own, prints seconds and MB as JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import itk
import numpy as np
from itk import RTK as rtk  # noqa: N811 - its users' name for it

from benchmarks.worker import peak_mb

IMAGE = itk.Image[itk.F, 3]
KEPT: list[Any] = []  # ITK's views of arrays do not keep them alive


def centered(array: Any, spacing_mm: list[float]) -> Any:
    """An image of an array [k, j, i] about the origin."""
    KEPT.append(array)
    image = itk.image_view_from_array(array)
    image.SetSpacing(spacing_mm)
    image.SetOrigin([-(n - 1) / 2.0 * mm for n, mm in zip(array.shape[::-1], spacing_mm, strict=True)])
    return image


def filter_for(work: str, scan: dict[str, Any], folder: Path) -> Any:
    """The filter of a work, its inputs in memory."""
    geometry = rtk.ThreeDCircularProjectionGeometry.New()
    for angle in scan["angles_deg"]:
        geometry.AddProjection(scan["source_axis_mm"], scan["source_detector_mm"], angle)
    pixels_mm = [*scan["pixel_mm"], 1.0]
    shape = len(scan["angles_deg"]), scan["size"][1], scan["size"][0]
    if work == "fdk":
        made = rtk.FDKConeBeamReconstructionFilter[IMAGE].New()
        made.SetInput(0, centered(np.zeros(scan["volume_shape"], np.float32), scan["voxel_mm"]))
        made.SetInput(1, centered(np.load(folder / "projections.npy"), pixels_mm))
    else:
        made = rtk.JosephForwardProjectionImageFilter[IMAGE, IMAGE].New()
        made.SetInput(0, centered(np.zeros(shape, np.float32), pixels_mm))
        made.SetInput(1, centered(np.load(folder / "volume.npy"), scan["voxel_mm"]))
    made.SetGeometry(geometry)
    return made


def main() -> None:
    """Run one work."""
    work, folder = sys.argv[1], Path(sys.argv[2])
    made = filter_for(work, json.loads((folder / "scan.json").read_text()), folder)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    made.Update()
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    peak = peak_mb()
    np.save(folder / "rtk.npy", itk.array_from_image(made.GetOutput()))
    sys.stdout.write(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak}) + "\n")


if __name__ == "__main__":
    main()
