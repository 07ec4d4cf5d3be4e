"""The report of a course: everything as one HTML page that needs nothing else."""

from openigrt.guidance import AXES, Agreement, CourseImage, Verification, beyond_level, setup_errors
from openigrt.report import trends
from openigrt.report.course_content import CourseReportContent
from openigrt.report.guidance_report import RESEARCH_STATEMENT, page_environment

TELLING_DEVIATIONS, TELLING_GAP = 2.0, 0.01


def render_course_report(content: CourseReportContent) -> str:
    """The page, as HTML text: no script, no outside resource; the same content gives the same text."""
    judged = [image for image in content.images if image.review.judged is not None]
    agree = [image for image in judged if image.review.judged and image.review.judged.agreement is Agreement.AGREES]
    verifications = [image.verification for image in content.images if image.verification is not None]
    return (
        page_environment()
        .get_template("course.html.j2")
        .render(
            content=content,
            statement=RESEARCH_STATEMENT,
            axes=[axis.rpartition("_")[::2] for axis in AXES],
            charts=trends.trend_charts(content.images, content.statistics, content.protocol),
            chart_size=(trends.WIDTH, trends.HEIGHT, trends.LEFT, trends.RIGHT, trends.TOP, trends.BOTTOM),
            differing=[image for image in judged if image not in agree],
            judged_count=len(judged),
            agree_count=len(agree),
            verified=[image for image in content.images if image.verification is not None],
            within_count=_within(verifications),
            matched_count=sum(image.review.found is not None for image in content.images),
            setup_count=len(setup_errors(content.images)),
            beyond_count=beyond_level(content.images, content.protocol.action_level_mm),
            before=_by_number(content.images),
            similarity_in_words=similarity_in_words,
        )
    )


def _within(verifications: list[Verification]) -> int:
    """How many verifications are within the tolerance."""
    return sum(verification.is_within for verification in verifications)


def _by_number(images: tuple[CourseImage, ...]) -> dict[int, CourseImage]:
    """The images by their numbers."""
    return {image.number: image for image in images}


def similarity_in_words(ours: float | None, other: float | None, deviation: float | None) -> str:
    """What two similarities say, where they differ by 0.01 and by two standard deviations of the difference."""
    if ours is None or other is None:
        return "Under one of the two the region lies outside the image: they cannot be compared."
    gap, spread = ours - other, deviation or 0.0
    if abs(gap) <= max(TELLING_GAP, TELLING_DEVIATIONS * spread):
        return "The images are about equally alike under both."
    return f"The images are more alike under {'our match' if gap > 0.0 else 'the other one'}."
