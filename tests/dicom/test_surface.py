"""Surface scans and surface segmentations: solids made with pydicom alone, written again, refused where damaged."""

import shutil
import subprocess

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian

from openigrt.dicom import read_meshes, read_object, read_point_cloud, save, write_mesh, write_point_cloud
from openigrt.errors import InconsistentInput, InvalidGeometry, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame
from openigrt.images import Mesh, PointCloud
from tests.dicom.dicom_cases import FRAME, ROOT, RTPLAN, dicom_object, sequence_item
from tests.dicom.required_attributes import lacking
from tests.dicom.writing_cases import series_header
from tests.images.test_surfaces import CUBE, QUADS, TRIANGLES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

MESH = "1.2.840.10008.5.1.4.1.1.68.1"
CLOUD = "1.2.840.10008.5.1.4.1.1.68.2"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.5"
FIXED = "1.2.840.10008.1.4.3.1"
DCMDUMP = shutil.which("dcmdump")


def points_item(points_mm, **values):
    content = np.asarray(points_mm, "<f4").tobytes()
    return sequence_item(**{"NumberOfSurfacePoints": len(points_mm), "PointCoordinatesData": content} | values)


def indices(values, dtype="<u4"):
    """Indices of points as DICOM counts them, from 1."""
    return (np.asarray(values) + 1).astype(dtype).tobytes()


def surface_item(points_mm=CUBE, number=1, primitives=None, **values):
    primitives = {"LongTrianglePointIndexList": indices(TRIANGLES)} if primitives is None else primitives
    return sequence_item(
        SurfaceNumber=number,
        SurfaceComments="Cube",
        FiniteVolume="YES",
        SurfacePointsSequence=[points_item(points_mm)],
        SurfaceMeshPrimitivesSequence=[sequence_item(**primitives)],
        **values,
    )


def mesh(*surfaces, sop_class=MESH, frame_uid=FRAME, **values):
    shown = {"Modality": "OSS", "FrameOfReferenceUID": frame_uid, "SurfaceSequence": list(surfaces or [surface_item()])}
    return dicom_object(sop_class, f"{ROOT}.100", **shown | values)


def cloud(points_mm=CUBE, frame_uid=FIXED, **values):
    shown = {"Modality": "OSS", "FrameOfReferenceUID": frame_uid, "SurfacePointsSequence": [points_item(points_mm)]}
    return dicom_object(CLOUD, f"{ROOT}.101", **shown | values)


def only(dataset):
    (found,), _ = read_meshes(dataset)
    return found


def primitive(corners, dtype="<u4"):
    keyword = "LongPrimitivePointIndexList" if dtype == "<u4" else "PrimitivePointIndexList"
    return sequence_item(**{keyword: indices(corners, dtype)})


# -------------------------------------------------------------------------------- reading


def test_a_cube_of_triangles():
    found = only(mesh())
    assert found.frame == Frame.daily(FRAME)
    assert (found.label, found.is_closed) == ("Cube", True)
    assert found.points_mm == pytest.approx(CUBE)
    assert (found.area_mm2, found.enclosed_mm3) == (pytest.approx(600.0), pytest.approx(1000.0))


@pytest.mark.parametrize(
    ("name", "primitives"),
    [
        ("strips", {"TriangleStripSequence": [primitive((a, b, d, c)) for a, b, c, d in QUADS]}),
        ("fans", {"TriangleFanSequence": [primitive(quad) for quad in QUADS]}),
        ("facets", {"FacetSequence": [primitive(quad) for quad in QUADS]}),
        ("retired", {"TrianglePointIndexList": indices(TRIANGLES, "<u2")}),
        ("retired facets", {"FacetSequence": [primitive(quad, "<u2") for quad in QUADS]}),
        ("mixed", {"FacetSequence": [primitive(QUADS[0])], "LongTrianglePointIndexList": indices(TRIANGLES[2:])}),
    ],
)
def test_every_primitive_gives_the_same_cube(name, primitives):
    """Turned the wrong way, one side would count against the volume."""
    found = only(mesh(surface_item(primitives=primitives)))
    assert len(found.triangles) == 12, name
    assert (found.area_mm2, found.enclosed_mm3) == (pytest.approx(600.0), pytest.approx(1000.0))


def test_a_long_strip_keeps_facing_one_way():
    """A cylinder's wall as one strip: outward area vectors sum to the volume of the prism between its rings."""
    angle = np.linspace(0.0, 2.0 * np.pi, 37)[:-1]
    ring = np.column_stack([10.0 * np.cos(angle), 10.0 * np.sin(angle)])
    points = np.column_stack([np.repeat(ring, 2, axis=0), np.tile([30.0, 0.0], 36)])
    strip = [*range(72), 0, 1]
    found = only(mesh(surface_item(points, primitives={"TriangleStripSequence": [primitive(strip)]})))
    prism = 36 / 2 * np.sin(2 * np.pi / 36) * 100.0 * 30.0
    assert found.enclosed_mm3 == pytest.approx(2.0 / 3.0 * prism)


