"""The eight patient positions: names, axes, and a planning system's own coordinates in each of them."""

import json

import numpy as np
import pydicom
import pytest

from openigrt.errors import UnsupportedPatientPosition
from openigrt.geometry import (
    Frame,
    Grid,
    PatientPosition,
    patient_from_lps,
    rotation_y,
    rotation_z,
    table_top_from_lps,
)

PLAN = Frame.plan("1")


@pytest.mark.parametrize("name", ["HFS", " hfs ", "FFDR"])
def test_names_are_read_as_dicom_pads_them(name):
    assert PatientPosition.parse(name) == name.strip().upper()


@pytest.mark.parametrize("name", ["SITTING", "LFP", "LFS", "RFP", "RFS", "AFDR", "AFDL", "PFDR", "PFDL", "HF", ""])
def test_any_other_position_is_refused_by_name(name):
    with pytest.raises(UnsupportedPatientPosition, match="not supported") as raised:
        PatientPosition.parse(name)
    assert raised.value.facts["found"] == name


@pytest.mark.parametrize("position", PatientPosition)
def test_axes_of_a_position_are_a_proper_rotation(position):
    axes = position.table_top_from_lps()
    assert np.linalg.det(axes) == pytest.approx(1.0)
    assert axes @ axes.T == pytest.approx(np.eye(3))


@pytest.mark.parametrize(("position", "turned"), [("HFS", "HFDL"), ("HFDL", "HFP"), ("HFP", "HFDR"), ("HFDR", "HFS")])
def test_head_first_positions_follow_by_quarter_rolls(position, turned):
    rolled = rotation_y(90.0) @ PatientPosition(position).table_top_from_lps()
    assert rolled == pytest.approx(PatientPosition(turned).table_top_from_lps())


@pytest.mark.parametrize("kind", ["S", "P"])
def test_feet_first_is_head_first_turned_about_the_vertical(kind):
    turned = rotation_z(180.0) @ PatientPosition("HF" + kind).table_top_from_lps()
    assert turned == pytest.approx(PatientPosition("FF" + kind).table_top_from_lps())


def dose_grid(folder, position):
    """Grid of the RTDOSE header of one position, built as PS3.3 C.7.6.2.1.1 and C.8.8.3 say."""
    header = pydicom.dcmread(folder / f"RD.DICOMORIENT.Dose_{position}.dcm", stop_before_pixels=True)
    row, column = np.array(header.ImageOrientationPatient, dtype=float).reshape(2, 3)
    offsets = np.array(header.GridFrameOffsetVector, dtype=float)
    direction = np.column_stack([row, column, np.cross(row, column)])
    between_rows_mm, between_columns_mm = header.PixelSpacing
    spacing = np.array([between_columns_mm, between_rows_mm, offsets[1] - offsets[0]], dtype=float)
    size = (header.Columns, header.Rows, len(offsets))
    return Grid(PLAN, np.array(header.ImagePositionPatient, dtype=float), spacing, direction, size)


def axes_of(grid, new_from_plan):
    """Coordinates of the grid's voxels along each axis of a frame that is parallel to the grid, ascending."""
    corners = new_from_plan.points(grid.corners_mm())
    steps = np.abs(new_from_plan.rotation @ grid.direction @ np.diag(grid.spacing_mm)).sum(axis=1)
    ends = zip(corners.min(axis=0), corners.max(axis=0), steps, strict=True)
    return [np.linspace(low, high, round((high - low) / step) + 1) for low, high, step in ends]


def expected_axes(folder, name, position):
    axes = json.loads((folder / f"expected_{name}_xyz.json").read_text(encoding="utf-8"))[position]
    return [np.array(axis) for axis in axes]


@pytest.mark.real
@pytest.mark.parametrize("position", PatientPosition)
def test_fixed_coordinates_of_a_dose_grid(real_data, position):
    folder = real_data / "patient_orientations"
    found = axes_of(dose_grid(folder, position), table_top_from_lps(position, PLAN))
    for axis, expected in zip(found, expected_axes(folder, "iec_fixed", position), strict=True):
        assert axis == pytest.approx(expected, abs=1e-6)


@pytest.mark.real
@pytest.mark.parametrize("position", PatientPosition)
@pytest.mark.parametrize("name", ["dicom_patient", "iec_patient"])
def test_directions_of_the_patient_in_a_dose_grid(real_data, position, name):
    """The expected lists run along the patient's axes, with values counted along the display's (IEC fixed, or the
    same with y down): so they say which table axis each patient axis is parallel to, and which way it points."""
    folder = real_data / "patient_orientations"
    hfs = PatientPosition.HFS.table_top_from_lps()
    fixed_from_plan = table_top_from_lps(position, PLAN)
    patient_axes, display_from_fixed = np.eye(3), hfs.T
    if name == "iec_patient":
        patient_axes, display_from_fixed = patient_from_lps(PLAN).inverse().rotation, np.eye(3)
    in_fixed = axes_of(dose_grid(folder, position), fixed_from_plan)
    for axis, expected in zip(patient_axes.T, expected_axes(folder, name, position), strict=True):
        fixed_axis = fixed_from_plan.rotation @ axis
        parallel = int(np.abs(fixed_axis).argmax())
        along_patient = in_fixed[parallel][:: int(fixed_axis[parallel])]
        sign = display_from_fixed[:, parallel].sum()
        assert sign * along_patient == pytest.approx(expected, abs=1e-6)
