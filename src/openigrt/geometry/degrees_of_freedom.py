"""The best motion that a couch with fewer than six degrees of freedom can make, and what it leaves."""

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InvalidGeometry
from openigrt.geometry.couch_pose import CouchPose
from openigrt.geometry.frames import Frame
from openigrt.geometry.iec61217 import fixed_from_table_top_eccentric
from openigrt.geometry.rigid import (
    Float64Array,
    RigidTransform,
    frozen_array,
    rotation_angle_deg,
    rotation_x,
    rotation_z,
)

# Points within a micrometre of an axis say nothing about a turn about it.
UNDETERMINED_MM2 = 1e-6
SEARCHED_TURNS = 21


class DegreesOfFreedom(IntEnum):
    """What a couch can do: always the three translations, then yaw, pitch and roll."""

    TRANSLATION = 3
    TRANSLATION_YAW = 4
    TRANSLATION_YAW_PITCH = 5
    ALL = 6


def nearest_motion(
    required: RigidTransform,
    degrees: DegreesOfFreedom,
    points_mm: ArrayLike,
    weights: ArrayLike | None = None,
    start: CouchPose | None = None,
) -> RigidTransform:
    """The motion within `degrees` that brings points nearest to where the `required` motion would bring them.

    `required` is fixed to fixed; `points_mm` (n, 3) are planned positions in the fixed frame (isocenter at zero), such
    as the surface of the target, `weights` (n,) their shares (none: equal). Least squares: centroid on centroid for
    three, closed form for four, numeric for five, the motion itself for six. Pitch is about the table's own axis, so
    five depend on the support angle of `start` (none: zero). No axis turns further than the whole rotation required:
    without that limit a rod-like target may ask for a half turn. Raises InvalidGeometry for unusable points or weights.
    """
    required.require_frames(Frame.FIXED, Frame.FIXED, "Motion of the couch")
    planned, shares = _checked_points(points_mm, weights)
    if degrees == DegreesOfFreedom.ALL:
        return required
    present = required.inverse().points(planned)
    planned_centroid, present_centroid = shares @ planned, shares @ present
    moments = ((planned - planned_centroid) * shares[:, None]).T @ (present - present_centroid)
    rotation = _rotation_within(degrees, moments, start or CouchPose(), rotation_angle_deg(required.rotation))
    return RigidTransform(Frame.FIXED, Frame.FIXED, rotation, planned_centroid - rotation @ present_centroid)


def residual_vectors_mm(required: RigidTransform, made: RigidTransform, points_mm: ArrayLike) -> Float64Array:
    """What a motion leaves at planned positions (n, 3): where the anatomy comes to lie, less where it should (n, 3)."""
    planned = np.asarray(points_mm, dtype=np.float64)
    return np.asarray((made @ required.inverse()).points(planned) - planned)