def test_several_surfaces_are_called_as_their_segments():
    names = [
        sequence_item(SegmentLabel=label, ReferencedSurfaceSequence=[sequence_item(ReferencedSurfaceNumber=n)])
        for n, label in ((2, "Liver"), (1, "Skin"))
    ]
    dataset = mesh(surface_item(), surface_item(number=2), sop_class=SEGMENTATION, SegmentSequence=names)
    found, _ = read_meshes(dataset, Frame.plan)
    assert [one.label for one in found] == ["Skin", "Liver"]
    assert found[0].frame == Frame.plan(FRAME)


def test_what_is_no_triangle_is_left_aside_by_name():
    primitives = {"LongTrianglePointIndexList": indices(TRIANGLES), "LongEdgePointIndexList": indices([0, 1])}
    primitives["LineSequence"] = [primitive((0, 1, 2))]
    _, messages = read_meshes(mesh(surface_item(primitives=primitives)))
    assert messages == ("Surface 1: its edges are left aside.", "Surface 1: its lines are left aside.")


def test_normals_are_made_unit_vectors_or_left_aside():
    vectors = 3.0 * (CUBE - 5.0)
    item = sequence_item(
        NumberOfVectors=8, VectorDimensionality=3, VectorCoordinateData=vectors.astype("<f4").tobytes()
    )
    found = only(mesh(surface_item(SurfacePointsNormalsSequence=[item])))
    assert found.normals == pytest.approx((CUBE - 5.0) / np.sqrt(75.0))
    item.VectorDimensionality = 2
    (found,), messages = read_meshes(mesh(surface_item(SurfacePointsNormalsSequence=[item])))
    assert found.normals is None
    assert "normals are not 8 vectors" in messages[0]


def test_a_cloud_in_the_room_with_colors():
    colors = [[65535, 32896, 32896], [0, 0, 65535]]
    dataset = cloud(CUBE[:2], SurfacePointColorCIELabValueData=np.ravel(colors).tolist())
    found, messages = read_point_cloud(dataset)
    assert found.frame == Frame.FIXED
    assert found.points_mm == pytest.approx(CUBE[:2])
    assert found.colors == pytest.approx(np.array([[100.0, 0.0, 0.0], [0.0, -128.0, 127.0]]), abs=1e-3)
    assert messages == ()
    assert read_point_cloud(cloud(frame_uid=FRAME), Frame.plan)[0].frame == Frame.plan(FRAME)


def test_big_endian_coordinates():
    dataset = cloud(CUBE)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.SurfacePointsSequence[0].PointCoordinatesData = CUBE.astype(">f4").tobytes()
    assert read_point_cloud(dataset)[0].points_mm == pytest.approx(CUBE)


# -------------------------------------------------------------------------------- what cannot be

FAR = np.full((8, 3), 1e9)
CONCAVE = np.array([[0, 0, 0], [10, 0, 0], [2, 2, 0], [0, 10, 0]], float)
STAR = np.array([[np.cos(4 * np.pi * k / 5), np.sin(4 * np.pi * k / 5), 0] for k in range(5)]) * 10.0


@pytest.mark.parametrize(
    ("surface", "error", "said"),
    [
        (surface_item(np.full((8, 3), np.nan)), UnreadableFile, "not finite"),
        (surface_item(FAR), UnreadableFile, "beyond 100000 mm"),
        (surface_item(CUBE[:4]), InvalidGeometry, "names points 1 to 8; it has points 1 to 4"),
        (
            surface_item(primitives={"LongTrianglePointIndexList": indices([-1, 0, 1])}),
            InvalidGeometry,
            "points 0 to 2",
        ),
        (surface_item(primitives={"LongTrianglePointIndexList": indices([0, 1])}), UnreadableFile, "multiple of 3"),
        (surface_item(primitives={"LongTrianglePointIndexList": b"\1\0\0"}), UnreadableFile, "multiple of 4"),
        (surface_item(primitives={}), UnsupportedInput, "0 triangles"),
        (surface_item(primitives={"TriangleFanSequence": [primitive((0, 1))]}), UnreadableFile, "of 2 points"),
        (
            surface_item(CONCAVE, primitives={"FacetSequence": [primitive(range(4))]}),
            UnsupportedInput,
            "flat and convex",
        ),
        (surface_item(STAR, primitives={"FacetSequence": [primitive(range(5))]}), UnsupportedInput, "flat and convex"),
    ],
)
def test_surfaces_that_cannot_be_are_refused_by_name(surface, error, said):
    with pytest.raises(error, match=said):
        read_meshes(mesh(surface))


