"""RTK's geometry of a circular scan (ThreeDCircularProjectionGeometry, versions 2 and 3) to and from trajectories.

S. Rit et al., J. Phys. Conf. Ser. 489 (2014) 012079, and the page "3D circular projection geometry" of RTK's
documentation: nine parameters for each projection. The detector's system is the fixed one of IEC 61217, turned by
Rz(-in plane) Rx(-out of plane) Ry(-gantry). In it the source stands at (source offsets, source-isocenter distance) and
the point (0, 0) of the projection at (projection offsets, source-isocenter less source-detector distance). Where pixels
lie about that point is said by the stack of projections, as ITK has it: origin, spacing, direction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InconsistentInput, InvalidGeometry, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.files.xml_reading import XmlElement, number_of, read_xml
from openigrt.geometry import (
    Float64Array,
    Frame,
    Trajectory,
    frozen_array,
    require_same_frame,
    rotation_x,
    rotation_y,
    rotation_z,
)

ROOT = "RTKThreeDCircularGeometry"
VERSIONS = ("2", "3")
MOST_PROJECTIONS = 100_000
FULL_TURN_DEG = 360.0
POLE = 1e-12
MATRIX_TOLERANCE = 1e-3
IN_PLANE_TOLERANCE = 1e-6

_TAGS = {
    "GantryAngle": "gantry_angles_deg",
    "OutOfPlaneAngle": "out_of_plane_angles_deg",
    "InPlaneAngle": "in_plane_angles_deg",
    "SourceOffsetX": "source_offsets_x_mm",
    "SourceOffsetY": "source_offsets_y_mm",
    "ProjectionOffsetX": "projection_offsets_x_mm",
    "ProjectionOffsetY": "projection_offsets_y_mm",
    "SourceToIsocenterDistance": "source_isocenter_distances_mm",
    "SourceToDetectorDistance": "source_detector_distances_mm",
}
_OLD_TAGS = {"Angle": "GantryAngle"}
_COLLIMATION = ("CollimationUInf", "CollimationUSup", "CollimationVInf", "CollimationVSup")
_CYLINDER = "RadiusCylindricalDetector"
_NEEDED = ("GantryAngle", "SourceToIsocenterDistance", "SourceToDetectorDistance")
_AT_ZERO = {name: 0.0 for name in _TAGS if name not in _NEEDED}

Messages = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RtkGeometry:
    """The nine parameters of n projections, each (n,), in mm and degrees, under RTK's names.

    The gantry angle is that of the source which made the projection, IEC 61217.
    """

    gantry_angles_deg: Float64Array
    out_of_plane_angles_deg: Float64Array
    in_plane_angles_deg: Float64Array
    source_offsets_x_mm: Float64Array
    source_offsets_y_mm: Float64Array
    projection_offsets_x_mm: Float64Array
    projection_offsets_y_mm: Float64Array
    source_isocenter_distances_mm: Float64Array
    source_detector_distances_mm: Float64Array

    def __post_init__(self) -> None:
        """Copy and freeze; raises InvalidGeometry where the parameters differ in number."""
        count = np.size(self.gantry_angles_deg)
        for name in (field.name for field in fields(self)):
            object.__setattr__(self, name, frozen_array(getattr(self, name), (count,)))

    def __len__(self) -> int:
        """How many projections."""
        return len(self.gantry_angles_deg)

    def fixed_from_detector(self) -> Float64Array:
        """Rotations (n, 3, 3) from the detector's system: their columns are its axes in the fixed system."""
        angles = zip(self.gantry_angles_deg, self.out_of_plane_angles_deg, self.in_plane_angles_deg, strict=True)
        turns = [rotation_y(gantry) @ rotation_x(out) @ rotation_z(within) for gantry, out, within in angles]
        return np.array(turns).reshape(-1, 3, 3)

    def matrices(self) -> Float64Array:
        """RTK's projection matrices (n, 3, 4): homogeneous fixed mm to homogeneous mm on the projection."""
        from_x, from_y = self.source_offsets_x_mm, self.source_offsets_y_mm
        to_x, to_y = self.projection_offsets_x_mm, self.projection_offsets_y_mm
        found = np.zeros((len(self), 3, 4))
        for n, turn in enumerate(self.fixed_from_detector()):
            distance, beyond = self.source_isocenter_distances_mm[n], self.source_detector_distances_mm[n]
            in_detector = np.hstack([turn.T, -np.array([[from_x[n]], [from_y[n]], [distance]])])
            enlarge = np.diag([-beyond, -beyond, 1.0])
            enlarge[:2, 2] = from_x[n] - to_x[n], from_y[n] - to_y[n]
            found[n] = enlarge @ in_detector
        return found


