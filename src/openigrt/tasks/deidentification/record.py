"""What a de-identification says of itself: for programs and for people, without one original value."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from openigrt.dicom import ADVICE, NOTHING_LEFT, Doubt, Finding, Option, Profile, Pseudonyms, Remark, Severity
from openigrt.tasks.words import on_lines

SCHEMA_VERSION = 1
MOST_FILES_NAMED = 20
STRUCTURE_NAMES = ("ROIName", "SegmentLabel")
SUVS_NEED_WEIGHT = "1.2.840.10008.5.1.4.1.1.128"

Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class DeidentifiedSeries:
    """Objects of one class in one series as they were written; `folder` is their place in the result."""

    patient_id: str
    sop_class: str
    sop_class_uid: str
    folder: str
    objects: int
    doubts: frozenset[Doubt]


@dataclass(frozen=True, eq=False, slots=True)
class Deidentification:
    """What was written and what was left out, without one original value; `told` alone is for who holds the originals.

    `remarks` counts what happened to attributes by what and which, `reworded` names the files whose attribute lost
    words, `left_out` counts files by why, and `namesakes` are new patient IDs whose objects may be of several people.
    `holes` counts objects that could not be read by their new Series Instance UID, and `ambiguous` are new SOP Instance
    UIDs that several objects share.
    """

    mark: Mapping[str, object]
    options: frozenset[Option]
    method_codes: tuple[tuple[str, str], ...]
    series: tuple[DeidentifiedSeries, ...]
    remarks: Mapping[tuple[Remark, str], int]
    reworded: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, int]
    namesakes: tuple[str, ...]
    holes: Mapping[str, int]
    ambiguous: tuple[str, ...]
    told: tuple[str, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a person must look at (warnings), and what is good to know (notes)."""
        found = (
            *_doubts(self),
            *_namesakes(self),
            *_holes(self),
            *_ambiguous(self),
            *_numbers(self),
            *_structures(self),
            *_notes(self),
        )
        return tuple(sorted(found, key=lambda finding: finding.severity is not Severity.WARNING))

    @property
    def is_person_needed(self) -> bool:
        """Whether somebody must look before this is shared."""
        return any(finding.severity is Severity.WARNING for finding in self.findings)


def mark_of(source: Path, pseudonyms: Pseudonyms, profile: Profile) -> Record:
    """What two runs into one folder must share: the input folder, the key, the table of given IDs and the options."""
    fingerprint = pseudonyms.fingerprint(str(source.resolve()))
    return {"schema_version": SCHEMA_VERSION, "fingerprint": fingerprint, "keep": sorted(profile.options)}


def deidentification_record(done: Deidentification) -> Record:
    """The result as nested dicts of text and numbers, ready for JSON."""
    return {
        **done.mark,
        "software": f"OpenIGRT {version('openigrt')}, research only",
        "profile": [{"code": code, "scheme": "DCM", "meaning": meaning} for code, meaning in done.method_codes],
        "patients": sorted({series.patient_id for series in done.series}),
        "series": [
            {
                "patient_id": series.patient_id,
                "sop_class": series.sop_class,
                "folder": series.folder,
                "objects": series.objects,
            }
            for series in done.series
        ],
        "attributes": [
            {"what": str(remark), "attribute": keyword or None, "count": count}
            for (remark, keyword), count in done.remarks.items()
        ],
        "left_out": [{"why": why, "files": count} for why, count in done.left_out.items()],
        "findings": [
            {
                "severity": str(finding.severity),
                "sentence": finding.sentence,
                "advice": finding.advice,
                "about": list(finding.about),
            }
            for finding in done.findings
        ],
    }


def deidentification_summary(done: Deidentification) -> str:
    """Who became what, what was left out, and every finding."""
    return on_lines(_lines(done))


def _lines(done: Deidentification) -> Iterator[str]:
    """The lines of the summary."""
    objects, patients = sum(series.objects for series in done.series), {series.patient_id for series in done.series}
    counts = f"{_counted(objects, 'object')} of {_counted(len(patients), 'patient')} in {len(done.series)} series"
    yield f"De-identified {counts}. Research only."
    for series in done.series:
        yield f"  {series.folder}: {series.sop_class}, {series.objects}"
    for why, count in done.left_out.items():
        yield f"Left out: {count} ({why})"
    warnings = [finding for finding in done.findings if finding.severity is Severity.WARNING]
    for finding in warnings:
        yield f"{finding.severity.upper()}: {finding.sentence}"
        yield f"  {finding.advice}"
    if notes := len(done.findings) - len(warnings):
        yield f"{_counted(notes, 'note')} of what was removed or changed: see deidentification.json."
    if done.is_person_needed:
        yield "A person must look before this is shared."


