"""How long the steps of a job take, and who hears of them."""

from collections.abc import Callable
from time import perf_counter

Progress = Callable[[str], None]


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
