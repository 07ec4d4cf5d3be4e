"""Named frames: every coordinate names the frame it is in, by role and, for images, by UID."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from openigrt.errors import FrameMismatch


class FrameRole(StrEnum):
    """What a frame is attached to. IEC 61217:2011 names for equipment, our own for images."""

    FIXED = "fixed"
    GANTRY = "gantry"
    BEAM_LIMITING_DEVICE = "beam_limiting_device"
    IMAGE_RECEPTOR = "image_receptor"
    PATIENT_SUPPORT = "patient_support"
    TABLE_TOP_ECCENTRIC = "table_top_eccentric"
    TABLE_TOP = "table_top"
    PATIENT = "patient"
    PLAN = "plan"
    DAILY = "daily"
    EQUIPMENT = "equipment"
    TRANSDUCER = "transducer"


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """A right-handed coordinate frame in mm.

    `PLAN` and `DAILY` are DICOM patient axes (LPS) of one image each: plan and daily image may share one Frame of
    Reference UID and are still two frames. `PATIENT` has IEC patient axes. `EQUIPMENT` has the axes of a device of its
    own, by its UID: an ultrasound volume, a tracker; `TRANSDUCER` those of the probe that made the ultrasound volume of
    this UID. The others are IEC 61217 equipment frames and carry no UID.
    """

    role: FrameRole
    uid: str = ""

    FIXED: ClassVar["Frame"]
    GANTRY: ClassVar["Frame"]
    BEAM_LIMITING_DEVICE: ClassVar["Frame"]
    IMAGE_RECEPTOR: ClassVar["Frame"]
    PATIENT_SUPPORT: ClassVar["Frame"]
    TABLE_TOP_ECCENTRIC: ClassVar["Frame"]
    TABLE_TOP: ClassVar["Frame"]
    PATIENT: ClassVar["Frame"]

    @classmethod
    def plan(cls, uid: str) -> "Frame":
        """LPS frame of the planning image, by its Frame of Reference UID."""
        return cls(FrameRole.PLAN, uid)

    @classmethod
    def daily(cls, uid: str) -> "Frame":
        """LPS frame of the image of the day, by its Frame of Reference UID."""
        return cls(FrameRole.DAILY, uid)

    @classmethod
    def equipment(cls, uid: str) -> "Frame":
        """The frame of a device whose place in room and patient is not known, by its Frame of Reference UID."""
        return cls(FrameRole.EQUIPMENT, uid)

    def __str__(self) -> str:
        """Role and UID, as they stand in error sentences."""
        return f"{self.role} [{self.uid}]" if self.uid else str(self.role)

    def __repr__(self) -> str:
        """The same, in brackets: short where transforms and grids are printed."""
        return f"<Frame {self}>"


Frame.FIXED = Frame(FrameRole.FIXED)
Frame.GANTRY = Frame(FrameRole.GANTRY)
Frame.BEAM_LIMITING_DEVICE = Frame(FrameRole.BEAM_LIMITING_DEVICE)
Frame.IMAGE_RECEPTOR = Frame(FrameRole.IMAGE_RECEPTOR)
Frame.PATIENT_SUPPORT = Frame(FrameRole.PATIENT_SUPPORT)
Frame.TABLE_TOP_ECCENTRIC = Frame(FrameRole.TABLE_TOP_ECCENTRIC)
Frame.TABLE_TOP = Frame(FrameRole.TABLE_TOP)
Frame.PATIENT = Frame(FrameRole.PATIENT)


def require_same_frame(found: Frame, expected: Frame, what: str) -> None:
    """Raise FrameMismatch unless both frames are one; `what` names the operation in the sentence."""
    if found != expected:
        raise FrameMismatch(
            f"{what}: found coordinates in frame {found}, expected frame {expected}; "
            "transform them first, or check which image they belong to.",
            found=str(found),
            expected=str(expected),
        )
