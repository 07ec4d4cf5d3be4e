"""A heap of DICOM sorted into folders that the other jobs take: plans with what belongs to them, images by time."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from openigrt.dicom import (
    IMAGE_CLASSES,
    REGISTRATION_CLASSES,
    Instance,
    Inventory,
    Series,
    acquired_at_of,
    modality_of,
    named_files,
    repeats_of,
)
from openigrt.errors import InputError, UnreadableFile
from openigrt.tasks.checking import FolderCheck, check
from openigrt.tasks.clock import Progress
from openigrt.tasks.words import on_lines, require_listener, require_paths

LONGEST_NAME = 60
FILES_BETWEEN_WORDS = 100
PLANS, IMAGES, REGISTRATIONS, OTHERS = "plans", "images", "registrations", "others"
SCHEMA_VERSION = 1
RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM\d|LPT\d)(\..*)?", re.IGNORECASE)

Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class Placed:
    """A file, and where its copy lies below the sorted folder."""

    source: Path
    place: PurePath


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was not copied, and why; it may be missed where it is damaged, or shares its UID with another."""

    source: Path
    reason: str
    is_missed: bool = False


@dataclass(frozen=True, slots=True)
class SortedFolder:
    """What became of each file of a heap, in folders below `out`."""

    out: Path
    placed: tuple[Placed, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def is_person_needed(self) -> bool:
        """Whether something was left out that may be missed: damaged DICOM, or objects that share a UID."""
        return any(entry.is_missed for entry in self.left_out)

    def homes(self, kind: str) -> tuple[PurePath, ...]:
        """The folders of a kind, such as `plans`, of all patients."""
        return tuple(dict.fromkeys(placed.place.parent for placed in self.placed if placed.place.parts[1] == kind))


@dataclass(frozen=True, eq=False, slots=True)
class _Home:
    """Objects that go into one folder `kind`/`name` of their patient."""

    kind: str
    name: str
    instances: tuple[Instance, ...]


def sort(folder: str | Path, out: str | Path, progress: Progress = lambda words: None) -> SortedFolder:
    """Copy the DICOM objects below `folder` into `out`, each patient in a folder of their own; `folder` stays as it is.

    A plan, or structures without one, lies in `plans/` with all that belongs to it by UID; other images lie in
    `images/`, named by the time of acquisition (UTC), with the structures that were drawn on them; the rest in
    `registrations/` and `others/`. Copies, damaged files and objects that share a UID with others are left out. `out`
    appears whole or not at all. Raises InputError where it is in the way or would lie in `folder`, MissingInput and
    UnreadableFile as `check`.
    """
    require_paths(folder=folder, out=out)
    require_listener(progress)
    heap, goal = Path(folder), Path(out)
    _require_free(heap, goal)
    planned = sorted_places(check(heap, progress), goal)
    _copy(planned, progress)
    return planned


def sorted_places(found: FolderCheck, out: Path) -> SortedFolder:
    """Where each object of a checked folder belongs; nothing is written."""
    left_out = tuple(_left_out(found.inventory))
    absent = {entry.source for entry in left_out}
    patients = _patient_folders(found.inventory)
    placed: list[Placed] = []
    taken: Counter[str] = Counter()
    for home in _homes(found):
        instances = [instance for instance in home.instances if instance.path not in absent]
        if not instances:
            continue
        patient = patients[instances[0].patient_id, instances[0].patient_name]
        place = _free(patient / home.kind / home.name, taken)
        placed += (Placed(i.path, place / f"{_safe(i.class_name)}_{n:04d}.dcm") for n, i in enumerate(instances, 1))
    return SortedFolder(out, tuple(placed), left_out)


def _left_out(inventory: Inventory) -> Iterator[LeftOut]:
    """Files that hold no whole object of their own."""
    yield from (LeftOut(skipped.path, skipped.reason, skipped.is_damaged) for skipped in inventory.skipped)
    repeats = repeats_of(inventory)
    yield from (LeftOut(path, "a copy of another file") for path in repeats.copies)
    for uid, paths in repeats.conflicts.items():
        yield from (LeftOut(path, f"another object has its SOP Instance UID, {uid}", True) for path in paths)


def _patient_folders(inventory: Inventory) -> dict[tuple[str, str], PurePath]:
    """A folder name for each patient: the ID, or else the name, with a number where two become the same."""
    people = dict.fromkeys((instance.patient_id, instance.patient_name) for instance in inventory.instances())
    taken: Counter[str] = Counter()
    return {(patient_id, name): _free(PurePath(_safe(patient_id or name)), taken) for patient_id, name in people}


def _free(place: PurePath, taken: Counter[str]) -> PurePath:
    """The place, or the next one with a number that is not taken, upper and lower case alike; it is taken then."""
    wanted, free = str(place).casefold(), place
    while str(free).casefold() in taken:
        taken[wanted] += 1
        free = place.with_name(f"{place.name}_{taken[wanted]}")
    taken[str(free).casefold()] = 1
    return free


def _homes(found: FolderCheck) -> Iterator[_Home]:
    """All objects by folder: plans and what belongs to them first, what nothing claims last."""
    claimed: set[Path] = set()
    for home in (*_plan_homes(found), *_image_homes(found)):
        if home.kind == PLANS or not claimed & {instance.path for instance in home.instances}:
            claimed |= {instance.path for instance in home.instances}
            yield home
    for series in found.inventory.series:
        rest = tuple(instance for instance in series.instances if instance.path not in claimed)
        yield _Home(REGISTRATIONS if series.sop_class_uid in REGISTRATION_CLASSES else OTHERS, _described(series), rest)


def _plan_homes(found: FolderCheck) -> Iterator[_Home]:
    """Each plan with its structures, image and doses; structures without plan, unless drawn on an image of the day."""
    for planning in found.links.plannings:
        structures = (planning.drawing.structure_set,) if planning.drawing else ()
        image = planning.image.instances if planning.image else ()
        members = (planning.plan, *structures, *planning.doses, *image)
        yield _Home(PLANS, _safe(_label(planning.plan)), members)
    planned = {planning.drawing.structure_set.uid for planning in found.links.plannings if planning.drawing}
    for drawing in found.links.drawings:
        if drawing.image and drawing.structure_set.uid not in planned and not _is_of_the_day(drawing.image, found):
            yield _Home(PLANS, _safe(_label(drawing.structure_set)), (drawing.structure_set, *drawing.image.instances))


def _image_homes(found: FolderCheck) -> Iterator[_Home]:
    """Each image series with the structures that were drawn on it."""
    for series in found.inventory.of_classes(IMAGE_CLASSES):
        drawn = (drawing.structure_set for drawing in found.links.drawings if drawing.image is series)
        yield _Home(IMAGES, _described(series), (*series.instances, *drawn))


def _is_of_the_day(series: Series, found: FolderCheck) -> bool:
    """Whether an image is one that a treatment machine takes."""
    return found.role_of(series) == "image of the day"


def _label(instance: Instance) -> str:
    """The label of a plan or structure set, its class where it has none that can be read."""
    try:
        return instance.label or instance.class_name
    except UnreadableFile:
        return instance.class_name


def _described(series: Series) -> str:
    """Time (UTC), kind and description of a series as the name of a folder; they sort by time."""
    first = series.instances[0]
    try:
        moment = acquired_at_of(first)
        kind = str(modality_of(first)) if series.sop_class_uid in IMAGE_CLASSES else first.class_name
    except UnreadableFile:
        moment, kind = None, first.class_name
    time = moment.strftime("%Y%m%dT%H%M%S") if moment else "undated"
    return _safe("_".join(filter(None, (time, kind, series.description))))


def _safe(text: str) -> str:
    """A text as the name of a file or folder on any system: no separators, dots in front, or names of devices."""
    name = re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII)[:LONGEST_NAME].strip("-. ")
    return f"_{name}" if not name or RESERVED.fullmatch(name) else name


