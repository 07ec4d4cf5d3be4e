"""Optical surface: the skin of a virtual patient as cameras on the ceiling of the room see it, with what they miss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InputError, MissingInput
from openigrt.geometry import Float64Array, Frame, RigidTransform, fixed_from_gantry
from openigrt.images import Mesh, PointCloud, Provenance
from openigrt.virtual.imaging._kernels_surface_cpu import hits
from openigrt.virtual.linac.patient_on_couch import PatientOnCouch
from openigrt.virtual.tissue.anatomy import Anatomy

SKIN = "BODY"
UP = (0.0, 0.0, 1.0)
SEEN_HALF_MM = 600.0
MISSING = -1
LONGEST_EDGE_MM = 15.0
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class CameraPod:
    """Cameras and a projector of patterns, close together: one eye, at a place of the room, that looks at a point.

    `field_mm` (across, up) is what it sees at that point's distance, in `points` (columns, rows). `noise_mm`, one
    standard deviation, is along its rays and grows with the slope; skin that is steeper to them than `steepest_deg` is
    not seen, and a `lost_share` of the rest is missing at random (hair, shine).
    """

    name: str
    place_mm: Triple
    looks_at_mm: Triple = (0.0, 0.0, 0.0)
    field_mm: tuple[float, float] = (600.0, 450.0)
    points: tuple[int, int] = (200, 150)
    noise_mm: float = 0.4
    steepest_deg: float = 70.0
    lost_share: float = 0.02

    def __post_init__(self) -> None:
        """Raise InputError for a pod that looks nowhere, or sees nothing."""
        distance_mm = float(np.linalg.norm(np.subtract(self.looks_at_mm, self.place_mm)))
        if not (distance_mm > 0.0 and min(self.field_mm) > 0.0 and min(self.points) > 1 and self.noise_mm >= 0.0):
            raise InputError(f"A camera needs a place apart from what it looks at, a field and points; found {self}.")
        if not (0.0 < self.steepest_deg <= 90.0 and 0.0 <= self.lost_share <= 1.0):
            raise InputError(
                f"A camera needs a steepest slope of up to 90 degrees and a share of 0 to 1; found {self}."
            )

    def directions(self) -> Float64Array:
        """Unit vectors (rows * columns, 3) of its rays in the room."""
        ahead = np.subtract(self.looks_at_mm, self.place_mm)
        across = np.cross(ahead, UP) if abs(ahead[:2]).max() > 1e-6 else np.array([1.0, 0.0, 0.0])
        across = across / np.linalg.norm(across)
        upward = np.cross(across, ahead) / np.linalg.norm(ahead)
        columns, rows = (np.linspace(-0.5, 0.5, n) * f for n, f in zip(self.points, self.field_mm, strict=True))
        rays = ahead + columns[:, None] * across - rows[:, None, None] * upward
        return np.asarray((rays / np.linalg.norm(rays, axis=-1, keepdims=True)).reshape(-1, 3))


# Two pods beside the couch and one at its foot, under the ceiling (Cervino et al., in Image-Guided Radiation Therapy,
# ed. Bourland, 2012); distances as of a usual room.
CEILING_PODS = (
    CameraPod("left", (1500.0, -900.0, 1350.0)),
    CameraPod("right", (-1500.0, -900.0, 1350.0)),
    CameraPod("foot", (0.0, -2200.0, 1350.0)),
)


@dataclass(frozen=True, slots=True)
class TreatmentHead:
    """The head of the gantry as a cylinder about the beam axis, from `face_mm` above the isocenter on."""

    gantry_angle_deg: float
    radius_mm: float = 380.0
    face_mm: float = 420.0
    top_mm: float = 1400.0

    def hides(self, place_mm: Triple, points_mm: Float64Array) -> NDArray[np.bool_]:
        """Which points (n, 3) of the room cannot be seen from a place."""
        from_gantry = fixed_from_gantry(self.gantry_angle_deg).inverse()
        start, ends = from_gantry.points(np.asarray(place_mm)), from_gantry.points(points_mm)
        ways = ends - start
        near, far = _between(start[2] - self.face_mm, start[2] - self.top_mm, ways[:, 2])
        a = (ways[:, :2] ** 2).sum(axis=1)
        b = ways[:, :2] @ start[:2]
        inside = b**2 - a * (start[:2] @ start[:2] - self.radius_mm**2)
        root = np.sqrt(np.maximum(inside, 0.0))
        a = np.where(a > 0.0, a, 1e-12)
        near, far = np.maximum(near, (-b - root) / a), np.minimum(far, (-b + root) / a)
        return np.asarray((inside > 0.0) & (np.minimum(far, 1.0) > np.maximum(near, 0.0)))


def _between(above_face: float, above_top: float, along: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Shares of the way at which heights of the slab are crossed, the earlier first."""
    steps = np.where(np.abs(along) > 1e-9, along, 1e-9)
    first, second = -above_face / steps, -above_top / steps
    return np.minimum(first, second), np.maximum(first, second)


