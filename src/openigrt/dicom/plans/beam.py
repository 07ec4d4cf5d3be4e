"""Beams of photons, electrons and ions, to and from their items (PS3.3 C.8.8.14, C.8.8.25)."""

from dataclasses import replace
from itertools import pairwise

from pydicom import Dataset

from openigrt.dicom.dataset.elements import items, number, numbers, required_number, required_whole_number, text
from openigrt.dicom.dataset.headers import decimal
from openigrt.dicom.dataset.mapping import (
    NUMBER,
    NUMBERS,
    WHOLE,
    Embedded,
    Many,
    One,
    Table,
    Told,
    known,
    optional,
    required,
)
from openigrt.dicom.plans.control_points import read_control_points, write_control_points
from openigrt.dicom.plans.ion import BEAM_LINE
from openigrt.dicom.plans.modifiers import ION_MODIFIERS, MODIFIERS
from openigrt.errors import OpenIgrtError, UnsupportedInput
from openigrt.patient import (
    Beam,
    BeamLimitingDevice,
    ControlPoint,
    FluenceMode,
    PlannedImage,
    PlannedMachine,
    ReferenceImage,
    Rotations,
)

MAX_CONTROL_POINTS = 20_000

MACHINE = Table(
    PlannedMachine,
    (
        optional("manufacturer", "Manufacturer"),
        optional("model", "ManufacturerModelName"),
        optional("serial_number", "DeviceSerialNumber"),
        optional("institution", "InstitutionName"),
    ),
)
FLUENCE = Table(FluenceMode, (required("mode", "FluenceMode"), optional("identifier", "FluenceModeID")))
REFERENCE_IMAGE = Table(
    ReferenceImage,
    (
        required("sop_class_uid", "ReferencedSOPClassUID"),
        required("uid", "ReferencedSOPInstanceUID"),
        required("number", "ReferenceImageNumber", WHOLE),
    ),
)
PLANNED_IMAGE = Table(
    PlannedImage,
    (
        optional("start_meterset_weight", "StartCumulativeMetersetWeight", NUMBER),
        optional("end_meterset_weight", "EndCumulativeMetersetWeight", NUMBER),
        optional("meterset_exposure", "MetersetExposure", NUMBER),
        optional("acquisition_parameters", "ImagingDeviceSpecificAcquisitionParameters"),
    ),
)
ENTRIES = (
    optional("description", "BeamDescription"),
    Embedded("machine", MACHINE),
    optional("dosimeter_unit", "PrimaryDosimeterUnit"),
    One("fluence_mode", "PrimaryFluenceModeSequence", FLUENCE),
    optional("high_dose_technique", "HighDoseTechniqueType"),
    optional("final_meterset_weight", "FinalCumulativeMetersetWeight", NUMBER),
    optional("patient_setup_number", "ReferencedPatientSetupNumber", WHOLE),
    optional("tolerance_table_number", "ReferencedToleranceTableNumber", WHOLE),
    Many("reference_images", "ReferencedReferenceImageSequence", REFERENCE_IMAGE),
    Many("planned_images", "PlannedVerificationImageSequence", PLANNED_IMAGE),
)
_DEVICE = (
    required("kind", "RTBeamLimitingDeviceType"),
    required("pair_count", "NumberOfLeafJawPairs", WHOLE),
    optional("boundaries_mm", "LeafPositionBoundaries", NUMBERS),
)
DEVICES = Many(
    "devices",
    "BeamLimitingDeviceSequence",
    Table(BeamLimitingDevice, (*_DEVICE, optional("source_distance_mm", "SourceToBeamLimitingDeviceDistance", NUMBER))),
)
ION_DEVICES = Many(
    "devices",
    "IonBeamLimitingDeviceSequence",
    Table(
        BeamLimitingDevice,
        (*_DEVICE, known("isocenter_distance_mm", "IsocenterToBeamLimitingDeviceDistance", NUMBER)),
    ),
)
COUNTS = {
    "NumberOfControlPoints": ("ControlPointSequence", "IonControlPointSequence"),
    "NumberOfWedges": ("WedgeSequence", "IonWedgeSequence"),
    "NumberOfBlocks": ("BlockSequence", "IonBlockSequence"),
    "NumberOfCompensators": ("CompensatorSequence", "IonRangeCompensatorSequence"),
    "NumberOfBoli": ("ReferencedBolusSequence",),
    "NumberOfRangeShifters": ("RangeShifterSequence",),
    "NumberOfLateralSpreadingDevices": ("LateralSpreadingDeviceSequence",),
    "NumberOfRangeModulators": ("RangeModulatorSequence",),
}


