"""A made course of the virtual patient with known motions: good and bad registrations, and all that goes wrong."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from openigrt.dicom import (
    DeviceHeader,
    PatientHeader,
    SeriesHeader,
    StudyHeader,
    instance_uids,
    read_plan_folder,
    save,
    write_image_series,
    write_spatial_registration,
)
from openigrt.geometry import Frame, Grid, PatientPosition, RigidTransform, rotation_from_vector
from openigrt.images import Image, Modality, Provenance
from openigrt.virtual import cone_beam_look, example_case, render, write_embedded_example

SIZE, SPACING_MM = (104, 104, 48), (2.4, 2.4, 3.0)
FIRST_DAY = datetime(2025, 2, 3, 10, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=1)
WRONG_MM = np.array([0.0, 5.0, 0.0])
ROOT = "1.2.826.0.1.3680043.8.498.78"

# Shift in mm and rotation vector in degrees of each session: about the isocenters, in LPS.
MOTIONS = (
    ((-2.4, -4.0, 3.0), (0.3, 0.9, 0.1)),
    ((-1.7, -2.4, 2.2), (1.0, 0.2, -0.8)),
    ((-2.9, 4.6, 2.6), (-1.1, -0.1, -0.7)),
    ((3.1, -2.2, -2.6), (0.0, 0.0, 0.0)),
    ((1.2, 2.5, -4.5), (-0.2, -0.6, -0.1)),
)


@dataclass(frozen=True)
class Course:
    """Where plan and days lie, and the true plan_from_daily of every image by its series UID."""

    plan: Path
    days: Path
    truths: dict[str, RigidTransform]


def uid(*names):
    """A UID for what has these numbers."""
    return ".".join([ROOT, *map(str, names)])


def motion(shift_mm, turn_deg, frame, case):
    """plan_from_daily about the isocenters."""
    ends = (case.patient.anatomy.frame, case.patient.isocenter_mm), (frame, np.zeros(3))
    return RigidTransform.about_points(*ends, rotation_from_vector(np.deg2rad(turn_deg)), shift_mm)


def cone_beam_ct(case, plan_from_daily, series_uid, acquired_at, patient):
    """A small cone-beam CT of the patient of the day under a motion."""
    corner_mm = -0.5 * (np.array(SIZE) - 1) * np.array(SPACING_MM)
    grid = Grid(plan_from_daily.from_frame, corner_mm, SPACING_MM, np.eye(3), SIZE)
    voxels = cone_beam_look(
        render(case.patient.at(case.day), grid, plan_from_daily, 1.0), grid, np.random.default_rng(7)
    )
    provenance = Provenance(
        patient_id=patient.patient_id,
        patient_name=patient.name,
        study_uid=f"{series_uid}.9",
        series_uid=series_uid,
        series_description="CBCT",
        instance_uids=instance_uids(series_uid, SIZE[2]),
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        manufacturer="OpenIGRT",
        acquired_at=acquired_at,
        patient_position=PatientPosition.HFS,
    )
    return Image(voxels, grid, Modality.CBCT, provenance)


def write_image(image, folder, patient):
    """The slices of an image."""
    source = image.provenance
    study = StudyHeader(source.study_uid, source.acquired_at)
    device = DeviceHeader("OpenIGRT", "virtual linac")
    header = SeriesHeader(patient, study, source.series_uid, source.acquired_at, 1, "CBCT", device)
    for k, dataset in enumerate(write_image_series(image, header)):
        save(dataset, folder / f"{source.series_uid.rpartition('.')[2]}_{k:03d}.dcm")


def write_registration(images, plan_from_daily, folder, name, made_at, maker="Vendor"):
    """A Spatial Registration by another system."""
    number = sum(name.encode()) * 1000 + len(name)
    patient = PatientHeader(images[0].provenance.patient_id, images[0].provenance.patient_name)
    study = StudyHeader(images[1].provenance.study_uid, made_at)
    header = SeriesHeader(patient, study, uid(8, number), made_at, 1, name, DeviceHeader(maker, "match station"))
    dataset = write_spatial_registration(plan_from_daily, images, header, uid(9, number))
    dataset.ContentDescription = name
    save(dataset, folder / f"REG_{name}.dcm")
    return dataset


def other_way_round(transform):
    """The inverse matrix between the same frames: source and registered exchanged."""
    rotation = transform.rotation.T
    return replace(transform, rotation=rotation, translation_mm=-rotation @ transform.translation_mm)


def moved_by(transform, shift_mm):
    """The transform with another shift on top."""
    return replace(transform, translation_mm=transform.translation_mm + shift_mm)


def write_course(folder):
    """Five sessions in a folder each, a truncated series, and an image of another patient.

    1: an early registration 5 mm off and a late one that is right, and a second image after a good correction. 2: a
    registration 5 mm off. 3: one that is written the wrong way round. 4: a second image after a correction with the
    wrong sign. 5: one that is right, and names frames alone.
    """
    made, case = write_embedded_example(folder / "example", 0), example_case(0)
    planning_image = read_plan_folder(made.plan_folder).planning_image
    patient = PatientHeader(planning_image.provenance.patient_id, planning_image.provenance.patient_name)
    days, truths = folder / "days", {}

    def imaged(session, number, shift_mm, turn_deg, minutes):
        series_uid, frame = uid(1, session, number), Frame.daily(uid(2, session, number))
        truth = motion(shift_mm, turn_deg, frame, case)
        acquired_at = FIRST_DAY + timedelta(days=session) + minutes * MINUTES
        image = cone_beam_ct(case, truth, series_uid, acquired_at, patient)
        write_image(image, days / f"day {session}" / f"scan {number}", patient)
        truths[series_uid] = truth
        return image, truth

    def registered(image, transform, name, minutes):
        made_at = image.provenance.acquired_at + minutes * MINUTES
        place = days / "registrations"
        return write_registration((planning_image, image), transform, place, name, made_at)

    images = [imaged(n + 1, 1, np.array(shift), turn, 0) for n, (shift, turn) in enumerate(MOTIONS)]
    (first, truth_1), (second, truth_2), (third, truth_3), _, (fifth, truth_5) = images
    registered(first, moved_by(truth_1, WRONG_MM), "initial", 1)
    registered(first, truth_1, "final", 2)
    registered(second, moved_by(truth_2, WRONG_MM), "off", 2)
    registered(third, other_way_round(truth_3), "exchanged", 2)
    frames_alone = registered(fifth, truth_5, "frames", 2)
    for item in frames_alone.RegistrationSequence:
        del item.ReferencedImageSequence
    save(frames_alone, days / "registrations" / "REG_frames.dcm")
    imaged(1, 2, 0.1 * np.array(MOTIONS[0][0]), (0.0, 0.0, 0.0), 5)
    imaged(4, 2, 2.0 * np.array(MOTIONS[3][0]), (0.0, 0.0, 0.0), 5)

    imaged(6, 1, np.zeros(3), (0.0, 0.0, 0.0), 0)
    for path in sorted((days / "day 6").rglob("*.dcm"))[20:]:
        path.write_bytes(path.read_bytes()[:9000])
    stranger = PatientHeader("OTHER-1", "Other^Patient")
    frame = Frame.daily(uid(2, 7, 1))
    image = cone_beam_ct(case, motion(np.zeros(3), (0, 0, 0), frame, case), uid(1, 7, 1), FIRST_DAY, stranger)
    write_image(image, days / "day 7", stranger)
    (days / "notes.txt").write_text("not DICOM")
    return Course(made.plan_folder, days, truths)
