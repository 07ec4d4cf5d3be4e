"""RT Plan to and from plans."""

from pydicom import Dataset
from pydicom.uid import UID, RTPlanStorage, RTStructureSetStorage

from openigrt.dicom.headers import SeriesHeader, date_and_time, decimal, decimals, new_dataset, reference
from openigrt.patient import Beam, ControlPoint, Plan

SETUP_NUMBER = 1


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
