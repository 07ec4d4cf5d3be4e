"""What is wrong with a folder is found, said with what to do, and nothing is found where nothing is wrong."""

import shutil
from collections import Counter

import numpy as np
import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian

from openigrt.dicom import Severity, find_problems, links_of, scan_folder
from openigrt.dicom.dataset import load
from tests.dicom.dicom_cases import (
    DOSE,
    FRAME,
    MR,
    PLAN,
    ROOT,
    SERIES,
    SET,
    SliceSeries,
    dicom_object,
    dose,
    plan,
    sequence_item,
    structure_set,
    volume,
    write,
    write_plan_folder,
)
from tests.dicom.record_cases import treatment_record
from tests.fuzz.seeds import deformation

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def edit(path, **values):
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def found_in(folder):
    inventory = scan_folder(folder)
    return find_problems(inventory, links_of(inventory))


def one(folder, severity, said):
    """The only finding of this severity, which says this and what to do about it."""
    (finding,) = [f for f in found_in(folder) if f.severity is severity]
    assert said in finding.sentence
    assert finding.advice
    return finding


@pytest.fixture
def folder(tmp_path):
    """A plan folder in which nothing is wrong."""
    write_plan_folder(tmp_path, ApprovalStatus="APPROVED")
    return tmp_path


def slices(folder):
    return sorted((folder / "ct").iterdir())


def test_nothing_is_found_where_nothing_is_wrong(folder):
    assert found_in(folder) == ()


def test_who_names_whom(folder):
    links = links_of(scan_folder(folder))
    (planning,) = links.plannings
    assert planning.plan.uid == PLAN
    assert planning.drawing.structure_set.uid == SET
    assert planning.image.uid == planning.drawing.image.uid == SERIES
    assert [d.uid for d in planning.doses] == [DOSE]
    assert links.frame_uid_of(planning.drawing.structure_set) == FRAME


def test_a_truncated_file(folder):
    path = slices(folder)[0]
    path.write_bytes(path.read_bytes()[:400])
    assert "is truncated" in " ".join(f.sentence for f in found_in(folder) if f.severity is Severity.ERROR)


def test_junk_is_a_note(folder):
    (folder / "thumbs.db").write_bytes(b"junk")
    one(folder, Severity.NOTE, "1 file (thumbs.db): no DICOM objects")


def test_two_patients_and_two_names_of_one(folder):
    other = SliceSeries(volume(), series_uid=f"{ROOT}.70", frame_uid=f"{ROOT}.71", header={"PatientID": "OTHER"})
    other.header["PatientName"] = "Other^Olga"
    other.write(folder / "other")
    one(folder, Severity.WARNING, "2 patients: ")
    for path in (folder / "other").iterdir():
        edit(path, PatientID=pydicom.dcmread(slices(folder)[0]).PatientID)
    one(folder, Severity.ERROR, "One Patient ID with several names")


def test_copies_are_a_note_and_different_objects_of_one_uid_an_error(folder):
    shutil.copy(slices(folder)[0], folder / "copy.dcm")
    one(folder, Severity.NOTE, "copies of other files")
    edit(folder / "copy.dcm", SeriesInstanceUID=f"{ROOT}.70", Rows=5)
    assert any("hold different objects under one SOP Instance UID" in f.sentence for f in found_in(folder))


def test_a_missing_slice(folder):
    slices(folder)[2].unlink()
    one(folder, Severity.ERROR, "1 slice is missing")
    assert any("names 5 slices, 1 of them not in the folder" in f.sentence for f in found_in(folder))


@pytest.mark.parametrize(
    ("values", "severity", "said"),
    [
        ({"PatientPosition": "SITTING"}, Severity.ERROR, "has patient position 'SITTING'"),
        ({"PatientPosition": ""}, Severity.WARNING, "does not say how the patient lay"),
        ({"LossyImageCompression": "01"}, Severity.WARNING, "5 slices were compressed with loss"),
    ],
)
def test_headers_of_images(folder, values, severity, said):
    for path in slices(folder):
        edit(path, **values)
    one(folder, severity, said)


