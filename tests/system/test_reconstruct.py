"""From projections to a couch correction: an asymmetric phantom with closed-form projections, in every position."""

import numpy as np
import pytest
import SimpleITK

import openigrt
from openigrt.errors import InconsistentInput
from openigrt.files import write_rtk_geometry
from openigrt.geometry import (
    CouchPose,
    DetectorPlacement,
    Frame,
    Grid,
    PatientPosition,
    RigidTransform,
    TableAngles,
    circular_trajectory,
)
from tests.dicom import dicom_cases as cases
from tests.xray.ellipsoid_scans import Ellipsoid, drawn, projected

WATER_PER_MM = 0.0206
ISOCENTER_MM = np.array([12.0, -31.0, 47.0])
HALF_FAN_MM = 60.0

# A body of water with spine, ribs and a hollow: no turn and no mirror maps it onto itself. Centres from the isocenter.
PHANTOM = (
    Ellipsoid((96.0, 72.0, 110.0), (4.0, -6.0, 2.0), 0.0206),
    Ellipsoid((13.0, 15.0, 90.0), (8.0, 40.0, 4.0), 0.014),
    Ellipsoid((30.0, 9.0, 8.0), (-44.0, 12.0, 30.0), 0.016),
    Ellipsoid((9.0, 33.0, 9.0), (50.0, -12.0, -20.0), 0.018),
    Ellipsoid((8.0, 8.0, 26.0), (-30.0, -30.0, -34.0), 0.015),
    Ellipsoid((16.0, 12.0, 14.0), (24.0, -34.0, 28.0), -0.0206),
    Ellipsoid((11.0, 14.0, 12.0), (-12.0, 2.0, 8.0), 0.003),
    Ellipsoid((60.0, 5.0, 6.0), (6.0, -46.0, 52.0), 0.016),
    Ellipsoid((6.0, 26.0, 5.0), (-68.0, -4.0, -12.0), 0.018),
    Ellipsoid((5.0, 6.0, 40.0), (64.0, 20.0, 20.0), 0.017),
    Ellipsoid((22.0, 5.0, 24.0), (36.0, 44.0, -30.0), 0.015),
)
SETUP = TableAngles(1.4, -0.9, 0.7), np.array([6.0, -4.5, 3.2])


def placed():
    """The phantom in the axes of the planning CT."""
    return [e.at(tuple(np.array(e.center_mm) + ISOCENTER_MM)) for e in PHANTOM]


def planning_ct(size=(128, 96, 84), spacing=(2.0, 2.0, 3.0)):
    """HU of the phantom, eight points a voxel."""
    spacing = np.array(spacing)
    origin = ISOCENTER_MM - (np.array(size) - 1) / 2.0 * spacing
    fine = Grid(Frame.plan(cases.FRAME), origin - spacing / 4.0, spacing / 2.0, np.eye(3), tuple(2 * n for n in size))
    density = drawn(placed(), fine)
    mean = density.reshape(size[2], 2, size[1], 2, size[0], 2).mean(axis=(1, 3, 5))
    hounsfield = np.rint((mean / WATER_PER_MM - 1.0) * 1000.0).astype(np.int16)
    return cases.SliceSeries(hounsfield, tuple(origin), pixel_spacing=(spacing[1], spacing[0]), step=spacing[2])


@pytest.fixture(scope="module")
def planning_series():
    return planning_ct()


def plan_folder(folder, series, position):
    series.header = {"PatientPosition": position}
    series.write(folder / "ct")
    shown = cases.full_control_point(isocenter=tuple(ISOCENTER_MM), PatientSupportAngle=0)
    beams = [cases.beam(points=[shown, cases.control_point(1)])]
    cases.write(cases.plan(beams=beams, position=position), folder / "rp.dcm")
    return folder


def room_from_plan(position):
    """Where the patient lies, off by the setup error: turned about the isocenter, then moved, in room axes."""
    angles, shift_mm = SETUP
    rotation = angles.matrix() @ PatientPosition(position).table_top_from_lps()
    return RigidTransform(Frame.FIXED, Frame.plan(cases.FRAME), rotation, shift_mm - rotation @ ISOCENTER_MM)


