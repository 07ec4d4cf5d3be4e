"""The virtual male pelvis: one seeded patient, and the state of the organs on one day."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from openigrt.geometry import Float64Array, Frame, fit_rigid
from openigrt.patient import StructureRole
from openigrt.virtual.patients.patient import Day, DrawnStructure, Drift, VirtualPatient
from openigrt.virtual.sites.pelvis_bones import Side, bones
from openigrt.virtual.sites.pelvis_soft import (
    GAS,
    abdomen,
    body,
    colon,
    great_vessels,
    muscles,
    perineum,
    small_bowel,
    vessels,
)
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.tissue.deformation import AT_REST, Deformation
from openigrt.virtual.tissue.moves import Gauge, GaugeRamp, LocalMotion, Move, Region, Swelling, Widening
from openigrt.virtual.tissue.primitive_table import Operation
from openigrt.virtual.tissue.solids import HalfSpace, Superellipsoid, spline_tube

PROSTATE = (Layer(0.0, 40.0, 4.0, 6.0),)
SEMINAL_VESICLE = (Layer(0.0, 32.0, 5.0, 8.0),)
BLADDER = (Layer(0.0, 38.0, 3.0, 4.0), Layer(3.0, 5.0, 1.0, 2.0))
RECTUM = (Layer(0.0, 42.0, 4.0, 6.0), Layer(3.2, 22.0, 30.0, 35.0, -120.0))
# Gold is beyond what a CT shows, which ends at 3071 HU: so bright that voxels it fills in part end there, too.
MARKER = (Layer(0.0, 20000.0),)

BLADDER_SHAPE = np.array([1.26, 1.0, 0.94])
MARKER_PLACES_MM = ((-11.0, -4.0, 9.0), (12.0, 2.0, 1.0), (-3.0, 6.0, -11.0))
PROSTATE_REGION_MM = (33.0, 27.0, 31.0)  # with vesicles and markers
RECTUM_PATH = np.array(
    [(0, 56, -72), (0, 47, -54), (1, 45, -34), (2, 47, -6), (-3, 59, 24), (-9, 53, 52), (6, 34, 78)], dtype=np.float64
)
RECTUM_RADII_MM = np.array([12.0, 14.0, 15.0, 17.5, 19.0, 17.5, 15.0])
GAS_RADII_MM = np.array([3.0, 8.5, 10.0, 4.0])
BOWEL_SPACE = np.array([[-70.0, -78.0, 90.0], [78.0, -24.0, 250.0]])
PLANNED_BLADDER_ML = 210.0
PROSTATE_SPREAD_MM = np.array([1.0, 2.5, 2.0])
PROSTATE_TURN_DEG = np.array([1.0, 0.5, 0.5])
FIRM_MM = (4.0, 14.0)  # from the prostate: what goes with it, and what does not know of it
GAUGE_STEP_MM = 4.0
TURN_STEPS = 3
ORGAN_SEED, DAY_SEED, TURN_SEED = 7919, 31, 43

STRUCTURES = (
    DrawnStructure("BODY", "BODY", StructureRole.EXTERNAL, 0.0, 3.0, (0, 200, 0)),
    DrawnStructure("PROSTATE", "PROSTATE", StructureRole.CTV, color=(230, 60, 60)),
    DrawnStructure("PTV", "PROSTATE", StructureRole.PTV, 7.0, color=(60, 120, 255)),
    DrawnStructure("BLADDER", "BLADDER", StructureRole.ORGAN, color=(240, 220, 40)),
    DrawnStructure("RECTUM", "RECTUM", StructureRole.ORGAN, color=(160, 100, 40)),
    DrawnStructure("FEMORAL_HEAD_L", "FEMORAL_HEAD_L", StructureRole.ORGAN, color=(40, 200, 200)),
    DrawnStructure("FEMORAL_HEAD_R", "FEMORAL_HEAD_R", StructureRole.ORGAN, color=(40, 160, 200)),
    DrawnStructure("SACRUM", "SACRUM", StructureRole.ORGAN, color=(200, 120, 200)),
)

Factor: TypeAlias = float  # without dimension


@dataclass(frozen=True, slots=True)
class PelvisState:
    """What changes from day to day: bladder volume, width of the rectum, gas, bowel, place of the prostate.

    `bladder_ml` is what it would hold but for the bones that it presses against; `rectum_width` and `gas_width` are
    factors on the radius. `prostate_shift_mm` (LPS) is how far the centre of the prostate ends from where it was
    planned in the bones, and `prostate_turn_deg` (a rotation vector, LPS) how its rigid best fit is turned, whatever
    bladder and rectum do: they go round it. `bowel_seed` chooses how the loops of small bowel are stirred; 0 leaves
    them.
    """

    bladder_ml: float = PLANNED_BLADDER_ML
    rectum_width: Factor = 1.0
    gas_width: Factor = 1.0
    gas_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    prostate_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    prostate_turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bowel_seed: int = 0


PLANNING_STATE = PelvisState()


def virtual_pelvis(
    frame: Frame, seed: int, state: PelvisState = PLANNING_STATE, origin_mm: ArrayLike = (0.0, 0.0, 0.0)
) -> Anatomy:
    """The pelvis of one patient (`seed`) on one day (`state`), in LPS mm of `frame`.

    `origin_mm` is the middle between the centres of the femoral heads. Landmarks: PROSTATE (centre), MARKER_1 to
    MARKER_3, FEMORAL_HEAD_L and _R. The tissue is that of the seed, but for the gas; a day moves it, and no bone.
    """
    patient = pelvis_patient(frame, seed, origin_mm)
    return patient.anatomy if state == PLANNING_STATE else patient.at(pelvis_in(patient, state))


def pelvis_patient(frame: Frame, seed: int, origin_mm: ArrayLike = (0.0, 0.0, 0.0)) -> VirtualPatient:
    """A man with a prostate to treat, as he was planned."""
    rng = np.random.default_rng(seed)
    skeleton, heads = bones(rng)
    inner, places = _inner_organs(np.random.default_rng((seed, ORGAN_SEED)))
    organs = (
        body(),
        *abdomen(),
        *_both_sides(rng),
        *perineum(),
        *colon(),
        *small_bowel(np.random.default_rng((seed, 0))),
        *great_vessels(),
        *skeleton,
        *inner,
    )
    center_mm = places["PROSTATE"]
    places |= {f"FEMORAL_HEAD_{letter}": head for letter, head in heads.items()}
    landmarks = {name: _triple(np.add(place, origin_mm)) for name, place in places.items()}
    return VirtualPatient(
        site="pelvis",
        seed=seed,
        anatomy=Anatomy(frame, organs, np.array(origin_mm), landmarks, texture_seed=seed),
        bones=tuple(organ.name for organ in skeleton),
        target="PROSTATE",
        target_region=Region(center_mm, PROSTATE_REGION_MM),
        structures=STRUCTURES,
        markers=("MARKER_1", "MARKER_2", "MARKER_3"),
    )


def pelvis_in(patient: VirtualPatient, state: PelvisState, number: int = 1) -> Day:
    """The day of a patient in a given state, set up as planned; the prostate ends where the state says.

    It keeps its shape: its surface deforms by less than 1 mm, one standard deviation (Deurloo et al., Int J Radiat
    Oncol Biol Phys 61, 2005).
    """
    bowel = _stirred_bowel(np.random.default_rng((patient.seed, state.bowel_seed))) if state.bowel_seed else ()
    spared = _round_the_prostate(patient)
    moves = (*bowel, *_filled_bladder(state.bladder_ml, spared), *_filled_rectum(state.rectum_width, spared))
    return Day(number, (*moves, *_own_motion(patient, moves, state)), organs=(_gas(state),))


@lru_cache(maxsize=8)
def _round_the_prostate(patient: VirtualPatient) -> GaugeRamp:
    """Who gives way to bladder and rectum: not the prostate, and what lies next to it less than what lies farther."""
    anatomy = replace(patient.anatomy, deformation=AT_REST)
    box = anatomy.bounds_mm("PROSTATE") - anatomy.origin_mm
    low = box[0] - FIRM_MM[1] - 2.0 * GAUGE_STEP_MM
    count = np.ceil((box[1] + FIRM_MM[1] + 2.0 * GAUGE_STEP_MM - low) / GAUGE_STEP_MM).astype(int) + 1
    axes = [low[n] + GAUGE_STEP_MM * np.arange(count[n]) for n in (2, 1, 0)]
    points = np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1) + anatomy.origin_mm
    away_mm = anatomy.signed_distance_mm("PROSTATE", points).astype(np.float32)
    return Gauge(away_mm, low, GAUGE_STEP_MM).between(*FIRM_MM)


def _own_motion(patient: VirtualPatient, others: tuple[Move, ...], state: PelvisState) -> Iterator[Move]:
    """What the prostate does after others moved: its middle and the turn of its best fit come out as the state says."""
    origin_mm = patient.anatomy.origin_mm
    moved = Deformation(others, patient.stiffness)
    start_mm = moved.moved_mm(patient.target_region.center_mm)
    to_go_mm = np.asarray(patient.target_region.center_mm) + np.array(state.prostate_shift_mm) - start_mm
    turn_deg, wanted = np.array(state.prostate_turn_deg), Rotation.from_rotvec(state.prostate_turn_deg, degrees=True)
    region = Region(start_mm, PROSTATE_REGION_MM)
    motion = LocalMotion(region, to_go_mm, turn_deg)
    for _ in range(TURN_STEPS if others or turn_deg.any() else 0):
        now = moved.then(motion).moved_mm(patient.target_points_mm - origin_mm)
        rotation, _ = fit_rigid(now, patient.target_points_mm - origin_mm)
        turn_deg = turn_deg + (wanted * Rotation.from_matrix(rotation).inv()).as_rotvec(degrees=True)
        motion = LocalMotion(region, to_go_mm, turn_deg)
    yield motion


def pelvis_day(patient: VirtualPatient, number: int) -> Day:
    """A day at random: fillings and gas, a prostate that follows them in part, drift, and a setup error.

    Bladder 90 to 350 ml, rectum 0.85 to 1.25 times its width. The prostate moves against the bones with a standard
    deviation of 1, 2.5 and 2 mm (LR, AP, SI), the greater part back and forth, as rectum and bladder push it, and turns
    by 1, 0.5 and 0.5 degrees about them. Turns that were published differ: a standard deviation of more than 4 degrees
    about LR without preparation (Shang et al., J Appl Clin Med Phys 14, 2013), corrections of 0.4 degrees on average
    (Charret et al., Pract Radiat Oncol 2018). This patient empties his rectum, so that a couch of 3 degrees will do.
    """
    rng = np.random.default_rng((patient.seed, number, DAY_SEED))
    mean = patient.population.of_patient(np.random.default_rng((patient.seed, DAY_SEED)))
    shift = rng.standard_normal(3) * PROSTATE_SPREAD_MM
    turn = np.random.default_rng((patient.seed, number, TURN_SEED)).standard_normal(3)
    state = PelvisState(
        bladder_ml=float(np.clip(PLANNED_BLADDER_ML * np.exp(0.3 * rng.standard_normal()), 90.0, 350.0)),
        rectum_width=float(np.clip(1.0 + 0.09 * rng.standard_normal(), 0.85, 1.25)),
        gas_width=float(rng.uniform(0.5, 1.15)),
        gas_shift_mm=(0.0, 0.0, float(rng.uniform(-10.0, 12.0))),
        prostate_shift_mm=_triple(np.clip(shift, -3.0 * PROSTATE_SPREAD_MM, 3.0 * PROSTATE_SPREAD_MM)),
        prostate_turn_deg=_triple(PROSTATE_TURN_DEG * np.clip(turn, -2.5, 2.5)),
        bowel_seed=number,
    )
    day = pelvis_in(patient, state, number)
    return replace(day, setup=patient.population.of_day(rng, mean), drift=_drift(rng))


def _drift(rng: np.random.Generator) -> Drift:
    """A prostate that sinks back and down by a millimetre or so in five minutes; one time in five, gas passes by."""
    per_min_mm = np.array([0.02, 0.15, -0.12]) + rng.standard_normal(3) * (0.05, 0.15, 0.15)
    spikes_s = (float(rng.uniform(60.0, 400.0)),) if rng.random() < 0.2 else ()
    spike_mm = (0.0, -float(rng.uniform(2.0, 5.0)), float(rng.uniform(1.0, 3.0)))
    return Drift(_triple(per_min_mm), spike_mm, spikes_s)


def _filled_bladder(volume_ml: float, spared: GaugeRamp) -> Iterator[Move]:
    """A bladder that fills up and back from its neck, held by the symphysis."""
    if volume_ml == PLANNED_BLADDER_ML:
        return
    (planned, planned_mm), (center, semi_axes_mm) = _bladder_shape(PLANNED_BLADDER_ML), _bladder_shape(volume_ml)
    yield Swelling(Region(planned, planned_mm, 2.4), volume_ml / PLANNED_BLADDER_ML, spared)
    yield LocalMotion(Region(planned, semi_axes_mm, 1.9), center - planned, ramp=spared)


def _filled_rectum(width: Factor, spared: GaugeRamp) -> Iterator[Move]:
    """A rectum that widens about its path, piece by piece."""
    if width == 1.0:
        return
    for start, end, radius_mm in zip(RECTUM_PATH[:-1], RECTUM_PATH[1:], RECTUM_RADII_MM[:-1], strict=True):
        along = (end - start) / np.linalg.norm(end - start)
        side = np.cross(along, (1.0, 0.0, 0.0))
        side /= np.linalg.norm(side)
        half_mm = 0.25 * float(np.linalg.norm(end - start))
        region = Region(
            0.5 * (start + end),
            (radius_mm, radius_mm, half_mm),
            2.6,
            np.column_stack([side, np.cross(along, side), along]),
        )
        yield Widening(region, width**2, length_reach_factor=2.0, ramp=spared)


def _stirred_bowel(rng: np.random.Generator) -> Iterator[Move]:
    """Small bowel moves about in the cavity: a dozen regions, each in a direction of its own."""
    low, high = BOWEL_SPACE
    for _ in range(12):
        yield LocalMotion(Region(low + (high - low) * rng.random(3), (18, 14, 18), 2.6), 7.0 * rng.standard_normal(3))


def _both_sides(rng: np.random.Generator) -> Iterator[Organ]:
    """Muscles and vessels, left and right."""
    for side in (Side(1.0, rng), Side(-1.0, rng)):
        yield from muscles(side)
        yield from vessels(side)


def _inner_organs(rng: np.random.Generator) -> tuple[tuple[Organ, ...], dict[str, Float64Array]]:
    """Rectum, bladder, seminal vesicles, prostate and markers, back to front, and their landmarks."""
    center = np.array([0.0, 7.0, -19.0]) + rng.standard_normal(3)
    semi_axes_mm = np.array([24.0, 17.0, 20.0]) * (1.0 + 0.04 * rng.standard_normal(3))
    prostate = Organ("PROSTATE", (Part(Superellipsoid(center, semi_axes_mm, exponents=(2.2, 2.1))),), PROSTATE)
    vesicles = [
        Part(
            spline_tube(center + np.array([(s * 4, 12, 15), (s * 17, 18, 26), (s * 31, 22, 33)]), (6.5, 7.0, 4.0)),
            blend_mm=3.0,
        )
        for s in (1.0, -1.0)
    ]
    places = {"PROSTATE": center}
    markers = []
    for n, place in enumerate(MARKER_PLACES_MM, start=1):
        at = center + place + 1.5 * rng.standard_normal(3)
        direction = rng.standard_normal(3) * (0.3, 0.3, 1.0)
        half = 1.5 * direction / np.linalg.norm(direction)
        markers.append(
            Organ(f"MARKER_{n}", (Part(spline_tube((at - half, at + half), (0.7, 0.7))),), MARKER, is_speck=True)
        )
        places[f"MARKER_{n}"] = at
    bladder = Superellipsoid(*_bladder_shape(PLANNED_BLADDER_ML))
    organs = (
        Organ("RECTUM", (Part(spline_tube(RECTUM_PATH, list(RECTUM_RADII_MM))),), RECTUM),
        _gas(PLANNING_STATE),
        Organ("BLADDER", (Part(bladder),), BLADDER),
        Organ("SEMINAL_VESICLES", tuple(vesicles), SEMINAL_VESICLE),
        prostate,
    )
    return (*organs, *markers), places


def _bladder_shape(volume_ml: float) -> tuple[Float64Array, Float64Array]:
    """Centre and semi-axes (3,) in mm of a bladder that stands on its neck."""
    radius_mm = (volume_ml * 1000.0 * 3.0 / (4.0 * np.pi * BLADDER_SHAPE.prod())) ** (1.0 / 3.0)
    semi_axes_mm = radius_mm * BLADDER_SHAPE
    return np.array([1.5, -50.0 + semi_axes_mm[1], -3.0 + semi_axes_mm[2]]), semi_axes_mm


def _gas(state: PelvisState) -> Organ:
    """The gas of the day in the front of the rectum, with its level."""
    gas_path = RECTUM_PATH[2:6] + np.array([0.0, -4.5, 0.0]) + np.array(state.gas_shift_mm)
    level = HalfSpace(gas_path.mean(axis=0) + np.array([0.0, 9.0, 0.0]), (0.0, 1.0, 0.0))
    tube = spline_tube(gas_path, list(state.gas_width * GAS_RADII_MM))
    return Organ("RECTUM_GAS", (Part(tube), Part(level, Operation.INTERSECT, 1.0)), GAS)


def _triple(point: Float64Array) -> tuple[float, float, float]:
    """Three plain numbers."""
    return float(point[0]), float(point[1]), float(point[2])
