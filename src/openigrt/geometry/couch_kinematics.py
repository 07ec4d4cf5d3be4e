"""From the rigid motion that the patient must make to the couch pose that makes it, and back.

A motion is a RigidTransform from the fixed frame to itself: x -> R x + t, R about the isocenter. The pitch and roll of
a couch turn about the table-top origin (PS3.3 C.8.8.14.12), so the table top moves even for a pure rotation.
"""

from numpy.typing import ArrayLike

from openigrt.geometry.couch_pose import CouchPose
from openigrt.geometry.frames import Frame
from openigrt.geometry.iec61217 import (
    fixed_from_patient_support,
    fixed_from_table_top,
    fixed_from_table_top_eccentric,
    patient_support_from_table_top_eccentric,
    signed_angle_difference_deg,
)
from openigrt.geometry.patient_position import PatientPosition
from openigrt.geometry.rigid import Float64Array, RigidTransform, TableAngles, frozen_array


def pose_after_motion(motion: RigidTransform, start: CouchPose) -> CouchPose:
    """The couch pose that carries a patient from where `start` holds him by a motion of the fixed frame.

    Eccentric distance and angle stay. The patient support angle is the one nearest to the start's and may leave 0 to
    360 degrees; the scale of a machine wraps it. Raises FrameMismatch unless the motion is fixed to fixed.
    """
    motion.require_frames(Frame.FIXED, Frame.FIXED, "Motion of the couch")
    moved = motion @ fixed_from_table_top(start)
    angles = TableAngles.from_matrix(moved.rotation)
    support_deg = angles.yaw_deg - start.table_top_eccentric_angle_deg
    start_deg = start.patient_support_angle_deg
    support_deg = start_deg + signed_angle_difference_deg(support_deg, start_deg)
    eccentric_from_fixed = (
        fixed_from_patient_support(support_deg)
        @ patient_support_from_table_top_eccentric(
            start.table_top_eccentric_axis_distance_mm, start.table_top_eccentric_angle_deg
        )
    ).inverse()
    lateral, longitudinal, vertical = eccentric_from_fixed.points(moved.translation_mm)
    return CouchPose(
        table_top_lateral_position_mm=float(lateral),
        table_top_longitudinal_position_mm=float(longitudinal),
        table_top_vertical_position_mm=float(vertical),
        patient_support_angle_deg=support_deg,
        table_top_pitch_angle_deg=angles.pitch_deg,
        table_top_roll_angle_deg=angles.roll_deg,
        table_top_eccentric_axis_distance_mm=start.table_top_eccentric_axis_distance_mm,
        table_top_eccentric_angle_deg=start.table_top_eccentric_angle_deg,
    )


def motion_between_poses(start: CouchPose, end: CouchPose) -> RigidTransform:
    """The motion of the fixed frame that a patient on the table makes when the couch goes from one pose to another."""
    return fixed_from_table_top(end) @ fixed_from_table_top(start).inverse()


def motion_of_match_in_table_axes(
    rotation: ArrayLike, shift_mm: ArrayLike, position: PatientPosition, pose: CouchPose
) -> RigidTransform:
    """The motion that a match asks for when the axes of the daily image turn with the table (patient axes).

    `rotation` (3, 3) and `shift_mm` (3,) map daily to plan about the isocenters, in LPS; `pose` is where the couch
    stood when the image was taken, of which only the angles matter. R_F = K M R (K M)^T, t_F = K M t.
    """
    fixed_from_lps = fixed_from_table_top(pose).rotation @ position.table_top_from_lps()
    return _motion_in_axes(fixed_from_lps, rotation, shift_mm)


def motion_of_match_in_room_axes(rotation: ArrayLike, shift_mm: ArrayLike, position: PatientPosition) -> RigidTransform:
    """The motion that a match asks for when the axes of the daily image are the room's, as of most cone-beam CT.

    `rotation` (3, 3) and `shift_mm` (3,) map daily to plan about the isocenters, in LPS as it lies at couch angles
    zero. R_F = M R M^T, t_F = M t.
    """
    return _motion_in_axes(position.table_top_from_lps(), rotation, shift_mm)


def _motion_in_axes(fixed_from_lps: Float64Array, rotation: ArrayLike, shift_mm: ArrayLike) -> RigidTransform:
    """A motion given in LPS, expressed in the fixed frame."""
    in_fixed = fixed_from_lps @ frozen_array(rotation, (3, 3)) @ fixed_from_lps.T
    return RigidTransform(Frame.FIXED, Frame.FIXED, in_fixed, fixed_from_lps @ frozen_array(shift_mm, (3,)))


def table_axes_translation_mm(translation_mm: ArrayLike, pose: CouchPose) -> Float64Array:
    """A translation (3,) of the fixed frame as lateral, longitudinal and vertical mm of a table top at `pose`.

    Rz(-support) t: what the axes of the table top must travel. For a motion that turns first and then translates, that
    is the pose after the turn.
    """
    return fixed_from_table_top_eccentric(pose).inverse().vectors(frozen_array(translation_mm, (3,)))


def isocenter_translation_mm(shift_mm: ArrayLike, position: PatientPosition) -> Float64Array:
    """Lateral, longitudinal and vertical mm (3,) of a match's shift (3,) in LPS: the plain couch shift of consoles."""
    return position.table_top_from_lps() @ frozen_array(shift_mm, (3,))
