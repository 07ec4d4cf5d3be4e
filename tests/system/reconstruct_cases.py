"""An asymmetric phantom that lies off its plan, its planning CT, and its projections in closed form."""

import numpy as np
import SimpleITK

from openigrt.files import write_rtk_geometry
from openigrt.geometry import (
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
MACHINE = """
name = "Test"
[couch]
degrees_of_freedom = 4
pivot = "isocenter"
resolution_mm = 1
resolution_deg = 0.1
[imager]
kv_source_angle_offset_deg = 90
source_axis_distance_mm = 1000
source_detector_distance_mm = 1500
"""
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


def write_projections(folder, position, offset_mm=0.0, angles=None, size=(112, 96), counts=None):
    """A stack with RTK's geometry: line integrals, or `counts` made of them."""
    angles = np.arange(180) * 2.0 if angles is None else np.asarray(angles, float)
    spacing = 3.2 * 112 / size[0], 3.2 * 96 / size[1]
    trajectory = circular_trajectory(
        angles, DetectorPlacement(1000.0, 1500.0, size, spacing, offset_mm=(offset_mm, 0.0))
    )
    pixels = projected(placed(), trajectory.moved(room_from_plan(position).inverse()))
    if counts is not None:
        pixels = counts(pixels)
    folder.mkdir(parents=True)
    write_stack(folder, pixels, trajectory)
    return folder


def write_stack(folder, pixels, trajectory):
    """Projections [n, row, column] as one file, beside RTK's geometry."""
    lattice = write_rtk_geometry(trajectory, folder / "geometry.xml")
    stack = SimpleITK.GetImageFromArray(pixels)
    stack.SetSpacing([*map(float, lattice.spacing_mm), 1.0])
    stack.SetOrigin([*map(float, lattice.origin_mm), 0.0])
    SimpleITK.WriteImage(stack, str(folder / "projections.mha"))


def machine_file(folder, more):
    path = folder / "machine.toml"
    path.write_text(MACHINE + more, encoding="utf-8")
    return path