@dataclass(frozen=True, eq=False)
class ProjectionLattice:
    """Where the pixels of a stack lie in the plane of its projections, as ITK has it.

    `origin_mm` (2,) is the centre of the first pixel, `spacing_mm` (2,) between columns and between rows, `size`
    (columns, rows); the columns of `direction` (2, 2) are the directions of a row and of a column.
    """

    origin_mm: Float64Array
    spacing_mm: Float64Array
    size: tuple[int, int]
    direction: Float64Array

    def __post_init__(self) -> None:
        """Copy, check and freeze; raises InvalidGeometry."""
        object.__setattr__(self, "origin_mm", frozen_array(self.origin_mm, (2,)))
        object.__setattr__(self, "spacing_mm", frozen_array(self.spacing_mm, (2,)))
        object.__setattr__(self, "direction", frozen_array(self.direction, (2, 2)))
        if np.abs(self.direction.T @ self.direction - np.eye(2)).max() > IN_PLANE_TOLERANCE:
            raise InvalidGeometry("Rows and columns of a stack of projections must be at right angles in its plane.")

    @classmethod
    def centred(cls, spacing_mm: ArrayLike, size: tuple[int, int]) -> "ProjectionLattice":
        """Pixels about the point (0, 0) of the projection."""
        spacing = np.asarray(spacing_mm, dtype=np.float64)
        return cls(-0.5 * (np.array(size) - 1) * spacing, spacing, size, np.eye(2))


def trajectory_of(geometry: RtkGeometry, lattice: ProjectionLattice) -> Trajectory:
    """Sources and detectors in the room; raises InvalidGeometry for a source in the plane of its detector."""
    turns = geometry.fixed_from_detector()
    distances_mm = geometry.source_isocenter_distances_mm
    sources = np.stack([geometry.source_offsets_x_mm, geometry.source_offsets_y_mm, distances_mm], axis=1)
    first = np.stack(
        [
            geometry.projection_offsets_x_mm + lattice.origin_mm[0],
            geometry.projection_offsets_y_mm + lattice.origin_mm[1],
            distances_mm - geometry.source_detector_distances_mm,
        ],
        axis=1,
    )
    return Trajectory(
        Frame.FIXED,
        np.einsum("nij,nj->ni", turns, sources),
        np.einsum("nij,nj->ni", turns, first),
        turns[:, :, :2] @ lattice.direction[:, 0],
        turns[:, :, :2] @ lattice.direction[:, 1],
        lattice.spacing_mm,
        lattice.size,
    )


