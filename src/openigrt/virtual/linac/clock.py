"""Clocks of a virtual linac: one that jumps from event to event, and one that follows the wall's, faster."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime

from openigrt.errors import InputError

ZERO_AT = datetime(2025, 1, 20, 8, 0, tzinfo=UTC)


class VirtualClock:
    """Time passes only while somebody sleeps, and then at once: the same calls see the same times, always."""

    def __init__(self, zero_at: datetime = ZERO_AT) -> None:
        self._now_s, self._zero_at = 0.0, zero_at

    @property
    def now_s(self) -> float:
        """Seconds that were slept since zero."""
        return self._now_s

    @property
    def zero_at(self) -> datetime:
        """The moment of zero, UTC."""
        return self._zero_at

    def sleep_until(self, time_s: float) -> None:
        """Let it be that time, unless it has passed."""
        self._now_s = max(self._now_s, _finite(time_s))


class PacedClock:
    """Follows a monotonic clock from its making on, `speed` times as fast: a room in which people are trained.

    What happens then depends on how fast the machine computes: nothing is repeated bit for bit.
    """

    def __init__(
        self,
        speed: float = 1.0,
        zero_at: datetime = ZERO_AT,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raise InputError for a speed that is not above zero."""
        if not (math.isfinite(speed) and speed > 0.0):
            raise InputError(f"The speed of a clock must be above zero, 1 for real time; found {speed:g}.")
        self._speed, self._zero_at = speed, zero_at
        self._monotonic_s, self._sleep = monotonic_s, sleep
        self._started_s = monotonic_s()

    @property
    def now_s(self) -> float:
        """Seconds since zero."""
        return (self._monotonic_s() - self._started_s) * self._speed

    @property
    def zero_at(self) -> datetime:
        """The moment of zero, UTC."""
        return self._zero_at

    def sleep_until(self, time_s: float) -> None:
        """Sleep the part of it that is left."""
        until_s = _finite(time_s)
        while (left_s := until_s - self.now_s) > 0.0:
            self._sleep(left_s / self._speed)


def _finite(time_s: float) -> float:
    """The time; raises InputError for one that never comes."""
    if not math.isfinite(time_s):
        raise InputError(f"A clock sleeps until a finite time; found {time_s:g} s.")
    return time_s
