"""Doses and registrations of a folder: planes put together, parts that do not add up, registrations that disagree."""

import numpy as np
import pytest

from openigrt import check_whole
from openigrt.dicom import Severity, read_dose, read_plan_folder
from tests.dicom.dicom_cases import (
    DOSE,
    FRAME,
    PLAN,
    REGISTRATION,
    ROOT,
    SliceSeries,
    beam,
    dicom_object,
    dose,
    plan,
    sequence_item,
    volume,
    write,
    write_plan_folder,
)
from tests.dicom.enhanced_cases import Frames
from tests.dicom.test_deformable_registration import deformable, grid_item
from tests.dicom.test_dose import planes
from tests.dicom.test_findings import found_in, one
from tests.dicom.test_spatial_registration import item, shifted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

DAILY_FRAME, MR_FRAME, ROOM = f"{ROOT}.71", f"{ROOT}.72", "1.2.840.10008.1.4.3.1"


@pytest.fixture
def folder(tmp_path):
    """A plan folder in which nothing is wrong."""
    return write_plan_folder(tmp_path, ApprovalStatus="APPROVED")


def test_a_plan_folder_with_one_object_for_each_plane(folder):
    (folder / "rd.dcm").unlink()
    for n, plane in enumerate(planes()):
        write(plane, folder / f"rd{n}.dcm")
    read = read_plan_folder(folder)
    assert np.array_equal(read.dose.dose_gy, read_dose(dose()).dose_gy)
    assert "Put together from 5 planes." in read.messages
    assert len(read.inputs) == 5 + 1 + 1 + 5
    (folder / "rd2.dcm").unlink()
    read = read_plan_folder(folder)
    assert read.dose is None
    assert any("No dose read: " in message and "unevenly spaced" in message for message in read.messages)


def test_a_single_plane_is_no_dose_of_a_plan(folder):
    write(planes()[2], folder / "rd.dcm")
    read = read_plan_folder(folder)
    assert read.dose is None
    assert "No dose read: it is a single plane." in read.messages


def dose_of_beams(*numbers, uid=f"{DOSE}.5", summation="BEAM", **values):
    beams = [sequence_item(ReferencedBeamNumber=number) for number in numbers]
    group = sequence_item(ReferencedFractionGroupNumber=1, ReferencedBeamSequence=beams)
    named = [sequence_item(ReferencedSOPInstanceUID=PLAN, ReferencedFractionGroupSequence=[group])]
    return dose(uid=uid, DoseSummationType=summation, ReferencedRTPlanSequence=named, **values)


def two_beams(folder):
    write(plan(beams=[beam(1), beam(2), beam(3, delivery="SETUP")], ApprovalStatus="APPROVED"), folder / "rp.dcm")


def test_doses_of_all_beams_add_up(folder):
    two_beams(folder)
    write(dose_of_beams(1), folder / "rd1.dcm")
    write(dose_of_beams(2, uid=f"{DOSE}.6"), folder / "rd2.dcm")
    assert found_in(folder) == ()


def test_doses_of_beams_that_do_not_add_up(folder):
    two_beams(folder)
    write(dose_of_beams(1), folder / "rd1.dcm")
    assert "no dose for beam 2" in one(folder, Severity.NOTE, "Doses of beams do not add up").sentence
    (folder / "rd.dcm").unlink()
    one(folder, Severity.WARNING, "no dose for beam 2")
    write(dose_of_beams(1, 2, uid=f"{DOSE}.6"), folder / "rd2.dcm")
    one(folder, Severity.WARNING, "several doses for beam 1.")
    write(dose_of_beams(2, 3, uid=f"{DOSE}.6"), folder / "rd2.dcm")
    one(folder, Severity.WARNING, "dose for beam that is not treated with 3")
    write(dose_of_beams(uid=f"{DOSE}.6"), folder / "rd2.dcm")
    one(folder, Severity.WARNING, "1 doses that name no beam")


def test_planes_of_one_beam_are_one_dose(folder):
    two_beams(folder)
    (folder / "rd.dcm").unlink()
    named = dose_of_beams(1, 2).ReferencedRTPlanSequence
    for n, plane in enumerate(planes(DoseSummationType="BEAM", ReferencedRTPlanSequence=named)):
        write(plane, folder / f"rd{n}.dcm")
    assert found_in(folder) == ()


