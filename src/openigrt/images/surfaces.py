"""Surfaces as scanners see them: clouds of points, and meshes of triangles."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Frame, RigidTransform, frozen_array, require_same_frame
from openigrt.images.image import Provenance

UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points (n, 3) of a surface, mm in `frame`, read-only.

    Optional per point: unit `normals` (n, 3) that lead outward, `colors` (n, 3) as CIELab (lightness 0 to 100, a and b
    -128 to 127).
    """

    frame: Frame
    points_mm: Float64Array
    normals: Float64Array | None = None
    colors: Float64Array | None = None
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        """Copy, check and freeze; raises InvalidGeometry."""
        object.__setattr__(self, "points_mm", _rows(self.points_mm, None))
        object.__setattr__(self, "normals", _normals(self.normals, len(self.points_mm)))
        if self.colors is not None:
            object.__setattr__(self, "colors", _rows(self.colors, len(self.points_mm)))

    def moved(self, new_from_old: RigidTransform) -> "PointCloud":
        """The same surface in another frame."""
        points_mm, normals = _moved(self.frame, self.points_mm, self.normals, new_from_old)
        return PointCloud(new_from_old.to_frame, points_mm, normals, self.colors, self.provenance)


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface of triangles: `points_mm` (n, 3) in `frame`, `triangles` (m, 3) as indices of points from 0, read-only.

    Seen from outside the corners of a triangle are counter-clockwise. Optional unit `normals` (n, 3) lead outward.
    `is_closed` says whether its maker calls it a volume; None where that is not stated.
    """

    frame: Frame
    points_mm: Float64Array
    triangles: NDArray[np.int64]
    normals: Float64Array | None = None
    label: str = ""
    is_closed: bool | None = None
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        """Copy, check and freeze; raises InvalidGeometry for triangles of points that are not there."""
        object.__setattr__(self, "points_mm", _rows(self.points_mm, None))
        object.__setattr__(self, "normals", _normals(self.normals, len(self.points_mm)))
        triangles = np.array(self.triangles, dtype=np.int64).reshape(-1, 3)
        if triangles.size and not 0 <= triangles.min() <= triangles.max() < len(self.points_mm):
            raise InvalidGeometry(
                f"Triangles name points {triangles.min()} to {triangles.max()}; expected 0 to "
                f"{len(self.points_mm) - 1}."
            )
        triangles.setflags(write=False)
        object.__setattr__(self, "triangles", triangles)

    @property
    def area_mm2(self) -> float:
        """Area of all triangles."""
        return float(np.linalg.norm(self._doubled_areas(), axis=1).sum() / 2.0)

    @property
    def enclosed_mm3(self) -> float:
        """Volume inside (divergence theorem): right for a closed surface, negative where it is turned inside out."""
        center = self.points_mm.mean(axis=0)
        corners = self.points_mm[self.triangles[:, 0]] - center
        return float((corners * self._doubled_areas()).sum() / 6.0)

    def moved(self, new_from_old: RigidTransform) -> "Mesh":
        """The same surface in another frame."""
        points_mm, normals = _moved(self.frame, self.points_mm, self.normals, new_from_old)
        frame = new_from_old.to_frame
        return Mesh(frame, points_mm, self.triangles, normals, self.label, self.is_closed, self.provenance)

    def _doubled_areas(self) -> Float64Array:
        """Vectors (m, 3) across the triangles, outward, twice their area long."""
        a, b, c = (self.points_mm[self.triangles[:, corner]] for corner in range(3))
        return np.asarray(np.cross(b - a, c - a))


def _rows(values: ArrayLike, count: int | None) -> Float64Array:
    """Frozen finite (count, 3), or (n, 3) of at least one row."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or (count is None and len(array) == 0):
        raise InvalidGeometry(f"A surface needs points (n, 3), found shape {array.shape}.")
    return frozen_array(array, (len(array) if count is None else count, 3))


def _normals(normals: ArrayLike | None, count: int) -> Float64Array | None:
    """Frozen unit normals (count, 3); raises InvalidGeometry where one is none."""
    if normals is None:
        return None
    found = _rows(normals, count)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if np.abs(lengths - 1.0).max() > UNIT_TOLERANCE:
        raise InvalidGeometry(
            f"Normals must be unit vectors; one has length {lengths.flat[np.abs(lengths - 1).argmax()]}."
        )
    return frozen_array(found / lengths, (count, 3))


def _moved(
    frame: Frame, points_mm: Float64Array, normals: Float64Array | None, new_from_old: RigidTransform
) -> tuple[Float64Array, Float64Array | None]:
    """Points and normals through a transform that starts at `frame`."""
    require_same_frame(frame, new_from_old.from_frame, "Moving a surface")
    return new_from_old.points(points_mm), None if normals is None else new_from_old.vectors(normals)
