"""What the report shows of a reviewed course."""

from collections import Counter
from importlib.metadata import version

from openigrt.report import CourseReportContent, ManifestSummary, ProtocolLevels
from openigrt.tasks.course import CourseReview
from openigrt.tasks.review_summary import others_in_words


def course_content(review: CourseReview) -> CourseReportContent:
    """The content of the report."""
    plan, source, protocol = review.plan_folder.plan, review.plan_folder.planning_image.provenance, review.protocol
    kinds = Counter(file.path.suffix or "without suffix" for file in review.inputs)
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
        protocol=ProtocolLevels(
            protocol.name,
            protocol.action_level_mm,
            protocol.call_level_mm,
            protocol.rotation_limit_deg,
            protocol.verification_tolerance_mm,
            review.allowed_error_mm,
        ),
        answer=" ".join(others_in_words(review)),
        images=review.images,
        pictures=review.pictures,
        statistics=review.statistics,
        statistics_of_others=review.statistics_of_others,
        left_aside=review.left_aside,
        questions=review.questions,
        warnings=review.warnings,
        notes=review.notes,
        manifest=ManifestSummary(version("openigrt"), review.seed, dict(kinds), review.settings),
        created_at=review.reviewed_at,
        timings_s={name.replace("_", " "): seconds for name, seconds in review.timing_s.items()},
    )
