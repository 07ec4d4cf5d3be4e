"""How the arms of an imager sag as the gantry turns, and detectors whose rows run the other way."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InvalidGeometry
from openigrt.geometry.frames import Frame, require_same_frame
from openigrt.geometry.rigid import Float64Array, frozen_array, rotation_y
from openigrt.geometry.trajectory import FULL_TURN_DEG, Trajectory


@dataclass(frozen=True, eq=False)
class FlexMap:
    """By how much detector and source stand aside of where they nominally are, at some angles of the source.

    `source_angles_deg` (m,) are IEC 61217 angles of the X-ray source. `detector_shifts_mm` and `source_shifts_mm`
    (m, 2) are along x and y of a frame that turns with the source: x across the beam in the plane of rotation (the
    room's +x when the source is above), y along the axis of rotation, toward the gantry.
    """

    source_angles_deg: Float64Array
    detector_shifts_mm: Float64Array
    source_shifts_mm: Float64Array

    def __post_init__(self) -> None:
        """Sort by angle, check and freeze; raises InvalidGeometry for no angle, or the same one twice."""
        count = np.size(self.source_angles_deg)
        angles = np.mod(np.atleast_1d(np.asarray(self.source_angles_deg, dtype=np.float64)), FULL_TURN_DEG)
        order = np.argsort(angles)
        if count < 1 or (np.diff(angles[order]) == 0.0).any():
            raise InvalidGeometry(f"A flex map needs different angles, one at least; found {angles.tolist()[:10]}.")
        object.__setattr__(self, "source_angles_deg", frozen_array(angles[order], (count,)))
        for name in ("detector_shifts_mm", "source_shifts_mm"):
            shifts = frozen_array(getattr(self, name), (count, 2))
            object.__setattr__(self, name, frozen_array(shifts[order], (count, 2)))

    def at(self, source_angles_deg: ArrayLike) -> tuple[Float64Array, Float64Array]:
        """Shifts (n, 2) of detector and source at angles (n,): linear between entries, round the full turn."""
        angles = np.atleast_1d(np.asarray(source_angles_deg, dtype=np.float64))
        return self._between(angles, self.detector_shifts_mm), self._between(angles, self.source_shifts_mm)

    def _between(self, angles_deg: Float64Array, shifts_mm: Float64Array) -> Float64Array:
        """Shifts (n, 2) at angles (n,)."""
        along = [np.interp(angles_deg, self.source_angles_deg, each, period=FULL_TURN_DEG) for each in shifts_mm.T]
        return np.stack(along, axis=1)


def flexed(trajectory: Trajectory, flex: FlexMap) -> Trajectory:
    """The trajectory of an imager that sags: sources and detectors shifted by the map at the angle of each source."""
    require_same_frame(trajectory.frame, Frame.FIXED, "A flex map")
    angles = trajectory.source_angles_deg()
    of_detector, of_source = flex.at(angles)
    across = np.array([rotation_y(angle)[:, :2] for angle in angles])
    return replace(
        trajectory,
        sources_mm=trajectory.sources_mm + np.einsum("nij,nj->ni", across, of_source),
        first_pixels_mm=trajectory.first_pixels_mm + np.einsum("nij,nj->ni", across, of_detector),
    )


def with_rows_reversed(trajectory: Trajectory) -> Trajectory:
    """The same detectors with their rows counted from the other end; reverse the pixels too: `pixels[:, ::-1]`."""
    down_mm = (trajectory.size[1] - 1) * float(trajectory.spacing_mm[1])
    return replace(
        trajectory,
        first_pixels_mm=trajectory.first_pixels_mm + down_mm * trajectory.column_directions,
        column_directions=-trajectory.column_directions,
    )
