"""Which objects of a folder name each other by UID: structures their image, plans their structures, doses their plan.

Files that hold one object twice count once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from openigrt.dicom.dataset.elements import items, naming, text
from openigrt.dicom.dataset.inventory import (
    CT_CLASSES,
    DOSE_CLASSES,
    IMAGE_CLASSES,
    PLAN_CLASSES,
    STRUCTURE_SET_CLASSES,
    Instance,
    Inventory,
    Series,
)
from openigrt.dicom.folders.choosing import series_named
from openigrt.dicom.structures.structure_set import referenced_series
from openigrt.errors import UnreadableFile

Linked = TypeVar("Linked")


@dataclass(frozen=True, eq=False, slots=True)
class Drawing:
    """A structure set, the frame, series and slices that it names, and the series of the folder that fits them.

    `absent_uids` are those of the slices that are not in the folder.
    """

    structure_set: Instance
    frame_uid: str
    series_uid: str
    image_uids: frozenset[str]
    absent_uids: frozenset[str]
    image: Series | None


@dataclass(frozen=True, eq=False, slots=True)
class Planning:
    """A plan, the structure set that it names (its UID where it is not there), the image under it, and its doses."""

    plan: Instance
    structure_set_uid: str
    drawing: Drawing | None
    image: Series | None
    doses: tuple[Instance, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Links:
    """All that name each other in a folder, and the doses of no plan that is there.

    `malformed` are sentences about objects whose references cannot be read; they are left out of the rest.
    """

    drawings: tuple[Drawing, ...]
    plannings: tuple[Planning, ...]
    doses_alone: tuple[Instance, ...]
    malformed: tuple[str, ...] = ()

    def frame_uid_of(self, instance: Instance) -> str:
        """The frame that an object lies in: its own, else that of the structures that it is or names."""
        drawings = {drawing.structure_set.uid: drawing for drawing in self.drawings}
        drawings |= {planning.plan.uid: planning.drawing for planning in self.plannings if planning.drawing}
        found = drawings.get(instance.uid)
        return instance.frame_uid or (found.frame_uid if found else "")


def links_of(inventory: Inventory) -> Links:
    """Who names whom in a folder."""
    images = inventory.of_classes(IMAGE_CLASSES)
    drawings, bad_sets = _each(inventory, STRUCTURE_SET_CLASSES, lambda found: _drawing(found, images))
    doses, bad_doses = _each(inventory, DOSE_CLASSES, lambda dose: (dose, plans_of_dose(dose)))
    plannings, bad_plans = _each(inventory, PLAN_CLASSES, lambda plan: _planning(plan, drawings, images, doses))
    plan_uids = {planning.plan.uid for planning in plannings}
    alone = tuple(dose for dose, named in doses if not plan_uids & named)
    return Links(drawings, plannings, alone, bad_sets + bad_doses + bad_plans)


def _each(
    inventory: Inventory, sop_class_uids: tuple[str, ...], read: Callable[[Instance], Linked]
) -> tuple[tuple[Linked, ...], tuple[str, ...]]:
    """What is read from the objects of these SOP classes, each UID once, and why some of them cannot be read."""
    found: dict[str, Linked] = {}
    malformed = []
    for instance in inventory.instances_of(sop_class_uids):
        key = instance.uid or str(instance.path)
        try:
            if key not in found:
                found[key] = read(instance)
        except UnreadableFile as error:
            malformed.append(error.sentence)
    return tuple(found.values()), tuple(malformed)


def plans_of_dose(dose: Instance) -> frozenset[str]:
    """The UIDs of the plans that a dose names."""
    with naming(dose.header):
        references = items(dose.header, "ReferencedRTPlanSequence")
        return frozenset(text(item, "ReferencedSOPInstanceUID") for item in references) - {""}


def referenced_uid(instance: Instance, sequence: str) -> str:
    """The first SOP Instance UID that a sequence of references names, empty without one."""
    with naming(instance.header):
        references = items(instance.header, sequence)
        return text(references[0], "ReferencedSOPInstanceUID") if references else ""


def _drawing(structure_set: Instance, images: Sequence[Series]) -> Drawing:
    """What a structure set was drawn on: the series of its slices, else of its UID, else the only one in its frame."""
    with naming(structure_set.header):
        frames = items(structure_set.header, "ReferencedFrameOfReferenceSequence")
        series = [entry for frame in frames for entry in referenced_series(frame)]
        frame_uid = text(frames[0], "FrameOfReferenceUID") if frames else structure_set.frame_uid
        series_uid = text(series[0], "SeriesInstanceUID") if series else ""
        slices = [image for entry in series for image in items(entry, "ContourImageSequence")]
        image_uids = frozenset(text(image, "ReferencedSOPInstanceUID") for image in slices) - {""}
    fitting, _ = series_named(images, image_uids, series_uid, frame_uid)
    image = fitting[0] if len(fitting) == 1 else None
    absent = image_uids - {instance.uid for s in images for instance in s.instances}
    return Drawing(structure_set, frame_uid, series_uid, image_uids, absent, image)


def _planning(
    plan: Instance,
    drawings: Sequence[Drawing],
    images: Sequence[Series],
    doses: Sequence[tuple[Instance, frozenset[str]]],
) -> Planning:
    """What belongs to a plan: where its structure set is not there, the only CT or image in its frame."""
    named = referenced_uid(plan, "ReferencedStructureSetSequence")
    drawing = next((found for found in drawings if named and found.structure_set.uid == named), None)
    in_frame = [s for s in images if plan.frame_uid and s.instances[0].frame_uid == plan.frame_uid]
    ct = [s for s in in_frame if s.sop_class_uid in CT_CLASSES]
    alone = next((found[0] for found in (ct, in_frame) if len(found) == 1), None)
    image = drawing.image if drawing else alone
    own = tuple(dose for dose, plan_uids in doses if plan.uid in plan_uids)
    return Planning(plan, named, drawing, image, own)
