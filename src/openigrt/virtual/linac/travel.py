"""How an axis gets from one place to another: it speeds up, goes on, and slows down; and what it did when."""

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from openigrt.errors import InputError

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Drive:
    """An axis speeds up and slows down evenly: highest speed and acceleration, mm or degrees per second (squared)."""

    speed_per_s: float
    acceleration_per_s2: float

    def __post_init__(self) -> None:
        """Raise InputError for a drive that never arrives."""
        if not (self.speed_per_s > 0.0 and self.acceleration_per_s2 > 0.0):
            raise InputError(f"A drive needs speed and acceleration above zero; found {self}.")

    def duration_s(self, way: float) -> float:
        """How long a way takes, mm or degrees of either sign: way / v + v / a, or 2 sqrt(way / a) where it is short."""
        long, v, a = abs(way), self.speed_per_s, self.acceleration_per_s2
        return long / v + v / a if long * a >= v * v else 2.0 * math.sqrt(long / a)

    def gone(self, way: float, elapsed_s: float) -> float:
        """The part of a way that is behind after so long, with its sign; all of it once the time is over."""
        total_s, a = self.duration_s(way), self.acceleration_per_s2
        since_s = min(max(elapsed_s, 0.0), total_s)
        ramp_s = min(self.speed_per_s / a, total_s / 2.0)
        if since_s < ramp_s:
            gone = 0.5 * a * since_s**2
        elif since_s < total_s - ramp_s:
            gone = 0.5 * a * ramp_s**2 + a * ramp_s * (since_s - ramp_s)
        else:
            gone = abs(way) - 0.5 * a * (total_s - since_s) ** 2
        return math.copysign(gone, way)


class History(Generic[State]):
    """What was so when: pieces of time, each with its own rule, the latest without end."""

    def __init__(self, rule: Callable[[float], State]) -> None:
        """The rule of all times until another one begins."""
        self._starts_s, self._rules = [-math.inf], [rule]

    def begin(self, at_s: float, rule: Callable[[float], State]) -> None:
        """Let another rule hold from a time on."""
        if at_s < self._starts_s[-1]:
            raise InputError(f"What happens at {at_s:g} s cannot follow what happened at {self._starts_s[-1]:g} s.")
        self._starts_s.append(at_s)
        self._rules.append(rule)

    def at(self, time_s: float) -> State:
        """What was so at a time."""
        return self._rules[bisect_right(self._starts_s, time_s) - 1](time_s)
