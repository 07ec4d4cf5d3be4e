"""How chest and upper abdomen breathe, and what a day does to both; axes as in `trunk_shape`.

The diaphragm pushes all that lies between the ribs down, and the wall forward. It does so in two or three pushes of a
column inside the ribs, each between two levels. A target lies where none of them begins or ends, so that it goes as
one, by the amplitude of its patient; its own region adds what is not up and down, and hysteresis.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.patient import StructureRole
from openigrt.virtual.patients.breathing import BreathingOrgan, BreathingPattern
from openigrt.virtual.patients.patient import DrawnStructure
from openigrt.virtual.sites.trunk_chest import HEART_CENTER_MM, heart_axes
from openigrt.virtual.tissue.anatomy import Layer, Organ, Part
from openigrt.virtual.tissue.deformation import Deformation
from openigrt.virtual.tissue.moves import LocalMotion, Move, Ramp, Region, Swelling
from openigrt.virtual.tissue.solids import Tube

COLUMN_CENTER_MM, COLUMN_REACH = (0.0, -4.0, -40.0), 1.3
COLUMN_MM = (115.0, 76.0, 420.0)
APEX_MM, DOME_MM = 168.0, 0.0
CLEARANCE_MM = 9.0  # between a target and the slope of a push: what a day may shift it
DOWN, UP = (0.0, 0.0, -1.0), (0.0, 0.0, 1.0)
HINGE_MM = 40.0
DAYS_OF_FIVE_FRACTIONS = 7.0
DOME_TOP_MM = np.array([-64.0, -14.0, 6.0])
HEART_MM, HEART_REACH, LEAST_HEART_REACH = (44.0, 42.0, 56.0), 1.6, 1.3
# Of the diaphragm's way: slopes of 0.17 to 0.93 in single persons, 0.6 on the average (Danias et al., Am J Roentgenol
# 172, 1999); up to 6 mm at shallow breath (Jagsi et al., Int J Radiat Oncol 68, 2007).
HEART_SHARES, HEART_WAYS_MM = (0.3, 0.7), (3.0, 10.0)
# What is left after the match of the target, mm, one standard deviation: of guidance and of a baseline that drifts
# meanwhile (systematic), of guidance and of uneven breaths (random).
SYSTEMATIC_MM, RANDOM_MM = (1.0, 1.2), (1.2, 1.0)
MARGIN_MM = 2.5 * float(np.hypot(*SYSTEMATIC_MM)) + 0.7 * float(
    np.hypot(*RANDOM_MM)
)  # van Herk et al., IJROBP 47, 2000
UNSEEN = (Layer(0.0, 30.0),)

TARGETS = (
    DrawnStructure("GTV", "TUMOUR", StructureRole.GTV, 0.0, 1.0, (230, 60, 60)),
    DrawnStructure("ITV", "ITV", StructureRole.ITV, 0.0, 1.0, (240, 150, 60)),
    DrawnStructure("PTV", "ITV", StructureRole.PTV, MARGIN_MM, color=(60, 120, 255)),
)


@dataclass(frozen=True, eq=False)
class Target:
    """What is treated: its middle (3,), the radius that holds it, and how far it goes at a usual inhale.

    `amplitude_mm` is to the left, back and up; `hysteresis_mm` is the part that goes with the flow.
    """

    center_mm: Float64Array
    radius_mm: float
    amplitude_mm: Float64Array
    hysteresis_mm: Float64Array

    @property
    def top_mm(self) -> float:
        """The level above which slopes may begin."""
        return float(self.center_mm[2]) + self.radius_mm + CLEARANCE_MM

    @property
    def bottom_mm(self) -> float:
        """The level under which slopes may begin."""
        return float(self.center_mm[2]) - self.radius_mm - CLEARANCE_MM

    @property
    def region(self) -> Region:
        """The target with some of what surrounds it."""
        return Region(self.center_mm, np.full(3, self.radius_mm + CLEARANCE_MM), 2.6)


def itv(target: Target) -> Organ:
    """All places of a target over a usual breath, from the exhale at which it is planned on; nothing of it is seen.

    The ball that holds the target goes along a straight line, wider by its hysteresis. With `MARGIN_MM` round it this
    is the PTV: the whole way is in the ITV, so breathing is not in the margin again.
    """
    ends = target.center_mm + np.outer((0.0, 1.0), target.amplitude_mm)
    radius_mm = target.radius_mm + float(np.linalg.norm(target.hysteresis_mm))
    return Organ("ITV", (Part(Tube(ends, np.full(2, radius_mm))),), UNSEEN)


def column_radius(points_mm: Float64Array) -> Float64Array:
    """How far out (...) points lie in the column that breathes: up to 1 they go with it whole, from 1.3 not at all."""
    radius: Float64Array = np.linalg.norm((points_mm - COLUMN_CENTER_MM) / COLUMN_MM, axis=-1)
    return radius


def in_the_chest(target: Target, diaphragm_mm: float, wall_mm: float) -> tuple[BreathingOrgan, ...]:
    """Breathing round a target in a lung: the nearer to the diaphragm, the farther all goes."""
    si_mm = -float(target.amplitude_mm[2])
    below = Ramp(DOWN, -target.bottom_mm, max(-DOME_MM, 60.0 - target.bottom_mm))
    above = Ramp(DOWN, -APEX_MM, -target.top_mm)
    return (_own(target), _push(diaphragm_mm - si_mm, below), _push(si_mm, above), *_wall(wall_mm))


def in_the_abdomen(target: Target, diaphragm_mm: float, wall_mm: float) -> tuple[BreathingOrgan, ...]:
    """Breathing round a target under the diaphragm: all goes less the farther below it."""
    si_mm = -float(target.amplitude_mm[2])
    over = Ramp(UP, target.top_mm, max(DOME_MM, target.top_mm + 40.0))
    under = Ramp(UP, target.bottom_mm - 110.0, target.bottom_mm)
    all_of_it = Ramp(DOWN, -APEX_MM, min(-DOME_MM, -target.top_mm))
    return (
        _own(target),
        _push(diaphragm_mm - si_mm, over, 100.0),
        _push(0.35 * si_mm, under, 115.0),
        _push(0.65 * si_mm, all_of_it),
        *_wall(wall_mm),
    )


def held_heart(
    rng: np.random.Generator, target: Target, organs: tuple[BreathingOrgan, ...]
) -> Iterator[BreathingOrgan]:
    """The heart goes down less than what lies round it, 3 to 10 mm: its pericardium hangs from what stays.

    `organs` are those that breathe beside it, and after it. A target so near that it would be held back too takes the
    heart with it.
    """
    usual = Deformation(tuple(organ.motion(1.0, 0.0) for organ in organs))
    places_mm = np.array([DOME_TOP_MM, HEART_CENTER_MM])
    diaphragm_mm, goes_mm = (float(v) for v in (places_mm - usual.moved_mm(places_mm))[:, 2])
    less_mm = goes_mm - float(np.clip(rng.uniform(*HEART_SHARES) * diaphragm_mm, *HEART_WAYS_MM))
    axes, gap_mm = heart_axes(), target.center_mm - HEART_CENTER_MM
    away_mm = float(np.linalg.norm(gap_mm))
    along_mm = away_mm / float(np.linalg.norm(gap_mm @ axes / HEART_MM))
    reach = min(HEART_REACH, (away_mm - target.radius_mm - CLEARANCE_MM) / along_mm)
    if less_mm > 0.0 and reach >= LEAST_HEART_REACH:
        yield BreathingOrgan(Region(HEART_CENTER_MM, HEART_MM, reach, axes), (0.0, 0.0, less_mm))


def _own(target: Target) -> BreathingOrgan:
    """What a target does beside going up and down with the diaphragm."""
    return BreathingOrgan(target.region, target.amplitude_mm * (1.0, 1.0, 0.0), target.hysteresis_mm)


def _push(amount_mm: float, ramp: Ramp, top_mm: float | None = None) -> BreathingOrgan:
    """The column goes down, as far as a ramp lets it; with a top, only what lies under that, from the diaphragm on."""
    region = Region(COLUMN_CENTER_MM, COLUMN_MM, COLUMN_REACH)
    if top_mm is not None:
        x, y, _ = COLUMN_CENTER_MM
        region = Region((x, y, top_mm - 300.0), (*COLUMN_MM[:2], 300.0), COLUMN_REACH)
    return BreathingOrgan(region, (0.0, 0.0, -amount_mm), ramp=ramp)


def _wall(forward_mm: float) -> tuple[BreathingOrgan, ...]:
    """Breastbone and belly come forward, the belly twice as far."""
    chest = Region((0.0, -104.0, 40.0), (70.0, 26.0, 70.0), 1.7)
    belly = Region((0.0, -104.0, -130.0), (95.0, 30.0, 75.0), 1.7)
    return (
        BreathingOrgan(chest, (0.0, -0.5 * forward_mm, 0.0)),
        BreathingOrgan(belly, (0.0, -forward_mm, 0.0)),
    )


def pattern_of_day(rng: np.random.Generator, usual_period_s: float) -> BreathingPattern:
    """Breaths of a day: 3 to 6 s, with the irregularity and the drift of that day."""
    return BreathingPattern(
        seed=int(rng.integers(2**31)),
        period_s=float(np.clip(usual_period_s + 0.3 * rng.standard_normal(), 3.0, 6.0)),
        period_spread_share=float(rng.uniform(0.12, 0.28)),
        depth_spread_share=float(rng.uniform(0.1, 0.22)),
        drift_per_min=float(np.clip(rng.normal(0.0, 0.01), -0.02, 0.02)),
    )


def target_of_day(region: Region, volume_share: float, shift_mm: tuple[float, float, float]) -> Iterator[Move]:
    """A target, inside the region that goes with it, shrinks or swells about its middle, and lies elsewhere."""
    if volume_share != 1.0:
        radii_mm = np.asarray(region.semi_axes_mm) - CLEARANCE_MM
        yield Swelling(Region(region.center_mm, radii_mm, 2.6), volume_share)
    if any(shift_mm):
        yield LocalMotion(region, shift_mm)


def bent_spine(pivot_mm: Float64Array, bend_deg: tuple[float, float]) -> tuple[Move, ...]:
    """All above a pivot bent forward and to the left, joined to what stays below by a smooth hinge."""
    if not any(bend_deg):
        return ()
    hinge = Ramp(UP, float(pivot_mm[2]) - HINGE_MM, float(pivot_mm[2]) + HINGE_MM)
    turn_deg = (bend_deg[0], bend_deg[1], 0.0)
    return (LocalMotion(None, rotation_deg=turn_deg, pivot_mm=pivot_mm, ramp=hinge, is_soft=False),)


def triple(point: Float64Array) -> tuple[float, float, float]:
    """Three plain numbers."""
    return float(point[0]), float(point[1]), float(point[2])
