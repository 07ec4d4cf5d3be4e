"""The report of one guidance: everything as one HTML page that needs nothing else."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from openigrt.guidance import setup_in_words
from openigrt.report import tables, wording
from openigrt.report.content import GuidanceReportContent
from openigrt.report.figures import SQUARE_MM, draw_figures

RESEARCH_STATEMENT = (
    "Research software. Not a medical device. Not for clinical use. Not connected to treatment machines."
)

OPEN_WARNINGS = 5

_HIDDEN_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def render_guidance_report(content: GuidanceReportContent) -> str:
    """The page, as HTML text: no script, no outside resource; the same content gives the same text."""
    return (
        page_environment()
        .get_template("guidance.html.j2")
        .render(
            content=content,
            statement=RESEARCH_STATEMENT,
            is_stale=_is_stale(content),
            correction=content.correction,
            match=content.match,
            match_rows=tables.match_rows(content),
            figures=draw_figures(content),
            square_mm=SQUARE_MM,
            open_warnings=OPEN_WARNINGS,
        )
    )


def _is_stale(content: GuidanceReportContent) -> bool:
    """Whether the image is known to be older than the protocol allows."""
    age_s, validity_s = content.image_age_s, content.image_validity_s
    return age_s is not None and validity_s is not None and age_s > validity_s


def _visible(value: object) -> object:
    """Text with characters that hide or turn text replaced, so that a name cannot fake another one."""
    return _HIDDEN_CHARACTERS.sub("\ufffd", value) if type(value) is str else value


@cache
def page_environment() -> Environment:
    """Templates of this package; everything printed is escaped, and an unknown name is an error."""
    environment = Environment(
        loader=PackageLoader("openigrt.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters.update(
        signed=wording.signed,
        command=wording.command,
        plain=wording.plain,
        position_words=wording.position_words,
        point=wording.point,
        moment=wording.moment,
        moment_utc=wording.moment_utc,
        duration=wording.duration,
        person_name=wording.person_name,
    )
    environment.globals.update(
        headlines=wording.HEADLINES,
        verdict_meanings=wording.VERDICT_MEANINGS,
        couch_direction=wording.couch_direction,
        setup_in_words=setup_in_words,
        bar_chart=tables.bar_chart,
        residual_chart=tables.residual_chart,
        couch_rows=tables.couch_rows,
        setup_gauges=tables.setup_gauges,
        setup_distance_mm=tables.setup_distance_mm,
        setup_angle_deg=tables.setup_angle_deg,
    )
    return environment
