"""How chest and upper abdomen breathe, and what a day does to both; axes as in `trunk_shape`.

The diaphragm pushes all that lies between the ribs down, and the wall forward. It does so in two or three pushes of a
column inside the ribs, each between two levels. A target lies where none of them begins or ends, so that it goes as
one, by the amplitude of its patient; its own region adds what is not up and down, and hysteresis.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.virtual.patients.breathing import BreathingOrgan, BreathingPattern
from openigrt.virtual.tissue.moves import LocalMotion, Move, Ramp, Region, Swelling

COLUMN_CENTER_MM, COLUMN_REACH = (0.0, -4.0, -40.0), 1.3
COLUMN_MM = (115.0, 76.0, 420.0)
APEX_MM, DOME_MM = 168.0, 0.0
CLEARANCE_MM = 9.0  # between a target and the slope of a push: what a day may shift it
DOWN, UP = (0.0, 0.0, -1.0), (0.0, 0.0, 1.0)
HINGE_MM = 40.0
DAYS_OF_FIVE_FRACTIONS = 7.0


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