def root_mean_square_mm(vectors_mm: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Weighted root-mean-square length of vectors (n, 3), mm; raises InvalidGeometry as `nearest_motion` does."""
    vectors, shares = _checked_points(vectors_mm, weights)
    return float(np.sqrt(shares @ (vectors**2).sum(axis=1)))


def displacement_of_rotation_mm(rotation_deg: float, distance_mm: float) -> float:
    """How far a rotation carries a point at this distance from its axis: 2 d sin(angle / 2)."""
    return float(2.0 * distance_mm * np.sin(np.deg2rad(rotation_deg) / 2.0))


def rotation_of_displacement_deg(displacement_mm: float, distance_mm: float) -> float:
    """The rotation that carries a point at this distance from its axis so far: 2 asin(displacement / 2 d)."""
    if not 0.0 <= displacement_mm <= 2.0 * distance_mm:
        raise InvalidGeometry(
            f"No rotation carries a point {distance_mm} mm from its axis by {displacement_mm} mm; "
            "expected zero to twice the distance."
        )
    return float(np.rad2deg(2.0 * np.arcsin(displacement_mm / (2.0 * distance_mm))))


def _checked_points(points_mm: ArrayLike, weights: ArrayLike | None) -> tuple[Float64Array, Float64Array]:
    """Points (n, 3) and their shares (n,) that add up to one."""
    points = np.asarray(points_mm, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) == 0:
        raise InvalidGeometry(f"Expected one or more points (n, 3), found an array of shape {points.shape}.")
    points = frozen_array(points, points.shape)
    shares = frozen_array(np.ones(len(points)) if weights is None else weights, (len(points),))
    if shares.min() < 0.0 or shares.sum() <= 0.0:
        raise InvalidGeometry("Weights of points must not be negative, and not all zero.")
    return points, shares / shares.sum()


def _rotation_within(
    degrees: DegreesOfFreedom, moments: Float64Array, start: CouchPose, limit_deg: float
) -> Float64Array:
    """The rotation (3, 3) within fewer than six degrees that best fits the cross moments (3, 3), planned by present."""
    if degrees == DegreesOfFreedom.TRANSLATION:
        return np.eye(3)
    if degrees == DegreesOfFreedom.TRANSLATION_YAW:
        return rotation_z(_best_turn_deg(*_yaw_moments(moments), limit_deg))
    return _best_yaw_and_pitch(moments, fixed_from_table_top_eccentric(start).rotation, limit_deg)


def _best_turn_deg(cosine_moment: float, sine_moment: float, limit_deg: float) -> float:
    """The angle up to the limit that maximises cos(a) cosine_moment + sin(a) sine_moment; zero where both vanish."""
    if np.hypot(cosine_moment, sine_moment) < UNDETERMINED_MM2:
        return 0.0
    return float(np.clip(np.rad2deg(np.arctan2(sine_moment, cosine_moment)), -limit_deg, limit_deg))


def _yaw_moments(moments: Float64Array) -> tuple[float, float]:
    """What a yaw of the present points gains by its cosine and by its sine."""
    return float(moments[0, 0] + moments[1, 1]), float(moments[1, 0] - moments[0, 1])


def _best_yaw_and_pitch(moments: Float64Array, fixed_from_table: Float64Array, limit_deg: float) -> Float64Array:
    """The best rotation (3, 3) that first pitches about the table's own x axis and then yaws about the vertical.

    In table axes it is Rz(yaw) Rx(pitch). For each yaw the best pitch has a closed form, so that one angle is searched.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  (a second to load that only five axes need)

    in_table = fixed_from_table.T @ moments @ fixed_from_table

    def pitch_and_gain(yaw_deg: float) -> tuple[float, float]:
        left = rotation_z(-yaw_deg) @ in_table
        cosine_moment, sine_moment = left[1, 1] + left[2, 2], left[2, 1] - left[1, 2]
        pitch_deg = _best_turn_deg(cosine_moment, sine_moment, limit_deg)
        pitch = np.deg2rad(pitch_deg)
        return pitch_deg, float(left[0, 0] + np.cos(pitch) * cosine_moment + np.sin(pitch) * sine_moment)

    def misfit(yaw_deg: float) -> float:
        return -pitch_and_gain(yaw_deg)[1]

    yaw_alone = _best_turn_deg(*_yaw_moments(in_table), limit_deg)
    coarse, step = np.linspace(-limit_deg, limit_deg, SEARCHED_TURNS, retstep=True)
    near = min(coarse, key=misfit)
    bounds = (max(near - step, -limit_deg), min(near + step, limit_deg))
    fine = float(minimize_scalar(misfit, bounds=bounds, method="bounded", options={"xatol": 1e-9}).x)
    yaw = fine if misfit(fine) < misfit(yaw_alone) - UNDETERMINED_MM2 else yaw_alone
    rotation = fixed_from_table @ rotation_z(yaw) @ rotation_x(pitch_and_gain(yaw)[0]) @ fixed_from_table.T
    return np.asarray(rotation)
