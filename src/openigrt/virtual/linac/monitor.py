"""A motion monitor of a virtual linac: it looks at something at even times, and tells it a little late and wrong."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from openigrt.errors import InputError
from openigrt.geometry import Frame, RigidTransform, rotation_from_vector
from openigrt.images import MotionSample
from openigrt.machine import ClockPort
from openigrt.virtual.linac.faults import Faults, MonitorSilent

Watched: TypeAlias = Callable[[float], RigidTransform | None]


@dataclass(frozen=True, slots=True)
class MonitorModel:
    """How often a monitor looks, how late it tells, how wrong it is, and which share of its looks find nothing.

    Noise is one standard deviation on each axis, of position and of rotation; a device that measures positions only has
    no noise of rotation, and no rotation.
    """

    name: str
    rate_hz: float = 10.0
    latency_s: float = 0.1
    noise_mm: float = 0.2
    noise_deg: float = 0.0
    lost_share: float = 0.0
    has_rotation: bool = False

    def __post_init__(self) -> None:
        """Raise InputError for a monitor that never looks."""
        if not (self.rate_hz > 0.0 and self.latency_s >= 0.0 and 0.0 <= self.lost_share <= 1.0):
            raise InputError(f"A monitor needs a rate above zero, a latency, and a share of 0 to 1; found {self}.")


class VirtualMonitor:
    """The port to a monitor. Sample n is of the time n / rate and the same however often one asks."""

    def __init__(
        self, model: MonitorModel, watched: Watched, clock: ClockPort, faults: Faults, *, stream: tuple[int, int]
    ) -> None:
        """`watched` tells the true motion from the planned place (fixed to fixed) at a time; None: out of
        sight. `stream` (seed of the linac, number of the monitor) draws its noise.
        """
        self._model, self._watched, self._stream = model, watched, stream
        self._clock, self._faults = clock, faults

    @property
    def name(self) -> str:
        """What it is called."""
        return self._model.name

    def samples_since(self, time_s: float) -> tuple[MotionSample, ...]:
        """What was measured after that time and has arrived by now."""
        rate_hz = self._model.rate_hz
        first = max(0, math.floor(time_s * rate_hz) - 1)  # one to spare for the last digits of times
        last = math.floor((self._clock.now_s - self._model.latency_s) * rate_hz) + 1
        due = (n for n in range(first, last + 1) if n / rate_hz > time_s and self._has_arrived(n))
        return tuple(self._sample(n) for n in due if not self._is_silent(n / rate_hz))

    def _has_arrived(self, n: int) -> bool:
        """Whether a sample has been handed over."""
        return n / self._model.rate_hz + self._model.latency_s <= self._clock.now_s

    def _is_silent(self, at_s: float) -> bool:
        """Whether nothing is measured at that time."""
        return any(fault.name in ("", self.name) for fault in self._faults.at(MonitorSilent, at_s))

    def _sample(self, n: int) -> MotionSample:
        """One sample with its noise."""
        at_s = n / self._model.rate_hz
        rng = np.random.default_rng((*self._stream, 73, n))
        is_lost = rng.random() < self._model.lost_share
        true = None if is_lost else self._watched(at_s)
        if true is None:
            return MotionSample(at_s, None)
        shift_mm = true.translation_mm + self._model.noise_mm * rng.standard_normal(3)
        rotation = np.eye(3)
        if self._model.has_rotation:
            vector_deg = self._model.noise_deg * rng.standard_normal(3)
            rotation = rotation_from_vector(np.deg2rad(vector_deg)) @ true.rotation
        return MotionSample(at_s, RigidTransform(Frame.FIXED, Frame.FIXED, rotation, shift_mm))
