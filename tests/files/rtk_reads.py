"""Run by the peers' Python: what RTK itself makes of the files in a folder, as JSON on the standard output."""

import json
import sys
from pathlib import Path

import itk
from itk import RTK as rtk  # noqa: N811 - the name that its users know

READERS = {".xim": "XimImageIO", ".hnd": "HndImageIO", ".hnc": "HncImageIO", ".his": "HisImageIO"}


def pixels_of(path):
    """Pixels of one projection."""
    reader = itk.ImageFileReader[itk.Image[itk.F, 2]].New()
    reader.SetImageIO(getattr(rtk, READERS[path.suffix]).New())
    reader.SetFileName(str(path))
    reader.Update()
    image = reader.GetOutput()
    return {
        "pixels": itk.array_from_image(image).tolist(),
        "origin": list(image.GetOrigin()),
        "spacing": list(image.GetSpacing()),
    }


def matrices_of(geometry):
    """Projection matrices."""
    count = len(geometry.GetGantryAngles())
    return [itk.array_from_matrix(geometry.GetMatrix(n)).tolist() for n in range(count)]


def geometry_of(reader, xml, projections):
    """The geometry that a reader of Varian's makes of XML and projections."""
    reader.SetXMLFileName(str(xml))
    reader.SetProjectionsFileNames([str(path) for path in projections])
    reader.UpdateOutputData()
    return matrices_of(reader.GetGeometry())


def xml_geometry(reader, path):
    """The geometry of an XML file alone."""
    reader.SetFilename(str(path))
    reader.GenerateOutputInformation()
    return matrices_of(reader.GetOutputObject())


def main(folder):
    """Everything in the folders that the test has made."""
    rtk.XimImageIOFactory.RegisterOneFactory()
    found = {suffix: [pixels_of(path) for path in sorted(folder.rglob(f"*{suffix}"))] for suffix in READERS}
    names = sorted((folder / "xim").glob("*.xim"))
    found["truebeam"] = geometry_of(rtk.VarianProBeamGeometryReader.New(), folder / "xim" / "Scan.xml", names)
    for kind in ("hnd", "hnc"):
        names = sorted((folder / kind).glob(f"*.{kind}"))
        found[kind] = geometry_of(rtk.VarianObiGeometryReader.New(), folder / kind / "ProjectionInfo.xml", names)
    found["xvi"] = xml_geometry(rtk.ElektaXVI5GeometryXMLFileReader.New(), folder / "his" / "_Frames.xml")
    ours = rtk.ThreeDCircularProjectionGeometryXMLFileReader.New()
    found["ours"] = xml_geometry(ours, folder / "ours.xml")
    parameters = json.loads((folder / "parameters.json").read_text())
    geometry = rtk.ThreeDCircularProjectionGeometry.New()
    for gantry, out, within, source_x, source_y, to_x, to_y, distance, beyond in parameters:
        geometry.AddProjection(distance, beyond, gantry, to_x, to_y, out, within, source_x, source_y)
    found["parameters"] = matrices_of(geometry)
    writer = rtk.ThreeDCircularProjectionGeometryXMLFileWriter.New()
    writer.SetFilename(str(folder / "theirs.xml"))
    writer.SetObject(geometry)
    writer.WriteFile()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