def test_an_image_without_a_frame(folder):
    SliceSeries(volume(), series_uid=f"{ROOT}.70", frame_uid="").write(folder / "other")
    one(folder, Severity.ERROR, "has no Frame of Reference UID")


def test_structures_without_their_image(folder):
    shutil.rmtree(folder / "ct")
    sentences = [f.sentence for f in found_in(folder) if f.severity is Severity.ERROR]
    assert any(f"was drawn on series {SERIES}, which is not in the folder." in s for s in sentences)
    assert any("its planning image is not in the folder" in s for s in sentences)


def test_structures_of_one_of_several_series_in_a_frame(folder):
    shutil.rmtree(folder / "ct")
    for n in (70, 71):
        SliceSeries(volume(), series_uid=f"{ROOT}.{n}").write(folder / str(n))
    assert any("which of the 2 series in its frame" in f.sentence for f in found_in(folder))


def test_structures_beside_another_series_of_their_frame(folder):
    shutil.rmtree(folder / "ct")
    SliceSeries(volume(), series_uid=f"{ROOT}.70").write(folder / "other")
    one(folder, Severity.WARNING, f"names series {SERIES}; in its place there is CT Image")


def test_a_plan_that_nobody_approved(folder):
    edit(folder / "rp.dcm", ApprovalStatus="UNAPPROVED")
    one(folder, Severity.WARNING, "is UNAPPROVED")


def test_a_plan_without_structures_or_dose(folder):
    (folder / "rs.dcm").unlink()
    (folder / "rd.dcm").unlink()
    one(folder, Severity.ERROR, f"names structure set {SET}, which is not in the folder")
    one(folder, Severity.NOTE, "has no dose in the folder")


def test_a_plan_of_another_frame(folder):
    edit(folder / "rp.dcm", FrameOfReferenceUID=f"{ROOT}.77")
    assert any(f"lies in frame {ROOT}.77, its image in frame {FRAME}" in f.sentence for f in found_in(folder))


def test_a_dose_of_no_plan_and_of_another_frame(folder):
    edit(folder / "rd.dcm", FrameOfReferenceUID=f"{ROOT}.77")
    one(folder, Severity.ERROR, f"lies in frame {ROOT}.77, its plan in {FRAME}")
    write(dose(uid=f"{DOSE}.1", plan_uid=f"{PLAN}.1"), folder / "other.dcm")
    one(folder, Severity.WARNING, f"is of plan {PLAN}.1, which is not in the folder")


@pytest.mark.parametrize(
    ("name", "keyword"),
    [
        ("rs.dcm", "ReferencedFrameOfReferenceSequence"),
        ("rp.dcm", "ReferencedStructureSetSequence"),
        ("rd.dcm", "ReferencedRTPlanSequence"),
    ],
)
def test_a_malformed_reference_is_a_finding(folder, name, keyword):
    dataset = pydicom.dcmread(folder / name)
    del dataset[keyword]
    dataset.add_new(keyword, "LO", "junk")
    dataset.save_as(folder / name)
    sentences = [f.sentence for f in found_in(folder) if f.severity is Severity.ERROR]
    assert any(f"{keyword} is no sequence" in sentence for sentence in sentences)


def test_a_dose_of_two_plans_and_of_a_plan_that_names_no_frame(folder):
    write(plan(uid=f"{PLAN}.1", ApprovalStatus="APPROVED"), folder / "other.dcm")
    dataset = pydicom.dcmread(folder / "rd.dcm")
    dataset.ReferencedRTPlanSequence.append(sequence_item(ReferencedSOPInstanceUID=f"{PLAN}.1"))
    dataset.save_as(folder / "rd.dcm")
    one(folder, Severity.NOTE, "There are 2 plans.")
    (folder / "other.dcm").unlink()
    edit(folder / "rp.dcm", FrameOfReferenceUID="")
    edit(folder / "rd.dcm", FrameOfReferenceUID=f"{ROOT}.77")
    one(folder, Severity.ERROR, f"lies in frame {ROOT}.77, its plan in {FRAME}")


