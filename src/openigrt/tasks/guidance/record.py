"""correction.json: the answer of `guide` as plain values, as data/correction.schema.json describes them."""

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import CouchPose, TableAngles
from openigrt.guidance import setup_in_words
from openigrt.patient import CouchCommand, Match, Residual, Trust
from openigrt.report import RESEARCH_STATEMENT
from openigrt.tasks.guidance.guidance import Guidance
from openigrt.tasks.plain_values import moment, rounded
from openigrt.tasks.results.grounds import Record, manifest_record, protocol_record

SCHEMA_VERSION = 1


def guidance_record(guidance: Guidance) -> Record:
    """The record as nested dicts of numbers, text and None, ready for JSON."""
    match = _match(guidance.match, guidance)
    return {
        "schema_version": SCHEMA_VERSION,
        "statement": RESEARCH_STATEMENT,
        "plan": _plan(guidance),
        "image": _image(guidance),
        "region": {"name": guidance.match.region, "rule": guidance.region_rule},
        "target": {"name": guidance.target.name, "rule": guidance.target.rule},
        "match": match,
        "matches": [_match(other, guidance) for other in guidance.matches],
        "setup_error": _setup_error(guidance),
        "trust": match["trust"],
        "surrogate": {
            "verdict": str(guidance.surrogate.verdict),
            "region": guidance.surrogate.region,
            "differences_mm": {name: rounded(mm, 3) for name, mm in guidance.surrogate.differences_mm.items()},
            "limit_mm": guidance.surrogate.limit_mm,
            "reasons": list(guidance.surrogate.reasons),
        },
        "correction": _correction(guidance),
        "residual": [_residual(residual) for residual in guidance.correction.residuals],
        "decision": {
            "action": str(guidance.correction.action),
            "is_recommended": guidance.correction.is_recommended,
            "reasons": list(guidance.correction.reasons),
            "remarks": list(guidance.correction.remarks),
        },
        "protocol": protocol_record(guidance),
        "read": list(guidance.read),
        "warnings": list(guidance.warnings),
        "timing_s": dict(guidance.timing_s),
        "manifest": manifest_record(guidance, {"decided_at": moment(guidance.decided_at)}),
    }


def _plan(guidance: Guidance) -> Record:
    """The plan, or what stands in its place."""
    plan, image = guidance.plan, guidance.planning_image
    return {
        "uid": plan.uid if plan else None,
        "label": plan.label if plan else None,
        "approval": (plan.approval or None) if plan else None,
        "patient_id": image.provenance.patient_id or None,
        "patient_position": str(guidance.alignment.patient_position),
        "isocenter_mm": _numbers(guidance.alignment.plan_isocenter_mm, 3),
        "isocenter_from": guidance.isocenter_from,
        "frame_of_reference_uid": image.frame.uid,
        "series_uid": image.provenance.series_uid or None,
        "structure_set_uid": guidance.structure_set.uid if guidance.structure_set else None,
        "dose_uid": guidance.dose.uid if guidance.dose else None,
    }


def _image(guidance: Guidance) -> Record:
    """The image of the day."""
    image, alignment = guidance.daily_image, guidance.alignment
    acquired_at, age_s = image.provenance.acquired_at, guidance.image_age_s
    return {
        "series_uid": image.provenance.series_uid or None,
        "frame_of_reference_uid": image.frame.uid,
        "modality": str(image.modality),
        "acquired_at": moment(acquired_at),
        "age_h": None if age_s is None else rounded(age_s / 3600.0, 3),
        "axes": str(alignment.image_axes),
        "isocenter_mm": _numbers(alignment.daily_isocenter_mm, 3),
        "isocenter_rule": alignment.rule,
    }


def _match(match: Match, guidance: Guidance) -> Record:
    """One match: absolute matrix, shift of the isocenter, angles, score and trust."""
    alignment = guidance.alignment
    transform = match.plan_from_daily
    shift = transform.shift_about_points_mm(alignment.plan_isocenter_mm, alignment.daily_isocenter_mm)
    axes = alignment.patient_position.table_top_from_lps()
    return {
        "region": match.region,
        "metric": match.metric,
        "plan_from_daily": [_numbers(row, 9) for row in transform.matrix4()],
        "translation_mm": _numbers(shift, 4),
        "rotation_deg": _angles(TableAngles.from_matrix(axes @ transform.rotation @ axes.T)),
        "score": rounded(match.score, 4),
        "overlap": rounded(match.overlap, 4),
        "trust": _trust(match.trust),
    }


def _trust(trust: Trust) -> Record:
    """Verdict, predicted error and rivals of one match."""
    return {
        "verdict": str(trust.verdict),
        "predicted_error_mm": rounded(trust.predicted_error_mm, 3),
        "error_parts_mm": {name: rounded(mm, 3) for name, mm in trust.error_parts_mm.items()},
        "rivals": [
            {
                "offset_mm": rounded(r.offset_mm, 1),
                "score": rounded(r.score, 4),
                "score_gap": rounded(r.score_gap, 4),
            }
            for r in trust.rivals
        ],
        "evidence": {name: rounded(value, 4) for name, value in trust.evidence.items()},
        "reasons": list(trust.reasons),
    }


def _setup_error(guidance: Guidance) -> Record:
    """Where the patient is, opposite to the correction."""
    correction, position = guidance.correction, guidance.alignment.patient_position
    return {
        "translation_mm": _numbers(correction.setup_error_mm, 4),
        "rotation_deg": _angles(correction.setup_rotation),
        "words": setup_in_words(guidance.match, correction, position),
    }


def _correction(guidance: Guidance) -> Record:
    """What the couch shall do; a move that is not recommended is there for information only."""
    correction = guidance.correction
    return {
        "couch": _axes(correction.couch),
        "couch_exact": _axes(correction.couch_exact),
        "console_translation": _axes(correction.console_translation),
        "about": str(correction.about),
        "degrees_of_freedom": correction.degrees_of_freedom,
        "start": _axes(correction.start),
        "target_pose": _axes(correction.target_pose),
        "native": dict(correction.native_couch),
        "limits_exceeded": list(correction.limits_exceeded),
        "is_recommended": correction.is_recommended,
    }


def _axes(couch: CouchCommand | CouchPose | None) -> Record | None:
    """Axes of a couch by name, IEC 61217 mm and degrees; None for one that is not commanded, and for no pose at all."""
    if couch is None:
        return None
    return {name: None if value is None else rounded(value, 4) for name, value in asdict(couch).items()}


def _residual(residual: Residual) -> Record:
    """What the couch leaves at one structure."""
    return {
        "structure": residual.structure,
        "max_mm": rounded(residual.max_mm, 3),
        "rms_mm": rounded(residual.rms_mm, 3),
    }


def _angles(angles: TableAngles) -> Record:
    """Yaw, pitch and roll in degrees."""
    return {
        "yaw": rounded(angles.yaw_deg, 4),
        "pitch": rounded(angles.pitch_deg, 4),
        "roll": rounded(angles.roll_deg, 4),
    }


def _numbers(values: NDArray[np.float64], digits: int) -> list[float | None]:
    """A row of numbers."""
    return [rounded(value, digits) for value in values]
