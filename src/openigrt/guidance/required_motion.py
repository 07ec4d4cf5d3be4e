"""The motion that a match asks the patient to make, and how large it is."""

from dataclasses import dataclass

import numpy as np

from openigrt.geometry import (
    CouchPose,
    Float64Array,
    Frame,
    ImageAxes,
    RigidTransform,
    TableAngles,
    fixed_from_lps,
    fixed_from_table_top_eccentric,
    motion_of_match_in_room_axes,
    motion_of_match_in_table_axes,
    residual_vectors_mm,
    table_axes_translation_mm,
)
from openigrt.guidance.alignment import Alignment
from openigrt.patient import Match, Target


@dataclass(frozen=True, eq=False)
class RequiredMotion:
    """What would bring the patient exactly to the plan.

    `motion` is of the fixed frame, about the isocenter; `fixed_from_plan` carries planned points to where they belong
    in the room. `shift_mm` and `rotation_lps` are the match about the isocenters, in LPS. Travels are along the axes of
    the table top as it stands: of the isocenter, and of the centroid of the target's surface. `target_turn_mm` is how
    far the turn alone, about that centroid, moves a point of the surface at most.
    """

    motion: RigidTransform
    fixed_from_plan: RigidTransform
    shift_mm: Float64Array
    rotation_lps: Float64Array
    isocenter_travel_mm: Float64Array
    target_travel_mm: Float64Array
    target_turn_mm: float
    angles: TableAngles

    @property
    def largest_axis_mm(self) -> float:
        """Largest travel along one axis of the table, of the isocenter or the centroid of the target."""
        return float(np.abs([self.isocenter_travel_mm, self.target_travel_mm]).max())

    @property
    def length_mm(self) -> float:
        """Length of the travel of the isocenter or of the centroid of the target, whichever is larger."""
        return float(np.linalg.norm([self.isocenter_travel_mm, self.target_travel_mm], axis=1).max())

    @property
    def largest_angle_deg(self) -> float:
        """Largest of yaw, pitch and roll, without its sign."""
        return max(abs(self.angles.yaw_deg), abs(self.angles.pitch_deg), abs(self.angles.roll_deg))


def required_motion(match: Match, alignment: Alignment, target: Target) -> RequiredMotion:
    """The motion that takes the patient from where a match found him to where the plan wants him (clinical.md 1.4).

    Where no couch pose is known, the couch is taken to stand at zero angles.
    """
    pose = alignment.start or CouchPose()
    rotation = match.plan_from_daily.rotation
    shift_mm = match.plan_from_daily.shift_about_points_mm(alignment.plan_isocenter_mm, alignment.daily_isocenter_mm)
    position = alignment.patient_position
    plan_frame = match.plan_from_daily.to_frame
    if alignment.image_axes is ImageAxes.ROOM:
        motion = motion_of_match_in_room_axes(rotation, shift_mm, position)
        fixed_from_plan = fixed_from_lps(position, plan_frame, alignment.plan_isocenter_mm)
    else:
        motion = motion_of_match_in_table_axes(rotation, shift_mm, position, pose)
        fixed_from_plan = fixed_from_lps(position, plan_frame, alignment.plan_isocenter_mm, pose)
    stay = RigidTransform.identity(Frame.FIXED, Frame.FIXED)
    missing = -residual_vectors_mm(motion, stay, fixed_from_plan.points(target.points_mm))
    centroid_missing = missing.mean(axis=0)
    fixed_from_axes = fixed_from_table_top_eccentric(pose).rotation
    return RequiredMotion(
        motion=motion,
        fixed_from_plan=fixed_from_plan,
        shift_mm=shift_mm,
        rotation_lps=rotation,
        isocenter_travel_mm=table_axes_translation_mm(motion.translation_mm, pose),
        target_travel_mm=table_axes_translation_mm(centroid_missing, pose),
        target_turn_mm=float(np.linalg.norm(missing - centroid_missing, axis=1).max()),
        angles=TableAngles.from_matrix(fixed_from_axes.T @ motion.rotation @ fixed_from_axes),
    )
