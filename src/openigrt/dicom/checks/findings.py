"""What is missing, inconsistent, lossy or suspicious in a folder, each with what to do.

Headers only, but for plans, records, instructions, rigid registrations and fiducials, which are read whole, each once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from openigrt.dicom.checks.plan_findings import ReadPlan, plan_doubts, read_planned
from openigrt.dicom.checks.record_findings import (
    find_in_course,
    find_in_instructions,
    find_without_plan,
    read_records,
)
from openigrt.dicom.dataset.elements import character_set_doubt, in_short, naming, required_whole_number, text
from openigrt.dicom.dataset.finding import Finding, Severity, by_severity
from openigrt.dicom.dataset.inventory import (
    DICOM_SUFFIXES,
    DOSE_CLASSES,
    FIDUCIAL_CLASSES,
    IMAGE_CLASSES,
    NOT_DICOM,
    PLAN_CLASSES,
    PROJECTION_CLASSES,
    STRUCTURE_SET_CLASSES,
    Instance,
    Inventory,
    named_files,
)
from openigrt.dicom.dataset.load import read_object
from openigrt.dicom.folders.links import Drawing, Links, Planning, plans_of_dose, referenced_uid
from openigrt.dicom.folders.patients import PatientIdentity
from openigrt.dicom.folders.repeats import repeats_of
from openigrt.dicom.images.rt_image_setup import doubts_about_geometry, missing_geometry
from openigrt.dicom.images.series import same_pixels
from openigrt.dicom.images.slices import is_localizer
from openigrt.dicom.images.stack import stacked
from openigrt.dicom.images.volumes import sorted_series
from openigrt.dicom.pixels.stored_values import number_of_frames, require_whole_pixels
from openigrt.dicom.plans.beam_doses import has_whole_dose, what_beams_lack
from openigrt.dicom.readers import READ_CLASSES
from openigrt.dicom.registrations.chain import EQUIPMENT_FRAMES
from openigrt.dicom.registrations.fiducials import read_fiducials
from openigrt.dicom.registrations.folder_registrations import contradictions, registrations_of
from openigrt.dicom.registrations.spatial import RIGID
from openigrt.errors import OpenIgrtError, UnreadableFile
from openigrt.geometry import Frame, PatientPosition

NAMES_LISTED = 10
LONGEST_LABEL = 64

Rule = Callable[[Inventory, Links], Iterator[Finding]]


def find_problems(inventory: Inventory, links: Links) -> tuple[Finding, ...]:
    """Every finding about a folder, the worst first."""
    return by_severity(finding for rule in RULES for finding in _guarded(rule(inventory, links)))


def _guarded(found: Iterator[Finding]) -> Iterator[Finding]:
    """What a rule finds; where a header that it asks is malformed, that is what is found."""
    try:
        yield from found
    except OpenIgrtError as error:
        yield Finding(Severity.ERROR, error.sentence, "Export this object again.")


def _damaged(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Files that begin as DICOM and cannot be read, or are named as DICOM and are none."""
    for skipped in inventory.skipped:
        if skipped.is_damaged:
            advice = "Put this right first: other findings may follow from it."
            yield Finding(Severity.ERROR, skipped.reason, advice, (str(skipped.path),))
    for sentence in links.malformed:
        yield Finding(Severity.ERROR, sentence, "Export this object again; nothing else is said about it.")
    for doubt in inventory.doubts():
        yield Finding(Severity.WARNING, doubt, "Open one of them in a text editor if it is not known what they are.")
    others = [s for s in inventory.skipped if not s.is_damaged]
    junk = [s.path for s in others if not (s.reason == NOT_DICOM and s.path.suffix.lower() in DICOM_SUFFIXES)]
    if junk:
        sentence = f"{_files(inventory, junk)}: no DICOM objects."
        yield Finding(Severity.NOTE, sentence, "Nothing; they are left aside.", tuple(map(str, junk)))


