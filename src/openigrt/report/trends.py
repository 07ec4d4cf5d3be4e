"""Six charts of a course, one for each axis: what was found at each session, with levels, mean and spread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from openigrt.guidance import AXES, Agreement, AxisStatistics, CourseImage, Role, is_counted
from openigrt.report.content import ProtocolLevels
from openigrt.report.wording import signed

WIDTH, HEIGHT = 360.0, 170.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 8.0, 10.0, 20.0
LATER_STEP = 0.22
MOST_LABELS = 14
NICE_STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
MOST_STEPS = 3
ROOM = 1.25  # the largest mark is 6.5 high on each side of its value: more than a tenth of the half of a chart
UNITS = {"mm": "mm", "deg": "°"}
POSITIVE = {
    "lateral": "right, seen from the couch foot",
    "longitudinal": "toward the gantry",
    "vertical": "up",
    "yaw": "counter-clockwise from above",
    "pitch": "gantry end up",
    "roll": "right side down",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A value of an axis at a place among the sessions; `kind` is ours, doubted, verification or other."""

    place: float
    value: float
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A point of a chart, in its own units; `kind` is ours, doubted, verification or other."""

    right: float
    down: float
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class TrendChart:
    """One axis over the sessions, drawn in WIDTH x HEIGHT; `band` is mean less and plus one standard deviation."""

    name: str
    unit: str
    positive: str
    rows: tuple[tuple[float, str], ...]
    columns: tuple[tuple[float, str], ...]
    levels: tuple[float, ...]
    mean: float | None
    band: tuple[float, float] | None
    line: str
    points: tuple[TrendPoint, ...]
    statistics: AxisStatistics


@dataclass(frozen=True, slots=True)
class _Scale:
    """From session and value to the place in the chart."""

    sessions: int
    reach: float

    def right(self, session: float) -> float:
        """Where a session stands; half a session of room on both sides."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (session - 0.5) / max(self.sessions, 1)

    def down(self, value: float) -> float:
        """Where a value stands; zero in the middle, plus above it."""
        return TOP + (HEIGHT - TOP - BOTTOM) * 0.5 * (1.0 - value / self.reach)


def trend_charts(
    images: Sequence[CourseImage], statistics: Mapping[str, AxisStatistics], protocol: ProtocolLevels
) -> list[TrendChart]:
    """The six charts of a reviewed course."""
    sessions = max((image.session or 0 for image in images), default=0)
    marks = {axis: tuple(_marks(images, axis)) for axis in AXES}
    return axis_charts(marks, sessions, statistics, (protocol.action_level_mm, protocol.rotation_limit_deg))


def axis_charts(
    marks: Mapping[str, Sequence[Mark]],
    sessions: int,
    statistics: Mapping[str, AxisStatistics],
    levels: tuple[float | None, float | None] = (None, None),
) -> list[TrendChart]:
    """The six charts in the order of the axes; shifts share one scale, and so do angles; levels in mm and degrees."""
    charts = []
    for axis in AXES:
        unit = axis.rpartition("_")[2]
        same_unit = [other for other in AXES if other.endswith(unit)]
        level = levels[0] if unit == "mm" else levels[1]
        values = [abs(mark.value) for other in same_unit for mark in marks[other]]
        spreads = [reach for other in same_unit for reach in _spread(statistics[other])]
        scale = _Scale(sessions, _reach(ROOM * max([1.0, level or 0.0, *values, *spreads])))
        charts.append(_chart(marks[axis], axis, scale, level, statistics[axis]))
    return charts


def _chart(
    marks: Sequence[Mark], axis: str, scale: _Scale, level: float | None, statistics: AxisStatistics
) -> TrendChart:
    """The chart of one axis."""
    name, _, unit = axis.rpartition("_")
    points = tuple(
        TrendPoint(
            scale.right(mark.place),
            scale.down(mark.value),
            mark.kind,
            f"{mark.words}: {signed(mark.value)} {UNITS[unit]}",
        )
        for mark in marks
    )
    ours = [p for p in points if p.kind == "ours"]
    mean, deviation = statistics.mean, statistics.deviation
    return TrendChart(
        name=name,
        unit=UNITS[unit],
        positive=POSITIVE[name],
        rows=tuple((scale.down(value), f"{value:g}") for value in _round_values(scale.reach)),
        columns=tuple((scale.right(n), str(n)) for n in _labelled(scale.sessions)),
        levels=(scale.down(level), scale.down(-level)) if level else (),
        mean=None if mean is None else scale.down(mean),
        band=None
        if mean is None or deviation is None
        else (scale.down(mean + deviation), scale.down(mean - deviation)),
        line="M" + "L".join(f"{p.right:.1f} {p.down:.1f}" for p in ours) if len(ours) > 1 else "",
        points=points,
        statistics=statistics,
    )


def _marks(images: Sequence[CourseImage], axis: str) -> Iterator[Mark]:
    """Everything that one axis shows."""
    later: dict[int, int] = {}
    for image in images:
        if image.session is None:
            continue
        later[image.session] = later.get(image.session, -1) + 1
        place = image.session + min(later[image.session] * LATER_STEP, 0.45)
        found, other = image.review.found, image.review.judged
        if other is not None and other.setup_error is not None and other.agreement is not Agreement.EXCHANGED:
            words = f"image {image.number}, {other.maker or 'other'}"
            yield Mark(place, float(getattr(other.setup_error, axis)), "other", words)
        if found is not None and found.setup_error is not None:
            kind = "ours" if is_counted(image) else "verification" if image.role is Role.VERIFICATION else "doubted"
            yield Mark(place, float(getattr(found.setup_error, axis)), kind, f"image {image.number}, OpenIGRT")


def _spread(found: AxisStatistics) -> tuple[float, ...]:
    """How far mean and standard deviation reach from zero."""
    return () if found.mean is None else (abs(found.mean) + (found.deviation or 0.0),)


def _step(reach: float) -> float:
    """The distance of the lines of a chart: round, and not too many of them."""
    return next((step for step in NICE_STEPS if reach / step <= MOST_STEPS), NICE_STEPS[-1])


def _reach(least: float) -> float:
    """How far a chart reaches: to the next of its lines."""
    return ceil(least / _step(least)) * _step(least)


def _round_values(reach: float) -> list[float]:
    """Round values from minus to plus the reach, not too many."""
    count = round(reach / _step(reach))
    return [n * _step(reach) for n in range(-count, count + 1)]


def _labelled(sessions: int) -> range:
    """The sessions that are written below a chart."""
    return range(1, sessions + 1, 1 + (sessions - 1) // MOST_LABELS if sessions else 1)