def test_structures_in_another_frame_than_their_image(folder):
    write(structure_set(frame_uid=f"{ROOT}.77"), folder / "rs.dcm")
    assert any(f"lies in frame {ROOT}.77, its image in {FRAME}" in f.sentence for f in found_in(folder))


def test_structures_that_name_nothing_are_of_the_only_image_in_their_frame(folder):
    dataset = pydicom.dcmread(folder / "rs.dcm")
    del dataset.ReferencedFrameOfReferenceSequence
    dataset.FrameOfReferenceUID = FRAME
    dataset.save_as(folder / "rs.dcm")
    one(folder, Severity.WARNING, "names series none; in its place there is CT Image")


def test_a_plan_without_structures_beside_an_mr_of_its_frame_is_of_the_ct(folder):
    (folder / "rs.dcm").unlink()
    SliceSeries(volume(), series_uid=f"{ROOT}.70", sop_class=MR).write(folder / "mr")
    assert links_of(scan_folder(folder)).plannings[0].image.uid == SERIES
    SliceSeries(volume(), series_uid=f"{ROOT}.71").write(folder / "ct2")
    assert any("which of the 3 images in its frame was planned on" in f.sentence for f in found_in(folder))


def test_pixels_that_are_not_there(folder):
    edit(slices(folder)[0], PixelData=bytes(10))
    one(folder, Severity.ERROR, "bytes of pixels and holds 10")
    dataset = pydicom.dcmread(slices(folder)[0])
    del dataset.PixelData
    dataset.save_as(slices(folder)[0])
    one(folder, Severity.ERROR, "has no pixel data")


def test_objects_without_uid_or_patient(folder):
    edit(folder / "rd.dcm", SOPInstanceUID="")
    one(folder, Severity.ERROR, "1 file (rd.dcm): no SOP Instance UID.")
    edit(folder / "rd.dcm", SOPInstanceUID=DOSE, PatientID="", PatientName="")
    one(folder, Severity.WARNING, "1 file (rd.dcm): neither Patient ID nor name.")


def test_an_empty_uid_is_no_link(folder):
    edit(folder / "rp.dcm", SOPInstanceUID="")
    dataset = pydicom.dcmread(folder / "rd.dcm")
    del dataset.ReferencedRTPlanSequence
    dataset.save_as(folder / "rd.dcm")
    links = links_of(scan_folder(folder))
    assert links.plannings[0].doses == ()
    assert len(links.doses_alone) == 1


def test_the_same_object_in_another_encoding_is_a_copy(folder):
    dataset = pydicom.dcmread(slices(folder)[0])
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.save_as(folder / "implicit.dcm", implicit_vr=True, little_endian=True)
    assert slices(folder)[0].read_bytes() != (folder / "implicit.dcm").read_bytes()
    one(folder, Severity.NOTE, "1 file (implicit.dcm): copies of other files.")


def test_a_link_from_one_patient_to_another(folder):
    edit(folder / "rs.dcm", PatientID="OTHER", PatientName="Other^Olga")
    assert any("Objects of two patients name each other" in f.sentence for f in found_in(folder))


def test_many_names_of_one_patient_are_one_finding(folder):
    for n in range(12):
        values = {"PatientName": f"Name^{n}", "ApprovalStatus": "APPROVED"}
        write(plan(uid=f"{PLAN}.{n + 1}", **values), folder / f"{n}.dcm")
    said = [f for f in found_in(folder) if f.sentence.startswith("One Patient ID with several names")]
    assert len(said) == 1
    assert "; and 3 more" in said[0].sentence


