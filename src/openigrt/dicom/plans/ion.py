"""The beam line of an ion beam and its settings, to and from their items (PS3.3 C.8.8.25)."""

from openigrt.dicom.dataset.mapping import (
    NUMBER,
    NUMBERS,
    PAIRS,
    REQUIRED_WHOLE,
    WHOLE,
    Many,
    Table,
    exactly,
    known,
    optional,
    required,
)
from openigrt.patient import BeamLineDevice, BeamLineSetting, IonBeamLine, RangeModulatorSetting, ScanSpots, Snout

SNOUT = Table(Snout, (required("identifier", "SnoutID"), optional("accessory_code", "AccessoryCode")))


def _devices(name: str) -> Table[BeamLineDevice]:
    """Range shifters, range modulators or lateral spreading devices: their elements differ by name alone."""
    modulation = (optional("beam_current_modulation", "BeamCurrentModulationID"),) if name == "RangeModulator" else ()
    return Table(
        BeamLineDevice,
        (
            required("number", f"{name}Number", REQUIRED_WHOLE),
            known("identifier", f"{name}ID"),
            required("kind", f"{name}Type"),
            optional("accessory_code", "AccessoryCode"),
            optional("description", f"{name}Description"),
            *modulation,
        ),
    )


BEAM_LINE = Table(
    IonBeamLine,
    (
        required("scan_mode", "ScanMode"),
        optional("modulated_scan_mode", "ModulatedScanModeType"),
        required("virtual_source_axis_distances_mm", "VirtualSourceAxisDistances", NUMBERS),
        optional("mass_number", "RadiationMassNumber", WHOLE),
        optional("atomic_number", "RadiationAtomicNumber", WHOLE),
        optional("charge_state", "RadiationChargeState", WHOLE),
        required("patient_support_kind", "PatientSupportType"),
        optional("patient_support_id", "PatientSupportID"),
        optional("patient_support_accessory_code", "PatientSupportAccessoryCode"),
        optional("fixation_light_azimuth_deg", "FixationLightAzimuthalAngle", NUMBER),
        optional("fixation_light_polar_deg", "FixationLightPolarAngle", NUMBER),
        optional("fixation_eye", "FixationEye"),
        Many("snouts", "SnoutSequence", SNOUT),
        Many("range_shifters", "RangeShifterSequence", _devices("RangeShifter")),
        Many("lateral_spreaders", "LateralSpreadingDeviceSequence", _devices("LateralSpreadingDevice")),
        Many("range_modulators", "RangeModulatorSequence", _devices("RangeModulator")),
    ),
    (
        ("NumberOfRangeShifters", "range_shifters"),
        ("NumberOfLateralSpreadingDevices", "lateral_spreaders"),
        ("NumberOfRangeModulators", "range_modulators"),
    ),
)


def _settings(name: str) -> Table[BeamLineSetting]:
    """Settings of range shifters or lateral spreading devices."""
    return Table(
        BeamLineSetting,
        (
            required("device_number", f"Referenced{name}Number", REQUIRED_WHOLE),
            required("setting", f"{name}Setting"),
            optional("isocenter_distance_mm", f"IsocenterTo{name}Distance", NUMBER),
            optional("water_equivalent_mm", f"{name}WaterEquivalentThickness", NUMBER),
        ),
    )


RANGE_SHIFTER_SETTING = _settings("RangeShifter")
LATERAL_SPREADER_SETTING = _settings("LateralSpreadingDevice")
RANGE_MODULATOR_SETTING = Table(
    RangeModulatorSetting,
    (
        required("device_number", "ReferencedRangeModulatorNumber", REQUIRED_WHOLE),
        optional("gating_start", "RangeModulatorGatingStartValue", NUMBER),
        optional("gating_stop", "RangeModulatorGatingStopValue", NUMBER),
        optional("gating_start_water_equivalent_mm", "RangeModulatorGatingStartWaterEquivalentThickness", NUMBER),
        optional("gating_stop_water_equivalent_mm", "RangeModulatorGatingStopWaterEquivalentThickness", NUMBER),
        optional("isocenter_distance_mm", "IsocenterToRangeModulatorDistance", NUMBER),
    ),
)


SPOTS = Table(
    ScanSpots,
    (
        required("positions_mm", "ScanSpotPositionMap", PAIRS),
        required("meterset_weights", "ScanSpotMetersetWeights", NUMBERS),
        optional("size_mm", "ScanningSpotSize", exactly(2)),
        required("tune_id", "ScanSpotTuneID"),
        optional("paintings", "NumberOfPaintings", WHOLE),
        optional("reordered", "ScanSpotReordered"),
    ),
    (("NumberOfScanSpotPositions", "positions_mm"),),
)
