"""Rigid transforms that know both ends, and rotations with a stated order."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry.frames import Frame, require_same_frame

Float64Array: TypeAlias = NDArray[np.float64]

ORTHONORMAL_TOLERANCE = 1e-6
UPRIGHT_TOLERANCE = 1e-9
LARGEST_SHOWN = 16


def frozen_array(values: ArrayLike, shape: tuple[int, ...]) -> Float64Array:
    """Read-only float64 copy of `values`, of exactly `shape`, all finite; raises InvalidGeometry otherwise."""
    array = np.asarray(values, dtype=np.float64) + 0.0  # -0.0 becomes 0.0: what is equal must hash alike
    if array.shape != shape or not np.isfinite(array).all():
        shown = f": {array.tolist()}" if array.size <= LARGEST_SHOWN else ""
        raise InvalidGeometry(f"Expected {shape} finite numbers, found shape {array.shape}{shown}.")
    array.setflags(write=False)
    return array


def rotation_x(angle_deg: float) -> Float64Array:
    """Right-handed rotation matrix (3, 3) about x."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def rotation_y(angle_deg: float) -> Float64Array:
    """Right-handed rotation matrix (3, 3) about y."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def rotation_z(angle_deg: float) -> Float64Array:
    """Right-handed rotation matrix (3, 3) about z."""
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, slots=True)
class TableAngles:
    """Rotation as the couch makes it: R = Rz(yaw) Rx(pitch) Ry(roll) in IEC 61217 table axes (PS3.3 C.8.8.14.12)."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float

    def matrix(self) -> Float64Array:
        """Rotation matrix (3, 3), order Rz Rx Ry."""
        return rotation_z(self.yaw_deg) @ rotation_x(self.pitch_deg) @ rotation_y(self.roll_deg)

    @classmethod
    def from_matrix(cls, rotation: ArrayLike) -> "TableAngles":
        """Angles in degrees, each in [-180, 180], pitch in [-90, 90], of a rotation matrix in the order Rz Rx Ry.

        At a pitch of 90 degrees yaw and roll turn about one axis: the whole turn is then given as yaw.
        """
        r = np.asarray(rotation, dtype=np.float64)
        level = np.hypot(r[2, 0], r[2, 2])
        pitch = np.arctan2(r[2, 1], level)
        if level < UPRIGHT_TOLERANCE:
            roll, yaw = 0.0, np.arctan2(r[1, 0], r[0, 0])
        else:
            roll, yaw = np.arctan2(-r[2, 0], r[2, 2]), np.arctan2(-r[0, 1], r[1, 1])
        return cls(*(float(a) + 0.0 for a in np.rad2deg([yaw, pitch, roll])))


def rotation_from_vector(vector_rad: ArrayLike) -> Float64Array:
    """Rotation matrix (3, 3) of a rotation vector in radians (Rodrigues)."""
    w = np.asarray(vector_rad, dtype=np.float64)
    angle = float(np.linalg.norm(w))
    skew = np.array([[0.0, -w[2], w[1]], [w[2], 0.0, -w[0]], [-w[1], w[0], 0.0]])
    sine_over = np.sinc(angle / np.pi)
    versine_over = 0.5 * np.sinc(angle / (2.0 * np.pi)) ** 2
    rotation: Float64Array = np.eye(3) + sine_over * skew + versine_over * (skew @ skew)
    return rotation


