"""DICOM data sets to and from our nouns: pure mapping over pydicom, one file per object, both directions in it."""

from openigrt.dicom.daily_folder import DailyFolder, check_same_patient, check_same_position, read_daily_folder
from openigrt.dicom.deformable_registration import DeformableRegistration, read_deformable_registration
from openigrt.dicom.dose import dose_grid, read_dose, write_dose
from openigrt.dicom.findings import Finding, Severity, find_problems
from openigrt.dicom.folder import IMAGE_CLASSES, Instance, Inventory, Series, SkippedFile, scan_folder
from openigrt.dicom.headers import DeviceHeader, PatientHeader, SeriesHeader, StudyHeader, save
from openigrt.dicom.image_series import (
    ImageReading,
    instance_uids,
    modality_of,
    read_image_series,
    write_image_series,
)
from openigrt.dicom.links import Links, links_of
from openigrt.dicom.load import InputFile, read_object
from openigrt.dicom.plan import PlanDefaults, read_plan, write_plan
from openigrt.dicom.plan_folder import PlanFolder, holds_plan, read_plan_folder
from openigrt.dicom.plan_version import new_plan_version
from openigrt.dicom.spatial_registration import (
    RegisteredSource,
    SpatialRegistration,
    plan_from_daily,
    read_spatial_registration,
    write_spatial_registration,
)
from openigrt.dicom.structure_set import read_structure_set, role_of, write_structure_set

__all__ = [
    "IMAGE_CLASSES",
    "DailyFolder",
    "DeformableRegistration",
    "DeviceHeader",
    "Finding",
    "ImageReading",
    "InputFile",
    "Instance",
    "Inventory",
    "Links",
    "PatientHeader",
    "PlanDefaults",
    "PlanFolder",
    "RegisteredSource",
    "Series",
    "SeriesHeader",
    "Severity",
    "SkippedFile",
    "SpatialRegistration",
    "StudyHeader",
    "check_same_patient",
    "check_same_position",
    "dose_grid",
    "find_problems",
    "holds_plan",
    "instance_uids",
    "links_of",
    "modality_of",
    "new_plan_version",
    "plan_from_daily",
    "read_daily_folder",
    "read_deformable_registration",
    "read_dose",
    "read_image_series",
    "read_object",
    "read_plan",
    "read_plan_folder",
    "read_spatial_registration",
    "read_structure_set",
    "role_of",
    "save",
    "scan_folder",
    "write_dose",
    "write_image_series",
    "write_plan",
    "write_spatial_registration",
    "write_structure_set",
]
