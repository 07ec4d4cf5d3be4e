"""Between the motion that a patient shall make and the change of the couch axes that a machine is commanded to make."""

from dataclasses import astuple, replace

import numpy as np

from openigrt.geometry import (
    CouchPose,
    Frame,
    Pivot,
    RigidTransform,
    fixed_from_table_top,
    fixed_from_table_top_eccentric,
    motion_between_poses,
    pose_after_motion,
    renormalised_rotation,
    signed_angle_difference_deg,
    table_axes_translation_mm,
)
from openigrt.machine import Couch, CouchAxis
from openigrt.patient import CouchMove


def couch_change(motion: RigidTransform, start: CouchPose, about: Pivot) -> CouchMove:
    """The change of the couch axes that makes a motion of the fixed frame, from `start`.

    Angles are those of the pose after the motion less those of the start, the shorter way round. About the isocenter
    the lengths are the motion's translation along the axes of the table top as it stands at the start; about the
    table-top origin they are what the origin of the table top travels on its axes.
    """
    end = pose_after_motion(motion, start)
    lateral, longitudinal, vertical = (
        table_axes_translation_mm(motion.translation_mm, start)
        if about is Pivot.ISOCENTER
        else np.array(_lengths_mm(end)) - _lengths_mm(start)
    )
    return CouchMove(
        lateral_mm=float(lateral),
        longitudinal_mm=float(longitudinal),
        vertical_mm=float(vertical),
        yaw_deg=signed_angle_difference_deg(end.patient_support_angle_deg, start.patient_support_angle_deg),
        pitch_deg=signed_angle_difference_deg(end.table_top_pitch_angle_deg, start.table_top_pitch_angle_deg),
        roll_deg=signed_angle_difference_deg(end.table_top_roll_angle_deg, start.table_top_roll_angle_deg),
    )


def motion_of_change(change: CouchMove, start: CouchPose, about: Pivot) -> RigidTransform:
    """The motion of the fixed frame that a change of the couch axes makes: the inverse of `couch_change`."""
    lateral, longitudinal, vertical = _lengths_mm(start)
    end = replace(
        start,
        table_top_lateral_position_mm=lateral + change.lateral_mm,
        table_top_longitudinal_position_mm=longitudinal + change.longitudinal_mm,
        table_top_vertical_position_mm=vertical + change.vertical_mm,
        patient_support_angle_deg=start.patient_support_angle_deg + change.yaw_deg,
        table_top_pitch_angle_deg=start.table_top_pitch_angle_deg + change.pitch_deg,
        table_top_roll_angle_deg=start.table_top_roll_angle_deg + change.roll_deg,
    )
    if about is Pivot.TABLE_TOP_ORIGIN:
        return motion_between_poses(start, end)
    turned = fixed_from_table_top(end).rotation @ fixed_from_table_top(start).rotation.T
    lengths = np.array([change.lateral_mm, change.longitudinal_mm, change.vertical_mm])
    translation = fixed_from_table_top_eccentric(start).vectors(lengths)
    return RigidTransform(Frame.FIXED, Frame.FIXED, renormalised_rotation(turned), translation)


def change_by_axis(change: CouchMove) -> dict[CouchAxis, float]:
    """A change by axis, mm and degrees."""
    return dict(zip(CouchAxis, astuple(change), strict=True))


def rounded_change(change: CouchMove, couch: Couch) -> CouchMove:
    """The nearest change that a couch can be commanded to make."""
    return CouchMove(*(couch.rounded(axis, value) for axis, value in change_by_axis(change).items()))


def _lengths_mm(pose: CouchPose) -> tuple[float, float, float]:
    """Lateral, longitudinal and vertical position of a pose, mm."""
    return (
        pose.table_top_lateral_position_mm,
        pose.table_top_longitudinal_position_mm,
        pose.table_top_vertical_position_mm,
    )
