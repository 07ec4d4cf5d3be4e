"""Scans: the X-ray projections of one rotation, as they are measured or as line integrals."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import CouchPose, Float64Array, Frame, Trajectory, frozen_array, require_same_frame
from openigrt.images.image import Provenance
from openigrt.images.projection import Exposure, MachinePose, Projection, ProjectionKind

Float32Array = NDArray[np.float32]


class Quantity(StrEnum):
    """What the pixels of a scan are."""

    INTENSITY = "intensity"
    LINE_INTEGRAL = "line integral"


class ProjectionPixels(Protocol):
    """Pixels of many projections, in memory or read when they are asked for: float32 [projection, row, column]."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(projections, rows, columns)."""

    def __getitem__(self, which: slice, /) -> Float32Array:
        """The projections of a slice (n, rows, columns)."""


@dataclass(frozen=True, eq=False)
class Scan:
    """Projections in the order in which they were taken, on the detectors of a `trajectory` in the room.

    `pixels` [projection, row, column]: beam intensity in any linear unit, or line integrals of attenuation (no unit).
    `times_s` (n,) since the first projection never fall; None where they are not stated. `couch`: the pose of the table
    during the scan. `exposure` holds for each projection. `beam_monitor` (n,): readings of a chamber in the beam, in
    any linear unit, by which intensities may be divided; None where it is not stated.
    """

    pixels: ProjectionPixels
    trajectory: Trajectory
    quantity: Quantity
    times_s: Float64Array | None = None
    exposure: Exposure = field(default_factory=Exposure)
    couch: CouchPose | None = None
    provenance: Provenance = field(default_factory=Provenance)
    beam_monitor: Float64Array | None = None

    def __post_init__(self) -> None:
        """Check that pixels and times fit the trajectory; raises InvalidGeometry."""
        require_same_frame(self.trajectory.frame, Frame.FIXED, "A scan")
        if tuple(self.pixels.shape) != self.trajectory.shape:
            raise InvalidGeometry(
                f"Pixels of shape {tuple(self.pixels.shape)} do not fit a trajectory of {self.trajectory.shape} "
                "(projections, rows, columns)."
            )
        if self.times_s is not None:
            times_s = frozen_array(self.times_s, (len(self),))
            if (np.diff(times_s) < 0.0).any():
                raise InvalidGeometry(
                    "The times of projections never fall, as projections stand in the order in which they were taken; "
                    "check when each was taken, or leave the times out."
                )
            object.__setattr__(self, "times_s", times_s)
        if self.beam_monitor is not None:
            object.__setattr__(self, "beam_monitor", frozen_array(self.beam_monitor, (len(self),)))

    def __len__(self) -> int:
        """How many projections."""
        return len(self.trajectory)

    def projection(self, n: int) -> Projection:
        """One of the projections, with the pose of the machine."""
        distance = float(np.linalg.norm(self.trajectory.sources_mm[n]))
        angle = float(self.trajectory.source_angles_deg()[n])
        return Projection(
            pixels=self.pixels[n : n + 1][0],
            geometry=self.trajectory[n],
            pose=MachinePose(angle, distance, couch=self.couch, has_couch_position=self.couch is not None),
            kind=ProjectionKind.RADIOGRAPH,
            exposure=self.exposure,
            provenance=self.provenance,
        )
