"""The beam of a virtual linac: radiation comes and goes late, and monitor units are counted by its time."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from openigrt.errors import DeviceRefusal, InputError, Interlocked
from openigrt.geometry import Float64Array
from openigrt.machine import BeamLatency, BeamOrder, BeamReading, BeamState, ClockPort
from openigrt.virtual.linac.faults import BeamRunsOn, Faults
from openigrt.virtual.linac.rotation import RotationMotion

READOUT_MU = 0.01
IN_PLACE_DEG = 0.5
S_PER_MIN = 60.0


@dataclass(frozen=True, slots=True)
class BeamModel:
    """Highest dose rate, and how late radiation comes and goes."""

    dose_rate_mu_per_min: float = 600.0
    latency: BeamLatency = field(default_factory=lambda: BeamLatency(0.3, 0.1))

    def __post_init__(self) -> None:
        """Raise InputError for a beam that gives nothing, or comes before it is called."""
        if not (self.dose_rate_mu_per_min > 0.0 and self.latency.on_s >= 0.0 and self.latency.off_s >= 0.0):
            raise InputError(f"A beam needs a dose rate above zero and latencies of zero or more; found {self}.")


@dataclass(slots=True)
class _Gate:
    """A time of radiation; without end while nobody has ended it."""

    start_s: float
    stop_s: float = math.inf


class Delivery:
    """One order as it truly is delivered: what the gates were, and what came through them."""

    def __init__(
        self, order: BeamOrder, angles_deg: tuple[Float64Array, ...], step_s: Float64Array, faults: Faults
    ) -> None:
        """`angles_deg` (n,) are those of each axis at the points; `step_s` (n - 1,) radiation time from each on."""
        self.order, self.angles_deg, self._faults = order, angles_deg, faults
        self._gates: list[_Gate] = []
        self._times_s = np.concatenate([[0.0], np.cumsum(step_s)])
        self._mu = np.array([point.cumulative_mu for point in order.points])
        last = int(np.flatnonzero(step_s > 0.0)[-1])
        self._last_mu_per_s = float((self._mu[last + 1] - self._mu[last]) / step_s[last])

    def open(self, start_s: float) -> None:
        """Let radiation come from a time on."""
        self._gates.append(_Gate(max(start_s, self._gates[-1].stop_s if self._gates else start_s)))

    def close(self, stop_s: float) -> None:
        """Let radiation end at a time, or not begin where that comes first."""
        self._gates[-1].stop_s = max(stop_s, self._gates[-1].start_s)

    def elapsed_s(self, time_s: float) -> float:
        """Radiation time until a time, with what runs on beyond the order."""
        return min(self._open_s(time_s), self._allowed_s)

    def _open_s(self, time_s: float) -> float:
        """How long gates were open until a time."""
        return sum(max(0.0, min(gate.stop_s, time_s) - gate.start_s) for gate in self._gates)

    @property
    def _ordered_s(self) -> float:
        """Radiation time of the whole order."""
        return float(self._times_s[-1])

    @property
    def complete_at_s(self) -> float:
        """When the last monitor unit of the order comes out; without end where none of the gates lets it."""
        return self._time_of(self._ordered_s)

    @property
    def _allowed_s(self) -> float:
        """Radiation time after which it ends by itself: that of the order, unless it runs on."""
        complete_s = self.complete_at_s
        running_on = self._faults.at(BeamRunsOn, complete_s) if math.isfinite(complete_s) else ()
        return self._ordered_s + (running_on[0].extra_s if running_on else 0.0)

    def _time_of(self, elapsed_s: float) -> float:
        """When gates have been open for so long."""
        left_s = elapsed_s
        for gate in self._gates:
            if left_s <= gate.stop_s - gate.start_s:
                return gate.start_s + left_s
            left_s -= gate.stop_s - gate.start_s
        return math.inf

    def is_radiating(self, time_s: float) -> bool:
        """Whether there is radiation at a time."""
        return any(start_s <= time_s < stop_s for start_s, stop_s in self.intervals())

    def intervals(self) -> tuple[tuple[float, float], ...]:
        """From when to when there was radiation, and will be if nobody ends it."""
        over_s = self._time_of(self._allowed_s)
        ends = ((gate.start_s, min(gate.stop_s, over_s)) for gate in self._gates)
        return tuple((start_s, stop_s) for start_s, stop_s in ends if start_s < stop_s)

    def axis_angles_deg(self, time_s: float) -> tuple[float, ...]:
        """Where each axis belongs at a time."""
        elapsed_s = self.elapsed_s(time_s)
        return tuple(float(np.interp(elapsed_s, self._times_s, angles)) for angles in self.angles_deg)

    def mu(self, time_s: float) -> float:
        """Monitor units delivered until a time."""
        elapsed_s = self.elapsed_s(time_s)
        beyond_mu = max(0.0, elapsed_s - self._ordered_s) * self._last_mu_per_s
        return float(np.interp(elapsed_s, self._times_s, self._mu)) + beyond_mu


class VirtualBeam:
    """The port to the beam; `gantry` and `collimator` are turned as the order says while there is radiation.

    `interlocks` gives those that stand, in words.
    """

    def __init__(
        self,
        model: BeamModel,
        axes: tuple[RotationMotion, RotationMotion],
        clock: ClockPort,
        faults: Faults,
        *,
        interlocks: Callable[[], tuple[str, ...]] = lambda: (),
        is_anything_moving: Callable[[], bool] = lambda: False,
    ) -> None:
        self._model, self._axes, self._clock, self._faults = model, axes, clock, faults
        self._interlocks, self._is_anything_moving = interlocks, is_anything_moving
        self._told = BeamState.OFF
        self.deliveries: list[Delivery] = []

    @property
    def latency(self) -> BeamLatency:
        """How late radiation comes and goes."""
        return self._model.latency

    def reading(self) -> BeamReading:
        """State and monitor units now."""
        now_s = self._clock.now_s
        mu = self.deliveries[-1].mu(now_s) if self.deliveries else 0.0
        counted_mu = math.floor(mu / READOUT_MU + 1e-6) * READOUT_MU
        return BeamReading(self._state(now_s), round(counted_mu, 6), self.is_radiating(now_s), now_s)

    def is_radiating(self, time_s: float) -> bool:
        """Whether there is radiation, of whichever order."""
        return any(delivery.is_radiating(time_s) for delivery in self.deliveries)

    @property
    def is_busy(self) -> bool:
        """Whether it is on, or there still is radiation."""
        now_s = self._clock.now_s
        return self._state(now_s) is BeamState.ON or self.is_radiating(now_s)

    def _state(self, time_s: float) -> BeamState:
        """What it was told, unless the order is complete."""
        is_delivering = self._told in (BeamState.ON, BeamState.HELD)
        if is_delivering and self.deliveries[-1].complete_at_s <= time_s:
            return BeamState.COMPLETE
        return self._told

    def arm(self, order: BeamOrder) -> None:
        """Be ready for an order; raises DeviceRefusal where one is being delivered, or this one cannot be."""
        state = self._state(self._clock.now_s)
        if state in (BeamState.ON, BeamState.HELD) or self.is_busy:
            raise DeviceRefusal(f"The beam is {state} and delivers another order; end that with `off`, and wait.")
        of_axes = zip(self._axes, _angles_deg(order), strict=True)
        angles_deg = tuple(axis.between_stops(angles) for axis, angles in of_axes)
        self.deliveries.append(Delivery(order, angles_deg, self._step_s(order), self._faults))
        self._told = BeamState.ARMED

    def on(self) -> None:
        """Deliver, or go on; raises Interlocked and DeviceRefusal."""
        now_s = self._clock.now_s
        state = self._state(now_s)
        if state not in (BeamState.ARMED, BeamState.HELD):
            raise DeviceRefusal(f"The beam is {state}; arm an order before it is turned on.")
        if standing := self._interlocks():
            raise Interlocked(f"The beam stays off: {', '.join(standing)}. Remove the cause, then clear the interlock.")
        if self._is_anything_moving():
            raise DeviceRefusal("The beam stays off while couch, gantry or collimator move; wait until they stand.")
        delivery = self.deliveries[-1]
        self._require_in_place(delivery, now_s)
        delivery.open(now_s + self.latency.on_s)
        for n, axis in enumerate(self._axes):
            if np.ptp(delivery.angles_deg[n]) > 0.0:
                _follow(axis, delivery, n, now_s)
        self._told = BeamState.ON

    def hold(self) -> None:
        """Stop radiation, to go on later."""
        if self._state(self._clock.now_s) is BeamState.ON:
            self._close()
            self._told = BeamState.HELD

    def off(self) -> None:
        """End the delivery for good."""
        if self._state(self._clock.now_s) is BeamState.ON:
            self._close()
        self._told = BeamState.OFF

    def _close(self) -> None:
        """Let radiation end as late as it does."""
        now_s = self._clock.now_s
        running_on = self._faults.at(BeamRunsOn, now_s)
        late_s = self.latency.off_s + (running_on[0].extra_s if running_on else 0.0)
        self.deliveries[-1].close(now_s + late_s)

    def _require_in_place(self, delivery: Delivery, now_s: float) -> None:
        """Raise DeviceRefusal where gantry or collimator are not where the order goes on."""
        for axis, wanted_deg in zip(self._axes, delivery.axis_angles_deg(now_s), strict=True):
            there_deg = axis.driven_deg(now_s)
            if abs(there_deg - wanted_deg) > IN_PLACE_DEG:
                raise DeviceRefusal(
                    f"The beam stays off: the {axis.name} stands at {there_deg:g} deg, and the order goes on at "
                    f"{wanted_deg:g} deg. Turn it there."
                )

    def _step_s(self, order: BeamOrder) -> Float64Array:
        """Radiation time of each step (n,): the slowest of dose, gantry and collimator.

        Raises DeviceRefusal for a step that turns without monitor units.
        """
        rate = min(order.dose_rate_mu_per_min or math.inf, self._model.dose_rate_mu_per_min)
        steps_mu = np.diff([point.cumulative_mu for point in order.points])
        turns_s = np.array(
            [
                np.abs(np.diff(angles)) / axis.model.drive.speed_per_s
                for axis, angles in zip(self._axes, _angles_deg(order), strict=True)
            ]
        ).max(axis=0)
        if (idle := (steps_mu == 0.0) & (turns_s > 0.0)).any():
            raise DeviceRefusal(
                f"Between points {int(idle.argmax())} and {int(idle.argmax()) + 1} of the order the gantry or the "
                "collimator turns without monitor units; arm two orders, and turn between them."
            )
        return np.asarray(np.maximum(steps_mu * (S_PER_MIN / rate), turns_s))


def _angles_deg(order: BeamOrder) -> tuple[Float64Array, Float64Array]:
    """Continuous angles (n,) of gantry and collimator."""
    points = order.points
    gantry = np.array([point.gantry_angle_deg for point in points])
    return gantry, np.array([point.beam_limiting_device_angle_deg for point in points])


def _follow(axis: RotationMotion, delivery: Delivery, n: int, from_s: float) -> None:
    """Let the n-th axis turn as the order says, on from where it stands."""
    aside_deg = axis.driven_deg(from_s) - delivery.axis_angles_deg(from_s)[n]
    axis.follow(from_s, lambda time_s: aside_deg + delivery.axis_angles_deg(time_s)[n], delivery.is_radiating)
