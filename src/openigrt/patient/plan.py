"""The plan: beams around an isocenter."""

from dataclasses import dataclass
from datetime import datetime

from openigrt.geometry import CouchPose, Frame, PatientPosition


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """One control point, IEC 61217 mm and degrees; a value that the plan leaves open is None."""

    cumulative_meterset_weight: float
    gantry_angle_deg: float
    beam_limiting_device_angle_deg: float
    couch: CouchPose
    jaw_x_mm: tuple[float, float] | None = None
    jaw_y_mm: tuple[float, float] | None = None
    leaf_positions_mm: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Beam:
    """A treatment or setup beam; `isocenter_mm` in LPS of the plan's frame.

    `leaf_device` is MLCX or MLCY and `leaf_boundaries_mm` its N+1 boundaries; both empty where there is none.
    """

    number: int
    name: str
    delivery_type: str
    radiation_type: str
    machine_name: str
    isocenter_mm: tuple[float, float, float]
    source_axis_distance_mm: float
    meterset_mu: float | None
    control_points: tuple[ControlPoint, ...]
    leaf_device: str = ""
    leaf_boundaries_mm: tuple[float, ...] = ()

    @property
    def is_setup(self) -> bool:
        """Whether the beam only images or sets up (Treatment Delivery Type SETUP)."""
        return self.delivery_type == "SETUP"


@dataclass(frozen=True, slots=True)
class Plan:
    """A treatment plan; all positions in LPS of `frame`."""

    uid: str
    label: str
    frame: Frame
    patient_id: str
    patient_position: PatientPosition
    approval: str
    beams: tuple[Beam, ...]
    structure_set_uid: str = ""
    fractions_planned: int | None = None
    created_at: datetime | None = None
    manufacturer: str = ""
