"""What `reconstruct` leaves behind: the slices, reconstruction.json and a picture, all or none."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from openigrt.dicom import (
    DeviceHeader,
    PatientHeader,
    SeriesHeader,
    StudyHeader,
    write_image_series,
)
from openigrt.images import Image
from openigrt.tasks.identifiers import derived_uid
from openigrt.tasks.plain_values import moment
from openigrt.tasks.reconstruction import Reconstruction
from openigrt.tasks.result_folder import utf8, write_together

SCHEMA_VERSION = 1
SLICES, RECORD = "ct", "reconstruction.json"
FILES = (RECORD,)
RESULTS = (SLICES, *FILES)
LARGEST_HU, SMALLEST_HU = 32000.0, -2000.0

Record = dict[str, object]


def write_reconstruction(done: Reconstruction, folder: Path) -> None:
    """Write a CT series and the record; raises InputError when the folder cannot be written."""
    contents = {f"{SLICES}/CBCT_{k:04d}.dcm": content for k, content in enumerate(_slices(done), start=1)}
    record = json.dumps(reconstruction_record(done), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_together(folder, contents | {RECORD: utf8(record)})


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
        "messages": list(done.messages),
        "settings": done.settings.record(),
        "version": version("openigrt"),
        "run": {"reconstructed_at": moment(done.reconstructed_at), "timing_s": dict(done.timing_s)},
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
    if folder is not None:
        lines.append(f"Written to {folder / SLICES}; guide with it: openigrt guide PLAN {folder / SLICES}")
    return "".join(f"{line}\n" for line in lines)


def _slices(done: Reconstruction) -> Iterator[bytes]:
    """The slices as files; their UIDs are of this run."""
    seed = f"{done.fingerprint}|{sorted(done.settings.record().items())}|{done.reconstructed_at.isoformat()}"
    source = done.image.provenance
    series = SeriesHeader(
        PatientHeader(source.patient_id or "UNKNOWN", source.patient_name or "UNKNOWN"),
        StudyHeader(source.study_uid or derived_uid(seed, "study"), source.acquired_at or done.reconstructed_at),
        derived_uid(seed, "series"),
        done.reconstructed_at,
        description=f"OpenIGRT cone-beam CT, {done.settings.method}",
        device=DeviceHeader(station_name=source.station_name),
    )
    acquired_at = source.acquired_at or done.reconstructed_at
    image = replace(
        done.image,
        voxels=done.image.voxels.clip(SMALLEST_HU, LARGEST_HU),
        provenance=replace(source, acquired_at=acquired_at, instance_uids=()),
    )
    return _files(image, series)


def _files(image: Image, series: SeriesHeader) -> Iterator[bytes]:
    for dataset in write_image_series(image, series):
        file = BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        yield file.getvalue()