def test_counts_are_not_believed():
    for count, error, said in (
        (9, UnreadableFile, "24 numbers, expected 3 of each of 9"),
        (2**31, UnreadableFile, "expected 3 of each of 2147483648"),
        (0, UnreadableFile, "announces 0 points"),
    ):
        item = points_item(CUBE, NumberOfSurfacePoints=count)
        with pytest.raises(error, match=said):
            read_point_cloud(cloud(SurfacePointsSequence=[item]))
    with pytest.raises(UnreadableFile, match="3 color values for 8 points"):
        read_point_cloud(cloud(SurfacePointColorCIELabValueData=[1, 2, 3]))


def test_other_objects_and_frames_are_refused():
    with pytest.raises(UnsupportedInput, match="no Surface Scan Point Cloud"):
        read_point_cloud(mesh())
    with pytest.raises(UnsupportedInput, match="no Surface Scan Mesh"):
        read_meshes(dicom_object(RTPLAN, "1.2.3"))
    with pytest.raises(InconsistentInput, match="no Frame of Reference UID"):
        read_meshes(mesh(frame_uid=""))
    with pytest.raises(MissingInput, match="holds 0 surfaces"):
        read_meshes(mesh(SurfaceSequence=[]))


# -------------------------------------------------------------------------------- written and read again


def written(dataset, path):
    save(dataset, path)
    return path


def wavy():
    """A closed surface with normals, of coordinates that float32 rounds."""
    normals = (CUBE - 5.0) / np.sqrt(75.0)
    return Mesh(Frame.daily(FRAME), CUBE / 3.0 + 100.0, TRIANGLES, normals, "Skin", True)


def test_a_mesh_comes_back_the_same(tmp_path):
    path = written(write_mesh(wavy(), series_header("102"), f"{ROOT}.103"), tmp_path / "mesh.dcm")
    found = only(read_object(path)[0])
    assert found.points_mm == pytest.approx(wavy().points_mm, abs=1e-5)  # float32 at 100 mm: 4e-6
    assert found.normals == pytest.approx(wavy().normals, abs=1e-6)
    assert np.array_equal(found.triangles, TRIANGLES)
    assert (found.frame, found.label, found.is_closed) == (wavy().frame, "Skin", True)


def test_a_cloud_comes_back_the_same(tmp_path):
    colors = np.random.default_rng(1).uniform([0, -128, -128], [100, 127, 127], (8, 3))
    original = PointCloud(Frame.FIXED, CUBE / 7.0, colors=colors)
    path = written(write_point_cloud(original, series_header("104"), f"{ROOT}.105"), tmp_path / "cloud.dcm")
    found, _ = read_point_cloud(read_object(path)[0])
    assert found.frame == Frame.FIXED
    assert found.points_mm == pytest.approx(original.points_mm, abs=1e-6)
    assert found.colors == pytest.approx(colors, abs=0.5 / 257.0 * 1.01)  # 16 bits over 255


def test_nothing_that_the_standard_asks_for_is_lacking():
    """Required attributes by highdicom's copy of PS3.3; dciodvfy does not know these classes."""
    assert lacking(write_mesh(wavy(), series_header("102"), "1.2.3"), "surface-scan-mesh") == []
    cloud_ = PointCloud(Frame.FIXED, CUBE)
    assert lacking(write_point_cloud(cloud_, series_header("104"), "1.2.3"), "surface-scan-point-cloud") == []


@pytest.mark.skipif(DCMDUMP is None, reason="dcmdump (Debian dcmtk) is not installed")
def test_dcmtk_reads_the_points_that_were_written(tmp_path):
    path = written(write_mesh(wavy(), series_header("102"), f"{ROOT}.103"), tmp_path / "mesh.dcm")
    found = subprocess.run([DCMDUMP, "-M", "+L", str(path)], capture_output=True, text=True, check=True)
    (line,) = [line for line in found.stdout.splitlines() if "PointCoordinatesData" in line]
    values = np.array(line.split("OF ")[1].split("#")[0].strip().split("\\"), dtype=float)
    assert values.reshape(-1, 3) == pytest.approx(wavy().points_mm, rel=1e-5)
    assert "research only" in dcmread(path).SeriesDescription


def test_a_frame_without_uid_is_not_written():
    with pytest.raises(UnsupportedInput, match="no Frame of Reference UID"):
        write_mesh(Mesh(Frame.GANTRY, CUBE, TRIANGLES), series_header("102"), "1.2.3")
    with pytest.raises(UnsupportedInput, match="no Frame of Reference UID"):
        write_point_cloud(PointCloud(Frame.plan(""), CUBE), series_header("104"), "1.2.3")
