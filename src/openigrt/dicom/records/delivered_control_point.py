"""Control points of treatment records, as they were delivered: to and from our nouns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.tag import Tag

from openigrt.dicom.dataset.elements import (
    float_array,
    items,
    moment,
    number,
    number_within,
    numbers,
    tag_number,
    text,
    whole_number,
)
from openigrt.dicom.dataset.headers import date_and_time, decimal, decimals
from openigrt.dicom.records.stated_position import CarriedPosition, require_known, set_gantry, set_positions
from openigrt.errors import InconsistentInput, UnsupportedInput
from openigrt.geometry import LONGEST_MM
from openigrt.patient import (
    AperturePositions,
    CorrectedParameter,
    DeliveredControlPoint,
    DeliveredSpots,
    Override,
    Parameter,
    RangeShifterSetting,
    RotationDirection,
)

MAX_SPOTS, MAX_DEVICES = 1_000_000, 20
LARGEST_METERSET = 1e15

Word = TypeVar("Word", bound=StrEnum)


@dataclass(slots=True)
class RecordReading:
    """What all parts of one record share: its time zone, and what was noticed, each once."""

    zone: str
    messages: dict[str, None] = field(default_factory=dict)

    def notice(self, sentence: str) -> None:
        """Add a message."""
        self.messages[sentence] = None

    def word(self, item: Dataset, keyword: str, words: type[Word]) -> Word | None:
        """A word of an enumeration; None where there is none, or one that is not known, which a message says."""
        said = text(item, keyword)
        try:
            return words(said) if said else None
        except ValueError:
            self.notice(f"{keyword} {said!r} is not known; taken as not stated.")
            return None


def meterset(item: Dataset, keyword: str) -> float | None:
    """A meterset, zero or above."""
    return number_within(item, keyword, 0.0, LARGEST_METERSET)


@dataclass(slots=True)
class CarriedControlPoint:
    """What the next control point leaves as it was."""

    position: CarriedPosition = field(default_factory=CarriedPosition)
    aperture: dict[str, tuple[float, ...]] = field(default_factory=dict)
    gantry_rotation: RotationDirection | None = None

    def point(self, item: Dataset, reading: RecordReading) -> DeliveredControlPoint:
        """One control point, with what the ones before it said."""
        at = moment(item, "TreatmentControlPointDate", "TreatmentControlPointTime", reading.zone)
        for found in items(item, "BeamLimitingDevicePositionSequence"):
            self.aperture[text(found, "RTBeamLimitingDeviceType")] = numbers(found, "LeafJawPositions")
        if "GantryRotationDirection" in item:
            self.gantry_rotation = reading.word(item, "GantryRotationDirection", RotationDirection)
        if len(self.aperture) > MAX_DEVICES:
            raise UnsupportedInput(f"A beam was shaped by more than {MAX_DEVICES} devices; no machine has so many.")
        return DeliveredControlPoint(
            position=self.position.after(item, reading.notice),
            gantry_rotation=self.gantry_rotation,
            index=whole_number(item, "ReferencedControlPointIndex"),
            at=at,
            specified_meterset=meterset(item, "SpecifiedMeterset"),
            delivered_meterset=meterset(item, "DeliveredMeterset"),
            rate_set=meterset(item, "DoseRateSet" if "DoseRateSet" in item else "MetersetRateSet"),
            rate_delivered=meterset(
                item, "DoseRateDelivered" if "DoseRateDelivered" in item else "MetersetRateDelivered"
            ),
            nominal_energy=meterset(item, "NominalBeamEnergy"),
            nominal_energy_unit=text(item, "NominalBeamEnergyUnit"),
            aperture=tuple(AperturePositions(device, mm) for device, mm in self.aperture.items()),
            overrides=tuple(_override(o, at) for o in items(item, "OverrideSequence")),
            corrections=tuple(
                CorrectedParameter(_parameter(c, "ParameterPointer"), number(c, "CorrectionValue"))
                for c in items(item, "CorrectedParameterSequence")
            ),
            spots=_spots(item),
            range_shifters=tuple(_setting(s) for s in items(item, "RangeShifterSettingsSequence")),
            snout_position_mm=number_within(item, "SnoutPosition", -LONGEST_MM, LONGEST_MM),
        )


def _override(item: Dataset, at: datetime | None) -> Override:
    """What a person let pass; it has the time of its control point."""
    return Override(
        _parameter(item, "OverrideParameterPointer"), text(item, "OperatorsName"), text(item, "OverrideReason"), at
    )


def _setting(item: Dataset) -> RangeShifterSetting:
    """The setting of a range shifter."""
    return RangeShifterSetting(whole_number(item, "ReferencedRangeShifterNumber"), text(item, "RangeShifterSetting"))


def _parameter(item: Dataset, keyword: str) -> Parameter:
    """The attribute that an override or correction points at."""
    tag = tag_number(item, keyword)
    return Parameter(
        tag,
        keyword_for_tag(tag) if tag else "",
        tag_number(item, "ParameterSequencePointer"),
        whole_number(item, "ParameterItemIndex"),
    )


def _spots(item: Dataset) -> DeliveredSpots | None:
    """The spots of a scanned layer, None where there are none."""
    if "ScanSpotPositionMap" not in item and "ScanSpotMetersetsDelivered" not in item:
        return None
    coordinates_mm = float_array(item, "ScanSpotPositionMap", 2 * MAX_SPOTS)
    metersets = float_array(item, "ScanSpotMetersetsDelivered", MAX_SPOTS)
    prescribed = tuple(round(index) for index in numbers(item, "ScanSpotPrescribedIndices"))
    sizes_mm = float_array(item, "ScanSpotSizesDelivered", 2 * MAX_SPOTS).tolist()
    if len(sizes_mm) not in (0, 2, 2 * len(metersets)):
        raise InconsistentInput(f"A control point holds {len(sizes_mm)} sizes for {len(metersets)} spots.")
    if len(coordinates_mm) != 2 * len(metersets) or (prescribed and len(prescribed) != len(metersets)):
        raise InconsistentInput(
            f"A control point holds {len(coordinates_mm)} coordinates, {len(metersets)} metersets and "
            f"{len(prescribed)} indices of spots; expected two, one and, where there are any, one for each spot."
        )
    return DeliveredSpots(
        tune_id=text(item, "ScanSpotTuneID"),
        paintings=whole_number(item, "NumberOfPaintings"),
        positions_mm=coordinates_mm.reshape(-1, 2),
        metersets=metersets,
        prescribed=prescribed,
        sizes_mm=tuple(zip(sizes_mm[0::2], sizes_mm[1::2], strict=True)),
    )


def decimal_or_empty(value: float | None) -> str:
    """A number of type 2: empty where it is not known."""
    return "" if value is None else decimal(value)


def control_point_items(points: Sequence[DeliveredControlPoint], is_ion: bool) -> list[Dataset]:
    """Control Point Delivery items of a beam."""
    made = [_point_item(point, index, is_ion) for index, point in enumerate(points)]
    set_positions(made, [point.position for point in points], is_ion)
    set_gantry(made, [point.position.gantry_angle_deg for point in points], [p.gantry_rotation for p in points])
    for index, (item, point) in enumerate(zip(made, points, strict=True)):
        before = points[index - 1].aperture if index else ()
        changed = [device for device in point.aperture if device not in before]
        if changed:
            item.BeamLimitingDevicePositionSequence = [_aperture_item(device) for device in changed]
    return made


def _point_item(point: DeliveredControlPoint, index: int, is_ion: bool) -> Dataset:
    """What a control point says of its own."""
    item = Dataset()
    at = require_known(point.at, "the date and time of a control point")
    item.TreatmentControlPointDate, item.TreatmentControlPointTime = date_and_time(at)
    item.SpecifiedMeterset = decimal_or_empty(point.specified_meterset)
    item.DeliveredMeterset = decimal(require_known(point.delivered_meterset, "the meterset of a control point"))
    if point.index is not None or is_ion:
        item.ReferencedControlPointIndex = index if point.index is None else point.index
    _set_rates(item, point, is_ion)
    if point.overrides:
        item.OverrideSequence = [_override_item(override) for override in point.overrides]
    if point.corrections:
        item.CorrectedParameterSequence = [_correction_item(correction) for correction in point.corrections]
    if point.range_shifters:
        item.RangeShifterSettingsSequence = [_setting_item(setting) for setting in point.range_shifters]
    if point.snout_position_mm is not None:
        item.SnoutPosition = point.snout_position_mm
    if point.spots is not None:
        _set_spots(item, point.spots)
    return item


def _set_rates(item: Dataset, point: DeliveredControlPoint, is_ion: bool) -> None:
    """Rates of the dosimeter and nominal energy, which photon and ion beams spell differently."""
    if is_ion:
        for keyword, rate in (("MetersetRateSet", point.rate_set), ("MetersetRateDelivered", point.rate_delivered)):
            if rate is not None:
                setattr(item, keyword, rate)
    else:
        item.DoseRateSet = decimal_or_empty(point.rate_set)
        item.DoseRateDelivered = decimal_or_empty(point.rate_delivered)
    if point.nominal_energy is not None and (is_ion or point.nominal_energy_unit):
        item.NominalBeamEnergy = decimal(point.nominal_energy)
    if point.nominal_energy_unit and not is_ion:
        item.NominalBeamEnergyUnit = point.nominal_energy_unit


def _aperture_item(device: AperturePositions) -> Dataset:
    """Beam Limiting Device Position item."""
    item = Dataset()
    item.RTBeamLimitingDeviceType = device.device
    item.LeafJawPositions = decimals(device.positions_mm)
    return item


def _set_parameter(item: Dataset, keyword: str, parameter: Parameter) -> None:
    """Where an attribute is that was overridden or corrected."""
    if parameter.sequence_tag:
        item.ParameterSequencePointer = Tag(parameter.sequence_tag)
    setattr(item, keyword, Tag(parameter.tag) if parameter.tag else None)
    if parameter.item is not None:
        item.ParameterItemIndex = parameter.item


def _override_item(override: Override) -> Dataset:
    """Override item."""
    item = Dataset()
    item.OperatorsName = override.operators
    _set_parameter(item, "OverrideParameterPointer", override.parameter)
    if override.reason:
        item.OverrideReason = override.reason
    return item


def _correction_item(correction: CorrectedParameter) -> Dataset:
    """Corrected Parameter item."""
    item = Dataset()
    _set_parameter(item, "ParameterPointer", correction.parameter)
    for keyword in ("ParameterSequencePointer", "ParameterPointer", "ParameterItemIndex"):
        require_known(item.get(keyword), f"{keyword} of a corrected parameter")
    item.CorrectionValue = require_known(correction.correction, "the value of a correction")
    return item


def _setting_item(setting: RangeShifterSetting) -> Dataset:
    """Range Shifter Settings item."""
    item = Dataset()
    item.ReferencedRangeShifterNumber = require_known(setting.number, "the number of a range shifter")
    item.RangeShifterSetting = require_known(setting.setting, "the setting of a range shifter")
    return item


def _set_spots(item: Dataset, spots: DeliveredSpots) -> None:
    """Scan spots of a layer (PS3.3 C.8.8.26)."""
    item.ScanSpotTuneID = require_known(spots.tune_id, "the tune ID of spots")
    item.NumberOfScanSpotPositions = len(spots.metersets)
    item.ScanSpotPositionMap = spots.positions_mm.ravel().tolist()
    item.ScanSpotMetersetsDelivered = spots.metersets.tolist()
    item.NumberOfPaintings = require_known(spots.paintings, "the number of paintings of spots")
    if spots.prescribed:
        item.ScanSpotReordered = "YES"
        item.ScanSpotPrescribedIndices = list(spots.prescribed)
    if spots.sizes_mm:
        item.ScanSpotSizesDelivered = [size for pair in spots.sizes_mm for size in pair]
