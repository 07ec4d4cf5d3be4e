"""Tissue of a real patient: the HU of a planning CT at rest, and the outlines of what was contoured on it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InconsistentInput, UnsupportedInput
from openigrt.geometry import Float64Array, Frame, Grid
from openigrt.images import Image, Modality
from openigrt.patient import (
    Between,
    ContourKind,
    Filling,
    Structure,
    StructureRole,
    StructureSet,
    occupancy_from_structure,
)
from openigrt.virtual.tissue._kernels_scan_cpu import AIR_HU, OUTLINE_SLACK_MM, paint_scan, set_way_back
from openigrt.virtual.tissue.backdrop import Outline, View
from openigrt.virtual.tissue.distance_field import DistanceField, distance_field
from openigrt.virtual.tissue.move_table import MoveTable
from openigrt.virtual.tissue.rendering import SCANNER_BLUR_MM
from openigrt.virtual.tissue.scanned_body import Sampled, body_in, bone_in, pooled, without_surroundings

BODY, BONE = "BODY", "BONE (HU)"

NODES_MM = 5.0  # between the nodes of the way back to rest
LARGEST_STEPS = 8
LEAST_BLUR = 0.3  # of a voxel: less is not worth a pass
FINEST_MM, COARSEST_MM, SAMPLES_ALONG = 1.0, 3.0, 80.0
ROUND_ORGAN_MM, ROUND_BODY_MM, ROUND_BONE_MM = 10.0, 45.0, 24.0
BONE_GOES_ON_MM = 60.0  # beyond the scan, where it ends: what it holds must not be let go at once
BODY_SAMPLE_MM, BONE_SAMPLE_MM = 3.0, 2.0
LARGEST_HU = 3071.0
LEAST_SLICES, LEAST_LENGTH_MM, LEAST_WIDTH_MM = 16, 60.0, 80.0
STRAIGHT = 1e-4

Voxels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ContouredOutline:
    """The surface of a structure that was contoured in `frame`, in axes from `origin_mm` (3,) of it on.

    Tissue is known between the levels `ends_mm` (2,) of these axes; `slice_mm` is the thickness of what was drawn on
    one slice. Between slices one contour turns into the next.
    """

    structure: Structure
    frame: Frame
    origin_mm: Float64Array
    ends_mm: Float64Array
    slice_mm: float

    @cached_property
    def field(self) -> DistanceField:
        """Its distances, from exact parts of samples."""
        points = np.vstack([c.points_mm for c in self.structure.contours if c.kind is ContourKind.CLOSED_PLANAR])
        points = points - self.origin_mm
        low, high = points.min(axis=0) - ROUND_ORGAN_MM, points.max(axis=0) + ROUND_ORGAN_MM
        low[2], high[2] = np.clip((low[2], high[2]), *self.ends_mm)
        spacing_mm = float(np.clip((high - low).max() / SAMPLES_ALONG, FINEST_MM, COARSEST_MM))
        i, j, k = (max(int(np.ceil(n)) + 1, 2) for n in (high - low) / spacing_mm)
        lattice = Grid(self.frame, low + self.origin_mm, np.full(3, spacing_mm), np.eye(3), (i, j, k))
        filling = Filling(Between.SHAPES, slice_mm=self.slice_mm)
        occupancy = occupancy_from_structure(self.structure, self.frame, lattice, filling)
        fractions = np.zeros(lattice.shape, np.float32)
        fractions[occupancy.window] = occupancy.fractions
        return distance_field(fractions, low, lattice.spacing_mm, self.ends_mm)

    def signed_distance_mm(self, points_mm: Float64Array) -> Float64Array:
        """Distances (n,) of points (n, 3), negative inside."""
        return self.field.signed_distance_mm(points_mm)

    @property
    def bounds_mm(self) -> Float64Array:
        """Box (2, 3) that holds it."""
        return self.field.bounds_mm


@dataclass(frozen=True, eq=False)
class ScannedTissue:
    """HU `voxels` [k, j, i] of a CT at rest, without couch; `index_from_point` (3, 4) from a patient's own axes.

    What lies beyond the first and last slice is as on them; beside the slices is air. `outlines` are by name: BODY,
    `BONE (HU)` where there is bone, and the structures.
    """

    voxels: Voxels
    index_from_point: Float64Array
    spacing_mm: Float64Array
    body: DistanceField
    outlines: Mapping[str, Outline] = field(default_factory=dict)

    def painted(self, view: View, moves: MoveTable) -> Voxels:
        """HU [k, j, i] that a view shows, moved: one trilinear interpolation of the CT for each voxel.

        Where a voxel of the view, or its blur, is wider than one of the CT, the CT is smoothed first by what it lacks.
        """
        columns_mm = np.linalg.norm(view.point_from_index[:, :3], axis=0)
        steps = np.clip(np.floor(NODES_MM / columns_mm), 1, LARGEST_STEPS).astype(np.int64)
        cells = -(-np.array(view.shape[::-1]) // steps)
        half_cell_mm = 0.5 * float(np.linalg.norm(steps * columns_mm))
        far_mm = view.farthest_mm + half_cell_mm + OUTLINE_SLACK_MM
        way = np.empty((*(cells[::-1] + 1), 3))
        body = self.body.samples, self.body.origin_mm, self.body.spacing_mm, self.body.ends_mm
        set_way_back(moves, *body, view.point_from_index, steps, far_mm + 1.1 * half_cell_mm, way)
        voxels = np.empty(view.shape, dtype=np.float32)
        scan = _smoothed(self, self._lacking(view))
        m = view.point_from_index
        paint_scan(scan, self.index_from_point, moves, *body, m, steps, far_mm, way, voxels)
        return voxels

    def _lacking(self, view: View) -> tuple[float, float, float]:
        """Blur along z, y, x of the CT, in its voxels to 0.01, that a view has and the CT has not; 0 for little."""
        seen = (view.point_from_index[:, :3] ** 2).sum(axis=1) / 12.0 + view.blur_mm**2
        own = self.spacing_mm**2 / 12.0 + SCANNER_BLUR_MM**2
        deviations = np.sqrt(np.maximum(seen - own, 0.0)) / self.spacing_mm
        x, y, z = (round(float(d), 2) if d > LEAST_BLUR else 0.0 for d in deviations)
        return z, y, x


@lru_cache(maxsize=2)
def _smoothed(tissue: ScannedTissue, deviations: tuple[float, float, float]) -> Voxels:
    """The voxels of a CT, blurred along its axes by so many voxels."""
    if not any(deviations):
        return tissue.voxels
    return np.asarray(ndimage.gaussian_filter(tissue.voxels, deviations, mode="nearest", truncate=3.0))


def scanned_tissue(
    image: Image, structure_set: StructureSet, origin_mm: Float64Array, soft: Collection[str] = ()
) -> ScannedTissue:
    """The tissue that a planning CT and its structures show, in axes from `origin_mm` (3,) of their frame on.

    What lies outside the body (couch, mask, air) becomes air; the body is the EXTERNAL structure, or what the HU show
    where none is drawn. Bone is what has the HU of it inside the body and outside the structures named `soft`.
    Raises InconsistentInput for structures of another frame; UnsupportedInput for an image that is no CT, is tilted, or
    is too small.
    """
    if structure_set.frame != image.frame:
        raise InconsistentInput(
            f"The structures are drawn in {structure_set.frame}, the planning CT is in {image.frame}; give the "
            "structure set of this CT."
        )
    image = _straight(image)
    inside = body_in(image, external_of(structure_set))
    first, last = np.flatnonzero(inside.any(axis=(1, 2)))[[0, -1]]
    image, inside = _part(image, int(first), int(last) + 1), inside[first : last + 1]
    _require_size(image)
    levels_mm = image.grid.points(((0, 0, 0), (0, 0, image.grid.size[2] - 1)))[:, 2] - origin_mm[2]
    drawn = [s for s in structure_set.structures if encloses(s) and s.role is not StructureRole.EXTERNAL]
    slice_mm = float(image.grid.spacing_mm[2])
    outlines: dict[str, Outline] = {
        s.name: ContouredOutline(s, image.frame, origin_mm, levels_mm, slice_mm) for s in drawn
    }
    body = _field(pooled(inside, image.grid, BODY_SAMPLE_MM), origin_mm, levels_mm, ROUND_BODY_MM)
    outlines[BODY] = body
    bone = bone_in(
        pooled(image.voxels, image.grid, BONE_SAMPLE_MM),
        pooled(inside, image.grid, BONE_SAMPLE_MM),
        [s for s in drawn if s.name in soft],
    )
    if bone is not None:
        bone = _continued(bone)
        bone_levels_mm = bone.grid.points(((0, 0, 0), (0, 0, bone.grid.size[2] - 1)))[:, 2] - origin_mm[2]
        outlines[BONE] = _field(bone, origin_mm, bone_levels_mm, ROUND_BONE_MM)
    matrix, offset = image.grid.index_from_point()
    voxels = without_surroundings(image.voxels, inside, float(image.grid.spacing_mm[:2].min()))
    voxels.setflags(write=False)
    return ScannedTissue(
        voxels, np.column_stack([matrix, matrix @ origin_mm + offset]), image.grid.spacing_mm, body, outlines
    )


def external_of(structure_set: StructureSet) -> Structure | None:
    """The structure that is the patient's outline: by its role, else by the name BODY, EXTERNAL or SKIN."""
    drawn = [s for s in structure_set.structures if encloses(s)]
    by_role = [s for s in drawn if s.role is StructureRole.EXTERNAL]
    by_name = [s for s in drawn if s.drawn_name.strip().upper() in ("BODY", "EXTERNAL", "SKIN")]
    return next(iter((*by_role, *by_name)), None)


