"""The figures of a reconstruction: where projections were taken, slices, how often each HU is, phases of breathing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array, RigidTransform
from openigrt.images import GAP_IN_STEPS, LEAST_GAP_DEG, Image
from openigrt.motion import ASIDE
from openigrt.report.pictures import SOFT_TISSUE, difference_picture, difference_scale, gray_picture
from openigrt.report.reconstruction_content import ReconstructionReportContent, ShownBreathing, ShownPhase
from openigrt.report.slices import Plane, PlaneView, field_corners_mm, plane_views, sample_image
from openigrt.report.wording import plain

OUTER, INNER = 100.0, 84.0
FULL_TURN_DEG = 360.0
LOWEST_HU, HIGHEST_HU, BIN_HU = -1100.0, 1700.0, 20.0
CHART_WIDTH, CHART_HEIGHT = 640.0, 170.0
PEAK_SHARE = 2e-4
TRACE_WIDTH, TRACE_HEIGHT = 900.0, 130.0
TISSUES: Mapping[str, tuple[float, float]] = {
    "air": (-1100.0, -850.0),
    "fat": (-160.0, -50.0),
    "water and soft tissue": (-50.0, 120.0),
    "bone": (200.0, 1700.0),
}


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the turn without projections, in the direction of rising angles, and its path on the circle."""

    from_deg: float
    to_deg: float
    size_deg: float
    path: str


@dataclass(frozen=True, slots=True)
class ArcFigure:
    """Where the source stood, for a viewer who faces the gantry: 0 degrees above, clockwise; unit circle of `OUTER`."""

    ticks: str
    first: tuple[float, float]
    last: tuple[float, float]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, eq=False, slots=True)
class SliceFigure:
    """One plane: the image, and with a prior the image that contains it and their difference, as pictures."""

    view: PlaneView
    cross: tuple[float, float]
    picture: str
    with_prior: str = ""
    difference: str = ""


