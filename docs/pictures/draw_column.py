"""Draws the column of packages as SVG on standard output, from the column in docs/explanation/architecture.md.

python docs/pictures/draw_column.py > docs/pictures/column.svg
"""

import re
import sys
from html import escape
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).resolve().parents[1] / "explanation" / "architecture.md"

WIDTH, MARGIN, GUTTER = 900, 24, 12
LEFT, RIGHT = 92, WIDTH - MARGIN
ROW, GAP, WATER = 54, 10, 46

STEPS = {"dicom": "1 4", "files": "1", "registration": "2", "guidance": "3", "report": "4"}
LEGEND = {"1": "read", "2": "match", "3": "decide", "4": "write and show"}

STYLE = """
  text { font-family: "Helvetica Neue", Helvetica, Arial, sans-serif; fill: #1f2933 }
  .package { font-size: 17px; font-weight: 600 }
  .says { font-size: 12.5px; fill: #4a5763 }
  .note { font-size: 13px; fill: #4a5763 }
  .water { font-size: 13px; font-weight: 600; fill: #1b6ca8 }
  .step { font-size: 13px; font-weight: 700; fill: #ffffff; text-anchor: middle }
  .above { fill: #fff6e5; stroke: #d9a441 }
  .below { fill: #e8f2fa; stroke: #5b9bc9 }
"""


class Layer(NamedTuple):
    """One line of the column: its packages and what each is for."""

    packages: list[str]
    says: list[str]


def layers_above_and_below(page: str) -> tuple[list[Layer], list[Layer]]:
    """The column of the page, cut at the water line."""
    block = re.search(r"```text\n(cli\b.*?)```", page, re.DOTALL)
    if block is None:
        raise SystemExit(f"{PAGE.name} shows no column.")
    above: list[Layer] = []
    below: list[Layer] = []
    part = above
    for line in block[1].splitlines():
        if line.startswith("~"):
            part = below
            continue
        names, says = re.split(r"\s{2,}", line, maxsplit=1)
        part.append(Layer(names.split(" | "), says.split(" | ")))
    return above, below


def dot(step: str, x: float, y: float) -> str:
    """The number of a step, in a dot around (x, y)."""
    circle = f'<circle cx="{x:g}" cy="{y:g}" r="11" fill="#8a3b12"/>'
    return f'{circle}<text class="step" x="{x:g}" y="{y + 4.5:g}">{step}</text>'


def legend(y: float) -> str:
    """What the numbers mean."""
    parts = [f'<text class="note" x="{LEFT}" y="{y + 4.5:g}">The path of one fraction, called by tasks:</text>']
    x: float = LEFT + 275
    for step, says in LEGEND.items():
        parts.append(f'{dot(step, x, y)}<text class="note" x="{x + 17:g}" y="{y + 4.5:g}">{says}</text>')
        x += 96
    return "\n".join(parts)


def box(name: str, says: str, corner: tuple[float, float, float], kind: str) -> str:
    """One package: (x, y, width) of its box, its name, what it is for, and the steps of a fraction that it takes."""
    x, y, width = corner
    parts = [
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{ROW}" rx="7"/>',
        f'<text class="package" x="{x + 14:g}" y="{y + 23:g}">{escape(name)}</text>',
        f'<text class="says" x="{x + 14:g}" y="{y + 42:g}">{escape(says)}</text>',
    ]
    for place, step in enumerate(reversed(STEPS.get(name, "").split())):
        center = x + width - 20 - 26 * place
        parts.append(dot(step, center, y + 17))
    return "\n".join(parts)


def row(layer: Layer, y: float, kind: str) -> str:
    """All packages of one layer, side by side."""
    width = (RIGHT - LEFT - GUTTER * (len(layer.packages) - 1)) / len(layer.packages)
    corners = ((LEFT + i * (width + GUTTER), y, width) for i in range(len(layer.packages)))
    return "\n".join(
        box(name, says, at, kind) for name, says, at in zip(layer.packages, layer.says, corners, strict=True)
    )


def water(y: float) -> str:
    """The water line at height y, with what it means."""
    waves = " ".join("q 6 -6 12 0 t 12 0" for _ in range((RIGHT - LEFT) // 24))
    return (
        f'<text class="water" x="{LEFT}" y="{y - 9:g}">water line: no files, no DICOM, no network below</text>\n'
        f'<path d="M {LEFT} {y:g} {waves}" fill="none" stroke="#1b6ca8" stroke-width="2"/>'
    )


def arrow(top: float, bottom: float) -> str:
    """The direction in which imports may point."""
    x, middle = MARGIN + 34, (top + bottom) / 2
    return (
        f'<path d="M {x} {top:g} V {bottom - 10:g}" stroke="#4a5763" stroke-width="2"/>\n'
        f'<path d="M {x - 6} {bottom - 12:g} h 12 l -6 12 z" fill="#4a5763"/>\n'
        f'<text class="note" transform="translate({x - 12} {middle:g}) rotate(-90)" text-anchor="middle">'
        "may import what stands below</text>"
    )


def picture(page: str) -> str:
    """The whole picture as SVG text; its own pale card keeps it legible on light and on dark pages."""
    above, below = layers_above_and_below(page)
    parts: list[str] = []
    y: float = MARGIN
    for layer in above:
        parts.append(row(layer, y, "above"))
        y += ROW + GAP
    y += WATER
    parts.append(water(y - GAP - 6))
    for layer in below:
        parts.append(row(layer, y, "below"))
        y += ROW + GAP
    parts.append(arrow(MARGIN, y - GAP))
    parts.append(legend(y + 14))
    height = y + 18 + MARGIN
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" '
        f'role="img" aria-label="The packages of OpenIGRT, each importing only what stands below it">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{height:g}" rx="12" fill="#fcfcfa" stroke="#cfd6dc"/>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    sys.stdout.write(picture(PAGE.read_text(encoding="utf-8")))
