"""DICOM data sets to and from our nouns: pure mapping over pydicom, one file per object, both directions in it."""

from openigrt.dicom.checks.findings import (
    find_problems,
)
from openigrt.dicom.dataset.finding import (
    Finding,
    Severity,
    by_severity,
)
from openigrt.dicom.dataset.headers import (
    DeviceHeader,
    PatientHeader,
    SeriesHeader,
    StudyHeader,
    save,
)
from openigrt.dicom.dataset.inventory import (
    IMAGE_CLASSES,
    PROJECTION_CLASSES,
    REGISTRATION_CLASSES,
    Instance,
    Inventory,
    Series,
    SkippedFile,
    damaged_instance,
    named_files,
    scan_folder,
    series_of_files,
)
from openigrt.dicom.dataset.load import (
    InputFile,
    read_object,
)
from openigrt.dicom.deidentification.confidentiality import (
    Action,
    Option,
    Profile,
    basic_rows,
    profile_with,
)
from openigrt.dicom.deidentification.deidentified_elements import (
    Remark,
    person_of,
)
from openigrt.dicom.deidentification.descriptors import (
    NOTHING_LEFT,
)
from openigrt.dicom.deidentification.file import (
    DeidentifiedFile,
    deidentified_file,
    save_deidentified,
)
from openigrt.dicom.deidentification.pseudonyms import (
    KEY_BYTES,
    PATIENT_PREFIX,
    Pseudonyms,
)
from openigrt.dicom.deidentification.recognizability import (
    ADVICE,
    Doubt,
    doubts_about,
    what_tells_apart,
)
from openigrt.dicom.doses.dose import (
    dose_grid,
    read_dose,
    read_dose_error,
    read_dose_planes,
    read_uneven_dose,
    write_dose,
)
from openigrt.dicom.doses.dvh import (
    read_dvhs,
)
from openigrt.dicom.folders.daily_folder import (
    DailyFolder,
    check_same_patient,
    check_same_position,
    read_daily_folder,
    read_daily_series,
)
from openigrt.dicom.folders.days_folder import (
    DaySeries,
    DaysFolder,
    read_days_folder,
)
from openigrt.dicom.folders.links import (
    Links,
    links_of,
)
from openigrt.dicom.folders.plan_folder import (
    PlanFolder,
    holds_plan,
    read_plan_folder,
)
from openigrt.dicom.folders.repeats import (
    repeats_of,
)
from openigrt.dicom.images.choice import (
    ImageChoice,
    phases_in,
)
from openigrt.dicom.images.headers import (
    acquired_at_of,
)
from openigrt.dicom.images.mr import (
    write_mr_series,
)
from openigrt.dicom.images.pet_writing import (
    write_pet_series,
)
from openigrt.dicom.images.rt_image import (
    read_projections,
    write_projection,
)
from openigrt.dicom.images.rt_image_scan import (
    read_rt_image_scan,
)
from openigrt.dicom.images.rt_image_setup import (
    ProjectionDefaults,
)
from openigrt.dicom.images.segmentation import (
    read_segmentation,
    write_segmentation,
)
from openigrt.dicom.images.series import (
    ImageReading,
    modality_of,
    read_image_series,
    write_image_series,
)
from openigrt.dicom.images.stack import (
    Straightening,
)
from openigrt.dicom.images.surface import (
    read_meshes,
    read_point_cloud,
    write_mesh,
    write_point_cloud,
)
from openigrt.dicom.images.ultrasound import (
    UltrasoundVolume,
    read_ultrasound,
)
from openigrt.dicom.images.ultrasound_writing import (
    write_ultrasound,
)
from openigrt.dicom.images.written_slices import (
    instance_uids,
)
from openigrt.dicom.plans.plan import (
    PlanDefaults,
    read_plan,
    write_plan,
)
from openigrt.dicom.plans.version import (
    new_plan_version,
)
from openigrt.dicom.readers import READERS, find_unreadable, read_any
from openigrt.dicom.records.delivery_instruction import (
    read_delivery_instruction,
    write_delivery_instruction,
)
from openigrt.dicom.records.treatment_record import (
    read_treatment_record,
    write_treatment_record,
)
from openigrt.dicom.registrations.chain import (
    ChainLink,
    RegistrationChain,
    chained_plan_from_daily,
)
from openigrt.dicom.registrations.deformable import (
    DeformableRegistration,
    read_deformable_registration,
    write_deformable_registration,
)
from openigrt.dicom.registrations.fiducials import (
    read_fiducials,
    write_fiducials,
)
from openigrt.dicom.registrations.spatial import (
    RegisteredSource,
    RegistrationMethod,
    SourceToWrite,
    SpatialRegistration,
    UsedFeature,
    affine_plan_from_daily,
    plan_from_daily,
    read_spatial_registration,
    write_registrations,
    write_spatial_registration,
)
from openigrt.dicom.registrations.stated import (
    StatedRegistration,
)
from openigrt.dicom.structures.names import (
    find_unknown_names,
)
from openigrt.dicom.structures.structure_set import (
    read_structure_set,
    role_of,
    write_structure_set,
)