def read_beam(item: Dataset, is_ion: bool, metersets: dict[int, float]) -> tuple[Beam, tuple[str, ...]]:
    """One beam and what was noticed; `metersets` are those of the fraction groups, by beam number.

    Raises UnsupportedInput for more control points than any machine could use.
    """
    told: Told = []
    point_items = items(item, "ControlPointSequence") or items(item, "IonControlPointSequence")
    beam_number, name = required_whole_number(item, "BeamNumber"), text(item, "BeamName")
    if len(point_items) > MAX_CONTROL_POINTS:
        raise UnsupportedInput(
            f"Beam {name!r} has {len(point_items)} control points; at most {MAX_CONTROL_POINTS} are read."
        )
    points, isocenter_mm = read_control_points(point_items, is_ion, told)
    _tell_counts(item, told)
    beam = Beam(
        number=beam_number,
        name=name,
        delivery_type=text(item, "TreatmentDeliveryType") or "TREATMENT",
        radiation_type=text(item, "RadiationType"),
        machine_name=text(item, "TreatmentMachineName"),
        isocenter_mm=(isocenter_mm[0], isocenter_mm[1], isocenter_mm[2]) if isocenter_mm else None,
        source_axis_distance_mm=_source_axis_distance_mm(item),
        meterset_mu=metersets.get(beam_number),
        control_points=points,
        devices=_read_devices(item, told),
        modifiers=(ION_MODIFIERS if is_ion else MODIFIERS).read(item, told),
        ion_line=BEAM_LINE.read(item, told) if is_ion else None,
        **{entry.field: entry.read(item, told) for entry in ENTRIES},
    )
    return beam, tuple(f"Beam {beam_number} {name!r}: {sentence}" for sentence in dict.fromkeys(told))


def _tell_counts(item: Dataset, told: Told) -> None:
    """Tell where a beam announces more or fewer of something than it has."""
    for keyword, sequences in COUNTS.items():
        try:
            announced, found = number(item, keyword), sum(len(items(item, sequence)) for sequence in sequences)
        except OpenIgrtError as error:
            told.append(error.sentence)
            continue
        if announced is not None and announced != found:
            told.append(f"{keyword} is {announced:g}, and there are {found}.")
    if "EnhancedRTBeamLimitingDeviceSequence" in item:
        told.append("EnhancedRTBeamLimitingDeviceSequence is not read: what those devices leave open is not known.")


def _read_devices(item: Dataset, told: Told) -> tuple[BeamLimitingDevice, ...]:
    """The beam limiting devices; edges of leaves must be numbers."""
    for sequence in (DEVICES, ION_DEVICES):
        for device in items(item, sequence.keyword):
            numbers(device, "LeafPositionBoundaries")
    devices: tuple[BeamLimitingDevice, ...] = DEVICES.read(item, told) or ION_DEVICES.read(item, told)
    return devices


def _source_axis_distance_mm(item: Dataset) -> float:
    """Source-axis distance; for ions the mean of the two virtual ones."""
    virtual_mm = numbers(item, "VirtualSourceAxisDistances")
    if len(virtual_mm) == 2:
        return (virtual_mm[0] + virtual_mm[1]) / 2.0
    return required_number(item, "SourceAxisDistance")


def write_beam(beam: Beam) -> Dataset:
    """The item of a beam."""
    item, is_ion = Dataset(), beam.ion_line is not None
    item.BeamNumber, item.BeamName = beam.number, beam.name
    item.TreatmentMachineName = beam.machine_name
    item.BeamType = "DYNAMIC" if moves_while_on(beam) else "STATIC"
    item.RadiationType = beam.radiation_type
    item.TreatmentDeliveryType = beam.delivery_type
    for entry in ENTRIES:
        entry.written_to(item, getattr(beam, entry.field))
    if beam.control_points and beam.final_meterset_weight is None:
        item.FinalCumulativeMetersetWeight = decimal(beam.control_points[-1].cumulative_meterset_weight)
    (ION_MODIFIERS if is_ion else MODIFIERS).written_to(item, beam.modifiers)
    (ION_DEVICES if is_ion else DEVICES).written_to(item, _all_devices(beam))
    item.NumberOfControlPoints = len(beam.control_points)
    if beam.ion_line is None:
        item.SourceAxisDistance = decimal(beam.source_axis_distance_mm)
        item.ControlPointSequence = write_control_points(beam)
    else:
        BEAM_LINE.written_to(item, beam.ion_line)
        item.IonControlPointSequence = write_control_points(beam)
    return item


def _all_devices(beam: Beam) -> tuple[BeamLimitingDevice, ...]:
    """The devices of a beam, and such as only its control points name."""
    listed = {device.kind: device for device in beam.devices}
    for point in beam.control_points:
        for found in point.positions:
            count = len(found.positions_mm) // 2
            device = listed.setdefault(found.device, BeamLimitingDevice(found.device, count))
            if device.pair_count is None:
                listed[found.device] = replace(device, pair_count=count)
    return tuple(listed.values())


def moves_while_on(beam: Beam) -> bool:
    """Whether anything changes between control points that have meterset between them (Beam Type, PS3.3 C.8.8.14)."""
    return any(
        after.cumulative_meterset_weight != before.cumulative_meterset_weight and _pose(after) != _pose(before)
        for before, after in pairwise(beam.control_points)
    )


def _pose(point: ControlPoint) -> ControlPoint:
    """A control point without what a static beam changes too: metersets, doses, spots, and directions."""
    ion = replace(point.ion, spots=None) if point.ion else None
    return replace(point, cumulative_meterset_weight=0.0, dose_coefficients=(), rotations=Rotations(), ion=ion)
