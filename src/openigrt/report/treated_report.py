"""The report of a virtual course: everything as one HTML page that needs nothing else."""

from collections.abc import Iterator, Sequence

import numpy as np

from openigrt.guidance import AXES, SetupError, statistics_of
from openigrt.report import trends
from openigrt.report.guidance_report import RESEARCH_STATEMENT, page_environment
from openigrt.report.treated_content import ShownFraction, TreatedCourseContent, angle_deg

STAGES = {"before": ("doubted", "before"), "believed": ("other", "believed"), "after": ("ours", "at beam-on")}
APART = 0.14


def render_treated_report(content: TreatedCourseContent) -> str:
    """The page, as HTML text: no script, no outside resource; the same content gives the same text."""
    before = statistics_of([fraction.before for fraction in content.fractions])
    after = statistics_of([f.after for f in content.treated if f.after is not None])
    marks = {axis: tuple(_marks(content.fractions, axis)) for axis in AXES}
    last = max((fraction.number for fraction in content.fractions), default=0)
    return (
        page_environment()
        .get_template("treated.html.j2")
        .render(
            content=content,
            statement=RESEARCH_STATEMENT,
            axes=[axis.rpartition("_")[::2] for axis in AXES],
            charts=trends.axis_charts(marks, last, after),
            chart_size=(trends.WIDTH, trends.HEIGHT, trends.LEFT, trends.RIGHT, trends.TOP, trends.BOTTOM),
            before=before,
            after=after,
            lengths=_lengths(content),
            angle_deg=angle_deg,
            budget=_budget(content.treated),
        )
    )


def _marks(fractions: Sequence[ShownFraction], axis: str) -> Iterator[trends.Mark]:
    """Before, believed and at beam-on of every fraction on one axis, side by side."""
    for fraction in fractions:
        for n, (stage, (kind, words)) in enumerate(STAGES.items()):
            error: SetupError | None = getattr(fraction, stage)
            if error is not None:
                place = fraction.number + (n - 1) * APART
                yield trends.Mark(place, getattr(error, axis), kind, f"fraction {fraction.number}, {words}")


def _lengths(content: TreatedCourseContent) -> dict[str, float | None]:
    """Median and largest length of the setup error, mm, before and at beam-on."""
    before = [fraction.before.length_mm for fraction in content.fractions]
    after = [fraction.after.length_mm for fraction in content.treated if fraction.after is not None]
    return {
        "before": float(np.median(before)) if before else None,
        "largest_before": max(before, default=None),
        "after": float(np.median(after)) if after else None,
        "largest_after": max(after, default=None),
    }


def _budget(fractions: Sequence[ShownFraction]) -> list[tuple[str, tuple[float, ...], tuple[float, ...], float]]:
    """Name, mean and SD by axis (3,), and root mean square length of every part of the residual, mm."""
    names = fractions[0].budget_mm if fractions else ()
    rows = []
    for name in names:
        vectors = np.array([fraction.budget_mm[name] for fraction in fractions])
        spread = vectors.std(axis=0, ddof=1) if len(vectors) > 1 else np.full(3, np.nan)
        length_mm = float(np.sqrt((vectors**2).sum(axis=1).mean()))
        rows.append((name, tuple(vectors.mean(axis=0).tolist()), tuple(spread.tolist()), length_mm))
    return rows
