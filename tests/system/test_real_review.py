"""A real cone-beam CT moved by known rigid motions (in its headers alone), as a course of six days."""

import json
from datetime import date, timedelta

import numpy as np
import pydicom
import pytest

from openigrt.geometry import rotation_angle_deg, rotation_from_vector
from tests.system.command import run

ISOCENTER_MM = np.array([5.0, 70.0, 305.0])
MOTIONS = (
    ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    ((6.0, -4.0, 3.0), (1.0, 0.5, -1.0)),
    ((-5.0, 8.0, -6.0), (0.0, 2.0, 1.0)),
    ((2.0, 3.0, 9.0), (-1.5, -0.5, 2.0)),
    ((-8.0, -2.0, 4.0), (2.0, -2.0, 0.0)),
    ((1.0, -9.0, -3.0), (-0.5, 1.0, -2.5)),
)

pytestmark = [pytest.mark.real, pytest.mark.long]


def write_moved(source, folder, day, shift_mm, turn_deg):
    """The slices of a series, moved about the isocenter by their positions and orientations: another series and day."""
    rotation = rotation_from_vector(np.deg2rad(turn_deg))
    for path in sorted(source.glob("*.dcm")):
        dataset = pydicom.dcmread(path)
        if dataset.Modality == "RTSTRUCT":
            continue
        position = rotation @ (np.array(dataset.ImagePositionPatient, float) - ISOCENTER_MM) + ISOCENTER_MM + shift_mm
        row, column = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3) @ rotation.T
        dataset.ImagePositionPatient = [f"{x:.6f}" for x in position]
        dataset.ImageOrientationPatient = [f"{x:.9f}" for x in (*row, *column)]
        dataset.SeriesInstanceUID = f"{dataset.SeriesInstanceUID[:60]}.{day}"
        dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.79.{day}.{dataset.InstanceNumber}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        on = (date(2030, 1, 1) + timedelta(days=day)).strftime("%Y%m%d")
        dataset.AcquisitionDate = dataset.SeriesDate = dataset.ContentDate = on
        dataset.AcquisitionTime = dataset.SeriesTime = dataset.ContentTime = "101500"
        pixels = dataset.pixel_array.copy()
        if np.ptp(pixels):  # slices without data stay empty
            pixels[256, 256] += day  # images of different days never have the very same pixels: review tells of those
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(folder / f"{day}_{path.name}")


def test_every_day_of_a_pancreas_course_moves_with_its_image(real_data, tmp_path):
    """What was found, times the motion, is the same match every day: within 2 mm and 1 degree at the isocenter."""
    days = tmp_path / "days"
    days.mkdir()
    pancreas = real_data / "pancreas"
    for n, (shift, turn) in enumerate(MOTIONS):
        write_moved(pancreas / "daily_cbct", days, n, np.array(shift), turn)
    words = ("--isocenter", "5,70,305", "--out", tmp_path / "out")
    done = run("review", pancreas / "planning_ct", days, *words)
    assert done.code == 3, done.err
    record = json.loads((tmp_path / "out" / "review.json").read_text(encoding="utf-8"))
    images = record["images"]
    assert [image["session"] for image in images] == [1, 2, 3, 4, 5, 6]
    found = [np.array(image["found"]["plan_from_daily"]) for image in images]
    for matrix, (shift, turn) in zip(found, MOTIONS, strict=True):
        known = np.eye(4)
        known[:3, :3] = rotation_from_vector(np.deg2rad(turn))
        known[:3, 3] = ISOCENTER_MM + shift - known[:3, :3] @ ISOCENTER_MM
        unmoved = matrix @ known
        daily_mm = np.linalg.inv(found[0]) @ [*ISOCENTER_MM, 1.0]
        assert np.linalg.norm((unmoved @ daily_mm)[:3] - ISOCENTER_MM) < 2.0
        assert rotation_angle_deg(unmoved[:3, :3] @ found[0][:3, :3].T) < 1.0
    assert {image["found"]["verdict"] for image in images} == {"trusted"}
    assert not any(image["found"]["gives_couch_move"] for image in images)
