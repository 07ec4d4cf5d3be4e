"""What `reconstruct` leaves behind: the slices, report.html and reconstruction.json, all or none."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from pydicom import Dataset

from openigrt.dicom import (
    DeviceHeader,
    PatientHeader,
    SeriesHeader,
    StudyHeader,
    write_image_series,
)
from openigrt.images import Image
from openigrt.report import RESEARCH_STATEMENT, render_reconstruction_report
from openigrt.tasks.identifiers import derived_uid
from openigrt.tasks.plain_values import moment
from openigrt.tasks.reconstruction.asked import MOST_BINS
from openigrt.tasks.reconstruction.breathing import AMPLITUDES, PHASES
from openigrt.tasks.reconstruction.content import reconstruction_content
from openigrt.tasks.reconstruction.reconstruction import Reconstruction
from openigrt.tasks.results.folder import utf8, write_together
from openigrt.tasks.words import on_lines

SCHEMA_VERSION = 1
SLICES, SLICES_WITH_PRIOR, RECORD = "ct", "ct_with_prior", "reconstruction.json"
REPORT = "report.html"
FILES = (REPORT, RECORD)
_OF_BINS = (*(f"{PHASES}{n}" for n in range(100)), *(f"{AMPLITUDES}{n}" for n in range(1, MOST_BINS + 1)))
RESULTS = (SLICES, SLICES_WITH_PRIOR, *_OF_BINS, *FILES)
LARGEST_HU, SMALLEST_HU = 32000.0, -2000.0

Record = dict[str, object]


def write_reconstruction(done: Reconstruction, folder: Path) -> None:
    """Write the CT series, the report and the record; raises InputError when the folder cannot be written."""
    contents: dict[str, bytes] = {}
    for place, image in _images(done):
        contents |= {f"{place}/CBCT_{k:04d}.dcm": made for k, made in enumerate(_slices(done, place, image), start=1)}
    record = json.dumps(reconstruction_record(done), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    page = render_reconstruction_report(reconstruction_content(done))
    write_together(folder, contents | {REPORT: utf8(page), RECORD: utf8(record)}, RECORD)


def _images(done: Reconstruction) -> Iterator[tuple[str, Image]]:
    """The images of a reconstruction, each with the folder that it goes to."""
    yield SLICES, done.image
    if done.prior is not None and done.prior.image is not None:
        yield SLICES_WITH_PRIOR, done.prior.image
    for made in done.bins:
        if made.image is not None:
            yield made.folder, made.image


def reconstruction_record(done: Reconstruction) -> Record:
    """The reconstruction as nested dicts of text and numbers, ready for JSON."""
    grid = done.image.grid
    trajectory = done.scan.trajectory
    position = done.image.provenance.patient_position
    return {
        "schema_version": SCHEMA_VERSION,
        "projections": {
            "count": len(done.scan),
            "columns_rows": list(trajectory.size),
            "spacing_mm": trajectory.spacing_mm.tolist(),
            "quantity": str(done.scan.quantity),
            "sha256": done.fingerprint,
        },
        "arc": {"kind": str(done.arc.kind), "start_deg": done.arc.start_deg, "range_deg": done.arc.range_deg},
        "fan": str(done.fan),
        "field_of_view": {
            "radius_mm": round(done.field_of_view.radius_mm, 3),
            "first_mm": round(done.field_of_view.first_mm, 3),
            "last_mm": round(done.field_of_view.last_mm, 3),
        },
        "image": {
            "frame_of_reference_uid": grid.frame.uid,
            "size": list(grid.size),
            "spacing_mm": grid.spacing_mm.tolist(),
            "origin_mm": [round(x, 6) + 0.0 for x in grid.origin_mm],
            "direction": grid.direction.round(9).tolist(),
            "patient_position": None if position is None else str(position),
        },
        "prior": _prior_record(done),
        "breathing": [
            {"bin": made.name, "projections": made.projections, "has_image": made.image is not None}
            for made in done.bins
        ],
        "messages": list(done.messages),
        "settings": done.settings.record(),
        "version": version("openigrt"),
        "run": {"reconstructed_at": moment(done.reconstructed_at), "timing_s": dict(done.timing_s)},
    }


def _prior_record(done: Reconstruction) -> Record | None:
    """The match by which the planning CT was laid."""
    if done.prior is None:
        return None
    match = done.prior.match
    return {
        "plan_from_daily": match.plan_from_daily.matrix4().round(9).tolist(),
        "region": match.region,
        "verdict": str(match.trust.verdict),
        "reasons": list(match.trust.reasons),
        "is_used": done.prior.image is not None,
    }


def reconstruction_summary(done: Reconstruction, folder: Path | None) -> str:
    """What was made, in words."""
    grid, arc = done.image.grid, done.arc
    size = " x ".join(str(n) for n in grid.size)
    lines = [
        f"Cone-beam CT of {size} voxels of {grid.spacing_mm[0]:g} mm from {len(done.scan)} projections over "
        f"{arc.range_deg:.0f} degrees, {done.fan} fan, {done.settings.method}.",
        *done.messages,
    ]
    if done.prior is not None and done.prior.image is not None:
        lines.append(
            f"The planning CT was laid by the match on {done.prior.match.region}, {done.prior.match.trust.verdict}; "
            f"{SLICES_WITH_PRIOR} contains it, and is for dose and contours, never for a match."
        )
    if folder is not None:
        lines.append(f"Written to {folder / SLICES}.")
    return on_lines((*lines, RESEARCH_STATEMENT))


def _slices(done: Reconstruction, place: str, image: Image) -> Iterator[bytes]:
    """The slices of an image as files; their UIDs are of this run."""
    settings = sorted((name, str(value)) for name, value in done.settings.record().items())
    seed = f"{done.fingerprint}|{settings}|{done.reconstructed_at.isoformat()}"
    source = image.provenance
    words = [f"CBCT {done.settings.method}", source.series_description, str(source.phase or "")]
    series = SeriesHeader(
        PatientHeader(source.patient_id or "UNKNOWN", source.patient_name or "UNKNOWN"),
        StudyHeader(source.study_uid or derived_uid(seed, "study"), source.acquired_at or done.reconstructed_at),
        derived_uid(seed, f"series {place}"),
        done.reconstructed_at,
        description=", ".join(word for word in words if word),
        device=DeviceHeader(station_name=source.station_name),
    )
    written = replace(
        image, voxels=image.voxels.clip(SMALLEST_HU, LARGEST_HU), provenance=replace(source, instance_uids=())
    )
    for dataset in write_image_series(written, series):
        if source.acquired_at is None:
            _leave_time_open(dataset)
        file = BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        yield file.getvalue()


def _leave_time_open(dataset: Dataset) -> None:
    """Take out the times from which an age would be counted: when it was reconstructed is not when it was taken."""
    dataset.StudyDate, dataset.StudyTime = "", ""
    for keyword in ("SeriesDate", "SeriesTime", "ContentDate", "ContentTime"):
        if keyword in dataset:
            delattr(dataset, keyword)
