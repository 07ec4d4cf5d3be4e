"""How the bones of head, neck and shoulders move: gauges along the chain of the spine, of the jaw, of the shoulders.

A gauge has one number in each bone, and goes over smoothly from bone to bone between them; a hinge turns all whose
number is past that of its joint. So every bone moves as one piece, whatever its neighbours do. Hinges of a chain come
with the farthest first, as gauges are those of the patient at rest. Axes as in `head_skull`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.virtual.patients.patient import VirtualPatient
from openigrt.virtual.sites.head_skull import CONDYLE
from openigrt.virtual.sites.head_spine import BUILDS, SPINE, spine_axes
from openigrt.virtual.tissue.anatomy import Anatomy, Organ
from openigrt.virtual.tissue.moves import Gauge, GaugeRamp, LocalMotion, Move
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import Solid, Superellipsoid

CHAIN = ("T1", "C7", "C6", "C5", "C4", "C3", "C2", "C1", "SKULL")
ANCHOR = CHAIN.index("C4")  # the bone that stays where the plan has it
THROAT = ("LARYNX", "THYROID_CARTILAGE", "CRICOID", "HYOID")
NEAR_MM = 60.0  # bones farther away than this have no say
SURE = 0.03  # of a number: so close to it, all is bone
ELSEWHERE = 2.0e-4  # weight of what tissue does that is near no bone
SHOULDER_PIVOT_MM = (22.0, -30.0, -192.0)  # joint of clavicle and breastbone, left


def hinges(patient: VirtualPatient, angles_deg: Float64Array) -> Iterator[Move]:
    """The neck bends: `angles_deg` (8, 3) are the turns of T1 to C7, C7 to C6 and so on up to the skull, about x, y, z.

    The fourth vertebra of the neck stays in its place; each turn is of what lies beyond its joint.
    """
    gauge = chain_gauge(patient)
    for n in range(len(CHAIN) - 2, ANCHOR - 1, -1):
        yield _hinge(joint_mm(n), angles_deg[n], gauge.between(n + SURE, n + 1.0 - SURE))
    for n in range(ANCHOR):
        yield _hinge(joint_mm(n), angles_deg[n], gauge.between(n + 1.0 - SURE, n + SURE))


def jaw_opening(patient: VirtualPatient, degrees: float) -> LocalMotion:
    """The jaw turns about the line through its condyles; positive opens it."""
    return LocalMotion(
        None,
        rotation_deg=(degrees, 0.0, 0.0),
        pivot_mm=(0.0, *CONDYLE[1:]),
        ramp=jaw_gauge(patient).between(SURE, 1.0 - SURE),
        is_soft=False,
    )


def shoulder_lift(patient: VirtualPatient, side: float, up_deg: float, forward_deg: float) -> LocalMotion:
    """A shoulder goes up and forward about the joint of clavicle and breastbone; `side` +1 is the patient's left."""
    return LocalMotion(
        None,
        rotation_deg=(0.0, -side * up_deg, -side * forward_deg),
        pivot_mm=np.array(SHOULDER_PIVOT_MM) * (side, 1.0, 1.0),
        ramp=shoulder_gauge(patient).between(side * SURE, side * (1.0 - SURE)),
        is_soft=False,
    )


def joint_mm(n: int) -> Float64Array:
    """Where joint n of the chain turns: behind the middle of a disk; in dens or condyles above."""
    below = CHAIN[n]
    if below == "C1":
        return np.array([0.0, 5.0, -31.0])
    if below == "C2":
        return np.array([0.0, 3.0, -40.0])
    build = BUILDS[below]
    axes = spine_axes(below)
    return np.array(SPINE[below]) + 0.5 * build.half_depth_mm * axes[:, 1] + (build.half_height_mm + 2.0) * axes[:, 2]


@lru_cache(maxsize=8)
def chain_gauge(patient: VirtualPatient) -> Gauge:
    """From 0 in the first vertebra of the chest (and all below) to 8 in the skull and all that hangs on it."""
    numbers = {f"VERTEBRA_{name}": float(n) for n, name in enumerate(CHAIN[:-1])}
    numbers |= {f"{name}_{side}": 0.0 for name in ("RIB_1", "SHOULDER", "HUMERUS") for side in "LR"}
    numbers |= {"VERTEBRA_T2": 0.0, "MANDIBLE": 8.0, "SKULL": 8.0}
    numbers |= dict.fromkeys(THROAT, 4.0)  # one piece, at the level of the vertebra that stays
    heights = [SPINE[name][2] for name in CHAIN[:-1]] + [-20.0]

    def elsewhere(points: Float64Array) -> Float64Array:
        # Slower the farther from the spine, as turns go farther there; shoulders belong to the chest whole.
        x, y, up = points[..., 0], points[..., 1], points[..., 2] - heights[ANCHOR]
        slower = 1.0 + (x**2 + y**2) / np.where(up > 0.0, 320.0, 400.0) ** 2
        return np.asarray(np.interp(heights[ANCHOR] + up / slower, heights, np.arange(9.0)))

    box = np.array([[-117.0, -162.0, -210.0], [117.0, 138.0, 36.0]])
    return _gauge(_bare(patient, numbers), numbers, elsewhere, box, 3.0)


