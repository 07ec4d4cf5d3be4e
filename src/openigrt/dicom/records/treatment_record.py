"""RT Beams Treatment Record and RT Ion Beams Treatment Record to treatment records.

Read forgivingly: vendors leave much empty, and what is not there is None. Numbers that no machine can give are refused.
"""

from pydicom import Dataset
from pydicom.uid import (
    RTBeamsTreatmentRecordStorage,
    RTIonBeamsTreatmentRecordStorage,
    RTIonPlanStorage,
    RTPlanStorage,
)

from openigrt.dicom.dataset.elements import (
    items,
    moment,
    name_of,
    naming,
    number,
    number_within,
    text,
    whole_number,
)
from openigrt.dicom.dataset.headers import SeriesHeader, date_and_time, decimal, new_dataset, reference
from openigrt.dicom.records.delivered_control_point import (
    CarriedControlPoint,
    RecordReading,
    control_point_items,
    decimal_or_empty,
    meterset,
)
from openigrt.dicom.records.stated_position import require_known
from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.patient import (
    AperturePositions,
    CalculatedDose,
    DeliveredBeam,
    DeliveryType,
    IonDelivery,
    TerminationStatus,
    TreatmentMachine,
    TreatmentRecord,
    VerificationImage,
    VerificationStatus,
)

RECORD_CLASSES = (RTBeamsTreatmentRecordStorage, RTIonBeamsTreatmentRecordStorage)
MAX_BEAMS, MAX_CONTROL_POINTS = 1_000, 100_000
LONGEST_TIME_S = 86_400.0


def read_treatment_record(dataset: Dataset) -> tuple[TreatmentRecord, tuple[str, ...]]:
    """The record of a session, and what was noticed; times in UTC, positions in IEC 61217.

    Raises MissingInput without beams, UnsupportedInput for brachytherapy and for more beams or control points than any
    session has, InconsistentInput when spots do not fit each other, UnreadableFile for malformed and absurd numbers.
    """
    with naming(dataset):
        ion_items = items(dataset, "TreatmentSessionIonBeamSequence")
        beam_items = ion_items or items(dataset, "TreatmentSessionBeamSequence")
        if not beam_items:
            raise MissingInput(f"{name_of(dataset)} holds no beams; records of brachytherapy are not read.")
        _require_bearable(dataset, beam_items)
        reading = RecordReading(text(dataset, "TimezoneOffsetFromUTC"))
        plans = items(dataset, "ReferencedRTPlanSequence")
        record = TreatmentRecord(
            uid=text(dataset, "SOPInstanceUID"),
            beams=tuple(_beam(item, reading) for item in beam_items),
            patient_id=text(dataset, "PatientID"),
            treated_at=moment(dataset, "TreatmentDate", "TreatmentTime"),
            machine=_machine(dataset),
            plan_uid=text(plans[0], "ReferencedSOPInstanceUID") if plans else "",
            fraction_group=whole_number(dataset, "ReferencedFractionGroupNumber"),
            fractions_planned=whole_number(dataset, "NumberOfFractionsPlanned"),
            dosimeter_unit=text(dataset, "PrimaryDosimeterUnit"),
            calculated_doses=tuple(_calculated(i) for i in items(dataset, "CalculatedDoseReferenceSequence")),
            is_ion=bool(ion_items),
        )
        if items(dataset, "MeasuredDoseReferenceSequence"):
            reading.notice("Measured doses are not read.")
        if len(plans) > 1:
            reading.notice(f"It names {len(plans)} plans; taken as of the first, {record.plan_uid}.")
        return record, tuple(reading.messages)


def _require_bearable(dataset: Dataset, beam_items: tuple[Dataset, ...]) -> None:
    """Raise UnsupportedInput for more beams or control points than any session has."""
    points = sum(len(_point_items(item)) for item in beam_items[:MAX_BEAMS])
    if len(beam_items) > MAX_BEAMS or points > MAX_CONTROL_POINTS:
        raise UnsupportedInput(
            f"{name_of(dataset)} holds {len(beam_items)} beams and {points} control points or more; at most "
            f"{MAX_BEAMS} and {MAX_CONTROL_POINTS} are read."
        )


def _point_items(beam_item: Dataset) -> tuple[Dataset, ...]:
    """The control points of a beam of photons, electrons or ions."""
    return items(beam_item, "ControlPointDeliverySequence") or items(beam_item, "IonControlPointDeliverySequence")


