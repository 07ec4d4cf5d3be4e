"""What only beams of protons and heavier ions have: the beam line, and the spots of each control point."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BeamLineDevice:
    """A range shifter, range modulator or lateral spreading device: `kind` as DICOM has it (ANALOG, MAGNET, ...)."""

    number: int
    identifier: str
    kind: str
    accessory_code: str = ""
    description: str = ""
    beam_current_modulation: str = ""


@dataclass(frozen=True, slots=True)
class Snout:
    """A snout that is mounted."""

    identifier: str
    accessory_code: str = ""


@dataclass(frozen=True, slots=True)
class IonBeamLine:
    """How an ion beam is made wide and deep: `scan_mode` NONE (passive), UNIFORM, MODULATED, MODULATED_SPEC.

    `virtual_source_axis_distances_mm` are those of x and y in axes of the gantry.
    """

    scan_mode: str
    virtual_source_axis_distances_mm: tuple[float, ...]
    modulated_scan_mode: str = ""
    mass_number: int | None = None
    atomic_number: int | None = None
    charge_state: int | None = None
    patient_support_kind: str = ""
    patient_support_id: str = ""
    patient_support_accessory_code: str = ""
    fixation_light_azimuth_deg: float | None = None
    fixation_light_polar_deg: float | None = None
    fixation_eye: str = ""
    snouts: tuple[Snout, ...] = ()
    range_shifters: tuple[BeamLineDevice, ...] = ()
    lateral_spreaders: tuple[BeamLineDevice, ...] = ()
    range_modulators: tuple[BeamLineDevice, ...] = ()


@dataclass(frozen=True, slots=True)
class BeamLineSetting:
    """How a range shifter or a lateral spreading device stands: `setting` as the machine names it, IN or OUT."""

    device_number: int
    setting: str
    isocenter_distance_mm: float | None = None
    water_equivalent_mm: float | None = None


@dataclass(frozen=True, slots=True)
class RangeModulatorSetting:
    """Between which positions of a range modulator the beam is on, and how much water they stand for."""

    device_number: int
    gating_start: float | None = None
    gating_stop: float | None = None
    gating_start_water_equivalent_mm: float | None = None
    gating_stop_water_equivalent_mm: float | None = None
    isocenter_distance_mm: float | None = None


@dataclass(frozen=True, slots=True)
class ScanSpots:
    """The spots between this control point and the next, in the order of delivery.

    Positions in axes of the gantry at the isocenter plane, one for each of `meterset_weights`, which add up to the
    meterset weight between the two control points (PS3.3 C.8.8.25.7); `size_mm` is the full width at half maximum in
    x and y.
    """

    positions_mm: tuple[tuple[float, float], ...]
    meterset_weights: tuple[float, ...]
    size_mm: tuple[float, ...] = ()
    tune_id: str = ""
    paintings: int | None = None
    reordered: str = ""


@dataclass(frozen=True, slots=True)
class IonControlPoint:
    """What a control point of an ion beam says beside its angles and positions; `meterset_rate` as the plan has it."""

    snout_position_mm: float | None = None
    meterset_rate: float | None = None
    head_fixation_angle_deg: float | None = None
    spots: ScanSpots | None = None
    range_shifters: tuple[BeamLineSetting, ...] = ()
    lateral_spreaders: tuple[BeamLineSetting, ...] = ()
    range_modulators: tuple[RangeModulatorSetting, ...] = ()
