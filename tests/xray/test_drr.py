"""Radiographs of a CT: closed forms, windows, every pose that the room knows, and the way through an RT Image."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.dicom import read_object, read_projections, save, write_projection
from openigrt.errors import FrameMismatch, InvalidGeometry, MissingInput, UnsupportedInput
from openigrt.geometry import (
    CouchPose,
    Frame,
    Grid,
    PatientPosition,
    fixed_from_gantry,
    fixed_from_lps,
    gantry_from_beam_limiting_device,
    project_points,
)
from openigrt.images import Image, MachinePose, Modality, ProjectionKind, Provenance
from openigrt.xray import BONE, SOFT_TISSUE, WHOLE, Drr, DrrDetector, HuWindow
from tests.dicom.dicom_cases import ROOT
from tests.dicom.writing_cases import series_header

PLAN = Frame.plan("1.2.3")
ISOCENTER = (10.0, -20.0, 300.0)
DETECTOR = DrrDetector(size=(120, 100), spacing_mm=(3.0, 3.0))
POSE = MachinePose(0.0, 1000.0, couch=CouchPose())


def grid(spacing=(4.0, 4.0, 4.0), size=(50, 46, 40)):
    corner = np.array(ISOCENTER) - np.array(spacing) * (np.array(size) - 1) / 2.0
    return Grid(PLAN, corner, np.array(spacing), np.eye(3), size)


def image(voxels=None, position=PatientPosition.HFS, on=None):
    on = on or grid()
    voxels = np.full(on.shape, -1000.0) if voxels is None else voxels
    return Image(voxels, on, Modality.CT, Provenance(patient_id="P1", patient_position=position))


def slab(hu, thickness_voxels=20):
    """A slab across the anterior-posterior axis, through which the central ray of gantry 0 runs straight."""
    voxels = np.full(grid().shape, -1000.0, np.float32)
    voxels[:, 10 : 10 + thickness_voxels] = hu
    return voxels


@pytest.mark.parametrize(
    ("hu", "window", "weight"),
    [
        (0.0, WHOLE, 1.0),
        (1000.0, WHOLE, 1.0),
        (-500.0, WHOLE, 1.0),
        (-2000.0, WHOLE, 0.0),
        (50.0, BONE, 0.1),
        (200.0, BONE, 0.55),
        (800.0, BONE, 1.0),
        (40.0, SOFT_TISSUE, 1.0),
        (250.0, SOFT_TISSUE, 0.625),
        (900.0, SOFT_TISSUE, 0.25),
        (120.5, HuWindow(((100.0, 0.0), (200.0, 1.0))), 0.205),
    ],
)
def test_a_slab_attenuates_by_its_hu_and_the_window(hu, window, weight):
    """80 mm of it on the ray through the isocenter: 0.02 per mm of water."""
    pixels = Drr(image(slab(hu)), window).at(POSE, ISOCENTER, replace(DETECTOR, size=(121, 101))).pixels
    expected = 80.0 * 0.02 * (1.0 + max(hu, -1000.0) / 1000.0) * weight
    assert pixels[50, 60] == pytest.approx(expected, rel=2e-5, abs=1e-6)
    slanted = np.hypot(1500.0, 60.0) / 1500.0
    assert pixels[50, 40] == pytest.approx(expected * slanted, rel=1e-4, abs=1e-6)


def test_voxels_without_data_and_beyond_the_table():
    voxels = slab(0.0)
    voxels[:, :5], voxels[:, 12:14] = np.nan, 9000.0
    pixels = Drr(image(voxels)).at(POSE, ISOCENTER, replace(DETECTOR, size=(121, 101))).pixels
    assert pixels[50, 60] == pytest.approx(0.02 * (72.0 + 8.0 * 5.0), rel=1e-5)


@pytest.mark.parametrize("position", [PatientPosition.HFS, PatientPosition.FFP, PatientPosition.HFDL])
@pytest.mark.parametrize(
    "pose",
    [
        POSE,
        MachinePose(90.0, 1000.0, couch=CouchPose()),
        MachinePose(
            215.0, 1000.0, beam_limiting_device_angle_deg=30.0, couch=CouchPose(patient_support_angle_deg=20.0)
        ),
        MachinePose(80.0, 1000.0, couch=CouchPose(patient_support_angle_deg=90.0)),
        MachinePose(300.0, 1000.0, couch=CouchPose(table_top_pitch_angle_deg=2.0, table_top_roll_angle_deg=-3.0)),
    ],
    ids=["0", "90", "collimator and couch", "from the head", "tilted table"],
)
def test_a_marker_lies_where_the_beam_sees_it(pose, position):
    """A ball of bone off the isocenter: the middle of its shadow against the central projection of its centre."""
    marker = np.array(ISOCENTER) + np.array([24.0, -16.0, 20.0])
    k, j, i = np.indices(grid().shape)
    away = np.linalg.norm(grid().points(np.stack([i, j, k], -1)) - marker, axis=-1)
    shown = Drr(image(-1000.0 + 2000.0 * np.exp(-(away**2) / (2.0 * 8.0**2)), position), WHOLE)
    projection = shown.at(pose, ISOCENTER, DETECTOR)
    rows, columns = np.indices(projection.pixels.shape)
    found = np.array([(projection.pixels * n).sum() for n in (columns, rows)]) / projection.pixels.sum()
    beam = fixed_from_gantry(pose.gantry_angle_deg) @ gantry_from_beam_limiting_device(
        pose.beam_limiting_device_angle_deg or 0.0
    )
    in_room = fixed_from_lps(position, PLAN, ISOCENTER, pose.couch).points(marker)
    x_mm, y_mm = project_points(in_room, beam, 1000.0, 1500.0)
    assert found == pytest.approx([59.5 + x_mm / 3.0, 49.5 - y_mm / 3.0], abs=0.05)


def test_a_radiograph_goes_through_an_rt_image(tmp_path):
    couch = CouchPose(patient_support_angle_deg=20.0)
    pose = MachinePose(215.0, 1000.0, beam_limiting_device_angle_deg=30.0, couch=couch)
    made = replace(Drr(image(slab(40.0)), BONE).at(pose, ISOCENTER, DETECTOR), label="beam 1")
    save(write_projection(made, series_header("82"), f"{ROOT}.83"), tmp_path / "drr.dcm")
    (read,), messages = read_projections(read_object(tmp_path / "drr.dcm")[0])
    assert messages == ("The position of the table top is not stated.",)
    assert read.kind is ProjectionKind.DRR
    assert read.intensity == made.intensity
    corners = [(0, 0), (119, 0), (0, 99), (119, 99)]
    here, there = (one.patient_geometry(PLAN) for one in (made, read))
    assert np.allclose(there.points(corners), here.points(corners), rtol=0.0, atol=1e-5)
    assert np.abs(read.pixels - made.pixels).max() <= 1.01 * np.ptp(made.pixels) / 131070


def test_a_radiograph_like_a_projection_stands_on_its_detector():
    shown = Drr(image(slab(40.0)))
    taken = shown.at(MachinePose(30.0, 1000.0, couch=CouchPose()), ISOCENTER, DETECTOR)
    moved = replace(taken, isocenter_mm=(12.0, -20.0, 300.0), kind=ProjectionKind.RADIOGRAPH)
    again = shown.like(replace(moved, isocenter_mm=ISOCENTER))
    assert np.array_equal(again.pixels, taken.pixels)
    assert again.kind is ProjectionKind.DRR
    assert not np.array_equal(shown.like(moved).pixels, taken.pixels)


def test_windows_after_one_another_and_beams_in_any_order():
    """What is kept between radiographs changes none of them."""
    shown = Drr(image(slab(200.0)), BONE)
    head_on = MachinePose(90.0, 1000.0, couch=CouchPose(patient_support_angle_deg=90.0))
    first = shown.at(POSE, ISOCENTER, DETECTOR).pixels
    other = shown.at(head_on, ISOCENTER, DETECTOR).pixels
    assert np.array_equal(shown.at(POSE, ISOCENTER, DETECTOR).pixels, first)
    assert not np.array_equal(first, other)


def test_what_is_no_ct_and_what_is_not_stated_is_refused():
    with pytest.raises(UnsupportedInput, match="is MR"):
        Drr(replace(image(), modality=Modality.MR))
    with pytest.raises(MissingInput, match="patient position"):
        Drr(image(position=None)).at(POSE, ISOCENTER)
    with pytest.raises(MissingInput, match="support angle"):
        Drr(image()).at(MachinePose(0.0, 1000.0), ISOCENTER)
    with pytest.raises(FrameMismatch):
        Drr(image()).like(replace(Drr(image()).at(POSE, ISOCENTER, DETECTOR), patient_frame_uid="9"))
    with pytest.raises(InvalidGeometry, match="X-ray source"):
        Drr(image()).at(MachinePose(0.0, 60.0, couch=CouchPose()), ISOCENTER, DETECTOR)
    for points in (
        (),
        ((0.0, 1.0), (0.0, 2.0)),
        ((5.0, 1.0), (0.0, 2.0)),
        ((0.0, -1.0),),
        ((np.nan, 1.0),),
        ((0.0, np.nan),),
    ):
        with pytest.raises(InvalidGeometry, match="rising HU"):
            HuWindow(points)
