"""A folder of DICOM without the people in it, for one key: what belongs together still does."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from filecmp import cmp
from pathlib import Path, PurePosixPath

from openigrt.dicom import (
    PATIENT_PREFIX,
    DeidentifiedFile,
    Doubt,
    Instance,
    Inventory,
    Option,
    Profile,
    Pseudonyms,
    Remark,
    damaged_instance,
    deidentified_file,
    doubts_about,
    person_of,
    profile_with,
    save_deidentified,
    scan_folder,
    what_tells_apart,
)
from openigrt.errors import InconsistentInput, InputError, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.tasks.clock import Progress
from openigrt.tasks.deidentification.folder import begin_folder, finish_folder, require_apart, require_own
from openigrt.tasks.deidentification.pseudonym_files import (
    is_readable_by_others,
    make_key,
    new_key,
    read_given_ids,
    read_key,
    taken_back_on_failure,
    write_link,
)
from openigrt.tasks.deidentification.record import (
    Deidentification,
    DeidentifiedSeries,
    deidentification_record,
    deidentification_summary,
    mark_of,
)
from openigrt.tasks.words import in_short, require_listener, require_names, require_paths

FILES_BETWEEN_WORDS = 50
UNREAD = "DICOM that is damaged, or written in a way that is not read"


def deidentify(
    folder: str | Path,
    out: str | Path,
    key: str | Path | None = None,
    *,
    ids: str | Path | None = None,
    link: str | Path | None = None,
    keep: Sequence[str] = (),
    progress: Progress = lambda words: None,
) -> Deidentification:
    """De-identify every object below `folder` into `out` (PS3.15 annex E, docs/reference/deidentify.md).

    `key` is a file with the secret from which new UIDs, patient IDs and dates follow, made where there is none; without
    it the secret is of this run alone. `ids` is a CSV file of old and new patient IDs, `link` where the table that
    leads back is written. `keep` names what is kept on demand: `characteristics`, `device`, `others`. The input is not
    changed. Raises InputError for places that cannot be used, MissingInput where there is nothing to do, and what the
    readers of the files raise.
    """
    require_paths(folder=folder, out=out)
    require_paths(**{name: path for name, path in {"key": key, "ids": ids, "link": link}.items() if path is not None})
    require_names(keep=keep)
    require_listener(progress)
    profile = profile_with(_options(keep))
    source, target = Path(folder), Path(out)
    require_apart(source, target, *(Path(path) for path in (key, link) if path is not None))
    progress("reading headers")
    inventory = scan_folder(source, lambda done, count: progress(f"reading headers, {done} of {count}"))
    secret = None if key is None else read_key(Path(key))
    pseudonyms = Pseudonyms(secret or new_key(), {} if ids is None else read_given_ids(Path(ids)))
    links = _links(inventory, pseudonyms, is_given=ids is not None)
    mark = mark_of(source, pseudonyms, profile)
    require_own(target, mark)
    with taken_back_on_failure(*(None if path is None else Path(path) for path in (key, link))):
        told = _about_key(None if key is None else Path(key), secret, pseudonyms.key)
        if link is not None:
            write_link(Path(link), links)
        begin_folder(target, mark)
    run = _Run(source, target, profile, pseudonyms)
    count = sum(1 for _ in inventory.instances())
    for number, instance in enumerate(sorted(inventory.instances(), key=lambda instance: instance.path)):
        if number % FILES_BETWEEN_WORDS == 0:
            progress(f"de-identifying, {number} of {count}")
        run.treat(instance)
    done = run.result(inventory, told)
    finish_folder(target, deidentification_record(done), deidentification_summary(done))
    return done


def _about_key(path: Path | None, former: bytes | None, key: bytes) -> tuple[str, ...]:
    """What is to be said about the key, after a new one was written to its file."""
    if path is None:
        return ("The key of this run is not kept: files of these patients that follow will not fit. Use --key.",)
    if former is None:
        make_key(path, key)
        return (f"Made a new key, {path}: keep it, and keep it apart from what you share.",)
    return (f"The key {path} can be read by others; chmod 600 {path}.",) if is_readable_by_others(path) else ()


def _options(keep: Sequence[str]) -> frozenset[Option]:
    """The options that somebody named; raises InputError for another word."""
    names = [keep] if isinstance(keep, str) else keep
    wrong = [name for name in names if name not in list(Option)]
    if wrong:
        raise InputError(f"keep is {in_short(wrong[0])}; expected {', '.join(Option)}.", word="keep")
    return frozenset(map(Option, names))


def _links(inventory: Inventory, pseudonyms: Pseudonyms, *, is_given: bool) -> dict[str, tuple[str, int]]:
    """New ID and days of every old one; raises where a table leaves somebody out, or two people would become one."""
    people = {person_of(instance.patient_id, instance.patient_name) for instance in inventory.instances()}
    absent = people - pseudonyms.given_ids.keys()
    if is_given and absent:
        example = in_short(min(absent))
        raise MissingInput(f"{len(absent)} of {len(people)} patients have no new ID, such as {example}; add them.")
    if any(new.upper().startswith(PATIENT_PREFIX) for new in pseudonyms.given_ids.values()):
        raise InconsistentInput(
            f"A new ID begins with {PATIENT_PREFIX}, as those that are made for patients do, and may be another "
            "patient's; choose other new IDs."
        )
    new_ids = {person: pseudonyms.patient_id(person) for person in people}
    if not is_given and len(set(new_ids.values())) < len(people):
        raise InconsistentInput("Two patients would get one new ID by chance; use another key.")
    return {person: (new, pseudonyms.days(new)) for person, new in new_ids.items()}


class _Run:
    """One run over the files: what was written and noticed so far."""

    def __init__(self, source: Path, target: Path, profile: Profile, pseudonyms: Pseudonyms) -> None:
        self.source, self.target, self.profile, self.pseudonyms = source.resolve(), target, profile, pseudonyms
        self.objects: Counter[tuple[str, str, str, str]] = Counter()
        self.doubts: dict[str, set[Doubt]] = defaultdict(set)
        self.remarks: Counter[tuple[Remark, str]] = Counter()
        self.reworded: dict[str, set[str]] = defaultdict(set)
        self.left_out: Counter[str] = Counter()
        self.names_used: Counter[PurePosixPath] = Counter()
        self.holes: Counter[str] = Counter()
        self.written: dict[str, Path] = {}
        self.ambiguous: set[str] = set()

    def treat(self, instance: Instance) -> None:
        """De-identify one object, or count why it was left out."""
        reason = self._reason_against(instance)
        if reason:
            self.left_out[reason] += 1
            return
        try:
            file = deidentified_file(instance.path, self.profile, self.pseudonyms)
        except (UnreadableFile, UnsupportedInput, OSError):
            self._leave_hole(instance)
            return
        self._write(instance, file)

    def result(self, inventory: Inventory, told: tuple[str, ...]) -> Deidentification:
        """Everything together; raises MissingInput where no object was written."""
        for skipped in inventory.skipped:
            if skipped.is_damaged:
                self._leave_hole(damaged_instance(skipped))
            else:
                self.left_out[skipped.reason.removeprefix("a ").removeprefix("no ")] += 1
        if not self.objects:
            reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items()))
            raise MissingInput(f"Nothing was written: every file is left out ({reasons}). See --keep others.")
        return Deidentification(
            mark=mark_of(self.source, self.pseudonyms, self.profile),
            options=self.profile.options,
            method_codes=self.profile.method_codes,
            series=tuple(
                DeidentifiedSeries(*place, objects, frozenset(self.doubts[place[-1]]))
                for place, objects in sorted(self.objects.items())
            ),
            remarks=dict(sorted(self.remarks.items())),
            reworded={name: tuple(sorted(files)) for name, files in sorted(self.reworded.items())},
            left_out=dict(sorted(self.left_out.items())),
            namesakes=tuple(self._namesakes(inventory)),
            holes=dict(sorted(self.holes.items())),
            ambiguous=tuple(sorted(self.ambiguous)),
            told=told,
        )

    def _reason_against(self, instance: Instance) -> str:
        """Why an object is not touched; empty where it is."""
        if not instance.path.resolve().is_relative_to(self.source):
            return "link that leads out of the folder"
        if instance.sop_class_uid in self.profile.classes.opaque:
            return f"{instance.class_name}, whose content nobody can clean but a person"
        if instance.sop_class_uid not in self.profile.classes.treated and Option.OTHERS not in self.profile.options:
            name = instance.class_name if instance.class_name != instance.sop_class_uid else "object of a private class"
            return f"{name}, which --keep others would include"
        return ""

    def _write(self, instance: Instance, file: DeidentifiedFile) -> None:
        """Write one object to its place and remember what was noticed."""
        place = file.place
        number = self.names_used[place] = self.names_used[place] + 1
        path = place if number == 1 else place.with_name(f"{place.stem}_{number}{place.suffix}")
        folder = self.target / path.parent
        try:
            if not folder.resolve().is_relative_to(self.target.resolve()):
                raise InputError(f"{folder} leads out of {self.target}; choose an empty folder.", path=str(folder))
            folder.mkdir(parents=True, exist_ok=True)
            save_deidentified(file, self.target / path)
        except UnreadableFile:
            self._leave_hole(instance)
            return
        except OSError as failure:
            raise InputError(f"Cannot write to {self.target}: {failure.strerror}. Run again to go on.") from None
        self._compare(place.stem, self.target / path)
        self.objects[place.parts[0], file.class_name, file.sop_class_uid, place.parent.as_posix()] += 1
        self.doubts[place.parent.as_posix()] |= doubts_about(file.header, file.remarks, self.profile)
        self.remarks.update(file.remarks)
        for (remark, keyword), _ in file.remarks.items():
            if remark in (Remark.CLEANED, Remark.WHOLLY_CLEANED):
                self.reworded[keyword].add(path.as_posix())

    def _leave_hole(self, instance: Instance | None) -> None:
        """Count an object that cannot be read, by its series where that is known."""
        self.left_out[UNREAD] += 1
        self.holes[self.pseudonyms.uid(instance.series_uid) if instance is not None else ""] += 1

    def _compare(self, uid: str, path: Path) -> None:
        """Remember a SOP Instance UID that two objects have which are not the same."""
        former = self.written.setdefault(uid, path)
        if former != path and not cmp(former, path, shallow=False):
            self.ambiguous.add(uid)

    def _namesakes(self, inventory: Inventory) -> list[str]:
        """New IDs of patients who may be several: by names, birth dates or issuers, or by studies that say nothing."""
        seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for instance in inventory.instances():
            person = person_of(instance.patient_id, instance.patient_name)
            for kind, said in what_tells_apart(instance).items():
                seen[person][kind].add(said)
            seen[person]["study"].add("" if person else instance.study_uid)
        people = (person for person, kinds in seen.items() if any(len(said - {""}) > 1 for said in kinds.values()))
        return sorted(map(self.pseudonyms.patient_id, people))
