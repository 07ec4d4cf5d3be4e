"""Headers of the DICOM series of a virtual patient: who, which study, which series, which device."""

from dataclasses import replace
from datetime import date, datetime

from pydicom.uid import CTImageStorage

from openigrt.dicom import DeviceHeader, PatientHeader, SeriesHeader, StudyHeader, instance_uids
from openigrt.images import Image, Provenance
from openigrt.virtual.planning.identity import Identity

PLANNER = DeviceHeader("OpenIGRT", "virtual planning system")
SCANNER = DeviceHeader("OpenIGRT", "virtual CT scanner")
LINAC = DeviceHeader("OpenIGRT", "virtual linac", "VIRTUAL LINAC")
BORN = date(1950, 1, 1)


def planning_series(identity: Identity, role: str, device: DeviceHeader, description: str) -> SeriesHeader:
    """Header of a series of the planning study; `role` (CT, RTSTRUCT, ...) makes its UID."""
    study = StudyHeader(identity.uid("planning study"), identity.planned_at, "1", "Planning")
    uid, made_at = identity.uid(f"{role} series"), identity.planned_at
    return SeriesHeader(patient_header(identity), study, uid, made_at, description=description, device=device)


def ct_series(identity: Identity) -> SeriesHeader:
    """Header of the planning CT."""
    return planning_series(identity, "CT", SCANNER, f"Planning CT {identity.site.replace('_', ' ')}")


def daily_series(identity: Identity, made_at: datetime, day: str = "daily", role: str = "CBCT") -> SeriesHeader:
    """Header of a series of image guidance; all series of one `day` are one study, which begins at `made_at`."""
    study = StudyHeader(identity.uid(f"{day} study"), made_at, "2", "Image guidance")
    uid = identity.uid(f"{role} series" if day == "daily" else f"{day} {role} series")
    description = f"{role} {identity.site.replace('_', ' ')}"
    return SeriesHeader(patient_header(identity), study, uid, made_at, description=description, device=LINAC)


def patient_header(identity: Identity) -> PatientHeader:
    """The patient of all series."""
    return PatientHeader(identity.patient_id, identity.name, BORN, identity.sex)


def described(image: Image, series: SeriesHeader) -> Image:
    """An image with the provenance that its series gives it."""
    provenance = Provenance(
        patient_id=series.patient.patient_id,
        patient_name=series.patient.name,
        study_uid=series.study.uid,
        series_uid=series.uid,
        series_description=series.description,
        instance_uids=instance_uids(series.uid, image.grid.size[2]),
        sop_class_uid=CTImageStorage,
        manufacturer=series.device.manufacturer,
        device_model=series.device.model,
        station_name=series.device.station_name,
        acquired_at=series.created_at,
        patient_position=image.provenance.patient_position,
    )
    return replace(image, provenance=provenance)
