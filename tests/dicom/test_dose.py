"""RT Doses: relative and absolute frame offsets, frames in reverse, orientations, scaling."""

import numpy as np
import pytest

from openigrt.dicom import dose_grid, read_dose
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame
from tests.dicom.dicom_cases import DOSE, FRAME, PLAN, dose, volume

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_relative_offsets_and_scaling(dtype):
    read = read_dose(dose(volume(dtype=dtype)))
    assert np.allclose(read.dose_gy, volume() * 0.01, rtol=1e-6)
    assert (read.uid, read.plan_uid, read.summation) == (DOSE, PLAN, "PLAN")
    assert read.grid.frame == Frame.plan(FRAME)
    assert np.allclose(read.grid.points((1, 1, 1)), [-9, -18, 33])


def test_absolute_offsets_are_patient_z():
    read = read_dose(dose(offsets=[30.0, 33.0, 36.0, 39.0, 42.0]))
    assert np.allclose(read.grid.points((0, 0, 4)), [-10, -20, 42])
    assert np.allclose(read.dose_gy, volume() * 0.01)


@pytest.mark.parametrize("offsets", [[0, -3, -6, -9, -12], [30, 27, 24, 21, 18]])
def test_frames_in_reverse_keep_dose_and_place_together(offsets):
    read = read_dose(dose(offsets=offsets))
    last = read.grid.points((0, 0, 4))
    assert np.allclose(last, [-10, -20, 30])
    assert np.allclose(read.dose_gy[4], volume()[0] * 0.01)
    assert np.allclose(read.grid.points((0, 0, 0)), [-10, -20, 18])


@pytest.mark.parametrize(
    ("offsets", "second_z"), [([0, 3, 6, 9, 12], 27.0), ([30, 27, 24, 21, 18], 27.0), ([30, 33, 36, 39, 42], 33.0)]
)
def test_offsets_when_the_normal_points_to_the_feet(offsets, second_z):
    """Relative offsets go along row x column, absolute ones are z whatever the normal."""
    stored = volume(dtype=np.uint16)
    read = read_dose(dose(stored, offsets=offsets, ImageOrientationPatient=[1, 0, 0, 0, -1, 0]))
    k = round(read.grid.indices([-10.0, -20.0, second_z])[2])
    assert np.allclose(read.dose_gy[k], stored[1] * 0.01)


def test_oblique_relative_grid():
    c, s = np.cos(0.3), np.sin(0.3)
    read = read_dose(dose(ImageOrientationPatient=[c, s, 0, -s, c, 0]))
    assert np.allclose(read.grid.points((1, 0, 2)), [-10 + c, -20 + s, 36])


def test_single_gray_in_centigray():
    assert read_dose(dose(DoseUnits="CGY")).dose_gy.max() == pytest.approx(volume().max() * 1e-4)


def test_effective_dose_is_said():
    assert read_dose(dose(DoseType="EFFECTIVE")).warnings == ("Dose type EFFECTIVE.",)


@pytest.mark.parametrize(
    ("values", "error", "sentence"),
    [
        ({"DoseUnits": "RELATIVE"}, MissingInput, "RELATIVE"),
        ({"DoseType": "ERROR"}, UnsupportedInput, "ERROR"),
        ({"GridFrameOffsetVector": [0, 3, 6]}, UnsupportedInput, "5 frames and 3 frame offsets"),
        ({"GridFrameOffsetVector": [0, 3, 6, 9, 15]}, InconsistentInput, "unevenly spaced"),
        ({"GridFrameOffsetVector": [7, 10, 13, 16, 19]}, InconsistentInput, "from 7.0 mm"),
        ({"DoseGridScaling": "0"}, UnreadableFile, "scaling of 0"),
        ({"DoseGridScaling": None}, UnreadableFile, "DoseGridScaling is missing"),
        ({"Rows": 60000, "Columns": 60000}, UnsupportedInput, "announces"),
        ({"Rows": 600}, UnreadableFile, "too few"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, InconsistentInput, "impossible orientation"),
        ({"BitsAllocated": 12}, UnsupportedInput, "12 bits"),
    ],
)
def test_doses_that_cannot_be_read(values, error, sentence):
    with pytest.raises(error, match=sentence):
        read_dose(dose(**values))


def test_geometry_without_pixels():
    dataset = dose()
    del dataset.PixelData
    assert dose_grid(dataset).size == (7, 6, 5)
    with pytest.raises(MissingInput, match="no pixel data"):
        read_dose(dataset)
