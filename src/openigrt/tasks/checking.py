"""What is in a folder of DICOM, what belongs together, and what is missing or wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from openigrt.dicom import (
    IMAGE_CLASSES,
    Finding,
    Instance,
    Inventory,
    Links,
    Series,
    Severity,
    by_severity,
    find_problems,
    find_unknown_names,
    find_unreadable,
    links_of,
    modality_of,
    phases_in,
    scan_folder,
)
from openigrt.errors import UnreadableFile
from openigrt.files import read_aliases
from openigrt.images import Modality, Phase
from openigrt.tasks.clock import Progress
from openigrt.tasks.words import given, on_lines, require_listener, require_paths

SCHEMA_VERSION = 1
NO_FRAME = "no frame of reference"

Record = dict[str, object]


@dataclass(frozen=True, eq=False, slots=True)
class FolderCheck:
    """The objects of a folder, who of them names whom, and every finding, the worst first."""

    inventory: Inventory
    links: Links
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Severity | None:
        """The severity of the worst finding; None where there is none."""
        return self.findings[0].severity if self.findings else None

    def role_of(self, series: Series) -> str:
        """What a series is for, as far as the objects of the folder say."""
        if series.sop_class_uid not in IMAGE_CLASSES:
            return ""
        if any(planning.image is series for planning in self.links.plannings):
            return "planning image"
        if any(drawing.image is series for drawing in self.links.drawings):
            return "contoured image"
        try:
            is_cone_beam = modality_of(series.instances[0]) is Modality.CBCT
        except UnreadableFile:
            return "image"
        return "image of the day" if is_cone_beam else "image"

    def phases_of(self, series: Series) -> tuple[Phase, ...]:
        """The phases of an image series that holds several volumes at one place, or the one that it describes."""
        return phases_in(series) if series.sop_class_uid in IMAGE_CLASSES else ()


def check(
    folder: str | Path, progress: Progress = lambda words: None, *, aliases: str | Path | None = None
) -> FolderCheck:
    """Read all headers below a folder and say what belongs together and what is wrong; nothing is written.

    With an alias file, `aliases`, the names of structures are looked up in it, too. `progress` hears each step. Raises
    MissingInput where there is no folder or no DICOM in it, UnreadableFile where it holds nothing but damaged DICOM or
    where the alias file cannot be read.
    """
    require_paths(folder=folder, **given(aliases=aliases))
    require_listener(progress)
    known = None if aliases is None else read_aliases(Path(aliases))
    progress("reading headers")
    inventory = scan_folder(Path(folder), lambda done, count: progress(f"reading headers, {done} of {count}"))
    progress("looking for what belongs together")
    links = links_of(inventory)
    found = find_problems(inventory, links)
    if known is not None:
        progress("looking up the names of structures")
        found = by_severity((*found, *find_unknown_names(inventory, known)))
    return FolderCheck(inventory, links, found)


def check_whole(
    folder: str | Path, progress: Progress = lambda words: None, *, aliases: str | Path | None = None
) -> FolderCheck:
    """The same as `check`, and every image series and object read whole; what is refused is a finding more."""
    found = check(folder, progress, aliases=aliases)
    told = {finding.sentence for finding in found.findings}
    refused = find_unreadable(
        found.inventory, found.links, lambda done, count: progress(f"reading objects, {done} of {count}")
    )
    more = {finding.sentence: finding for finding in refused if finding.sentence not in told}  # once for all copies
    return replace(found, findings=by_severity((*found.findings, *more.values())))


def check_record(found: FolderCheck) -> Record:
    """The check as nested dicts of text and numbers, ready for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "folder": str(found.inventory.path),
        "series": [_series_record(series, found) for series in found.inventory.series],
        "plans": [
            {
                "uid": planning.plan.uid,
                "structure_set_uid": planning.structure_set_uid or None,
                "structure_set_is_here": planning.drawing is not None,
                "image_series_uid": planning.image.uid if planning.image else None,
                "dose_uids": [dose.uid for dose in planning.doses],
            }
            for planning in found.links.plannings
        ],
        "structure_sets": [
            {
                "uid": drawing.structure_set.uid,
                "frame_of_reference_uid": drawing.frame_uid or None,
                "image_series_uid": drawing.image.uid if drawing.image else None,
                "absent_slices": len(drawing.absent_uids),
            }
            for drawing in found.links.drawings
        ],
        "findings": [
            {
                "severity": str(finding.severity),
                "sentence": finding.sentence,
                "advice": finding.advice,
                "about": list(finding.about),
            }
            for finding in found.findings
        ],
    }


def _series_record(series: Series, found: FolderCheck) -> Record:
    """One series: whose it is, what it is, and where it lies."""
    first = series.instances[0]
    return {
        "uid": series.uid,
        "sop_class": first.class_name,
        "description": series.description,
        "instances": len(series.instances),
        "patient_id": first.patient_id,
        "patient_name": first.patient_name,
        "study_uid": first.study_uid,
        "frame_of_reference_uid": found.links.frame_uid_of(first) or None,
        "role": found.role_of(series),
        "phases": [str(phase) for phase in found.phases_of(series)],
    }


def check_summary(found: FolderCheck) -> str:
    """Patients, studies, frames and series as a tree, then what belongs together, then the findings."""
    return on_lines([*_tree(found), *_plans(found), *_findings(found)])


def _tree(found: FolderCheck) -> Iterator[str]:
    """The inventory: one level of indentation each for patient, study, frame and series."""
    above: tuple[str, ...] = ()
    placed = ((_place(series, found), series) for series in found.inventory.series)
    for key, series in sorted(placed, key=lambda entry: entry[0]):
        for depth, name in enumerate(key):
            if key[: depth + 1] != above[: depth + 1]:
                yield "  " * depth + name
        told = [str(series), found.role_of(series), _phases(found.phases_of(series))]
        yield "  " * len(key) + ", ".join(filter(None, told))
        above = key


def _phases(phases: tuple[Phase, ...]) -> str:
    """Phases as they are listed."""
    return f"phase{'s:' if len(phases) > 1 else ''} {', '.join(map(str, phases))}" if phases else ""


def _place(series: Series, found: FolderCheck) -> tuple[str, str, str]:
    """Patient, study and frame of a series, as they are listed."""
    first = series.instances[0]
    frame_uid = found.links.frame_uid_of(first)
    return (
        f"Patient {first.patient_name or 'without name'} (ID {first.patient_id or 'none'})",
        f"Study {first.study_uid}",
        f"Frame {frame_uid}" if frame_uid else NO_FRAME,
    )


def _plans(found: FolderCheck) -> Iterator[str]:
    """What belongs to each plan."""
    for planning in found.links.plannings:
        yield f"Plan {_named(planning.plan)}"
        yield f"  structures: {_named(planning.drawing.structure_set) if planning.drawing else 'not here'}"
        yield f"  image: {planning.image or 'not here'}"
        yield f"  dose: {', '.join(map(_named, planning.doses)) or 'not here'}"


def _named(instance: Instance) -> str:
    """An object by the name of its file and its UID."""
    return f"{instance.path.name} [{instance.uid}]"


def _findings(found: FolderCheck) -> Iterator[str]:
    """Each finding and what to do, and how many of each kind."""
    for finding in found.findings:
        yield f"{finding.severity.upper()}: {finding.sentence}"
        yield f"  {finding.advice}"
    counts = {severity: sum(f.severity is severity for f in found.findings) for severity in Severity}
    yield ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items()) + "."
