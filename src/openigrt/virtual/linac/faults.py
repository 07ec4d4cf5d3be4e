"""What can go wrong with a virtual linac, switched on for a time; nothing here is told to whoever uses its ports."""

import math
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from openigrt.errors import InputError


@dataclass(frozen=True, slots=True)
class CouchStopsShort:
    """A move ends before its target, by this share of the way, and the couch says that it stands."""

    share_left: float = 0.5

    def __post_init__(self) -> None:
        """Raise InputError for what is no share."""
        _require_share(self.share_left)


@dataclass(frozen=True, slots=True)
class CouchReadoutFrozen:
    """The couch moves, and its read-out goes on to say where it stood when this began, as if it were news."""


@dataclass(frozen=True, slots=True)
class MonitorSilent:
    """A monitor measures nothing; an empty name: every monitor."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class BeamRunsOn:
    """Radiation goes on for so much longer than its latency after hold and off, and beyond the last monitor unit."""

    extra_s: float = 0.3

    def __post_init__(self) -> None:
        """Raise InputError for a beam that would stop early."""
        if not 0.0 <= self.extra_s < math.inf:
            raise InputError(f"A beam runs on for zero seconds or more; found {self.extra_s:g} s.")


@dataclass(frozen=True, slots=True)
class FramesDropped:
    """The detector loses this share of the frames, drawn by the seed of the linac."""

    share: float = 0.1

    def __post_init__(self) -> None:
        """Raise InputError for what is no share."""
        _require_share(self.share)


def _require_share(share: float) -> None:
    """Raise InputError for what is no share of 0 to 1."""
    if not 0.0 <= share <= 1.0:
        raise InputError(f"A share lies between 0 and 1; found {share:g}.")


Fault: TypeAlias = CouchStopsShort | CouchReadoutFrozen | MonitorSilent | BeamRunsOn | FramesDropped
Kind = TypeVar("Kind", CouchStopsShort, CouchReadoutFrozen, MonitorSilent, BeamRunsOn, FramesDropped)


@dataclass(frozen=True, slots=True)
class ScheduledFault:
    """A fault and when it is there, seconds on the clock of the linac."""

    fault: Fault
    from_s: float = 0.0
    until_s: float = math.inf


class Faults:
    """The faults of one linac, past and present."""

    def __init__(self, scheduled: tuple[ScheduledFault, ...] = ()) -> None:
        self._scheduled = list(scheduled)

    def switch_on(self, fault: Fault, from_s: float, until_s: float = math.inf) -> None:
        """Let a fault be there; of two of a kind the one switched on last counts."""
        self._scheduled.append(ScheduledFault(fault, from_s, until_s))

    def switch_off(self, kind: type[Fault], at_s: float) -> None:
        """End all faults of a kind; raises InputError where none is there."""
        if not any(isinstance(s.fault, kind) and s.until_s > at_s for s in self._scheduled):
            raise InputError(f"No fault {kind.__name__} is there to be switched off at {at_s:g} s.")
        self._scheduled = [
            replace(s, until_s=min(s.until_s, at_s)) if isinstance(s.fault, kind) else s for s in self._scheduled
        ]

    def at(self, kind: type[Kind], time_s: float) -> tuple[Kind, ...]:
        """Faults of a kind that are there at a time, the one switched on last first."""
        return tuple(fault for fault, _ in self.since(kind, time_s))

    def since(self, kind: type[Kind], time_s: float) -> tuple[tuple[Kind, float], ...]:
        """Such faults, and since when each is there."""
        return tuple(
            (s.fault, s.from_s)
            for s in reversed(self._scheduled)
            if isinstance(s.fault, kind) and s.from_s <= time_s < s.until_s
        )
