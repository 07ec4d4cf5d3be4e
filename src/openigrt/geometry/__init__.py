"""Frames, rigid transforms, grids, displacement fields, IEC 61217, couch poses and kinematics, resampling."""

from openigrt.geometry.affine import AffineTransform
from openigrt.geometry.beam_kinematics import ApertureShift, BeamAngles, aperture_shift, beam_angles_taking_up
from openigrt.geometry.central_projection import (
    Rays,
    Triangulation,
    isocenter_plane_points,
    project_points,
    rays_of_image_points,
    receptor_points_of_pixels,
    triangulate,
)
from openigrt.geometry.couch_conventions import ImageAxes, Pivot
from openigrt.geometry.couch_kinematics import (
    isocenter_translation_mm,
    motion_between_poses,
    motion_of_match_in_room_axes,
    motion_of_match_in_table_axes,
    pose_after_motion,
    table_axes_translation_mm,
)
from openigrt.geometry.couch_pose import CouchPose
from openigrt.geometry.degrees_of_freedom import (
    DegreesOfFreedom,
    displacement_of_rotation_mm,
    nearest_motion,
    residual_vectors_mm,
    root_mean_square_mm,
    rotation_of_displacement_deg,
)
from openigrt.geometry.displacement import DisplacementField
from openigrt.geometry.flex import FlexMap, flexed, with_rows_reversed
from openigrt.geometry.frames import Frame, FrameRole, require_same_frame
from openigrt.geometry.grid import LONGEST_MM, Grid
from openigrt.geometry.iec61217 import (
    fixed_from_gantry,
    fixed_from_lps,
    fixed_from_patient_support,
    fixed_from_table_top,
    fixed_from_table_top_eccentric,
    gantry_from_beam_limiting_device,
    gantry_from_image_receptor,
    patient_from_lps,
    patient_support_from_table_top_eccentric,
    signed_angle_difference_deg,
    source_position_mm,
    table_top_eccentric_from_table_top,
    table_top_from_lps,
)
from openigrt.geometry.parallel_planes import ParallelPlanes
from openigrt.geometry.patient_position import PatientPosition
from openigrt.geometry.planar_region import PlanarPart, PlanarRegion, planar_region
from openigrt.geometry.projection_geometry import ProjectionGeometry
from openigrt.geometry.resampling import resample, sample_points
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
from openigrt.geometry.trajectory import DetectorPlacement, Trajectory, circular_trajectory

__all__ = [
    "LONGEST_MM",
    "AffineTransform",
    "ApertureShift",
    "BeamAngles",
    "CouchPose",
    "DegreesOfFreedom",
    "DetectorPlacement",
    "DisplacementField",
    "FlexMap",
    "Float64Array",
    "Frame",
    "FrameRole",
    "Grid",
    "ImageAxes",
    "ParallelPlanes",
    "PatientPosition",
    "Pivot",
    "PlanarPart",
    "PlanarRegion",
    "ProjectionGeometry",
    "Rays",
    "RigidTransform",
    "TableAngles",
    "Trajectory",
    "Triangulation",
    "aperture_shift",
    "beam_angles_taking_up",
    "circular_trajectory",
    "displacement_of_rotation_mm",
    "fit_rigid",
    "fixed_from_gantry",
    "fixed_from_lps",
    "fixed_from_patient_support",
    "fixed_from_table_top",
    "fixed_from_table_top_eccentric",
    "flexed",
    "frozen_array",
    "gantry_from_beam_limiting_device",
    "gantry_from_image_receptor",
    "isocenter_plane_points",
    "isocenter_translation_mm",
    "motion_between_poses",
    "motion_of_match_in_room_axes",
    "motion_of_match_in_table_axes",
    "nearest_motion",
    "patient_from_lps",
    "patient_support_from_table_top_eccentric",
    "planar_region",
    "pose_after_motion",
    "project_points",
    "rays_of_image_points",
    "receptor_points_of_pixels",
    "renormalised_rotation",
    "require_same_frame",
    "resample",
    "residual_vectors_mm",
    "root_mean_square_mm",
    "rotation_angle_deg",
    "rotation_from_vector",
    "rotation_of_displacement_deg",
    "rotation_x",
    "rotation_y",
    "rotation_z",
    "sample_points",
    "signed_angle_difference_deg",
    "source_position_mm",
    "table_axes_translation_mm",
    "table_top_eccentric_from_table_top",
    "table_top_from_lps",
    "triangulate",
    "with_rows_reversed",
]
