"""Rows of the tables and gauges of a guidance report: values with the scale they are drawn on."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from openigrt.geometry import CouchPose, Float64Array, TableAngles, rotation_angle_deg
from openigrt.patient import Correction, Match, Verdict
from openigrt.report.content import GuidanceReportContent

_POSE_FIELDS = {
    "lateral": ("mm", "table_top_lateral_position_mm"),
    "longitudinal": ("mm", "table_top_longitudinal_position_mm"),
    "vertical": ("mm", "table_top_vertical_position_mm"),
    "yaw": ("deg", "patient_support_angle_deg"),
    "pitch": ("deg", "table_top_pitch_angle_deg"),
    "roll": ("deg", "table_top_roll_angle_deg"),
}


@dataclass(frozen=True, slots=True)
class CouchRow:
    """One couch axis, IEC 61217 in `unit`; None where unknown, not commanded, or not shown by consoles."""

    axis: str
    unit: str
    required: float | None
    command: float | None
    console: float | None
    start: float | None
    target: float | None


@dataclass(frozen=True, slots=True)
class MatchRow:
    """One match at the isocenter: shift (3,) in LPS mm, table angles, difference at the target and 95 % bound in mm.

    Difference and bound are None where a refused match would have to answer for them.
    """

    match: Match
    is_chosen: bool
    shift_mm: tuple[float, ...]
    angles: TableAngles
    difference_mm: float | None
    bound_mm: float | None

    @property
    def is_refused(self) -> bool:
        """Whether the numbers of the row may only help to find out what went wrong."""
        return self.match.trust.verdict is Verdict.REFUSED


@dataclass(frozen=True, slots=True)
class Bar:
    """A named value in mm, as a share (0 to 1) of the scale, and whether it is within the level."""

    name: str
    value_mm: float
    share: float
    is_within: bool


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars on one scale, with the level that they are judged by as a share of the scale; None without a level."""

    bars: tuple[Bar, ...]
    level: float | None


@dataclass(frozen=True, slots=True)
class Gauge:
    """A signed value between two named ends, and levels on both sides, as shares (-1 to 1) of the half width."""

    name: str
    ends: tuple[str, str]
    value: float
    share: float
    levels: tuple[tuple[str, float], ...]


def couch_rows(correction: Correction) -> list[CouchRow]:
    """The six axes of a correction."""
    return [
        CouchRow(
            axis,
            unit,
            required=getattr(correction.couch_exact, f"{axis}_{unit}"),
            command=getattr(correction.couch, f"{axis}_{unit}"),
            console=getattr(correction.console_translation, f"{axis}_{unit}"),
            start=_pose_value(correction.start, pose_field),
            target=_pose_value(correction.target_pose, pose_field),
        )
        for axis, (unit, pose_field) in _POSE_FIELDS.items()
    ]


def match_rows(content: GuidanceReportContent) -> list[MatchRow]:
    """Every match, the chosen one first, told at the isocenter, or at the centre of the figures where none is known."""
    to_mm, from_mm = pivots_mm(content)
    axes = content.patient_position.table_top_from_lps()
    here = {} if content.is_refused else {content.region: 0.0}
    differences_mm = here | content.differences_mm
    rows = [
        MatchRow(
            match,
            match.region == content.region,
            tuple(float(v) for v in match.plan_from_daily.shift_about_points_mm(to_mm, from_mm)),
            TableAngles.from_matrix(axes @ match.plan_from_daily.rotation @ axes.T),
            differences_mm.get(match.region),
            None if match.trust.verdict is Verdict.REFUSED else match.trust.predicted_error_mm,
        )
        for match in content.matches
    ]
    return sorted(rows, key=lambda row: not row.is_chosen)


def pivots_mm(content: GuidanceReportContent) -> tuple[Float64Array, Float64Array]:
    """The point (3,) that shifts are told at, in the plan and in the daily image before the match, mm."""
    to_mm = content.center_mm
    return to_mm, content.plan_from_daily_before.inverse().points(to_mm)


def bar_chart(values_mm: Iterable[tuple[str, float]], level_mm: float | None) -> BarChart:
    """Values as bars on a scale that holds the largest of them and, where there is one, twice the level."""
    listed = list(values_mm)
    whole = max([2.0 * (level_mm or 0.0), 1e-3, *(value for _, value in listed if np.isfinite(value))])
    bars = tuple(
        Bar(name, value, min(value / whole, 1.0) if np.isfinite(value) else 1.0, level_mm is None or value <= level_mm)
        for name, value in listed
    )
    return BarChart(bars, level_mm / whole if level_mm else None)


def residual_chart(correction: Correction, level_mm: float | None) -> BarChart:
    """What a correction leaves at most at each structure, against the level."""
    return bar_chart([(residual.structure, residual.max_mm) for residual in correction.residuals], level_mm)


def setup_gauges(correction: Correction, content: GuidanceReportContent) -> list[Gauge]:
    """Three gauges of the setup error with the action and call levels of the protocol on both sides."""
    levels = {"correct": content.protocol.action_level_mm, "call": content.protocol.call_level_mm}
    known = {name: level for name, level in levels.items() if level}
    reach = 1.15 * max(1.0, float(np.abs(correction.setup_error_mm).max()), *known.values())
    ends = (("right", "left"), ("anterior", "posterior"), ("inferior", "superior"))
    return [
        Gauge(name, side, float(value), float(value) / reach, tuple((n, level / reach) for n, level in known.items()))
        for name, side, value in zip(
            ("Left–right", "Front–back", "Head–feet"), ends, correction.setup_error_mm, strict=True
        )
    ]


def setup_distance_mm(correction: Correction) -> float:
    """Length of the setup error, mm."""
    return float(np.linalg.norm(correction.setup_error_mm))


def setup_angle_deg(correction: Correction) -> float:
    """Angle of the setup rotation about its own axis, degrees."""
    return rotation_angle_deg(correction.setup_rotation.matrix())


def _pose_value(pose: CouchPose | None, field: str) -> float | None:
    """One value of a pose, where there is a pose."""
    return None if pose is None else float(getattr(pose, field))
