"""The kV imager of a virtual linac: it believes to be where it is not, and others make its pixels."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import BeyondLimit, DeviceFailure, DeviceRefusal, InputError
from openigrt.geometry import (
    DetectorPlacement,
    FlexMap,
    Float64Array,
    Frame,
    RigidTransform,
    Trajectory,
    circular_trajectory,
    flexed,
    rotation_y,
)
from openigrt.images import Exposure, Projection, ProjectionPixels, Provenance, Quantity, Scan
from openigrt.machine import ArmState, ClockPort, CouchPort, Imager
from openigrt.virtual.linac.faults import Faults, FramesDropped
from openigrt.virtual.linac.rotation import RotationMotion

SAME_MM = 1.0


class PixelSource(Protocol):
    """What makes the pixels of an imager: the patient on the couch, seen through the physics of tube and detector."""

    def __call__(self, trajectory: Trajectory, times_s: Float64Array, /) -> ProjectionPixels:
        """Pixels [projection, row, column] on true detectors, of the moments `times_s` (n,) on the linac's clock."""


def open_field(trajectory: Trajectory, times_s: Float64Array) -> ProjectionPixels:
    """The intensity 1 of an empty room."""
    return np.ones((len(times_s), *trajectory.shape[1:]), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class ImagerModel:
    """An imager, and how it differs from what it believes.

    `isocenter_offset_mm` (x, y, z of the room) is where the point truly lies that it takes for the isocenter;
    `true_flex` is how its arms truly sag (`imager.flex`: as far as that was measured). A scan turns the gantry with
    `scan_speed_deg_per_s` at most, and takes frames at `frame_rate_hz` at most.
    """

    imager: Imager
    isocenter_offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    true_flex: FlexMap | None = None
    frame_rate_hz: float = 11.0
    scan_speed_deg_per_s: float = 6.0
    arm_time_s: float = 10.0
    quantity: Quantity = Quantity.INTENSITY
    exposure: Exposure = field(default_factory=lambda: Exposure(tube_voltage_kv=125.0))

    def __post_init__(self) -> None:
        """Raise InputError for an imager that never takes its next frame."""
        if not (self.frame_rate_hz > 0.0 and self.scan_speed_deg_per_s > 0.0 and self.arm_time_s >= 0.0):
            raise InputError(f"An imager needs frame rate and speed above zero, and a time for its arms; found {self}.")


class VirtualImager:
    """The port to the imager."""

    def __init__(
        self,
        model: ImagerModel,
        gantry: RotationMotion,
        couch: CouchPort,
        clock: ClockPort,
        faults: Faults,
        *,
        seed: int,
        is_beam_on: Callable[[], bool] = lambda: False,
    ) -> None:
        self.model, self._gantry, self._couch = model, gantry, couch
        self._clock, self._faults, self._seed, self._is_beam_on = clock, faults, seed, is_beam_on
        self._arms, self._arms_rest_at_s = ArmState.RETRACTED, clock.now_s
        self._exposures = 0
        self.pixels: PixelSource = open_field

    @property
    def imager(self) -> Imager:
        """Its nominal place, and the sag that was measured."""
        return self.model.imager

    def arms(self) -> ArmState:
        """Where the arms are now."""
        return self._arms if self._clock.now_s >= self._arms_rest_at_s else ArmState.MOVING

    def extend_arms(self) -> None:
        """Start to bring source and detector out."""
        self._move_arms(ArmState.EXTENDED)

    def retract_arms(self) -> None:
        """Start to bring them in."""
        self._move_arms(ArmState.RETRACTED)

    def _move_arms(self, to: ArmState) -> None:
        """Start the arms, unless they are there or on their way."""
        if self._arms is not to:
            self._arms, self._arms_rest_at_s = to, self._clock.now_s + self.model.arm_time_s

    def scan(self, trajectory: Trajectory) -> Scan:
        """Projections on a trajectory, with the gantry turning; returns when the last one is taken."""
        positions_deg = self._positions_deg(trajectory)
        self._require_ready()
        if self._is_beam_on():
            raise DeviceRefusal("The imager does not turn the gantry while the beam is on; hold the beam first.")
        if self._gantry.is_moving(self._clock.now_s):
            raise DeviceRefusal("The gantry is still turning; wait until it stands before a scan.")
        self._clock.sleep_until(self._gantry.start_for(float(positions_deg[0]), self._clock.now_s))
        times_s = self._clock.now_s + self._elapsed_s(positions_deg)
        self._gantry.follow(
            float(times_s[0]),
            lambda time_s: float(np.interp(time_s, times_s, positions_deg)),
            lambda time_s: bool(time_s < times_s[-1]),
        )
        self._clock.sleep_until(float(times_s[-1]))
        return self._taken(trajectory, times_s)

    def expose(self, placement: DetectorPlacement) -> Projection:
        """One projection from where the source stands now."""
        now_s = self._clock.now_s
        angle_deg = self.imager.kv_source_angle_deg(self._gantry.driven_deg(now_s))
        trajectory = circular_trajectory(angle_deg, placement)
        self._require_distance(trajectory)
        self._require_ready()
        return self._taken(trajectory, np.array([now_s])).projection(0)

    def true_trajectory(self, nominal: Trajectory) -> Trajectory:
        """Where source and detector truly are when the imager believes that they are on a nominal trajectory."""
        sagging = flexed(nominal, self.model.true_flex) if self.model.true_flex else nominal
        turn = rotation_y(self._gantry.model.error_deg)
        offset_mm = np.array(self.model.isocenter_offset_mm)
        return sagging.moved(RigidTransform(Frame.FIXED, Frame.FIXED, turn, offset_mm))

    def _taken(self, nominal: Trajectory, times_s: Float64Array) -> Scan:
        """What the detector hands over of the projections at these times."""
        kept = self._kept(times_s)
        couch = self._couch.reading().pose
        first_s = float(times_s[kept][0])
        believed = nominal.chosen(kept)
        return Scan(
            pixels=self.pixels(self.true_trajectory(believed), times_s[kept]),
            trajectory=flexed(believed, self.imager.flex) if self.imager.flex else believed,
            quantity=self.model.quantity,
            times_s=times_s[kept] - first_s,
            exposure=self.model.exposure,
            couch=couch,
            provenance=Provenance(
                manufacturer="OpenIGRT",
                device_model="virtual linac",
                acquired_at=self._clock.zero_at + timedelta(seconds=first_s),
                couch=couch,
            ),
        )

    def _kept(self, times_s: Float64Array) -> NDArray[np.intp]:
        """Indices of the frames that are not lost; raises DeviceFailure where all are."""
        self._exposures += 1
        rng = np.random.default_rng((self._seed, 79, self._exposures))
        draws = rng.random(len(times_s))
        shares = [next((f.share for f in self._faults.at(FramesDropped, float(t))), 0.0) for t in times_s]
        kept = np.flatnonzero(draws >= shares)
        if not len(kept):
            raise DeviceFailure(f"None of {len(times_s)} projections arrived. Look at the detector, then image again.")
        return kept

    def _require_ready(self) -> None:
        """Raise DeviceRefusal where the imager cannot image now."""
        if (arms := self.arms()) is not ArmState.EXTENDED:
            raise DeviceRefusal(f"The arms of the imager are {arms}; extend them, and wait, before imaging.")
        if self._couch.reading().is_moving:
            raise DeviceRefusal("The couch is still moving; wait until it stands before imaging.")

    def _positions_deg(self, trajectory: Trajectory) -> Float64Array:
        """Continuous gantry angles (n,) between the stops that bring the source where a trajectory has it."""
        self._require_distance(trajectory)
        angles = trajectory.source_angles_deg() - self.imager.kv_source_angle_offset_deg
        return self._gantry.between_stops(np.rad2deg(np.unwrap(np.deg2rad(angles))))

    def _require_distance(self, trajectory: Trajectory) -> None:
        """Raise BeyondLimit for sources that are not where the arm holds this one."""
        expected_mm = self.imager.source_axis_distance_mm
        found_mm = np.hypot(trajectory.sources_mm[:, 0], trajectory.sources_mm[:, 2])
        if float(np.abs(found_mm - expected_mm).max()) > SAME_MM:
            raise BeyondLimit(
                f"The source of this imager stands {expected_mm:g} mm from the axis; the trajectory has it at "
                f"{found_mm[np.abs(found_mm - expected_mm).argmax()]:g} mm. Give the distance of the imager."
            )

    def _elapsed_s(self, positions_deg: Float64Array) -> Float64Array:
        """When the projections (n,) are taken, seconds after the first one."""
        turns_s = np.abs(np.diff(positions_deg)) / self.model.scan_speed_deg_per_s
        return np.concatenate([[0.0], np.cumsum(np.maximum(turns_s, 1.0 / self.model.frame_rate_hz))])
