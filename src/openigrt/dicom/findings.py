"""What is missing, inconsistent, lossy or suspicious in a folder, each with what to do. Headers only."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from pathlib import Path

from pydicom.uid import SpatialRegistrationStorage

from openigrt.dicom.elements import naming, text
from openigrt.dicom.folder import (
    DOSE_CLASSES,
    IMAGE_CLASSES,
    PLAN_CLASSES,
    STRUCTURE_SET_CLASSES,
    Instance,
    Inventory,
    named_files,
)
from openigrt.dicom.image_series import same_pixels
from openigrt.dicom.links import Links, Planning
from openigrt.dicom.load import read_object
from openigrt.dicom.patients import PatientIdentity
from openigrt.dicom.pixels import require_readable_syntax
from openigrt.dicom.slices import is_localizer, read_slice
from openigrt.dicom.spatial_registration import RIGID, read_spatial_registration
from openigrt.dicom.stack import stacked
from openigrt.errors import OpenIgrtError
from openigrt.geometry import Frame, PatientPosition

NAMES_LISTED = 10
READ_CLASSES = (*IMAGE_CLASSES, *STRUCTURE_SET_CLASSES, *PLAN_CLASSES, *DOSE_CLASSES, SpatialRegistrationStorage)


class Severity(StrEnum):
    """How bad a finding is: an `error` stops the main job, a `warning` may mislead, a `note` is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, what to do about it, and the files or UIDs that it is about."""

    severity: Severity
    sentence: str
    advice: str
    about: tuple[str, ...] = ()


Rule = Callable[[Inventory, Links], Iterator[Finding]]


def find_problems(inventory: Inventory, links: Links) -> tuple[Finding, ...]:
    """Every finding about a folder, the worst first."""
    found = [finding for rule in RULES for finding in _guarded(rule, inventory, links)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def _guarded(rule: Rule, inventory: Inventory, links: Links) -> Iterator[Finding]:
    """What a rule finds; where a header that it asks is malformed, that is what is found."""
    try:
        yield from rule(inventory, links)
    except OpenIgrtError as error:
        yield Finding(Severity.ERROR, error.sentence, "Export this object again.")


def _damaged(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Files that begin as DICOM and cannot be read, or are named as DICOM and are none."""
    for skipped in inventory.skipped:
        if skipped.is_damaged:
            yield Finding(Severity.ERROR, skipped.reason, "Copy or export this file again.", (str(skipped.path),))
    for sentence in links.malformed:
        yield Finding(Severity.ERROR, sentence, "Export this object again; nothing else is said about it.")
    for doubt in inventory.doubts():
        yield Finding(Severity.WARNING, doubt, "Open one of them in a text editor if it is not known what they are.")
    junk = [skipped.path for skipped in inventory.skipped if not skipped.is_damaged]
    if junk:
        yield Finding(Severity.NOTE, f"{named_files(junk)}: not DICOM objects.", "Nothing; they are left aside.")