@lru_cache(maxsize=8)
def jaw_gauge(patient: VirtualPatient) -> Gauge:
    """1 in the jaw and its teeth, 0 in all other bones."""
    numbers = {"MANDIBLE": 1.0, "TEETH_LOWER": 1.0, "SKULL": 0.0, "TEETH_UPPER": 0.0}
    numbers |= {f"VERTEBRA_C{n}": 0.0 for n in (1, 2, 3, 4)} | dict.fromkeys(THROAT, 0.0)
    box = np.array([[-115.0, -155.0, -150.0], [115.0, 50.0, 20.0]])
    return _gauge(_bare(patient, numbers), numbers, lambda points: np.zeros(points.shape[:-1]), box, 2.5)


@lru_cache(maxsize=8)
def shoulder_gauge(patient: VirtualPatient) -> Gauge:
    """1 in the left clavicle, scapula and arm, -1 in those of the right, 0 in spine, ribs and breastbone."""
    numbers = {f"{name}_{side}": sign for name in ("SHOULDER", "HUMERUS") for side, sign in (("L", 1.0), ("R", -1.0))}
    numbers |= {f"RIB_{n}_{side}": 0.0 for n in (1, 2, 3, 4) for side in "LR"} | {"STERNUM": 0.0}
    numbers |= {f"VERTEBRA_{name}": 0.0 for name in ("T3", "T1", "C6", "C4")}
    box = np.array([[-264.0, -130.0, -450.0], [264.0, 140.0, -72.0]])

    def elsewhere(points: Float64Array) -> Float64Array:
        return np.asarray(np.clip(points[..., 0] / 160.0, -1.0, 1.0) * np.clip(-1.0 - points[..., 2] / 80.0, 0.0, 1.0))

    return _gauge(_bare(patient, numbers), numbers, elsewhere, box, 6.0)


def _bare(patient: VirtualPatient, numbers: Mapping[str, float]) -> Anatomy:
    """The bones of a gauge alone, in the anatomy's own axes; the skull without its hollows."""
    organs = tuple(_without_hollows(organ) for organ in patient.anatomy.organs if organ.name in numbers)
    return Anatomy(patient.anatomy.frame, organs)


def _without_hollows(organ: Organ) -> Organ:
    """The skull's outside and the joints of the jaw matter here, and its other parts are many."""
    if organ.name != "SKULL":
        return organ
    return replace(organ, parts=tuple(p for p in organ.parts if p.operation is Operation.UNION or _is_joint(p.solid)))


def _is_joint(solid: Solid) -> bool:
    """Whether a hollow is the one in which a condyle of the jaw turns."""
    return isinstance(solid, Superellipsoid) and bool(np.allclose(np.abs(solid.center_mm), np.abs(CONDYLE)))


def _gauge(
    bones: Anatomy,
    numbers: Mapping[str, float],
    elsewhere: Callable[[Float64Array], Float64Array],
    box: Float64Array,
    spacing_mm: float,
) -> Gauge:
    """Samples in a box: means of the bones' numbers, weighted with distance (Shepard 1968; Franke and Little)."""
    x, y, z = (np.arange(low, high + spacing_mm, spacing_mm) for low, high in box.T)
    points = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    weight = np.full(points.shape[:-1], ELSEWHERE)
    total = ELSEWHERE * elsewhere(points)
    for organ in bones.organs:
        low, high = bones.bounds_mm(organ.name)
        near = tuple(
            slice(*np.searchsorted(axis, (low[n] - NEAR_MM, high[n] + NEAR_MM))) for n, axis in ((2, z), (1, y), (0, x))
        )
        if any(s.start >= s.stop for s in near):
            continue
        # Distances are to first order, too short far from what is flat; those to the box are never too long.
        to_box = np.linalg.norm(np.maximum(np.maximum(low - points[near], points[near] - high), 0.0), axis=-1)
        away = np.maximum(np.maximum(bones.signed_distance_mm(organ.name, points[near]), to_box) - 0.3, 0.02)
        share = np.maximum((NEAR_MM - away) / (NEAR_MM * away), 0.0) ** 2
        weight[near] += share
        total[near] += numbers[organ.name] * share
    return Gauge((total / weight).astype(np.float32), np.array([x[0], y[0], z[0]]), spacing_mm)


def _hinge(pivot_mm: Float64Array, angle_deg: Float64Array, ramp: GaugeRamp) -> LocalMotion:
    return LocalMotion(None, rotation_deg=angle_deg, pivot_mm=pivot_mm, ramp=ramp, is_soft=False)
