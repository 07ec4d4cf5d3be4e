"""4D-CT of a virtual patient: phases where the breath has them, steps where breaths differ, read back by phase."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.dicom import ImageChoice, phases_in, read_image_series, save, scan_folder, write_image_series
from openigrt.errors import InputError, MissingInput
from openigrt.virtual import BreathingPattern, FourDCtProtocol, Lobe, ThoraxState, four_d_ct, thorax_in, thorax_patient
from tests.dicom.writing_cases import series_header
from tests.virtual.trunk_checks import FRAME, SAME, grid_about, points_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
FOUR = FourDCtProtocol(phases=4, noise_hu=0.0)


@pytest.fixture(scope="module")
def patient():
    return thorax_patient(FRAME, 5, lobe=Lobe.LOWER)


@pytest.fixture(scope="module")
def day(patient):
    return replace(thorax_in(patient, ThoraxState(), 1), breathing=BreathingPattern(3, drift_per_min=0.0).steady())


@pytest.fixture(scope="module")
def grid(patient):
    return grid_about(patient.isocenter_mm, (26.0, 26.0, 34.0), 2.0)


@pytest.fixture(scope="module")
def scan(patient, day, grid):
    return four_d_ct(patient, day, grid, SAME, replace(FOUR, slab_mm=200.0))


def test_phases_are_even_from_inhale_on(patient, day, scan):
    depths = day.breathing.depth_and_flow(scan.times_s[:, 0])[0]
    assert depths == pytest.approx([1.0, 0.25, 0.0, 0.25], abs=1e-6)
    assert [str(image.provenance.phase) for image in scan.images] == ["0%", "25%", "50%", "75%", "average", "maximum"]


def test_the_tumor_of_a_phase_is_where_it_is_at_that_moment(patient, day, grid, scan):
    for n in (0, 2):
        anatomy = patient.at(day, float(scan.times_s[n, 0]))
        inside = anatomy.signed_distance_mm("TUMOUR", points_of(grid)) < -2.0
        assert inside.sum() > 50
        assert np.median(scan.phases[n].voxels[inside]) == pytest.approx(32.0, abs=15.0)
        near = anatomy.signed_distance_mm("TUMOUR", points_of(grid)) < 3.0
        share = np.where(near, np.clip((scan.phases[n].voxels + 800.0) / 832.0, 0.0, 1.0), 0.0)
        seen = (points_of(grid) * share[..., None]).sum(axis=(0, 1, 2)) / share.sum()
        assert seen == pytest.approx(anatomy.moved_mm(patient.target_points_mm).mean(axis=0), abs=1.0)
    inhale, exhale = (patient.at(day, float(scan.times_s[n, 0])).moved_mm(patient.isocenter_mm) for n in (0, 2))
    assert exhale[2] - inhale[2] > 5.0


def test_average_and_maximum_are_those_of_the_phases(scan):
    volumes = np.array([image.voxels for image in scan.phases])
    assert np.abs(scan.average.voxels - volumes.mean(axis=0)).max() < 0.01
    assert np.array_equal(scan.maximum.voxels, volumes.max(axis=0))


def test_breaths_that_differ_leave_steps_between_slabs(patient, day, grid):
    irregular = replace(day, breathing=BreathingPattern(3, depth_spread_share=0.3, period_spread_share=0.15))
    scans = [four_d_ct(patient, d, grid, SAME, replace(FOUR, slab_mm=20.0)) for d in (day, irregular)]
    depths = [d.breathing.depth_and_flow(s.times_s[0])[0] for d, s in zip((day, irregular), scans, strict=True)]
    assert np.ptp(depths[0]) < 1e-6 < 0.1 < np.ptp(depths[1])
    at_once = four_d_ct(patient, day, grid, SAME, replace(FOUR, slab_mm=200.0))
    assert np.abs(scans[0].phases[0].voxels - at_once.phases[0].voxels).max() < 1.0


def test_images_that_are_sorted_wrongly_are_of_the_phase_beside(patient, day, grid):
    thin = grid.part((0, 0, 0), (3, 3, grid.size[2]))
    right, wrong = (
        four_d_ct(patient, day, thin, SAME, replace(FOUR, wrongly_sorted_share=share), seed=1) for share in (0.0, 0.5)
    )
    off_s = wrong.times_s - right.times_s
    steps = off_s / (day.breathing.period_s / 4)
    assert set(np.round(steps, 6).ravel()) == {-1.0, 0.0, 1.0}


def test_readers_tell_the_phases_of_one_series_apart(scan, tmp_path):
    header = series_header("73")
    for n, image in enumerate(scan.phases):
        own = replace(header, uid=f"{header.uid}.{n}")
        for k, dataset in enumerate(write_image_series(image, own)):
            dataset.SeriesInstanceUID = header.uid
            save(dataset, tmp_path / f"{n}-{k}.dcm")
    series = scan_folder(tmp_path).series[0]
    assert [str(p) for p in phases_in(series)] == ["0%", "25%", "50%", "75%"]
    found = read_image_series(series, choice=ImageChoice(phase="25%")).image
    assert np.abs(found.voxels - scan.phases[1].voxels).max() <= 0.5


def test_who_holds_his_breath_has_no_phases(patient, day, grid):
    with pytest.raises(MissingInput, match="breathes"):
        four_d_ct(patient, replace(day, breathing=None), grid, SAME)
    with pytest.raises(InputError, match="two phases"):
        FourDCtProtocol(phases=1)
