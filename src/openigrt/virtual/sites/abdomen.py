"""The virtual upper abdomen: a patient with a lesion of the liver or of the head of the pancreas, and his days."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array, Frame
from openigrt.patient import StructureRole
from openigrt.virtual.patients.patient import Day, DrawnStructure, VirtualPatient
from openigrt.virtual.sites.trunk import Trunk, filled_stomach, marker, trunk_of
from openigrt.virtual.sites.trunk_belly import BOWEL_SPACE, PANCREAS_HEAD_MM, PLANNED_GAS, colon_gas, stomach_gas
from openigrt.virtual.sites.trunk_breathing import (
    TARGETS,
    Target,
    bent_spine,
    column_radius,
    held_heart,
    in_the_abdomen,
    itv,
    pattern_of_day,
    target_of_day,
    triple,
)
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.tissue.moves import LocalMotion, Move, Region
from openigrt.virtual.tissue.solids import Superellipsoid

LESION = (Layer(0.0, 36.0, 5.0, 6.0),)
FORKS = 3
TARGET_SEED, DAY_SEED = 307, 311
LIVER_BOX = np.array([(-110.0, -60.0, -84.0), (-20.0, 40.0, -16.0)])
LIVER_RADII_MM, HEAD_RADII_MM = (7.0, 17.0), (8.0, 13.0)
AMPLITUDES_MM, DIAPHRAGM_MM = (10.0, 20.0), (11.0, 28.0)
BASELINE_SPREAD_MM = np.array([1.5, 2.0, 3.0])
LARGEST_BASELINE_MM = 7.0
HELD_MM = 14.0  # from the wall inward, where ribs hold the organs
TRIES = 600

STRUCTURES = (
    DrawnStructure("BODY", "BODY", StructureRole.EXTERNAL, 0.0, 3.0, (0, 200, 0)),
    *TARGETS,
    DrawnStructure("LIVER", "LIVER", StructureRole.ORGAN, 0.0, 2.0, (180, 100, 60)),
    DrawnStructure("STOMACH", "STOMACH", StructureRole.ORGAN, color=(240, 160, 200)),
    DrawnStructure("DUODENUM", "DUODENUM", StructureRole.ORGAN, color=(200, 200, 120)),
    DrawnStructure("KIDNEY_L", "KIDNEY_L", StructureRole.ORGAN, color=(40, 200, 200)),
    DrawnStructure("KIDNEY_R", "KIDNEY_R", StructureRole.ORGAN, color=(40, 160, 200)),
    DrawnStructure("SPINAL_CORD", "SPINAL_CORD", StructureRole.ORGAN, 0.0, 1.0, (240, 220, 40)),
)

Share: TypeAlias = float  # without dimension


class AbdomenTarget(StrEnum):
    """What is treated."""

    LIVER = "liver"
    PANCREAS = "pancreas"


@dataclass(frozen=True, slots=True)
class AbdomenState:
    """What changes from day to day: stomach, gas, bowel, the target's place, the bend of the spine.

    `stomach_volume` is a share of what its middle held when planned; `stomach_gas` the share of the stomach's depth
    that holds gas, `colon_gas` a factor on the width of the colon's gas. `baseline_mm` (LPS) is how far the target lies
    from its place at exhale, `bowel_seed` chooses how the bowel is stirred (0 leaves it), `bend_deg` is how far the
    spine above L1 bends forward and to the left.
    """

    stomach_volume: Share = 1.0
    stomach_gas: Share = PLANNED_GAS
    colon_gas: Share = 1.0
    baseline_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bowel_seed: int = 0
    bend_deg: tuple[float, float] = (0.0, 0.0)


def abdomen_patient(
    frame: Frame, seed: int, origin_mm: ArrayLike = (0.0, 0.0, 0.0), treated: AbdomenTarget | None = None
) -> VirtualPatient:
    """A patient with a lesion to treat and three gold markers by it, as planned at exhale; None leaves it to chance.

    `origin_mm` is the middle of the trunk at T9. Landmarks: TUMOUR, MARKER_1 to MARKER_3, T12, L1, L2 (middles of the
    bodies).
    """
    trunk = trunk_of(seed, FORKS)
    target, is_in_liver = _target_of(seed, trunk, treated)
    rng = np.random.default_rng((seed, TARGET_SEED, 1))
    places = {"TUMOUR": target.center_mm} | {level: trunk.spine.center_mm(level) for level in ("T12", "L1", "L2")}
    markers = []
    for name, place, direction in _marker_places(rng, target, is_in_liver):
        markers.append(marker(name, place, direction))
        places[name] = place
    diaphragm_mm = float(np.clip(-target.amplitude_mm[2] * rng.uniform(1.08, 1.3), *DIAPHRAGM_MM))
    lesion = _lesion(rng, target)
    breathing = in_the_abdomen(target, diaphragm_mm, float(rng.uniform(3.0, 8.0)))
    heart = held_heart(np.random.default_rng((seed, TARGET_SEED, 3)), target, breathing)
    return VirtualPatient(
        site="abdomen",
        seed=seed,
        anatomy=Anatomy(
            frame,
            (itv(target), *trunk.organs, lesion, *markers),
            np.asarray(origin_mm, dtype=np.float64),
            {name: triple(np.add(place, origin_mm)) for name, place in places.items()},
            texture_seed=seed,
        ),
        bones=trunk.bones,
        target="TUMOUR",
        target_region=target.region,
        structures=STRUCTURES,
        markers=("MARKER_1", "MARKER_2", "MARKER_3"),
        breathing_organs=(*heart, *breathing),
    )


def abdomen_in(patient: VirtualPatient, state: AbdomenState, number: int = 1) -> Day:
    """The day of a patient in a given state, set up as planned, holding the breath at exhale."""
    bowel = _stirred_bowel(np.random.default_rng((patient.seed, state.bowel_seed))) if state.bowel_seed else ()
    of_target = target_of_day(patient.target_region, 1.0, state.baseline_mm)
    pivot_mm = np.subtract(patient.anatomy.landmarks_mm["L1"], patient.anatomy.origin_mm)
    organs = (stomach_gas(state.stomach_gas), *colon_gas(state.colon_gas))
    moves = (*bowel, *filled_stomach(state.stomach_volume), *of_target)
    return Day(number, moves, bent_spine(pivot_mm, state.bend_deg), organs)


def abdomen_day(patient: VirtualPatient, number: int) -> Day:
    """A day at random: stomach and gas, bowel, a target that shifts, breathing, spine, setup.

    The target's baseline shifts by 1.5, 2 and 3 mm (LR, AP, SI; one standard deviation), at most 7 mm along each axis.
    """
    usual = np.random.default_rng((patient.seed, DAY_SEED))
    mean, period_s = patient.population.of_patient(usual), float(usual.uniform(3.3, 5.5))
    rng = np.random.default_rng((patient.seed, number, DAY_SEED))
    shift_mm = np.clip(rng.standard_normal(3) * BASELINE_SPREAD_MM, -LARGEST_BASELINE_MM, LARGEST_BASELINE_MM)
    state = AbdomenState(
        stomach_volume=float(np.clip(np.exp(0.18 * rng.standard_normal()), 0.7, 1.45)),
        stomach_gas=float(rng.uniform(0.15, 0.6)),
        colon_gas=float(rng.uniform(0.6, 1.2)),
        baseline_mm=triple(shift_mm),
        bowel_seed=number,
        bend_deg=(float(rng.normal(0.0, 0.7)), float(rng.normal(0.0, 0.5))),
    )
    day = abdomen_in(patient, state, number)
    return replace(day, setup=patient.population.of_day(rng, mean), breathing=pattern_of_day(rng, period_s))


def _target_of(seed: int, trunk: Trunk, treated: AbdomenTarget | None) -> tuple[Target, bool]:
    """Where the lesion lies, how large it is and how far it goes; and whether it is one of the liver."""
    rng = np.random.default_rng((seed, TARGET_SEED))
    chosen = list(AbdomenTarget)[int(rng.integers(len(AbdomenTarget)))]
    is_in_liver = (treated if treated is not None else chosen) is AbdomenTarget.LIVER
    radius_mm = float(rng.uniform(*(LIVER_RADII_MM if is_in_liver else HEAD_RADII_MM)))
    center_mm = PANCREAS_HEAD_MM + rng.standard_normal(3)
    if is_in_liver:
        points = LIVER_BOX[0] + (LIVER_BOX[1] - LIVER_BOX[0]) * rng.random((TRIES, 3))
        inside = Anatomy(Frame.plan("1"), (trunk.organ("LIVER"),))
        room_mm = -inside.signed_distance_mm("LIVER", points) - radius_mm
        room_mm = np.minimum(room_mm, 100.0 * (1.0 - column_radius(points)) - radius_mm + HELD_MM)
        enough = np.flatnonzero(room_mm > HELD_MM)
        center_mm = points[enough[0] if len(enough) else int(np.argmax(room_mm))]
    left_mm, back_mm, down_mm = rng.uniform(-2.0, 2.0), rng.uniform(2.0, 5.0), rng.uniform(*AMPLITUDES_MM)
    flow_mm = rng.uniform(0.05, 0.12) * np.array([0.0, back_mm, down_mm])
    return Target(center_mm, radius_mm, np.array([left_mm, -back_mm, -down_mm]), flow_mm), is_in_liver


def _marker_places(
    rng: np.random.Generator, target: Target, is_in_liver: bool
) -> Iterator[tuple[str, Float64Array, Float64Array]]:
    """Names, middles and directions of three markers, well apart, round a lesion of the liver or in the pancreas."""
    out_mm = target.radius_mm + 5.0 if is_in_liver else 0.75 * target.radius_mm
    for n, angle in enumerate(np.deg2rad((20.0, 140.0, 260.0)), start=1):
        way = np.array([np.cos(angle), 0.5 * np.sin(2.0 * angle), np.sin(angle)]) + 0.15 * rng.standard_normal(3)
        place: Float64Array = target.center_mm + out_mm * way / np.linalg.norm(way)
        yield f"MARKER_{n}", place, rng.standard_normal(3) * (0.3, 0.3, 1.0)


def _lesion(rng: np.random.Generator, target: Target) -> Organ:
    """The lesion: a lumpy ball, darker than the liver."""
    parts = [Part(Superellipsoid(target.center_mm, target.radius_mm * np.array([0.85, 0.8, 0.92])))]
    for way in rng.standard_normal((4, 3)):
        out_mm = 0.4 * target.radius_mm * way / np.linalg.norm(way)
        lump = Superellipsoid(target.center_mm + out_mm, 0.6 * target.radius_mm * np.ones(3))
        parts.append(Part(lump, blend_mm=0.3 * target.radius_mm))
    return Organ("TUMOUR", tuple(parts), LESION)


def _stirred_bowel(rng: np.random.Generator) -> Iterator[Move]:
    """Small bowel moves about: eight regions, each in a direction of its own."""
    low, high = BOWEL_SPACE
    for _ in range(8):
        region = Region(low + (high - low) * rng.random(3), (16.0, 12.0, 16.0), 2.4)
        yield LocalMotion(region, 4.0 * rng.standard_normal(3))