def test_histograms_of_structures_that_are_not_there(folder):
    write(dose(ReferencedStructureSetSequence=[sequence_item(ReferencedSOPInstanceUID="1.2.7")]), folder / "rd.dcm")
    one(folder, Severity.NOTE, "has histograms of structure set 1.2.7, which is not in the folder")


def registration(number, registered, *items):
    values = {"FrameOfReferenceUID": registered, "RegistrationSequence": list(items)}
    made = dicom_object(REGISTRATION, f"{ROOT}.9.{number}", SeriesInstanceUID=f"{ROOT}.9", Modality="REG", **values)
    return made


def test_a_registration_that_joins_nothing_here(folder):
    write(registration(1, DAILY_FRAME, item(np.eye(4), MR_FRAME)), folder / "reg.dcm")
    one(folder, Severity.WARNING, "reg.dcm joins nothing in the folder")


def test_a_room_is_not_missed(folder):
    write(registration(1, ROOM, item(np.eye(4), FRAME)), folder / "reg.dcm")
    assert found_in(folder) == ()


@pytest.mark.parametrize(("apart_mm", "is_found"), [(0.9, False), (1.1, True)])
def test_chains_that_disagree_within_the_image(folder, apart_mm, is_found):
    SliceSeries(volume(), series_uid=f"{ROOT}.70", frame_uid=DAILY_FRAME).write(folder / "daily")
    SliceSeries(volume(), series_uid=f"{ROOT}.73", frame_uid=MR_FRAME).write(folder / "mr")
    write(registration(1, FRAME, item(shifted(1, 2, 3), MR_FRAME)), folder / "reg1.dcm")
    write(registration(2, MR_FRAME, item(shifted(4, 5, 6), DAILY_FRAME)), folder / "reg2.dcm")
    write(registration(3, FRAME, item(shifted(5, 7, 9 + apart_mm), DAILY_FRAME)), folder / "reg3.dcm")
    said = [finding for finding in found_in(folder) if finding.sentence.startswith("Registrations disagree")]
    assert len(said) == is_found
    if is_found:
        assert "by up to 1.1 mm" in said[0].sentence
        assert set(said[0].about) == {f"{ROOT}.9.{n}" for n in (1, 2, 3)}


def test_chains_that_disagree_within_enhanced_images_alone(folder):
    for frame_uid, number in ((DAILY_FRAME, 70), (MR_FRAME, 73)):
        Frames(volume(), series_uid=f"{ROOT}.{number}", frame_uid=frame_uid).write(folder)
    write(registration(1, MR_FRAME, item(shifted(1, 2, 3), DAILY_FRAME)), folder / "reg1.dcm")
    write(registration(2, MR_FRAME, item(shifted(1, 2, 5), DAILY_FRAME)), folder / "reg2.dcm")
    one(folder, Severity.WARNING, "by up to 2.0 mm")


def test_the_same_registration_twice_is_no_contradiction(folder):
    SliceSeries(volume(), series_uid=f"{ROOT}.70", frame_uid=DAILY_FRAME).write(folder / "daily")
    for name in ("reg1.dcm", "reg2.dcm"):
        write(registration(1, FRAME, item(shifted(1, 2, 3), DAILY_FRAME)), folder / name)
    assert [finding.sentence for finding in found_in(folder)] == ["1 file (reg2.dcm): copies of other files."]


def test_a_frame_moved_against_itself(folder):
    write(registration(1, FRAME, item(shifted(1, 2, 3), FRAME)), folder / "reg.dcm")
    one(folder, Severity.ERROR, "against itself")


def test_fields_of_deformable_registrations_are_looked_into_only_where_objects_are_read_whole(folder):
    def written(uid, *grids):
        made = deformable(*grids)
        made.SeriesInstanceUID, made.SOPInstanceUID = f"{ROOT}.9", f"{ROOT}.9.{uid}"
        write(made, folder / f"deform{uid}.dcm")

    written(1, grid_item())
    written(2, grid_item(), grid_item())
    assert found_in(folder) == ()
    written(1, grid_item(VectorGridData=b"1234"))
    assert found_in(folder) == ()
    assert any("vectors; 4 bytes of them are there" in finding.sentence for finding in check_whole(folder).findings)