def rotation_angle_deg(rotation: ArrayLike) -> float:
    """Angle of a rotation matrix about its own axis, in degrees, 0 to 180; exact for small angles."""
    r = np.asarray(rotation, dtype=np.float64)
    sine = 0.5 * np.linalg.norm([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    return float(np.rad2deg(np.arctan2(sine, 0.5 * (np.trace(r) - 1.0))))


@dataclass(frozen=True, eq=False)
class RigidTransform:
    """Maps a point of `from_frame` to the same anatomy in `to_frame`: q = R p + t, mm.

    Named `to_from_from`: `plan_from_daily = RigidTransform(plan_frame, daily_frame, R, t)`. In a product the
    neighbours must match; `@` checks it and raises FrameMismatch.
    """

    to_frame: Frame
    from_frame: Frame
    rotation: Float64Array
    translation_mm: Float64Array

    def __post_init__(self) -> None:
        """Copy, check that the rotation is a proper one to 1e-6, and freeze."""
        rotation = frozen_array(self.rotation, (3, 3))
        defect = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
        if defect > ORTHONORMAL_TOLERANCE or np.linalg.det(rotation) < 0.0:
            raise InvalidGeometry(
                f"The matrix of {self.to_frame} from {self.from_frame} is no proper rotation (orthonormal to "
                f"{defect:.2g}, determinant {np.linalg.det(rotation):.6f}); scaled or mirrored matrices are refused.",
                defect=defect,
            )
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation_mm", frozen_array(self.translation_mm, (3,)))

    @classmethod
    def identity(cls, to_frame: Frame, from_frame: Frame) -> "RigidTransform":
        """The transform that changes the name of the frame and no number."""
        return cls(to_frame, from_frame, np.eye(3), np.zeros(3))

    @classmethod
    def from_matrix4(cls, to_frame: Frame, from_frame: Frame, matrix: ArrayLike) -> "RigidTransform":
        """From a homogeneous (4, 4) matrix; the last row must be 0 0 0 1."""
        m = frozen_array(matrix, (4, 4))
        if not np.allclose(m[3], [0.0, 0.0, 0.0, 1.0], rtol=0.0, atol=1e-9):
            raise InvalidGeometry(f"The last row of a rigid 4x4 matrix must be 0 0 0 1, found {m[3].tolist()}.")
        return cls(to_frame, from_frame, m[:3, :3], m[:3, 3])

    @classmethod
    def about_points(
        cls,
        to_point: tuple[Frame, ArrayLike],
        from_point: tuple[Frame, ArrayLike],
        rotation: ArrayLike,
        shift_mm: ArrayLike,
    ) -> "RigidTransform":
        """q = to + R (p - from) + shift: relative to a point (frame, mm) in each frame, usually the isocenters."""
        (to_frame, to_mm), (from_frame, from_mm) = to_point, from_point
        r = frozen_array(rotation, (3, 3))
        t = frozen_array(to_mm, (3,)) + frozen_array(shift_mm, (3,)) - r @ frozen_array(from_mm, (3,))
        return cls(to_frame, from_frame, r, t)

    def shift_about_points_mm(self, to_mm: ArrayLike, from_mm: ArrayLike) -> Float64Array:
        """Where `from_mm` lands, minus `to_mm` (3,): R from + t - to (clinical.md 2.2)."""
        return np.asarray(self.points(np.asarray(from_mm, dtype=np.float64)) - np.asarray(to_mm, dtype=np.float64))

    def matrix4(self) -> Float64Array:
        """Homogeneous (4, 4) matrix."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.translation_mm
        return matrix

    def points(self, points_mm: ArrayLike) -> Float64Array:
        """Map points (..., 3) in mm from `from_frame` to `to_frame`."""
        return np.asarray(points_mm, dtype=np.float64) @ self.rotation.T + self.translation_mm

    def vectors(self, vectors_mm: ArrayLike) -> Float64Array:
        """Map directions (..., 3): rotated, not translated."""
        return np.asarray(vectors_mm, dtype=np.float64) @ self.rotation.T

    def inverse(self) -> "RigidTransform":
        """The transform from `to_frame` to `from_frame`."""
        return RigidTransform(self.from_frame, self.to_frame, self.rotation.T, -self.rotation.T @ self.translation_mm)

    def __matmul__(self, other: "RigidTransform") -> "RigidTransform":
        """Compose: `a_from_b @ b_from_c` is `a_from_c`; raises FrameMismatch when the neighbours differ."""
        if self.from_frame != other.to_frame:
            raise FrameMismatch(
                f"Cannot compose {self.to_frame} from {self.from_frame} with {other.to_frame} from "
                f"{other.from_frame}: the neighbours must be the same frame.",
                left=str(self.from_frame),
                right=str(other.to_frame),
            )
        rotation = renormalised_rotation(self.rotation @ other.rotation)
        return RigidTransform(self.to_frame, other.from_frame, rotation, self.points(other.translation_mm))

    def require_frames(self, to_frame: Frame, from_frame: Frame, what: str) -> None:
        """Raise FrameMismatch unless this transform joins exactly these two frames."""
        require_same_frame(self.to_frame, to_frame, what)
        require_same_frame(self.from_frame, from_frame, what)

    def __eq__(self, other: object) -> bool:
        """Same frames and bitwise the same numbers."""
        return (
            isinstance(other, RigidTransform)
            and (self.to_frame, self.from_frame) == (other.to_frame, other.from_frame)
            and np.array_equal(self.rotation, other.rotation)
            and np.array_equal(self.translation_mm, other.translation_mm)
        )

    def __hash__(self) -> int:
        """Hash of frames and numbers."""
        return hash((self.to_frame, self.from_frame, self.rotation.tobytes(), self.translation_mm.tobytes()))


def renormalised_rotation(matrix: ArrayLike) -> Float64Array:
    """The nearest proper rotation (3, 3) to an almost orthonormal matrix, by SVD."""
    u, _, vt = np.linalg.svd(np.asarray(matrix, dtype=np.float64))
    return np.asarray(u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt)


def fit_rigid(to_points_mm: ArrayLike, from_points_mm: ArrayLike) -> tuple[Float64Array, Float64Array]:
    """Rotation (3, 3) and translation (3,) that bring `from` points (n, 3) to `to` points in the least-squares sense.

    Kabsch 1976. Needs three pairs of points that are not on one line; raises InvalidGeometry otherwise.
    """
    q = np.asarray(to_points_mm, dtype=np.float64)
    p = np.asarray(from_points_mm, dtype=np.float64)
    if q.ndim != 2 or q.shape[1] != 3 or q.shape != p.shape or not (np.isfinite(q).all() and np.isfinite(p).all()):
        raise InvalidGeometry(f"A rigid fit needs pairs of finite points (n, 3), found shapes {q.shape} and {p.shape}.")
    q_mean, p_mean = q.mean(axis=0), p.mean(axis=0)
    covariance = (q - q_mean).T @ (p - p_mean)
    if np.linalg.matrix_rank(covariance, tol=1e-9 * max(1.0, float(np.abs(covariance).max()))) < 2:
        raise InvalidGeometry("A rigid fit needs at least three points that are not on one line.")
    u, _, vt = np.linalg.svd(covariance)
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return rotation, q_mean - rotation @ p_mean
