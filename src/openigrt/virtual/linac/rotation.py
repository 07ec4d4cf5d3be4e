"""Gantry and collimator of a virtual linac: an axis between two stops."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import BeyondLimit, DeviceRefusal, InputError
from openigrt.geometry import Float64Array
from openigrt.machine import ClockPort, RotationReading
from openigrt.virtual.linac.travel import Drive, History

FULL_TURN_DEG = 360.0
SLACK_DEG = 1e-6


@dataclass(frozen=True, slots=True)
class RotationModel:
    """An axis between its stops: continuous angles from `lowest_deg` to `highest_deg`.

    It is read out to `resolution_deg`, and truly stands at what the drive takes it for plus `error_deg`.
    """

    drive: Drive
    lowest_deg: float = -180.0
    highest_deg: float = 180.0
    resolution_deg: float = 0.1
    error_deg: float = 0.0

    def __post_init__(self) -> None:
        """Raise InputError for stops between which nothing turns; an axis begins at zero."""
        if not (self.lowest_deg <= 0.0 <= self.highest_deg and self.resolution_deg > 0.0):
            raise InputError(f"Stops lie on both sides of zero, and a resolution is above zero; found {self}.")


@dataclass(frozen=True, slots=True)
class _Standing:
    """The continuous angle that the drive has, and whether it changes."""

    angle_deg: float
    is_moving: bool = False


class RotationMotion:
    """Where gantry or collimator truly stands, at every time until now; called `name` in sentences."""

    def __init__(self, name: str, model: RotationModel) -> None:
        self.name, self.model = name, model
        self._history: History[_Standing] = History(lambda _: _Standing(0.0))

    def driven_deg(self, time_s: float) -> float:
        """The continuous angle that the drive has."""
        return self._history.at(time_s).angle_deg

    def angle_deg(self, time_s: float) -> float:
        """The angle at which it truly stands, in [0, 360)."""
        return (self.driven_deg(time_s) + self.model.error_deg) % FULL_TURN_DEG

    def is_moving(self, time_s: float) -> bool:
        """Whether it turns."""
        return self._history.at(time_s).is_moving

    def between_stops(self, angles_deg: ArrayLike) -> Float64Array:
        """Continuous angles (n,) that all lie between the stops: as they are, else by as few whole turns as it takes.

        Raises BeyondLimit where that cannot be.
        """
        angles = np.atleast_1d(np.asarray(angles_deg, dtype=np.float64))
        low_deg, high_deg = self.model.lowest_deg, self.model.highest_deg
        if not np.isfinite(angles).all():
            raise BeyondLimit(f"The {self.name} turns to finite angles; found {angles.tolist()[:3]}.")
        fewest = np.ceil((low_deg - SLACK_DEG - angles.min()) / FULL_TURN_DEG)
        most = np.floor((high_deg + SLACK_DEG - angles.max()) / FULL_TURN_DEG)
        if fewest > most:
            raise BeyondLimit(
                f"The {self.name} cannot go from {angles[0]:g} to {angles[-1]:g} deg between its stops at {low_deg:g} "
                f"and {high_deg:g} deg. Go the other way round, or in two parts."
            )
        turns = float(np.clip(0.0, fewest, most))
        return np.asarray(np.clip(angles + FULL_TURN_DEG * turns, low_deg, high_deg))

    def start_for(self, angle_deg: float, at_s: float) -> float:
        """Turn to a continuous angle between the stops; the time at which it arrives."""
        drive, before_deg = self.model.drive, self.driven_deg(at_s)
        way_deg = angle_deg - before_deg
        over_s = at_s + drive.duration_s(way_deg)

        def turning(time_s: float) -> _Standing:
            if time_s >= over_s:
                return _Standing(angle_deg)
            return _Standing(before_deg + drive.gone(way_deg, time_s - at_s), is_moving=True)

        self._history.begin(at_s, turning)
        return over_s

    def follow(self, at_s: float, angle_deg: Callable[[float], float], is_turning: Callable[[float], bool]) -> None:
        """Let a scan or a beam turn it from a time on: continuous angle and whether it changes, by time."""
        self._history.begin(at_s, lambda time_s: _Standing(angle_deg(time_s), is_turning(time_s)))

    def stop(self, at_s: float) -> None:
        """Stand where it is."""
        standing = _Standing(self.driven_deg(at_s))
        self._history.begin(at_s, lambda _: standing)


class VirtualRotation:
    """The port to gantry or collimator."""

    def __init__(
        self,
        motion: RotationMotion,
        clock: ClockPort,
        forbidden: Callable[[], str] = lambda: "",
        hold: Callable[[], None] = lambda: None,
    ) -> None:
        """`forbidden` gives the reason why nothing may turn now, empty where there is none; `hold` holds the beam."""
        self._motion, self._clock, self._forbidden, self._hold = motion, clock, forbidden, hold

    @property
    def limits_deg(self) -> tuple[float, float]:
        """The two stops."""
        return self._motion.model.lowest_deg, self._motion.model.highest_deg

    def reading(self) -> RotationReading:
        """The angle at which it is read out to stand now."""
        now_s, resolution_deg = self._clock.now_s, self._motion.model.resolution_deg
        steps = round(self._motion.driven_deg(now_s) / resolution_deg)
        angle_deg = float(f"{steps * resolution_deg:.9g}") % FULL_TURN_DEG
        return RotationReading(angle_deg, now_s, self._motion.is_moving(now_s))

    def turn_to(self, angle_deg: float) -> None:
        """Start for an angle; raises BeyondLimit and DeviceRefusal, and then it does not move."""
        now_s, name = self._clock.now_s, self._motion.name
        target_deg = float(self._motion.between_stops(angle_deg)[0])
        if reason := self._forbidden():
            raise DeviceRefusal(f"The {name} does not turn: {reason}.")
        if self._motion.is_moving(now_s):
            raise DeviceRefusal(f"The {name} is still turning; wait until it stands, or stop it, before the next turn.")
        self._motion.start_for(target_deg, now_s)

    def stop(self) -> None:
        """Stop where it is, and hold the beam."""
        self._hold()
        self._motion.stop(self._clock.now_s)
