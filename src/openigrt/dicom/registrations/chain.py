"""Chains of Spatial Registrations: from the daily image over other frames to the planning image.

Frames of reference are the nodes, rigid items the edges. Everything that is connected must agree: where two ways lead
to different places nobody but the user can say which is meant.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openigrt.dicom.dataset.elements import in_short
from openigrt.dicom.registrations.spatial import RegisteredSource, SpatialRegistration, rigid_matrix
from openigrt.errors import AmbiguousInput, InconsistentInput, MissingInput, OpenIgrtError, UnsupportedInput
from openigrt.geometry import Float64Array, RigidTransform, renormalised_rotation
from openigrt.images import Image

EQUIPMENT_FRAMES = "1.2.840.10008.1.4.3."
AGREEMENT_MM = 0.1
IDENTITY_TOLERANCE = 1e-4
MAX_LINKS = 1000
STEPS_LISTED = 10


@dataclass(frozen=True, eq=False, slots=True)
class ChainLink:
    """One step: `to_from_from` (4, 4), mm, between two frames, and the registration that states it or its inverse."""

    to_frame_uid: str
    from_frame_uid: str
    to_from_from: Float64Array
    registration_uid: str
    is_inverted: bool = False

    def inverse(self) -> "ChainLink":
        """The same step backwards."""
        backwards = np.asarray(np.linalg.inv(self.to_from_from), np.float64)
        uids = self.from_frame_uid, self.to_frame_uid
        return ChainLink(*uids, backwards, self.registration_uid, not self.is_inverted)

    def __str__(self) -> str:
        """How a step stands in a sentence."""
        by = f"{self.registration_uid}, inverted" if self.is_inverted else self.registration_uid
        return f"frame {self.from_frame_uid} to frame {self.to_frame_uid} by Spatial Registration {by}"


@dataclass(frozen=True, eq=False, slots=True)
class RegistrationChain:
    """`plan_from_daily`, the steps that it is made of (from the daily image to the plan), and what was left aside."""

    plan_from_daily: RigidTransform
    links: tuple[ChainLink, ...]
    messages: tuple[str, ...]

    @property
    def path(self) -> str:
        """The way in words."""
        return "; ".join(map(str, self.links))


@dataclass(frozen=True, eq=False, slots=True)
class Disagreement:
    """A registration that contradicts a chain of others between two frames, by up to `worst_mm` at given points."""

    link: ChainLink
    chain: tuple[ChainLink, ...]
    worst_mm: float

    def __str__(self) -> str:
        """How it stands in a sentence."""
        others = in_short([str(step) for step in self.chain], STEPS_LISTED, "; ")
        return f"{self.link} contradicts ({others}) by up to {self.worst_mm:.1f} mm"


def chained_plan_from_daily(
    registrations: Sequence[SpatialRegistration], planning_image: Image, daily_image: Image
) -> RegistrationChain:
    """The rigid transform that several registrations state together, over as few of them as possible.

    Equipment frames (1.2.840.10008.1.4.3.x) and registrations that are not rigid are left aside, which is said. Raises
    AmbiguousInput where registrations that are connected disagree by more than 0.1 mm in the daily image,
    InconsistentInput where images share a frame or nothing joins them, MissingInput without registrations.
    """
    if not registrations:
        raise MissingInput("There is no registration to chain; give one at least.")
    plan_uid, daily_uid = planning_image.frame.uid, daily_image.frame.uid
    if plan_uid == daily_uid:
        raise InconsistentInput(
            f"Plan and daily image share the frame {plan_uid}: a chain of frames cannot tell them apart. Give one "
            "registration that names their slices."
        )
    links, messages = rigid_links(registrations)
    ways = _ways_from(daily_uid, links)
    if plan_uid not in ways:
        raise InconsistentInput(
            f"No chain of rigid registrations leads from frame {daily_uid} to frame {plan_uid}. "
            f"{' '.join(messages)}".strip()
        )
    found = disagreements(links, {daily_uid: daily_image.grid.corners_mm()}, AGREEMENT_MM)
    if found:
        raise AmbiguousInput(f"Registrations disagree: {found[0]}. Give only those that are meant.")
    way = ways[plan_uid]
    rotation = renormalised_rotation(way.matrix[:3, :3])
    transform = RigidTransform(planning_image.frame, daily_image.frame, rotation, way.matrix[:3, 3])
    return RegistrationChain(transform, way.links, messages)


def rigid_links(registrations: Iterable[SpatialRegistration]) -> tuple[tuple[ChainLink, ...], tuple[str, ...]]:
    """The rigid steps between frames that registrations state, and sentences about those that are left aside.

    Raises InconsistentInput for a frame registered to itself by anything but identity, UnsupportedInput for too many.
    """
    links, messages = [], []
    for registration in registrations:
        for source in registration.sources:
            why = _left_aside(registration, source)
            if why:
                messages.append(f"Spatial Registration {registration.uid} is left aside: {why}.")
            elif source.frame_uid != registration.registered_frame_uid:
                matrix = rigid_matrix(registration.uid, source)
                links.append(ChainLink(registration.registered_frame_uid, source.frame_uid, matrix, registration.uid))
            elif not source.image_uids and not _is_identity(source.registered_from_source):
                raise InconsistentInput(
                    f"Spatial Registration {registration.uid} moves frame {source.frame_uid} against itself and names "
                    "no images."
                )
            if len(links) > MAX_LINKS:
                raise UnsupportedInput(f"There are more than {MAX_LINKS} registrations; give those that are meant.")
    return tuple(links), tuple(dict.fromkeys(messages))


def _is_identity(matrix: Float64Array) -> bool:
    """Whether a matrix leaves everything where it is."""
    return bool(np.allclose(matrix, np.eye(4), rtol=0.0, atol=IDENTITY_TOLERANCE))


def _left_aside(registration: SpatialRegistration, source: RegisteredSource) -> str:
    """Why an item cannot be a step of a chain; empty where it can."""
    uids = registration.registered_frame_uid, source.frame_uid
    if not all(uids):
        return "an item names images without their frame of reference"
    if any(uid.startswith(EQUIPMENT_FRAMES) for uid in uids):
        return "equipment is not fixed to a patient, and does not join images of one"
    try:
        rigid_matrix(registration.uid, source)
    except OpenIgrtError as error:
        return error.sentence.rstrip(".")
    return ""


def disagreements(
    links: Sequence[ChainLink], points_mm: Mapping[str, Float64Array], tolerance_mm: float
) -> tuple[Disagreement, ...]:
    """Registrations that contradict a chain of others by more than a tolerance at points (n, 3), by the UID of a frame.

    All that is connected with a frame is judged at its points; a frame that an earlier one is connected with is not
    judged again.
    """
    found = []
    reached: set[str] = set()
    for start_uid, at_mm in points_mm.items():
        if start_uid in reached:
            continue
        ways = _ways_from(start_uid, links)
        reached |= ways.keys()
        for link in links:
            if link.from_frame_uid not in ways:
                continue
            before, after = ways[link.from_frame_uid], ways[link.to_frame_uid]
            worst_mm = _apart_mm(link.to_from_from @ before.matrix, after.matrix, at_mm)
            if worst_mm > tolerance_mm:
                back = tuple(step.inverse() for step in reversed(before.links))
                found.append(Disagreement(link, (*back, *after.links), worst_mm))
    return tuple(found)


@dataclass(frozen=True, eq=False, slots=True)
class _Way:
    """Steps from one frame to another, and the matrix (4, 4) of all of them."""

    links: tuple[ChainLink, ...]
    matrix: Float64Array


def _ways_from(start_uid: str, links: Sequence[ChainLink]) -> dict[str, _Way]:
    """The shortest way from a frame to each that it is connected with, earlier registrations first."""
    steps: dict[str, list[ChainLink]] = {}
    for link in links:
        steps.setdefault(link.from_frame_uid, []).append(link)
        steps.setdefault(link.to_frame_uid, []).append(link.inverse())
    ways = {start_uid: _Way((), np.eye(4))}
    waiting = deque([start_uid])
    while waiting:
        way = ways[uid := waiting.popleft()]
        for step in steps.get(uid, []):
            if step.to_frame_uid not in ways:
                ways[step.to_frame_uid] = _Way((*way.links, step), step.to_from_from @ way.matrix)
                waiting.append(step.to_frame_uid)
    return ways


def _apart_mm(one: Float64Array, other: Float64Array, points_mm: Float64Array) -> float:
    """How far two matrices bring points (n, 3) apart at most."""
    difference = one - other
    return float(np.linalg.norm(points_mm @ difference[:3, :3].T + difference[:3, 3], axis=1).max())
