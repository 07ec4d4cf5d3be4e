"""What a beam is ordered to deliver, and what it says of its delivery."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array

FEWEST_POINTS = 2


@dataclass(frozen=True, slots=True)
class BeamPoint:
    """Where gantry and collimator stand (IEC 61217) when so many monitor units have been delivered."""

    cumulative_mu: float
    gantry_angle_deg: float
    beam_limiting_device_angle_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class BeamOrder:
    """One beam, from the first monitor unit to the last; between points everything is linear in monitor units.

    Angles are continuous: from -179 to 179 is an arc of 358 degrees, and from 181 to 179 one of 2, the other way.
    `dose_rate_mu_per_min` is not exceeded; None: the highest that the machine has.
    """

    points: tuple[BeamPoint, ...]
    dose_rate_mu_per_min: float | None = None

    def __post_init__(self) -> None:
        """Raise InconsistentInput for an order that cannot be delivered from its first point to its last."""
        mu = self._column("cumulative_mu")
        angles = [self._column(name) for name in ("gantry_angle_deg", "beam_limiting_device_angle_deg")]
        rate = self.dose_rate_mu_per_min
        if len(mu) < FEWEST_POINTS or not all(np.isfinite(each).all() for each in (mu, *angles)):
            raise InconsistentInput(f"A beam needs {FEWEST_POINTS} points of finite numbers; found {self.points[:3]}.")
        if mu[0] != 0.0 or (np.diff(mu) < 0.0).any() or mu[-1] <= 0.0:
            raise InconsistentInput(
                f"The monitor units of a beam rise from 0 to more than 0; found {mu[0]:g} to {mu[-1]:g} in {len(mu)} "
                "points. Give cumulative monitor units, those of a continuation from 0 again."
            )
        if rate is not None and not (np.isfinite(rate) and rate > 0.0):
            raise InconsistentInput(f"A dose rate must be above zero; found {rate:g} MU/min.")

    def _column(self, name: str) -> Float64Array:
        """One number of every point (n,)."""
        return np.array([getattr(point, name) for point in self.points], dtype=np.float64)

    @property
    def total_mu(self) -> float:
        """Monitor units of the whole beam."""
        return self.points[-1].cumulative_mu

    def at(self, delivered_mu: float) -> BeamPoint:
        """Where gantry and collimator belong when so much is delivered; the ends hold beyond them."""
        mu = self._column("cumulative_mu")
        within = float(np.clip(delivered_mu, 0.0, self.total_mu))
        gantry, collimator = (
            float(np.interp(within, mu, self._column(name)))
            for name in ("gantry_angle_deg", "beam_limiting_device_angle_deg")
        )
        return BeamPoint(within, gantry, collimator)

    def after(self, delivered_mu: float) -> "BeamOrder":
        """The order that continues one that was interrupted there; raises InconsistentInput where nothing is left."""
        if not 0.0 <= delivered_mu < self.total_mu:
            raise InconsistentInput(
                f"Of a beam of {self.total_mu:g} MU {delivered_mu:g} are delivered: nothing is left to continue."
            )
        first = self.at(delivered_mu)
        left = (first, *(point for point in self.points if point.cumulative_mu > delivered_mu))
        return BeamOrder(
            tuple(
                BeamPoint(p.cumulative_mu - delivered_mu, p.gantry_angle_deg, p.beam_limiting_device_angle_deg)
                for p in left
            ),
            self.dose_rate_mu_per_min,
        )


class BeamState(StrEnum):
    """What a beam has been told, and COMPLETE once all monitor units of its order are delivered."""

    OFF = "off"
    ARMED = "armed"
    ON = "on"
    HELD = "held"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class BeamReading:
    """State of the beam; monitor units of the order armed last; whether there is radiation, as its latency has it."""

    state: BeamState
    delivered_mu: float
    is_radiating: bool
    at_s: float


@dataclass(frozen=True, slots=True)
class BeamLatency:
    """How long radiation takes to come after `on`, and to go after `hold`, `off` or an interlock; at most."""

    on_s: float
    off_s: float
