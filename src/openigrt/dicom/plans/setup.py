"""How the patient is to lie and how exactly: RT Patient Setup (PS3.3 C.8.8.12) and RT Tolerance Tables (C.8.8.11)."""

from openigrt.dicom.dataset.mapping import (
    NUMBER,
    REQUIRED_WHOLE,
    WHOLE,
    Many,
    Table,
    known,
    optional,
    required,
)
from openigrt.patient import (
    DeviceTolerance,
    HoldingDevice,
    MotionSynchronization,
    PlannedSetup,
    SetupDevice,
    SetupImage,
    ToleranceTable,
)

DEVICE_TOLERANCE = Table(
    DeviceTolerance,
    (
        required("kind", "RTBeamLimitingDeviceType"),
        required("position_mm", "BeamLimitingDevicePositionTolerance", NUMBER),
    ),
)
_TOLERANCES = (
    required("number", "ToleranceTableNumber", REQUIRED_WHOLE),
    optional("label", "ToleranceTableLabel"),
    optional("gantry_angle_deg", "GantryAngleTolerance", NUMBER),
    optional("gantry_pitch_angle_deg", "GantryPitchAngleTolerance", NUMBER),
    optional("beam_limiting_device_angle_deg", "BeamLimitingDeviceAngleTolerance", NUMBER),
    Many("devices", "BeamLimitingDeviceToleranceSequence", DEVICE_TOLERANCE),
    optional("snout_position_mm", "SnoutPositionTolerance", NUMBER),
    optional("head_fixation_angle_deg", "HeadFixationAngleTolerance", NUMBER),
    optional("patient_support_angle_deg", "PatientSupportAngleTolerance", NUMBER),
    optional("table_top_eccentric_angle_deg", "TableTopEccentricAngleTolerance", NUMBER),
    optional("table_top_pitch_angle_deg", "TableTopPitchAngleTolerance", NUMBER),
    optional("table_top_roll_angle_deg", "TableTopRollAngleTolerance", NUMBER),
    optional("table_top_vertical_position_mm", "TableTopVerticalPositionTolerance", NUMBER),
    optional("table_top_longitudinal_position_mm", "TableTopLongitudinalPositionTolerance", NUMBER),
    optional("table_top_lateral_position_mm", "TableTopLateralPositionTolerance", NUMBER),
)
TOLERANCE_TABLE = Table(ToleranceTable, _TOLERANCES)

FIXATION_DEVICE = Table(
    HoldingDevice,
    (
        required("kind", "FixationDeviceType"),
        known("label", "FixationDeviceLabel"),
        optional("description", "FixationDeviceDescription"),
        optional("position", "FixationDevicePosition"),
        optional("pitch_angle_deg", "FixationDevicePitchAngle", NUMBER),
        optional("roll_angle_deg", "FixationDeviceRollAngle", NUMBER),
        optional("accessory_code", "AccessoryCode"),
    ),
)
SHIELDING_DEVICE = Table(
    HoldingDevice,
    (
        required("kind", "ShieldingDeviceType"),
        known("label", "ShieldingDeviceLabel"),
        optional("description", "ShieldingDeviceDescription"),
        optional("position", "ShieldingDevicePosition"),
        optional("accessory_code", "AccessoryCode"),
    ),
)
SETUP_DEVICE = Table(
    SetupDevice,
    (
        required("kind", "SetupDeviceType"),
        known("label", "SetupDeviceLabel"),
        optional("description", "SetupDeviceDescription"),
        known("parameter", "SetupDeviceParameter", NUMBER),
        optional("reference_description", "SetupReferenceDescription"),
    ),
)
MOTION = Table(
    MotionSynchronization,
    (
        required("technique", "RespiratoryMotionCompensationTechnique"),
        required("signal_source", "RespiratorySignalSource"),
        optional("description", "RespiratoryMotionCompensationTechniqueDescription"),
        optional("signal_source_id", "RespiratorySignalSourceID"),
    ),
)
SETUP_IMAGE = Table(
    SetupImage,
    (
        required("sop_class_uid", "ReferencedSOPClassUID"),
        required("uid", "ReferencedSOPInstanceUID"),
        optional("comment", "SetupImageComment"),
    ),
)
SETUP = Table(
    PlannedSetup,
    (
        required("number", "PatientSetupNumber", WHOLE),
        optional("position", "PatientPosition"),
        optional("additional_position", "PatientAdditionalPosition"),
        optional("label", "PatientSetupLabel"),
        optional("technique", "SetupTechnique"),
        optional("technique_description", "SetupTechniqueDescription"),
        optional("table_top_vertical_displacement_mm", "TableTopVerticalSetupDisplacement", NUMBER),
        optional("table_top_longitudinal_displacement_mm", "TableTopLongitudinalSetupDisplacement", NUMBER),
        optional("table_top_lateral_displacement_mm", "TableTopLateralSetupDisplacement", NUMBER),
        Many("fixation_devices", "FixationDeviceSequence", FIXATION_DEVICE),
        Many("shielding_devices", "ShieldingDeviceSequence", SHIELDING_DEVICE),
        Many("setup_devices", "SetupDeviceSequence", SETUP_DEVICE),
        Many("motion", "MotionSynchronizationSequence", MOTION),
        Many("images", "ReferencedSetupImageSequence", SETUP_IMAGE),
    ),
)
