"""What `guide` leaves behind: correction.json, registration.dcm and report.html, all or none."""

import json
import os
import shutil
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from openigrt.dicom import PatientHeader, SeriesHeader, StudyHeader, save, write_spatial_registration
from openigrt.errors import InputError
from openigrt.registration import field_of_view_mask
from openigrt.report import GuidanceReportContent, ManifestSummary, ProtocolLevels, render_guidance_report
from openigrt.tasks.guidance import Guidance
from openigrt.tasks.guidance_record import guidance_record
from openigrt.tasks.identifiers import derived_uid

CORRECTION, REGISTRATION, REPORT = "correction.json", "registration.dcm", "report.html"


def write_guidance(guidance: Guidance, folder: str | Path) -> Path:
    """Write the three files into `folder` (made if need be) and return it; older ones of the same name are replaced.

    They are made beside the folder first and moved in at the end, so that a failure leaves nothing half-written. Raises
    InputError when the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".guidance-", dir=folder))
    except OSError as error:
        raise InputError(f"Cannot write to {folder}: {error.strerror}; choose another folder with --out.") from error
    try:
        record = json.dumps(guidance_record(guidance), indent=2, ensure_ascii=False, allow_nan=False)
        (staging / CORRECTION).write_text(record + "\n", encoding="utf-8")
        _write_registration(guidance, staging / REGISTRATION)
        (staging / REPORT).write_text(render_guidance_report(report_content(guidance)), encoding="utf-8")
        for name in (REGISTRATION, REPORT, CORRECTION):
            os.replace(staging / name, folder / name)  # noqa: PTH105  (Path.replace hides that this is atomic)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _write_registration(guidance: Guidance, path: Path) -> None:
    """The Spatial Registration of the match, in the study of the planning image; UIDs from what was matched."""
    source = guidance.planning_image.provenance
    seed = guidance_seed(guidance)
    series = SeriesHeader(
        PatientHeader(source.patient_id or "UNKNOWN", source.patient_name or "UNKNOWN"),
        StudyHeader(source.study_uid or derived_uid(seed, "study"), source.acquired_at or guidance.decided_at),
        derived_uid(seed, "series"),
        guidance.decided_at,
        description=f"OpenIGRT match on {guidance.match.region}"[:64],
    )
    images = guidance.planning_image, guidance.daily_image
    save(
        write_spatial_registration(guidance.match.plan_from_daily, images, series, derived_uid(seed, "instance")), path
    )


def guidance_seed(guidance: Guidance) -> str:
    """Text that is the same for the same inputs, settings, answer and moment: what UIDs are derived from."""
    digests = ",".join(f.sha256 for f in guidance.inputs)
    return f"{digests}|{sorted(guidance.settings.items())}|{guidance.seed}|{guidance.decided_at.isoformat()}"


def report_content(guidance: Guidance) -> GuidanceReportContent:
    """What the report shows of a guidance."""
    protocol, alignment = guidance.protocol, guidance.alignment
    kinds = Counter(path.suffix or "without suffix" for path in (f.path for f in guidance.inputs))
    return GuidanceReportContent(
        planning_image=guidance.planning_image,
        daily_image=guidance.daily_image,
        structures=guidance.structure_set,
        plan=guidance.plan,
        dose=guidance.dose,
        target=guidance.target,
        plan_isocenter_mm=alignment.plan_isocenter_mm,
        daily_isocenter_mm=alignment.daily_isocenter_mm,
        patient_position=alignment.patient_position,
        matches=guidance.matches,
        region=guidance.match.region,
        surrogate=guidance.surrogate,
        correction=guidance.correction,
        protocol=ProtocolLevels(
            protocol.name,
            protocol.action_level_mm,
            protocol.call_level_mm,
            protocol.rotation_limit_deg,
            protocol.verification_tolerance_mm,
            guidance.allowed_error_mm,
        ),
        alignment_rule=alignment.rule,
        daily_field=field_of_view_mask(guidance.daily_image),
        manifest=ManifestSummary(version("openigrt"), guidance.seed, dict(kinds), guidance.settings),
        read=guidance.messages,
        warnings=(),
        image_age_s=guidance.image_age_s,
        image_validity_s=protocol.image_validity_s,
        created_at=guidance.decided_at,
        timings_s=guidance.timing_s,
    )
