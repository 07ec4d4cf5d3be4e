"""Figures and reports."""

from openigrt.report.acceptance_page import (
    acceptance_html,
    acceptance_markdown,
)
from openigrt.report.content import (
    GuidanceReportContent,
    ManifestSummary,
    ProtocolLevels,
)
from openigrt.report.course_content import (
    CourseReportContent,
)
from openigrt.report.course_report import (
    render_course_report,
)
from openigrt.report.figures import (
    outline_color,
)
from openigrt.report.guidance_report import (
    RESEARCH_STATEMENT,
    render_guidance_report,
)
from openigrt.report.radiograph_picture import (
    RadiographOutline,
    draw_radiograph,
    shadow_edges,
)
from openigrt.report.reconstruction_content import (
    ReconstructionReportContent,
    ShownBreathing,
    ShownPhase,
)
from openigrt.report.reconstruction_report import (
    render_reconstruction_report,
)
from openigrt.report.side_by_side import (
    FusedPlane,
    SideBySide,
    draw_side_by_side,
)
from openigrt.report.treated_content import (
    ShownFraction,
    TreatedCourseContent,
)
from openigrt.report.treated_report import (
    render_treated_report,
)

__all__ = [
    "RESEARCH_STATEMENT",
    "CourseReportContent",
    "FusedPlane",
    "GuidanceReportContent",
    "ManifestSummary",
    "ProtocolLevels",
    "RadiographOutline",
    "ReconstructionReportContent",
    "ShownBreathing",
    "ShownFraction",
    "ShownPhase",
    "SideBySide",
    "TreatedCourseContent",
    "acceptance_html",
    "acceptance_markdown",
    "draw_radiograph",
    "draw_side_by_side",
    "outline_color",
    "render_course_report",
    "render_guidance_report",
    "render_reconstruction_report",
    "render_treated_report",
    "shadow_edges",
]
