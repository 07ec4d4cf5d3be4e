"""The image of the day fused on the plan at the target under two matches: same planes, same windows, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openigrt.geometry import RigidTransform
from openigrt.images import Image, Mask
from openigrt.patient import StructureSet, Target
from openigrt.report.figures import Display, display_of, window_words
from openigrt.report.outlines import structure_path
from openigrt.report.pictures import Values, overlay_picture
from openigrt.report.slices import PlaneView, plane_views, sample_image, seen_image

ROUND_TARGET_MM = 40.0
LEAST_HALF_SIDE_MM = 70.0


@dataclass(frozen=True, slots=True)
class FusedPlane:
    """One plane through the centre of the target, mm: cross, outline of the target, and a picture for each match."""

    plane: str
    position: str
    width_mm: float
    height_mm: float
    letters: Mapping[str, str]
    cross: tuple[float, float]
    target: str
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The planes, and the window that plan and image are shown in."""

    planes: tuple[FusedPlane, ...]
    window: str


def draw_side_by_side(
    images: tuple[Image, Image],
    matches: Sequence[RigidTransform],
    structures: StructureSet | None,
    target: Target,
    *,
    region: str,
    daily_field: Mask | None,
) -> SideBySide:
    """Pictures of (planning image, image of the day) under each match; grays are those of the first one."""
    planning_image, daily_image = images
    center_mm = target.points_mm.mean(axis=0)
    reach_mm = np.maximum(np.abs(target.points_mm - center_mm).max(axis=0) + ROUND_TARGET_MM, LEAST_HALF_SIDE_MM)
    views = plane_views(planning_image.frame, center_mm, (center_mm - reach_mm, center_mm + reach_mm))
    seen = seen_image(daily_image, daily_field)
    itself = RigidTransform.identity(planning_image.frame, planning_image.frame)
    plan = [sample_image(planning_image, view.grid, itself) for view in views]
    daily = [[sample_image(seen, view.grid, match.inverse()) for view in views] for match in matches]
    display = display_of((planning_image.modality, daily_image.modality), region, views, plan, daily[0])
    drawn = [s for s in (structures.structures if structures else ()) if s.name == target.name]
    planes = []
    for n, view in enumerate(views):
        right, down, _ = view.picture_points(center_mm[None])[0]
        outline = "".join(structure_path(structure, view) for structure in drawn)
        pictures = tuple(_fused(display, view, plan[n], slices[n]) for slices in daily)
        size = view.width_mm, view.height_mm
        cross = float(right), float(down)
        planes.append(FusedPlane(str(view.plane), view.slice_position, *size, view.letters, cross, outline, pictures))
    return SideBySide(tuple(planes), window_words(display.plan_window))


def _fused(display: Display, view: PlaneView, plan: Values, daily: Values) -> str:
    """Plan in orange and image of the day in blue, as a data URI."""
    compared = display.compared(daily, plan, view.pixel_mm)
    return overlay_picture(display.plan_window.shown(plan), display.daily_window.shown(compared))
