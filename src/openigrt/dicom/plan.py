"""RT Plan to and from plans; RT Ion Plans are read as far as positions and angles go."""

from dataclasses import dataclass, field, replace

from pydicom import Dataset
from pydicom.uid import UID, RTPlanStorage, RTStructureSetStorage

from openigrt.dicom.elements import (
    items,
    moment,
    name_of,
    naming,
    number,
    numbers,
    required_number,
    required_numbers,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.headers import SeriesHeader, date_and_time, decimal, decimals, new_dataset, reference
from openigrt.errors import InconsistentInput, MissingInput, UnsupportedInput
from openigrt.geometry import CouchPose, Frame, PatientPosition
from openigrt.patient import Beam, ControlPoint, Plan

SETUP_NUMBER = 1
SAME_ISOCENTER_MM = 1e-3

_JAWS_X = ("X", "ASYMX")
_JAWS_Y = ("Y", "ASYMY")
_LEAVES = ("MLCX", "MLCY")
_COUCH = {
    "TableTopLateralPosition": "table_top_lateral_position_mm",
    "TableTopLongitudinalPosition": "table_top_longitudinal_position_mm",
    "TableTopVerticalPosition": "table_top_vertical_position_mm",
    "PatientSupportAngle": "patient_support_angle_deg",
    "TableTopPitchAngle": "table_top_pitch_angle_deg",
    "TableTopRollAngle": "table_top_roll_angle_deg",
    "TableTopEccentricAxisDistance": "table_top_eccentric_axis_distance_mm",
    "TableTopEccentricAngle": "table_top_eccentric_angle_deg",
}


@dataclass(frozen=True, slots=True)
class PlanDefaults:
    """What images or structures say where a plan is silent: its frame and patient position are optional modules."""

    frame_uid: str = ""
    patient_position: PatientPosition | None = None
    position_from: str = "the image"


def read_plan(dataset: Dataset, defaults: PlanDefaults | None = None) -> tuple[Plan, tuple[str, ...]]:
    """The plan of an RT Plan or RT Ion Plan in its own frame, and what was noticed.

    Raises MissingInput without beams, isocenter, frame or patient position; InconsistentInput when its beams need
    different patient positions; UnsupportedInput for brachytherapy and for an isocenter that moves within a beam.
    """
    known = defaults or PlanDefaults()
    with naming(dataset):
        beam_items = items(dataset, "BeamSequence") or items(dataset, "IonBeamSequence")
        if not beam_items:
            raise MissingInput(f"{name_of(dataset)} has no beams; brachytherapy plans are not read.")
        frame_uid, position, messages = _plan_frame(dataset, known)
        metersets, fractions = _fractions(dataset)
        beams = tuple(_read_beam(item, metersets) for item in beam_items)
        placed = tuple(beam for beam in beams if beam is not None)
        left_out = [text(item, "BeamName") for item, beam in zip(beam_items, beams, strict=True) if beam is None]
        if not placed:
            raise MissingInput(f"{name_of(dataset)} has no beam with an isocenter.")
        messages += tuple(f"Left out setup beam {name!r}: it has no isocenter." for name in left_out)
        placed, without_meterset = _setup_by_meterset(placed)
        messages += without_meterset
        references = items(dataset, "ReferencedStructureSetSequence")
        return Plan(
            uid=text(dataset, "SOPInstanceUID"),
            label=text(dataset, "RTPlanLabel"),
            frame=Frame.plan(frame_uid),
            patient_id=text(dataset, "PatientID"),
            patient_position=position,
            approval=text(dataset, "ApprovalStatus"),
            beams=placed,
            structure_set_uid=text(references[0], "ReferencedSOPInstanceUID") if references else "",
            fractions_planned=fractions,
            created_at=moment(dataset, "RTPlanDate", "RTPlanTime"),
            manufacturer=text(dataset, "Manufacturer"),
        ), messages


def _plan_frame(dataset: Dataset, defaults: PlanDefaults) -> tuple[str, PatientPosition, tuple[str, ...]]:
    """Frame UID and patient position, from the defaults where the plan is silent, which a message says."""
    messages: tuple[str, ...] = ()
    frame_uid = text(dataset, "FrameOfReferenceUID") or defaults.frame_uid
    if not frame_uid:
        raise MissingInput(f"{name_of(dataset)} names no frame of reference, and no structure set or image does.")
    if not text(dataset, "FrameOfReferenceUID"):
        messages += (f"The plan names no frame of reference; taken from its structure set: {frame_uid}.",)
    names = {text(item, "PatientPosition") for item in items(dataset, "PatientSetupSequence")} - {""}
    if len(names) > 1:
        raise InconsistentInput(f"{name_of(dataset)} has beams for different patient positions: {sorted(names)}.")
    if names:
        return frame_uid, PatientPosition.parse(names.pop()), messages
    if defaults.patient_position is None:
        raise MissingInput(
            f"{name_of(dataset)} does not say the patient position (0018,5100), nor does the image; say it with "
            "--position, such as HFS."
        )
    position = defaults.patient_position
    source = defaults.position_from
    return frame_uid, position, (*messages, f"The plan states no patient position; taken from {source}: {position}.")


def _fractions(dataset: Dataset) -> tuple[dict[int, float], int | None]:
    """Meterset by beam number, and the number of fractions of the first fraction group."""
    groups = items(dataset, "FractionGroupSequence")
    metersets = {}
    for group in groups:
        for item in items(group, "ReferencedBeamSequence"):
            meterset = number(item, "BeamMeterset")
            if meterset is not None:
                metersets[required_whole_number(item, "ReferencedBeamNumber")] = meterset
    return metersets, whole_number(groups[0], "NumberOfFractionsPlanned") if groups else None


@dataclass(slots=True)
class _Carried:
    """Values of the last control point: what a control point omits stays as it was (PS3.3 C.8.8.14.5)."""

    angles: dict[str, float] = field(default_factory=dict)
    couch: dict[str, float] = field(default_factory=dict)
    shapes: dict[str, tuple[float, ...]] = field(default_factory=dict)
    isocenter_mm: tuple[float, ...] = ()


def _read_beam(item: Dataset, metersets: dict[int, float]) -> Beam | None:
    """One beam, None for a setup beam without isocenter."""
    carried = _Carried()
    point_items = items(item, "ControlPointSequence") or items(item, "IonControlPointSequence")
    points = tuple(_read_control_point(point, carried, text(item, "BeamName")) for point in point_items)
    delivery_type = text(item, "TreatmentDeliveryType") or "TREATMENT"
    if not carried.isocenter_mm and delivery_type == "SETUP":
        return None
    if not carried.isocenter_mm:
        raise MissingInput(
            f"Beam {text(item, 'BeamName')!r} has no isocenter; fixed-SSD setups are not handled. "
            "Take the plan out of the folder and give --isocenter X,Y,Z."
        )
    x, y, z = carried.isocenter_mm
    leaves = [device for device in _devices(item) if text(device, "RTBeamLimitingDeviceType") in _LEAVES]
    beam_number = required_whole_number(item, "BeamNumber")
    return Beam(
        number=beam_number,
        name=text(item, "BeamName"),
        delivery_type=delivery_type,
        radiation_type=text(item, "RadiationType"),
        machine_name=text(item, "TreatmentMachineName"),
        isocenter_mm=(x, y, z),
        source_axis_distance_mm=_source_axis_distance_mm(item),
        meterset_mu=metersets.get(beam_number),
        control_points=points,
        leaf_device=text(leaves[0], "RTBeamLimitingDeviceType") if leaves else "",
        leaf_boundaries_mm=numbers(leaves[0], "LeafPositionBoundaries") if leaves else (),
    )


def _setup_by_meterset(beams: tuple[Beam, ...]) -> tuple[tuple[Beam, ...], tuple[str, ...]]:
    """Beams without meterset beside beams that have one are setup beams, which a message says."""
    if all(beam.meterset_mu is None for beam in beams):
        return beams, ()
    silent = [beam for beam in beams if beam.meterset_mu is None and not beam.is_setup]
    messages = tuple(f"Beam {beam.number} {beam.name!r} has no meterset: taken as a setup beam." for beam in silent)
    return tuple(replace(beam, delivery_type="SETUP") if beam in silent else beam for beam in beams), messages


def _devices(item: Dataset) -> tuple[Dataset, ...]:
    """Beam limiting devices of a photon, electron or ion beam."""
    return items(item, "BeamLimitingDeviceSequence") or items(item, "IonBeamLimitingDeviceSequence")


def _source_axis_distance_mm(item: Dataset) -> float:
    """Source-axis distance; for ions the mean of the two virtual ones."""
    virtual_mm = numbers(item, "VirtualSourceAxisDistances")
    if len(virtual_mm) == 2:
        return (virtual_mm[0] + virtual_mm[1]) / 2.0
    return required_number(item, "SourceAxisDistance")


def _read_control_point(item: Dataset, carried: _Carried, beam_name: str) -> ControlPoint:
    """One control point; `carried` brings what the ones before it said, and takes what this one says."""
    for keyword in ("GantryAngle", "BeamLimitingDeviceAngle"):
        _carry(item, keyword, keyword, carried.angles)
    for keyword, name in _COUCH.items():
        _carry(item, keyword, name, carried.couch)
    for position in items(item, "BeamLimitingDevicePositionSequence"):
        carried.shapes[text(position, "RTBeamLimitingDeviceType")] = numbers(position, "LeafJawPositions")
    _carry_isocenter(item, carried, beam_name)
    return ControlPoint(
        cumulative_meterset_weight=number(item, "CumulativeMetersetWeight") or 0.0,
        gantry_angle_deg=carried.angles.get("GantryAngle", 0.0),
        beam_limiting_device_angle_deg=carried.angles.get("BeamLimitingDeviceAngle", 0.0),
        couch=CouchPose(**carried.couch),
        jaw_x_mm=_jaw(carried.shapes, _JAWS_X),
        jaw_y_mm=_jaw(carried.shapes, _JAWS_Y),
        leaf_positions_mm=next((carried.shapes[device] for device in _LEAVES if device in carried.shapes), ()),
    )


def _carry(item: Dataset, keyword: str, name: str, values: dict[str, float]) -> None:
    """Replace a carried value where this control point states one."""
    value = number(item, keyword)
    if value is not None:
        values[name] = value


def _carry_isocenter(item: Dataset, carried: _Carried, beam_name: str) -> None:
    """Take the isocenter where it is stated; raises UnsupportedInput when it moves within the beam."""
    if not numbers(item, "IsocenterPosition"):
        return
    stated = required_numbers(item, "IsocenterPosition", 3)
    before = carried.isocenter_mm or stated
    if max(abs(a - b) for a, b in zip(stated, before, strict=True)) > SAME_ISOCENTER_MM:
        raise UnsupportedInput(f"The isocenter of beam {beam_name!r} moves from {before} to {stated}; not handled.")
    carried.isocenter_mm = before


def _jaw(shapes: dict[str, tuple[float, ...]], devices: tuple[str, ...]) -> tuple[float, float] | None:
    """The two positions of a jaw pair, None where there is none."""
    for device in devices:
        if len(shapes.get(device, ())) == 2:
            return shapes[device][0], shapes[device][1]
    return None


def write_plan(plan: Plan, series: SeriesHeader) -> Dataset:
    """The RT Plan of `plan`; multileaf positions are written where the beam knows its leaf boundaries."""
    dataset = new_dataset(series, "RTPLAN", RTPlanStorage, plan.uid)
    dataset.FrameOfReferenceUID = UID(plan.frame.uid)
    dataset.PositionReferenceIndicator = ""
    dataset.RTPlanLabel = plan.label[:16]
    dataset.RTPlanDate, dataset.RTPlanTime = date_and_time(plan.created_at or series.created_at)
    dataset.RTPlanGeometry = "PATIENT" if plan.structure_set_uid else "TREATMENT_DEVICE"
    if plan.structure_set_uid:
        dataset.ReferencedStructureSetSequence = [reference(RTStructureSetStorage, plan.structure_set_uid)]
    dataset.PatientSetupSequence = [_patient_setup(plan)]
    dataset.FractionGroupSequence = [_fraction_group(plan)]
    dataset.BeamSequence = [_beam(beam) for beam in plan.beams]
    dataset.ApprovalStatus = plan.approval or "UNAPPROVED"
    if dataset.ApprovalStatus != "UNAPPROVED":
        dataset.ReviewDate, dataset.ReviewTime, dataset.ReviewerName = dataset.RTPlanDate, dataset.RTPlanTime, ""
    return dataset


def _patient_setup(plan: Plan) -> Dataset:
    """Patient Setup item (PS3.3 C.8.8.12)."""
    item = Dataset()
    item.PatientSetupNumber = SETUP_NUMBER
    item.PatientPosition = plan.patient_position.value
    return item


def _fraction_group(plan: Plan) -> Dataset:
    """Fraction Group item: beams and their metersets."""
    item = Dataset()
    item.FractionGroupNumber = 1
    item.NumberOfFractionsPlanned = "" if plan.fractions_planned is None else plan.fractions_planned
    item.NumberOfBeams = len(plan.beams)
    item.NumberOfBrachyApplicationSetups = 0
    item.ReferencedBeamSequence = [_referenced_beam(beam) for beam in plan.beams]
    return item


def _referenced_beam(beam: Beam) -> Dataset:
    """Referenced Beam item of the fraction group."""
    item = Dataset()
    item.ReferencedBeamNumber = beam.number
    if beam.meterset_mu is not None:
        item.BeamMeterset = decimal(beam.meterset_mu)
    return item


def _beam(beam: Beam) -> Dataset:
    """Beam item (PS3.3 C.8.8.14)."""
    item = Dataset()
    item.TreatmentMachineName = beam.machine_name
    item.PrimaryDosimeterUnit = "MU"
    item.SourceAxisDistance = decimal(beam.source_axis_distance_mm)
    item.BeamLimitingDeviceSequence = _beam_limiting_devices(beam)
    item.BeamNumber = beam.number
    item.BeamName = beam.name
    item.BeamType = "STATIC" if _is_static(beam) else "DYNAMIC"
    item.RadiationType = beam.radiation_type
    item.TreatmentDeliveryType = beam.delivery_type
    item.NumberOfWedges = item.NumberOfCompensators = item.NumberOfBoli = item.NumberOfBlocks = 0
    item.FinalCumulativeMetersetWeight = decimal(beam.control_points[-1].cumulative_meterset_weight)
    item.NumberOfControlPoints = len(beam.control_points)
    item.ControlPointSequence = [_control_point(beam, index) for index in range(len(beam.control_points))]
    item.ReferencedPatientSetupNumber = SETUP_NUMBER
    return item


def _is_static(beam: Beam) -> bool:
    """Whether nothing but the meterset changes between control points."""
    first = beam.control_points[0]
    return all(_positions(point) == _positions(first) for point in beam.control_points)


def _positions(point: ControlPoint) -> tuple[object, ...]:
    """All that can move."""
    return (
        point.gantry_angle_deg,
        point.beam_limiting_device_angle_deg,
        point.couch,
        point.jaw_x_mm,
        point.jaw_y_mm,
        point.leaf_positions_mm,
    )


def _shapes(beam: Beam, point: ControlPoint) -> dict[str, tuple[float, ...]]:
    """Positions of each beam limiting device that the control point gives, by device type."""
    shapes: dict[str, tuple[float, ...]] = {}
    if point.jaw_x_mm is not None:
        shapes["ASYMX"] = point.jaw_x_mm
    if point.jaw_y_mm is not None:
        shapes["ASYMY"] = point.jaw_y_mm
    if beam.leaf_device and point.leaf_positions_mm:
        shapes[beam.leaf_device] = point.leaf_positions_mm
    return shapes


def _beam_limiting_devices(beam: Beam) -> list[Dataset]:
    """Beam Limiting Device items of the devices that the first control point uses."""
    return [_device(beam, device, positions) for device, positions in _shapes(beam, beam.control_points[0]).items()]


def _device(beam: Beam, device: str, positions: tuple[float, ...]) -> Dataset:
    """One Beam Limiting Device item; leaves name their boundaries."""
    item = Dataset()
    item.RTBeamLimitingDeviceType = device
    item.NumberOfLeafJawPairs = len(positions) // 2
    if device == beam.leaf_device:
        item.LeafPositionBoundaries = decimals(beam.leaf_boundaries_mm)
    return item


def _control_point(beam: Beam, index: int) -> Dataset:
    """Control Point item: the first has every value, later ones only what may change (PS3.3 C.8.8.14.5)."""
    point = beam.control_points[index]
    item = Dataset()
    item.ControlPointIndex = index
    item.CumulativeMetersetWeight = decimal(point.cumulative_meterset_weight)
    if index == 0 or not _is_static(beam):
        item.GantryAngle, item.GantryRotationDirection = decimal(point.gantry_angle_deg), _rotation(beam, index)
        item.BeamLimitingDeviceAngle = decimal(point.beam_limiting_device_angle_deg)
        item.BeamLimitingDeviceRotationDirection = "NONE"
        item.BeamLimitingDevicePositionSequence = [
            _position(device, positions) for device, positions in _shapes(beam, point).items()
        ]
        _set_couch(item, point)
    if index == 0:
        item.IsocenterPosition = decimals(beam.isocenter_mm)
    return item


def _rotation(beam: Beam, index: int) -> str:
    """CW, CC or NONE: the shorter way to the next control point."""
    if index + 1 >= len(beam.control_points):
        return "NONE"
    here, there = beam.control_points[index].gantry_angle_deg, beam.control_points[index + 1].gantry_angle_deg
    turn = (there - here + 180.0) % 360.0 - 180.0
    return "NONE" if turn == 0.0 else ("CW" if turn > 0.0 else "CC")


def _position(device: str, positions: tuple[float, ...]) -> Dataset:
    """Beam Limiting Device Position item."""
    item = Dataset()
    item.RTBeamLimitingDeviceType = device
    item.LeafJawPositions = decimals(positions)
    return item


def _set_couch(item: Dataset, point: ControlPoint) -> None:
    """Table-top positions and angles (PS3.3 C.8.8.14.12)."""
    couch = point.couch
    item.PatientSupportAngle = decimal(couch.patient_support_angle_deg)
    item.PatientSupportRotationDirection = "NONE"
    item.TableTopEccentricAngle = decimal(couch.table_top_eccentric_angle_deg)
    item.TableTopEccentricRotationDirection = "NONE"
    item.TableTopEccentricAxisDistance = decimal(couch.table_top_eccentric_axis_distance_mm)
    item.TableTopPitchAngle, item.TableTopPitchRotationDirection = couch.table_top_pitch_angle_deg, "NONE"
    item.TableTopRollAngle, item.TableTopRollRotationDirection = couch.table_top_roll_angle_deg, "NONE"
    item.TableTopVerticalPosition = decimal(couch.table_top_vertical_position_mm)
    item.TableTopLongitudinalPosition = decimal(couch.table_top_longitudinal_position_mm)
    item.TableTopLateralPosition = decimal(couch.table_top_lateral_position_mm)
