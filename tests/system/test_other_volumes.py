"""Enhanced images, phases and tilted slices in the place of a plain series: the same answer, or a question."""

import json
import shutil

import numpy as np
import pydicom
import pytest

import openigrt
from openigrt.errors import AmbiguousInput, InconsistentInput, InputError
from tests.dicom.dicom_cases import sequence_item, write
from tests.dicom.enhanced_cases import Frames
from tests.system.command import run

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def slices_of(folder):
    """The slices of a folder in the order of their position."""
    return sorted(map(pydicom.dcmread, folder.iterdir()), key=lambda dataset: float(dataset.ImagePositionPatient[2]))


def made_enhanced(folder):
    """The slices of a folder replaced by one enhanced CT of the same patient, frames shuffled."""
    slices = slices_of(folder)
    order = np.random.default_rng(0).permutation(len(slices))
    first = slices[0]
    frames = Frames(
        np.array([slices[k].pixel_array for k in order]),
        [list(slices[k].ImagePositionPatient) for k in order],
        orientation=tuple(map(float, first.ImageOrientationPatient)),
        pixel_spacing=tuple(map(float, first.PixelSpacing)),
        series_uid=str(first.SeriesInstanceUID),
        frame_uid=str(first.FrameOfReferenceUID),
        rescale=(str(first.RescaleSlope), str(first.RescaleIntercept)),
    )
    dataset = frames.dataset()
    for keyword in (
        "PatientID",
        "PatientName",
        "StudyInstanceUID",
        "ImageType",
        "Manufacturer",
        "ManufacturerModelName",
    ):
        setattr(dataset, keyword, first.get(keyword, ""))
    dataset.AcquisitionDateTime = f"{first.AcquisitionDate}{first.AcquisitionTime}+0000"
    dataset.PixelPaddingValue = first.PixelPaddingValue
    shutil.rmtree(folder)
    write(dataset, folder / "enhanced.dcm")
    return str(dataset.SOPInstanceUID)


def drawn_on(path, series_uid, instance_uid):
    """Let a structure set name one multi-frame object as what it was drawn on."""
    dataset = pydicom.dcmread(path)
    (series,) = dataset.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence
    image = sequence_item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", ReferencedSOPInstanceUID=instance_uid)
    series.ContourImageSequence = [image]
    assert series.SeriesInstanceUID == series_uid
    dataset.save_as(path)


@pytest.mark.parametrize("which", ["plan", "today"])
def test_an_enhanced_ct_is_guided_to_the_same_answer(guided, case, which):
    folder = case / "plan" / "ct" if which == "plan" else case / "today"
    if which == "plan":
        uid = made_enhanced(folder)
        (structures,) = [p for p in (case / "plan").glob("*.dcm") if pydicom.dcmread(p).Modality == "RTSTRUCT"]
        drawn_on(structures, str(pydicom.dcmread(folder / "enhanced.dcm").SeriesInstanceUID), uid)
    else:
        made_enhanced(folder)
    found = openigrt.guide(case / "plan", case / "today", out=case / "out")
    assert np.array_equal(found.match.plan_from_daily.matrix4(), guided.guidance.match.plan_from_daily.matrix4())
    assert found.correction.couch == guided.guidance.correction.couch
    reference = pydicom.dcmread(case / "out" / "registration.dcm")
    assert "Enhanced CT Image Storage" in str(reference)


def test_phases_of_the_day_are_named_and_chosen(case, known_match):
    for dataset in slices_of(case / "today"):
        for n, percent in enumerate((0, 50)):
            dataset.NominalPercentageOfRespiratoryPhase = percent
            dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID[:50]}.{n}.{dataset.InstanceNumber}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            write(dataset, case / "4d" / f"{dataset.InstanceNumber}-{n}.dcm")
    with pytest.raises(AmbiguousInput, match=r"2 volumes: 0%, 50%\. Choose one, such as --series .*@0%"):
        openigrt.guide(case / "plan", case / "4d")
    found = openigrt.guide(case / "plan", case / "4d", series="@50%")
    assert any("phase 50%" in line for line in found.read)
    listed = run("check", case / "4d")
    assert listed.code == 0, listed.out
    assert "phases: 0%, 50%" in listed.out


def test_a_tilted_image_is_straightened_when_asked_and_only_then(case, known_match):
    for path in (case / "today").iterdir():
        dataset = pydicom.dcmread(path)
        x, y, z = map(float, dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [x, f"{y + 0.1 * z:.8g}", z]
        dataset.save_as(path)
    with pytest.raises(InconsistentInput, match=r"gantry tilt of about 5\.7 degrees.*--straighten"):
        openigrt.guide(case / "plan", case / "today")
    done = run("guide", case / "plan", case / "today", "--straighten", "today", "--out", case / "out", "--json")
    record = json.loads(done.out)
    assert record["manifest"]["settings"]["straightened"] == "today"
    assert any("resampled to" in w and "since that was asked for" in w for w in record["warnings"])
    with pytest.raises(InputError, match="expected one of plan, today, both"):
        openigrt.guide(case / "plan", case / "today", straighten="all")
