"""The virtual head and neck: one seeded patient with a tumour of the tonsil, and the state of the tissue on one day.

Axes as in `head_skull`; `origin_mm` is the middle between the ear canals.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array, Frame
from openigrt.patient import StructureRole
from openigrt.virtual.patients.patient import Day, DrawnStructure, Drift, VirtualPatient
from openigrt.virtual.patients.population import MASK_SETUP
from openigrt.virtual.sites.head import Head, head
from openigrt.virtual.sites.head_joints import CHAIN, hinges, jaw_opening, shoulder_lift
from openigrt.virtual.sites.head_soft import ARTERY_CONTRAST, SICK_NODE, TUMOUR, VEIN_CONTRAST
from openigrt.virtual.sites.head_strands import ARTERIES, VEINS
from openigrt.virtual.tissue.anatomy import Anatomy, Organ, Part
from openigrt.virtual.tissue.deformation import Deformation
from openigrt.virtual.tissue.moves import Gauge, LocalMotion, Move, Region, Swelling, Widening
from openigrt.virtual.tissue.solids import Superellipsoid, spline_tube

TUMOUR_MM = (15.0, -20.0, -52.0)
TUMOUR_SEMI_AXES_MM = np.array([10.0, 10.0, 13.0])
SICK_NODE_MM = (40.0, -8.0, -72.0)
SICK_NODE_SEMI_AXES_MM = np.array([9.5, 11.0, 13.0])
CTV_MARGIN_MM = 7.0
NODE_REGION = Region(SICK_NODE_MM, SICK_NODE_SEMI_AXES_MM, 2.2)
TARGET_REGION_MM = (66.0, 44.0, 92.0)
PAROTID_MM, PAROTID_SEMI_AXES_MM = (60.0, -8.0, -31.0), (18.0, 22.0, 28.0)
# Weight is lost about the axis of the neck: its middle and size, and how deep below the skin tissue gets thinner.
NECK_MM, NECK_SEMI_AXES_MM = (0.0, 10.0, -112.0), (64.0, 64.0, 40.0)
FACE_MM, FACE_SEMI_AXES_MM = (0.0, -30.0, -38.0), (68.0, 70.0, 20.0)
NECK_RADIUS_MM = 63.0
EFFORT = 1.32  # for what is asked of the mean radius: the back of the neck gives less
FACE_SHARE = 0.3
THINNER_MM = 22.0
SKIN_BOX_MM = np.array([[-150.0, -150.0, -235.0], [150.0, 130.0, 15.0]])
SKIN_STEP_MM = 5.0
FRACTIONS = 35
DAY_SEED = 31
TRIALS, MOST_POWER, HASTE = 8, 5.0, 1.4
MIGRATION_STEP_MM, MOST_STEPS = 0.75, 16
BESIDE_BONE_MM = (1.0, 8.0)  # where glands begin to go inward, and where they go whole
GLAND_BOX_MM, GLAND_STEP_MM = np.array([[20.0, -60.0, -95.0], [100.0, 45.0, 30.0]]), 2.5
BONES_BESIDE = ("MANDIBLE", "SKULL", "VERTEBRA_C1", "VERTEBRA_C2")
FADE_MM = 4.0  # of what bones hold: glands lie next to the jaw
JOINTS = len(CHAIN) - 1

ORGANS_AT_RISK = (
    ("SPINAL_CORD", (240, 220, 40)),
    ("BRAINSTEM", (230, 160, 40)),
    ("PAROTID_L", (40, 200, 200)),
    ("PAROTID_R", (40, 160, 200)),
    ("MANDIBLE", (200, 120, 200)),
    ("LARYNX", (160, 100, 40)),
)
STRUCTURES = (
    DrawnStructure("BODY", "BODY", StructureRole.EXTERNAL, 0.0, 3.0, (0, 200, 0)),
    DrawnStructure("CTV", "CTV", StructureRole.CTV, color=(230, 60, 60)),
    DrawnStructure("PTV", "CTV", StructureRole.PTV, 5.0, color=(60, 120, 255)),
    *(DrawnStructure(name, name, StructureRole.ORGAN, color=color) for name, color in ORGANS_AT_RISK),
)

Factor: TypeAlias = float  # without dimension


@dataclass(frozen=True, eq=False)
class HeadNeckState:
    """What changes from day to day: jaw, neck, shoulders, glands and nodes, and how much weight is lost.

    `neck_deg` (8, 3) are the turns of each joint from T1 upward about x, y, z of the patient. Shoulders: left, right.
    `parotid_factor` and `node_factor` are on the volume; `migration_mm` is how far the middle of a parotid goes inward.
    `contour_loss_mm` is by how much less the radius of the neck is.
    """

    jaw_deg: float = 0.0
    neck_deg: Float64Array = field(default_factory=lambda: np.zeros((JOINTS, 3)))
    shoulders_up_deg: tuple[float, float] = (0.0, 0.0)
    shoulders_forward_deg: tuple[float, float] = (0.0, 0.0)
    parotid_factor: Factor = 1.0
    node_factor: Factor = 1.0
    migration_mm: float = 0.0
    contour_loss_mm: float = 0.0


def head_neck_patient(
    frame: Frame,
    seed: int,
    origin_mm: ArrayLike = (0.0, 0.0, 0.0),
    *,
    fillings: int = 0,
    with_mask: bool = False,
    with_contrast: bool = False,
) -> VirtualPatient:
    """A patient with a tumour of the left tonsil and sick nodes, as he was planned.

    Optional: metal in so many teeth, the shell of a mask, contrast in the vessels of the planning image alone.
    """
    made = head(seed, fillings, with_mask)
    anatomy = Anatomy(frame, _with_target(made), np.array(origin_mm), {}, texture_seed=seed)
    return VirtualPatient(
        site="head_neck",
        seed=seed,
        anatomy=anatomy,
        bones=made.stiff,
        target="CTV",
        target_region=Region((0.0, -8.0, -95.0), TARGET_REGION_MM, 1.6),
        structures=STRUCTURES,
        population=MASK_SETUP,
        fade_mm=FADE_MM,
        planned=Day(0, organs=tuple(_with_contrast(anatomy)) if with_contrast else ()),
    )


def head_neck_in(patient: VirtualPatient, state: HeadNeckState, number: int = 1) -> Day:
    """The day of a patient in a given state, set up as planned."""
    skeleton: list[Move] = []
    if state.jaw_deg:
        skeleton.append(jaw_opening(patient, state.jaw_deg))
    for side, up_deg, forward_deg in zip((1.0, -1.0), state.shoulders_up_deg, state.shoulders_forward_deg, strict=True):
        if up_deg or forward_deg:
            skeleton.append(shoulder_lift(patient, side, up_deg, forward_deg))
    if np.any(state.neck_deg):
        skeleton += hinges(patient, state.neck_deg)
    return Day(number, (*_shrunk(patient, state), *_thinner(patient, state.contour_loss_mm)), tuple(skeleton))


def head_neck_day(patient: VirtualPatient, number: int) -> Day:
    """A day at random: jaw, neck and shoulders, glands that shrink, weight that is lost, drift, and a setup error.

    Jaw -0.5 to 2.3 degrees; each joint of the neck about 0.5 degrees nodding and half of that to the sides; shoulders
    about 3 mm. By fraction, parotids lose 0.5 to 1 % of their volume, sick nodes up to 2 %; parotids have gone 2 to 3
    mm inward by the end (a median of 3.1 mm: Barker et al., Int J Radiat Oncol 59, 2004; they shrink by 24 ± 11 %:
    Kager et al., Radiat Oncol 10, 2015), what lies under the skin farther than what the jaw holds; and the radius of
    the neck gets 1 to 5 mm smaller, as differs between patients.
    """
    of_patient = np.random.default_rng((patient.seed, DAY_SEED))
    mean = patient.population.of_patient(of_patient)
    parotid_rate, node_rate = of_patient.uniform((0.005, 0.008), (0.010, 0.020))
    migration_mm, loss_mm = of_patient.uniform((2.0, 1.0), (3.0, 5.0))
    rng = np.random.default_rng((patient.seed, number, DAY_SEED))
    done = min(number / FRACTIONS, 1.2)
    nodding = np.clip(rng.standard_normal((JOINTS, 3)), -2.0, 2.0) * (0.5, 0.25, 0.25)
    up, forward = np.clip(rng.standard_normal((2, 2)), -2.2, 2.2) * 1.1
    state = HeadNeckState(
        jaw_deg=float(np.clip(0.5 + 0.9 * rng.standard_normal(), -0.5, 2.3)),
        neck_deg=nodding,
        shoulders_up_deg=(float(up[0]), float(up[1])),
        shoulders_forward_deg=(float(forward[0]), float(forward[1])),
        parotid_factor=float((1.0 - parotid_rate) ** number),
        node_factor=float((1.0 - node_rate) ** number),
        migration_mm=float(migration_mm * done),
        contour_loss_mm=float(loss_mm * done),
    )
    day = head_neck_in(patient, state, number)
    return replace(day, setup=patient.population.of_day(rng, mean), drift=_drift(rng))


def _drift(rng: np.random.Generator) -> Drift:
    """Tissue that settles in a mask by a tenth of a millimetre per minute; one time in six, he swallows."""
    x, y, z = (float(v) for v in np.array([0.0, 0.06, -0.03]) + 0.06 * rng.standard_normal(3))
    spikes_s = (float(rng.uniform(30.0, 300.0)),) if rng.random() < 1.0 / 6.0 else ()
    return Drift((x, y, z), (0.0, -float(rng.uniform(0.5, 1.5)), float(rng.uniform(1.0, 3.0))), spikes_s, 2.0)


def _with_target(made: Head) -> tuple[Organ, ...]:
    """All organs: what is treated lies behind all, unseen but known; tumour and sick node before the soft tissue."""
    grown = Superellipsoid(TUMOUR_MM, TUMOUR_SEMI_AXES_MM + CTV_MARGIN_MM)
    parts = [Part(grown), Part(Superellipsoid(SICK_NODE_MM, SICK_NODE_SEMI_AXES_MM + CTV_MARGIN_MM), blend_mm=6.0)]
    for s, radius in ((1.0, 12.0), (-1.0, 11.0)):
        levels = ((s * 38, -8, -52), (s * 38, -8, -80), (s * 37, -8, -112), (s * 33, -8, -150))
        parts.append(Part(spline_tube(levels, (radius,) * 4, (0, 1, 0), 1.15), blend_mm=6.0))
    seen = (
        Organ("TUMOUR", (Part(Superellipsoid(TUMOUR_MM, TUMOUR_SEMI_AXES_MM)),), TUMOUR),
        Organ("SICK_NODE", (Part(Superellipsoid(SICK_NODE_MM, SICK_NODE_SEMI_AXES_MM)),), SICK_NODE),
    )
    return (Organ("CTV", tuple(parts), TUMOUR), *made.soft, *seen, *made.air, *made.bones, *made.front)


def _with_contrast(anatomy: Anatomy) -> Iterator[Organ]:
    """The vessels of the planning image."""
    layers = {s.name: ARTERY_CONTRAST for s in ARTERIES} | {s.name: VEIN_CONTRAST for s in VEINS}
    for organ in anatomy.organs:
        if organ.name[:-2] in layers:
            yield replace(organ, layers=layers[organ.name[:-2]])


def _shrunk(patient: VirtualPatient, state: HeadNeckState) -> Iterator[Move]:
    """Parotids go inward, and they and the sick node lose volume: of a gland, what being pressed to the jaw leaves."""
    for s, letter in ((1.0, "L"), (-1.0, "R")):
        organ, inward = f"PAROTID_{letter}", tuple(_inward(patient, s, state.migration_mm))
        yield from inward
        if state.parotid_factor != 1.0:
            yield Swelling(_parotid(s), _overdone(patient, organ, _parotid(s), state.parotid_factor, inward))
    if state.node_factor != 1.0:
        yield Swelling(NODE_REGION, _overdone(patient, "SICK_NODE", NODE_REGION, state.node_factor))


@lru_cache(maxsize=2)
def _parotid(s: float) -> Region:
    """Round the gland of one side."""
    return Region(np.array(PAROTID_MM) * (s, 1.0, 1.0), PAROTID_SEMI_AXES_MM, 2.0)


@lru_cache(maxsize=64)
def _inward(patient: VirtualPatient, s: float, migration_mm: float) -> tuple[Move, ...]:
    """The middle of a parotid goes inward; what lies beside the jaw stays, so what lies under the skin goes farther."""
    if migration_mm == 0.0:
        return ()
    ways_mm = MIGRATION_STEP_MM * np.arange(MOST_STEPS + 1)
    way_mm = float(np.interp(migration_mm, _gone_mm(patient, s), ways_mm))
    count = max(1, round(way_mm / MIGRATION_STEP_MM))
    return (_step_inward(patient, s, way_mm / count),) * count


@lru_cache(maxsize=8)
def _gone_mm(patient: VirtualPatient, s: float) -> Float64Array:
    """How far inward the middle of a gland is (n + 1,) after each of n steps of its region."""
    points_mm = _points_mm(patient, f"PAROTID_{'L' if s > 0.0 else 'R'}")
    step = Deformation((_step_inward(patient, s, MIGRATION_STEP_MM),), patient.stiffness)
    middles_mm = [points_mm[:, 0].mean()]
    for _ in range(MOST_STEPS):
        points_mm = step.moved_mm(points_mm)
        middles_mm.append(points_mm[:, 0].mean())
    return np.asarray(s * (middles_mm[0] - np.array(middles_mm)))


def _step_inward(patient: VirtualPatient, s: float, step_mm: float) -> LocalMotion:
    """One small step of the region of a gland, in which bones take no part."""
    beside = _bone_gauge(patient, s).between(*BESIDE_BONE_MM)
    return LocalMotion(_parotid(s), (-s * step_mm, 0.0, 0.0), ramp=beside, is_soft=False)


@lru_cache(maxsize=8)
def _bone_gauge(patient: VirtualPatient, s: float) -> Gauge:
    """Distance to jaw, skull and neck at rest round a gland: nearer to them than the stiffness tells."""
    low, high = np.sort(GLAND_BOX_MM * (s, 1.0, 1.0), axis=0)
    axes = [np.arange(a, b, GLAND_STEP_MM) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes[::-1], indexing="ij")[::-1], axis=-1) + patient.anatomy.origin_mm
    bones = replace(patient.anatomy, deformation=Deformation())
    nearest = np.min([bones.signed_distance_mm(name, points) for name in BONES_BESIDE], axis=0)
    return Gauge(np.clip(nearest, -10.0, 10.0).astype(np.float32), low, GLAND_STEP_MM)


@lru_cache(maxsize=32)
def _overdone(
    patient: VirtualPatient, organ: str, region: Region, factor: Factor, before: tuple[Move, ...] = ()
) -> Factor:
    """The factor on the volume of a region with which an organ in it gets its own, though bone does not give way.

    After the moves `before`, which have their part in it.
    """
    inside, steps_mm, power = _points_mm(patient, organ), 1.0e-2 * np.eye(3), 1.0
    for _ in range(TRIALS):
        trial = Deformation((*before, Swelling(region, factor**power)), patient.stiffness)
        slopes = [(trial.moved_mm(inside + s) - trial.moved_mm(inside - s)) / 2.0e-2 for s in steps_mm]
        found = float(np.linalg.det(np.stack(slopes, axis=-1)).mean())
        power += float(np.log(factor / found) / np.log(factor)) * HASTE
        power = float(np.clip(power, -MOST_POWER, MOST_POWER))
    return float(factor**power)


def _points_mm(patient: VirtualPatient, organ: str) -> Float64Array:
    """Points (n, 3) all through an organ at rest, in the anatomy's own axes."""
    low, high = patient.anatomy.bounds_mm(organ) - patient.anatomy.origin_mm
    axes = [np.arange(low[n], high[n], 2.0) for n in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return points[patient.anatomy.signed_distance_mm(organ, points + patient.anatomy.origin_mm) < 0.0]


def _thinner(patient: VirtualPatient, loss_mm: float) -> Iterator[Move]:
    """Fat under the skin of neck and cheeks gets thinner: the skin goes inward, what lies deep stays."""
    if loss_mm == 0.0:
        return
    skin = _skin_gauge(patient)
    for center, semi_axes_mm, share, length_reach_factor in (
        (NECK_MM, NECK_SEMI_AXES_MM, 1.0, 0.8),
        (FACE_MM, FACE_SEMI_AXES_MM, FACE_SHARE, 1.2),
    ):
        gone_mm = EFFORT * share * loss_mm
        region = Region(center, semi_axes_mm, 1.8)
        factor = (1.0 - gone_mm / NECK_RADIUS_MM) ** 2
        count = max(1, int(np.ceil(gone_mm)))
        for _ in range(count):
            yield Widening(
                region, factor ** (1.0 / count), length_reach_factor, skin.between(-THINNER_MM - loss_mm, -loss_mm)
            )


@lru_cache(maxsize=8)
def _skin_gauge(patient: VirtualPatient) -> Gauge:
    """Distance to the skin at rest, negative below it."""
    axes = [np.arange(low, high, SKIN_STEP_MM) for low, high in SKIN_BOX_MM.T]
    points = np.stack(np.meshgrid(*axes[::-1], indexing="ij")[::-1], axis=-1) + patient.anatomy.origin_mm
    distance = replace(patient.anatomy, deformation=Deformation()).signed_distance_mm("BODY", points)
    return Gauge(np.clip(distance, -60.0, 60.0).astype(np.float32), SKIN_BOX_MM[0], SKIN_STEP_MM)
