"""What `drr` leaves behind: RT Images and pictures in `drr/`, and drr.json, all or none."""

import json
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from openigrt.dicom import PatientHeader, SeriesHeader, StudyHeader, write_projection
from openigrt.report import RESEARCH_STATEMENT, draw_radiograph
from openigrt.tasks.identifiers import derived_uid
from openigrt.tasks.plain_values import moment, rounded
from openigrt.tasks.radiographs.radiographs import Radiograph, Radiographs
from openigrt.tasks.radiographs.views import Source
from openigrt.tasks.results.folder import utf8, write_together
from openigrt.tasks.words import on_lines

SCHEMA_VERSION = 1
IMAGES, RECORD = "drr", "drr.json"
FILES = (RECORD,)
RESULTS = (IMAGES, RECORD)

Record = dict[str, object]


def write_radiographs(done: Radiographs, folder: Path) -> None:
    """Write RT Images, pictures and record; raises InputError when the folder cannot be written."""
    contents: dict[str, bytes] = {}
    patient = done.folder.planning_image.frame
    for number, made in enumerate(done.radiographs, start=1):
        contents[f"{IMAGES}/{made.name}.dcm"] = _rt_image(done, made, number)
        contents[f"{IMAGES}/{made.name}.png"] = draw_radiograph(
            made.projection, patient, captions_of(made), made.outlines
        )
    record = json.dumps(radiographs_record(done), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_together(folder, contents | {RECORD: utf8(record)}, RECORD)


def captions_of(made: Radiograph) -> tuple[str, str]:
    """What stands above and below a picture."""
    pose = made.view.pose
    angles = [f"source {pose.gantry_angle_deg:g}°"] if made.view.beam is not None else []
    if made.view.source is Source.KV:
        angles.append(f"gantry {made.view.gantry_angle_deg:g}°")
    if pose.beam_limiting_device_angle_deg:
        angles.append(f"collimator {pose.beam_limiting_device_angle_deg:g}°")
    if pose.couch is not None and pose.couch.patient_support_angle_deg:
        angles.append(f"couch {pose.couch.patient_support_angle_deg:g}°")
    named = made.view.label if made.view.beam is not None else f"{made.view.label}°"
    above = ", ".join((named, *angles))
    return above, f"DRR, {made.window} window; ticks 10 mm at the isocenter; research only"


def _rt_image(done: Radiographs, made: Radiograph, number: int) -> bytes:
    """A radiograph as RT Image in the study of the planning image, a series for each window; UIDs are of this run."""
    source = done.folder.planning_image.provenance
    digests = ",".join(file.sha256 for file in done.inputs)
    seed = f"{digests}|{sorted(map(str, done.settings.record().items()))}|{done.made_at.isoformat()}"
    series = SeriesHeader(
        PatientHeader(source.patient_id or "UNKNOWN", source.patient_name or "UNKNOWN"),
        StudyHeader(source.study_uid or derived_uid(seed, "study"), source.acquired_at or done.made_at),
        derived_uid(seed, f"series {made.window}"),
        done.made_at,
        description=f"DRR, {made.window} window",
    )
    file = BytesIO()
    dataset = write_projection(made.projection, series, derived_uid(seed, made.name), number)
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def radiographs_record(done: Radiographs) -> Record:
    """The radiographs as nested dicts of text and numbers, ready for JSON."""
    plan = done.folder.plan
    return {
        "schema_version": SCHEMA_VERSION,
        "plan": None if plan is None else {"uid": plan.uid, "label": plan.label},
        "image": {
            "frame_of_reference_uid": done.folder.planning_image.frame.uid,
            "series_uid": done.folder.planning_image.provenance.series_uid,
            "patient_position": str(done.patient_position),
        },
        "radiographs": [_radiograph_record(made) for made in done.radiographs],
        "messages": list(done.messages),
        "inputs": [{"uid": f.sop_instance_uid or None, "sha256": f.sha256} for f in done.inputs],
        "settings": done.settings.record(),
        "version": version("openigrt"),
        "run": {"made_at": moment(done.made_at), "timing_s": dict(done.timing_s)},
    }


def _radiograph_record(made: Radiograph) -> Record:
    """One radiograph."""
    view, geometry = made.view, made.projection.geometry
    couch = view.pose.couch
    return {
        "rt_image": f"{IMAGES}/{made.name}.dcm",
        "picture": f"{IMAGES}/{made.name}.png",
        "window": str(made.window),
        "beam_number": view.planned.beam_number,
        "beam_name": None if view.beam is None else view.beam.name,
        "fraction_group_number": view.planned.fraction_group_number,
        "source": str(view.source),
        "gantry_angle_deg": rounded(view.gantry_angle_deg, 6),
        "source_angle_deg": rounded(view.pose.gantry_angle_deg, 6),
        "beam_limiting_device_angle_deg": view.pose.beam_limiting_device_angle_deg,
        "patient_support_angle_deg": None if couch is None else couch.patient_support_angle_deg,
        "source_axis_distance_mm": view.pose.source_axis_distance_mm,
        "source_image_distance_mm": rounded(geometry.source_detector_distance_mm, 6),
        "isocenter_mm": [rounded(x, 6) for x in view.isocenter_mm],
        "size": list(geometry.size),
        "spacing_mm": geometry.spacing_mm.tolist(),
        "outlines": [outline.name for outline in made.outlines],
    }


def radiographs_summary(done: Radiographs, folder: Path | None) -> str:
    """What was made, in words."""
    lines = []
    for made in done.radiographs:
        pose = made.view.pose
        lines.append(
            f"{made.view.label}: source at {pose.gantry_angle_deg:g} degrees, {made.window} window, {made.name}"
        )
    lines.extend(done.messages)
    if folder is not None:
        lines.append(f"Written to {folder / IMAGES}")
    return on_lines((*lines, RESEARCH_STATEMENT))
