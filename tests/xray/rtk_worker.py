"""RTK in an environment of its own: `python rtk_worker.py IN.npz OUT.npz` projects a volume, reconstructs projections.

Volumes are [z, y, x] in the room. Needs numpy and itk-rtk, nothing else.
"""

import sys

import itk
import numpy as np
from itk import RTK as rtk  # noqa: N811 - its users' name for it

IMAGE = itk.Image[itk.F, 3]


def image(array, spacing, origin):
    """An ITK image of an array [k, j, i]."""
    made = itk.image_from_array(np.ascontiguousarray(array, np.float32))
    made.SetSpacing([float(n) for n in spacing])
    made.SetOrigin([float(n) for n in origin])
    return made


def centered(array, spacing):
    """An image of an array [k, j, i] about the origin."""
    spacing = np.asarray(spacing, float)
    return image(array, spacing, -(np.array(array.shape[::-1]) - 1) / 2.0 * spacing)


def main(given, out):
    """Project, reconstruct, keep."""
    geometry = rtk.ThreeDCircularProjectionGeometry.New()
    distance, beyond, x_mm, y_mm, tilt_deg, turn_deg = (float(n) for n in given["held"])
    for angle in given["angles"]:
        geometry.AddProjection(distance, beyond, float(angle), x_mm, y_mm, tilt_deg, turn_deg)
    spacing = [*given["pixel_mm"], 1.0]
    seen = centered(given["projections"], spacing)
    detectors = centered(np.zeros_like(given["projections"]), spacing)
    project = rtk.JosephForwardProjectionImageFilter[IMAGE, IMAGE].New()
    project.SetInput(0, detectors)
    project.SetInput(1, centered(given["volume"], given["voxel_mm"]))
    project.SetGeometry(geometry)
    project.Update()
    weighted = seen
    if given["aside"]:
        displaced = rtk.DisplacedDetectorImageFilter[IMAGE].New()
        displaced.SetInput(seen)
        displaced.SetGeometry(geometry)
        displaced.Update()
        weighted = displaced.GetOutput()
    else:
        parker = rtk.ParkerShortScanImageFilter[IMAGE].New()
        parker.SetInput(seen)
        parker.SetGeometry(geometry)
        parker.Update()
        weighted = parker.GetOutput()
    fdk = rtk.FDKConeBeamReconstructionFilter[IMAGE].New()
    fdk.SetInput(0, centered(np.zeros_like(given["volume"]), given["voxel_mm"]))
    fdk.SetInput(1, weighted)
    fdk.SetGeometry(geometry)
    fdk.Update()
    np.savez(out, projections=itk.array_from_image(project.GetOutput()), volume=itk.array_from_image(fdk.GetOutput()))


if __name__ == "__main__":
    main(np.load(sys.argv[1]), sys.argv[2])