def _machine(dataset: Dataset) -> TreatmentMachine:
    """The machine as the record names it."""
    machines = items(dataset, "TreatmentMachineSequence")
    if not machines:
        return TreatmentMachine()
    return TreatmentMachine(
        text(machines[0], "TreatmentMachineName"),
        text(machines[0], "Manufacturer"),
        text(machines[0], "ManufacturerModelName"),
        text(machines[0], "DeviceSerialNumber"),
        text(machines[0], "InstitutionName"),
    )


def _calculated(item: Dataset) -> CalculatedDose:
    """A calculated dose: of a dose reference of the plan, or of one of the record."""
    own = "CalculatedDoseReferenceNumber"
    return CalculatedDose(
        number(item, "CalculatedDoseReferenceDoseValue"),
        whole_number(item, "ReferencedDoseReferenceNumber"),
        whole_number(item, own if own in item else f"Referenced{own}"),
        text(item, "CalculatedDoseReferenceDescription"),
    )


def _beam(item: Dataset, reading: RecordReading) -> DeliveredBeam:
    """One beam as it was delivered."""
    carried = CarriedControlPoint()
    points = tuple(carried.point(point, reading) for point in _point_items(item))
    return DeliveredBeam(
        number=whole_number(item, "ReferencedBeamNumber"),
        name=text(item, "BeamName"),
        radiation_type=text(item, "RadiationType"),
        beam_type=text(item, "BeamType"),
        delivery_type=reading.word(item, "TreatmentDeliveryType", DeliveryType) or DeliveryType.UNKNOWN,
        fraction_number=whole_number(item, "CurrentFractionNumber"),
        termination=reading.word(item, "TreatmentTerminationStatus", TerminationStatus) or TerminationStatus.UNKNOWN,
        termination_code=text(item, "TreatmentTerminationCode"),
        termination_description=text(item, "TreatmentTerminationDescription"),
        verification=reading.word(item, "TreatmentVerificationStatus", VerificationStatus),
        specified_meterset=meterset(item, "SpecifiedPrimaryMeterset"),
        delivered_meterset=meterset(item, "DeliveredPrimaryMeterset"),
        specified_secondary_meterset=meterset(item, "SpecifiedSecondaryMeterset"),
        delivered_secondary_meterset=meterset(item, "DeliveredSecondaryMeterset"),
        specified_time_s=number_within(item, "SpecifiedTreatmentTime", 0.0, LONGEST_TIME_S),
        delivered_time_s=number_within(item, "DeliveredTreatmentTime", 0.0, LONGEST_TIME_S),
        wedges=whole_number(item, "NumberOfWedges"),
        compensators=whole_number(item, "NumberOfCompensators"),
        boli=whole_number(item, "NumberOfBoli"),
        blocks=whole_number(item, "NumberOfBlocks"),
        control_points=points,
        verification_images=tuple(map(_verification_image, items(item, "ReferencedVerificationImageSequence"))),
        calculated_doses=tuple(map(_calculated, items(item, "ReferencedCalculatedDoseReferenceSequence"))),
        ion=_ion(item) if items(item, "IonControlPointDeliverySequence") else None,
    )


def _verification_image(item: Dataset) -> VerificationImage:
    """An image that was taken during delivery."""
    return VerificationImage(
        text(item, "ReferencedSOPClassUID"),
        text(item, "ReferencedSOPInstanceUID"),
        meterset(item, "StartMeterset"),
        meterset(item, "EndMeterset"),
    )


def _ion(item: Dataset) -> IonDelivery:
    """What a beam of ions has besides."""
    shifters = items(item, "RecordedRangeShifterSequence")
    return IonDelivery(
        scan_mode=text(item, "ScanMode"),
        modulated_scan_mode=text(item, "ModulatedScanModeType"),
        patient_support=text(item, "PatientSupportType"),
        mass_number=whole_number(item, "RadiationMassNumber"),
        atomic_number=whole_number(item, "RadiationAtomicNumber"),
        charge_state=whole_number(item, "RadiationChargeState"),
        range_shifters=tuple(
            (whole_number(shifter, "ReferencedRangeShifterNumber"), text(shifter, "RangeShifterID"))
            for shifter in shifters
        ),
        lateral_spreading_devices=whole_number(item, "NumberOfLateralSpreadingDevices"),
        range_modulators=whole_number(item, "NumberOfRangeModulators"),
    )