@dataclass(frozen=True, slots=True)
class SurfaceSystem:
    """Pods, and where the point truly lies in the room (mm) that the system takes for the isocenter.

    It sees everything by that much the other way.
    """

    pods: tuple[CameraPod, ...] = CEILING_PODS
    isocenter_offset_mm: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What one pod saw: points (n, 3) in the room, and which of its rays (rows, columns) each is (MISSING: none)."""

    points_mm: Float64Array
    of_ray: NDArray[np.int64]


def seen_surface(
    lying: PatientOnCouch,
    time_s: float,
    rng: np.random.Generator,
    system: SurfaceSystem = SurfaceSystem(),
    head: TreatmentHead | None = None,
) -> PointCloud:
    """The skin at a time of the linac's clock, as points in the room as the system has it, from all pods together.

    `head` hides what lies behind it (None: nothing does). Raises MissingInput where no pod sees any skin, or the
    patient has none.
    """
    seen = _of_all_pods(lying, time_s, (system, head), rng)
    points_mm = np.concatenate([one.points_mm for one in seen])
    return PointCloud(Frame.FIXED, points_mm, provenance=_provenance(lying))


def seen_meshes(
    lying: PatientOnCouch,
    time_s: float,
    rng: np.random.Generator,
    system: SurfaceSystem = SurfaceSystem(),
    head: TreatmentHead | None = None,
) -> tuple[Mesh, ...]:
    """The same as one open mesh for each pod that sees skin: neighbors in its picture up to 15 mm apart joined."""
    seen = zip(system.pods, _of_all_pods(lying, time_s, (system, head), rng), strict=True)
    meshes = [_mesh(pod, one, _provenance(lying)) for pod, one in seen]
    return tuple(mesh for mesh in meshes if mesh is not None)


def _provenance(lying: PatientOnCouch) -> Provenance:
    return Provenance(manufacturer="OpenIGRT", device_model="virtual cameras", patient_position=lying.patient.position)


def _of_all_pods(
    lying: PatientOnCouch,
    time_s: float,
    how: tuple[SurfaceSystem, TreatmentHead | None],
    rng: np.random.Generator,
) -> Sequence[_Seen]:
    """What each pod sees; raises MissingInput where none sees any skin."""
    system, head = how
    anatomy, fixed_from_plan = lying.anatomy(time_s), lying.fixed_from_plan(time_s)
    offset_mm = np.asarray(system.isocenter_offset_mm)
    seen = []
    for pod in system.pods:
        one = _of_pod(pod, anatomy, fixed_from_plan, head, rng)
        seen.append(_Seen(one.points_mm - offset_mm, one.of_ray))
    if not sum(len(one.points_mm) for one in seen):
        raise MissingInput("No camera sees any skin of the patient; look at where pods, gantry and patient are.")
    return seen


def _of_pod(
    pod: CameraPod,
    anatomy: Anatomy,
    fixed_from_plan: RigidTransform,
    head: TreatmentHead | None,
    rng: np.random.Generator,
) -> _Seen:
    """What one pod sees, its isocenter where it is."""
    directions = pod.directions()
    distances_mm, normals = true_hits(anatomy, fixed_from_plan, np.asarray(pod.place_mm), directions)
    facing = -(normals * directions).sum(axis=1)
    is_seen = (distances_mm > 0.0) & (facing > np.cos(np.deg2rad(pod.steepest_deg)))
    is_seen &= rng.random(len(directions)) >= pod.lost_share
    noise = pod.noise_mm * rng.standard_normal(len(directions))
    if head is not None:
        true_mm = np.asarray(pod.place_mm) + distances_mm[:, None] * directions
        is_seen &= ~head.hides(pod.place_mm, true_mm)
    measured_mm = distances_mm + noise / np.maximum(np.sqrt(np.maximum(facing, 0.0)), 0.1)
    chosen = np.flatnonzero(is_seen)
    of_ray = np.full(len(directions), MISSING)
    of_ray[chosen] = np.arange(len(chosen))
    points_mm = np.asarray(pod.place_mm) + measured_mm[chosen, None] * directions[chosen]
    return _Seen(points_mm, of_ray.reshape(pod.points[::-1]))


def true_hits(
    anatomy: Anatomy, fixed_from_plan: RigidTransform, place_mm: Float64Array, directions: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """How far (n,) from a place of the room rays (n, 3) meet the skin, -1 where not, and its normals (n, 3) there.

    Skin is known up to 600 mm from the isocenter. Raises MissingInput for an anatomy without skin.
    """
    names = [organ.name for organ in anatomy.organs[::-1]]
    if SKIN not in names:
        raise MissingInput(f"The anatomy has no organ {SKIN}, so it has no skin; it has {', '.join(names)}.")
    plan_from_fixed = fixed_from_plan.inverse()
    middle_mm = -(directions @ place_mm)
    miss = np.linalg.norm(place_mm + middle_mm[:, None] * directions, axis=1)
    half_mm = np.sqrt(np.maximum(SEEN_HALF_MM**2 - miss**2, 0.0))
    near_mm = np.maximum(middle_mm - half_mm, 0.0)
    starts = plan_from_fixed.points(place_mm + near_mm[:, None] * directions) - anatomy.origin_mm
    distances, normals = np.empty(len(directions)), np.zeros((len(directions), 3))
    ways = np.ascontiguousarray(plan_from_fixed.vectors(directions))
    hits(
        *(anatomy.table, anatomy.deformation.table, names.index(SKIN)),
        *(np.ascontiguousarray(starts), ways, 2.0 * half_mm),
        *(distances, normals),
    )
    return np.where(distances >= 0.0, distances + near_mm, -1.0), fixed_from_plan.vectors(normals)


def _mesh(pod: CameraPod, seen: _Seen, provenance: Provenance) -> Mesh | None:
    """Two triangles in each cell of the picture, counter-clockwise from outside; None where nothing is joined."""
    a, b = seen.of_ray[:-1, :-1].ravel(), seen.of_ray[:-1, 1:].ravel()
    c, d = seen.of_ray[1:, :-1].ravel(), seen.of_ray[1:, 1:].ravel()
    triangles = np.concatenate([np.column_stack([a, c, b]), np.column_stack([b, c, d])])
    triangles = triangles[(triangles != MISSING).all(axis=1)]
    if not len(triangles):
        return None
    corners = seen.points_mm[triangles]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    triangles = triangles[edges.max(axis=1) <= LONGEST_EDGE_MM]
    if not len(triangles):
        return None
    used, renamed = np.unique(triangles, return_inverse=True)
    return Mesh(
        Frame.FIXED,
        seen.points_mm[used],
        renamed.reshape(-1, 3),
        label=pod.name,
        is_closed=False,
        provenance=provenance,
    )
