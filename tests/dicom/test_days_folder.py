"""The folder of all days: which series are images of the course, and which registration speaks of which image."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pydicom
import pytest

from openigrt.dicom import (
    DeviceHeader,
    PatientHeader,
    SeriesHeader,
    StudyHeader,
    instance_uids,
    read_days_folder,
    save,
    write_image_series,
    write_spatial_registration,
)
from openigrt.errors import MissingInput
from openigrt.geometry import Frame, Grid, PatientPosition, RigidTransform
from openigrt.images import Image, Modality, Provenance
from tests.dicom.dicom_cases import ROOT

PLANNED_AT = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
PATIENT = PatientHeader("P1", "Doe^Jane")
PLAN_FRAME = f"{ROOT}.100"


def image(number, frame, modality=Modality.CBCT, acquired_at=PLANNED_AT, patient=PATIENT):
    make = Frame.plan if number == 0 else Frame.daily
    grid = Grid(make(frame), (-10.0, -10.0, -6.0), (4.0, 4.0, 3.0), np.eye(3), (6, 6, 4))
    uid = f"{ROOT}.{200 + number}"
    provenance = Provenance(
        patient_id=patient.patient_id,
        patient_name=patient.name,
        study_uid=f"{uid}.1",
        series_uid=uid,
        instance_uids=instance_uids(uid, 4),
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        acquired_at=acquired_at,
        patient_position=PatientPosition.HFS,
    )
    return Image(np.full(grid.shape, float(number)), grid, modality, provenance)


def written(folder, made, patient=PATIENT):
    source = made.provenance
    study = StudyHeader(source.study_uid, PLANNED_AT)
    for dataset in write_image_series(made, SeriesHeader(patient, study, source.series_uid, PLANNED_AT)):
        save(dataset, folder / f"{dataset.SOPInstanceUID}.dcm")
    return made


def registered(folder, name, images, *, after_h=0.0, maker="Vendor", frames_alone=False):
    at = PLANNED_AT + timedelta(hours=after_h)
    number = sum(name.encode())
    header = SeriesHeader(
        PATIENT, StudyHeader(f"{ROOT}.7", at), f"{ROOT}.{900 + number}", at, device=DeviceHeader(maker)
    )
    transform = RigidTransform.identity(images[0].frame, images[1].frame)
    dataset = write_spatial_registration(transform, images, header, f"{ROOT}.{5000 + number}")
    dataset.ContentDescription = name
    if frames_alone:
        for item in dataset.RegistrationSequence:
            del item.ReferencedImageSequence
    save(dataset, folder / f"{name}.dcm")


@pytest.fixture
def planning(tmp_path):
    return written(tmp_path / "plan", image(0, PLAN_FRAME, Modality.CT))


def read(tmp_path, planning):
    return read_days_folder(tmp_path / "days", tmp_path / "plan", planning)


def uids(folder):
    return [day.series.uid.rpartition(".")[2] for day in folder.images]


def names(folder, number):
    day = next(day for day in folder.images if day.series.uid == f"{ROOT}.{200 + number}")
    return [stated.name for stated in folder.registrations_of(day, PLAN_FRAME)]


def test_images_come_in_the_order_of_time_however_they_lie(tmp_path, planning):
    for number, days in ((1, 3), (2, 1), (3, 2)):
        written(
            tmp_path / "days" / f"{number}" / "deep",
            image(number, f"{ROOT}.{number}", acquired_at=PLANNED_AT + timedelta(days)),
        )
    timeless = replace(image(4, f"{ROOT}.4"), provenance=replace(image(4, f"{ROOT}.4").provenance, acquired_at=None))
    written(tmp_path / "days", timeless)
    for path in (tmp_path / "days").glob("*.dcm"):
        dataset = pydicom.dcmread(path)
        for keyword in ("ContentDate", "ContentTime", "SeriesDate", "SeriesTime"):
            dataset.pop(keyword, None)
        dataset.save_as(path)
    assert uids(read(tmp_path, planning)) == ["202", "203", "201", "204"]


def test_the_planning_image_its_copies_and_earlier_scans_are_left_aside(tmp_path, planning):
    shutil.copytree(tmp_path / "plan", tmp_path / "days" / "copy")
    written(tmp_path / "days" / "renamed", image(1, PLAN_FRAME, Modality.CT))
    written(tmp_path / "days" / "early", image(2, f"{ROOT}.2", Modality.CT, PLANNED_AT - timedelta(days=30)))
    written(tmp_path / "days" / "cbct", image(3, f"{ROOT}.3"))
    (tmp_path / "days" / "notes.txt").write_text("not DICOM")
    folder = read(tmp_path, planning)
    assert uids(folder) == ["203"]
    aside = " ".join(folder.left_aside)
    assert "the planning image" in aside
    assert "a copy of the planning image" in aside
    assert "2024-12-07 09:00 UTC, before the planning image" in aside
    assert "1 file (notes.txt): not DICOM." in aside


def test_a_localizer_is_left_aside(tmp_path, planning):
    written(tmp_path / "days", image(1, f"{ROOT}.1"))
    for path in (tmp_path / "days").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        dataset.save_as(path)
    folder = read(tmp_path, planning)
    assert folder.images == ()
    assert "a localizer" in folder.left_aside[0]


def test_other_patients_are_told_by_name(tmp_path, planning):
    other = PatientHeader("P2", "Roe^Richard")
    written(tmp_path / "days", image(1, f"{ROOT}.1", patient=other), other)
    folder = read(tmp_path, planning)
    assert folder.images == ()
    assert "Roe^Richard (ID P2)" in folder.strangers[0]
    assert "Doe^Jane (ID P1) in the planning image" in folder.strangers[0]


def test_a_series_of_two_patients_is_damaged(tmp_path, planning):
    written(tmp_path / "days", image(1, f"{ROOT}.1"))
    path = sorted((tmp_path / "days").iterdir())[2]
    dataset = pydicom.dcmread(path)
    dataset.PatientID, dataset.PatientName = "P2", "Roe^Richard"
    dataset.save_as(path)
    assert "Two patients" in read(tmp_path, planning).images[0].damage


def test_truncated_slices_belong_to_their_series(tmp_path, planning):
    written(tmp_path / "days", image(1, f"{ROOT}.1"))
    written(tmp_path / "days", image(2, f"{ROOT}.2"))
    for path in sorted((tmp_path / "days").glob(f"{ROOT}.202*"))[:3]:
        path.write_bytes(path.read_bytes()[:-20])
    folder = read(tmp_path, planning)
    whole, broken = folder.images
    assert whole.damage == ""
    assert "is truncated" in broken.damage
    assert "3 of 4 files of this series are damaged" in broken.damage
    assert folder.unreadable == ()


def test_a_file_without_a_header_is_of_no_series(tmp_path, planning):
    written(tmp_path / "days", image(1, f"{ROOT}.1"))
    path = sorted((tmp_path / "days").iterdir())[0]
    path.write_bytes(path.read_bytes()[:400])
    (sentence,) = read(tmp_path, planning).unreadable
    assert str(path) in sentence


def test_a_folder_without_dicom_is_one_sentence(tmp_path, planning):
    (tmp_path / "days").mkdir()
    with pytest.raises(MissingInput, match="is empty"):
        read(tmp_path, planning)


# -------------------------------------------------------------------------------- registrations


def test_registrations_speak_of_the_slices_that_they_name_the_latest_last(tmp_path, planning):
    one = written(tmp_path / "days", image(1, f"{ROOT}.1"))
    two = written(tmp_path / "days", image(2, f"{ROOT}.1", acquired_at=PLANNED_AT + timedelta(minutes=5)))
    registered(tmp_path / "days", "late", (planning, one), after_h=2.0)
    registered(tmp_path / "plan", "early", (planning, one), after_h=1.0)
    registered(tmp_path / "days", "other", (planning, two), after_h=3.0)
    folder = read(tmp_path, planning)
    assert names(folder, 1) == ["early", "late"]
    assert names(folder, 2) == ["other"]


def test_one_that_names_a_frame_alone_is_of_the_last_image_before_it(tmp_path, planning):
    one = written(tmp_path / "days", image(1, f"{ROOT}.1"))
    written(tmp_path / "days", image(2, f"{ROOT}.1", acquired_at=PLANNED_AT + timedelta(hours=2)))
    registered(tmp_path / "days", "before", (planning, one), after_h=1.0, frames_alone=True)
    registered(tmp_path / "days", "after", (planning, one), after_h=3.0, frames_alone=True)
    folder = read(tmp_path, planning)
    assert names(folder, 1) == ["before"]
    assert names(folder, 2) == ["after"]


def test_one_to_the_frame_of_the_day_is_found(tmp_path, planning):
    """Registered is the image of the day, source the plan: allowed by the standard, though unusual."""
    one = written(tmp_path / "days", image(1, f"{ROOT}.1"))
    registered(tmp_path / "days", "backward", (one, planning), frames_alone=True)
    assert names(read(tmp_path, planning), 1) == ["backward"]


def test_an_image_in_the_frame_of_the_plan_must_be_named_by_its_slices(tmp_path, planning):
    shared = written(tmp_path / "days", image(1, PLAN_FRAME, acquired_at=PLANNED_AT + timedelta(days=1)))
    other = written(tmp_path / "days", image(2, PLAN_FRAME, acquired_at=PLANNED_AT + timedelta(days=2)))
    registered(tmp_path / "days", "named", (planning, shared))
    folder = read(tmp_path, planning)
    assert names(folder, 1) == ["named"]
    assert names(folder, 2) == []
    assert other.frame.uid == PLAN_FRAME


def test_our_own_and_those_of_no_image_do_not_count(tmp_path, planning):
    one = written(tmp_path / "days", image(1, f"{ROOT}.1"))
    registered(tmp_path / "days", "ours", (planning, one), maker="OpenIGRT")
    registered(tmp_path / "days", "elsewhere", (planning, image(7, f"{ROOT}.7")))
    folder = read(tmp_path, planning)
    assert names(folder, 1) == []
    assert [stated.name for stated in folder.registrations_of_none(PLAN_FRAME)] == ["elsewhere"]
    assert any("by OpenIGRT itself" in sentence for sentence in folder.left_aside)


def test_one_of_another_patient_is_told_and_does_not_count(tmp_path, planning):
    one = written(tmp_path / "days", image(1, f"{ROOT}.1"))
    registered(tmp_path / "days", "strange", (planning, one))
    dataset = pydicom.dcmread(tmp_path / "days" / "strange.dcm")
    dataset.PatientID, dataset.PatientName = "P2", "Roe^Richard"
    dataset.save_as(tmp_path / "days" / "strange.dcm")
    folder = read(tmp_path, planning)
    assert names(folder, 1) == []
    assert "Roe^Richard (ID P2)" in folder.strangers[0]


def test_one_that_cannot_be_read_is_told(tmp_path, planning):
    one = written(tmp_path / "days", image(1, f"{ROOT}.1"))
    registered(tmp_path / "days", "broken", (planning, one))
    dataset = pydicom.dcmread(tmp_path / "days" / "broken.dcm")
    del dataset.RegistrationSequence
    dataset.save_as(tmp_path / "days" / "broken.dcm")
    (sentence,) = read(tmp_path, planning).unreadable
    assert sentence.startswith("The registration broken.dcm cannot be read")
