"""RTK's geometry: against the published product of matrices, RTK's own file of an example, and hostile XML."""

import numpy as np
import pytest

from openigrt.errors import InconsistentInput, InputError, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.files import (
    ProjectionLattice,
    RtkGeometry,
    read_rtk_geometry,
    rtk_geometry_of,
    trajectory_of,
    write_rtk_geometry,
)
from openigrt.geometry import DetectorPlacement, circular_trajectory, with_rows_reversed
from tests.files.vendor_files import GEOMETRY

NAMES = (
    *("gantry_angles_deg", "out_of_plane_angles_deg", "in_plane_angles_deg", "source_offsets_x_mm"),
    *("source_offsets_y_mm", "projection_offsets_x_mm", "projection_offsets_y_mm"),
    *("source_isocenter_distances_mm", "source_detector_distances_mm"),
)
WRITTEN_BY_RTK = """
    <SourceToIsocenterDistance>1000</SourceToIsocenterDistance>
    <SourceToDetectorDistance>1500</SourceToDetectorDistance>
    <SourceOffsetX>1.5</SourceOffsetX>
    <SourceOffsetY>-2.5</SourceOffsetY>
    <ProjectionOffsetX>10</ProjectionOffsetX>
    <ProjectionOffsetY>-5</ProjectionOffsetY>
    <InPlaneAngle>3</InPlaneAngle>
    <OutOfPlaneAngle>2</OutOfPlaneAngle>
  <Projection>
    <GantryAngle>30</GantryAngle>
    <Matrix>
        -1302.87510401442    -78.159466166735    739.242728194165               10750
         43.0968888739936   -1497.11904367786   -82.3618675509247               -6250
        0.499695413509548  -0.034899496702501   0.865497844507677               -1000
    </Matrix>
  </Projection>
"""
SMALLEST = "<Projection><GantryAngle>30</GantryAngle></Projection>"
DISTANCES = (
    "<SourceToIsocenterDistance>1000</SourceToIsocenterDistance>"
    "<SourceToDetectorDistance>1500</SourceToDetectorDistance>"
)


def random_geometry(count=12, seed=4):
    random = np.random.default_rng(seed)
    return RtkGeometry(
        *random.uniform(0, 360, (1, count)),
        *random.uniform(-60, 60, (2, count)),
        *random.uniform(-80, 80, (4, count)),
        random.uniform(800, 1200, count),
        random.uniform(1300, 1700, count),
    )


def about(axis, angle_deg):
    """A right-handed rotation, 4 x 4, by the formula of Rodrigues."""
    k, angle = np.cross(np.eye(3), np.eye(3)[axis]), np.deg2rad(angle_deg)
    turn = np.eye(4)
    turn[:3, :3] = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k
    return turn


def published_matrix(gantry, out, within, source_x, source_y, to_x, to_y, distance, beyond):
    """Projection translation, magnification, source translation and rotation, multiplied as RTK documents it."""
    shift = np.eye(4)
    shift[:2, 3] = -source_x, -source_y
    enlarge = np.array([[-beyond, 0, 0, 0], [0, -beyond, 0, 0], [0, 0, 1, -distance]])
    back = np.array([[1, 0, source_x - to_x], [0, 1, source_y - to_y], [0, 0, 1.0]])
    return back @ enlarge @ shift @ about(2, -within) @ about(0, -out) @ about(1, -gantry)


def read(tmp_path, text):
    (tmp_path / "g.xml").write_text(text, encoding="utf-8")
    return read_rtk_geometry(tmp_path / "g.xml")


def in_file(shared=DISTANCES, projections=SMALLEST, version=3):
    return GEOMETRY.format(shared=shared, projections=projections, version=version)


def test_matrices_are_the_published_product():
    geometry = random_geometry()
    for n, matrix in enumerate(geometry.matrices()):
        expected = published_matrix(*(getattr(geometry, name)[n] for name in NAMES))
        assert np.allclose(matrix, expected, rtol=0.0, atol=1e-9)


def test_the_trajectory_projects_as_the_matrices_do():
    """A point of the room lands on the same pixel by its matrix and by source and detector of the trajectory."""
    geometry = random_geometry()
    lattice = ProjectionLattice(np.array([-30.0, 11.0]), np.array([0.4, 0.8]), (40, 30), np.eye(2))
    trajectory = trajectory_of(geometry, lattice)
    points = np.random.default_rng(1).uniform(-100, 100, (7, 3))
    for n, matrix in enumerate(geometry.matrices()):
        homogeneous = np.hstack([points, np.ones((7, 1))]) @ matrix.T
        expected = (homogeneous[:, :2] / homogeneous[:, 2:] - lattice.origin_mm) / lattice.spacing_mm
        assert np.allclose(trajectory[n].pixels(points), expected, rtol=0.0, atol=1e-9)


def test_what_rtk_wrote_is_read(tmp_path):
    geometry, messages = read(tmp_path, in_file("", WRITTEN_BY_RTK))
    assert messages == ()
    assert [float(getattr(geometry, name)[0]) for name in NAMES] == [30, 2, 3, 1.5, -2.5, 10, -5, 1000, 1500]


def test_a_circular_trajectory_has_the_parameters_that_it_was_made_of():
    placement = DetectorPlacement(1000.0, 1536.0, (20, 10), (0.8, 0.8), (115.0, -3.0), 2.0, -1.5)
    geometry, lattice = rtk_geometry_of(circular_trajectory([0.0, 90.0, 200.0, 359.0], placement))
    assert np.allclose(geometry.gantry_angles_deg, [0.0, 90.0, 200.0, 359.0])
    for name, value in zip(NAMES[1:], (-1.5, 2.0, 0.0, 0.0, 115.0, -3.0, 1000.0, 1536.0), strict=True):
        assert np.allclose(getattr(geometry, name), value), name
    assert np.allclose(lattice.origin_mm, [-7.6, -3.6])