def write_treatment_record(record: TreatmentRecord, series: SeriesHeader) -> Dataset:
    """The RT Beams or RT Ion Beams Treatment Record of `record`; each control point says only what changed.

    Raises MissingInput, with the name of what is not known, where the standard asks for a value, and UnsupportedInput
    for wedges, devices that spread or modulate ions, and angles other than the gantry's that move during a beam.
    """
    sop_class = RTIonBeamsTreatmentRecordStorage if record.is_ion else RTBeamsTreatmentRecordStorage
    dataset = new_dataset(series, "RTRECORD", sop_class, record.uid)
    dataset.InstanceNumber = 1
    dataset.TreatmentDate, dataset.TreatmentTime = date_and_time(record.treated_at) if record.treated_at else ("", "")
    plan_class = RTIonPlanStorage if record.is_ion else RTPlanStorage
    dataset.ReferencedRTPlanSequence = [reference(plan_class, record.plan_uid)] if record.plan_uid else []
    dataset.TreatmentMachineSequence = [_machine_item(record.machine)]
    dataset.NumberOfFractionsPlanned = _or_empty(record.fractions_planned)
    if record.fraction_group is not None:
        dataset.ReferencedFractionGroupNumber = record.fraction_group
    dataset.PrimaryDosimeterUnit = require_known(record.dosimeter_unit, "the unit of the dosimeter")
    beams = [_beam_item(beam, record.is_ion) for beam in record.beams]
    if record.is_ion:
        dataset.TreatmentSessionIonBeamSequence = beams
    else:
        dataset.TreatmentSessionBeamSequence = beams
    if record.calculated_doses:
        dataset.CalculatedDoseReferenceSequence = [_calculated_item(dose) for dose in record.calculated_doses]
    return dataset


def _or_empty(value: int | None) -> int | str:
    """A whole number of type 2: empty where it is not known."""
    return "" if value is None else value


def _machine_item(machine: TreatmentMachine) -> Dataset:
    """Treatment Machine item."""
    item = Dataset()
    item.TreatmentMachineName = machine.name
    item.Manufacturer = machine.manufacturer
    item.ManufacturerModelName = machine.model
    item.DeviceSerialNumber = machine.serial_number
    item.InstitutionName = machine.institution
    return item


def _calculated_item(dose: CalculatedDose) -> Dataset:
    """Calculated Dose Reference item of the session."""
    item = Dataset()
    item.CalculatedDoseReferenceDoseValue = decimal_or_empty(dose.dose_gy)
    if dose.plan_reference is not None:
        item.ReferencedDoseReferenceNumber = dose.plan_reference
    else:
        item.CalculatedDoseReferenceNumber = require_known(dose.record_reference, "the number of a calculated dose")
    if dose.description:
        item.CalculatedDoseReferenceDescription = dose.description
    return item


def _beam_item(beam: DeliveredBeam, is_ion: bool) -> Dataset:
    """Treatment Session Beam item (PS3.3 C.8.8.21, C.8.8.26)."""
    item = Dataset()
    if beam.number is not None or is_ion:
        item.ReferencedBeamNumber = require_known(beam.number, "the number of a beam")
    if beam.name or is_ion:
        item.BeamName = require_known(beam.name, "the name of a beam")
    item.BeamType = beam.beam_type or ("STATIC" if len({p.position for p in beam.control_points}) == 1 else "DYNAMIC")
    item.RadiationType = require_known(beam.radiation_type, "the radiation type of a beam")
    item.TreatmentDeliveryType = "" if beam.delivery_type is DeliveryType.UNKNOWN else beam.delivery_type.value
    _set_devices(item, beam, is_ion)
    item.CurrentFractionNumber = _or_empty(beam.fraction_number)
    item.TreatmentTerminationStatus = beam.termination.value
    if beam.termination_code:
        item.TreatmentTerminationCode = beam.termination_code
    if beam.termination_description:
        item.TreatmentTerminationDescription = beam.termination_description
    item.TreatmentVerificationStatus = beam.verification.value if beam.verification else ""
    _set_metersets(item, beam)
    item.NumberOfControlPoints = len(beam.control_points)
    if not beam.control_points:
        raise MissingInput(f"Beam {beam.number} cannot be written: it has no control points.")
    points = control_point_items(beam.control_points, is_ion)
    if is_ion:
        item.IonControlPointDeliverySequence = points
    else:
        item.ControlPointDeliverySequence = points
    if beam.verification_images:
        item.ReferencedVerificationImageSequence = [_image_item(image) for image in beam.verification_images]
    if beam.calculated_doses:
        item.ReferencedCalculatedDoseReferenceSequence = [_beam_dose_item(dose) for dose in beam.calculated_doses]
    return item