def rtk_geometry_of(trajectory: Trajectory) -> tuple[RtkGeometry, ProjectionLattice]:
    """The nine parameters of each projection, and the centred lattice that their stack must be written on.

    Any source and flat detector has them. Raises UnsupportedInput for a detector whose columns, seen from the source,
    turn the other way from its rows than RTK's: `with_rows_reversed` makes it one that can be said.
    """
    require_same_frame(trajectory.frame, Frame.FIXED, "RTK's geometry")
    across = np.cross(trajectory.row_directions, trajectory.column_directions)
    turns = np.stack([trajectory.row_directions, trajectory.column_directions, across], axis=2)
    sources = np.einsum("nji,nj->ni", turns, trajectory.sources_mm)
    first = np.einsum("nji,nj->ni", turns, trajectory.first_pixels_mm)
    beyond_mm = sources[:, 2] - first[:, 2]
    if (beyond_mm <= 0.0).any():
        raise UnsupportedInput(
            "RTK's geometry has rows along +x and columns along +y of a detector that faces the source, and this one "
            "is the other way round: reverse the rows of trajectory (geometry.with_rows_reversed) and pixels first."
        )
    lattice = ProjectionLattice.centred(trajectory.spacing_mm, trajectory.size)
    gantry, out, within = _angles_deg(turns)
    return RtkGeometry(
        gantry_angles_deg=gantry,
        out_of_plane_angles_deg=out,
        in_plane_angles_deg=within,
        source_offsets_x_mm=sources[:, 0],
        source_offsets_y_mm=sources[:, 1],
        projection_offsets_x_mm=first[:, 0] - lattice.origin_mm[0],
        projection_offsets_y_mm=first[:, 1] - lattice.origin_mm[1],
        source_isocenter_distances_mm=sources[:, 2],
        source_detector_distances_mm=beyond_mm,
    ), lattice


