"""RT Dose written in 16 and 32 bits: valid, and the same values at the same places in other people's software."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from scipy.spatial.transform import Rotation

from openigrt.dicom import read_dose, read_dose_error, read_object, save, write_dose
from openigrt.errors import InconsistentInput, MissingInput, UnsupportedInput
from openigrt.geometry import Frame, Grid
from openigrt.patient import DoseGrid, DoseKind, DoseSummation
from tests.dicom.dicom_cases import ROOT
from tests.dicom.writing_cases import requires_dciodvfy, series_header, validated

FRAME = Frame.plan(f"{ROOT}.9")
PLASTIMATCH = shutil.which("plastimatch")
DCMDUMP = shutil.which("dcmdump")

# Rows and columns as planning systems write them in each patient position; the third axis is row x column.
ORIENTATIONS = {
    "HFS": ((1, 0, 0), (0, 1, 0)),
    "HFP": ((-1, 0, 0), (0, -1, 0)),
    "FFS": ((-1, 0, 0), (0, 1, 0)),
    "FFP": ((1, 0, 0), (0, -1, 0)),
    "HFDL": ((0, -1, 0), (1, 0, 0)),
    "HFDR": ((0, 1, 0), (-1, 0, 0)),
    "FFDL": ((0, 1, 0), (1, 0, 0)),
    "FFDR": ((0, -1, 0), (-1, 0, 0)),
    "oblique": tuple(Rotation.from_euler("zyx", [20.0, 10.0, -15.0], degrees=True).as_matrix().T[:2]),
}


def grid(orientation="HFS", mirror=1.0):
    row, column = np.array(ORIENTATIONS[orientation], float)
    direction = np.column_stack([row, column, mirror * np.cross(row, column)])
    return Grid(FRAME, [-10.0, -20.0, 30.0], [1.25, 2.5, 3.0], direction, (6, 5, 4))


def dose(where=None, highest_gy=61.7, **values):
    values_gy = np.linspace(0, highest_gy, 120, dtype=np.float32).reshape(4, 5, 6)
    made = DoseGrid(values_gy, where or grid(), f"{ROOT}.42", DoseSummation.PLAN, f"{ROOT}.41")
    return replace(made, **values)


def written(path, made, bits=16):
    save(write_dose(made, series_header("63"), bits), path)
    return path


def step_gy(made, bits):
    """Half a step of what is stored, and what float32 rounds."""
    return float(made.dose_gy.max()) * (0.5 / (2**bits - 1) + 2e-7)


def value_at(image, point_mm):
    """The voxel of a SimpleITK image at a point."""
    return image[image.TransformPhysicalPointToIndex([float(x) for x in point_mm])]


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("mirror", [1.0, -1.0], ids=["right-handed", "left-handed"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_orientation_comes_back_and_itk_sees_the_same(tmp_path, orientation, mirror, bits):
    made = dose(grid(orientation, mirror))
    path = written(tmp_path / "rd.dcm", made, bits)
    read = read_dose(read_object(path)[0])
    image = sitk.ReadImage(str(path))
    scaling = float(pydicom.dcmread(path).DoseGridScaling)
    for index in ((0, 0, 0), (5, 4, 3), (2, 3, 1)):
        expected = made.dose_gy[index[::-1]]
        point_mm = made.grid.points(index)
        i, j, k = np.rint(read.grid.indices(point_mm)).astype(int)
        assert np.allclose(read.grid.points((i, j, k)), point_mm, atol=1e-6)
        assert read.dose_gy[k, j, i] == pytest.approx(expected, abs=step_gy(made, bits))
        assert value_at(image, point_mm) * scaling == pytest.approx(expected, abs=step_gy(made, bits))


@pytest.mark.skipif(PLASTIMATCH is None, reason="plastimatch is not installed")
@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_plastimatch_sees_the_same(tmp_path, orientation, bits):
    """Version 1.9 hands on the axes of an RT Dose as rows of its direction where ITK has columns: undone here."""
    made = dose(grid(orientation))
    path = written(tmp_path / "rd.dcm", made, bits)
    output = tmp_path / "rd.mha"
    command = [PLASTIMATCH, "convert", "--input-dose-img", path, "--output-dose-img", output]
    subprocess.run(list(map(str, command)), capture_output=True, check=True)
    image = sitk.ReadImage(str(output))
    image.SetDirection(np.reshape(image.GetDirection(), (3, 3)).T.ravel())
    for index in ((0, 0, 0), (5, 4, 3), (2, 3, 1)):
        expected = made.dose_gy[index[::-1]]
        assert value_at(image, made.grid.points(index)) == pytest.approx(expected, abs=step_gy(made, bits))


@pytest.mark.skipif(DCMDUMP is None, reason="DCMTK is not installed")
def test_dcmtk_reads_every_element(tmp_path):
    path = written(tmp_path / "rd.dcm", dose(), 32)
    done = subprocess.run([DCMDUMP, "+L", str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    words = next(line for line in done.stdout.splitlines() if line.startswith("(7fe0,0010)")).split()[2]
    halves = [int(word, 16) for word in words.split("\\")]
    stored = np.array(halves[0::2]) + 65536 * np.array(halves[1::2])
    scaling = float(pydicom.dcmread(path).DoseGridScaling)
    assert np.allclose(stored * scaling, dose().dose_gy.ravel(), atol=step_gy(dose(), 32))


PARTS = {
    "plan": {},
    "effective": {"kind": DoseKind.EFFECTIVE},
    "plans": {"summation": DoseSummation.MULTI_PLAN, "other_plan_uids": (f"{ROOT}.43",)},
    "fraction": {"summation": DoseSummation.FRACTION, "fraction_group": 2},
    "beam": {"summation": DoseSummation.BEAM, "fraction_group": 1, "beam_numbers": (3, 4)},
    "points": {
        "summation": DoseSummation.CONTROL_POINT,
        "fraction_group": 1,
        "beam_numbers": (3,),
        "control_points": (0, 7),
    },
    "session": {
        "summation": DoseSummation.BEAM_SESSION,
        "fraction_group": 1,
        "beam_numbers": (3,),
    },
    "record": {"summation": DoseSummation.RECORD, "plan_uid": "", "record_uids": (f"{ROOT}.44",)},
    "described": {"tissue_heterogeneity": ("IMAGE", "ROI_OVERRIDE"), "normalization_point_mm": (1.5, 2.0, -3.0)},
}


@requires_dciodvfy
@pytest.mark.parametrize("name", PARTS)
def test_what_a_dose_is_of_is_valid_and_comes_back(tmp_path, name):
    made = dose(**PARTS[name])
    path = written(tmp_path / "rd.dcm", made)
    assert validated(path) == []
    read = read_dose(read_object(path)[0])
    for word in ("summation", "kind", "plan_uid", *PARTS[name]):
        assert getattr(read, word) == getattr(made, word)


@pytest.mark.parametrize("bits", [16, 32])
def test_dose_errors_are_signed(tmp_path, bits):
    made = dose(kind=DoseKind.ERROR)
    made = replace(made, dose_gy=made.dose_gy - np.float32(30.0))
    dataset, _ = read_object(written(tmp_path / "rd.dcm", made, bits))
    assert dataset.PixelRepresentation == 1
    assert np.allclose(read_dose_error(dataset).dose_gy, made.dose_gy, atol=2 * step_gy(made, bits))
    with pytest.raises(UnsupportedInput, match="type ERROR"):
        read_dose(dataset)
    with pytest.raises(UnsupportedInput, match="expected ERROR"):
        read_dose_error(read_object(written(tmp_path / "rd.dcm", dose()))[0])


def test_an_absurd_dose_error_is_refused():
    made = write_dose(dose(kind=DoseKind.ERROR), series_header("71"))
    made.DoseGridScaling = "1e300"
    with pytest.raises(InconsistentInput, match="are believed"):
        read_dose_error(made)


def test_thirty_two_bits_hold_what_sixteen_lose():
    values_gy = np.full((4, 5, 6), 1e-4, np.float32)
    values_gy[0, 0, 0] = 80.0
    made = dose(dose_gy=values_gy)
    coarse, fine = (read_dose(write_dose(made, series_header("63"), bits)) for bits in (16, 32))
    assert coarse.dose_gy[1, 1, 1] == 0.0
    assert fine.dose_gy[1, 1, 1] == pytest.approx(1e-4, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"uid": ""}, MissingInput, "no UID"),
        ({"summation": None}, MissingInput, "no summation type"),
        ({"plan_uid": ""}, MissingInput, "no plan"),
        ({"summation": DoseSummation.BEAM}, MissingInput, "no beam number"),
        ({"summation": DoseSummation.RECORD}, MissingInput, "no treatment record"),
        ({"dose_gy": np.full((4, 5, 6), np.nan)}, UnsupportedInput, "not known in 120 voxels"),
        ({"dose_gy": np.full((4, 5, 6), np.inf)}, UnsupportedInput, "not known in 120 voxels"),
        ({"dose_gy": np.full((4, 5, 6), -1.0)}, UnsupportedInput, "below zero"),
    ],
)
def test_doses_that_cannot_be_written(change, error, sentence):
    with pytest.raises(error, match=sentence):
        write_dose(dose(**change), series_header("63"))


def test_no_dose_at_all_is_written_as_zeros():
    assert read_dose(write_dose(dose(dose_gy=np.zeros((4, 5, 6))), series_header("63"))).dose_gy.max() == 0.0
