"""What a treatment machine recorded that it delivered: a session of photon, electron or ion beams."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, frozen_array
from openigrt.patient.beam import AperturePositions
from openigrt.patient.stated_position import StatedPosition


class TerminationStatus(StrEnum):
    """How the delivery of a beam ended (3008,002A)."""

    NORMAL = "NORMAL"
    OPERATOR = "OPERATOR"
    MACHINE = "MACHINE"
    UNKNOWN = "UNKNOWN"


class VerificationStatus(StrEnum):
    """Whether the settings of a beam were verified, and whether that took an override (3008,002C)."""

    VERIFIED = "VERIFIED"
    OVERRIDDEN = "VERIFIED_OVR"
    NOT_VERIFIED = "NOT_VERIFIED"


class DeliveryType(StrEnum):
    """What a beam was delivered for (300A,00CE); UNKNOWN where the record does not say, or says another word."""

    TREATMENT = "TREATMENT"
    CONTINUATION = "CONTINUATION"
    OPEN_PORTFILM = "OPEN_PORTFILM"
    TREATMENT_PORTFILM = "TRMT_PORTFILM"
    SETUP = "SETUP"
    UNKNOWN = "UNKNOWN"

    @property
    def is_treatment(self) -> bool:
        """Whether its meterset counts toward the planned one; what is unknown counts, so that nothing is overlooked."""
        return self in (DeliveryType.TREATMENT, DeliveryType.CONTINUATION, DeliveryType.UNKNOWN)


class RotationDirection(StrEnum):
    """Which way an axis turns to the next control point; without it an arc of more than half a turn is open."""

    CLOCKWISE = "CW"
    COUNTER_CLOCKWISE = "CC"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Parameter:
    """An attribute of the record that was overridden or corrected.

    `tag` is group and element as one number, 0 where the record does not say, `name` its keyword; `sequence_tag` is the
    sequence that holds it, and `item` its one-based place there.
    """

    tag: int
    name: str = ""
    sequence_tag: int = 0
    item: int | None = None

    def __str__(self) -> str:
        """The keyword, else the tag."""
        return self.name or (f"({self.tag >> 16:04X},{self.tag & 0xFFFF:04X})" if self.tag else "an unnamed parameter")


@dataclass(frozen=True, slots=True)
class Override:
    """A person let the beam go on though a parameter did not verify (3008,0060); `at` is when its control point was."""

    parameter: Parameter
    operators: str = ""
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CorrectedParameter:
    """A parameter that was corrected before or during delivery (3008,0068), and by how much, in its own unit."""

    parameter: Parameter
    correction: float | None = None


@dataclass(frozen=True, slots=True)
class RangeShifterSetting:
    """The setting of one range shifter."""

    number: int | None
    setting: str


@dataclass(frozen=True, eq=False, slots=True)
class DeliveredSpots:
    """Spots of a scanned layer: `positions_mm` (n, 2) x and y at the isocenter, `metersets` (n,) as delivered.

    `prescribed` (n,) are the numbers of the spots in the plan, empty where the record leaves them out; `sizes_mm`
    are the full widths at half maximum in x and y, one pair for all spots or one for each, empty likewise.
    """

    tune_id: str
    paintings: int | None
    positions_mm: Float64Array
    metersets: Float64Array
    prescribed: tuple[int, ...] = ()
    sizes_mm: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Check that all are as many, and freeze."""
        count = len(self.positions_mm)
        if self.prescribed and len(self.prescribed) != count:
            raise InvalidGeometry(f"{count} delivered spots and {len(self.prescribed)} numbers of them in the plan.")
        object.__setattr__(self, "positions_mm", frozen_array(self.positions_mm, (count, 2)))
        object.__setattr__(self, "metersets", frozen_array(self.metersets, (count,)))


@dataclass(frozen=True, slots=True)
class DeliveredControlPoint:
    """A control point as it was delivered; metersets in the record's `dosimeter_unit`, rates in that per minute.

    `gantry_rotation` leads to the next control point, `index` is that of the plan's control point. What the record
    omits after the first control point stayed as it was; what it never states is None.
    """

    position: StatedPosition
    gantry_rotation: RotationDirection | None = None
    index: int | None = None
    at: datetime | None = None
    specified_meterset: float | None = None
    delivered_meterset: float | None = None
    rate_set: float | None = None
    rate_delivered: float | None = None
    nominal_energy: float | None = None
    nominal_energy_unit: str = ""
    aperture: tuple[AperturePositions, ...] = ()
    overrides: tuple[Override, ...] = ()
    corrections: tuple[CorrectedParameter, ...] = ()
    spots: DeliveredSpots | None = None
    range_shifters: tuple[RangeShifterSetting, ...] = ()
    snout_position_mm: float | None = None


