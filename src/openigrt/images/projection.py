"""Projections: X-ray images on a detector, with the pose of the machine that took them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry, MissingInput
from openigrt.geometry import (
    CouchPose,
    Frame,
    ProjectionGeometry,
    RigidTransform,
    fixed_from_lps,
    require_same_frame,
)
from openigrt.images.image import Provenance

LOWEST_MEGAVOLTAGE_KV = 1000.0


class ProjectionKind(StrEnum):
    """What a projection is: Image Type (0008,0008), value 3 (PS3.3 C.8.8.2.1)."""

    PORTAL = "PORTAL"
    RADIOGRAPH = "RADIOGRAPH"
    SIMULATOR = "SIMULATOR"
    DRR = "DRR"
    OTHER = "OTHER"


class IntensityRelationship(StrEnum):
    """How pixel values follow the intensity of the beam (PS3.3 C.8.19.6.4.1.1)."""

    LIN = "LIN"
    LOG = "LOG"
    DISP = "DISP"


@dataclass(frozen=True, slots=True)
class Intensity:
    """How pixel values follow the beam; None where that is not stated.

    `rises_with_beam`: whether more beam gives a higher value. `is_bright_low`: whether the lowest value is meant to be
    shown white (MONOCHROME1); the pixels themselves are never turned round.
    """

    relationship: IntensityRelationship | None = None
    rises_with_beam: bool | None = None
    is_bright_low: bool = False


@dataclass(frozen=True, slots=True)
class Exposure:
    """What made the image; None where that is not stated. An accelerating voltage of 6 MV is 6000 kV."""

    tube_voltage_kv: float | None = None
    tube_current_ma: float | None = None
    exposure_time_ms: float | None = None
    meterset_mu: float | None = None

    @property
    def is_megavoltage(self) -> bool | None:
        """Whether the beam was of megavolts; None where the voltage is not stated."""
        return None if self.tube_voltage_kv is None else self.tube_voltage_kv >= LOWEST_MEGAVOLTAGE_KV


@dataclass(frozen=True, slots=True)
class MachinePose:
    """Where the machine stood, IEC 61217: the angles are those of the gantry that carries this source.

    `couch` is None where not even the support angle is stated, `has_couch_position` whether its position is, too.
    """

    gantry_angle_deg: float
    source_axis_distance_mm: float
    gantry_pitch_angle_deg: float = 0.0
    beam_limiting_device_angle_deg: float | None = None
    couch: CouchPose | None = None
    has_couch_position: bool = False


@dataclass(frozen=True, slots=True)
class PlannedBeam:
    """The beam that a projection belongs to, by the UID of its plan; empty or None where that is not stated.

    `fraction_group_number` is that of the plan's group of fractions, `is_ion` whether the plan is an RT Ion Plan.
    """

    plan_uid: str = ""
    beam_number: int | None = None
    fraction_number: int | None = None
    fraction_group_number: int | None = None
    is_ion: bool = False


@dataclass(frozen=True, eq=False)
class Projection:
    """One X-ray image: float32 `pixels` [row, column] on the detector of `geometry`, which lies in the fixed frame.

    `isocenter_mm` (3,) is where the machine isocenter lay in the patient, in LPS mm of the frame `patient_frame_uid`;
    how the patient lay stands in the provenance. The array is read-only.
    """

    pixels: NDArray[np.float32]
    geometry: ProjectionGeometry
    pose: MachinePose
    kind: ProjectionKind
    label: str = ""
    intensity: Intensity = field(default_factory=Intensity)
    exposure: Exposure = field(default_factory=Exposure)
    beam: PlannedBeam = field(default_factory=PlannedBeam)
    isocenter_mm: tuple[float, float, float] | None = None
    patient_frame_uid: str = ""
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        """Check that the pixels fit the detector, and freeze them."""
        require_same_frame(self.geometry.frame, Frame.FIXED, "A projection")
        array = np.ascontiguousarray(self.pixels, dtype=np.float32)
        if array.shape != self.geometry.shape:
            raise InvalidGeometry(f"Pixels of shape {array.shape} do not fit a detector of {self.geometry.shape}.")
        view = array.view()
        view.setflags(write=False)
        object.__setattr__(self, "pixels", view)

    @property
    def acquired_at(self) -> datetime | None:
        """When it was acquired, in UTC; None where that is not stated."""
        return self.provenance.acquired_at

    def fixed_from_patient(self, patient: Frame) -> RigidTransform:
        """Patient axes (LPS) to the room at the time of the image.

        Raises MissingInput where isocenter, patient position or couch angles are not stated (give them with
        `dataclasses.replace`), FrameMismatch for a patient frame of another UID than the isocenter's.
        """
        position = self.provenance.patient_position
        if self.isocenter_mm is None or position is None or self.pose.couch is None:
            stated = {
                "isocenter": self.isocenter_mm,
                "patient position": position,
                "patient support angle": self.pose.couch,
            }
            lacks = ", ".join(name for name, value in stated.items() if value is None)
            raise MissingInput(
                f"A projection shows where the patient lies only with its {lacks}; take it from the plan."
            )
        if self.patient_frame_uid:
            require_same_frame(patient, Frame(patient.role, self.patient_frame_uid), "Patient of a projection")
        return fixed_from_lps(position, patient, self.isocenter_mm, self.pose.couch)

    def patient_geometry(self, patient: Frame) -> ProjectionGeometry:
        """Source and detector in patient axes: there, anatomy projects onto pixels. Raises as `fixed_from_patient`."""
        return self.geometry.moved(self.fixed_from_patient(patient).inverse())
