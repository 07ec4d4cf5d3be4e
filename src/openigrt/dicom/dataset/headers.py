"""Who, which study, which series, which device: what every DICOM object that OpenIGRT writes starts with."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

RESEARCH_ONLY = "research only"
LONG_STRING_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class PatientHeader:
    """The Patient module (PS3.3 C.7.1.1): `sex` is M, F, O or empty."""

    patient_id: str
    name: str
    birth_date: date | None = None
    sex: str = ""


@dataclass(frozen=True, slots=True)
class StudyHeader:
    """The General Study module (PS3.3 C.7.2.1); `started_at` knows its time zone."""

    uid: str
    started_at: datetime
    study_id: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class DeviceHeader:
    """The General Equipment module (PS3.3 C.7.5.1)."""

    manufacturer: str = "OpenIGRT"
    model: str = "OpenIGRT (research only)"
    station_name: str = ""
    serial_number: str = "0"


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """A series that is written: its patient, study and device, its UID, and when it was made (with time zone)."""

    patient: PatientHeader
    study: StudyHeader
    uid: str
    created_at: datetime
    number: int = 1
    description: str = ""
    device: DeviceHeader = DeviceHeader()


def new_dataset(series: SeriesHeader, modality: str, sop_class_uid: str, instance_uid: str) -> Dataset:
    """A data set with patient, study, series, equipment and SOP Common modules, in UTC, ready for its own module."""
    dataset = Dataset()
    dataset.file_meta = _file_meta(sop_class_uid, instance_uid)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = UID(sop_class_uid)
    dataset.SOPInstanceUID = UID(instance_uid)
    dataset.TimezoneOffsetFromUTC = "+0000"
    _set_patient(dataset, series.patient)
    _set_study(dataset, series.study)
    _set_series(dataset, series, modality)
    return dataset


def _file_meta(sop_class_uid: str, instance_uid: str) -> FileMetaDataset:
    """File Meta Information (PS3.10, 7.1), explicit little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _set_patient(dataset: Dataset, patient: PatientHeader) -> None:
    """Patient module."""
    dataset.PatientName = patient.name
    dataset.PatientID = patient.patient_id
    dataset.PatientBirthDate = patient.birth_date.strftime("%Y%m%d") if patient.birth_date else ""
    dataset.PatientSex = patient.sex


def _set_study(dataset: Dataset, study: StudyHeader) -> None:
    """General Study module."""
    dataset.StudyInstanceUID = UID(study.uid)
    dataset.StudyDate, dataset.StudyTime = date_and_time(study.started_at)
    dataset.StudyID = study.study_id
    dataset.StudyDescription = study.description[:LONG_STRING_CHARACTERS]
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""


def _set_series(dataset: Dataset, series: SeriesHeader, modality: str) -> None:
    """General Series (or RT Series) and Enhanced General Equipment modules."""
    dataset.Modality = modality
    dataset.SeriesInstanceUID = UID(series.uid)
    dataset.SeriesNumber = series.number
    dataset.SeriesDate, dataset.SeriesTime = date_and_time(series.created_at)
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = dataset.SeriesDate, dataset.SeriesTime
    dataset.SeriesDescription = marked_research_only(series.description)
    dataset.OperatorsName = ""
    dataset.Manufacturer = series.device.manufacturer
    dataset.ManufacturerModelName = series.device.model
    dataset.StationName = series.device.station_name
    dataset.DeviceSerialNumber = series.device.serial_number
    dataset.SoftwareVersions = software()


def software() -> str:
    """The version of OpenIGRT."""
    return version("openigrt")


def marked_research_only(description: str) -> str:
    """A description of at most 64 characters that ends by saying that the object is for research only."""
    mark = f"({RESEARCH_ONLY})"
    return f"{description[: LONG_STRING_CHARACTERS - len(mark) - 1]} {mark}".strip()


def date_and_time(moment: datetime) -> tuple[str, str]:
    """DICOM date and time (milliseconds) of a moment, in UTC."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y%m%d"), utc.strftime("%H%M%S.") + f"{utc.microsecond // 1000:03d}"


def set_approval(dataset: Dataset, status: str, reviewer: str, reviewed_at: datetime | None) -> None:
    """Approval module (PS3.3 C.8.8.16): who reviewed it and when, empty where not known, unless nobody has."""
    dataset.ApprovalStatus = status or "UNAPPROVED"
    if dataset.ApprovalStatus != "UNAPPROVED":
        dataset.ReviewDate, dataset.ReviewTime = date_and_time(reviewed_at) if reviewed_at else ("", "")
        dataset.ReviewerName = reviewer


def decimal(value: float) -> str:
    """A Decimal String: at most 16 characters, as exact as they allow (PS3.5, 6.2)."""
    return format_number_as_ds(float(value))


def decimals(values: Iterable[float]) -> list[str]:
    """Decimal Strings of several numbers."""
    return [decimal(value) for value in values]


def reference(sop_class_uid: str, instance_uid: str) -> Dataset:
    """An item of the SOP Instance Reference macro (PS3.3, table 10-11)."""
    item = Dataset()
    item.ReferencedSOPClassUID = UID(sop_class_uid)
    item.ReferencedSOPInstanceUID = UID(instance_uid)
    return item


def save(dataset: Dataset, path: Path) -> None:
    """Write a Part 10 file that appears whole or not at all: under a temporary name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    content = BytesIO()  # pydicom puts a traceback into the message of a full disk
    dataset.save_as(content, enforce_file_format=True)
    try:
        unfinished.write_bytes(content.getbuffer())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
