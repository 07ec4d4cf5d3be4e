"""What the report shows of a course."""

from collections.abc import Mapping
from importlib.metadata import version

from openigrt.report import ManifestSummary, ShownFraction, TreatedCourseContent
from openigrt.tasks.course.course import Course
from openigrt.tasks.course.fraction import Fraction, TakenImage
from openigrt.tasks.course.settings import Imaging

IMAGING_WORDS: Mapping[Imaging, str] = {
    Imaging.QUICK: "cone-beam CT, rendered without projections",
    Imaging.DEMO: "cone-beam CT from few projections",
    Imaging.FULL: "cone-beam CT from projections",
}
BUDGET = {
    "Match": "match_mm",
    "Imager": "imager_mm",
    "Couch": "couch_mm",
    "Motion": "motion_mm",
}


def course_content(course: Course) -> TreatedCourseContent:
    """Everything that the page says."""
    planned = course.planned
    return TreatedCourseContent(
        anatomy=course.settings.anatomy or "a patient of your own",
        patient_name=planned.patient_name,
        patient_id=planned.patient_id,
        patient_position=planned.patient_position,
        plan_label=planned.plan_label,
        prescription=planned.prescription,
        target=planned.target,
        region=planned.region,
        protocol=planned.protocol,
        imaging=IMAGING_WORDS[course.settings.imaging],
        planned_at=planned.planned_at,
        fractions=tuple(_shown(fraction) for fraction in course.fractions),
        expansion_mm=course.expansion_mm,
        reach_mm=course.reach_mm,
        image_count=len(course.images),
        trusted_count=len(course.trusted),
        beyond_count=len(course.beyond_their_bound),
        margin_mm=planned.margin_mm,
        pictures=course.pictures,
        settings=course.settings.words(),
        manifest=ManifestSummary(version("openigrt"), course.settings.seed, {}, {}),
    )


def _shown(fraction: Fraction) -> ShownFraction:
    """One fraction for the page."""
    first, delivery, verification = fraction.first, fraction.delivery, fraction.verification
    budget = delivery.budget if delivery else None
    return ShownFraction(
        number=fraction.number,
        treated_at=fraction.treated_at,
        link=f"fractions/{fraction.number:02d}/{first.folder}/guidance/report.html",
        image_count=len(fraction.images),
        verdict=first.verdict,
        predicted_error_mm=first.predicted_error_mm,
        match_error_mm=first.match_error_mm,
        match_error_deg=first.match_error_deg,
        before=first.true,
        believed=fraction.believed,
        after=delivery.residual if delivery else None,
        largest_mm=delivery.largest_mm if delivery else None,
        expansion_mm=delivery.expansion_mm if delivery else None,
        delivered_mu=delivery.delivered_mu if delivery else None,
        since_image_s=delivery.since_image_s if delivery else None,
        verified_mm=verification.found.length_mm if verification and verification.found else None,
        budget_mm={name: getattr(budget, field) for name, field in BUDGET.items()} if budget else {},
        deformation_mm=budget.deformation_mm if budget else None,
        notes=tuple(note for image in fraction.images for note in _notes(image)),
    )


def _notes(image: TakenImage) -> tuple[str, ...]:
    """What a person was called for, and decided."""
    if image.action != "call":
        return ()
    decided = "The move was approved." if image.is_moved else "No move was made."
    return (f"A person was called at the {image.purpose} image: {' '.join(image.reasons)} {decided}",)
