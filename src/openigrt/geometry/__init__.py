"""Frames, rigid transforms, grids, displacement fields, IEC 61217, couch poses and kinematics."""

from openigrt.geometry.couch_conventions import ImageAxes, Pivot
from openigrt.geometry.couch_pose import CouchPose
from openigrt.geometry.displacement import DisplacementField
from openigrt.geometry.frames import Frame, FrameRole, require_same_frame
from openigrt.geometry.grid import Grid
from openigrt.geometry.patient_position import PatientPosition
from openigrt.geometry.rigid import (
    Float64Array,
    RigidTransform,
    TableAngles,
    fit_rigid,
    frozen_array,
    renormalised_rotation,
    rotation_angle_deg,
    rotation_from_vector,
    rotation_x,
    rotation_y,
    rotation_z,
)

__all__ = [
    "CouchPose",
    "DisplacementField",
    "Float64Array",
    "Frame",
    "FrameRole",
    "Grid",
    "ImageAxes",
    "PatientPosition",
    "Pivot",
    "RigidTransform",
    "TableAngles",
    "fit_rigid",
    "frozen_array",
    "renormalised_rotation",
    "require_same_frame",
    "rotation_angle_deg",
    "rotation_from_vector",
    "rotation_x",
    "rotation_y",
    "rotation_z",
]
