"""What the report shows of a reviewed course."""

from openigrt.report import CourseReportContent
from openigrt.tasks.results.grounds import manifest_summary, protocol_levels, timings_s
from openigrt.tasks.review.course import CourseReview
from openigrt.tasks.review.summary import others_in_words


def course_content(review: CourseReview) -> CourseReportContent:
    """The content of the report."""
    plan, source = review.plan_folder.plan, review.plan_folder.planning_image.provenance
    return CourseReportContent(
        patient_name=source.patient_name,
        patient_id=source.patient_id,
        patient_position=review.patient_position,
        plan_label=plan.label if plan else "",
        plan_approval=plan.approval if plan else "",
        planned_at=source.acquired_at,
        target=review.target.name,
        target_rule=review.target.rule,
        region=review.region,
        region_rule=review.region_rule,
        protocol=protocol_levels(review),
        answer=" ".join(others_in_words(review)),
        images=review.images,
        pictures=review.pictures,
        statistics=review.statistics,
        statistics_of_others=review.statistics_of_others,
        left_aside=review.left_aside,
        questions=review.questions,
        warnings=review.warnings,
        notes=review.notes,
        manifest=manifest_summary(review),
        created_at=review.reviewed_at,
        timings_s=timings_s(review),
    )
