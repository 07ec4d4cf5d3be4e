"""Volumes without DICOM (.mha, .nrrd) in the place of a plan folder or of today's folder."""

from pathlib import Path

from openigrt.dicom import DailyFolder, InputFile, PlanFolder
from openigrt.files import is_volume, read_volume, sha256_of
from openigrt.geometry import Frame
from openigrt.images import Modality


def is_volume_file(path: Path) -> bool:
    """Whether the path is one file of a volume format."""
    return path.is_file() and is_volume(path)


def read_planning_volume(path: Path) -> PlanFolder:
    """The volume as planning image, HU assumed, in a frame of its own; no structures, plan or dose."""
    digest = sha256_of(path)
    image = read_volume(path, Frame.plan(_frame_uid(digest)), Modality.CT)
    return PlanFolder(image, None, None, None, (_taken_as_ct(path),), (InputFile(path, "", digest),))


def read_daily_volume(path: Path) -> DailyFolder:
    """The volume as image of the day, HU assumed, in a frame of its own."""
    digest = sha256_of(path)
    image = read_volume(path, Frame.daily(_frame_uid(digest)), Modality.CT)
    return DailyFolder(image, None, (_taken_as_ct(path),), (InputFile(path, "", digest),))


def _frame_uid(digest: str) -> str:
    """A Frame of Reference UID made from the content of a file (PS3.5 B.2, UUID-derived)."""
    return f"2.25.{int(digest[:32], 16)}"


def _taken_as_ct(path: Path) -> str:
    """The message that a volume file says neither modality nor patient."""
    return f"{path.name} is a volume without DICOM: taken as CT in HU, patient and acquisition time unknown."
