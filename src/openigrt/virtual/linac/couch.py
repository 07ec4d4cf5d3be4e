"""The couch of a virtual linac: where it truly is, and what its drive does and says."""

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field

import numpy as np

from openigrt.errors import BeyondLimit, DeviceRefusal
from openigrt.geometry import (
    CouchPose,
    DegreesOfFreedom,
    Float64Array,
    Frame,
    Pivot,
    RigidTransform,
    fixed_from_table_top,
    rotation_z,
)
from openigrt.machine import LINEAR_AXES, ClockPort, Couch, CouchAxis, CouchReading, axis_positions
from openigrt.virtual.linac.faults import CouchReadoutFrozen, CouchStopsShort, Faults
from openigrt.virtual.linac.travel import Drive, History

AXES = tuple(CouchAxis)
AT_ZERO = CouchPose()
NO_NUDGE = 1e-9  # mm or degrees: an axis that shall go no further than this keeps its error

COUCH_LIMITS: Mapping[CouchAxis, tuple[float, float]] = {
    CouchAxis.LATERAL: (-250.0, 250.0),
    CouchAxis.LONGITUDINAL: (-1000.0, 1000.0),
    CouchAxis.VERTICAL: (-450.0, 150.0),
    CouchAxis.YAW: (-95.0, 95.0),
    CouchAxis.PITCH: (-3.0, 3.0),
    CouchAxis.ROLL: (-3.0, 3.0),
}
DRIVES: Mapping[CouchAxis, Drive] = {
    CouchAxis.LATERAL: Drive(40.0, 40.0),
    CouchAxis.LONGITUDINAL: Drive(80.0, 80.0),
    CouchAxis.VERTICAL: Drive(20.0, 20.0),
    CouchAxis.YAW: Drive(6.0, 6.0),
    CouchAxis.PITCH: Drive(0.5, 0.5),
    CouchAxis.ROLL: Drive(0.5, 0.5),
}


@dataclass(frozen=True, slots=True)
class CouchModel:
    """A couch, how fast it is, and how wrong.

    `inaccuracy`: one standard deviation, mm or degrees, of how far an axis ends from where it says it is, anew for
    every move of that axis; axes that are not named have none. `walk_out_mm` is where the axis of the support angle
    passes through the level of the isocenter, x and y of the room: a point at the isocenter walks on a circle about it.
    """

    couch: Couch
    inaccuracy: Mapping[CouchAxis, float] = field(default_factory=dict)
    walk_out_mm: tuple[float, float] = (0.0, 0.0)
    drives: Mapping[CouchAxis, Drive] = field(default_factory=lambda: dict(DRIVES))

    @property
    def axes(self) -> tuple[CouchAxis, ...]:
        """The axes that it has."""
        return AXES[: self.couch.degrees_of_freedom]


def couch_model(
    degrees: DegreesOfFreedom = DegreesOfFreedom.ALL,
    resolution_mm: float = 0.1,
    inaccuracy_mm: float = 0.2,
    inaccuracy_deg: float = 0.05,
    walk_out_mm: tuple[float, float] = (0.0, 0.0),
) -> CouchModel:
    """A couch of so many degrees of freedom, equally inaccurate on all its axes of a kind."""
    axes = AXES[:degrees]
    couch = Couch(
        degrees_of_freedom=degrees,
        pivot=Pivot.ISOCENTER,
        resolution_mm=resolution_mm,
        resolution_deg=0.1,
        limits={axis: COUCH_LIMITS[axis] for axis in axes},
        largest_change={},
        scales={},
    )
    inaccuracy = {axis: inaccuracy_mm if axis in LINEAR_AXES else inaccuracy_deg for axis in axes}
    return CouchModel(couch, inaccuracy, walk_out_mm)


@dataclass(frozen=True, slots=True)
class _Standing:
    """All axes in their order (6,): where the drive has them, how far they truly are from there; whether any moves."""

    driven: Float64Array
    errors: Float64Array
    is_moving: bool = False

    @property
    def true_pose(self) -> CouchPose:
        """Where the couch truly is, its walk-out aside."""
        return _pose(self.driven + self.errors)


