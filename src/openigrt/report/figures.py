"""The figures of a guidance report: three planes, before and after, as checkerboard, difference, overlay, contours."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from openigrt.geometry import Float64Array, RigidTransform
from openigrt.images import Modality
from openigrt.patient import Structure, StructureRole
from openigrt.report.content import GuidanceReportContent
from openigrt.report.outlines import checkerboard_path, field_path, structure_path
from openigrt.report.pictures import (
    SHADING_MM,
    GrayMap,
    Values,
    Window,
    ct_window,
    difference_picture,
    difference_scale,
    gray_map,
    gray_picture,
    overlay_picture,
    own_window,
    without_shading,
)
from openigrt.report.slices import PlaneView, field_corners_mm, plane_views, sample_image, seen_image
from openigrt.report.wording import plain

SQUARE_MM = 30.0
MARGIN_MM = 12.0
MOST_OUTLINES = 12
MOST_OTHER_MATCHES = 2
DARKEST_OUTLINE = 110.0
PALETTE = ((86, 180, 233), (0, 190, 140), (240, 228, 66), (230, 159, 0), (204, 121, 167), (213, 110, 40))
HOUNSFIELD = (Modality.CT, Modality.CBCT)
_DRAWN_FIRST = (
    (StructureRole.GTV,),
    (StructureRole.CTV, StructureRole.ITV),
    (StructureRole.PTV,),
    (StructureRole.ORGAN, StructureRole.PRV, StructureRole.AVOIDANCE),
    (StructureRole.EXTERNAL,),
)
_NOT_DRAWN = (StructureRole.MARKER, StructureRole.ISOCENTER, StructureRole.SUPPORT)


@dataclass(frozen=True, slots=True)
class Outline:
    """A structure with its color (CSS) and its path in each plane (mm)."""

    name: str
    color: str
    is_target: bool
    paths: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PlaneFigure:
    """What one plane has in common in all alignments: the view, the plan as a picture, cross and checkerboard."""

    view: PlaneView
    plan_picture: str
    cross: tuple[float, float]
    checkerboard: str


@dataclass(frozen=True, slots=True)
class DailyFigure:
    """The daily image of one alignment on one plane, as pictures; `difference` is empty where it has no meaning.

    `field` is the edge of what the daily image saw, `common` of what both images saw.
    """

    daily: str
    difference: str
    overlay: str
    field: str
    common: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """One way to lay the daily image on the plan, with its figures in the order of the planes."""

    title: str
    note: str
    figures: tuple[DailyFigure, ...]


@dataclass(frozen=True, eq=False)
class FigureSet:
    """All figures with what their captions say. `difference_scale` is in HU; None: differences have no meaning."""

    planes: tuple[PlaneFigure, ...]
    alignments: tuple[Alignment, ...]
    outlines: tuple[Outline, ...]
    not_drawn: tuple[str, ...]
    window: str
    daily_grays: str
    difference_scale: float | None


@dataclass(frozen=True, eq=False)
class Display:
    """How values become grays, the same in all figures."""

    plan_window: Window
    daily_window: Window
    daily_map: GrayMap | None
    difference_scale: float | None

    def mapped(self, values: Values) -> Values:
        """Daily values on the plan's scale where a map is known."""
        return values if self.daily_map is None else self.daily_map(values)

    def compared(self, values: Values, plan: Values, pixel_mm: float) -> Values:
        """Daily values as they are laid over the plan: mapped, and without slow shading, where a map is known."""
        return values if self.daily_map is None else without_shading(self.daily_map(values), plan, pixel_mm)


def draw_figures(content: GuidanceReportContent) -> FigureSet:
    """All figures of a report; the same content gives the same bytes."""
    alignments = _alignments(content)
    seen = seen_image(content.daily_image, content.daily_field)
    box_mm = _box_mm(field_corners_mm(seen), [a for _, _, a in alignments], content.center_mm)
    views = plane_views(content.plan_frame, content.center_mm, box_mm)
    plan_from_plan = RigidTransform.identity(content.plan_frame, content.plan_frame)
    plan = [sample_image(content.planning_image, view.grid, plan_from_plan) for view in views]
    daily = [[sample_image(seen, view.grid, transform.inverse()) for view in views] for _, _, transform in alignments]
    modalities = content.planning_image.modality, content.daily_image.modality
    display = display_of(modalities, content.region, views, plan, daily[1])
    planes = [_plane_figure(content, view, values, display) for view, values in zip(views, plan, strict=True)]
    figures = [_daily_figures(views, plan, slices, display) for slices in daily]
    outlines, not_drawn = _outlines(content, views)
    return FigureSet(
        tuple(planes),
        tuple(Alignment(title, note, f) for (title, note, _), f in zip(alignments, figures, strict=True)),
        outlines,
        not_drawn,
        window_words(display.plan_window),
        _gray_words(content.daily_image.modality, display),
        display.difference_scale,
    )


def _alignments(content: GuidanceReportContent) -> list[tuple[str, str, RigidTransform]]:
    """Title, note and `plan_from_daily` of each alignment shown: before, the chosen match, those that disagree."""
    moved = not np.array_equal(content.plan_from_daily_before.translation_mm, np.zeros(3))
    note = "daily isocenter on plan isocenter" if moved else "as the files are aligned"
    chosen = (f"After: {content.region}", "the match that this report follows")
    if content.is_refused:
        chosen = (f"Refused: {content.region}", "not where the patient lies; for the search for the cause")
    shown = [("Before", note, content.plan_from_daily_before), (*chosen, content.match.plan_from_daily)]
    differences, limit = content.differences_mm, content.surrogate.limit_mm
    others = [m for m in content.matches if m.region != content.region and differences.get(m.region, 0.0) > limit]
    for match in others[:MOST_OTHER_MATCHES]:
        apart = f"puts the target {differences[match.region]:.1f} mm elsewhere"
        shown.append((f"After: {match.region}", apart, match.plan_from_daily))
    return shown


