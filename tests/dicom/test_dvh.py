"""Dose-volume histograms in RT Doses: every type and unit, those of a planning system, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.dicom import read_dose, read_dvhs, read_object, read_structure_set, save, write_dose
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame, Grid
from openigrt.patient import DoseGrid, DoseKind, DoseSummation, Dvh, VolumeUnit, mask_from_structure, resampled_dose
from tests.dicom.dicom_cases import ROOT, dose, sequence_item
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

WIDTHS = np.array([1.0, 2.0, 2.0, 5.0])
EDGES = np.array([0.0, 1.0, 3.0, 5.0, 10.0])
IN_BINS = np.array([1.0, 4.0, 3.0, 2.0])
ABOVE = np.array([10.0, 9.0, 5.0, 2.0, 0.0])


def histogram(widths=WIDTHS, values=ABOVE[:-1], **changes):
    rois = [
        sequence_item(ReferencedROINumber=n, DVHROIContributionType=k) for n, k in ((1, "INCLUDED"), (4, "EXCLUDED"))
    ]
    stated = {
        "DVHType": "CUMULATIVE",
        "DoseUnits": "GY",
        "DoseType": "PHYSICAL",
        "DVHDoseScaling": "1",
        "DVHVolumeUnits": "CM3",
        "DVHNumberOfBins": len(widths),
        "DVHData": [f"{x:.10g}" for pair in zip(widths, values, strict=True) for x in pair],
        "DVHReferencedROISequence": rois,
    }
    return sequence_item(**(stated | changes))


def with_histograms(*made, **values):
    sets = [sequence_item(ReferencedSOPInstanceUID="1.2.7")]
    return dose(DVHSequence=list(made), ReferencedStructureSetSequence=sets, **values)


def only(item, **values):
    (found,) = read_dvhs(with_histograms(item, **values))
    return found


def natural(in_bins):
    """Volume for each unit of u = dose^(-3/2), as a natural histogram states it; the first bin has none."""
    u = EDGES[1:] ** -1.5
    return np.append(0.0, in_bins[1:] / (u[:-1] - u[1:]))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ABOVE),
        ({"DVHType": "DIFFERENTIAL", "values": IN_BINS}, ABOVE),
        ({"DVHType": "NATURAL", "DVHVolumeUnits": "PER_U", "values": natural(IN_BINS)}, ABOVE - [1, 0, 0, 0, 0]),
        ({"widths": WIDTHS * 10.0, "DVHDoseScaling": "0.1"}, ABOVE),
        ({"widths": WIDTHS * 100.0, "DoseUnits": "CGY"}, ABOVE),
    ],
    ids=["cumulative", "differential", "natural", "scaled", "centigray"],
)
def test_every_type_is_the_same_curve(changes, expected):
    dvh = only(histogram(**changes))
    assert np.allclose(dvh.dose_gy, EDGES)
    assert np.allclose(dvh.volume, expected, rtol=1e-6)
    assert (dvh.unit, dvh.included, dvh.excluded, dvh.structure_set_uid) == (VolumeUnit.CM3, (1,), (4,), "1.2.7")
    assert dvh.warnings == ()


def test_percent_and_effective_dose():
    dvh = only(histogram(values=ABOVE[:-1] * 10.0, DVHVolumeUnits="PERCENT", DoseType="EFFECTIVE"))
    assert (dvh.unit, dvh.kind) == (VolumeUnit.PERCENT, DoseKind.EFFECTIVE)
    assert dvh.percent_receiving(3.0) == pytest.approx(50.0)


def test_relative_histograms_need_their_normalization():
    item = histogram(widths=WIDTHS / 20.0, DoseUnits="RELATIVE", DVHMaximumDose="0.5")
    with pytest.raises(MissingInput, match="Normalization Dose Value"):
        only(item)
    dvh = only(item, DVHNormalizationDoseValue="20")
    assert np.allclose(dvh.dose_gy, EDGES)
    assert dvh.stated_maximum_gy == pytest.approx(10.0)


def test_doses_in_place_of_widths_are_taken_as_doses_and_said():
    dvh = only(histogram(widths=[2.5, 5.0, 7.5, 10.0]))
    assert np.allclose(dvh.dose_gy, [0.0, 2.5, 5.0, 7.5, 10.0])
    assert "taken as doses" in dvh.warnings[0]


def test_stated_doses_are_kept_where_the_curve_agrees():
    dvh = only(histogram(DVHMinimumDose="0.5", DVHMaximumDose="9", DVHMeanDose="4"))
    assert (dvh.stated_minimum_gy, dvh.stated_maximum_gy, dvh.stated_mean_gy) == (0.5, 9.0, 4.0)
    wrong = only(histogram(DVHMinimumDose="0.5", DVHMaximumDose="104.8", DVHMeanDose="4"))
    assert (wrong.stated_minimum_gy, wrong.stated_maximum_gy, wrong.stated_mean_gy) == (0.5, None, 4.0)
    assert "maximum 104.8 Gy (curve: 10)" in wrong.warnings[0]


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"DVHData": ["1", "2", "3"]}, UnreadableFile, "expected pairs"),
        ({"DVHData": []}, UnreadableFile, "0 numbers"),
        ({"DVHData": ["1", "nan"]}, UnreadableFile, "not finite"),
        ({"DVHDoseScaling": None}, UnreadableFile, "DVHDoseScaling is missing"),
        ({"DVHDoseScaling": "-1"}, InconsistentInput, "bins that are empty"),
        ({"DVHDoseScaling": "0"}, InconsistentInput, "bins that are empty"),
        ({"DVHDoseScaling": "1e9"}, InconsistentInput, "beyond"),
        ({"values": ABOVE[:-1][::-1]}, InconsistentInput, "volumes rise with dose"),
        ({"values": -IN_BINS}, InconsistentInput, "volumes down to"),
        ({"values": 0.0 * IN_BINS}, InconsistentInput, "expected some above zero"),
        ({"DVHType": "NATURAL"}, UnsupportedInput, "no histogram"),
        ({"DVHType": "NATURAL", "DVHVolumeUnits": "PER_U"}, InconsistentInput, "infinite"),
        ({"DVHVolumeUnits": "PER_U"}, UnsupportedInput, "no histogram"),
        ({"DVHVolumeUnits": "LITRES"}, UnsupportedInput, "volumes in LITRES"),
        ({"DVHType": "GUESSED"}, UnsupportedInput, "type GUESSED"),
        ({"DoseUnits": "SV"}, UnsupportedInput, "is in SV"),
        ({"DoseType": "ERROR"}, UnsupportedInput, "type ERROR"),
        (
            {"DVHReferencedROISequence": [sequence_item(ReferencedROINumber=1, DVHROIContributionType="PARTLY")]},
            UnsupportedInput,
            "PARTLY",
        ),
    ],
)
def test_histograms_that_cannot_be(changes, error, sentence):
    with pytest.raises(error, match=sentence):
        only(histogram(**changes))


def test_a_wrong_number_of_bins_is_said():
    assert "announces 9 bins and holds 4" in only(histogram(DVHNumberOfBins=9)).warnings[0]


def test_a_dose_without_histograms_has_none():
    assert read_dvhs(dose()) == ()


def made_dose():
    grid = Grid(Frame.plan(f"{ROOT}.9"), [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], np.eye(3), (3, 3, 3))
    return DoseGrid(np.ones((3, 3, 3)), grid, f"{ROOT}.42", DoseSummation.PLAN, f"{ROOT}.41")


@requires_dciodvfy
@pytest.mark.parametrize("last", [0.0, 1.0], ids=["to nothing", "cut off"])
def test_written_histograms_are_valid_and_come_back(tmp_path, last):
    given = Dvh(
        EDGES,
        np.append(ABOVE[:-1], last),
        included=(1, 2),
        excluded=(3,),
        structure_set_uid=f"{ROOT}.40",
        stated_maximum_gy=9.5,
        stated_mean_gy=3.75,
    )
    path = tmp_path / "rd.dcm"
    in_percent = replace(given, volume=given.volume * 10.0, unit=VolumeUnit.PERCENT)
    save(write_dose(made_dose(), series_header("63"), histograms=[given, in_percent]), path)
    assert validated(path) == []
    dataset, _ = read_object(path)
    for read, expected in zip(read_dvhs(dataset), (given, in_percent), strict=True):
        assert np.allclose(read.dose_gy[: len(EDGES)], EDGES)
        assert np.allclose(read.volume[: len(EDGES)], expected.volume)
        for word in (
            "unit",
            "included",
            "excluded",
            "structure_set_uid",
            "stated_maximum_gy",
            "stated_mean_gy",
            "kind",
        ):
            assert getattr(read, word) == getattr(expected, word)
    assert read_dose(dataset).structure_set_uid == f"{ROOT}.40"


def test_histograms_that_cannot_be_written():
    one = Dvh(EDGES, ABOVE, included=(1,), structure_set_uid="1.2.7")
    for histograms, error in (
        ([replace(one, included=())], MissingInput),
        ([replace(one, structure_set_uid="")], MissingInput),
        ([one, replace(one, structure_set_uid="1.2.8")], InconsistentInput),
    ):
        with pytest.raises(error):
            write_dose(made_dose(), series_header("63"), histograms=histograms)


@pytest.fixture(scope="module")
def breast(real_data):
    """The histograms of the planning system, its dose and its structures by ROI number."""
    dataset, _ = read_object(real_data / "breast_rt" / "rtdose.dcm")
    structures, _ = read_structure_set(read_object(real_data / "breast_rt" / "rtss.dcm")[0])
    return read_dvhs(dataset), read_dose(dataset), {structure.number: structure for structure in structures.structures}


def voxel_grid(structure, frame):
    """1 mm voxels around a structure, on its own contour planes."""
    points = np.concatenate([contour.points_mm for contour in structure.contours])
    planes_mm = np.unique(np.round(points[:, 2], 3))
    step_mm = float(np.diff(planes_mm).min()) if len(planes_mm) > 1 else 1.0
    low, high = points.min(axis=0) - 1.0, points.max(axis=0) + 1.0
    spacing = 1.0 if np.prod(high[:2] - low[:2]) < 40_000 else 2.5
    size = (
        *(np.ceil((high[:2] - low[:2]) / spacing).astype(int) + 1),
        round((planes_mm[-1] - planes_mm[0]) / step_mm) + 1,
    )
    return Grid(frame, [low[0], low[1], planes_mm[0]], [spacing, spacing, step_mm], np.eye(3), size)


@pytest.mark.real
def test_histograms_of_a_planning_system_agree_with_a_recount_of_voxels(breast):
    """Doses at voxel centres in contours, counted; the planning system samples finer and caps its structures.

    Volumes may differ by what the ends of a structure take, doses by what they change over half a voxel. Of the body,
    which reaches beyond the dose grid, the planning system counts less.
    """
    histograms, dose_grid, structures = breast
    assert len(histograms) == 9
    for dvh in histograms:
        structure = structures[dvh.included[0]]
        grid = voxel_grid(structure, dose_grid.grid.frame)
        inside = mask_from_structure(structure, dose_grid.grid.frame, grid).voxels
        counted_gy = resampled_dose(dose_grid, grid).dose_gy[inside]
        if structure.name == "BODY":
            assert np.isnan(counted_gy).any()
            continue
        assert np.isfinite(counted_gy).all()
        volume_cm3 = counted_gy.size * float(np.prod(grid.spacing_mm)) / 1000.0
        assert dvh.whole == pytest.approx(volume_cm3, abs=0.6, rel=0.02)
        assert dvh.mean_gy == pytest.approx(counted_gy.mean(), abs=0.01, rel=0.01)
        for percent in (10.0, 50.0, 90.0):
            expected = float(np.quantile(counted_gy, 1.0 - percent / 100.0))
            assert dvh.dose_of_hottest_percent_gy(percent) == pytest.approx(expected, abs=0.02, rel=0.05)


@pytest.mark.real
def test_doses_stated_in_percent_are_said_and_left_aside(breast):
    """This planning system states them in percent of 14 Gy, under the unit GY: its curves end at 14.7 Gy."""
    histograms, dose_grid, _ = breast
    hottest = max(histograms, key=lambda dvh: dvh.dose_gy[-1])
    assert hottest.dose_gy[-1] == pytest.approx(float(dose_grid.dose_gy.max()), abs=0.03)
    assert all(dvh.stated_maximum_gy is None and "contradicts" in dvh.warnings[0] for dvh in histograms)
