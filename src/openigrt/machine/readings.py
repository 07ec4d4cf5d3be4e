"""What the devices of a treatment room say of themselves, each with its time on the clock of the machine."""

from dataclasses import dataclass
from enum import StrEnum

from openigrt.geometry import CouchPose


@dataclass(frozen=True, slots=True)
class CouchReading:
    """Where the couch is read out to stand, IEC 61217, and whether it is on its way."""

    pose: CouchPose
    at_s: float
    is_moving: bool


@dataclass(frozen=True, slots=True)
class RotationReading:
    """The angle at which gantry or collimator is read out to stand, IEC 61217 in [0, 360), and whether it turns."""

    angle_deg: float
    at_s: float
    is_moving: bool


class ArmState(StrEnum):
    """Where the arms of an imager's source and detector are."""

    RETRACTED = "retracted"
    MOVING = "moving"
    EXTENDED = "extended"


@dataclass(frozen=True, slots=True)
class Interlock:
    """A reason why no beam may be on: its name, what happened in words, and since when."""

    name: str
    reason: str
    since_s: float
