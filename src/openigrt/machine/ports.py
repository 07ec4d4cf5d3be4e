"""The ports to the devices of a treatment room: what guidance needs of them, and no more.

Ports are stated here and fulfilled above the water line; `tests/conformance` holds every adapter to them. Commands
start something and return; readings tell how it goes, and the clock lets time pass. What a device cannot or may not do
raises a DeviceRefusal, and then nothing has moved; a device that does not answer raises DeviceFailure. All positions
are IEC 61217, all times seconds on the one clock of the machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from openigrt.errors import DeviceFailure
from openigrt.geometry import CouchPose, DetectorPlacement, Trajectory
from openigrt.images import MotionSample, Projection, Scan
from openigrt.machine.beam_order import BeamLatency, BeamOrder, BeamReading
from openigrt.machine.couch import Couch
from openigrt.machine.imager import Imager
from openigrt.machine.readings import ArmState, CouchReading, Interlock, RotationReading

POLL_S = 0.1


class ClockPort(Protocol):
    """The one clock of the machine; it may run faster than the wall's."""

    @property
    def now_s(self) -> float:
        """Seconds since the clock's zero; never runs back."""

    @property
    def zero_at(self) -> datetime:
        """The moment of its zero, UTC."""

    def sleep_until(self, time_s: float) -> None:
        """Return when it is that time or later; at once where it has passed."""


class CouchPort(Protocol):
    """A couch with a remote drive."""

    @property
    def couch(self) -> Couch:
        """Its degrees of freedom, limits and resolutions."""

    def reading(self) -> CouchReading:
        """Where it is read out to stand now."""

    def move_to(self, pose: CouchPose) -> None:
        """Start for an absolute pose.

        Raises BeyondLimit for a pose outside the limits or off an axis that it lacks, DeviceRefusal while it moves or
        the beam is on; then no axis moves at all.
        """

    def stop(self) -> None:
        """Stop where it is; always possible."""


class RotationPort(Protocol):
    """A gantry or a collimator."""

    @property
    def limits_deg(self) -> tuple[float, float]:
        """The two stops as continuous angles, such as -180 and 180; in between it goes, and never through them."""

    def reading(self) -> RotationReading:
        """The angle at which it is read out to stand now."""

    def turn_to(self, angle_deg: float) -> None:
        """Start for an angle: one between the stops is taken as it is, any other by whole turns.

        Raises BeyondLimit for an angle beyond the stops, DeviceRefusal while it turns or the beam is on.
        """

    def stop(self) -> None:
        """Stop where it is; always possible, and holds the beam."""


class ImagerPort(Protocol):
    """An X-ray source and a detector, on arms that are extended for imaging."""

    @property
    def imager(self) -> Imager:
        """Its nominal place on the gantry, and how its arms sag as far as that was measured."""

    def arms(self) -> ArmState:
        """Where the arms are now."""

    def extend_arms(self) -> None:
        """Start to bring source and detector out."""

    def retract_arms(self) -> None:
        """Start to bring them in."""

    def scan(self, trajectory: Trajectory) -> Scan:
        """Take projections on the nominal detectors of a trajectory, turning the gantry; return when they are there.

        The scan has those that arrived: less than were asked for where the detector lost some; their trajectory with
        the sag that was measured, their times, and where the couch was read out to stand. Raises BeyondLimit for angles
        that the gantry cannot reach, DeviceRefusal while couch or gantry move, the beam is on or the arms are not
        extended, DeviceFailure where no projection arrived.
        """

    def expose(self, placement: DetectorPlacement) -> Projection:
        """Take one projection from where the source is; the gantry may turn, the beam be on. Else raises as `scan`."""


class BeamPort(Protocol):
    """The treatment beam."""

    @property
    def latency(self) -> BeamLatency:
        """How late radiation comes and goes."""

    def reading(self) -> BeamReading:
        """State and monitor units now."""

    def arm(self, order: BeamOrder) -> None:
        """Be ready to deliver an order, with monitor units at zero.

        Raises DeviceRefusal where the beam is on or held, or there still is radiation.
        """

    def on(self) -> None:
        """Deliver, or go on delivering, until the order is complete; the machine turns its gantry as the order says.

        Raises Interlocked while an interlock stands; DeviceRefusal where it is neither armed nor held, something moves,
        or gantry and collimator are not where the order has them at this monitor unit.
        """

    def hold(self) -> None:
        """Stop radiation, to be continued by `on`; always possible, and without effect unless the beam is on."""

    def off(self) -> None:
        """End the delivery for good; always possible. The reading keeps its monitor units until the next order."""


class InterlockPort(Protocol):
    """The interlocks: while one stands, no beam comes on, and one that is on is held."""

    def standing(self) -> tuple[Interlock, ...]:
        """All that stand, the oldest first."""

    def engage(self, name: str, reason: str) -> None:
        """Raise an interlock, which holds the beam at once; one of this name that stands already stays as it is."""

    def clear(self, name: str) -> None:
        """Take one away; the beam stays held. Raises DeviceRefusal where none of this name stands."""


class MonitorPort(Protocol):
    """A device that watches motion during treatment: transponders, a surface camera, fluoroscopy."""

    @property
    def name(self) -> str:
        """What it is called in records."""

    def samples_since(self, time_s: float) -> tuple[MotionSample, ...]:
        """What was measured after that time and has arrived by now, in the order of time; none where it is silent."""


@dataclass(frozen=True, slots=True, eq=False)
class Devices:
    """All devices of one treatment room."""

    clock: ClockPort
    couch: CouchPort
    gantry: RotationPort
    collimator: RotationPort
    imager: ImagerPort
    beam: BeamPort
    interlocks: InterlockPort
    monitors: Sequence[MonitorPort] = ()


def wait_until_still(device: CouchPort | RotationPort, clock: ClockPort, longest_s: float) -> None:
    """Let time pass until a couch or gantry stands; raises DeviceFailure where it still moves after `longest_s`."""
    until_s = clock.now_s + longest_s
    while device.reading().is_moving:
        if clock.now_s >= until_s:
            raise DeviceFailure(
                f"A device still moves after {longest_s:g} s. Look at it, stop it, and read where it stands."
            )
        clock.sleep_until(min(clock.now_s + POLL_S, until_s))
