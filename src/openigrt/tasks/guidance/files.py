"""What `guide` leaves behind: correction.json, registration.dcm and report.html, all or none."""

import json
from io import BytesIO
from pathlib import Path

from openigrt.dicom import PatientHeader, SeriesHeader, StudyHeader, write_spatial_registration
from openigrt.registration import field_of_view_mask
from openigrt.report import GuidanceReportContent, render_guidance_report
from openigrt.tasks.guidance.guidance import Guidance
from openigrt.tasks.guidance.record import guidance_record
from openigrt.tasks.identifiers import derived_uid
from openigrt.tasks.results.folder import require_usable_folder, utf8, write_together
from openigrt.tasks.results.grounds import manifest_summary, protocol_levels, timings_s
from openigrt.tasks.words import require_paths

RESULTS = CORRECTION, REGISTRATION, REPORT = "correction.json", "registration.dcm", "report.html"


def write_guidance(guidance: Guidance, folder: str | Path) -> Path:
    """Write the three files into `folder` (made if need be) and return it; older ones are moved to its `former`.

    All are made before the folder is touched, written beside their places and moved in at the end, the record last; a
    failure leaves none of them. Raises InputError when the folder cannot be written.
    """
    require_paths(folder=folder)
    folder = Path(folder)
    require_usable_folder(folder, RESULTS)
    contents = {
        REGISTRATION: _registration(guidance),
        REPORT: utf8(render_guidance_report(report_content(guidance))),
        CORRECTION: utf8(json.dumps(guidance_record(guidance), indent=2, ensure_ascii=False, allow_nan=False) + "\n"),
    }
    write_together(folder, contents, CORRECTION)
    return folder


def _registration(guidance: Guidance) -> bytes:
    """The Spatial Registration of the match as a file, in the study of the planning image; its UIDs are of this run."""
    source = guidance.planning_image.provenance
    seed = guidance_seed(guidance)
    series = SeriesHeader(
        PatientHeader(source.patient_id or "UNKNOWN", source.patient_name or "UNKNOWN"),
        StudyHeader(source.study_uid or derived_uid(seed, "study"), source.acquired_at or guidance.decided_at),
        derived_uid(seed, "series"),
        guidance.decided_at,
        description=f"OpenIGRT match, {guidance.match.trust.verdict}, on {guidance.match.region}",
    )
    images = guidance.planning_image, guidance.daily_image
    dataset = write_spatial_registration(guidance.match.plan_from_daily, images, series, derived_uid(seed, "instance"))
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def guidance_seed(guidance: Guidance) -> str:
    """Text that is the same for the same inputs, settings, answer and moment: what UIDs are derived from."""
    digests = ",".join(f.sha256 for f in guidance.inputs)
    return f"{digests}|{sorted(guidance.settings.items())}|{guidance.seed}|{guidance.decided_at.isoformat()}"


def report_content(guidance: Guidance) -> GuidanceReportContent:
    """What the report shows of a guidance."""
    alignment = guidance.alignment
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
        protocol=protocol_levels(guidance),
        alignment_rule=alignment.rule,
        daily_field=field_of_view_mask(guidance.daily_image),
        manifest=manifest_summary(guidance),
        read=guidance.read,
        warnings=guidance.warnings,
        image_age_s=guidance.image_age_s,
        image_validity_s=guidance.protocol.image_validity_s,
        created_at=guidance.decided_at,
        timings_s=timings_s(guidance),
    )
