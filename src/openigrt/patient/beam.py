"""A beam: where it aims, what limits it, and how both change from control point to control point."""

from dataclasses import dataclass, field

from openigrt.geometry import CouchPose
from openigrt.patient.beam_modifiers import BeamModifiers
from openigrt.patient.ion_beam import IonBeamLine, IonControlPoint

Point = tuple[float, float, float]

X_JAWS, Y_JAWS = ("X", "ASYMX"), ("Y", "ASYMY")


@dataclass(frozen=True, slots=True)
class BeamLimitingDevice:
    """A pair of jaws or a layer of leaves: `kind` X, Y, ASYMX, ASYMY, MLCX, MLCY, MLCX1, MLCX2.

    X and Y are the axes of the beam-limiting device along which it moves; `boundaries_mm` are the edges of the leaves
    across it at the isocenter plane, one more than `pair_count`, none for jaws and where the plan does not say them.
    """

    kind: str
    pair_count: int | None
    boundaries_mm: tuple[float, ...] = ()
    source_distance_mm: float | None = None
    isocenter_distance_mm: float | None = None

    @property
    def moves_along_x(self) -> bool:
        """Whether it opens along x, not along y."""
        return "X" in self.kind

    @property
    def is_leaves(self) -> bool:
        """Whether it is made of leaves."""
        return self.kind.startswith("MLC")


@dataclass(frozen=True, slots=True)
class AperturePositions:
    """Where jaws or leaves of a device (ASYMX, MLCX, ...) stand, mm at the isocenter plane: the minus sides first."""

    device: str
    positions_mm: tuple[float, ...]


def jaws(x_mm: tuple[float, float], y_mm: tuple[float, float]) -> tuple[AperturePositions, ...]:
    """The positions of two pairs of jaws."""
    return AperturePositions("ASYMX", x_mm), AperturePositions("ASYMY", y_mm)


@dataclass(frozen=True, slots=True)
class Rotations:
    """Which way each axis turns until the next control point: CW, CC or NONE (PS3.3 C.8.8.14.8)."""

    gantry: str = "NONE"
    gantry_pitch: str = "NONE"
    beam_limiting_device: str = "NONE"
    patient_support: str = "NONE"
    table_top_eccentric: str = "NONE"
    table_top_pitch: str = "NONE"
    table_top_roll: str = "NONE"


@dataclass(frozen=True, slots=True)
class WedgePosition:
    """Whether the wedge of this number is IN or OUT; PARTIAL wedges say by `thin_edge_position_mm` how far."""

    wedge_number: int
    position: str
    thin_edge_position_mm: float | None = None


@dataclass(frozen=True, slots=True)
class DoseCoefficient:
    """The share of the beam's dose that a dose reference has received up to this control point."""

    dose_reference_number: int
    coefficient: float | None


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """One control point, IEC 61217 mm and degrees; what the plan leaves open is None.

    What the plan does not repeat stands here all the same, as it was (PS3.3 C.8.8.14.5). `couch_unstated` names the
    positions of the table top that the plan leaves open: they are zero in `couch`. `isocenter_mm` is None where it is
    the beam's. `nominal_energy_mev` is in MV for photons, and per nucleon for ions.
    """

    cumulative_meterset_weight: float
    gantry_angle_deg: float
    beam_limiting_device_angle_deg: float
    couch: CouchPose
    positions: tuple[AperturePositions, ...] = ()
    isocenter_mm: Point | None = None
    rotations: Rotations = Rotations()
    couch_unstated: tuple[str, ...] = ()
    gantry_pitch_angle_deg: float | None = None
    nominal_energy_mev: float | None = None
    dose_rate_mu_per_min: float | None = None
    source_surface_distance_mm: float | None = None
    surface_entry_mm: tuple[float, ...] = ()
    table_top_alignment_uid: str = ""
    wedge_positions: tuple[WedgePosition, ...] = ()
    dose_coefficients: tuple[DoseCoefficient, ...] = ()
    ion: IonControlPoint | None = None

    def positions_mm_of(self, *kinds: str) -> tuple[float, ...]:
        """Where the first device of one of these kinds stands; empty where there is none."""
        return next((found.positions_mm for found in self.positions if found.device in kinds), ())

    @property
    def jaw_x_mm(self) -> tuple[float, float] | None:
        """The two jaws that move along x, None where there are none."""
        return _pair(self.positions_mm_of(*X_JAWS))

    @property
    def jaw_y_mm(self) -> tuple[float, float] | None:
        """The two jaws that move along y, None where there are none."""
        return _pair(self.positions_mm_of(*Y_JAWS))


def _pair(positions_mm: tuple[float, ...]) -> tuple[float, float] | None:
    """Two positions, or None."""
    return (positions_mm[0], positions_mm[1]) if len(positions_mm) == 2 else None


@dataclass(frozen=True, slots=True)
class PlannedMachine:
    """Which machine a beam was planned for, beside its name."""

    manufacturer: str = ""
    model: str = ""
    serial_number: str = ""
    institution: str = ""


@dataclass(frozen=True, slots=True)
class FluenceMode:
    """STANDARD or NON_STANDARD primary fluence, with the maker's name for it, such as FFF."""

    mode: str
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceImage:
    """An image that a beam is compared with, such as a DRR."""

    sop_class_uid: str
    uid: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """An image that is to be taken while the beam is on."""

    start_meterset_weight: float | None = None
    end_meterset_weight: float | None = None
    meterset_exposure: float | None = None
    acquisition_parameters: str = ""


@dataclass(frozen=True, slots=True)
class Beam:
    """A treatment, imaging or setup beam; `isocenter_mm` in LPS of the plan's frame, None where it has none.

    `meterset_mu` is that of the first fraction group which names the beam, in `dosimeter_unit`.
    """

    number: int
    name: str
    delivery_type: str
    radiation_type: str
    machine_name: str
    isocenter_mm: Point | None
    source_axis_distance_mm: float
    meterset_mu: float | None
    control_points: tuple[ControlPoint, ...]
    devices: tuple[BeamLimitingDevice, ...] = ()
    modifiers: BeamModifiers = field(default_factory=BeamModifiers)
    ion_line: IonBeamLine | None = None
    description: str = ""
    machine: PlannedMachine = PlannedMachine()
    dosimeter_unit: str = "MU"
    fluence_mode: FluenceMode | None = None
    high_dose_technique: str = ""
    final_meterset_weight: float | None = None
    patient_setup_number: int | None = None
    tolerance_table_number: int | None = None
    reference_images: tuple[ReferenceImage, ...] = ()
    planned_images: tuple[PlannedImage, ...] = ()

    @property
    def is_setup(self) -> bool:
        """Whether the beam only images or sets up (Treatment Delivery Type SETUP)."""
        return self.delivery_type == "SETUP"

    @property
    def leaves(self) -> tuple[BeamLimitingDevice, ...]:
        """The layers of leaves, in the order of the plan."""
        return tuple(device for device in self.devices if device.is_leaves)

    def isocenter_at(self, point: ControlPoint) -> Point | None:
        """The isocenter of one of its control points."""
        return point.isocenter_mm or self.isocenter_mm
