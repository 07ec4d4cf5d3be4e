"""DICOM data sets to and from our nouns: pure mapping over pydicom, one file per object, both directions in it."""

from openigrt.dicom.confidentiality import Action, Option, Profile, basic_rows, profile_with
from openigrt.dicom.daily_folder import DailyFolder, check_same_patient, check_same_position, read_daily_folder
from openigrt.dicom.deformable_registration import DeformableRegistration, read_deformable_registration
from openigrt.dicom.deidentification import Remark, person_of
from openigrt.dicom.deidentified_file import DeidentifiedFile, deidentified_file, save_deidentified
from openigrt.dicom.descriptors import NOTHING_LEFT
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
from openigrt.dicom.pseudonyms import KEY_BYTES, Pseudonyms
from openigrt.dicom.recognizability import ADVICE, Doubt, doubts_about
from openigrt.dicom.spatial_registration import (
    RegisteredSource,
    SpatialRegistration,
    plan_from_daily,
    read_spatial_registration,
    write_spatial_registration,
)
from openigrt.dicom.structure_set import read_structure_set, role_of, write_structure_set

__all__ = [
    "ADVICE",
    "IMAGE_CLASSES",
    "KEY_BYTES",
    "NOTHING_LEFT",
    "Action",
    "DailyFolder",
    "DeformableRegistration",
    "DeidentifiedFile",
    "DeviceHeader",
    "Doubt",
    "Finding",
    "ImageReading",
    "InputFile",
    "Instance",
    "Inventory",
    "Links",
    "Option",
    "PatientHeader",
    "PlanDefaults",
    "PlanFolder",
    "Profile",
    "Pseudonyms",
    "RegisteredSource",
    "Remark",
    "Series",
    "SeriesHeader",
    "Severity",
    "SkippedFile",
    "SpatialRegistration",
    "StudyHeader",
    "basic_rows",
    "check_same_patient",
    "check_same_position",
    "deidentified_file",
    "dose_grid",
    "doubts_about",
    "find_problems",
    "holds_plan",
    "instance_uids",
    "links_of",
    "modality_of",
    "person_of",
    "plan_from_daily",
    "profile_with",
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
    "save_deidentified",
    "scan_folder",
    "write_dose",
    "write_image_series",
    "write_plan",
    "write_spatial_registration",
    "write_structure_set",
]
