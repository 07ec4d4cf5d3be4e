"""Which frame a Frame of Reference UID names: the room, or a patient's (PS3.3 C.7.4.1.1, C.36.12.2)."""

from collections.abc import Callable

from pydicom import Dataset

from openigrt.dicom.dataset.elements import name_of, text
from openigrt.errors import InconsistentInput, UnsupportedInput
from openigrt.geometry import Frame, FrameRole

IEC_61217_FIXED = "1.2.840.10008.1.4.3.1"
STANDARD_ROBOTIC_ARM = "1.2.840.10008.1.4.3.2"
NAMED_BY_UID = (FrameRole.PLAN, FrameRole.DAILY, FrameRole.EQUIPMENT)


def frame_of(dataset: Dataset, patient: Callable[[str], Frame]) -> Frame:
    """The frame of an object or item by its UID: `Frame.FIXED`, that of a robot, or what `patient` makes of the UID.

    Raises InconsistentInput where it names none: its coordinates mean nothing.
    """
    uid = text(dataset, "FrameOfReferenceUID")
    if not uid:
        raise InconsistentInput(
            f"{name_of(dataset)} has no Frame of Reference UID (0020,0052), so what its coordinates refer to is not "
            "known; export it again."
        )
    if uid == IEC_61217_FIXED:
        return Frame.FIXED
    return Frame.equipment(uid) if uid == STANDARD_ROBOTIC_ARM else patient(uid)


def frame_uid_of(frame: Frame) -> str:
    """The UID that names a frame; raises UnsupportedInput for frames that have none."""
    if frame == Frame.FIXED:
        return IEC_61217_FIXED
    if frame.role not in NAMED_BY_UID or not frame.uid:
        raise UnsupportedInput(f"Frame {frame} has no Frame of Reference UID; move it to the room or a patient first.")
    return frame.uid