def _doubts(done: Deidentification) -> Iterator[Finding]:
    """Each way to recognize somebody, and the series that offer it."""
    folders: dict[Doubt, list[str]] = defaultdict(list)
    for series in done.series:
        for doubt in series.doubts:
            folders[doubt].append(series.folder)
    for doubt in Doubt:
        if found := folders.get(doubt):
            sentence = f"{_named(found)}: {doubt}."
            yield Finding(Severity.WARNING, sentence, ADVICE[doubt], tuple(found))


def _namesakes(done: Deidentification) -> Iterator[Finding]:
    """Patients whose objects say different things of them: one person, or two under one ID?"""
    for patient_id in done.namesakes:
        sentence = (
            f"The objects of {patient_id} may be of several people: they bore different names, birth dates or issuers "
            "under one patient ID, or are of several studies and say nothing of the patient."
        )
        advice = "Look with openigrt check whether they are of one person."
        yield Finding(Severity.WARNING, sentence, advice, (patient_id,))


def _holes(done: Deidentification) -> Iterator[Finding]:
    """Series of which objects are left out: a volume of them may have a hole."""
    for uid, count in done.holes.items():
        which = f"of series {uid}" if uid else "of an unknown series"
        sentence = (
            f"{_counted(count, 'object')} {which} could not be read and {'is' if count == 1 else 'are'} left out."
        )
        yield Finding(Severity.WARNING, sentence, "Copy the files again where the series must be whole.", (uid,))


def _ambiguous(done: Deidentification) -> Iterator[Finding]:
    """Different objects that say they are the same one."""
    if done.ambiguous:
        sentence = f"Different objects share one SOP Instance UID: {_named(done.ambiguous)}."
        yield Finding(Severity.WARNING, sentence, "Find out which of them is the right one.", done.ambiguous)


def _numbers(done: Deidentification) -> Iterator[Finding]:
    """Names that people gave, with numbers that may lead back."""
    for (remark, keyword), count in done.remarks.items():
        if remark is Remark.TELLING_NUMBER:
            yield Finding(Severity.WARNING, f"{keyword}: {remark}: {count}.", "Look at these names, and change them.")


def _structures(done: Deidentification) -> Iterator[Finding]:
    """Texts that lost words: whoever works with names of structures must know, and may have to give them again."""
    for keyword, files in done.reworded.items():
        sentence = f"{keyword} lost words in {_named(files)}."
        if keyword in STRUCTURE_NAMES:
            advice = f"Look whether what is left names nobody; {NOTHING_LEFT} and a number stand for a whole name."
            yield Finding(Severity.WARNING, sentence, advice, files[:MOST_FILES_NAMED])
        else:
            yield Finding(
                Severity.NOTE, sentence, "Known words stayed; nothing needs to be done.", files[:MOST_FILES_NAMED]
            )


def _notes(done: Deidentification) -> Iterator[Finding]:
    """What else is good to know."""
    for (remark, keyword), count in done.remarks.items():
        if remark not in (Remark.CLEANED, Remark.WHOLLY_CLEANED, Remark.TELLING_NUMBER):
            about = f" ({keyword})" if keyword else ""
            yield Finding(Severity.NOTE, f"{str(remark).capitalize()}{about}: {count}.", "Nothing needs to be done.")
    is_weighed = Option.CHARACTERISTICS in done.options
    pets = tuple(series.folder for series in done.series if series.sop_class_uid == SUVS_NEED_WEIGHT)
    if pets and not is_weighed:
        sentence = f"{_named(pets)}: without the patient's weight, which is removed, there is no SUV."
        yield Finding(Severity.NOTE, sentence, "Use --keep characteristics where SUV is needed.", pets)


def _counted(count: int, noun: str) -> str:
    """`1 object`, `2 objects`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _named(folders: list[str] | tuple[str, ...]) -> str:
    """The first of several places, and how many more."""
    return f"{folders[0]} and {len(folders) - 1} more" if len(folders) > 1 else folders[0]
