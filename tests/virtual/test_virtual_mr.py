"""MR of a virtual patient: signal by closed forms, structures in their place, known distortion, noise, DICOM."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from openigrt.dicom import read_image_series, save, scan_folder, write_mr_series
from openigrt.errors import InputError
from openigrt.geometry import Frame, Grid
from openigrt.images import DistortionCorrection, Echo, Modality, MrSequence, Provenance
from openigrt.virtual import (
    NO_FLAWS,
    T1_WEIGHTED,
    T2_WEIGHTED,
    MrFlaws,
    PelvisState,
    Tissue,
    VirtualPatient,
    mr_image,
    pelvis_in,
    pelvis_patient,
    rendered_property,
)
from openigrt.virtual.imaging.mr import RELAXATION_3T, Relaxation, signal
from openigrt.virtual.imaging.tissues import by_hu, tissues_of
from tests.dicom.writing_cases import series_header
from tests.virtual.trunk_checks import FRAME, SAME, grid_about, points_of

FAT = RELAXATION_3T[Tissue.FAT]


@pytest.fixture(scope="module")
def patient() -> VirtualPatient:
    return pelvis_patient(FRAME, 3)


@pytest.fixture(scope="module")
def day(patient):
    return pelvis_in(patient, PelvisState(bladder_ml=300.0))


def centroid_mm(grid: Grid, is_in: np.ndarray) -> np.ndarray:
    return points_of(grid)[is_in].mean(axis=0)


def true_bladder_mm(patient, day, spacing_mm: float = 1.5) -> np.ndarray:
    low, high = patient.at(day).bounds_mm("BLADDER")
    grid = grid_about(0.5 * (low + high), 0.5 * (high - low), spacing_mm)
    return centroid_mm(grid, patient.at(day).signed_distance_mm("BLADDER", points_of(grid)) < -3.0)


def seen_bladder_mm(scan, near_mm) -> np.ndarray:
    """The middle of the bright fluid that lies at a point."""
    voxels = scan.image.voxels
    labels, _ = ndimage.label(voxels > 0.5 * np.percentile(voxels, 99.9))
    at = np.rint(scan.image.grid.indices(near_mm)).astype(int)
    return centroid_mm(scan.image.grid, labels == labels[at[2], at[1], at[0]])


def test_signals_are_those_of_the_bloch_equations():
    water = Relaxation(1000.0, 100.0, 0.8)
    late = MrSequence(Echo.SPIN, 1e6, 50.0)
    assert signal(water, late) == pytest.approx(0.8 * np.exp(-0.5), rel=1e-6)
    saturated = MrSequence(Echo.GRADIENT, 500.0, 1e-3, 90.0)
    assert signal(water, saturated) == pytest.approx(0.8 * (1.0 - np.exp(-0.5)), rel=1e-4)
    ernst_deg = float(np.rad2deg(np.arccos(np.exp(-20.0 / 1000.0))))
    angles = (0.8 * ernst_deg, ernst_deg, 1.2 * ernst_deg)
    below, best, above = (signal(water, MrSequence(Echo.GRADIENT, 20.0, 1.0, angle)) for angle in angles)
    assert best > below
    assert best > above


def test_contrasts_are_those_that_radiologists_know():
    one, two = ({t: signal(r, s) for t, r in RELAXATION_3T.items()} for s in (T1_WEIGHTED, T2_WEIGHTED))
    assert one[Tissue.FAT] > one[Tissue.LIVER] > one[Tissue.SPLEEN] > one[Tissue.URINE]
    assert one[Tissue.WHITE_MATTER] > one[Tissue.GRAY_MATTER] > one[Tissue.FLUID]
    assert two[Tissue.URINE] > two[Tissue.PROSTATE] > two[Tissue.MUSCLE] > two[Tissue.BONE]
    assert two[Tissue.FLUID] > two[Tissue.GRAY_MATTER] > two[Tissue.WHITE_MATTER]


def test_a_property_is_that_of_the_tissue_and_that_of_hu_agrees(patient):
    grid = grid_about(patient.isocenter_mm, (150.0, 100.0, 10.0), 4.0)
    value_of = lambda _, tissue: {Tissue.FAT: 5.0, Tissue.MUSCLE: 2.0}.get(tissue, 0.0)  # noqa: E731 - a table
    seen = rendered_property(patient.anatomy, value_of, grid, SAME, grain_factor=0.0)
    inside = patient.anatomy.signed_distance_mm("GLUTEUS_MAXIMUS_L", points_of(grid)) < -6.0
    assert inside.sum() > 20
    assert np.median(seen[inside]) == pytest.approx(2.0, abs=0.15)
    nodes = by_hu(np.float32([-1000.0, -100.0, 50.0, -25.0]), value_of)
    assert nodes == pytest.approx([0.0, 5.0, 2.0, 3.5])


def test_every_organ_of_the_sites_is_made_of_something(patient):
    found = {tissue for organ in patient.anatomy.organs for tissue in tissues_of(organ)}
    assert {Tissue.URINE, Tissue.PROSTATE, Tissue.BONE, Tissue.MARROW, Tissue.FAT, Tissue.METAL} <= found


def test_the_bladder_is_where_it_is_that_day(patient, day):
    truth = true_bladder_mm(patient, day)
    grid = grid_about(truth, (60.0, 60.0, 60.0), 3.0)
    scan = mr_image(patient, day, grid, SAME, flaws=NO_FLAWS)
    assert seen_bladder_mm(scan, truth) == pytest.approx(truth, abs=0.3)
    planned = true_bladder_mm(patient, patient.planned)
    assert np.linalg.norm(truth - planned) > 3.0


def test_distortion_moves_the_bladder_by_what_is_known(patient, day):
    truth = true_bladder_mm(patient, day)
    grid = grid_about(truth - (0.0, 0.0, 120.0), (60.0, 70.0, 180.0), 4.0)
    bent = MrFlaws(0.0, np.inf, 20.0, 0.1, 20.0, DistortionCorrection.NONE)
    fast = replace(T2_WEIGHTED, bandwidth_hz=5000.0)  # else fat lies over one side of the bladder
    scan = mr_image(patient, day, grid, SAME, fast, flaws=bent)
    shown = scan.shown_mm(truth)
    assert np.linalg.norm(shown - truth) > 2.0
    assert scan.true_mm(shown) == pytest.approx(truth, abs=1e-6)
    there = patient.at(day).signed_distance_mm("BLADDER", scan.true_mm(points_of(grid))) < -3.0
    assert seen_bladder_mm(scan, shown) == pytest.approx(centroid_mm(grid, there), abs=0.4)
    corrected = mr_image(
        patient,
        day,
        grid_about(truth - (0.0, 0.0, 120.0), (4.0, 4.0, 4.0), 4.0),
        SAME,
        flaws=replace(bent, field_off_ppm=0.0, correction=DistortionCorrection.VOLUME),
    )
    uncorrected = mr_image(
        patient,
        day,
        corrected.image.grid,
        SAME,
        flaws=replace(bent, field_off_ppm=0.0),
    )
    left, whole = (s.true_mm(truth) - truth for s in (corrected, uncorrected))
    assert left == pytest.approx(0.1 * whole, abs=1e-9)


def test_fat_lies_aside_by_its_chemical_shift(patient):
    grid = grid_about(patient.isocenter_mm, (6.0, 6.0, 4.0), 2.0)
    scan = mr_image(patient, patient.planned, grid, SAME, T2_WEIGHTED, flaws=NO_FLAWS)
    point = patient.isocenter_mm
    apart = scan.fat_true_mm(point) - scan.true_mm(point)
    pixels = 3.5 * 42.577 * 3.0 / T2_WEIGHTED.bandwidth_hz
    assert apart == pytest.approx([2.0 * pixels, 0.0, 0.0], abs=1e-3)


def test_noise_of_the_air_is_that_of_rice_and_a_seed_repeats(patient):
    grid = grid_about(patient.isocenter_mm - (0.0, 260.0, 0.0), (40.0, 40.0, 20.0), 2.5)
    flaws = MrFlaws(bias_share=0.0, signal_to_noise=20.0)
    one, two, other = (mr_image(patient, patient.planned, grid, SAME, flaws=flaws, seed=s) for s in (1, 1, 2))
    muscle = 4000.0 * signal(RELAXATION_3T[Tissue.MUSCLE], T2_WEIGHTED)
    assert one.image.voxels.mean() == pytest.approx(muscle / 20.0 * np.sqrt(np.pi / 2.0), rel=0.02)
    assert np.array_equal(one.image.voxels, two.image.voxels)
    assert not np.array_equal(one.image.voxels, other.image.voxels)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("correction", [DistortionCorrection.VOLUME, DistortionCorrection.NONE])
def test_what_is_written_is_read_with_its_correction(patient, tmp_path, correction):
    grid = grid_about(patient.isocenter_mm, (20.0, 16.0, 6.0), 2.0)
    scan = mr_image(patient, patient.planned, grid, SAME, flaws=MrFlaws(correction=correction))
    header = series_header("70")
    for n, dataset in enumerate(write_mr_series(scan.image, header, scan.sequence)):
        save(dataset, tmp_path / f"{n}.dcm")
    reading = read_image_series(scan_folder(tmp_path).series[0], Frame.plan)
    assert reading.image.modality is Modality.MR
    assert reading.image.provenance.distortion_correction is correction
    assert any("away from the middle" in m for m in reading.messages) == (correction is DistortionCorrection.NONE)
    assert np.abs(reading.image.voxels - scan.image.voxels).max() <= 0.5
    assert reading.image.grid.points((3, 2, 1)) == pytest.approx(grid.points((3, 2, 1)), abs=1e-6)


def test_a_sequence_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="TE < TR"):
        MrSequence(Echo.SPIN, 50.0, 100.0)
    assert Provenance().distortion_correction is None
