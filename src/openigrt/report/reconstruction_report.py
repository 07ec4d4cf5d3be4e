"""The report of a reconstruction: everything as one HTML page that needs nothing else."""

from openigrt.motion import SortingQuantity
from openigrt.report import reconstruction_figures as figures
from openigrt.report.figures import window_words
from openigrt.report.guidance_report import RESEARCH_STATEMENT, page_environment
from openigrt.report.pictures import SOFT_TISSUE
from openigrt.report.reconstruction_content import ReconstructionReportContent

OPEN_MESSAGES = 8


def render_reconstruction_report(content: ReconstructionReportContent) -> str:
    """The page, as HTML text: no script, no outside resource; the same content gives the same text."""
    slices, scale = figures.slice_figures(content)
    phases, phase_view = figures.phase_figures(content) if content.phases else ((), None)
    return (
        page_environment()
        .get_template("reconstruction.html.j2")
        .render(
            content=content,
            statement=RESEARCH_STATEMENT,
            open_messages=OPEN_MESSAGES,
            arc=figures.arc_figure(content.source_angles_deg),
            slices=slices,
            center=figures.middle_mm(content.image)[1],
            difference_scale=scale,
            window=window_words(SOFT_TISSUE),
            histogram=figures.histogram(content.image),
            chart=(figures.CHART_WIDTH, figures.CHART_HEIGHT),
            phases=phases,
            phase_view=phase_view,
            trace=None if content.breathing is None else figures.trace_figure(content.breathing),
            breathing_from="" if content.breathing is None else content.breathing.found_in,
            is_by_phase=content.breathing is not None and content.breathing.bins.quantity is SortingQuantity.PHASE,
            trace_size=(figures.TRACE_WIDTH, figures.TRACE_HEIGHT),
        )
    )
