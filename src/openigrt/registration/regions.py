"""Regions of a match, in plan space: bone, soft tissue, patient, contours, markers.

Only voxels inside the body outline belong to any region: couch top, mask, frames and fixation never count.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InputError, MatchImpossible
from openigrt.geometry import Float64Array, Grid, RigidTransform, resample
from openigrt.images import Mask
from openigrt.registration.planned_markers import PlannedMarkers
from openigrt.registration.working_volume import Voxels, WorkingVolume

Flags = NDArray[np.bool_]

BODY_ABOVE_HU = -350.0
BONE_ABOVE_HU = 250.0
COARSE_BONE_ABOVE_HU = 200.0
SOFT_TISSUE_HU = (-150.0, 150.0)
BONE_MARGIN_MM = 4.0
OPENING_MM = 8.0
SMALLEST_BONE_MM3 = 500.0


class RegionKind(StrEnum):
    """What a region is made of."""

    BONE = "bone"
    SOFT = "soft"
    PATIENT = "patient"
    CONTOURS = "contours"
    MARKERS = "markers"


@dataclass(frozen=True, eq=False)
class Region:
    """A named part of the planning image that a match looks at.

    `mask` (on the grid of the planning image) and `margin_mm` belong to contours; `focus_mm` and `reach_mm` keep the
    region within a ball round a point of the plan. `markers` are matched as points (`match_markers`); as a region of
    voxels they are balls of `margin_mm` round each.
    """

    name: str
    kind: RegionKind
    mask: Mask | None = None
    margin_mm: float = 0.0
    focus_mm: Float64Array | None = None
    reach_mm: float = np.inf
    markers: PlannedMarkers | None = None


def body_outline(voxels: Voxels, spacing_mm: float) -> Flags:
    """The body in a coarse CT (HU): the largest solid part above -350 HU, thin sheets opened away, holes filled."""
    solid = voxels > BODY_ABOVE_HU
    steps = max(round(OPENING_MM / spacing_mm), 1)
    return _largest_filled(_opened(solid, steps))


def body_outline_of_any(voxels: Voxels, spacing_mm: float) -> Flags:
    """The body in a coarse image of any gray values: the largest bright part by Otsu's threshold on the square root."""
    low, high = np.percentile(voxels, [1.0, 99.0])
    require_contrast(float(low), float(high))
    root = np.sqrt(np.maximum(voxels - low, 0.0))
    solid = root > 0.5 * otsu_threshold(root)
    return _largest_filled(_opened(solid, max(round(OPENING_MM / spacing_mm), 1)))


def require_contrast(low: float, high: float) -> None:
    """Raise MatchImpossible where the lowest and the highest value of the planning image are one but for rounding."""
    if high - low <= 1e-5 * max(abs(low), abs(high), 1e-6):
        raise MatchImpossible("The planning image is constant or holds no finite voxel; check the export.")


def otsu_threshold(values: Voxels) -> float:
    """The threshold that parts values into two classes of least variance (Otsu 1979), from 128 bins."""
    counts, edges = np.histogram(values, bins=128)
    centers = 0.5 * (edges[1:] + edges[:-1])
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centers)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(centers[int(np.nanargmax(between))])


def _opened(solid: Flags, steps: int) -> Flags:
    """Opening by `steps` voxels: thin sheets (couch tops, masks, frames) and what hangs on them go."""
    padded = np.pad(solid, steps, mode="edge")
    inside = (slice(steps, -steps),) * 3
    return np.asarray(ndimage.binary_opening(padded, iterations=steps)[inside])


def _largest_filled(solid: Flags) -> Flags:
    """The largest connected part, with holes filled slice by slice (gas and lung belong to the body)."""
    labels, count = ndimage.label(solid)
    if count == 0:
        raise MatchImpossible(
            "No body was found in the planning image: nothing solid is left of it; check its gray values."
        )
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = labels == sizes.argmax()
    return np.stack([ndimage.binary_fill_holes(layer) for layer in largest])


def bone_flags(voxels: Voxels, body: Flags, spacing_mm: float) -> Flags:
    """Bone with a margin of 4 mm, so that its edges are inside; specks under 500 mm3 are left out."""
    bone = (voxels > (BONE_ABOVE_HU if spacing_mm < 3.0 else COARSE_BONE_ABOVE_HU)) & body
    labels, count = ndimage.label(bone)
    if count:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        bone = (sizes * spacing_mm**3 >= SMALLEST_BONE_MM3)[labels]
    return grown(bone, BONE_MARGIN_MM, spacing_mm) & body


def soft_flags(voxels: Voxels, body: Flags, spacing_mm: float) -> Flags:
    """Soft tissue away from bone: -150 to 150 HU, 4 mm or more from the margin of bone."""
    low, high = SOFT_TISSUE_HU
    tissue = grown((voxels > low) & (voxels < high) & body, spacing_mm, spacing_mm)
    near_bone = grown(bone_flags(voxels, body, spacing_mm), BONE_MARGIN_MM, spacing_mm)
    return tissue & body & ~near_bone


def grown(flags: Flags, margin_mm: float, spacing_mm: float) -> Flags:
    """Flags grown by a margin, in steps of one voxel."""
    steps = round(margin_mm / spacing_mm)
    return np.asarray(ndimage.binary_dilation(flags, iterations=steps)) if steps > 0 else flags


def region_flags(region: Region, volume: WorkingVolume, body: Flags) -> Flags:
    """Voxels of a working volume that belong to a region."""
    h = volume.spacing_mm
    match region.kind:
        case RegionKind.BONE:
            flags = bone_flags(volume.voxels, body, h)
        case RegionKind.SOFT:
            flags = soft_flags(volume.voxels, body, h)
        case RegionKind.PATIENT:
            flags = body
        case RegionKind.CONTOURS:
            flags = _contour_flags(region, volume) & body
        case RegionKind.MARKERS:
            flags = _marker_flags(region, volume.grid) & body
    if not np.isfinite(region.reach_mm):
        return flags
    focus_mm = np.zeros(3) if region.focus_mm is None else region.focus_mm
    return flags & _near(focus_mm, region.reach_mm, volume.grid)


def _contour_flags(region: Region, volume: WorkingVolume) -> Flags:
    """The mask of a region on a working volume, with its margin."""
    if region.mask is None:
        raise InputError(f"Region {region.name} is made of contours but has no mask; give it one on the planning grid.")
    same = RigidTransform.identity(region.mask.frame, volume.grid.frame)
    inside = resample(region.mask.voxels.astype(np.float32), region.mask.grid, volume.grid, same)
    return grown(np.nan_to_num(inside, nan=0.0) > 0.5, region.margin_mm, volume.spacing_mm)


def _marker_flags(region: Region, grid: Grid) -> Flags:
    """Balls round the markers of a region."""
    if region.markers is None:
        raise InputError(f"Region {region.name} is made of markers but has none; give it those of the plan.")
    balls = [_near(point, region.margin_mm, grid) for point in region.markers.points_mm]
    return np.asarray(np.logical_or.reduce(balls))


def _near(focus_mm: Float64Array, reach_mm: float, grid: Grid) -> Flags:
    """Voxels within reach of a point."""
    offset = grid.indices(focus_mm) * grid.spacing_mm
    axes = [grid.spacing_mm[a] * np.arange(grid.size[a]) - offset[a] for a in range(3)]
    squared = axes[2][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[0][None, None, :] ** 2
    return np.asarray(squared <= reach_mm**2)
