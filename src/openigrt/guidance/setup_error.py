"""The setup error of a transform in the axes of the table top, and how far two transforms lie apart at the target."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array, PatientPosition, RigidTransform, TableAngles, rotation_angle_deg
from openigrt.guidance.alignment import Alignment


@dataclass(frozen=True, slots=True)
class SetupError:
    """Where the patient is, in IEC 61217 axes of a table at zero angles, in the order Rz(yaw) Rx(pitch) Ry(roll).

    It is the opposite of what the couch must do.
    """

    lateral_mm: float
    longitudinal_mm: float
    vertical_mm: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float

    @property
    def values(self) -> tuple[float, ...]:
        """The six axes in order."""
        return astuple(self)

    @property
    def length_mm(self) -> float:
        """Length of the shift."""
        return float(np.linalg.norm(self.values[:3]))


@dataclass(frozen=True, eq=False, slots=True)
class Apart:
    """How far another match puts the patient from where ours does.

    `center_mm` (3,) is where it puts the centre of the target, less where ours does, along the table axes lateral,
    longitudinal, vertical; `largest_mm` the largest distance over the target's surface.
    """

    center_mm: Float64Array
    largest_mm: float
    rotation_deg: float


def setup_error_of(plan_from_daily: RigidTransform, alignment: Alignment) -> SetupError:
    """Where the anatomy is that belongs at the isocenter, and how the patient is turned: e = -R^T t."""
    shift_mm = plan_from_daily.shift_about_points_mm(alignment.plan_isocenter_mm, alignment.daily_isocenter_mm)
    axes = alignment.patient_position.table_top_from_lps()
    lateral, longitudinal, vertical = (float(x) for x in axes @ (-plan_from_daily.rotation.T @ shift_mm))
    angles = TableAngles.from_matrix(axes @ plan_from_daily.rotation.T @ axes.T)
    return SetupError(lateral, longitudinal, vertical, angles.yaw_deg, angles.pitch_deg, angles.roll_deg)


def apart(ours: RigidTransform, other: RigidTransform, target_points_mm: ArrayLike, position: PatientPosition) -> Apart:
    """How far `other` lies from `ours` (both plan from daily) over target points (n, 3), LPS mm of the plan."""
    ours.require_frames(other.to_frame, other.from_frame, "Two matches")
    points_mm = np.asarray(target_points_mm, dtype=np.float64)
    moved_mm = other.points(ours.inverse().points(points_mm)) - points_mm
    return Apart(
        position.table_top_from_lps() @ moved_mm.mean(axis=0),
        float(np.linalg.norm(moved_mm, axis=1).max()),
        rotation_angle_deg(other.rotation @ ours.rotation.T),
    )


def off_target_mm(plan_from_daily: RigidTransform, alignment: Alignment, target_points_mm: ArrayLike) -> float:
    """How far the surface of the target is from where the plan wants it, at most: the isocenters on each other."""
    wanted = RigidTransform.about_points(
        (plan_from_daily.to_frame, alignment.plan_isocenter_mm),
        (plan_from_daily.from_frame, alignment.daily_isocenter_mm),
        np.eye(3),
        np.zeros(3),
    )
    return apart(wanted, plan_from_daily, target_points_mm, alignment.patient_position).largest_mm