def _box_mm(
    corners_mm: Float64Array, alignments: Sequence[RigidTransform], center_mm: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Low and high corner (3,) of what is shown: the daily field in all alignments, and the centre, mm in the plan."""
    points = np.vstack([*(alignment.points(corners_mm) for alignment in alignments), center_mm[None]])
    return points.min(axis=0) - MARGIN_MM, points.max(axis=0) + MARGIN_MM


def display_of(
    modalities: tuple[Modality, Modality],
    region: str,
    views: Sequence[PlaneView],
    plan: Sequence[Values],
    daily: Sequence[Values],
) -> Display:
    """Windows, gray map and scale of differences, from plan and matched daily image on the planes."""
    plan_values, daily_values = (np.concatenate([values.ravel() for values in slices]) for slices in (plan, daily))
    planned, modality = modalities
    if planned not in HOUNSFIELD:
        return Display(own_window(plan_values), own_window(daily_values), None, None)
    window = ct_window(np.where(np.isfinite(daily_values), plan_values, np.nan), region)
    if modality not in HOUNSFIELD:
        return Display(window, own_window(daily_values), None, None)
    daily_map = gray_map(plan_values, daily_values) if modality is Modality.CBCT else None
    display = Display(window, window, daily_map, None)
    differences = [
        (display.compared(found, values, view.pixel_mm) - values).ravel()
        for found, values, view in zip(daily, plan, views, strict=True)
    ]
    return replace(display, difference_scale=difference_scale(np.concatenate(differences)))


def _plane_figure(content: GuidanceReportContent, view: PlaneView, values: Values, display: Display) -> PlaneFigure:
    """The plan on one plane, with the marks that all alignments share."""
    right, down, _ = view.picture_points(content.center_mm[None])[0]
    board = checkerboard_path(view, content.center_mm, SQUARE_MM)
    return PlaneFigure(view, gray_picture(display.plan_window.shown(values)), (float(right), float(down)), board)


def _daily_figures(
    views: Sequence[PlaneView], plan: Sequence[Values], daily: Sequence[Values], display: Display
) -> tuple[DailyFigure, ...]:
    """The pictures of one alignment, plane by plane."""
    figures = []
    scale = display.difference_scale
    for view, plan_values, found in zip(views, plan, daily, strict=True):
        compared = display.compared(found, plan_values, view.pixel_mm)
        seen = np.isfinite(found)
        figures.append(
            DailyFigure(
                gray_picture(display.daily_window.shown(display.mapped(found))),
                "" if scale is None else difference_picture(compared - plan_values, scale),
                overlay_picture(display.plan_window.shown(plan_values), display.daily_window.shown(compared)),
                field_path(seen, view),
                field_path(seen & np.isfinite(plan_values), view),
            )
        )
    return tuple(figures)


def _outlines(
    content: GuidanceReportContent, views: Sequence[PlaneView]
) -> tuple[tuple[Outline, ...], tuple[str, ...]]:
    """The structures that meet a plane, target first, and the names of those left out beyond MOST_OUTLINES."""
    structures = () if content.structures is None else content.structures.structures
    drawn: list[Outline] = []
    left_out: list[str] = []
    for structure in sorted(structures, key=lambda s: _rank(s, content.target.name)):
        if structure.role in _NOT_DRAWN:
            continue
        paths = tuple(structure_path(structure, view) for view in views)
        if any(paths) and len(drawn) == MOST_OUTLINES:
            left_out.append(structure.name)
        elif any(paths):
            color = _outline_color(structure, len(drawn))
            drawn.append(Outline(structure.name, color, structure.name == content.target.name, paths))
    return tuple(drawn), tuple(left_out)


def _rank(structure: Structure, target: str) -> tuple[bool, int, int]:
    """Sorting key: the target, then targets, organs and body, then the rest, each by number."""
    turn = next((n for n, roles in enumerate(_DRAWN_FIRST) if structure.role in roles), len(_DRAWN_FIRST))
    return structure.name != target, turn, structure.number


def _outline_color(structure: Structure, index: int) -> str:
    """The color of an outline, for CSS."""
    red, green, blue = outline_color(structure, index)
    return f"rgb({red},{green},{blue})"


def outline_color(structure: Structure, index: int, darkest: float = DARKEST_OUTLINE) -> tuple[int, int, int]:
    """The plan's own color, lightened to the luminance `darkest` (0 to 255) to show on a dark picture, else one of a
    palette that color-blind people can tell apart.
    """
    color = np.array(structure.color or PALETTE[index % len(PALETTE)], dtype=np.float64)
    luminance = float(color @ np.array([0.2126, 0.7152, 0.0722]))
    if luminance < darkest:
        color += (255.0 - color) * (darkest - luminance) / (255.0 - luminance)
    red, green, blue = (round(float(value)) for value in color)
    return red, green, blue


def window_words(window: Window) -> str:
    """The window with its limits."""
    return f"{window.name}, {plain(window.low, 0)} to {plain(window.high, 0)}"


def _gray_words(modality: Modality, display: Display) -> str:
    """How daily values became grays."""
    if display.daily_map is not None:
        return (
            f"{modality} grays are matched to the plan's by percentiles, for display only; in difference and overlay, "
            f"shading that varies over more than {SHADING_MM:.0f} mm is removed too"
        )
    if display.difference_scale is None:
        return f"{modality} in its own window; differences between {modality} and CT have no meaning and are not shown"
    return "both images in the same window"
