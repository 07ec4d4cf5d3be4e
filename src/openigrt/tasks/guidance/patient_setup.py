"""How the patient lay and where the isocenters are: what a person gives by hand, joined with what the files say."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from numpy.typing import ArrayLike

from openigrt.dicom import DailyFolder, PlanFolder
from openigrt.errors import InconsistentInput
from openigrt.geometry import CouchPose, PatientPosition
from openigrt.guidance import Alignment, find_alignment
from openigrt.images import Provenance
from openigrt.machine import Machine
from openigrt.tasks.guidance.inputs import couch_pose_of, patient_position
from openigrt.tasks.guidance.isocenters import DAILY_OPTION, Contradiction, contradictions, plan_isocenter, point_mm

SAME_POSE = 0.1


@dataclass(frozen=True, eq=False, slots=True)
class GivenSetup:
    """What was given by hand, not checked yet: points in LPS mm, each of its own image; a couch pose in IEC 61217."""

    beam: int | None
    isocenter: ArrayLike | None
    daily_isocenter: ArrayLike | None
    position: PatientPosition | None
    couch_pose: CouchPose | Sequence[float] | None


@dataclass(frozen=True, eq=False, slots=True)
class PatientSetup:
    """The alignment of plan, image and room, the beam or rule that the plan's isocenter is from, and what contradicts.

    `contradictions` are isocenters that were given though the files state others.
    """

    alignment: Alignment
    isocenter_from: str
    contradictions: tuple[Contradiction, ...]


def patient_setup(given: GivenSetup, folder: PlanFolder, daily: DailyFolder, machine: Machine) -> PatientSetup:
    """The setup as given, else as the files say; raises an InputError for what is missing, impossible or ambiguous."""
    isocenter_mm, isocenter_from = plan_isocenter(folder.plan, given.isocenter, given.beam, folder.doubts)
    daily_mm = None if given.daily_isocenter is None else point_mm(given.daily_isocenter, DAILY_OPTION)
    plan_frame = folder.planning_image.frame
    alignment = find_alignment(
        daily.daily_image,
        plan_frame,
        isocenter_mm,
        patient_position(folder, daily, given.position),
        machine=machine,
        daily_isocenter_mm=daily_mm,
        start=_couch_pose(given, daily.daily_image.provenance),
    )
    contradicting = contradictions(
        folder.plan, given.beam, daily.daily_image, alignment, machine=machine, plan_frame=plan_frame
    )
    return PatientSetup(alignment, isocenter_from, contradicting)


def _couch_pose(given: GivenSetup, source: Provenance) -> CouchPose | None:
    """The pose that was given, else the one that the image states; raises InconsistentInput where they differ."""
    pose = couch_pose_of(given.couch_pose)
    if pose is not None and source.couch is not None and not _same_pose(pose, source.couch):
        raise InconsistentInput(
            f"--couch-pose says {_in_words(pose)}, the image of the day {_in_words(source.couch)}; leave it out, or "
            "find out which is right."
        )
    return pose or source.couch


def _same_pose(a: CouchPose, b: CouchPose) -> bool:
    """Whether two poses are one, but for rounding on a display."""
    return all(abs(x - y) <= SAME_POSE for x, y in zip(astuple(a), astuple(b), strict=True))


def _in_words(pose: CouchPose) -> str:
    """Position and angle, as --couch-pose takes them."""
    values = (
        pose.table_top_lateral_position_mm,
        pose.table_top_longitudinal_position_mm,
        pose.table_top_vertical_position_mm,
        pose.patient_support_angle_deg,
        pose.table_top_pitch_angle_deg,
        pose.table_top_roll_angle_deg,
    )
    return ",".join(f"{value:g}" for value in values)