def _unnamed(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Objects without the UIDs or the patient that everything else goes by."""
    lacks = {
        "SOP Instance UID": [instance.path for instance in inventory.instances() if not instance.uid],
        "Series Instance UID": [instance.path for instance in inventory.instances() if not instance.series_uid],
    }
    for what, paths in lacks.items():
        if paths:
            sentence = f"{_files(inventory, paths)}: no {what}."
            advice = "Export again from the source; nothing can refer to them."
            yield Finding(Severity.ERROR, sentence, advice, tuple(map(str, paths)))
    nobody = [i.path for i in inventory.instances() if not i.patient_id and not i.patient_name]
    if nobody:
        sentence = f"{_files(inventory, nobody)}: neither Patient ID nor name."
        yield Finding(Severity.WARNING, sentence, "Make sure whose they are.", tuple(map(str, nobody)))


def _patients(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """One ID with several names, one name with several IDs, several patients, and links from one to another."""
    known: dict[tuple[str, str], PatientIdentity] = {}
    for instance in inventory.instances():
        known.setdefault((instance.patient_id, instance.patient_name), _identity(instance))
    people = list(known.values())
    yield from _doubtful(people, "One Patient ID with several names", PatientIdentity.shares_id)
    yield from _doubtful(people, "One name with several Patient IDs", PatientIdentity.shares_name)
    strangers = [one for one in people if not any(one.is_same(other) for other in people if other is not one)]
    if len(people) > 1 and strangers:
        sentence = f"{len(people)} patients: {_listed(people)}."
        yield Finding(Severity.WARNING, sentence, "Give each patient a folder: guide takes one patient at a time.")
    for one, other in _linked(links):
        if not _identity(one).is_same(_identity(other)):
            sentence = f"Objects of two patients name each other: {_identity(one)} and {_identity(other)}."
            advice = "Do not use them together before it is known whose they are."
            yield Finding(Severity.ERROR, sentence, advice, (one.uid, other.uid))


def _doubtful(
    people: Sequence[PatientIdentity], what: str, share: Callable[[PatientIdentity, PatientIdentity], bool]
) -> Iterator[Finding]:
    """Once for each ID or name that identities share which otherwise contradict each other."""
    told: list[PatientIdentity] = []
    for one in people:
        if any(share(one, other) for other in told):
            continue
        others = [other for other in people if share(one, other) and not one.is_same(other)]
        if others:
            told.append(one)
            advice = "Find out whether this is one person; correct the identity at its source and export again."
            yield Finding(Severity.ERROR, f"{what}: {_listed([one, *others])}.", advice)


def _linked(links: Links) -> Iterator[tuple[Instance, Instance]]:
    """Pairs of objects of which one names the other."""
    for drawing in links.drawings:
        if drawing.image:
            yield drawing.structure_set, drawing.image.instances[0]
    for planning in links.plannings:
        if planning.drawing:
            yield planning.plan, planning.drawing.structure_set
        yield from ((planning.plan, dose) for dose in planning.doses)


def _identity(instance: Instance) -> PatientIdentity:
    """Who an object says it is of."""
    source = f"{instance.class_name} {instance.path.name}"
    return PatientIdentity(instance.patient_id, instance.patient_name, source)


def _listed(people: Sequence[PatientIdentity]) -> str:
    """Patients in a sentence, the first few by name."""
    return in_short([str(one) for one in people], NAMES_LISTED, "; ")


def _files(inventory: Inventory, paths: Sequence[Path]) -> str:
    """Files in a sentence, by their place below the folder."""
    return named_files([str(_place(inventory, path)) for path in paths])


def _place(inventory: Inventory, path: Path) -> Path:
    """Where a file lies below the folder."""
    return path.relative_to(inventory.path) if path != inventory.path else Path(path.name)


def _copies(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Files that hold the same SOP Instance UID: copies, or different objects under one UID."""
    repeats = repeats_of(inventory)
    for uid, paths in repeats.conflicts.items():
        sentence = f"{_files(inventory, paths)} hold different objects under one SOP Instance UID, {uid}."
        advice = "Export them again from their source; nothing can tell them apart."
        yield Finding(Severity.ERROR, sentence, advice, tuple(map(str, paths)))
    if repeats.copies:
        sentence = f"{_files(inventory, repeats.copies)}: copies of other files."
        yield Finding(Severity.NOTE, sentence, "Nothing; or remove them.", tuple(map(str, repeats.copies)))


def _volumes(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Image series that form no volume or several, or whose pixels are not there."""
    for series in inventory.of_classes(IMAGE_CLASSES):
        if all(is_localizer(instance) for instance in series.instances):
            yield Finding(Severity.NOTE, f"{series} holds nothing but localizers.", "Nothing.", (series.uid,))
            continue
        try:
            found = sorted_series(series)
            for volume in found.volumes:
                for slice_ in {s.instance.path: s for s in volume.slices}.values():
                    pixels = number_of_frames(slice_.instance) * slice_.rows * slice_.columns
                    require_whole_pixels(slice_.instance, pixels)
                stacked(list(volume.slices), Frame.plan(series.instances[0].frame_uid), same_pixels)
        except OpenIgrtError as error:
            yield Finding(Severity.ERROR, error.sentence, f"guide cannot use {series} as it is.", (series.uid,))
            continue
        if found.phases:
            names = ", ".join(map(str, found.phases))
            advice = f"Choose one for guide, such as --series {series.uid}@{found.phases[0]}."
            yield Finding(Severity.NOTE, f"{series} holds {len(found.phases)} volumes: {names}.", advice, (series.uid,))


def _headers(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Image series whose headers leave something open, or whose pixels lost something."""
    for series in inventory.of_classes(IMAGE_CLASSES):
        first = series.instances[0]
        with naming(first.header):
            positions = {text(instance.header, "PatientPosition") for instance in series.instances}
            lossy = [i for i in series.instances if text(i.header, "LossyImageCompression") == "01"]
        for doubt in character_set_doubt(first.header):
            yield Finding(Severity.WARNING, doubt, "Check names and descriptions where they are shown.", (series.uid,))
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
    """Structure sets without their image, with a part of it, or in another frame."""
    for drawing in links.drawings:
        name, about = _label(inventory, drawing.structure_set, "StructureSetLabel"), (drawing.structure_set.uid,)
        if drawing.image is None:
            yield _without_image(name, drawing, inventory)
            continue
        frame_uid = drawing.image.instances[0].frame_uid
        if drawing.frame_uid and frame_uid != drawing.frame_uid:
            sentence = f"{name} lies in frame {drawing.frame_uid}, its image in {frame_uid}."
            advice = "They do not belong together without a registration; export the structures again."
            yield Finding(Severity.ERROR, sentence, advice, about)
        elif drawing.image.uid != drawing.series_uid:
            named = drawing.series_uid or "none"
            sentence = f"{name} names series {named}; in its place there is {drawing.image}."
            yield Finding(Severity.WARNING, sentence, "Check that this is the image it was drawn on.", about)
        elif drawing.absent_uids:
            count, absent = len(drawing.image_uids), len(drawing.absent_uids)
            sentence = f"{name} names {count} slices, {absent} of them not in the folder."
            yield Finding(Severity.WARNING, sentence, "Copy the series again if slices were lost.", about)


def _without_image(name: str, drawing: Drawing, inventory: Inventory) -> Finding:
    """Why a structure set has no image here, and what to do."""
    about = (drawing.structure_set.uid,)
    unread = [s for s in inventory.series if drawing.series_uid and s.uid == drawing.series_uid]
    if unread:
        sentence = f"{name} was drawn on {unread[0]}, which is here in a form that is not read yet."
        return Finding(Severity.ERROR, sentence, "Export it as single slices.", about)
    others = sum(s.instances[0].frame_uid == drawing.frame_uid for s in inventory.of_classes(IMAGE_CLASSES))
    beside = f"; which of the {others} series in its frame may stand for it is not known" if others else ""
    sentence = f"{name} was drawn on series {drawing.series_uid or 'unknown'}, which is not in the folder{beside}."
    return Finding(Severity.ERROR, sentence, "Add the image that it was drawn on.", about)


def _plans(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """All about plans, each of which is read once: itself, its doses and its course; and how many there are."""
    by_plan, told = read_records(inventory)
    yield from told
    for planning in links.plannings:
        read = read_planned(planning, links)
        yield from _guarded(_of_read_plan(read, inventory))
        yield from _guarded(_dose_parts(read, inventory))
        yield from find_in_course(by_plan.get(planning.plan.uid, {}), read.plan)
    plan_uids = {planning.plan.uid for planning in links.plannings}
    for uid in (uid for uid in by_plan if uid not in plan_uids):
        yield from find_without_plan(by_plan[uid], uid)
    if len(links.plannings) > 1:
        sentence = f"There are {len(links.plannings)} plans."
        uids = tuple(planning.plan.uid for planning in links.plannings)
        yield Finding(Severity.NOTE, sentence, "Choose one for guide by its UID, with --plan.", uids)


def _of_read_plan(read: ReadPlan, inventory: Inventory) -> Iterator[Finding]:
    """A plan without structures, image or dose, that nobody approved, or that is doubtful."""
    planning = read.planning
    name, about = _label(inventory, planning.plan, "RTPlanLabel"), (planning.plan.uid,)
    yield from _of_plan(name, planning, inventory)
    with naming(planning.plan.header):
        approval = text(planning.plan.header, "ApprovalStatus")
    if approval != "APPROVED":
        sentence = f"{name} is {approval or 'of unknown approval'}."
        yield Finding(Severity.WARNING, sentence, "Check that this is the plan that is treated.", about)
    for doubt in plan_doubts(read):
        yield replace(doubt, sentence=f"{name}: {doubt.sentence}", about=about)


def _of_plan(name: str, planning: Planning, inventory: Inventory) -> Iterator[Finding]:
    """What the folder lacks of all that a plan names."""
    about, frame_uid = (planning.plan.uid,), planning.plan.frame_uid
    if planning.drawing is None and planning.structure_set_uid:
        sentence = f"{name} names structure set {planning.structure_set_uid}, which is not in the folder."
        is_alone = len(inventory.instances_of(STRUCTURE_SET_CLASSES)) == 1  # guide takes it then, with a warning
        severity = Severity.WARNING if is_alone else Severity.ERROR
        other = "; guide would use the only one there is" if is_alone else ""
        advice = f"Add it; without it there is no target and no organ{other}."
        yield Finding(severity, sentence, advice, about)
    elif planning.drawing is None:
        yield Finding(Severity.NOTE, f"{name} names no structure set.", "Nothing, if it was planned without.", about)
    count = sum(frame_uid == s.instances[0].frame_uid for s in inventory.of_classes(IMAGE_CLASSES)) if frame_uid else 0
    if planning.image is None and count > 1:
        sentence = f"{name}: which of the {count} images in its frame was planned on is not known."
        yield Finding(Severity.ERROR, sentence, "Add its structure set, or keep one image.", about)
    elif planning.image is None:
        yield Finding(Severity.ERROR, f"{name}: its planning image is not in the folder.", "Add it.", about)
    elif frame_uid and planning.image.instances[0].frame_uid != frame_uid:
        sentence = f"{name} lies in frame {frame_uid}, its image in frame {planning.image.instances[0].frame_uid}."
        yield Finding(Severity.ERROR, sentence, "Give the image that was planned on.", about)
    if not planning.doses:
        yield Finding(Severity.NOTE, f"{name} has no dose in the folder.", "Add it if dose is asked for.", about)


def _dose_pixels(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Doses that announce more pixels than they hold."""
    for dose in inventory.instances_of(DOSE_CLASSES):
        if dose.pixels is None:
            continue
        try:
            with naming(dose.header):
                rows, columns = (required_whole_number(dose.header, keyword) for keyword in ("Rows", "Columns"))
                require_whole_pixels(dose, number_of_frames(dose) * rows * columns)
        except OpenIgrtError as error:
            yield Finding(Severity.ERROR, error.sentence, "Export it again.", (dose.uid,))


def _doses(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Doses of plans that are not there, and such as lie in another frame than their plan."""
    by_plan: dict[str, list[Instance]] = defaultdict(list)
    for dose in links.doses_alone:
        by_plan[", ".join(sorted(plans_of_dose(dose)))].append(dose)
    for uids, doses in by_plan.items():
        names = _files(inventory, [dose.path for dose in doses])
        sentence = f"Dose in {names} is of plan {uids}, which is not in the folder."
        if not uids:
            sentence = f"Dose in {names} is of no plan in the folder: it names none."
        about = tuple(dose.uid for dose in doses)
        yield Finding(Severity.WARNING, sentence, "Add the plan, or leave the dose out.", about)
    for planning in links.plannings:
        image_frame_uid = planning.image.instances[0].frame_uid if planning.image else ""
        frame_uid = links.frame_uid_of(planning.plan) or image_frame_uid
        for dose in planning.doses:
            if frame_uid and dose.frame_uid != frame_uid:
                name = _label(inventory, dose, "DoseSummationType")
                sentence = f"{name} lies in frame {dose.frame_uid or 'unknown'}, its plan in {frame_uid}."
                advice = "Calculate or export it again on the planning image."
                yield Finding(Severity.ERROR, sentence, advice, (dose.uid,))


def _dose_parts(read: ReadPlan, inventory: Inventory) -> Iterator[Finding]:
    """Doses of single beams that do not add up to their plan; nothing where that cannot be read, which is told."""
    planning = read.planning
    lacking = what_beams_lack(read.dataset, planning.doses) if read.dataset is not None else ()
    if lacking:
        sentence = f"Doses of beams do not add up to {_label(inventory, planning.plan, 'RTPlanLabel')}: "
        is_whole = has_whole_dose(planning.doses)
        severity = Severity.NOTE if is_whole else Severity.WARNING
        advice = "Use the dose of the plan." if is_whole else "Export the dose of the plan, or of each beam once."
        about = (planning.plan.uid, *(dose.uid for dose in planning.doses))
        yield Finding(severity, f"{sentence}{'; '.join(lacking)}.", advice, about)


def _histograms(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Histograms of structures that are not there."""
    structure_set_uids = {instance.uid for instance in inventory.instances_of(STRUCTURE_SET_CLASSES)}
    for dose in inventory.instances_of(DOSE_CLASSES):
        named = referenced_uid(dose, "ReferencedStructureSetSequence")
        if named and named not in structure_set_uids:
            name = _label(inventory, dose, "DoseSummationType")
            sentence = f"{name} has histograms of structure set {named}, which is not in the folder."
            yield Finding(Severity.NOTE, sentence, "Add it to know which structures they are of.", (dose.uid,))


def _registrations(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Spatial Registrations that cannot be read, are not rigid, or join frames of which one is not there."""
    frames = {series.instances[0].frame_uid for series in inventory.of_classes(IMAGE_CLASSES)}
    readable = []
    for instance, registration in registrations_of(inventory):
        name = f"Spatial Registration {_place(inventory, instance.path)}"
        if isinstance(registration, OpenIgrtError):
            sentence = f"{name}: {registration.sentence}"
            yield Finding(Severity.ERROR, sentence, "Export it again.", (instance.uid,))
            continue
        readable.append(registration)
        types = {kind for source in registration.sources for kind in source.matrix_types} - {RIGID}
        if types:
            sentence = f"{name} is of type {', '.join(sorted(types)) or 'unknown'}."
            yield Finding(Severity.WARNING, sentence, "Only rigid ones can move a couch.", (instance.uid,))
        joined = {registration.registered_frame_uid, *(source.frame_uid for source in registration.sources)} - {""}
        absent = sorted(uid for uid in joined - frames if not uid.startswith(EQUIPMENT_FRAMES))
        if absent and not joined & frames:
            sentence = f"{name} joins nothing in the folder: no image lies in frame {' or '.join(absent)}."
            yield Finding(Severity.WARNING, sentence, "Add its images, or leave it out.", (instance.uid,))
        elif absent:
            sentence = f"{name} joins frame {', '.join(absent)}, of which no image is in the folder."
            yield Finding(Severity.NOTE, sentence, "Add the image if the registration is to be used.", (instance.uid,))
    for found in contradictions(inventory, readable):
        uids = tuple(dict.fromkeys((found.link.registration_uid, *(link.registration_uid for link in found.chain))))
        sentence = f"Registrations disagree: {found}."
        yield Finding(Severity.WARNING, sentence, "Find out which one is meant, and leave the other out.", uids)


def _projections(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """RT Images that do not say where their pixels lie, that leave it in doubt, or whose plan is not there."""
    plan_uids = {plan.uid for plan in inventory.instances_of(PLAN_CLASSES)}
    lacking, doubtful, unplanned = (defaultdict[str, list[Instance]](list) for _ in range(3))
    for image in inventory.instances_of(PROJECTION_CLASSES):
        try:
            missing, plan_uid = missing_geometry(image.header), referenced_uid(image, "ReferencedRTPlanSequence")
            doubts = () if missing else doubts_about_geometry(image.header)
        except UnreadableFile as error:
            yield _about(Severity.WARNING, error.sentence, "Export it again.", [image])
            continue
        if missing:
            lacking[", ".join(missing)].append(image)
        for doubt in doubts:
            doubtful[doubt].append(image)
        if plan_uid not in plan_uids | {""}:
            unplanned[plan_uid].append(image)
    for names, images in lacking.items():
        sentence = f"{_rt_images(inventory, images)}: {names} not stated, so where the pixels lie is not known."
        yield _about(Severity.WARNING, sentence, "Export again, or give them when reading.", images)
    for doubt, images in doubtful.items():
        sentence = f"{_rt_images(inventory, images)}: {doubt}"
        yield _about(Severity.NOTE, sentence, "Measure it with a phantom before relying on it.", images)
    for plan_uid, images in unplanned.items():
        sentence = f"{_rt_images(inventory, images)}: plan {plan_uid} is not in the folder."
        yield _about(Severity.NOTE, sentence, "Add it if the isocenter or the beam is asked for.", images)


def _rt_images(inventory: Inventory, images: Sequence[Instance]) -> str:
    """RT Images in a sentence."""
    return f"RT Images: {_files(inventory, [image.path for image in images])}"


def _about(severity: Severity, sentence: str, advice: str, instances: Sequence[Instance]) -> Finding:
    """A finding about several objects."""
    return Finding(severity, sentence, advice, tuple(instance.uid for instance in instances))


def _fiducials(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Spatial Fiducials that cannot be read, lack a part, or lie in the frame of no image."""
    frames = {series.instances[0].frame_uid for series in inventory.of_classes(IMAGE_CLASSES)}
    for instance in inventory.instances_of(FIDUCIAL_CLASSES):
        name = f"Spatial Fiducials {_place(inventory, instance.path)}"
        try:
            sets, messages = read_fiducials(read_object(instance.path)[0])
        except OpenIgrtError as error:
            yield _about(Severity.ERROR, f"{name}: {error.sentence}", "Export it again.", [instance])
            continue
        for message in messages:
            yield _about(Severity.NOTE, f"{name}: {message}", "Nothing, if it is not needed.", [instance])
        absent = sorted({found.frame.uid for found in sets} - frames - {""})
        if absent:
            sentence = f"{name} lies in frame {', '.join(absent)}, of which no image is in the folder."
            yield _about(Severity.NOTE, sentence, "Add the image if the fiducials are to be used.", [instance])


def _unread(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Objects that OpenIGRT does not read yet."""
    for series in inventory.series:
        if series.sop_class_uid not in READ_CLASSES:
            yield Finding(Severity.NOTE, f"{series} is not read by OpenIGRT yet.", "Nothing.", (series.uid,))


def _label(inventory: Inventory, instance: Instance, keyword: str) -> str:
    """An object in a sentence: its class, its label, cut where it is long, and where it lies."""
    with naming(instance.header):
        label = text(instance.header, keyword)[:LONGEST_LABEL]
    return f"{instance.class_name} {label!r} ({_place(inventory, instance.path)})"


RULES: Sequence[Rule] = (
    _damaged,
    _unnamed,
    _patients,
    _copies,
    _volumes,
    _headers,
    _structures,
    _plans,
    _dose_pixels,
    _doses,
    _histograms,
    _registrations,
    find_in_instructions,
    _projections,
    _fiducials,
    _unread,
)
