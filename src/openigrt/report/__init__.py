"""Figures and reports."""

from openigrt.report.content import GuidanceReportContent, ManifestSummary, ProtocolLevels
from openigrt.report.guidance_report import RESEARCH_STATEMENT, render_guidance_report

__all__ = [
    "RESEARCH_STATEMENT",
    "GuidanceReportContent",
    "ManifestSummary",
    "ProtocolLevels",
    "render_guidance_report",
]