@dataclass(frozen=True, slots=True)
class Peak:
    """What HU a tissue has most often, None where none stands out; where it stands in the chart."""

    tissue: str
    hu: float | None
    right: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many voxels have which HU, on a logarithmic scale, as an SVG path in CHART_WIDTH x CHART_HEIGHT."""

    path: str
    columns: tuple[tuple[float, str], ...]
    bands: tuple[tuple[float, float], ...]
    peaks: tuple[Peak, ...]


@dataclass(frozen=True, slots=True)
class PhaseFigure:
    """A phase with its coronal slice, empty where there is no image."""

    phase: ShownPhase
    color: str
    picture: str


@dataclass(frozen=True, slots=True)
class TraceFigure:
    """The breathing trace, and a dot for each projection in the color of its phase (none: aside)."""

    path: str
    dots: tuple[tuple[float, float, str], ...]
    seconds: tuple[tuple[float, str], ...]


def arc_figure(angles_deg: Float64Array) -> ArcFigure:
    """The angles of a scan in their order; gaps are over 1 degree, and over three times the usual step."""
    ticks = "".join(
        f"M{x * INNER:.1f} {y * INNER:.1f}L{x * OUTER:.1f} {y * OUTER:.1f}" for x, y in map(_on_circle, angles_deg)
    )
    ends = [_on_circle(angle) for angle in (angles_deg[0], angles_deg[-1])]
    first, last = ((x * OUTER, y * OUTER) for x, y in ends)
    return ArcFigure(ticks, first, last, tuple(_gaps(np.unique(np.mod(angles_deg, FULL_TURN_DEG)))))


def _on_circle(angle_deg: float) -> tuple[float, float]:
    """A gantry angle on the unit circle of a picture, whose y runs down."""
    angle = np.deg2rad(angle_deg)
    return float(np.sin(angle)), float(-np.cos(angle))


def _gaps(places_deg: Float64Array) -> list[Gap]:
    """The parts between places (n,) in rising order that are far wider than the others; a lone place leaves none."""
    if len(places_deg) < 2:
        return []
    steps = np.diff(places_deg, append=places_deg[0] + FULL_TURN_DEG)
    wide = np.flatnonzero(steps > max(LEAST_GAP_DEG, GAP_IN_STEPS * float(np.median(steps))))
    found = []
    for n in wide:
        start, size = float(places_deg[n]), float(steps[n])
        end = (start + size) % FULL_TURN_DEG
        (x0, y0), (x1, y1) = _on_circle(start), _on_circle(end)
        r = (INNER + OUTER) / 2.0
        path = f"M{x0 * r:.1f} {y0 * r:.1f}A{r:g} {r:g} 0 {int(size > 180.0)} 1 {x1 * r:.1f} {y1 * r:.1f}"
        found.append(Gap(start, end, size, path))
    return found


def middle_mm(image: Image) -> tuple[Float64Array, str]:
    """Where the slices cross (3,), and what that is: the isocenter where it lies inside, else the middle."""
    low, high = _box_mm(image)
    if (low < 0.0).all() and (high > 0.0).all():
        return np.zeros(3), "the machine isocenter"
    return (low + high) / 2.0, "the middle of what was seen"


def _box_mm(image: Image) -> tuple[Float64Array, Float64Array]:
    """Low and high corner (3,) of what was seen."""
    corners = field_corners_mm(image)
    return corners.min(axis=0), corners.max(axis=0)


def slice_figures(content: ReconstructionReportContent) -> tuple[tuple[SliceFigure, ...], float | None]:
    """Three planes, and the scale of differences in HU where there is a prior."""
    image, other = content.image, content.with_prior
    center_mm, _ = middle_mm(image)
    views = plane_views(image.frame, center_mm, _box_mm(image))
    own = [_sampled(image, view) for view in views]
    theirs = [] if other is None else [_sampled(other, view) for view in views]
    apart = [b - a for a, b in zip(own, theirs, strict=False)]
    scale = difference_scale(np.concatenate([values.ravel() for values in apart])) if apart else None
    figures = []
    for n, view in enumerate(views):
        right, down, _ = view.picture_points(center_mm[None])[0]
        pictures = [gray_picture(SOFT_TISSUE.shown(own[n]))]
        if scale is not None:
            pictures += [gray_picture(SOFT_TISSUE.shown(theirs[n])), difference_picture(apart[n], scale)]
        figures.append(SliceFigure(view, (float(right), float(down)), *pictures))
    return tuple(figures), scale


def _sampled(image: Image, view: PlaneView) -> NDArray[np.float32]:
    """An image on the plane of a view in its own frame."""
    return sample_image(image, view.grid, RigidTransform.identity(image.frame, image.frame))


def histogram(image: Image) -> Histogram:
    """How often each HU is in what was seen."""
    edges = np.arange(LOWEST_HU, HIGHEST_HU + BIN_HU / 2.0, BIN_HU)
    seen = image.voxels[np.isfinite(image.voxels)]
    counts = np.histogram(seen, edges)[0].astype(np.float64)
    heights = np.log10(1.0 + counts) / max(float(np.log10(1.0 + counts.max(initial=0.0))), 1e-9)
    points = [f"{_right(hu):.1f} {CHART_HEIGHT * (1.0 - h):.1f}" for hu, h in zip(edges, heights, strict=False)]
    steps = "".join(f"L{point}h{_right(LOWEST_HU + BIN_HU):.2f}" for point in points)
    return Histogram(
        f"M0 {CHART_HEIGHT:g}{steps}V{CHART_HEIGHT:g}Z",
        tuple((_right(hu), plain(hu, 0)) for hu in (-1000.0, -500.0, 0.0, 500.0, 1000.0, 1500.0)),
        tuple((_right(low), _right(high) - _right(low)) for low, high in TISSUES.values()),
        tuple(_peak(tissue, counts, edges) for tissue in TISSUES),
    )


def _right(hu: float) -> float:
    """Where a HU stands in the chart."""
    return (hu - LOWEST_HU) / (HIGHEST_HU - LOWEST_HU) * CHART_WIDTH


def _peak(tissue: str, counts: Float64Array, edges: Float64Array) -> Peak:
    """The HU that a tissue has most often: the top of the histogram in its range, if there is one inside it."""
    low, high = TISSUES[tissue]
    inside = np.flatnonzero((edges[:-1] >= low) & (edges[1:] <= high))
    top = int(inside[counts[inside].argmax()])
    around = counts[max(top - 1, 0) : top + 2]
    stands_out = counts[top] == around.max() and counts[top] > PEAK_SHARE * counts.sum() and top not in inside[[0, -1]]
    middle = float(edges[top] + edges[top + 1]) / 2.0
    return Peak(tissue, middle if stands_out else None, _right(middle))


def phase_figures(content: ReconstructionReportContent) -> tuple[tuple[PhaseFigure, ...], PlaneView]:
    """The coronal slice of every phase, all on one plane."""
    views = plane_views(content.image.frame, middle_mm(content.image)[0], _box_mm(content.image))
    view = next(view for view in views if view.plane is Plane.CORONAL)
    figures = [
        PhaseFigure(
            phase,
            phase_color(number, len(content.phases)),
            "" if phase.image is None else gray_picture(SOFT_TISSUE.shown(_sampled(phase.image, view))),
        )
        for number, phase in enumerate(content.phases)
    ]
    return tuple(figures), view


def phase_color(number: int, count: int) -> str:
    """A color (CSS) for each phase of a cycle."""
    return f"hsl({round(FULL_TURN_DEG * number / max(count, 1))} 65% 48%)"


def trace_figure(breathing: ShownBreathing) -> TraceFigure:
    """The trace over the scan, inhalation up."""
    trace, times = breathing.trace, breathing.times_s
    start, whole_s = float(trace.times_s[0]), max(float(np.ptp(trace.times_s)), 1e-9)
    low, range_ = float(trace.amplitude.min()), max(float(np.ptp(trace.amplitude)), 1e-9)

    def place(time_s: float, amplitude: float) -> tuple[float, float]:
        return TRACE_WIDTH * (time_s - start) / whole_s, TRACE_HEIGHT * (1.0 - 0.9 * (amplitude - low) / range_ - 0.05)

    line = [place(t, a) for t, a in zip(trace.times_s, trace.amplitude, strict=True)]
    count = len(breathing.bins.names)
    heights = np.nan_to_num(trace.at(times), nan=low)
    dots = tuple(
        (*place(t, a), "none" if number == ASIDE else phase_color(int(number), count))
        for t, a, number in zip(times, heights, breathing.bins.of_each, strict=True)
    )
    step = next(s for s in (1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 1e9) if whole_s / s <= 12.0)
    seconds = tuple((TRACE_WIDTH * s / whole_s, f"{s:g}") for s in np.arange(0.0, whole_s + 1e-6, step))
    return TraceFigure("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line), dots, seconds)
