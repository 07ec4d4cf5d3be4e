"""The virtual thorax: a patient with a lung tumour, and what a day does to him."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Frame
from openigrt.patient import StructureRole
from openigrt.virtual.patients.patient import Day, DrawnStructure, VirtualPatient
from openigrt.virtual.sites.trunk import Trunk, filled_stomach, trunk_of
from openigrt.virtual.sites.trunk_belly import PLANNED_GAS, stomach_gas
from openigrt.virtual.sites.trunk_breathing import (
    DAYS_OF_FIVE_FRACTIONS,
    TARGETS,
    Target,
    bent_spine,
    column_radius,
    held_heart,
    in_the_chest,
    itv,
    pattern_of_day,
    target_of_day,
    triple,
)
from openigrt.virtual.sites.trunk_chest import CARINA_MM
from openigrt.virtual.tissue.anatomy import Anatomy, Layer, Organ, Part
from openigrt.virtual.tissue.solids import Superellipsoid, Tube

TUMOUR = (Layer(0.0, 32.0, 8.0, 8.0),)
SPICULE = (Layer(0.0, -250.0),)
FORKS = 5
TUMOUR_SEED, DAY_SEED = 211, 223
BASELINE_SPREAD_MM = np.array([1.5, 2.5, 3.5])
LARGEST_BASELINE_MM = 8.0
LEAST_VOLUME = 0.4
HELD_MM = 14.0  # from the wall inward, where ribs hold the lung
TRIES = 600

STRUCTURES = (
    DrawnStructure("BODY", "BODY", StructureRole.EXTERNAL, 0.0, 3.0, (0, 200, 0)),
    *TARGETS,
    DrawnStructure("LUNG_L", "LUNG_L", StructureRole.ORGAN, 0.0, 2.0, (120, 200, 240)),
    DrawnStructure("LUNG_R", "LUNG_R", StructureRole.ORGAN, 0.0, 2.0, (120, 160, 240)),
    DrawnStructure("HEART", "HEART", StructureRole.ORGAN, color=(240, 120, 160)),
    DrawnStructure("OESOPHAGUS", "OESOPHAGUS", StructureRole.ORGAN, 0.0, 1.0, (200, 140, 60)),
    DrawnStructure("SPINAL_CORD", "SPINAL_CORD", StructureRole.ORGAN, 0.0, 1.0, (240, 220, 40)),
)

Share: TypeAlias = float  # without dimension


class Lobe(StrEnum):
    """Where in a lung; the left one has its lingula in the place of a middle lobe."""

    UPPER = "upper"
    MIDDLE = "middle"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class _Habit:
    """Levels of a lobe, mm; radii of tumours, mm; how far they go up and down at a usual breath, peak to peak, mm."""

    levels_mm: tuple[float, float]
    radii_mm: tuple[float, float]
    amplitudes_mm: tuple[float, float]


# Amplitudes: Keall et al., Med Phys 33, 2006 (AAPM TG-76), and later series of 4D-CT.
HABITS = {
    Lobe.UPPER: _Habit((84.0, 112.0), (5.0, 13.0), (2.0, 5.0)),
    Lobe.MIDDLE: _Habit((48.0, 76.0), (5.0, 17.5), (5.0, 8.0)),
    Lobe.LOWER: _Habit((14.0, 40.0), (5.0, 17.5), (10.0, 20.0)),
}
DIAPHRAGM_MM = (10.0, 28.0)


@dataclass(frozen=True, slots=True)
class ThoraxState:
    """What changes from day to day: the tumour's volume and place, stomach and its gas, the bend of the spine.

    `tumour_volume` is a share of that planned, `stomach_volume` one of the middle of the stomach; `stomach_gas` is the
    share of the stomach's depth that holds gas. `baseline_mm` (LPS) is how far the tumour lies from its place at
    exhale, `bend_deg` how far the spine above T9 bends forward and to the left.
    """

    tumour_volume: Share = 1.0
    baseline_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    stomach_volume: Share = 1.0
    stomach_gas: Share = PLANNED_GAS
    bend_deg: tuple[float, float] = (0.0, 0.0)


def thorax_patient(
    frame: Frame, seed: int, origin_mm: ArrayLike = (0.0, 0.0, 0.0), lobe: Lobe | None = None
) -> VirtualPatient:
    """A patient with a lung tumour of 10 to 35 mm, as planned at exhale, arms raised; `lobe` None leaves it to chance.

    `origin_mm` is the middle of the trunk at T9. Landmarks: TUMOUR, CARINA, T5, T9, T12 (middles of the bodies).
    """
    trunk = trunk_of(seed, FORKS)
    target = _target_of(seed, trunk, lobe)
    organs = (itv(target), *trunk.organs, *_tumour(np.random.default_rng((seed, TUMOUR_SEED, 1)), target))
    places = {"TUMOUR": target.center_mm, "CARINA": np.array(CARINA_MM)}
    places |= {level: trunk.spine.center_mm(level) for level in ("T5", "T9", "T12")}
    rng = np.random.default_rng((seed, TUMOUR_SEED, 2))
    breathing = in_the_chest(target, _diaphragm_mm(rng, target), float(rng.uniform(3.0, 8.0)))
    heart = held_heart(np.random.default_rng((seed, TUMOUR_SEED, 3)), target, breathing)
    return VirtualPatient(
        site="thorax",
        seed=seed,
        anatomy=Anatomy(
            frame,
            organs,
            np.asarray(origin_mm, dtype=np.float64),
            {name: triple(np.add(place, origin_mm)) for name, place in places.items()},
            texture_seed=seed,
        ),
        bones=trunk.bones,
        target="TUMOUR",
        target_region=target.region,
        structures=STRUCTURES,
        breathing_organs=(*heart, *breathing),
    )


def thorax_in(patient: VirtualPatient, state: ThoraxState, number: int = 1) -> Day:
    """The day of a patient in a given state, set up as planned, holding the breath at exhale."""
    of_target = target_of_day(patient.target_region, state.tumour_volume, state.baseline_mm)
    moves = (*filled_stomach(state.stomach_volume), *of_target)
    pivot_mm = np.subtract(patient.anatomy.landmarks_mm["T9"], patient.anatomy.origin_mm)
    organs = () if state.stomach_gas == PLANNED_GAS else (stomach_gas(state.stomach_gas),)
    return Day(number, moves, bent_spine(pivot_mm, state.bend_deg), organs)


def thorax_day(patient: VirtualPatient, number: int) -> Day:
    """A day at random, five days a week: a tumour that shrinks and shifts, breathing, stomach, spine, setup.

    The tumour shrinks by 0.6 to 2.4 % a day, the same for all days of a patient, down to 40 %. Its baseline shifts by
    1.5, 2.5 and 3.5 mm (LR, AP, SI; one standard deviation), at most 8 mm along each axis.
    """
    usual = np.random.default_rng((patient.seed, DAY_SEED))
    mean = patient.population.of_patient(usual)
    per_day, period_s = float(usual.uniform(0.006, 0.024)), float(usual.uniform(3.3, 5.5))
    rng = np.random.default_rng((patient.seed, number, DAY_SEED))
    shift_mm = np.clip(rng.standard_normal(3) * BASELINE_SPREAD_MM, -LARGEST_BASELINE_MM, LARGEST_BASELINE_MM)
    elapsed = max(number - 1, 0) * DAYS_OF_FIVE_FRACTIONS / 5.0
    state = ThoraxState(
        tumour_volume=float(max(np.exp(-per_day * elapsed), LEAST_VOLUME)),
        baseline_mm=triple(shift_mm),
        stomach_volume=float(np.clip(np.exp(0.18 * rng.standard_normal()), 0.7, 1.45)),
        stomach_gas=float(rng.uniform(0.15, 0.6)),
        bend_deg=(float(rng.normal(0.0, 0.7)), float(rng.normal(0.0, 0.5))),
    )
    day = thorax_in(patient, state, number)
    return replace(day, setup=patient.population.of_day(rng, mean), breathing=pattern_of_day(rng, period_s))


def _target_of(seed: int, trunk: Trunk, lobe: Lobe | None) -> Target:
    """Where the tumour lies, how large it is and how far it goes."""
    rng = np.random.default_rng((seed, TUMOUR_SEED))
    chosen = list(Lobe)[int(rng.integers(len(Lobe)))]
    habit = HABITS[lobe if lobe is not None else chosen]
    letter, sign = ("L", 1.0) if rng.random() < 0.45 else ("R", -1.0)
    radius_mm = float(rng.uniform(*habit.radii_mm))
    low, high = np.array([(28.0, -70.0, habit.levels_mm[0]), (112.0, 70.0, habit.levels_mm[1])])
    points = (low + (high - low) * rng.random((TRIES, 3))) * (sign, 1.0, 1.0)
    inside = Anatomy(Frame.plan("1"), (trunk.organ(f"LUNG_{letter}"),))
    room_mm = -inside.signed_distance_mm(f"LUNG_{letter}", points) - radius_mm
    room_mm = np.minimum(room_mm, 100.0 * (1.0 - column_radius(points)) - radius_mm + HELD_MM)
    enough = np.flatnonzero(room_mm > HELD_MM)
    center_mm = points[enough[0] if len(enough) else int(np.argmax(room_mm))]
    inward_mm, backward_mm, down_mm = rng.uniform(1.0, 3.0), rng.uniform(2.0, 5.0), rng.uniform(*habit.amplitudes_mm)
    flow_mm = rng.uniform(0.08, 0.2) * np.array([0.0, backward_mm, down_mm])
    return Target(center_mm, radius_mm, np.array([-sign * inward_mm, -backward_mm, -down_mm]), flow_mm)


def _diaphragm_mm(rng: np.random.Generator, target: Target) -> float:
    """How far the diaphragm goes: farther than the tumour."""
    return float(np.clip(-target.amplitude_mm[2] * rng.uniform(1.1, 1.4), *DIAPHRAGM_MM))


def _tumour(rng: np.random.Generator, target: Target) -> Iterator[Organ]:
    """Spicules that reach into the lung, and a lumpy tumour of the given radius in front of them."""
    center, radius_mm = target.center_mm, target.radius_mm
    ways = rng.standard_normal((9, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    spicules = tuple(
        Part(Tube(center + radius_mm * np.outer((0.7, rng.uniform(1.2, 1.7)), way), np.array([1.6, 0.4])))
        for way in ways
    )
    lumps = [
        Part(Superellipsoid(center + 0.42 * radius_mm * way, 0.58 * radius_mm * np.ones(3)), blend_mm=0.3 * radius_mm)
        for way in ways[:6]
    ]
    body = Superellipsoid(center, radius_mm * np.array([0.8, 0.86, 0.92]))
    yield Organ("SPICULES", spicules, SPICULE)
    yield Organ("TUMOUR", (Part(body), *lumps), TUMOUR)
