"""The reliability of the predicted error, and what became of each kind of case, as one SVG."""

import numpy as np

from benchmarks.trust.cases import Kind
from benchmarks.trust.records import Row, has_match, is_wrong, table_of, trust_of
from openigrt.geometry import Float64Array
from openigrt.patient import Verdict
from openigrt.registration.trust import TrustSettings

WIDTH, HEIGHT = 920, 430
LEFT, TOP, SIDE = 64, 44, 320
LOW_MM, HIGH_MM = 0.01, 10.0
TICKS_MM = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
BARS_LEFT, BARS_RIGHT = 520, 890
LEGEND_RIGHT = (0, 105, 220, 280)
BINS = 8
COLORS = {"trusted, right": "#2b7a4b", "trusted, wrong": "#c0392b", "look": "#e3b23c", "refused": "#9aa5b1"}
STYLE = """
  text { font: 12px "Helvetica Neue", Helvetica, Arial, sans-serif; fill: #1f2933 }
  .title { font-size: 14px; font-weight: 600 }
  .axis { stroke: #cbd2d9; stroke-width: 1 }
  .end { text-anchor: end }
  .middle { text-anchor: middle }
"""


def draw(rows: list[Row], settings: TrustSettings) -> str:
    """The picture of one half of the cases."""
    matched = [row for row in rows if has_match(row)]
    body = [*_axes(), *_dots(matched, settings), *_percentiles(matched, settings), *_bars(rows, settings)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
        f"<title>Predicted against true error, and verdicts by kind of case</title>\n<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _place(mm: Float64Array) -> Float64Array:
    """Millimetres on a logarithmic axis, 0 to SIDE."""
    share = np.log(np.clip(mm, LOW_MM, HIGH_MM) / LOW_MM) / np.log(HIGH_MM / LOW_MM)
    return np.asarray(SIDE * share)


def _axes() -> list[str]:
    """Frame, grid, labels and the diagonal on which prediction and truth agree."""
    lines = [f'<text class="title" x="{LEFT}" y="24">Predicted (95 % bound) and true error</text>']
    for mm in TICKS_MM:
        at = float(_place(np.array(mm)))
        x, y = LEFT + at, TOP + SIDE - at
        lines += [
            f'<path class="axis" d="M{x:.0f} {TOP}V{TOP + SIDE}M{LEFT} {y:.0f}H{LEFT + SIDE}"/>',
            f'<text class="middle" x="{x:.0f}" y="{TOP + SIDE + 18}">{mm:g}</text>',
            f'<text class="end" x="{LEFT - 8}" y="{y + 4:.0f}">{mm:g}</text>',
        ]
    bottom = TOP + SIDE
    return [
        *lines,
        f'<path d="M{LEFT} {bottom}L{LEFT + SIDE} {TOP}" stroke="#1f2933" stroke-dasharray="5 4"/>',
        f'<text class="middle" x="{LEFT + SIDE / 2}" y="{bottom + 38}">predicted error, mm</text>',
        f'<text class="middle" transform="translate(18 {TOP + SIDE / 2}) rotate(-90)">true error, mm</text>',
        f'<text x="{LEFT}" y="{bottom + 58}">'
        "one dot a match: green ordinary, gray bad; line: 95 % of true errors</text>",
    ]


def _dots(matched: list[Row], settings: TrustSettings) -> list[str]:
    """One dot for each match whose true error is known, as round ends of lines without length."""
    table = table_of(matched)
    x = LEFT + _place(table.predicted_mm(settings))
    y = TOP + SIDE - _place(table.error_mm)
    paths = []
    for among, color in (
        (table.measurable & ~table.in_protocol, "#9aa5b1"),
        (table.measurable & table.in_protocol, "#2b7a4b"),
    ):
        dots = "".join(f"M{a:.0f} {b:.0f}h0" for a, b in zip(x[among], y[among], strict=True))
        paths.append(
            f'<path d="{dots}" stroke="{color}" stroke-opacity=".5" stroke-width="3.4" stroke-linecap="round"/>'
        )
    return paths


def _percentiles(matched: list[Row], settings: TrustSettings) -> list[str]:
    """The 95th percentile of the true error in bins of the predicted one, equally many matches each."""
    table = table_of(matched)
    predicted, true = table.predicted_mm(settings)[table.measurable], table.error_mm[table.measurable]
    order = np.argsort(predicted)
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    points = [(np.median(predicted[part]), np.percentile(true[part], 95.0)) for part in bins]
    places = " ".join(
        f"{LEFT + float(_place(np.array(p))):.1f},{TOP + SIDE - float(_place(np.array(t))):.1f}" for p, t in points
    )
    return [f'<polyline points="{places}" fill="none" stroke="#1b4f9c" stroke-width="2.5"/>']


def _bars(rows: list[Row], settings: TrustSettings) -> list[str]:
    """Outcomes of each kind of case as a bar of shares, with counts."""
    lines = [f'<text class="title" x="{BARS_LEFT - 100}" y="24">What became of the cases</text>']
    for n, kind in enumerate(Kind):
        labels = [_label(row, settings) for row in rows if row["kind"] == kind]
        y, x = TOP + 10 + 34 * n, float(BARS_LEFT)
        lines.append(f'<text class="end" x="{BARS_LEFT - 8}" y="{y + 15}">{kind} ({len(labels)})</text>')
        for label, color in COLORS.items():
            width = (BARS_RIGHT - BARS_LEFT) * labels.count(label) / max(len(labels), 1)
            lines.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="22" fill="{color}"/>')
            x += width
    for (label, color), right in zip(COLORS.items(), LEGEND_RIGHT, strict=True):
        x, y = BARS_LEFT + right, TOP + 10 + 34 * len(Kind) + 8
        lines.append(f'<rect x="{x}" y="{y}" width="11" height="11" fill="{color}"/>')
        lines.append(f'<text x="{x + 15}" y="{y + 10}">{label}</text>')
    return lines


def _label(row: Row, settings: TrustSettings) -> str:
    """The outcome of a case; no match at all counts as refused."""
    if not has_match(row):
        return "refused"
    verdict = trust_of(row, settings).verdict
    if verdict is Verdict.TRUSTED:
        return "trusted, wrong" if is_wrong(row) else "trusted, right"
    return str(verdict)