def encloses(structure: Structure) -> bool:
    """Whether a structure has a closed contour of at least three points."""
    return any(c.kind is ContourKind.CLOSED_PLANAR and len(c.points_mm) >= 3 for c in structure.contours)


def _straight(image: Image) -> Image:
    """A CT with its axes along left, back and head, no voxel resampled; NaN is air, and HU have the range of a CT.

    Raises UnsupportedInput for another modality, and for slices that are not across the patient.
    """
    if image.modality is not Modality.CT:
        raise UnsupportedInput(
            f"A virtual patient is made of a planning CT; found an image of modality {image.modality}.",
            modality=str(image.modality),
        )
    axial = image.axial()
    askew = np.abs(np.abs(axial.grid.direction) - np.eye(3)).max()
    if askew > STRAIGHT:
        angle_deg = float(np.rad2deg(np.arccos(min(np.abs(np.diag(axial.grid.direction)).min(), 1.0))))
        raise UnsupportedInput(
            f"The axes of the planning CT are {angle_deg:.2f} degrees off those of the patient (gantry tilt, or an "
            "oblique reconstruction); give one whose slices lie straight across.",
            angle_deg=angle_deg,
        )
    backward = [bool(axial.grid.direction[axis, axis] < 0.0) for axis in range(3)]
    last = tuple(n - 1 if flip else 0 for n, flip in zip(axial.grid.size, backward, strict=True))
    origin_mm = axial.grid.points(last)
    voxels = axial.voxels[tuple(slice(None, None, -1 if flip else 1) for flip in backward[::-1])]
    grid = Grid(axial.frame, origin_mm, axial.grid.spacing_mm, np.eye(3), axial.grid.size)
    hu = np.clip(np.nan_to_num(voxels, nan=AIR_HU), AIR_HU, LARGEST_HU)
    return replace(axial, voxels=hu, grid=grid)