class CouchMotion:
    """Where a couch truly is, at every time until now."""

    def __init__(self, model: CouchModel, seed: int, start: CouchPose = AT_ZERO) -> None:
        self.model, self._seed, self._moves = model, seed, 0
        standing = _Standing(_values(start), np.zeros(len(AXES)))
        self._history: History[_Standing] = History(lambda _: standing)

    def driven(self, time_s: float) -> CouchPose:
        """Where the drive has the axes: what a perfect read-out would say."""
        return _pose(self._history.at(time_s).driven)

    def pose(self, time_s: float) -> CouchPose:
        """Where the axes truly are."""
        return self._history.at(time_s).true_pose

    def is_moving(self, time_s: float) -> bool:
        """Whether any axis moves."""
        return self._history.at(time_s).is_moving

    def fixed_from_table(self, time_s: float) -> RigidTransform:
        """The table top in the room as it truly is, about the axis that truly turns it."""
        pose = self.pose(time_s)
        axis_mm = np.array([*self.model.walk_out_mm, 0.0])
        turned_mm = rotation_z(pose.patient_support_angle_deg) @ axis_mm
        walked = RigidTransform(Frame.FIXED, Frame.FIXED, np.eye(3), axis_mm - turned_mm)
        return walked @ fixed_from_table_top(pose)

    def start_for(self, target: CouchPose, at_s: float) -> None:
        """Let every axis that there is go at once, each as fast as it can."""
        before = self._history.at(at_s)
        ways = _values(target) - before.driven
        ways[len(self.model.axes) :] = 0.0
        errors = np.where(np.abs(ways) > NO_NUDGE, self._drawn_errors(), before.errors)
        drives = [self.model.drives[axis] for axis in AXES]
        over_s = at_s + max(drive.duration_s(way) for drive, way in zip(drives, ways.tolist(), strict=True))

        def going(time_s: float) -> _Standing:
            if time_s >= over_s:
                return _Standing(before.driven + ways, errors)
            gone = np.array([d.gone(way, time_s - at_s) for d, way in zip(drives, ways.tolist(), strict=True)])
            share = np.divide(gone, ways, out=np.ones(len(AXES)), where=np.abs(ways) > NO_NUDGE)
            return _Standing(before.driven + gone, before.errors + share * (errors - before.errors), is_moving=True)

        self._history.begin(at_s, going)

    def stop(self, at_s: float) -> None:
        """Stand where it is."""
        standing = self._history.at(at_s)
        stopped = _Standing(standing.driven, standing.errors)
        self._history.begin(at_s, lambda _: stopped)

    def _drawn_errors(self) -> Float64Array:
        """How far each axis (6,) will end from where it says it is, after one more move."""
        self._moves += 1
        rng = np.random.default_rng((self._seed, 71, self._moves))
        spread = [self.model.inaccuracy.get(axis, 0.0) for axis in AXES]
        return np.asarray(rng.standard_normal(len(AXES)) * spread)


class VirtualCouch:
    """The port to a couch: it reads out its drive, to its resolution, and knows nothing of its errors."""

    def __init__(
        self, motion: CouchMotion, clock: ClockPort, faults: Faults, forbidden: Callable[[], str] = lambda: ""
    ) -> None:
        """`forbidden` gives the reason why nothing may move now, empty where there is none."""
        self._motion, self._clock, self._faults, self._forbidden = motion, clock, faults, forbidden

    @property
    def couch(self) -> Couch:
        """What it can do."""
        return self._motion.model.couch

    def reading(self) -> CouchReading:
        """Where it is read out to stand now."""
        now_s = self._clock.now_s
        frozen = self._faults.since(CouchReadoutFrozen, now_s)
        shown = axis_positions(self._motion.driven(frozen[0][1] if frozen else now_s))
        rounded = [self.couch.rounded(axis, shown[axis]) for axis in AXES]
        return CouchReading(_pose(rounded), now_s, self._motion.is_moving(now_s))

    def move_to(self, pose: CouchPose) -> None:
        """Start for a pose; raises DeviceRefusal and BeyondLimit, and then no axis moves."""
        now_s = self._clock.now_s
        self._require_reachable(pose, self._motion.driven(now_s))
        if self._motion.is_moving(now_s):
            raise DeviceRefusal("The couch is still moving; wait until it stands, or stop it, before the next move.")
        if reason := self._forbidden():
            raise DeviceRefusal(f"The couch does not move: {reason}.")
        short = self._faults.at(CouchStopsShort, now_s)
        self._motion.start_for(_short_of(pose, self._motion.driven(now_s), short[0]) if short else pose, now_s)

    def stop(self) -> None:
        """Stop where it is."""
        self._motion.stop(self._clock.now_s)

    def _require_reachable(self, pose: CouchPose, standing: CouchPose) -> None:
        """Raise BeyondLimit for a pose that the couch cannot take."""
        if not np.isfinite(astuple(pose)).all():
            raise BeyondLimit(f"A couch goes to a pose of finite numbers; found {pose}.")
        eccentric = (pose.table_top_eccentric_axis_distance_mm, pose.table_top_eccentric_angle_deg)
        if any(eccentric):
            raise BeyondLimit(f"This couch has no eccentric table top; asked for distance and angle {eccentric}.")
        wanted, there = axis_positions(pose), axis_positions(standing)
        for axis in AXES[self.couch.degrees_of_freedom :]:
            if abs(wanted[axis] - there[axis]) > self.couch.resolution_deg / 2.0:
                raise BeyondLimit(
                    f"This couch of {self.couch.degrees_of_freedom:d} degrees of freedom has no {axis}: it stands at "
                    f"{there[axis]:g} deg and was asked for {wanted[axis]:g}. Ask for the nearest motion that it can "
                    "make.",
                    axis=str(axis),
                )
        if exceeded := self.couch.exceeded_by_positions(wanted):
            raise BeyondLimit(
                f"The couch does not move: {'; '.join(exceeded)}. Set the patient up so that less is asked of it.",
                axes=exceeded,
            )


def _short_of(target: CouchPose, standing: CouchPose, fault: CouchStopsShort) -> CouchPose:
    """Where a move ends that does not reach its target."""
    return _pose(_values(target) - fault.share_left * (_values(target) - _values(standing)))


def _values(pose: CouchPose) -> Float64Array:
    """Positions of all axes (6,), in the order of CouchAxis."""
    positions = axis_positions(pose)
    return np.array([positions[axis] for axis in AXES])


def _pose(values: Float64Array | list[float]) -> CouchPose:
    """The pose of positions (6,) in the order of CouchAxis."""
    return CouchPose(*(float(value) for value in values))