def test_an_image_in_a_form_that_is_not_read(folder):
    for path in slices(folder):
        edit(path, SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1")  # ultrasound
    assert any("in a form that is not read yet" in f.sentence for f in found_in(folder))


def registration(matrix_type="RIGID", source_frame=FRAME):
    step = sequence_item(
        FrameOfReferenceTransformationMatrix=np.eye(4).ravel().tolist(),
        FrameOfReferenceTransformationMatrixType=matrix_type,
    )
    item = sequence_item(
        FrameOfReferenceUID=source_frame,
        MatrixRegistrationSequence=[sequence_item(MatrixSequence=[step])],
    )
    values = {"FrameOfReferenceUID": FRAME, "RegistrationSequence": [item], "SeriesInstanceUID": f"{ROOT}.90"}
    return dicom_object("1.2.840.10008.5.1.4.1.1.66.1", f"{ROOT}.91", Modality="REG", **values)


def test_registrations(folder):
    write(registration(), folder / "reg.dcm")
    assert found_in(folder) == ()
    write(registration(matrix_type="AFFINE"), folder / "reg.dcm")
    one(folder, Severity.WARNING, "Spatial Registration reg.dcm is of type AFFINE")
    write(registration(source_frame=f"{ROOT}.77"), folder / "reg.dcm")
    one(folder, Severity.NOTE, f"joins frame {ROOT}.77, of which no image is in the folder")
    empty = registration()
    del empty.RegistrationSequence
    write(empty, folder / "reg.dcm")
    one(folder, Severity.ERROR, "holds no registration")


def test_what_is_not_read_yet(folder):
    edit(folder / "rd.dcm", SOPClassUID="1.2.840.10008.5.1.4.1.1.12.1.1")
    assert any(
        "Enhanced XA Image" in f.sentence and "is not read by OpenIGRT yet" in f.sentence for f in found_in(folder)
    )


def test_the_worst_comes_first(folder):
    (folder / "thumbs.db").write_bytes(b"junk")
    slices(folder)[2].unlink()
    write(plan(uid=f"{PLAN}.1"), folder / "other.dcm")
    write(structure_set(uid=f"{SET}.1"), folder / "more.dcm")
    severities = [f.severity for f in found_in(folder)]
    assert severities == sorted(severities, key=list(Severity).index)
    assert set(severities) == set(Severity)


@pytest.mark.parametrize("bits", [0, 1, 24, 128])
def test_a_dose_of_odd_bits(folder, bits):
    edit(folder / "rd.dcm", BitsAllocated=bits)
    one(folder, Severity.ERROR, f"has {bits} bits allocated; expected 8, 16 or 32")


def test_a_dose_that_announces_more_than_it_holds(folder):
    edit(folder / "rd.dcm", Rows=65535, Columns=65535, NumberOfFrames=1_000_000_000)
    one(folder, Severity.ERROR, "bytes of pixels and holds")


def test_a_plan_whose_structures_are_others(folder):
    edit(folder / "rs.dcm", SOPInstanceUID="1.2.3.4")
    finding = next(f for f in found_in(folder) if "names structure set" in f.sentence)
    assert finding.severity is Severity.WARNING
    assert "guide would use the only one there is" in finding.advice
    write(structure_set(uid="1.2.3.5"), folder / "more.dcm")
    finding = next(f for f in found_in(folder) if "names structure set" in f.sentence)
    assert finding.severity is Severity.ERROR


def test_an_isocenter_beyond_the_building(folder):
    dataset = pydicom.dcmread(folder / "rp.dcm")
    dataset.BeamSequence[0].ControlPointSequence[0].IsocenterPosition = [0, 0, "1e30"]
    dataset.save_as(folder / "rp.dcm")
    one(folder, Severity.ERROR, "isocenter at (0, 0, 1e+30) mm, over 100 m away")


def lone_deformation():
    """A Deformable Spatial Registration with UIDs of its own."""
    dataset = deformation()
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.78"
    dataset.SeriesInstanceUID = f"{ROOT}.79"
    return dataset


def test_every_object_is_read_once_and_no_deformation_field(tmp_path, monkeypatch):
    """A folder in which plans, doses of beams, records and a deformation hang together."""
    write_plan_folder(tmp_path, ApprovalStatus="APPROVED")
    write(dose(uid=f"{ROOT}.77", DoseSummationType="BEAM"), tmp_path / "beam.dcm")
    write(treatment_record(), tmp_path / "record.dcm")
    write(lone_deformation(), tmp_path / "field.dcm")
    read = Counter()
    content = load.read_content
    monkeypatch.setattr(load, "read_content", lambda path: (read.update([path.name]), content(path))[1])
    assert any("Doses of beams do not add up" in finding.sentence for finding in found_in(tmp_path))
    assert read == {"rp.dcm": 1, "record.dcm": 1}