def _part(image: Image, first: int, stop: int) -> Image:
    """The slices from one to before another."""
    i, j, _ = image.grid.size
    return replace(image, voxels=image.voxels[first:stop], grid=image.grid.part((0, 0, first), (i, j, stop - first)))


def _require_size(image: Image) -> None:
    """Raise UnsupportedInput for a CT that shows too little of a patient."""
    x_mm, y_mm, z_mm = image.grid.spacing_mm * image.grid.size
    slices = image.grid.size[2]
    if slices < LEAST_SLICES or z_mm < LEAST_LENGTH_MM or min(x_mm, y_mm) < LEAST_WIDTH_MM:
        raise UnsupportedInput(
            f"The planning CT shows {x_mm:.0f} x {y_mm:.0f} x {z_mm:.0f} mm of the patient in {slices} "
            f"slice{'s' if slices != 1 else ''}; a virtual patient needs {LEAST_WIDTH_MM:.0f} x {LEAST_WIDTH_MM:.0f} x "
            f"{LEAST_LENGTH_MM:.0f} mm in {LEAST_SLICES} slices or more.",
            slices=slices,
        )


def _continued(bone: Sampled) -> Sampled:
    """Bone that goes on beyond the first and last slice as it is on them, and comes to an end."""
    values, grid = bone
    more, none = (int(np.ceil(mm / grid.spacing_mm[2])) for mm in (BONE_GOES_ON_MM, ROUND_BONE_MM))
    longer = np.pad(np.pad(values, ((more, more), (0, 0), (0, 0)), mode="edge"), ((none, none), (0, 0), (0, 0)))
    i, j, k = grid.size
    return Sampled(longer, grid.part((0, 0, -more - none), (i, j, k + 2 * (more + none))))


def _field(sampled: Sampled, origin_mm: Float64Array, ends_mm: Float64Array, round_mm: float) -> DistanceField:
    """Distances to what fills more than half of a sample, as far as `round_mm` round it; nothing ends with the scan."""
    values, grid = sampled
    margin = np.ceil(round_mm / grid.spacing_mm[:2]).astype(int)
    filled = np.argwhere((values > 0.5).any(axis=0))
    low, high = filled.min(axis=0)[::-1] - margin, filled.max(axis=0)[::-1] + margin + 1
    before, after = np.maximum(-low, 0), np.maximum(high - grid.size[:2], 0)
    low, high = np.maximum(low, 0), np.minimum(high, grid.size[:2])
    part = values[:, low[1] : high[1], low[0] : high[0]]
    fractions = np.pad(part, ((0, 0), (before[1], after[1]), (before[0], after[0])))
    first_mm = grid.points((*(low - before), 0)) - origin_mm
    return distance_field(fractions, first_mm, grid.spacing_mm, ends_mm)
