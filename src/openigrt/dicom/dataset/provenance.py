"""Where an object of one file comes from, as its headers say."""

from pydicom import Dataset

from openigrt.dicom.dataset.elements import date_time, text, texts
from openigrt.geometry import PatientPosition
from openigrt.images import Provenance


def provenance_of(dataset: Dataset) -> Provenance:
    """Patient, study, series and device of an object, and when it was acquired if it states Acquisition DateTime.

    Raises UnsupportedPatientPosition for a patient position that is none of the eight.
    """
    position = text(dataset, "PatientPosition")
    return Provenance(
        patient_id=text(dataset, "PatientID"),
        patient_name=text(dataset, "PatientName"),
        study_uid=text(dataset, "StudyInstanceUID"),
        series_uid=text(dataset, "SeriesInstanceUID"),
        series_description=text(dataset, "SeriesDescription"),
        instance_uids=(text(dataset, "SOPInstanceUID"),),
        sop_class_uid=text(dataset, "SOPClassUID"),
        manufacturer=text(dataset, "Manufacturer"),
        device_model=text(dataset, "ManufacturerModelName"),
        station_name=text(dataset, "RadiationMachineName") or text(dataset, "StationName"),
        acquired_at=date_time(dataset, "AcquisitionDateTime"),
        patient_position=PatientPosition.parse(position) if position else None,
        is_derived="DERIVED" in texts(dataset, "ImageType")[:1],
    )