def write_projections(folder, position, offset_mm=0.0, count=180):
    trajectory = circular_trajectory(
        np.arange(count) * 360.0 / count,
        DetectorPlacement(1000.0, 1500.0, (112, 96), (3.2, 3.2), offset_mm=(offset_mm, 0.0)),
    )
    integrals = projected(placed(), trajectory.moved(room_from_plan(position).inverse()))
    folder.mkdir(parents=True)
    lattice = write_rtk_geometry(trajectory, folder / "geometry.xml")
    stack = SimpleITK.GetImageFromArray(integrals)
    stack.SetSpacing([*map(float, lattice.spacing_mm), 1.0])
    stack.SetOrigin([*map(float, lattice.origin_mm), 0.0])
    SimpleITK.WriteImage(stack, str(folder / "projections.mha"))
    return folder


@pytest.mark.parametrize("position", list(PatientPosition))
def test_an_offset_of_six_axes_comes_back_in_every_patient_position(tmp_path, planning_series, position):
    plan = plan_folder(tmp_path / "plan", planning_series, str(position))
    projections = write_projections(tmp_path / "projections", position)
    made = openigrt.reconstruct(
        projections, plan=plan, quantity="line integral", voxel=2.0, out=tmp_path / "cbct", water=WATER_PER_MM
    )
    assert made.image.provenance.patient_position is position
    found = openigrt.guide(plan, tmp_path / "cbct" / "ct", region="bone")
    truth = room_from_plan(position)
    lps_from_room = position.table_top_from_lps().T
    room = np.array([[0.0, 0.0, 0.0], [30.0, 0.0, 0.0], [0.0, 30.0, 0.0], [0.0, 0.0, 30.0]])
    mapped = found.match.plan_from_daily.points(room @ lps_from_room.T)
    expected = truth.inverse().points(room)
    assert np.linalg.norm(mapped[0] - expected[0]) < 0.5
    turned = (mapped[1:] - mapped[0]) @ np.linalg.inv(expected[1:] - expected[0])
    angle = np.rad2deg(np.arccos(np.clip((np.trace(turned) - 1.0) / 2.0, -1.0, 1.0)))
    assert angle < 0.3


def mean_hounsfield(image, center_mm, radius_mm=7.0):
    """Mean HU in a ball about a point given from the isocenter, in the patient's axes."""
    k, j, i = np.indices(image.grid.shape)
    points = image.grid.points(np.stack([i, j, k], axis=-1))
    return float(image.voxels[np.linalg.norm(points - center_mm, axis=-1) < radius_mm].mean())


@pytest.mark.parametrize(("fan", "offset_mm"), [("full", 0.0), ("half", HALF_FAN_MM), ("half", -HALF_FAN_MM)])
def test_water_and_what_lies_in_it_count_their_hounsfield_units(tmp_path, fan, offset_mm):
    made = openigrt.reconstruct(
        write_projections(tmp_path / "projections", "HFS", offset_mm),
        position="HFS",
        quantity="line integral",
        voxel=3.0,
        size=(72, 72, 40),
        water=WATER_PER_MM,
    )
    assert str(made.fan) == fan
    angles, shift_mm = SETUP
    lps_from_room = PatientPosition.HFS.table_top_from_lps().T
    for center_mm, density in (((-12.0, 2.0, 8.0), 0.0236), ((24.0, -34.0, 28.0), 0.0), ((44.0, 20.0, 6.0), 0.0206)):
        in_room = angles.matrix() @ PatientPosition.HFS.table_top_from_lps() @ np.array(center_mm) + shift_mm
        expected = (density / WATER_PER_MM - 1.0) * 1000.0
        assert mean_hounsfield(made.image, lps_from_room @ in_room) == pytest.approx(expected, abs=10.0)


def test_the_couch_pose_of_the_scan_is_that_of_the_correction(tmp_path, planning_series):
    plan = plan_folder(tmp_path / "plan", planning_series, "HFS")
    projections = write_projections(tmp_path / "projections", PatientPosition.HFS)
    words = {"plan": plan, "quantity": "line integral", "voxel": 2.0, "water": WATER_PER_MM}
    openigrt.reconstruct(projections, couch_pose=(10.0, 200.0, -150.0), out=tmp_path / "cbct", **words)
    found = openigrt.guide(plan, tmp_path / "cbct" / "ct", region="bone")
    assert found.correction.start == CouchPose(10.0, 200.0, -150.0)
    with pytest.raises(InconsistentInput, match="--couch-pose says 12,200,-150,0,0,0, the image of the day 10,200"):
        openigrt.guide(plan, tmp_path / "cbct" / "ct", region="bone", couch_pose=(12.0, 200.0, -150.0))
