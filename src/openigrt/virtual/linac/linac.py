"""A virtual linac: its devices behind ports, its truth beside them, and the faults that can be switched on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from openigrt.errors import InputError
from openigrt.geometry import CouchPose, DegreesOfFreedom, RigidTransform, Trajectory
from openigrt.machine import ClockPort, Devices, Imager
from openigrt.virtual.linac.beam import BeamModel, VirtualBeam
from openigrt.virtual.linac.clock import VirtualClock
from openigrt.virtual.linac.couch import AT_ZERO, CouchModel, CouchMotion, VirtualCouch, couch_model
from openigrt.virtual.linac.faults import Faults, ScheduledFault
from openigrt.virtual.linac.imager import ImagerModel, PixelSource, VirtualImager
from openigrt.virtual.linac.interlocks import VirtualInterlocks
from openigrt.virtual.linac.monitor import MonitorModel, VirtualMonitor, Watched
from openigrt.virtual.linac.patient_on_couch import PatientOnCouch
from openigrt.virtual.linac.rotation import RotationModel, RotationMotion, VirtualRotation
from openigrt.virtual.linac.travel import Drive
from openigrt.virtual.patients.patient import Day, VirtualPatient

KV_IMAGER = Imager(90.0, 1000.0, 1500.0)


@dataclass(frozen=True, slots=True)
class LinacModel:
    """What a linac is made of; as it stands, the nominal one: a six-axis couch, all its errors those of a good machine.

    Couch 0.2 mm and 0.05 degrees (one standard deviation per axis and move) with a read-out of 0.1, imager 0.3 mm.
    """

    couch: CouchModel = field(default_factory=couch_model)
    gantry: RotationModel = field(default_factory=lambda: RotationModel(Drive(6.0, 3.0)))
    collimator: RotationModel = field(default_factory=lambda: RotationModel(Drive(12.0, 12.0), -165.0, 165.0))
    beam: BeamModel = field(default_factory=BeamModel)
    imager: ImagerModel = field(default_factory=lambda: ImagerModel(KV_IMAGER, (0.2, -0.1, 0.2)))


def coarse_linac() -> LinacModel:
    """A linac with a couch of three degrees of freedom, read out to and inaccurate by 1 mm."""
    return LinacModel(couch=couch_model(DegreesOfFreedom.TRANSLATION, resolution_mm=1.0, inaccuracy_mm=1.0))


class LinacTruth:
    """What is truly so in the room of a virtual linac, at every time until now; no port tells it."""

    def __init__(
        self, couch: CouchMotion, axes: tuple[RotationMotion, RotationMotion], beam: VirtualBeam, imager: VirtualImager
    ) -> None:
        self._couch, (self._gantry, self._collimator), self._beam, self._imager = couch, axes, beam, imager

    def couch_pose(self, time_s: float) -> CouchPose:
        """Where the axes of the couch truly are."""
        return self._couch.pose(time_s)

    def fixed_from_table(self, time_s: float) -> RigidTransform:
        """Where the table top truly is, walk-out included."""
        return self._couch.fixed_from_table(time_s)

    def gantry_angle_deg(self, time_s: float) -> float:
        """The true angle of the gantry, in [0, 360)."""
        return self._gantry.angle_deg(time_s)

    def collimator_angle_deg(self, time_s: float) -> float:
        """The true angle of the collimator, in [0, 360)."""
        return self._collimator.angle_deg(time_s)

    def delivered_mu(self, time_s: float) -> float:
        """Monitor units of all orders until a time."""
        return sum(delivery.mu(time_s) for delivery in self._beam.deliveries)

    def beam_intervals(self) -> tuple[tuple[float, float], ...]:
        """From when to when there was radiation; of a beam that is on, until when there will be if nobody ends it."""
        return tuple(interval for delivery in self._beam.deliveries for interval in delivery.intervals())

    @property
    def imaging_isocenter_mm(self) -> tuple[float, float, float]:
        """Where the point lies in the room that the imager takes for the isocenter, which is at zero."""
        return self._imager.model.isocenter_offset_mm

    def trajectory(self, nominal: Trajectory) -> Trajectory:
        """Where source and detector truly are for the nominal trajectory of a scan."""
        return self._imager.true_trajectory(nominal)


class VirtualLinac:
    """One treatment room, made of a model and a seed: the same calls give the same answers to the last bit.

    `devices` is all that a treatment may know; `truth`, `faults` and what follows them here is for who makes the world.
    """

    def __init__(
        self,
        model: LinacModel | None = None,
        seed: int = 0,
        clock: ClockPort | None = None,
        faults: Sequence[ScheduledFault] = (),
    ) -> None:
        """Raise InputError for a seed below zero."""
        if seed < 0:
            raise InputError(f"The seed of a virtual linac must be zero or more, found {seed}.", seed=seed)
        model = model or LinacModel()
        self.faults, self._seed = Faults(tuple(faults)), seed
        self._clock: ClockPort = clock or VirtualClock()
        self._couch_motion = CouchMotion(model.couch, seed)
        self._axes = RotationMotion("gantry", model.gantry), RotationMotion("collimator", model.collimator)
        self._interlocks = VirtualInterlocks(self._clock, hold=lambda: self._beam.hold())
        self._beam = VirtualBeam(
            model.beam,
            self._axes,
            self._clock,
            self.faults,
            interlocks=lambda: tuple(f"{i.name} ({i.reason})" for i in self._interlocks.standing()),
            is_anything_moving=self._is_anything_moving,
        )
        self._couch = VirtualCouch(self._couch_motion, self._clock, self.faults, self._beam_forbids)
        self._gantry, self._collimator = (
            VirtualRotation(axis, self._clock, self._beam_forbids, self._beam.hold) for axis in self._axes
        )
        self._imager = VirtualImager(
            model.imager,
            self._axes[0],
            self._couch,
            self._clock,
            self.faults,
            seed=seed,
            is_beam_on=lambda: self._beam.is_busy,
        )
        self._monitors: list[VirtualMonitor] = []
        self.truth = LinacTruth(self._couch_motion, self._axes, self._beam, self._imager)

    @property
    def devices(self) -> Devices:
        """The ports."""
        return Devices(
            clock=self._clock,
            couch=self._couch,
            gantry=self._gantry,
            collimator=self._collimator,
            imager=self._imager,
            beam=self._beam,
            interlocks=self._interlocks,
            monitors=tuple(self._monitors),
        )

    def lay_down(self, patient: VirtualPatient, day: Day, setup_couch: CouchPose = AT_ZERO) -> PatientOnCouch:
        """A patient whose day begins now; he lies as planned, but for his setup error, with the couch at that pose."""
        return PatientOnCouch(patient, day, setup_couch, self.truth.fixed_from_table, self._clock.now_s)

    def show(self, pixels: PixelSource) -> None:
        """Let the imager see what this makes; an empty room before."""
        self._imager.pixels = pixels

    def watch(self, model: MonitorModel, watched: Watched) -> None:
        """Add a monitor that looks at something, such as `PatientOnCouch.target_motion`."""
        stream = self._seed, len(self._monitors)
        self._monitors.append(VirtualMonitor(model, watched, self._clock, self.faults, stream=stream))

    def _is_anything_moving(self) -> bool:
        """Whether couch, gantry or collimator move."""
        now_s = self._clock.now_s
        return self._couch_motion.is_moving(now_s) or any(axis.is_moving(now_s) for axis in self._axes)

    def _beam_forbids(self) -> str:
        """Why nothing may move now; empty where nothing speaks against it."""
        return "the beam is on; hold it, and wait until there is no radiation" if self._beam.is_busy else ""