@dataclass(frozen=True, slots=True)
class VerificationImage:
    """An image that was taken while the beam was delivered, from which to which meterset."""

    sop_class_uid: str
    uid: str
    start_meterset: float | None = None
    end_meterset: float | None = None


@dataclass(frozen=True, slots=True)
class CalculatedDose:
    """Dose that the record says was calculated for a dose reference; of the plan, or else of the record itself."""

    dose_gy: float | None
    plan_reference: int | None = None
    record_reference: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class IonDelivery:
    """What a beam of ions has besides: how it was scanned, on what the patient lay, its range shifters by number.

    `range_shifters` are (number, ID); of the other devices in the beam only the numbers are known.
    """

    scan_mode: str = ""
    modulated_scan_mode: str = ""
    patient_support: str = ""
    mass_number: int | None = None
    atomic_number: int | None = None
    charge_state: int | None = None
    range_shifters: tuple[tuple[int | None, str], ...] = ()
    lateral_spreading_devices: int | None = None
    range_modulators: int | None = None


@dataclass(frozen=True, slots=True)
class DeliveredBeam:
    """One beam, or a part of one, as it was delivered in one session; metersets in the record's `dosimeter_unit`.

    `specified_meterset` is that of the plan for the whole fraction, `delivered_meterset` what this delivery gave: those
    of all deliveries of a fraction add up (PS3.3 C.8.8.21.2.1).
    """

    number: int | None
    name: str = ""
    radiation_type: str = ""
    beam_type: str = ""
    delivery_type: DeliveryType = DeliveryType.UNKNOWN
    fraction_number: int | None = None
    termination: TerminationStatus = TerminationStatus.UNKNOWN
    termination_code: str = ""
    termination_description: str = ""
    verification: VerificationStatus | None = None
    specified_meterset: float | None = None
    delivered_meterset: float | None = None
    specified_secondary_meterset: float | None = None
    delivered_secondary_meterset: float | None = None
    specified_time_s: float | None = None
    delivered_time_s: float | None = None
    wedges: int | None = None
    compensators: int | None = None
    boli: int | None = None
    blocks: int | None = None
    control_points: tuple[DeliveredControlPoint, ...] = ()
    verification_images: tuple[VerificationImage, ...] = ()
    calculated_doses: tuple[CalculatedDose, ...] = ()
    ion: IonDelivery | None = None

    @property
    def overrides(self) -> tuple[Override, ...]:
        """All that was overridden."""
        return tuple(override for point in self.control_points for override in point.overrides)

    @property
    def start(self) -> StatedPosition:
        """Where the machine stood at the first control point; nothing stated where there is none."""
        return self.control_points[0].position if self.control_points else StatedPosition()


@dataclass(frozen=True, slots=True)
class TreatmentMachine:
    """The machine that delivered, as the record names it."""

    name: str = ""
    manufacturer: str = ""
    model: str = ""
    serial_number: str = ""
    institution: str = ""


@dataclass(frozen=True, slots=True)
class TreatmentRecord:
    """One treatment session: when, on which machine, for which plan, and every beam of it.

    `dosimeter_unit` is MU, MINUTE or, for ions, NP. `plan_uid` is empty where the record names no plan.
    """

    uid: str
    beams: tuple[DeliveredBeam, ...]
    patient_id: str = ""
    treated_at: datetime | None = None
    machine: TreatmentMachine = field(default_factory=TreatmentMachine)
    plan_uid: str = ""
    fraction_group: int | None = None
    fractions_planned: int | None = None
    dosimeter_unit: str = ""
    calculated_doses: tuple[CalculatedDose, ...] = ()
    is_ion: bool = False

    def treated(self) -> Iterator[DeliveredBeam]:
        """The beams that treated, without images and setup."""
        return (beam for beam in self.beams if beam.delivery_type.is_treatment)
