"""review.json: a reviewed course as plain values, as data/review.schema.json describes them."""

from collections.abc import Mapping
from dataclasses import asdict

from openigrt.guidance import AxisStatistics, CourseImage, Found, OtherView, SetupError, Verification
from openigrt.report import RESEARCH_STATEMENT
from openigrt.tasks.plain_values import moment, rounded
from openigrt.tasks.results.grounds import Record, manifest_record, protocol_record
from openigrt.tasks.review.course import CourseReview

SCHEMA_VERSION = 1
DIGITS = 4


def review_record(review: CourseReview) -> Record:
    """The record as nested dicts of numbers, text and None, ready for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "statement": RESEARCH_STATEMENT,
        "plan": _plan(review),
        "region": {"name": review.region, "rule": review.region_rule},
        "target": {"name": review.target.name, "rule": review.target.rule},
        "protocol": protocol_record(review),
        "needs_person": review.needs_person,
        "questions": list(review.questions),
        "images": [_image(image) for image in review.images],
        "statistics": {
            "ours": _statistics(review.statistics),
            "others": _statistics(review.statistics_of_others),
        },
        "left_aside": list(review.left_aside),
        "warnings": list(review.warnings),
        "notes": list(review.notes),
        "timing_s": dict(review.timing_s),
        "manifest": manifest_record(review, {"reviewed_at": moment(review.reviewed_at)}),
    }


def _plan(review: CourseReview) -> Record:
    """The plan, or what stands in its place."""
    plan, image, structures = (
        review.plan_folder.plan,
        review.plan_folder.planning_image,
        review.plan_folder.structure_set,
    )
    return {
        "uid": plan.uid if plan else None,
        "label": plan.label if plan else None,
        "approval": (plan.approval or None) if plan else None,
        "patient_id": image.provenance.patient_id or None,
        "patient_position": review.patient_position or None,
        "isocenter_mm": [_rounded(x) for x in review.isocenter_mm],
        "isocenter_from": review.isocenter_from,
        "frame_of_reference_uid": image.frame.uid,
        "series_uid": image.provenance.series_uid or None,
        "structure_set_uid": structures.uid if structures else None,
    }


def _image(image: CourseImage) -> Record:
    """One image at its place."""
    review, verification = image.review, image.verification
    return {
        "number": image.number,
        "session": image.session,
        "role": str(image.role),
        "copy_of": image.copy_of,
        "series_uid": review.series_uid,
        "study_uid": review.study_uid or None,
        "frame_of_reference_uid": review.frame_uid or None,
        "description": review.description or None,
        "modality": review.modality or None,
        "acquired_at": moment(review.acquired_at),
        "attention": list(image.attention),
        "problem": review.problem or None,
        "found": None if review.found is None else _found(review.found),
        "registrations": [_other(other) for other in review.others],
        "verification": None if verification is None else _verification(verification, image.after),
        "digest": review.key or None,
    }


def _found(found: Found) -> Record:
    """What the match of one image says."""
    return {
        "region": found.region,
        "metric": found.metric,
        "plan_from_daily": [[rounded(x, 9) for x in row] for row in found.plan_from_daily],
        "setup_error": _axes(found.setup_error),
        "off_target_mm": _rounded(found.off_target_mm),
        "verdict": str(found.verdict),
        "predicted_error_mm": _rounded(found.predicted_error_mm),
        "trust_reasons": list(found.trust_reasons),
        "score": _rounded(found.score),
        "overlap": _rounded(found.overlap),
        "surrogate": str(found.surrogate),
        "surrogate_reasons": list(found.surrogate_reasons),
        "differences_mm": _each(found.differences_mm),
        "action": str(found.action),
        "reasons": list(found.reasons),
        "warnings": list(found.warnings),
        "isocenter_rule": found.isocenter_rule,
        "gives_couch_move": found.gives_couch_move,
    }


def _other(other: OtherView) -> Record:
    """One registration of another system."""
    return {
        "uid": other.uid,
        "name": other.name,
        "maker": other.maker or None,
        "created_at": moment(other.created_at),
        "is_judged": other.is_judged,
        "problem": other.problem or None,
        "agreement": None if other.agreement is None else str(other.agreement),
        "setup_error": _axes(other.setup_error),
        "apart_mm": [_rounded(x) for x in other.apart_mm] or None,
        "largest_mm": _rounded(other.largest_mm),
        "rotation_deg": _rounded(other.rotation_deg),
        "exchanged_mm": _rounded(other.exchanged_mm),
        "regions_mm": _each(other.regions_mm or {}),
        "similarity_ours": _rounded(other.similarity_ours),
        "similarity_other": _rounded(other.similarity_other),
        "similarity_deviation": _rounded(other.similarity_deviation),
    }


def _verification(verification: Verification, after: int | None) -> Record:
    """What an image says after the one before it."""
    return {
        "after": after,
        "residual_mm": _rounded(verification.residual_mm),
        "tolerance_mm": verification.tolerance_mm,
        "is_within": verification.is_within,
        "grew": list(verification.grew),
        "causes": list(verification.causes),
    }


def _statistics(by_axis: Mapping[str, AxisStatistics]) -> Record:
    """Mean, standard deviation and number by axis."""
    return {
        axis: {"mean": _rounded(found.mean), "deviation": _rounded(found.deviation), "count": found.count}
        for axis, found in by_axis.items()
    }


def _axes(error: SetupError | None) -> Record | None:
    """Six axes by name."""
    return None if error is None else {name: _rounded(value) for name, value in asdict(error).items()}


def _each(values: Mapping[str, float]) -> Record:
    """Numbers by name."""
    return {name: _rounded(value) for name, value in values.items()}


def _rounded(value: float | None) -> float | None:
    """A number with the digits that all have here."""
    return rounded(value, DIGITS)
