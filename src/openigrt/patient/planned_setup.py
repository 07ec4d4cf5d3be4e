"""How the patient is to lie, what holds them, and how their motion is met."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HoldingDevice:
    """What fixes or shields the patient: `kind` as DICOM has it, BITEBLOCK, MASK, MOLD, GUM and others."""

    kind: str
    label: str
    description: str = ""
    position: str = ""
    pitch_angle_deg: float | None = None
    roll_angle_deg: float | None = None
    accessory_code: str = ""


@dataclass(frozen=True, slots=True)
class SetupDevice:
    """What the patient is placed by, such as LASER_POINTER; `parameter` is its setting in mm or degrees."""

    kind: str
    label: str
    description: str = ""
    parameter: float | None = None
    reference_description: str = ""


@dataclass(frozen=True, slots=True)
class MotionSynchronization:
    """How breathing is met: `technique` GATING, BREATH_HOLD and others; `signal_source` BELT, OPTICAL and others."""

    technique: str
    signal_source: str = ""
    description: str = ""
    signal_source_id: str = ""


@dataclass(frozen=True, slots=True)
class SetupImage:
    """A photo or RT Image that shows the patient in place."""

    sop_class_uid: str
    uid: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PlannedSetup:
    """A Patient Setup of the plan: `position` as DICOM has it (HFS), empty where only `additional_position` says it.

    Displacements are the travel of the table top from the setup marks to the place of treatment, IEC 61217 mm.
    """

    number: int | None = None
    position: str = ""
    additional_position: str = ""
    label: str = ""
    technique: str = ""
    technique_description: str = ""
    table_top_vertical_displacement_mm: float | None = None
    table_top_longitudinal_displacement_mm: float | None = None
    table_top_lateral_displacement_mm: float | None = None
    fixation_devices: tuple[HoldingDevice, ...] = ()
    shielding_devices: tuple[HoldingDevice, ...] = ()
    setup_devices: tuple[SetupDevice, ...] = ()
    motion: tuple[MotionSynchronization, ...] = ()
    images: tuple[SetupImage, ...] = ()
