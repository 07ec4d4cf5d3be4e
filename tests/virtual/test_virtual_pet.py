"""PET of a virtual patient: uptake through DICOM and back, resolution, counts, breathing."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.dicom import read_image_series, save, scan_folder, write_pet_series
from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.images import suv_image
from openigrt.virtual import (
    FDG,
    BreathingPattern,
    Day,
    Lobe,
    PetProtocol,
    ThoraxState,
    abdomen_patient,
    pelvis_patient,
    pet_image,
    thorax_in,
    thorax_patient,
)
from tests.dicom.required_attributes import lacking
from tests.dicom.writing_cases import series_header
from tests.virtual.trunk_checks import FRAME, SAME, grid_about, points_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
QUIET = replace(FDG, sensitivity_share=10.0)


@pytest.fixture(scope="module")
def abdomen():
    return abdomen_patient(FRAME, 9)


@pytest.fixture(scope="module")
def liver(abdomen):
    """A scan of the right part of a liver without its lesion, and the voxels well within it."""
    low, high = abdomen.anatomy.bounds_mm("LIVER")
    middle = np.array([low[0] + 0.35 * (high[0] - low[0]), 0.5 * (low[1] + high[1]), 0.5 * (low[2] + high[2])])
    grid = grid_about(middle, (48.0, 48.0, 32.0), 4.0)
    scan = pet_image(abdomen, abdomen.planned, grid, SAME, seed=3)
    inside = abdomen.anatomy.signed_distance_mm("LIVER", points_of(grid)) < -14.0
    for other in ("TUMOUR", "LIVER_VESSELS", "GALLBLADDER"):
        inside &= abdomen.anatomy.signed_distance_mm(other, points_of(grid)) > 12.0
    assert inside.sum() > 100
    return scan, inside


def test_uptake_comes_back_through_dicom(liver, tmp_path):
    scan, inside = liver
    header = series_header("71")
    datasets = list(write_pet_series(scan.image, header, scan.uptake, FDG.bed_s))
    assert lacking(datasets[0], "positron-emission-tomography-image") == []
    for n, dataset in enumerate(datasets):
        save(dataset, tmp_path / f"{n}.dcm")
    reading = read_image_series(scan_folder(tmp_path).series[0])
    suv = suv_image(reading.image, reading.uptake)
    assert suv.voxels[inside].mean() == pytest.approx(1.88, rel=0.02)
    by_hand = scan.image.voxels * FDG.weight_kg * 1000.0 / (FDG.injected_bq * 0.5 ** (3600.0 / 6586.2))
    assert np.abs(suv.voxels - by_hand).max() < 1e-3
    assert reading.uptake.injected_at == FDG.injected_at
    assert not [m for m in reading.messages if "apart" in m]


def test_noise_falls_with_the_root_of_the_counts(abdomen, liver):
    scan, inside = liver
    grid = scan.image.grid
    longer = pet_image(abdomen, abdomen.planned, grid, SAME, replace(FDG, bed_s=4.0 * FDG.bed_s), seed=4)
    one, four = (s.image.voxels[inside].std() for s in (scan, longer))
    assert one / four == pytest.approx(2.0, rel=0.15)
    assert 0.05 < one / scan.image.voxels[inside].mean() < 0.2


def test_the_edge_of_a_bladder_is_as_wide_as_the_resolution_says():
    patient = pelvis_patient(FRAME, 3)
    low, high = patient.anatomy.bounds_mm("BLADDER")
    middle = 0.5 * (low + high)
    grid = grid_about(np.array([high[0], middle[1], middle[2]]), (24.0, 14.0, 14.0), 1.0)
    protocol = replace(QUIET, resolution_mm=4.0, filter_mm=4.5)
    scan = pet_image(patient, patient.planned, grid, SAME, protocol)
    line = scan.image.voxels[14, 14] / scan.image.voxels[14, 14, 0]
    floor = line[-12:].mean()
    share = (line - floor) / (1.0 - floor)
    x = np.arange(share.size, dtype=float)
    at_90, at_10 = (np.interp(-level, -share, x) for level in (0.9, 0.1))
    assert at_10 - at_90 == pytest.approx(1.088 * np.hypot(4.0, 4.5), rel=0.12)


def test_a_tumor_that_breathes_is_seen_where_it_is_on_average():
    patient = thorax_patient(FRAME, 5, lobe=Lobe.LOWER)
    day: Day = replace(thorax_in(patient, ThoraxState(), 1), breathing=BreathingPattern(3))
    times_s = FDG.bed_s * (np.arange(FDG.moments) + 0.5) / FDG.moments
    path = np.array([patient.at(day, t).moved_mm(patient.target_points_mm).mean(axis=0) for t in times_s])
    grid = grid_about(path.mean(axis=0), (28.0, 28.0, 36.0), 4.0)
    moving = pet_image(patient, day, grid, SAME, QUIET, target_suv=8.0)
    weight = np.maximum(moving.image.voxels / QUIET.bq_per_ml_per_suv - 2.0, 0.0)
    seen = (points_of(grid) * weight[..., None]).sum(axis=(0, 1, 2)) / weight.sum()
    assert seen == pytest.approx(path.mean(axis=0), abs=1.0)
    still = pet_image(patient, replace(day, breathing=None), grid, SAME, QUIET, target_suv=8.0)
    assert moving.image.voxels.max() < still.image.voxels.max()


def test_a_seed_repeats_and_what_is_missing_is_named(liver, abdomen):
    scan, _ = liver
    again = pet_image(abdomen, abdomen.planned, scan.image.grid, SAME, seed=3)
    assert np.array_equal(again.image.voxels, scan.image.voxels)
    with pytest.raises(MissingInput, match="weight_kg"):
        list(write_pet_series(scan.image, series_header("72"), replace(scan.uptake, weight_kg=None), 60.0))
    with pytest.raises(UnsupportedInput, match="GML"):
        list(write_pet_series(scan.image, series_header("72"), replace(scan.uptake, unit="GML"), 60.0))
    assert PetProtocol().bq_per_ml_per_suv == pytest.approx(350e6 * 0.5 ** (3600.0 / 6586.2) / 75000.0)
