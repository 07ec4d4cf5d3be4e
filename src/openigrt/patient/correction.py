"""What the couch shall do, what that leaves, and what a person must decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from openigrt.geometry import CouchPose, DegreesOfFreedom, Float64Array, Pivot, TableAngles


class Action(StrEnum):
    """The decision: leave the patient, propose the correction, or call a person."""

    LEAVE = "leave"
    CORRECT = "correct"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class CouchMove:
    """A change of the couch axes: IEC 61217 mm and degrees, rotation order Rz(yaw) Rx(pitch) Ry(roll)."""

    lateral_mm: float
    longitudinal_mm: float
    vertical_mm: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float

    def command(self, degrees: DegreesOfFreedom) -> "CouchCommand":
        """What a couch of these degrees of freedom is told of this change."""
        return CouchCommand(
            self.lateral_mm,
            self.longitudinal_mm,
            self.vertical_mm,
            self.yaw_deg if degrees >= DegreesOfFreedom.TRANSLATION_YAW else None,
            self.pitch_deg if degrees >= DegreesOfFreedom.TRANSLATION_YAW_PITCH else None,
            self.roll_deg if degrees >= DegreesOfFreedom.ALL else None,
        )


@dataclass(frozen=True, slots=True)
class CouchCommand:
    """A change of the couch axes as in a CouchMove; None, never a zero, for an axis that is not commanded."""

    lateral_mm: float | None
    longitudinal_mm: float | None
    vertical_mm: float | None
    yaw_deg: float | None
    pitch_deg: float | None
    roll_deg: float | None

    @classmethod
    def none(cls) -> "CouchCommand":
        """No axis is commanded."""
        return cls(None, None, None, None, None, None)


@dataclass(frozen=True, eq=False)
class Target:
    """What the correction is judged on: surface points (n, 3) in LPS of the plan, with the rule that chose it."""

    name: str
    rule: str
    points_mm: Float64Array


@dataclass(frozen=True, slots=True)
class Residual:
    """What the couch leaves at one structure: largest and root-mean-square distance over its surface, mm."""

    structure: str
    max_mm: float
    rms_mm: float


@dataclass(frozen=True, eq=False)
class Correction:
    """A couch correction that a machine can make, its exact value, and the decision about it.

    `couch` is rounded to the machine's resolution, `couch_exact` is not; both are changes of the axes about `about`
    from `start` (None: angles zero, position unknown). `target_pose` is absolute and known only when `start` is.
    Axes beyond the `degrees_of_freedom` of the couch are None there. `console_translation` is the plain translation of
    the isocenter in table axes that consoles show, exact; its angles are None.
    `setup_error_mm` (3,) is where the anatomy that belongs at the isocenter is, LPS; `setup_rotation` is how the
    patient is turned, in table axes. `residuals` are what the rounded move leaves. `native_couch` is what the displays
    of the machine show at the target pose, by the label of each scale. `is_recommended` says whether the move is
    proposed to the person who decides; when it is False the numbers are for information only. `reasons` are what led to
    the action, for a call each of its causes; `remarks` are what else to know, and none of them led to it.

    About the isocenter the lengths of the couch are the travel of the isocenter along the axes of the table top as it
    stands at the start; where the couch also turns, its displays end at `target_pose`, not at start and travel added.
    Of a refused match nothing is known: no axis is commanded, the setup error is NaN, and there is no residual.
    """

    couch: CouchCommand
    couch_exact: CouchCommand
    degrees_of_freedom: int
    about: Pivot
    start: CouchPose | None
    target_pose: CouchPose | None
    console_translation: CouchCommand
    setup_error_mm: Float64Array
    setup_rotation: TableAngles
    residuals: tuple[Residual, ...]
    limits_exceeded: tuple[str, ...]
    action: Action
    is_recommended: bool
    reasons: tuple[str, ...]
    native_couch: Mapping[str, str]
    remarks: tuple[str, ...] = ()
