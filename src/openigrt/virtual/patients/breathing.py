"""How a patient breathes: depth and flow over time, irregular and drifting, and what they do to organs."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InputError
from openigrt.geometry import Float64Array
from openigrt.virtual.tissue.moves import GaugeRamp, LocalMotion, Ramp, Region

LONGEST_S = 3600.0
SHORTEST_PERIOD_S, LONGEST_PERIOD_S = 1.0, 20.0
SMALLEST_SHARE = 0.3  # of the usual depth and period, that a breath has at least
LARGEST_SHARE = 1.7  # and at most


@dataclass(frozen=True)
class BreathingPattern:
    """Breaths one after the other, each from exhale to exhale: depth sin^2n (Lujan et al., Med Phys 26, 1999).

    Period in seconds, and one standard deviation of period and depth as a share of them; the baseline drifts by
    `drift_per_min` of the usual depth. The larger `power` (n), the longer the rest at exhale. The same `seed` breathes
    the same, for an hour from time zero.
    """

    seed: int
    period_s: float = 4.0
    period_spread_share: float = 0.16
    depth_spread_share: float = 0.15
    drift_per_min: float = 0.02
    power: int = 2

    def __post_init__(self) -> None:
        """Raise InputError for what nobody breathes."""
        if not SHORTEST_PERIOD_S <= self.period_s <= LONGEST_PERIOD_S or self.power < 1:
            raise InputError(
                f"Breaths last {SHORTEST_PERIOD_S:g} to {LONGEST_PERIOD_S:g} s with a power of 1 or more; found "
                f"{self.period_s:g} s and {self.power}."
            )

    @cached_property
    def _breaths(self) -> tuple[Float64Array, Float64Array]:
        """When each breath begins (n + 1,), and its depth (n,)."""
        rng = np.random.default_rng((self.seed, 61))
        count = int(2.0 * LONGEST_S / self.period_s)
        spread = 1.0 + self.period_spread_share * rng.standard_normal(count)
        periods = self.period_s * np.clip(spread, SMALLEST_SHARE, LARGEST_SHARE)
        depths = np.clip(1.0 + self.depth_spread_share * rng.standard_normal(count), SMALLEST_SHARE, LARGEST_SHARE)
        return np.concatenate([[0.0], np.cumsum(periods)]) - rng.random() * self.period_s, depths

    def breath_starts_s(self) -> Float64Array:
        """When breaths begin (n,), at exhale: from the one that time zero lies in, to beyond the hour."""
        return self._breaths[0]

    def steady(self) -> "BreathingPattern":
        """The same breath again and again."""
        return replace(self, period_spread_share=0.0, depth_spread_share=0.0, drift_per_min=0.0)

    def depth_and_flow(self, times_s: ArrayLike) -> tuple[Float64Array, Float64Array]:
        """Depth (...), 0 at the exhale and 1 at the inhale of a usual breath, and flow (...), 1 where that is fastest.

        Times (...) are from 0 to one hour; raises InputError for others.
        """
        times = np.asarray(times_s, dtype=np.float64)
        if times.size and not (times.min() >= 0.0 and times.max() <= LONGEST_S):
            raise InputError(f"A breathing pattern lasts from 0 to {LONGEST_S:g} s; asked for {times.min():g} s.")
        starts, depths = self._breaths
        which = np.searchsorted(starts, times, side="right") - 1
        period_s = np.diff(starts)[which]
        angle = np.pi * (times - starts[which]) / period_s
        sine, cosine, n = np.sin(angle), np.cos(angle), self.power
        drift = self.drift_per_min * times / 60.0
        fastest = 2.0 * n * ((2.0 * n - 1.0) / (2.0 * n)) ** (n - 0.5) / np.sqrt(2.0 * n)
        flow = depths[which] * 2.0 * n * sine ** (2 * n - 1) * cosine / fastest * (self.period_s / period_s)
        return depths[which] * sine ** (2 * n) + drift, flow


@dataclass(frozen=True)
class HeldBreath:
    """A breath held at a depth: 0 at the exhale, 1 at the inhale of a usual breath.

    At `MID_VENTILATION` organs are where they are on average over the breaths of a usual pattern: the mean of sin^4.
    """

    depth_share: float

    def depth_and_flow(self, times_s: ArrayLike) -> tuple[Float64Array, Float64Array]:
        """The depth (...) and no flow (...), at any time."""
        still = np.zeros_like(np.asarray(times_s, dtype=np.float64))
        return still + self.depth_share, still


MID_VENTILATION = HeldBreath(3.0 / 8.0)


@dataclass(frozen=True, eq=False)
class BreathingOrgan:
    """A region that goes with the breath: r = r0 + depth a + flow b (Low et al., Int J Radiat Oncol 63, 2005).

    `with_depth_mm` (3,) is a, LPS at a usual inhale; `with_flow_mm` (3,) is b, which makes the way in and the way out
    differ (hysteresis).
    """

    region: Region
    with_depth_mm: ArrayLike
    with_flow_mm: ArrayLike = (0.0, 0.0, 0.0)
    ramp: Ramp | GaugeRamp | None = None

    def motion(self, depth_share: float, flow: float) -> LocalMotion:
        """Where the region is at a depth and flow."""
        shift_mm = depth_share * np.asarray(self.with_depth_mm) + flow * np.asarray(self.with_flow_mm)
        return LocalMotion(self.region, shift_mm, ramp=self.ramp)
