"""Figures and reports."""

from openigrt.report.acceptance_page import acceptance_html, acceptance_markdown
from openigrt.report.content import GuidanceReportContent, ManifestSummary, ProtocolLevels
from openigrt.report.guidance_report import RESEARCH_STATEMENT, render_guidance_report

__all__ = [
    "RESEARCH_STATEMENT",
    "GuidanceReportContent",
    "ManifestSummary",
    "ProtocolLevels",
    "acceptance_html",
    "acceptance_markdown",
    "render_guidance_report",
]