def _patients(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Identities that contradict each other, and such as may be one person under two numbers or names."""
    known: dict[tuple[str, str], PatientIdentity] = {}
    for instance in inventory.instances():
        source = f"{instance.class_name} {instance.path.name}"
        key = instance.patient_id, instance.patient_name
        known.setdefault(key, PatientIdentity(*key, source))
    for one, other in combinations(known.values(), 2):
        if not one.is_same(other) and (one.shares_id(other) or one.shares_name(other)):
            what = "One Patient ID with two names" if one.shares_id(other) else "One name with two Patient IDs"
            yield Finding(
                Severity.ERROR,
                f"{what}: {one} and {other}.",
                "Find out whether this is one person; correct the identity at its source and export again.",
            )
    strangers = [one for one in known.values() if not any(one.is_same(o) for o in known.values() if o is not one)]
    if len(known) > 1 and strangers:
        names = "; ".join(str(one) for one in list(known.values())[:NAMES_LISTED])
        sentence = f"{len(known)} patients: {names}{'; ...' if len(known) > NAMES_LISTED else ''}."
        yield Finding(Severity.WARNING, sentence, "Give each patient a folder: guide takes one patient at a time.")


def _copies(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Files that hold the same SOP Instance UID: copies, or different objects under one UID."""
    by_uid: dict[str, list[Instance]] = defaultdict(list)
    for instance in inventory.instances():
        by_uid[instance.uid].append(instance)
    copies: list[Path] = []
    for uid, instances in by_uid.items():
        if len(instances) < 2:
            continue
        if not uid or len({_digest(instance.path) for instance in instances}) > 1:
            names = named_files([instance.path for instance in instances])
            yield Finding(
                Severity.ERROR,
                f"{names} hold different objects under one SOP Instance UID, {uid or 'an empty one'}.",
                "Export them again from their source; nothing can tell them apart.",
                (uid,),
            )
        else:
            copies += [instance.path for instance in instances[1:]]
    if copies:
        yield Finding(Severity.NOTE, f"{named_files(copies)}: copies of other files.", "Nothing; or remove them.")


def _digest(path: Path) -> str:
    """SHA-256 of a file; its name where it cannot be read any more."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return str(path)


def _volumes(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Image series that form no volume, or only with a remark."""
    for series in inventory.of_classes(IMAGE_CLASSES):
        try:
            slices = [read_slice(instance) for instance in series.instances if not is_localizer(instance)]
            if not slices:
                yield Finding(Severity.NOTE, f"{series} holds nothing but localizers.", "Nothing.", (series.uid,))
                continue
            require_readable_syntax(slices[0].instance)
            stacked(slices, Frame.plan(slices[0].instance.frame_uid), same_pixels)
        except OpenIgrtError as error:
            advice = "It cannot be matched before this is put right."
            yield Finding(Severity.ERROR, f"{series}: {error.sentence}", advice, (series.uid,))


def _headers(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Image series whose headers leave something open, or whose pixels lost something."""
    for series in inventory.of_classes(IMAGE_CLASSES):
        first = series.instances[0]
        with naming(first.header):
            positions = {text(instance.header, "PatientPosition") for instance in series.instances}
            lossy = [i for i in series.instances if text(i.header, "LossyImageCompression") == "01"]
        if not first.frame_uid:
            yield Finding(
                Severity.ERROR,
                f"{series} has no Frame of Reference UID.",
                "Export it again: what its coordinates refer to is not known.",
                (series.uid,),
            )
        if len(positions) > 1 or not positions <= {"", *PatientPosition}:
            yield Finding(
                Severity.ERROR,
                f"{series} has patient position {', '.join(sorted(map(repr, positions)))}.",
                f"Only one of {', '.join(PatientPosition)} can be guided; check (0018,5100).",
                (series.uid,),
            )
        elif positions == {""}:
            yield Finding(
                Severity.WARNING,
                f"{series} does not say how the patient lay.",
                "Say it with --position where the plan does not, either.",
                (series.uid,),
            )
        if lossy:
            yield Finding(
                Severity.WARNING,
                f"{series}: {len(lossy)} slices were compressed with loss.",
                "Use the original if there is one: gray values are not those that were measured.",
                (series.uid,),
            )


def _structures(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Structure sets without their image, or with a part of it."""
    for drawing in links.drawings:
        name = _label(drawing.structure_set, "StructureSetLabel")
        if drawing.image is None:
            others = sum(s.instances[0].frame_uid == drawing.frame_uid for s in inventory.of_classes(IMAGE_CLASSES))
            beside = f"; which of the {others} series in its frame may stand for it is not known" if others else ""
            yield Finding(
                Severity.ERROR,
                f"{name} was drawn on series {drawing.series_uid or 'unknown'}, which is not in the folder{beside}.",
                "Add the image that it was drawn on.",
                (drawing.structure_set.uid,),
            )
        elif drawing.image.uid != drawing.series_uid:
            yield Finding(
                Severity.WARNING,
                f"{name} names series {drawing.series_uid or 'unknown'}; in its place there is {drawing.image}.",
                "Check that this is the image it was drawn on.",
                (drawing.structure_set.uid,),
            )
        elif drawing.absent_slices:
            yield Finding(
                Severity.WARNING,
                f"{name} names {len(drawing.image_uids)} slices; {drawing.absent_slices} are not in the folder.",
                "Copy the series again if its first or last slices were lost.",
                (drawing.structure_set.uid,),
            )


def _plans(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Plans without structures, image or dose, or that nobody approved."""
    for planning in links.plannings:
        name = _label(planning.plan, "RTPlanLabel")
        yield from _of_plan(name, planning)
        with naming(planning.plan.header):
            approval = text(planning.plan.header, "ApprovalStatus")
        if approval != "APPROVED":
            yield Finding(
                Severity.WARNING,
                f"{name} is {approval or 'of unknown approval'}.",
                "Check that this is the plan that is treated.",
                (planning.plan.uid,),
            )


def _of_plan(name: str, planning: Planning) -> Iterator[Finding]:
    """What the folder lacks of all that a plan names."""
    about = (planning.plan.uid,)
    if planning.drawing is None and planning.structure_set_uid:
        sentence = f"{name} names structure set {planning.structure_set_uid}, which is not in the folder."
        yield Finding(Severity.ERROR, sentence, "Add it; without it there is no target and no organ.", about)
    elif planning.drawing is None:
        yield Finding(Severity.NOTE, f"{name} names no structure set.", "Nothing, if it was planned without.", about)
    if planning.image is None:
        yield Finding(Severity.ERROR, f"{name}: its planning image is not in the folder.", "Add it.", about)
    elif planning.plan.frame_uid and planning.image.instances[0].frame_uid != planning.plan.frame_uid:
        frames = planning.plan.frame_uid, planning.image.instances[0].frame_uid
        sentence = f"{name} lies in frame {frames[0]}, its image in frame {frames[1]}."
        yield Finding(Severity.ERROR, sentence, "Give the image that was planned on.", about)
    if not planning.doses:
        yield Finding(Severity.NOTE, f"{name} has no dose in the folder.", "Add it if dose is asked for.", about)


def _doses(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Doses of plans that are not there, and such as lie in another frame than their plan."""
    for dose in links.doses_alone:
        yield Finding(
            Severity.WARNING,
            f"{_label(dose, 'DoseSummationType')} is of no plan in the folder.",
            "Add its plan, or leave it out.",
            (dose.uid,),
        )
    for planning in links.plannings:
        for dose in planning.doses:
            if planning.plan.frame_uid and dose.frame_uid != planning.plan.frame_uid:
                yield Finding(
                    Severity.ERROR,
                    f"{_label(dose, 'DoseSummationType')} lies in frame {dose.frame_uid or 'unknown'}, its plan in "
                    f"{planning.plan.frame_uid}.",
                    "Calculate or export it again on the planning image.",
                    (dose.uid,),
                )


def _registrations(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Spatial Registrations that cannot be read, are not rigid, or join frames of which one is not there."""
    frames = {series.instances[0].frame_uid for series in inventory.of_classes(IMAGE_CLASSES)}
    for instance in inventory.instances_of((SpatialRegistrationStorage,)):
        name = f"Spatial Registration {instance.path.name}"
        try:
            registration = read_spatial_registration(read_object(instance.path)[0])
        except OpenIgrtError as error:
            yield Finding(Severity.ERROR, f"{name}: {error.sentence}", "Export it again.", (instance.uid,))
            continue
        types = {kind for source in registration.sources for kind in source.matrix_types} - {RIGID}
        if types:
            sentence = f"{name} is of type {', '.join(sorted(types)) or 'unknown'}."
            yield Finding(Severity.WARNING, sentence, "Only rigid ones can move a couch.", (instance.uid,))
        joined = {registration.registered_frame_uid, *(source.frame_uid for source in registration.sources)}
        if absent := sorted(joined - frames - {""}):
            sentence = f"{name} joins frame {', '.join(absent)}, of which no image is in the folder."
            yield Finding(Severity.NOTE, sentence, "Add the image if the registration is to be used.", (instance.uid,))


def _unread(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Objects that OpenIGRT does not read yet."""
    for series in inventory.series:
        if series.sop_class_uid not in READ_CLASSES:
            yield Finding(Severity.NOTE, f"{series} is not read by OpenIGRT yet.", "Nothing.", (series.uid,))


def _label(instance: Instance, keyword: str) -> str:
    """An object in a sentence: its class and label."""
    with naming(instance.header):
        return f"{instance.class_name} {text(instance.header, keyword)!r} ({instance.path.name})"


RULES: Sequence[Rule] = (
    _damaged,
    _patients,
    _copies,
    _volumes,
    _headers,
    _structures,
    _plans,
    _doses,
    _registrations,
    _unread,
)
