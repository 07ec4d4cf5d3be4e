"""DICOM data sets to and from our nouns: pure mapping over pydicom, one file per object, both directions in it."""

from openigrt.dicom.dose import write_dose
from openigrt.dicom.headers import DeviceHeader, PatientHeader, SeriesHeader, StudyHeader, save
from openigrt.dicom.image_series import instance_uids, write_image_series
from openigrt.dicom.plan import write_plan
from openigrt.dicom.structure_set import write_structure_set

__all__ = [
    "DeviceHeader",
    "PatientHeader",
    "SeriesHeader",
    "StudyHeader",
    "instance_uids",
    "save",
    "write_dose",
    "write_image_series",
    "write_plan",
    "write_structure_set",
]