@pytest.mark.parametrize("seed", range(5))
def test_any_trajectory_goes_through_a_file(tmp_path, seed):
    lattice = ProjectionLattice(np.array([-30.0, 11.0]), np.array([0.4, 0.8]), (40, 30), about(2, 25.0)[:2, :2])
    trajectory = trajectory_of(random_geometry(seed=seed), lattice)
    written = write_rtk_geometry(trajectory, tmp_path / "g.xml")
    geometry, messages = read_rtk_geometry(tmp_path / "g.xml")
    again = trajectory_of(geometry, written)
    assert messages == ()
    for name in ("sources_mm", "first_pixels_mm", "row_directions", "column_directions"):
        assert np.allclose(getattr(again, name), getattr(trajectory, name), rtol=0.0, atol=1e-9), name
    assert [path.name for path in tmp_path.iterdir()] == ["g.xml"]


@pytest.mark.parametrize("out_of_plane", [90.0, -90.0])
def test_a_beam_along_the_axis_of_rotation(out_of_plane):
    placement = DetectorPlacement(1000.0, 1500.0, (4, 4), (1.0, 1.0), (3.0, 2.0), 20.0, out_of_plane)
    trajectory = circular_trajectory([40.0], placement)
    again = trajectory_of(*rtk_geometry_of(trajectory))
    assert np.allclose(again.first_pixels_mm, trajectory.first_pixels_mm)
    assert np.allclose(again.row_directions, trajectory.row_directions)


def test_rows_that_run_the_other_way_are_reversed_first():
    placement = DetectorPlacement(1000.0, 1500.0, (6, 5), (1.0, 2.0))
    trajectory = circular_trajectory([10.0, 20.0], placement)
    flipped = with_rows_reversed(trajectory)
    with pytest.raises(UnsupportedInput, match="with_rows_reversed"):
        rtk_geometry_of(flipped)
    assert np.allclose(flipped[0].points((3, 0)), trajectory[0].points((3, 4)))
    assert np.allclose(with_rows_reversed(flipped).first_pixels_mm, trajectory.first_pixels_mm)


def test_what_is_left_aside_is_named(tmp_path):
    _, messages = read(tmp_path, in_file(DISTANCES + "<CollimationUInf>40</CollimationUInf><Colour>red</Colour>"))
    assert messages == ("Left aside from the geometry: <Colour>, CollimationUInf.",)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (in_file(version=1), UnsupportedInput, "version 1 is no geometry"),
        ("<Other/>", UnsupportedInput, "<Other> version not stated"),
        (in_file(DISTANCES.replace("1500", "0")), UnsupportedInput, "parallel"),
        (in_file(DISTANCES.replace("1500", "-1")), UnsupportedInput, "below zero"),
        (in_file(DISTANCES + "<RadiusCylindricalDetector>900</RadiusCylindricalDetector>"), UnsupportedInput, "cylin"),
        (in_file(""), MissingInput, "projection 1 lacks SourceToIsocenterDistance, SourceToDetectorDistance"),
        (in_file(projections="<Projection/>"), MissingInput, "lacks GantryAngle"),
        (in_file(projections=""), UnreadableFile, "holds 0 projections"),
        (in_file(DISTANCES.replace("1500", "nan")), UnreadableFile, "SourceToDetectorDistance is 'nan'"),
        (in_file(DISTANCES.replace("1500", "1e300")), UnreadableFile, "expected a number"),
        (in_file(projections=SMALLEST.replace("30", "left")), UnreadableFile, "GantryAngle is 'left'"),
        (in_file("", WRITTEN_BY_RTK.replace(">30<", ">31<")), InconsistentInput, "projection 1 differ"),
        (in_file("", WRITTEN_BY_RTK.replace("10750", "")), UnreadableFile, "11 numbers"),
        (in_file()[:-40], UnreadableFile, "damaged or no XML"),
        ("", UnreadableFile, "damaged or no XML"),
    ],
)
def test_what_is_refused(tmp_path, text, error, says):
    with pytest.raises(error, match=says) as caught:
        read(tmp_path, text)
    assert "g.xml" in caught.value.sentence
    assert "\n" not in caught.value.sentence


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>'
STRANGER = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]><a>&a;</a>'
PARAMETER = '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1/x"> %p;]><a/>'


@pytest.mark.parametrize("text", [LAUGHS, STRANGER, PARAMETER], ids=["laughs", "file", "parameter"])
def test_entities_are_refused(tmp_path, text):
    with pytest.raises(UnsupportedInput, match="holds entities, which are not read"):
        read(tmp_path, text)


def test_xml_that_is_too_deep_or_too_much(tmp_path):
    for text in ("<a>" * 100 + "</a>" * 100, "<a>" + "<b/>" * 200_001 + "</a>"):
        with pytest.raises(UnsupportedInput, match="200000 elements"):
            read(tmp_path, text)
    with pytest.raises(InputError, match="cannot be read"):
        read_rtk_geometry(tmp_path / "absent.xml")
    (tmp_path / "large.xml").write_bytes(b" " * (2**24 + 1))
    with pytest.raises(UnsupportedInput, match="bytes of XML"):
        read_rtk_geometry(tmp_path / "large.xml")
