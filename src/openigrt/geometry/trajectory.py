"""Where source and detector stood for every projection of a scan."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InvalidGeometry
from openigrt.geometry.frames import Frame, require_same_frame
from openigrt.geometry.projection_geometry import ProjectionGeometry
from openigrt.geometry.rigid import Float64Array, RigidTransform, frozen_array, rotation_x, rotation_y, rotation_z

FULL_TURN_DEG = 360.0
VECTORS = ("sources_mm", "first_pixels_mm", "row_directions", "column_directions")


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Sources and flat detectors of n projections in one frame: the room (`Frame.FIXED`), or a patient's after `moved`.

    `sources_mm`, `first_pixels_mm` (centre of column 0, row 0), `row_directions` (along which the column index rises)
    and `column_directions` (the row index) are (n, 3). The detectors share `spacing_mm` (between columns, between rows)
    and `size` (columns, rows).
    """

    frame: Frame
    sources_mm: Float64Array
    first_pixels_mm: Float64Array
    row_directions: Float64Array
    column_directions: Float64Array
    spacing_mm: Float64Array
    size: tuple[int, int]

    def __post_init__(self) -> None:
        """Copy, check every detector and freeze; raises InvalidGeometry."""
        count = len(np.atleast_2d(self.sources_mm))
        if not count:
            raise InvalidGeometry("A trajectory needs one projection at least, and there is none.")
        for name in VECTORS:
            object.__setattr__(self, name, frozen_array(getattr(self, name), (count, 3)))
        object.__setattr__(self, "spacing_mm", frozen_array(self.spacing_mm, (2,)))
        object.__setattr__(self, "size", tuple(int(n) for n in self.size))
        for n in range(count):
            self[n]

    def __len__(self) -> int:
        """How many projections."""
        return len(self.sources_mm)

    def __getitem__(self, n: int) -> ProjectionGeometry:
        """Source and detector of one projection."""
        return ProjectionGeometry(
            self.frame,
            self.sources_mm[n],
            self.first_pixels_mm[n],
            self.row_directions[n],
            self.column_directions[n],
            self.spacing_mm,
            self.size,
        )

    @classmethod
    def of(cls, geometries: Sequence[ProjectionGeometry]) -> "Trajectory":
        """The trajectory of single projections; raises InvalidGeometry where detectors differ, or for none."""
        if not geometries:
            raise InvalidGeometry("A trajectory needs one projection at least, and there is none.")
        first = geometries[0]
        for geometry in geometries:
            require_same_frame(geometry.frame, first.frame, "Projections of a trajectory")
            if geometry.size != first.size or not np.allclose(geometry.spacing_mm, first.spacing_mm, rtol=1e-6):
                raise InvalidGeometry(
                    f"The detector of a scan changes from {first.size} pixels of {first.spacing_mm.tolist()} mm to "
                    f"{geometry.size} of {geometry.spacing_mm.tolist()} mm; reconstruct these projections apart."
                )
        return cls(
            first.frame,
            np.array([geometry.source_mm for geometry in geometries]),
            np.array([geometry.first_pixel_mm for geometry in geometries]),
            np.array([geometry.row_direction for geometry in geometries]),
            np.array([geometry.column_direction for geometry in geometries]),
            first.spacing_mm,
            first.size,
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of an array of all projections: (projections, rows, columns)."""
        return len(self), self.size[1], self.size[0]

    def chosen(self, indices: ArrayLike) -> "Trajectory":
        """The projections of these indices, in their order."""
        which = np.asarray(indices)
        return replace(self, **{name: getattr(self, name)[which] for name in VECTORS})

    def moved(self, new_from_old: RigidTransform) -> "Trajectory":
        """The same sources and detectors in another frame, such as that of the patient on the table."""
        require_same_frame(self.frame, new_from_old.from_frame, "Moving a trajectory")
        return replace(
            self,
            frame=new_from_old.to_frame,
            sources_mm=new_from_old.points(self.sources_mm),
            first_pixels_mm=new_from_old.points(self.first_pixels_mm),
            row_directions=new_from_old.vectors(self.row_directions),
            column_directions=new_from_old.vectors(self.column_directions),
        )

    def source_angles_deg(self) -> Float64Array:
        """Gantry angles of the source (n,), IEC 61217, in [0, 360): where it stands round the y axis of the room."""
        require_same_frame(self.frame, Frame.FIXED, "Gantry angles")
        angles = np.rad2deg(np.arctan2(self.sources_mm[:, 0], self.sources_mm[:, 2]))
        turned = np.mod(angles, FULL_TURN_DEG)
        return np.where(turned == FULL_TURN_DEG, 0.0, turned)  # what rounding leaves of a hair below zero


@dataclass(frozen=True, slots=True)
class DetectorPlacement:
    """How a detector is held: distances from the source, and where its centre lies aside of the central ray.

    `offset_mm` is the centre of the detector in its own x and y; a half-fan detector stands aside in x.
    `in_plane_angle_deg` turns it about the central ray, `out_of_plane_angle_deg` tilts source and detector together.
    """

    source_axis_distance_mm: float
    source_detector_distance_mm: float
    size: tuple[int, int]
    spacing_mm: tuple[float, float]
    offset_mm: tuple[float, float] = (0.0, 0.0)
    in_plane_angle_deg: float = 0.0
    out_of_plane_angle_deg: float = 0.0


def circular_trajectory(source_angles_deg: ArrayLike, placement: DetectorPlacement) -> Trajectory:
    """A source that turns about the room's y axis at these gantry angles (n,), and the detector that faces it.

    Columns run along gantry +x and rows along +y at angles zero; IEC 61217: at 0 the source is above.
    """
    angles = np.atleast_1d(np.asarray(source_angles_deg, dtype=np.float64))
    distance, beyond = placement.source_axis_distance_mm, placement.source_detector_distance_mm
    half = (np.array(placement.size) - 1) / 2.0 * np.array(placement.spacing_mm)
    corner = np.array([*(np.array(placement.offset_mm) - half), distance - beyond])
    held = rotation_x(placement.out_of_plane_angle_deg) @ rotation_z(placement.in_plane_angle_deg)
    turns = np.array([rotation_y(angle) @ held for angle in angles]).reshape(-1, 3, 3)
    return Trajectory(
        Frame.FIXED,
        turns @ np.array([0.0, 0.0, distance]),
        turns @ corner,
        turns[:, :, 0],
        turns[:, :, 1],
        np.array(placement.spacing_mm),
        placement.size,
    )
