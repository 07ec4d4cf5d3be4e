"""RTK in an environment of its own: `python rtk_scans.py IN.npz FOLDER` writes a scan of a volume, and its geometry.

The volume is attenuation per mm [z, y, x] of the room. Needs numpy and itk-rtk, nothing else.
"""

import sys
from pathlib import Path

import itk
import numpy as np
from itk import RTK as rtk  # noqa: N811 - its users' name for it

IMAGE = itk.Image[itk.F, 3]


def main(given, folder):
    """Project by Joseph's method, and write stack and geometry as RTK does."""
    geometry = rtk.ThreeDCircularProjectionGeometry.New()
    for angle in given["angles"]:
        geometry.AddProjection(1000.0, 1536.0, float(angle), float(given["aside_mm"]), 0.0)
    volume = itk.image_from_array(np.ascontiguousarray(given["volume"], np.float32))
    volume.SetSpacing([float(n) for n in given["spacing_mm"]])
    volume.SetOrigin([float(n) for n in given["origin_mm"]])
    columns, rows, pixel_mm = (int(given["size"][0]), int(given["size"][1]), float(given["pixel_mm"]))
    detectors = itk.image_from_array(np.zeros((len(given["angles"]), rows, columns), np.float32))
    detectors.SetSpacing([pixel_mm, pixel_mm, 1.0])
    detectors.SetOrigin([-(columns - 1) / 2.0 * pixel_mm, -(rows - 1) / 2.0 * pixel_mm, 0.0])
    project = rtk.JosephForwardProjectionImageFilter[IMAGE, IMAGE].New()
    project.SetInput(0, detectors)
    project.SetInput(1, volume)
    project.SetGeometry(geometry)
    project.Update()
    itk.imwrite(project.GetOutput(), str(folder / "projections.mha"))
    writer = rtk.ThreeDCircularProjectionGeometryXMLFileWriter.New()
    writer.SetFilename(str(folder / "geometry.xml"))
    writer.SetObject(geometry)
    writer.WriteFile()


if __name__ == "__main__":
    main(np.load(sys.argv[1]), Path(sys.argv[2]))