__all__ = [
    "ADVICE",
    "IMAGE_CLASSES",
    "KEY_BYTES",
    "NOTHING_LEFT",
    "PATIENT_PREFIX",
    "PROJECTION_CLASSES",
    "READERS",
    "REGISTRATION_CLASSES",
    "Action",
    "ChainLink",
    "DailyFolder",
    "DaySeries",
    "DaysFolder",
    "DeformableRegistration",
    "DeidentifiedFile",
    "DeviceHeader",
    "Doubt",
    "Finding",
    "ImageChoice",
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
    "ProjectionDefaults",
    "Pseudonyms",
    "RegisteredSource",
    "RegistrationChain",
    "RegistrationMethod",
    "Remark",
    "Series",
    "SeriesHeader",
    "Severity",
    "SkippedFile",
    "SourceToWrite",
    "SpatialRegistration",
    "StatedRegistration",
    "Straightening",
    "StudyHeader",
    "UltrasoundVolume",
    "UsedFeature",
    "acquired_at_of",
    "affine_plan_from_daily",
    "basic_rows",
    "by_severity",
    "chained_plan_from_daily",
    "check_same_patient",
    "check_same_position",
    "damaged_instance",
    "deidentified_file",
    "dose_grid",
    "doubts_about",
    "find_problems",
    "find_unknown_names",
    "find_unreadable",
    "holds_plan",
    "instance_uids",
    "links_of",
    "modality_of",
    "named_files",
    "new_plan_version",
    "person_of",
    "phases_in",
    "plan_from_daily",
    "profile_with",
    "read_any",
    "read_daily_folder",
    "read_daily_series",
    "read_days_folder",
    "read_deformable_registration",
    "read_delivery_instruction",
    "read_dose",
    "read_dose_error",
    "read_dose_planes",
    "read_dvhs",
    "read_fiducials",
    "read_image_series",
    "read_meshes",
    "read_object",
    "read_plan",
    "read_plan_folder",
    "read_point_cloud",
    "read_projections",
    "read_rt_image_scan",
    "read_segmentation",
    "read_spatial_registration",
    "read_structure_set",
    "read_treatment_record",
    "read_ultrasound",
    "read_uneven_dose",
    "repeats_of",
    "role_of",
    "save",
    "save_deidentified",
    "scan_folder",
    "series_of_files",
    "what_tells_apart",
    "write_deformable_registration",
    "write_delivery_instruction",
    "write_dose",
    "write_fiducials",
    "write_image_series",
    "write_mesh",
    "write_mr_series",
    "write_pet_series",
    "write_plan",
    "write_point_cloud",
    "write_projection",
    "write_registrations",
    "write_segmentation",
    "write_spatial_registration",
    "write_structure_set",
    "write_treatment_record",
    "write_ultrasound",
]
