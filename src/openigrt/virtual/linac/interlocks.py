"""The interlocks of a virtual linac."""

from collections.abc import Callable

from openigrt.errors import DeviceRefusal
from openigrt.machine import ClockPort, Interlock


class VirtualInterlocks:
    """The port to the interlocks; `hold` is what each new one does to the beam."""

    def __init__(self, clock: ClockPort, hold: Callable[[], None]) -> None:
        self._clock, self._hold = clock, hold
        self._standing: dict[str, Interlock] = {}

    def standing(self) -> tuple[Interlock, ...]:
        """All that stand, the oldest first."""
        return tuple(self._standing.values())

    def engage(self, name: str, reason: str) -> None:
        """Raise an interlock and hold the beam; one of this name that stands already stays as it is."""
        self._standing.setdefault(name, Interlock(name, reason, self._clock.now_s))
        self._hold()

    def clear(self, name: str) -> None:
        """Take one away; raises DeviceRefusal where none of this name stands."""
        if name not in self._standing:
            names = ", ".join(map(repr, self._standing)) or "none"
            raise DeviceRefusal(f"No interlock {name!r} stands that could be cleared; there is: {names}.")
        del self._standing[name]