def _require_free(heap: Path, goal: Path) -> None:
    """Raise InputError where the sorted folder would cover something or grow within what it is made from."""
    if goal.exists() and (not goal.is_dir() or any(goal.iterdir())):
        raise InputError(f"{goal} is there already and not empty; name a folder that is not there yet.", out=str(goal))
    if goal.resolve().is_relative_to(heap.resolve()):
        raise InputError(f"{goal} lies in {heap}, which is to be sorted; name a folder outside of it.", out=str(goal))


def _copy(planned: SortedFolder, progress: Progress) -> None:
    """Make the folders beside their goal, and move them there when all files are whole."""
    goal = planned.out.resolve()  # "." has a name then
    unfinished = goal.with_name(f".{goal.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        for done, placed in enumerate(planned.placed):
            if done % FILES_BETWEEN_WORDS == 0:
                progress(f"copying, {done} of {len(planned.placed)}")
            target = unfinished / placed.place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(placed.source, target)
        unfinished.mkdir(parents=True, exist_ok=True)
        if goal.is_dir():
            goal.rmdir()
        unfinished.replace(goal)
    except OSError as failure:
        raise InputError(
            f"Cannot write to {planned.out}: {failure.strerror or failure}. Make room there, or name another folder.",
            out=str(planned.out),
        ) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def sorted_record(done: SortedFolder) -> Record:
    """What became of each file as nested dicts of text, ready for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "out": str(done.out),
        "placed": [{"from": str(placed.source), "to": str(placed.place)} for placed in done.placed],
        "left_out": [{"from": str(entry.source), "reason": entry.reason} for entry in done.left_out],
    }


def sorted_summary(done: SortedFolder) -> str:
    """The folders with how many objects each holds, and what was left out."""
    counts = Counter(placed.place.parent for placed in done.placed)
    reasons = dict.fromkeys(entry.reason for entry in done.left_out)
    names = {reason: [e.source.name for e in done.left_out if e.reason == reason] for reason in reasons}
    return on_lines(
        [
            *(f"{done.out / place}: {count}" for place, count in counts.items()),
            *(f"Left out {named_files(files)}: {reason.rstrip('.')}." for reason, files in names.items()),
            f"{len(done.placed)} copied, {len(done.left_out)} left out.",
        ]
    )
