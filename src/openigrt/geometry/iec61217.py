"""The chain of IEC 61217 frames from the fixed frame to the gantry, its accessories, the table top and the patient.

Axes, signs and order: IEC 61217:2011 and PS3.3 C.8.8.14.12. Every function gives the transform that maps points of the
inner frame to the outer one; every rotation is right-handed about the axis that the standard names.
"""

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry.couch_pose import CouchPose
from openigrt.geometry.frames import Frame
from openigrt.geometry.patient_position import PatientPosition
from openigrt.geometry.rigid import Float64Array, RigidTransform, rotation_x, rotation_y, rotation_z

PATIENT_AXES_FROM_LPS = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0))


def fixed_from_gantry(gantry_angle_deg: float, gantry_pitch_angle_deg: float = 0.0) -> RigidTransform:
    """Gantry to fixed: Rx(pitch) Ry(angle); a positive angle is clockwise for a viewer who faces the gantry."""
    rotation = rotation_x(gantry_pitch_angle_deg) @ rotation_y(gantry_angle_deg)
    return RigidTransform(Frame.FIXED, Frame.GANTRY, rotation, np.zeros(3))


def gantry_from_beam_limiting_device(
    beam_limiting_device_angle_deg: float, beam_limiting_device_position_mm: float = 0.0
) -> RigidTransform:
    """Beam-limiting device to gantry: Rz(angle), origin at `beam_limiting_device_position_mm` on the gantry's z axis.

    A positive angle is counter-clockwise seen from the source.
    """
    origin = (0.0, 0.0, beam_limiting_device_position_mm)
    rotation = rotation_z(beam_limiting_device_angle_deg)
    return RigidTransform(Frame.GANTRY, Frame.BEAM_LIMITING_DEVICE, rotation, np.array(origin))


def gantry_from_image_receptor(
    image_receptor_translation_mm: ArrayLike, image_receptor_angle_deg: float = 0.0
) -> RigidTransform:
    """X-ray image receptor to gantry: Rz(angle), origin at the translation (3,) in gantry axes (PS3.3 C.8.8.2).

    The z of the translation is source-axis less source-detector distance: negative beyond the isocenter.
    """
    translation = np.asarray(image_receptor_translation_mm, dtype=np.float64)
    return RigidTransform(Frame.GANTRY, Frame.IMAGE_RECEPTOR, rotation_z(image_receptor_angle_deg), translation)


def fixed_from_patient_support(patient_support_angle_deg: float) -> RigidTransform:
    """Patient support to fixed: Rz(angle), counter-clockwise seen from above; at 90 the foot end lies at +x."""
    rotation = rotation_z(patient_support_angle_deg)
    return RigidTransform(Frame.FIXED, Frame.PATIENT_SUPPORT, rotation, np.zeros(3))


def patient_support_from_table_top_eccentric(
    table_top_eccentric_axis_distance_mm: float = 0.0, table_top_eccentric_angle_deg: float = 0.0
) -> RigidTransform:
    """Table-top eccentric to patient support: Rz(angle) about an axis `distance` along the support's y."""
    origin = np.array([0.0, table_top_eccentric_axis_distance_mm, 0.0])
    rotation = rotation_z(table_top_eccentric_angle_deg)
    return RigidTransform(Frame.PATIENT_SUPPORT, Frame.TABLE_TOP_ECCENTRIC, rotation, origin)


def table_top_eccentric_from_table_top(pose: CouchPose) -> RigidTransform:
    """Table top to table-top eccentric: position plus Rx(pitch) Ry(roll), which turn about the table-top origin.

    A positive pitch lifts the gantry end, a positive roll lowers the +x side (PS3.3 C.8.8.14.12).
    """
    rotation = rotation_x(pose.table_top_pitch_angle_deg) @ rotation_y(pose.table_top_roll_angle_deg)
    origin = np.array(
        [
            pose.table_top_lateral_position_mm,
            pose.table_top_longitudinal_position_mm,
            pose.table_top_vertical_position_mm,
        ]
    )
    return RigidTransform(Frame.TABLE_TOP_ECCENTRIC, Frame.TABLE_TOP, rotation, origin)


def fixed_from_table_top_eccentric(pose: CouchPose) -> RigidTransform:
    """Table-top eccentric to fixed: where the carriage of the table top stands, without its position and tilt."""
    support_from_eccentric = patient_support_from_table_top_eccentric(
        pose.table_top_eccentric_axis_distance_mm, pose.table_top_eccentric_angle_deg
    )
    return fixed_from_patient_support(pose.patient_support_angle_deg) @ support_from_eccentric


def fixed_from_table_top(pose: CouchPose) -> RigidTransform:
    """Table top to fixed, through patient support and eccentric."""
    return fixed_from_table_top_eccentric(pose) @ table_top_eccentric_from_table_top(pose)


def patient_from_lps(lps: Frame) -> RigidTransform:
    """DICOM patient axes of an image to IEC patient axes about the same origin: (x, z, -y), in every position."""
    return RigidTransform(Frame.PATIENT, lps, np.array(PATIENT_AXES_FROM_LPS), np.zeros(3))


def table_top_from_lps(position: PatientPosition, lps: Frame, offset_mm: ArrayLike = (0.0, 0.0, 0.0)) -> RigidTransform:
    """DICOM patient axes of an image to the table top for a patient who lies so.

    `offset_mm` (3,) is where the origin of the image lies in the table top.
    """
    offset = np.asarray(offset_mm, dtype=np.float64)
    return RigidTransform(Frame.TABLE_TOP, lps, position.table_top_from_lps(), offset)


def fixed_from_lps(
    position: PatientPosition, lps: Frame, isocenter_mm: ArrayLike, pose: CouchPose | None = None
) -> RigidTransform:
    """DICOM patient axes to fixed, for a patient whose point `isocenter_mm` (3,) stands at the machine isocenter.

    Only the angles of the couch `pose` matter (none: all zero); its position is whatever brings the point there.
    """
    rotation = fixed_from_table_top(pose or CouchPose()).rotation @ position.table_top_from_lps()
    return RigidTransform.about_points((Frame.FIXED, np.zeros(3)), (lps, isocenter_mm), rotation, np.zeros(3))


def source_position_mm(
    gantry_angle_deg: float, source_axis_distance_mm: float, gantry_pitch_angle_deg: float = 0.0
) -> Float64Array:
    """Position (3,) of the X-ray source in the fixed frame."""
    fixed_from = fixed_from_gantry(gantry_angle_deg, gantry_pitch_angle_deg)
    return fixed_from.points((0.0, 0.0, source_axis_distance_mm))


def signed_angle_difference_deg(to_deg: float, from_deg: float) -> float:
    """The turn that leads from one angle to the other the short way, in (-180, 180]."""
    turn = (to_deg - from_deg) % 360.0
    return turn - 360.0 if turn > 180.0 else turn
