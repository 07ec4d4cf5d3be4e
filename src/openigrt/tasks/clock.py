"""How long the steps of a job take, and who hears of them."""

from collections.abc import Callable
from time import perf_counter

Progress = Callable[[str], None]


class Pace:
    """Passes on how a long step goes, no more often than every two seconds."""

    def __init__(self, progress: Progress, every_s: float = 2.0) -> None:
        """Begin; the first words are due after as long."""
        self._progress, self._every_s = progress, every_s
        self._last = perf_counter()

    def tell(self, words: str) -> None:
        """Words that count now, if it is time for any."""
        now = perf_counter()
        if now - self._last >= self._every_s:
            self._last = now
            self._progress(words)


class Clock:
    """Seconds by step on a monotonic clock; `progress` hears the words of each step as it begins."""

    def __init__(self, progress: Progress) -> None:
        """Start counting."""
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._name = ""
        self._begin = self._since = perf_counter()

    def step(self, name: str, words: str) -> None:
        """End the step before and begin the one that is called `name`."""
        self.stop()
        self._name = name
        self._progress(words)

    def tell(self, words: str) -> None:
        """Say how a step goes."""
        self._progress(words)

    def stop(self) -> None:
        """End the step that runs; `total` counts from the start."""
        now = perf_counter()
        if self._name:
            self.seconds[self._name] = round(now - self._since, 3)
        self.seconds["total"] = round(now - self._begin, 3)
        self._since, self._name = now, ""
