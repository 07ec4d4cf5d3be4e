"""The two sides of a match at each level: planning and daily volume, normalised under one joint mask."""

from dataclasses import dataclass

import numpy as np

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Grid, RigidTransform, resample
from openigrt.images import Image, Mask, Modality
from openigrt.registration.field_of_view import Polytope, field_of_view
from openigrt.registration.metrics import Metric
from openigrt.registration.normalisation import local_normalisation
from openigrt.registration.refinement import DailySide
from openigrt.registration.regions import (
    Flags,
    Region,
    body_outline,
    body_outline_of_any,
    region_flags,
    require_contrast,
)
from openigrt.registration.working_volume import IndexBox, Voxels, WorkingVolume, averaged

OUTLINE_SPACING_MM = 4.0
EDGE_MM = 10.0
AIR_HU = -1000.0
WHOLE = 0.999


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution: lattice, window of the normalisation, gray noise in HU, points of a template, last step."""

    spacing_mm: float
    window_mm: float
    noise_hu: float
    points: int
    tolerance_mm: float


COARSE = Level(8.0, 15.0, 100.0, 1536, 0.2)
MIDDLE = Level(4.0, 12.0, 50.0, 8192, 0.05)
FINE = Level(2.0, 8.0, 40.0, 40960, 0.004)


@dataclass(frozen=True, eq=False)
class PlanSide:
    """The planning image at one level: volume (weight: inside the body), normalised voxels and body flags."""

    volume: WorkingVolume
    normalised: Voxels
    body: Flags


@dataclass(frozen=True, eq=False)
class PlanSource:
    """The planning image in axial slices, and its average to 4 mm with the body outline as weight."""

    image: Image
    volume_4mm: WorkingVolume


@dataclass(frozen=True, eq=False)
class Sources:
    """What every level is made from: both images, the body outline at 4 mm, the daily field of view."""

    planning_image: Image
    daily_image: Image
    plan_4mm: WorkingVolume
    daily_4mm: WorkingVolume
    field_of_view: Polytope


def prepare(planning_image: Image, daily_image: Image, body_mask: Mask | None) -> Sources:
    """Average both images to 4 mm, outline the body, and find the daily field of view.

    Both are taken in axial slices, whatever they are stored in: body, spine and field of view are found slice by slice.
    """
    return joined(prepare_plan(planning_image, body_mask), daily_image)


def prepare_plan(planning_image: Image, body_mask: Mask | None) -> PlanSource:
    """The planning side of `prepare`, which is the same for every image of the day."""
    _require_on_grid(body_mask, planning_image)
    planning_image = planning_image.axial()
    body_mask = body_mask.axial() if body_mask else None
    whole = IndexBox.whole(planning_image.grid)
    plan, plan_grid = averaged(planning_image, OUTLINE_SPACING_MM, whole, fill_of(planning_image))
    require_contrast(float(plan.min()), float(plan.max()))
    body = _outline(planning_image, plan, body_mask).astype(np.float32)
    weight = _with_data(planning_image, body, OUTLINE_SPACING_MM, whole)
    return PlanSource(planning_image, WorkingVolume(plan, weight, plan_grid))


def joined(plan: PlanSource, daily_image: Image) -> Sources:
    """The planning side with one image of the day."""
    daily_image = daily_image.axial()
    seen = field_of_view(daily_image)
    box = box_of(seen, daily_image.grid)
    daily, daily_grid = averaged(daily_image, OUTLINE_SPACING_MM, box, fill_of(daily_image))
    weight = seen.depth_mm(daily_grid, EDGE_MM) / np.float32(EDGE_MM)
    weight = _with_data(daily_image, weight, OUTLINE_SPACING_MM, box)
    return Sources(plan.image, daily_image, plan.volume_4mm, WorkingVolume(daily, weight, daily_grid), seen)


def _require_on_grid(mask: Mask | None, image: Image) -> None:
    """Raise InvalidGeometry for a body mask that lies elsewhere than the planning image."""
    if mask is not None and mask.grid != image.grid:
        raise InvalidGeometry("The body mask must lie on the grid of the planning image; resample it first.")


def fill_of(image: Image) -> float:
    """What stands for voxels without data while they are averaged: air, or the darkest value of other units."""
    if image.modality in (Modality.CT, Modality.CBCT):
        return AIR_HU
    known = image.voxels[np.isfinite(image.voxels)]
    return float(known.min()) if known.size else 0.0


def _with_data(image: Image, weight: Voxels, spacing_mm: float, box: IndexBox) -> Voxels:
    """The weight, but 0 where an average took in a voxel without data (NaN or infinite)."""
    finite = np.isfinite(image.voxels)
    if finite.all():
        return weight
    share, _ = averaged(Image(finite.astype(np.float32), image.grid, image.modality), spacing_mm, box, 0.0)
    return np.where(share > WHOLE, weight, np.float32(0.0))


def _outline(image: Image, voxels: Voxels, mask: Mask | None) -> Flags:
    """The body at 4 mm: as contoured where a mask is given, else found from the image."""
    if mask is not None:
        inside = Image(mask.voxels.astype(np.float32), mask.grid, image.modality)
        return averaged(inside, OUTLINE_SPACING_MM, IndexBox.whole(image.grid), 0.0)[0] > 0.5
    if image.modality in (Modality.CT, Modality.CBCT):
        return body_outline(voxels, OUTLINE_SPACING_MM)
    return body_outline_of_any(voxels, OUTLINE_SPACING_MM)


def noise_of(image: Image, voxels: Voxels, noise_hu: float) -> float:
    """Gray noise of a level: HU as they are; other units by their spread, taken as that of 400 HU."""
    if image.modality in (Modality.CT, Modality.CBCT):
        return noise_hu
    low, high = np.percentile(voxels, [5.0, 95.0])
    return float(max(noise_hu * (high - low) / 400.0, 1e-6))


def coarse_sides(sources: Sources, metric: Metric) -> tuple[PlanSide, DailySide]:
    """Both sides at 8 mm, each under its own mask: no pose is known yet."""
    plan, daily = halved(sources.plan_4mm), halved(sources.daily_4mm)
    return _normalised(sources, COARSE, metric, (plan, daily), plan.weight > 0.5)


def _normalised(
    sources: Sources, level: Level, metric: Metric, volumes: tuple[WorkingVolume, WorkingVolume], body: Flags
) -> tuple[PlanSide, DailySide]:
    """Planning and daily side of a level, each locally normalised under its own weight."""
    plan, daily = volumes
    plan_normalised = _locally_normalised(plan, sources.planning_image, level, metric)
    daily_normalised = _locally_normalised(daily, sources.daily_image, level, metric)
    return PlanSide(plan, plan_normalised, body), DailySide(daily, daily_normalised)


def _locally_normalised(volume: WorkingVolume, image: Image, level: Level, metric: Metric) -> Voxels:
    """What a metric compares of a volume of an image."""
    contrast = metric.contrast(volume, image.modality)
    noise = noise_of(image, contrast.voxels, level.noise_hu)
    return local_normalisation(contrast, metric.window_mm(level.window_mm), noise)


def coarse_flags(sources: Sources, region: Region) -> Flags:
    """Voxels at 8 mm that touch a region at 4 mm: averages of 8 mm hide what bone is."""
    flags = region_flags(region, sources.plan_4mm, sources.plan_4mm.weight > 0.5)
    k, j, i = (n // 2 for n in flags.shape)
    return np.asarray(flags[: 2 * k, : 2 * j, : 2 * i].reshape(k, 2, j, 2, i, 2).any(axis=(1, 3, 5)))


def joint_sides(
    sources: Sources, level: Level, metric: Metric, *, plan_from_daily: RigidTransform, reach_mm: float
) -> tuple[PlanSide, DailySide]:
    """Both sides at a level under one mask: inside the body and inside the field of view, carried over by a pose.

    The planning side is cut to the field of view and `reach_mm` around it.
    """
    seen = sources.field_of_view.moved(plan_from_daily).grown(reach_mm)
    plan_box = box_of(seen, sources.planning_image.grid)
    plan, plan_grid = averaged(sources.planning_image, level.spacing_mm, plan_box, fill_of(sources.planning_image))
    body = _resampled_weight(sources.plan_4mm, plan_grid, RigidTransform.identity(plan_grid.frame, plan_grid.frame))
    plan_weight = body * (seen.depth_mm(plan_grid, EDGE_MM) / np.float32(EDGE_MM))

    daily_box = box_of(sources.field_of_view, sources.daily_image.grid)
    daily, daily_grid = averaged(sources.daily_image, level.spacing_mm, daily_box, fill_of(sources.daily_image))
    daily_weight = sources.field_of_view.depth_mm(daily_grid, EDGE_MM) / np.float32(EDGE_MM)
    if metric.couch_in_sight:
        daily_weight = daily_weight * _resampled_weight(sources.plan_4mm, daily_grid, plan_from_daily)
    daily_weight = _with_data(sources.daily_image, daily_weight, level.spacing_mm, daily_box)

    plan_volume = WorkingVolume(plan, plan_weight.astype(np.float32), plan_grid)
    daily_volume = WorkingVolume(daily, daily_weight.astype(np.float32), daily_grid)
    return _normalised(sources, level, metric, (plan_volume, daily_volume), body > 0.5)


def halved(volume: WorkingVolume) -> WorkingVolume:
    """The volume at twice the spacing, by means over blocks of two; an odd last layer is left out."""
    k, j, i = (n // 2 for n in volume.voxels.shape)
    cut = (slice(2 * k), slice(2 * j), slice(2 * i))
    voxels, weight = (
        x[cut].reshape(k, 2, j, 2, i, 2).mean(axis=(1, 3, 5), dtype=np.float32) for x in (volume.voxels, volume.weight)
    )
    grid = volume.grid
    coarse = Grid(grid.frame, grid.points([0.5, 0.5, 0.5]), 2.0 * grid.spacing_mm, grid.direction, (i, j, k))
    return WorkingVolume(voxels, weight, coarse)


def _resampled_weight(volume: WorkingVolume, onto: Grid, from_onto: RigidTransform) -> Voxels:
    """The weight of a volume on another grid, 0 outside."""
    return np.nan_to_num(resample(volume.weight, volume.grid, onto, from_onto), nan=0.0)


def box_of(body: Polytope, grid: Grid) -> IndexBox:
    """The smallest box of voxels that holds a convex body, cut to the grid; the whole grid where they hardly meet."""
    indices = grid.indices(body.corners_mm())
    size = np.array(grid.size)
    first = np.clip(np.floor(indices.min(axis=0)).astype(int), 0, size - 1)
    stop = np.clip(np.ceil(indices.max(axis=0)).astype(int) + 1, first + 1, size)
    if (stop - first < 4).any():
        return IndexBox.whole(grid)
    return IndexBox((int(first[0]), int(first[1]), int(first[2])), (int(stop[0]), int(stop[1]), int(stop[2])))
