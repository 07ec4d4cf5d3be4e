"""Markers: points, lines and other shapes that can be found again, such as seeds, transponders and reflectors."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Frame, RigidTransform, frozen_array, require_same_frame
from openigrt.images.image import Provenance


class MarkerShape(StrEnum):
    """What the points of a marker mean (PS3.3 C.21.2.1.1)."""

    POINT = "POINT"
    LINE = "LINE"
    PLANE = "PLANE"
    SURFACE = "SURFACE"
    RULER = "RULER"
    L_SHAPE = "L_SHAPE"
    T_SHAPE = "T_SHAPE"
    SHAPE = "SHAPE"

    def allows(self, count: int) -> bool:
        """Whether a marker of this shape may have so many points."""
        fewest, most = _POINTS.get(self, (2, None))
        return count >= fewest and (most is None or count <= most)


_POINTS: dict[MarkerShape, tuple[int, int | None]] = {
    MarkerShape.POINT: (1, 1),
    MarkerShape.LINE: (2, 2),
    MarkerShape.PLANE: (3, 3),
    MarkerShape.SURFACE: (3, None),
    MarkerShape.L_SHAPE: (3, 3),
    MarkerShape.T_SHAPE: (3, 3),
}


@dataclass(frozen=True, slots=True)
class Code:
    """A coded term: its value, the scheme that it is of, and what it means."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, eq=False)
class Marker:
    """One marker: points (n, 3) in mm in the frame of its set, read-only.

    `identifier` names it within its set, and the same marker in other sets. `uncertainty_radius_mm` is how far off it
    may be, None where that is not stated. `kind` is what it is made of, as of DICOM's CID 7112.
    """

    identifier: str
    points_mm: Float64Array
    shape: MarkerShape = MarkerShape.POINT
    uncertainty_radius_mm: float | None = None
    kind: Code | None = None
    description: str = ""
    uid: str = ""

    def __post_init__(self) -> None:
        """Copy, check the number of points against the shape, and freeze."""
        points: NDArray[np.float64] = np.asarray(self.points_mm, dtype=np.float64).reshape(-1, 3)
        if not self.shape.allows(len(points)):
            raise InvalidGeometry(f"Marker {self.identifier!r} of shape {self.shape} cannot have {len(points)} points.")
        radius_mm = self.uncertainty_radius_mm
        if radius_mm is not None and not (np.isfinite(radius_mm) and radius_mm >= 0.0):
            raise InvalidGeometry(f"Marker {self.identifier!r} has an uncertainty radius of {radius_mm} mm.")
        object.__setattr__(self, "points_mm", frozen_array(points, points.shape))

    @property
    def center_mm(self) -> Float64Array:
        """The mean (3,) of its points."""
        return np.asarray(self.points_mm.mean(axis=0))


@dataclass(frozen=True, eq=False)
class Markers:
    """The markers of one frame; `source` is where the images are from that they were found on, if there are any."""

    frame: Frame
    markers: tuple[Marker, ...]
    uid: str = ""
    label: str = ""
    created_at: datetime | None = None
    source: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        """Raises InvalidGeometry where two markers have one identifier."""
        counts = Counter(marker.identifier for marker in self.markers)
        repeated = [name for name, count in counts.items() if count > 1]
        if repeated:
            raise InvalidGeometry(f"Several markers of one set are called {', '.join(map(repr, repeated))}.")

    def moved(self, new_from_old: RigidTransform) -> "Markers":
        """The same markers in another frame."""
        require_same_frame(self.frame, new_from_old.from_frame, "Moving markers")
        markers = tuple(replace(m, points_mm=new_from_old.points(m.points_mm)) for m in self.markers)
        return replace(self, frame=new_from_old.to_frame, markers=markers)

    def shared_with(self, other: "Markers") -> tuple[tuple[Marker, Marker], ...]:
        """Pairs of markers of both sets that have one identifier, in the order of this set."""
        theirs = {marker.identifier: marker for marker in other.markers}
        return tuple((m, theirs[m.identifier]) for m in self.markers if m.identifier in theirs)
