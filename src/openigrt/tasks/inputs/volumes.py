"""Volumes without DICOM (.mha, .nrrd) in the place of a plan folder or of today's folder.

Each gets a Frame of Reference UID of its own, derived from its bytes: the same file has the same frame in every run, so
that a registration of it can be read back with `--start`.
"""

from pathlib import Path

from openigrt.dicom import DailyFolder, InputFile, PlanFolder
from openigrt.files import is_volume, read_volume, sha256_of
from openigrt.geometry import Frame
from openigrt.images import Modality
from openigrt.tasks.identifiers import derived_uid


def is_volume_file(path: Path) -> bool:
    """Whether the path is one file of a volume format."""
    return path.is_file() and is_volume(path)


def read_planning_volume(path: Path) -> PlanFolder:
    """The volume as planning image, taken as CT in HU, in a frame of its own; no structures, plan or dose."""
    digest = sha256_of(path)
    image = read_volume(path, Frame.plan(derived_uid(digest, "planning image")), Modality.CT)
    return PlanFolder(image, None, None, None, (), (_taken_as_ct(path),), (InputFile(path, "", digest),))


def read_daily_volume(path: Path) -> DailyFolder:
    """The volume as image of the day, taken as CT in HU, in a frame of its own."""
    digest = sha256_of(path)
    image = read_volume(path, Frame.daily(derived_uid(digest, "daily image")), Modality.CT)
    return DailyFolder(image, None, (), (_taken_as_ct(path),), (InputFile(path, "", digest),))


def _taken_as_ct(path: Path) -> str:
    """The message that a volume file says neither modality nor patient."""
    return f"{path.name} is a volume without DICOM: taken as CT in HU; the patient cannot be checked."