def _set_devices(item: Dataset, beam: DeliveredBeam, is_ion: bool) -> None:
    """Wedges and the like, beam limiting devices, and what ions need."""
    item.NumberOfWedges = _no_more_than_zero(beam.wedges, "wedges")
    for keyword, count, what in (
        ("NumberOfCompensators", beam.compensators, "compensators"),
        ("NumberOfBoli", beam.boli, "boli"),
        ("NumberOfBlocks", beam.blocks, "blocks"),
    ):
        setattr(item, keyword, _no_more_than_zero(count, what) if is_ion else _or_empty(count))
    aperture = beam.control_points[0].aperture if beam.control_points else ()
    if aperture:
        item.BeamLimitingDeviceLeafPairsSequence = [_leaf_pairs_item(device) for device in aperture]
    if is_ion:
        _set_ion(item, require_known(beam.ion, "how a beam of ions was delivered"))


def _no_more_than_zero(count: int | None, what: str) -> int:
    """That there are none; raises MissingInput where that is not known, UnsupportedInput where there are some."""
    if require_known(count, f"the number of {what} of a beam"):
        raise UnsupportedInput(f"A beam with {count} {what} cannot be written: they are not kept.")
    return 0


def _leaf_pairs_item(device: AperturePositions) -> Dataset:
    """Beam Limiting Device Leaf Pairs item."""
    item = Dataset()
    item.RTBeamLimitingDeviceType = device.device
    item.NumberOfLeafJawPairs = len(device.positions_mm) // 2
    return item


def _set_ion(item: Dataset, ion: IonDelivery) -> None:
    """What a beam of ions has besides."""
    item.ScanMode = require_known(ion.scan_mode, "the scan mode of a beam")
    if ion.modulated_scan_mode:
        item.ModulatedScanModeType = ion.modulated_scan_mode
    item.PatientSupportType = require_known(ion.patient_support, "the patient support of a beam")
    for keyword, value in (
        ("RadiationMassNumber", ion.mass_number),
        ("RadiationAtomicNumber", ion.atomic_number),
        ("RadiationChargeState", ion.charge_state),
    ):
        if value is not None:
            setattr(item, keyword, value)
    item.NumberOfRangeShifters = len(ion.range_shifters)
    if ion.range_shifters:
        item.RecordedRangeShifterSequence = [_shifter_item(*shifter) for shifter in ion.range_shifters]
    item.NumberOfLateralSpreadingDevices = _no_more_than_zero(
        ion.lateral_spreading_devices, "lateral spreading devices"
    )
    item.NumberOfRangeModulators = _no_more_than_zero(ion.range_modulators, "range modulators")


def _shifter_item(shifter_number: int | None, identifier: str) -> Dataset:
    """Recorded Range Shifter item."""
    item = Dataset()
    item.ReferencedRangeShifterNumber = require_known(shifter_number, "the number of a range shifter")
    item.RangeShifterID = require_known(identifier, "the ID of a range shifter")
    return item


def _set_metersets(item: Dataset, beam: DeliveredBeam) -> None:
    """Metersets and times, such as are known."""
    for keyword, value in (
        ("SpecifiedPrimaryMeterset", beam.specified_meterset),
        ("SpecifiedSecondaryMeterset", beam.specified_secondary_meterset),
        ("DeliveredPrimaryMeterset", beam.delivered_meterset),
        ("DeliveredSecondaryMeterset", beam.delivered_secondary_meterset),
        ("SpecifiedTreatmentTime", beam.specified_time_s),
        ("DeliveredTreatmentTime", beam.delivered_time_s),
    ):
        if value is not None:
            setattr(item, keyword, decimal(value))


def _image_item(image: VerificationImage) -> Dataset:
    """Referenced Verification Image item."""
    item = reference(image.sop_class_uid, image.uid)
    if image.start_meterset is not None:
        item.StartMeterset = decimal(image.start_meterset)
    if image.end_meterset is not None:
        item.EndMeterset = decimal(image.end_meterset)
    return item


def _beam_dose_item(dose: CalculatedDose) -> Dataset:
    """Referenced Calculated Dose Reference item of a beam."""
    item = Dataset()
    item.CalculatedDoseReferenceDoseValue = decimal(require_known(dose.dose_gy, "a calculated dose"))
    if dose.plan_reference is not None:
        item.ReferencedDoseReferenceNumber = dose.plan_reference
    else:
        found = require_known(dose.record_reference, "the number of a calculated dose")
        item.ReferencedCalculatedDoseReferenceNumber = found
    return item
