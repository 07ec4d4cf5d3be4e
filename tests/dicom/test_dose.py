"""RT Doses: relative and absolute frame offsets, frames in reverse, orientations, scaling."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from openigrt.dicom import dose_grid, read_dose, read_dose_planes, read_object, read_uneven_dose
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame
from openigrt.patient import DoseSummation
from tests.dicom.dicom_cases import DOSE, FRAME, PLAN, dose, sequence_item, volume

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


RELATIVE_BEAM = "rtdose.dcm"
SAME_IN_OTHER_SYNTAXES = ("rtdose_expb.dcm", "rtdose_rle.dcm")


def test_relative_dose_needs_the_dose_that_it_is_relative_to():
    dataset, _ = read_object(Path(get_testdata_file(RELATIVE_BEAM)))
    with pytest.raises(MissingInput, match="which dose in Gy"):
        read_dose(dataset)
    read = read_dose(dataset, reference_dose_gy=2.0)
    assert np.allclose(read.dose_gy, dataset.pixel_array * 1e-6 * 2.0, rtol=1e-6)
    assert (read.summation, read.fraction_group, read.beam_numbers) == (DoseSummation.BEAM, 1, (1,))


@pytest.mark.parametrize("name", SAME_IN_OTHER_SYNTAXES)
def test_big_endian_and_run_length_hold_the_same_dose(name):
    expected = read_dose(read_object(Path(get_testdata_file(RELATIVE_BEAM)))[0], 1.0)
    read = read_dose(read_object(Path(get_testdata_file(name)))[0], 1.0)
    assert np.array_equal(read.dose_gy, expected.dose_gy)
    assert read.grid == expected.grid


@pytest.mark.parametrize("name", ["rtdose_1frame.dcm", "rtdose_expb_1frame.dcm", "rtdose_rle_1frame.dcm"])
def test_a_single_plane_is_read_and_said(name):
    whole = read_dose(read_object(Path(get_testdata_file(RELATIVE_BEAM)))[0], 1.0)
    dataset, _ = read_object(Path(get_testdata_file(name)))
    with pytest.raises(UnsupportedInput, match="1 frames and 15 frame offsets"):
        read_dose(dataset, 1.0)
    del dataset.GridFrameOffsetVector
    read = read_dose(dataset, 1.0)
    assert np.array_equal(read.dose_gy, whole.dose_gy[:1])
    assert any("single plane" in warning for warning in read.warnings)


def planes(order=range(5), **values):
    """The dose of `dose()` as one object for each plane."""
    made = []
    for n in order:
        plane = dose(volume(dtype=np.uint16)[n : n + 1], uid=f"{DOSE}.{n}", SeriesInstanceUID=f"{DOSE}.1", **values)
        plane.ImagePositionPatient = [-10, -20, 30 + 3 * n]
        del plane.NumberOfFrames, plane.GridFrameOffsetVector
        made.append(plane)
    return made


def test_planes_of_one_series_are_one_grid_in_any_order():
    whole, read = read_dose(dose()), read_dose_planes(planes([3, 0, 4, 1, 2]))
    assert np.array_equal(read.dose_gy, whole.dose_gy)
    assert read.grid == whole.grid
    assert (read.uid, read.plan_uid, read.warnings) == ("", PLAN, ("Put together from 5 planes.",))


def test_planes_keep_their_own_scaling():
    given = planes()
    given[2].DoseGridScaling = "0.02"
    assert np.allclose(read_dose_planes(given).dose_gy[2], 2.0 * read_dose(dose()).dose_gy[2])


@pytest.mark.parametrize(
    ("keyword", "value", "sentence"),
    [
        ("ImagePositionPatient", [-10, -20, 41.0], "unevenly spaced"),
        ("ImagePositionPatient", [-10, -20, 33.0], "unevenly spaced"),
        ("ImagePositionPatient", [-9, -20, 36.0], "form no grid"),
        ("ImageOrientationPatient", [-1, 0, 0, 0, 1, 0], "form no grid"),
        ("PixelSpacing", [2, 2], "form no grid"),
        ("FrameOfReferenceUID", "1.2.3", "form no grid"),
        ("DoseSummationType", "BEAM", "planes of different doses"),
        ("SeriesInstanceUID", "1.2.3", "planes of different doses"),
    ],
)
def test_planes_that_form_no_grid_are_refused(keyword, value, sentence):
    given = planes()
    setattr(given[2], keyword, value)
    with pytest.raises(InconsistentInput, match=sentence):
        read_dose_planes(given)


def test_planes_of_two_beams_are_refused():
    given = planes(DoseSummationType="BEAM", ReferencedRTPlanSequence=beam_reference())
    assert read_dose_planes(given).beam_numbers == (2, 3)
    (reference,) = beam_reference()
    del reference.ReferencedFractionGroupSequence[0].ReferencedBeamSequence[1]
    given[4].ReferencedRTPlanSequence = [reference]
    with pytest.raises(InconsistentInput, match="planes of different doses"):
        read_dose_planes(given)


def test_a_volume_among_planes_and_no_planes():
    with pytest.raises(InconsistentInput, match="expected a single plane"):
        read_dose_planes([dose(), dose()])
    with pytest.raises(UnsupportedInput, match="0 planes"):
        read_dose_planes([])


def test_uneven_frames_are_resampled_when_asked():
    """A dose that rises linearly along the normal is kept exactly by linear interpolation."""
    offsets = np.array([0.0, 2.0, 3.0, 7.0, 10.0])
    stored = np.broadcast_to((100 * offsets).astype(np.uint16)[:, None, None], (5, 6, 7)).copy()
    with pytest.raises(InconsistentInput, match="1 to 4 mm"):
        read_dose(dose(stored, offsets=list(offsets)))
    read = read_uneven_dose(dose(stored, offsets=list(offsets)), step_mm=2.6)
    assert read.grid.size == (7, 6, 5)
    assert np.allclose(read.grid.points((0, 0, 4)), [-10, -20, 40])
    assert np.allclose(read.dose_gy[:, 2, 3], np.linspace(0.0, 10.0, 5), atol=1e-5)
    assert any("1 to 4 mm apart to 2.5 mm" in warning for warning in read.warnings)


def test_uneven_frames_in_reverse():
    offsets = np.array([0.0, -2.0, -3.0, -7.0, -10.0])
    stored = np.broadcast_to((-100 * offsets).astype(np.uint16)[:, None, None], (5, 6, 7)).copy()
    read = read_uneven_dose(dose(stored, offsets=list(offsets)), step_mm=2.5)
    assert np.allclose(read.grid.points((0, 0, 0)), [-10, -20, 20])
    assert np.allclose(read.dose_gy[:, 2, 3], np.linspace(10.0, 0.0, 5), atol=1e-5)


@pytest.mark.parametrize(("offsets", "step"), [([0, 3, 3, 9, 12], 3.0), ([0, 3, 6, 9, 12], 0.0), ([0] * 5, 1.0)])
def test_frames_that_cannot_be_resampled(offsets, step):
    with pytest.raises(InconsistentInput, match="one place"):
        read_uneven_dose(dose(offsets=offsets), step)
    with pytest.raises(UnsupportedInput, match="more than"):
        read_uneven_dose(dose(), 1e-9)


def test_offsets_out_of_order_are_said():
    stored = volume(dtype=np.uint16)
    read = read_dose(dose(stored, offsets=[0, 6, 3, 9, 12]))
    assert np.allclose(read.dose_gy[1], stored[2] * 0.01)
    assert any("neither rise nor fall" in warning for warning in read.warnings)


def test_absolute_offsets_where_the_standard_has_none_are_said():
    turned = [-1, 0, 0, 0, -1, 0]
    read = read_dose(dose(offsets=[30, 33, 36, 39, 42], ImageOrientationPatient=turned))
    assert any("taken as patient z" in warning for warning in read.warnings)
    assert read_dose(dose(offsets=[30, 33, 36, 39, 42])).warnings == ()


def beam_reference(**values):
    beams = [sequence_item(ReferencedBeamNumber=n, **values) for n in (2, 3)]
    group = sequence_item(ReferencedFractionGroupNumber=1, ReferencedBeamSequence=beams)
    return [sequence_item(ReferencedSOPInstanceUID=PLAN, ReferencedFractionGroupSequence=[group])]


@pytest.mark.parametrize("summation", list(DoseSummation))
def test_every_summation_type(summation):
    read = read_dose(dose(DoseSummationType=str(summation)))
    assert (read.summation, read.warnings) == (summation, ())


def test_what_a_dose_is_of():
    read = read_dose(
        dose(
            DoseSummationType="BEAM",
            ReferencedRTPlanSequence=beam_reference(),
            TissueHeterogeneityCorrection=["IMAGE", "ROI_OVERRIDE"],
            NormalizationPoint=[1, 2, 3],
            ReferencedStructureSetSequence=[sequence_item(ReferencedSOPInstanceUID="1.2.7")],
        )
    )
    assert (read.plan_uid, read.fraction_group, read.beam_numbers) == (PLAN, 1, (2, 3))
    assert read.tissue_heterogeneity == ("IMAGE", "ROI_OVERRIDE")
    assert (read.normalization_point_mm, read.structure_set_uid) == ((1.0, 2.0, 3.0), "1.2.7")
    points = [sequence_item(ReferencedStartControlPointIndex=4, ReferencedStopControlPointIndex=9)]
    references = beam_reference(ReferencedControlPointSequence=points)
    assert read_dose(dose(ReferencedRTPlanSequence=references)).control_points == (4, 9)


def test_a_summation_of_no_standard_is_said():
    read = read_dose(dose(DoseSummationType="HALF_PLAN"))
    assert read.summation is None
    assert read.warnings == ("Dose summation type HALF_PLAN: what was summed is not known.",)


def test_isodose_curves_and_point_doses_are_refused_by_name():
    curves = [sequence_item(ReferencedROINumber=1)]
    assert any("left aside" in warning for warning in read_dose(dose(ROIContourSequence=curves)).warnings)
    for keyword in ("ROIContourSequence", "RTDoseROISequence"):
        dataset = dose(**{keyword: curves})
        del dataset.PixelData
        with pytest.raises(UnsupportedInput, match="isodose curves or point doses"):
            read_dose(dataset)


@pytest.mark.parametrize(
    ("values", "error", "sentence"),
    [
        ({"PixelRepresentation": 1, "stored": np.full((5, 6, 7), 65000, np.uint16)}, InconsistentInput, "below zero"),
        ({"DoseGridScaling": "1e30"}, InconsistentInput, "are believed"),
        ({"DoseUnits": "SV"}, UnsupportedInput, "dose in SV"),
        ({"DoseUnits": ""}, UnsupportedInput, "no unit"),
        ({"DoseType": "GUESSED"}, UnsupportedInput, "type GUESSED"),
        ({"SamplesPerPixel": 3}, UnsupportedInput, "several samples"),
        ({"ImagePositionPatient": [1e30, 0, 0]}, InconsistentInput, "100 m"),
        ({"PixelSpacing": [1e30, 1]}, InconsistentInput, "100 m"),
        ({"PixelSpacing": [0, 1]}, InconsistentInput, "impossible"),
        ({"NumberOfFrames": 0}, UnsupportedInput, "0 frames"),
        ({"NumberOfFrames": 0, "GridFrameOffsetVector": None}, UnsupportedInput, "0 frames and 0 frame offsets"),
        ({"NumberOfFrames": -5}, UnsupportedInput, "-5 frames"),
        ({"NumberOfFrames": 100_000}, UnsupportedInput, "100000 frames"),
        ({"Rows": 0}, UnreadableFile, "0 Rows"),
        ({"GridFrameOffsetVector": [0, 0, 0, 0, 0]}, InconsistentInput, "unevenly spaced"),
        ({"NormalizationPoint": ["1e400", "0", "0"]}, UnreadableFile, "not finite"),
    ],
)
def test_absurd_doses_are_refused_by_name(values, error, sentence):
    with pytest.raises(error, match=sentence):
        read_dose(dose(**values))