def _angles_deg(turns: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Gantry, out-of-plane and in-plane angles (n,) of rotations Ry Rx Rz; straight along y the last is zero."""
    level = np.hypot(turns[:, 1, 0], turns[:, 1, 1])
    is_pole = level < POLE
    gantry = np.where(is_pole, np.arctan2(-turns[:, 2, 0], turns[:, 0, 0]), np.arctan2(turns[:, 0, 2], turns[:, 2, 2]))
    within = np.where(is_pole, 0.0, np.arctan2(turns[:, 1, 0], turns[:, 1, 1]))
    out = np.arctan2(-turns[:, 1, 2], level)
    return np.rad2deg(gantry) % FULL_TURN_DEG, np.rad2deg(out), np.rad2deg(within)


# -------------------------------------------------------------------------------- the file


def read_rtk_geometry(path: Path) -> tuple[RtkGeometry, Messages]:
    """The geometry of a file, and what of it was left aside.

    Raises UnreadableFile for what is damaged or no such file, UnsupportedInput for other versions, cylindrical
    detectors and parallel beams, MissingInput for a projection without angle or distances, InconsistentInput where
    parameters and matrix of a projection differ.
    """
    root = read_xml(path)
    try:
        return _parsed(root)
    except (UnreadableFile, UnsupportedInput, MissingInput, InconsistentInput, InvalidGeometry) as error:
        raise type(error)(f"{path}: {error.sentence}", **error.facts) from None


def is_rtk_geometry(root: XmlElement) -> bool:
    """Whether this is the root of such a file."""
    return root.name == ROOT


def _parsed(root: XmlElement) -> tuple[RtkGeometry, Messages]:
    """The geometry under a root element."""
    version = root.attributes.get("version", "not stated")
    if not is_rtk_geometry(root) or version not in VERSIONS:
        raise UnsupportedInput(
            f"<{root.name[:40]}> version {version[:20]} is no geometry of RTK that is read; expected <{ROOT}> version "
            f"{' or '.join(VERSIONS)}."
        )
    shared: dict[str, float] = dict(_AT_ZERO)
    rows: list[dict[str, float]] = []
    stated: list[Float64Array | None] = []
    aside: set[str] = set()
    for element in root.children:
        if element.name != "Projection":
            _take(element, shared, aside)
            continue
        own: dict[str, float] = {}
        for inner in element.children:
            _take(inner, own, aside)
        rows.append(shared | own)
        stated.append(_matrix(element))
    _require_whole(rows)
    columns: Mapping[str, list[float]] = {name: [row[tag] for row in rows] for tag, name in _TAGS.items()}
    geometry = RtkGeometry(**{name: np.array(values) for name, values in columns.items()})
    _require_beam(geometry)
    _require_same_matrices(geometry, stated)
    messages = (f"Left aside from the geometry: {', '.join(sorted(aside))}.",) if aside else ()
    return geometry, messages


def _take(element: XmlElement, into: dict[str, float], aside: set[str]) -> None:
    """One parameter; what has no meaning for a trajectory is named."""
    name = _OLD_TAGS.get(element.name, element.name)
    if name in _TAGS:
        into[name] = number_of(element.text.strip(), name)
    elif name == _CYLINDER:
        if number_of(element.text.strip(), name) != 0.0:
            raise UnsupportedInput("its detector is a cylinder (RadiusCylindricalDetector); flat ones alone are read.")
    elif name in _COLLIMATION:
        aside.add(name)
    elif name != "Matrix":
        aside.add(f"<{name[:40]}>")


def _matrix(projection: XmlElement) -> Float64Array | None:
    """The matrix that a projection states, None where it does not."""
    words = (projection.word("Matrix") or "").split()
    if not words:
        return None
    if len(words) != 12:
        raise UnreadableFile(f"a Matrix holds {len(words)} numbers; expected 12.")
    return np.array([_entry(word) for word in words]).reshape(3, 4)


def _entry(word: str) -> float:
    """A number of a matrix, in which products of lengths stand."""
    try:
        value = float(word)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise UnreadableFile(f"a Matrix holds {word[:40]!r}; expected a number.")
    return value


def _require_whole(rows: list[dict[str, float]]) -> None:
    """Raise where there is no projection, too many, or one that lacks an angle or a distance."""
    if not rows or len(rows) > MOST_PROJECTIONS:
        raise UnreadableFile(f"it holds {len(rows)} projections; expected 1 to {MOST_PROJECTIONS}.")
    for number, row in enumerate(rows, start=1):
        lacking = [name for name in _NEEDED if name not in row]
        if lacking:
            raise MissingInput(f"projection {number} lacks {', '.join(lacking)}.", number=number)


def _require_beam(geometry: RtkGeometry) -> None:
    """Raise UnsupportedInput for parallel beams, and for detectors behind their source."""
    if (geometry.source_detector_distances_mm == 0.0).any():
        raise UnsupportedInput("its beam is parallel (SourceToDetectorDistance 0); cone beams alone are read.")
    if (geometry.source_detector_distances_mm < 0.0).any():
        raise UnsupportedInput("a SourceToDetectorDistance is below zero; expected the distance along the beam.")


def _require_same_matrices(geometry: RtkGeometry, stated: list[Float64Array | None]) -> None:
    """Raise InconsistentInput where a stated matrix is not that of the parameters, within RTK's own tolerance."""
    for number, (found, own) in enumerate(zip(stated, geometry.matrices(), strict=True), start=1):
        if found is not None and np.abs(found - own).max() > MATRIX_TOLERANCE:
            raise InconsistentInput(
                f"parameters and Matrix of projection {number} differ by {np.abs(found - own).max():.3g}; which of "
                "them holds is not known.",
                number=number,
            )


def write_rtk_geometry(trajectory: Trajectory, path: Path) -> ProjectionLattice:
    """Write the geometry, version 3; the lattice that the stack of its projections must be written on.

    Raises UnsupportedInput as `rtk_geometry_of`.
    """
    geometry, lattice = rtk_geometry_of(trajectory)
    lines = ['<?xml version="1.0"?>', "<!DOCTYPE RTKGEOMETRY>", f'<{ROOT} version="3">']
    columns = {tag: getattr(geometry, name) for tag, name in _TAGS.items()}
    for n, matrix in enumerate(geometry.matrices()):
        lines.append("  <Projection>")
        lines += [f"    <{tag}>{float(values[n])!r}</{tag}>" for tag, values in columns.items()]
        lines.append("    <Matrix>")
        lines += ["      " + " ".join(repr(float(value)) for value in row) for row in matrix]
        lines += ["    </Matrix>", "  </Projection>"]
    unfinished = path.with_name(f".part-{path.name}")
    try:
        unfinished.write_text("\n".join([*lines, f"</{ROOT}>", ""]), encoding="ascii")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return lattice
