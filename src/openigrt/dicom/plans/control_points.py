"""Control points of photon, electron and ion beams, to and from their items (PS3.3 C.8.8.14.5, C.8.8.25.7).

Reading carries on what an item omits; writing leaves out, after the first item, what never changes in the beam.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pydicom import Dataset

from openigrt.dicom.dataset.elements import items, number, numbers, required_numbers, text
from openigrt.dicom.dataset.headers import decimal, decimals
from openigrt.dicom.dataset.mapping import (
    NUMBER,
    REQUIRED_WHOLE,
    Attribute,
    Many,
    Table,
    Told,
    exactly,
    known,
    optional,
    required,
    written_number,
)
from openigrt.dicom.plans.ion import (
    LATERAL_SPREADER_SETTING,
    RANGE_MODULATOR_SETTING,
    RANGE_SHIFTER_SETTING,
    SPOTS,
)
from openigrt.errors import InconsistentInput, UnreadableFile
from openigrt.geometry import LONGEST_MM, CouchPose, signed_angle_difference_deg
from openigrt.patient import (
    AperturePositions,
    Beam,
    ControlPoint,
    DoseCoefficient,
    IonControlPoint,
    Rotations,
    WedgePosition,
)

SAME_ISOCENTER_MM = 1e-3
SAME_ANGLE_DEG = 0.01

ANGLES = {
    "gantry_angle_deg": "GantryAngle",
    "beam_limiting_device_angle_deg": "BeamLimitingDeviceAngle",
}
TABLE_TOP = {
    "table_top_vertical_position_mm": "TableTopVerticalPosition",
    "table_top_longitudinal_position_mm": "TableTopLongitudinalPosition",
    "table_top_lateral_position_mm": "TableTopLateralPosition",
}
COUCH_ANGLES = {
    "patient_support_angle_deg": "PatientSupportAngle",
    "table_top_pitch_angle_deg": "TableTopPitchAngle",
    "table_top_roll_angle_deg": "TableTopRollAngle",
}
ECCENTRIC = {
    "table_top_eccentric_angle_deg": "TableTopEccentricAngle",
    "table_top_eccentric_axis_distance_mm": "TableTopEccentricAxisDistance",
}
COUCH = {**TABLE_TOP, **COUCH_ANGLES, **ECCENTRIC}
ROTATIONS = {
    "gantry": "GantryRotationDirection",
    "gantry_pitch": "GantryPitchRotationDirection",
    "beam_limiting_device": "BeamLimitingDeviceRotationDirection",
    "patient_support": "PatientSupportRotationDirection",
    "table_top_eccentric": "TableTopEccentricRotationDirection",
    "table_top_pitch": "TableTopPitchRotationDirection",
    "table_top_roll": "TableTopRollRotationDirection",
}
OTHERS = (
    optional("gantry_pitch_angle_deg", "GantryPitchAngle", NUMBER),
    optional("nominal_energy_mev", "NominalBeamEnergy", NUMBER),
    optional("dose_rate_mu_per_min", "DoseRateSet", NUMBER),
    optional("source_surface_distance_mm", "SourceToSurfaceDistance", NUMBER),
    optional("surface_entry_mm", "SurfaceEntryPoint", exactly(3)),
    optional("table_top_alignment_uid", "TableTopPositionAlignmentUID"),
)
ION_OTHERS = (
    optional("snout_position_mm", "SnoutPosition", NUMBER),
    optional("meterset_rate", "MetersetRate", NUMBER),
    optional("head_fixation_angle_deg", "HeadFixationAngle", NUMBER),
)
WEDGE_POSITION = Table(
    WedgePosition,
    (
        required("wedge_number", "ReferencedWedgeNumber", REQUIRED_WHOLE),
        required("position", "WedgePosition"),
        optional("thin_edge_position_mm", "WedgeThinEdgePosition", NUMBER),
    ),
)
WEDGES = Many("wedge_positions", "WedgePositionSequence", WEDGE_POSITION)
ION_WEDGES = Many("wedge_positions", "IonWedgePositionSequence", WEDGE_POSITION)
ION_SETTINGS = (
    Many("range_shifters", "RangeShifterSettingsSequence", RANGE_SHIFTER_SETTING),
    Many("lateral_spreaders", "LateralSpreadingDeviceSettingsSequence", LATERAL_SPREADER_SETTING),
    Many("range_modulators", "RangeModulatorSettingsSequence", RANGE_MODULATOR_SETTING),
)
COEFFICIENTS = Many(
    "dose_coefficients",
    "ReferencedDoseReferenceSequence",
    Table(
        DoseCoefficient,
        (
            required("dose_reference_number", "ReferencedDoseReferenceNumber", REQUIRED_WHOLE),
            known("coefficient", "CumulativeDoseReferenceCoefficient", NUMBER),
        ),
    ),
)
SPOT_KEYWORDS = ("ScanSpotPositionMap", "ScanSpotMetersetWeights")
IN_EVERY_ITEM = {
    *("ControlPointIndex", "CumulativeMetersetWeight", "ReferencedDoseReferenceSequence"),
    *("BeamLimitingDevicePositionSequence", "ScanSpotTuneID", "NumberOfScanSpotPositions", "ScanSpotPositionMap"),
    *("ScanSpotMetersetWeights", "ScanningSpotSize", "NumberOfPaintings", "ScanSpotReordered"),
}


@dataclass(slots=True)
class _Carried:
    """What the control points before have said; `items` are those of sequences, by the number of their device."""

    numbers: dict[str, float] = field(default_factory=dict)
    rotations: dict[str, str] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    positions: dict[str, tuple[float, ...]] = field(default_factory=dict)
    items: dict[str, dict[int, Any]] = field(default_factory=dict)
    first_isocenter_mm: tuple[float, ...] = ()
    isocenter_mm: tuple[float, ...] = ()


def read_control_points(
    point_items: tuple[Dataset, ...], is_ion: bool, told: Told
) -> tuple[tuple[ControlPoint, ...], tuple[float, ...]]:
    """The control points of a beam, and its isocenter (3,) in LPS mm, empty where none of them states one.

    Angles and positions must be numbers; anything else that cannot be used is left out and told.
    """
    carried = _Carried()
    points = tuple(_read_point(item, carried, is_ion, told) for item in point_items)
    unstated = [name for name in (*ANGLES.values(), "PatientSupportAngle") if name not in carried.numbers]
    if points and unstated:
        told.append(f"{', '.join(unstated)} not stated: taken as 0.")
    return points, carried.first_isocenter_mm


def _read_point(item: Dataset, carried: _Carried, is_ion: bool, told: Told) -> ControlPoint:
    """One control point; `carried` brings what the ones before it said, and takes what this one says."""
    _carry(item, carried, (*OTHERS, *ION_OTHERS) if is_ion else OTHERS, told)
    wedges = ION_WEDGES if is_ion else WEDGES
    _carry_items(item, carried, wedges, told)
    _carry_isocenter(item, carried)
    values = carried.numbers
    return ControlPoint(
        cumulative_meterset_weight=number(item, "CumulativeMetersetWeight") or 0.0,
        gantry_angle_deg=values.get("GantryAngle", 0.0),
        beam_limiting_device_angle_deg=values.get("BeamLimitingDeviceAngle", 0.0),
        couch=CouchPose(**{name: values.get(keyword, 0.0) for name, keyword in COUCH.items()}),
        positions=tuple(AperturePositions(kind, stated) for kind, stated in carried.positions.items()),
        isocenter_mm=_moved_isocenter(carried),
        rotations=Rotations(**carried.rotations),
        couch_unstated=tuple(name for name, keyword in TABLE_TOP.items() if keyword not in values),
        **{entry.field: carried.others.get(entry.field, entry.kind.nothing) for entry in OTHERS},
        wedge_positions=tuple(carried.items[wedges.field].values()),
        dose_coefficients=COEFFICIENTS.read(item, told),
        ion=_read_ion(item, carried, told) if is_ion else None,
    )


def _carry(item: Dataset, carried: _Carried, others: tuple[Attribute, ...], told: Told) -> None:
    """Replace single values where this control point states them."""
    for keyword in (*ANGLES.values(), *COUCH.values()):
        value = number(item, keyword)
        if value is not None:
            carried.numbers[keyword] = value
    for name, keyword in ROTATIONS.items():
        carried.rotations[name] = text(item, keyword) or carried.rotations.get(name, "NONE")
    for entry in others:
        value = entry.read(item, told)
        if value != entry.kind.nothing:
            carried.others[entry.field] = value
    for position in items(item, "BeamLimitingDevicePositionSequence"):
        carried.positions[text(position, "RTBeamLimitingDeviceType")] = numbers(position, "LeafJawPositions")


def _carry_items(item: Dataset, carried: _Carried, sequence: Many, told: Told) -> None:
    """Replace the settings of those devices that this control point names."""
    settings = carried.items.setdefault(sequence.field, {})
    for setting in sequence.read(item, told):
        settings[getattr(setting, sequence.table.entries[0].field)] = setting


def _carry_isocenter(item: Dataset, carried: _Carried) -> None:
    """Take the isocenter where it is stated."""
    if numbers(item, "IsocenterPosition"):
        carried.isocenter_mm = required_numbers(item, "IsocenterPosition", 3)
        if max(map(abs, carried.isocenter_mm)) > LONGEST_MM:
            x, y, z = carried.isocenter_mm
            raise UnreadableFile(
                f"A beam has its isocenter at ({x:g}, {y:g}, {z:g}) mm, over 100 m away; export the plan again."
            )
        carried.first_isocenter_mm = carried.first_isocenter_mm or carried.isocenter_mm


def _moved_isocenter(carried: _Carried) -> tuple[float, float, float] | None:
    """Where the isocenter has moved to, None where it is still that of the beam."""
    pairs = zip(carried.isocenter_mm, carried.first_isocenter_mm, strict=True)
    if all(abs(now - first) <= SAME_ISOCENTER_MM for now, first in pairs):
        return None
    x, y, z = carried.isocenter_mm
    return x, y, z


def _read_ion(item: Dataset, carried: _Carried, told: Told) -> IonControlPoint:
    """What only ion beams have; spots are of this control point alone."""
    for sequence in ION_SETTINGS:
        _carry_items(item, carried, sequence, told)
    return IonControlPoint(
        **{entry.field: carried.others.get(entry.field, entry.kind.nothing) for entry in ION_OTHERS},
        range_shifters=tuple(carried.items["range_shifters"].values()),
        lateral_spreaders=tuple(carried.items["lateral_spreaders"].values()),
        range_modulators=tuple(carried.items["range_modulators"].values()),
        spots=SPOTS.read(item, told) if any(keyword in item for keyword in SPOT_KEYWORDS) else None,
    )


def write_control_points(beam: Beam) -> list[Dataset]:
    """The control point items of a beam.

    Raises InconsistentInput where the gantry turns and its direction is NONE: which way is not ours to guess.
    """
    _require_directions(beam)
    written = [_whole_item(beam, index) for index in range(len(beam.control_points))]
    for element in list(written[0]) if written else ():
        is_constant = all(item.get(element.keyword) == element.value for item in written)
        if is_constant and element.keyword not in IN_EVERY_ITEM:
            for item in written[1:]:
                del item[element.tag]
    _drop_still_devices(written)
    return written


def _require_directions(beam: Beam) -> None:
    """Raise InconsistentInput where an angle changes without a direction."""
    for before, after in pairwise(beam.control_points):
        turn_deg = signed_angle_difference_deg(after.gantry_angle_deg, before.gantry_angle_deg)
        if abs(turn_deg) > SAME_ANGLE_DEG and before.rotations.gantry == "NONE":
            raise InconsistentInput(
                f"The gantry of beam {beam.number} {beam.name!r} goes from {before.gantry_angle_deg:g} to "
                f"{after.gantry_angle_deg:g} degrees and its direction is NONE; say CW or CC in its rotations."
            )


def _whole_item(beam: Beam, index: int) -> Dataset:
    """One control point with all that is known of it."""
    point, is_ion = beam.control_points[index], beam.ion_line is not None
    item = Dataset()
    item.ControlPointIndex = index
    item.CumulativeMetersetWeight = decimal(point.cumulative_meterset_weight)
    for name, keyword in ANGLES.items():
        setattr(item, keyword, decimal(getattr(point, name)))
    _set_couch(item, point, is_ion)
    for entry in OTHERS:
        entry.written_to(item, getattr(point, entry.field))
    for name, keyword in ROTATIONS.items():
        if keyword.replace("RotationDirection", "Angle") in item:
            setattr(item, keyword, getattr(point.rotations, name))
    isocenter_mm = beam.isocenter_at(point)
    item.IsocenterPosition = None if isocenter_mm is None else decimals(isocenter_mm)
    if point.positions:
        item.BeamLimitingDevicePositionSequence = [_position_item(found) for found in point.positions]
    (ION_WEDGES if is_ion else WEDGES).written_to(item, point.wedge_positions)
    COEFFICIENTS.written_to(item, point.dose_coefficients)
    if point.ion is not None:
        _set_ion(item, point.ion)
    return item


def _set_couch(item: Dataset, point: ControlPoint, is_ion: bool) -> None:
    """Table-top positions and angles (PS3.3 C.8.8.14.12); ion beams know no eccentric table top."""
    fields = {**TABLE_TOP, **COUCH_ANGLES} if is_ion else COUCH
    for name, keyword in fields.items():
        stated = name not in point.couch_unstated
        setattr(item, keyword, written_number(keyword, getattr(point.couch, name)) if stated else None)


def _position_item(found: AperturePositions) -> Dataset:
    """Beam Limiting Device Position item."""
    item = Dataset()
    item.RTBeamLimitingDeviceType = found.device
    item.LeafJawPositions = decimals(found.positions_mm)
    return item


def _set_ion(item: Dataset, ion: IonControlPoint) -> None:
    """What only ion beams have."""
    for entry in ION_OTHERS:
        entry.written_to(item, getattr(ion, entry.field))
    for sequence in ION_SETTINGS:
        sequence.written_to(item, getattr(ion, sequence.field))
    if ion.spots is not None:
        SPOTS.written_to(item, ion.spots)


def _drop_still_devices(written: list[Dataset]) -> None:
    """Leave out the positions of devices that never move, but in the first item."""
    first = {_kind(position): position for position in _positions(written[0])} if written else {}
    moving = {
        _kind(position) for item in written for position in _positions(item) if first.get(_kind(position)) != position
    }
    for item in written[1:]:
        kept = [position for position in _positions(item) if _kind(position) in moving]
        if kept:
            item.BeamLimitingDevicePositionSequence = kept
        elif "BeamLimitingDevicePositionSequence" in item:
            del item.BeamLimitingDevicePositionSequence


def _kind(position: Dataset) -> str:
    """The device that a position item is of."""
    return text(position, "RTBeamLimitingDeviceType")


def _positions(item: Dataset) -> tuple[Dataset, ...]:
    """The position items of a control point."""
    return items(item, "BeamLimitingDevicePositionSequence")
