"""Choosing, in a folder, the objects that belong together: by UID where one refers to another, never by guess."""

from collections.abc import Sequence, Set

import numpy as np

from openigrt.dicom.dataset.elements import naming, text
from openigrt.dicom.dataset.inventory import IMAGE_CLASSES, Instance, Inventory, Series
from openigrt.dicom.folders.patients import PatientIdentity, require_one_patient
from openigrt.dicom.images.choice import ImageChoice, phase_of
from openigrt.errors import AmbiguousInput, InconsistentInput, MissingInput, UnreadableFile
from openigrt.images import Image
from openigrt.patient import StructureSet

NAMES_LISTED = 10
HALF_SLICE = 0.5 + 1e-6


def require_one_patient_in(inventory: Inventory) -> None:
    """Raise InconsistentInput, naming both, when a folder holds objects of two patients."""
    require_one_patient(
        PatientIdentity(instance.patient_id, instance.patient_name, f"{instance.class_name} {instance.path.name}")
        for instance in inventory.instances()
    )


def require_undamaged(inventory: Inventory) -> None:
    """Raise UnreadableFile when a DICOM file of the folder is damaged: it may be a slice or the plan."""
    damaged = [skipped for skipped in inventory.skipped if skipped.is_damaged]
    if damaged:
        count = f"{len(damaged)} damaged DICOM file{'s' if len(damaged) > 1 else ''}"
        raise UnreadableFile(
            f"{damaged[0].reason} {count} in {inventory.path}: copy the folder again, or remove what does not belong "
            "to it.",
            paths=[str(skipped.path) for skipped in damaged],
        )


def listed(series: Sequence[Series]) -> str:
    """Series in a sentence, with the phase that each describes."""
    more = f"; and {len(series) - NAMES_LISTED} more" if len(series) > NAMES_LISTED else ""
    return "; ".join(map(_with_phase, series[:NAMES_LISTED])) + more


def _with_phase(series: Series) -> str:
    """A series in a sentence, with its phase."""
    phase = phase_of(series)
    return f"{series}, phase {phase}" if phase else str(series)


def labelled(instances: Sequence[Instance], label: str) -> str:
    """Plans or structure sets in a sentence: their label and UID."""
    names = []
    for instance in instances[:NAMES_LISTED]:
        with naming(instance.header):
            names.append(f"{text(instance.header, label)!r} [{instance.uid}]")
    return "; ".join(names)


def by_uid(instances: Sequence[Instance], uid: str, what: str, label: str) -> Instance:
    """The object of this UID; raises MissingInput, listing what is there."""
    for instance in instances:
        if instance.uid == uid:
            return instance
    raise MissingInput(
        f"No {what} has the UID {uid!r}; found: {labelled(instances, label) or 'none'}.", uid=uid, what=what
    )


def image_series(inventory: Inventory) -> tuple[Series, ...]:
    """The series of CT, MR and PET images; raises MissingInput when there is none."""
    series = inventory.of_classes(IMAGE_CLASSES)
    if series:
        return series
    raise MissingInput(f"{inventory.path} holds no CT, MR or PET image; found: {listed(inventory.series)}.")


def one_of(series: Sequence[Series], where: str, choice: str) -> Series:
    """The only series; raises AmbiguousInput, listing them, when there are several. `choice` says how to choose."""
    if len(series) > 1:
        raise AmbiguousInput(f"{where} holds {len(series)} image series: {listed(series)}. {choice}", count=len(series))
    return series[0]


def series_chosen(candidates: Sequence[Series], choice: ImageChoice, where: str) -> Series:
    """The series of the UID that was named, else the one that describes the phase that was named, else the only one.

    Raises MissingInput where there is none, AmbiguousInput, listing them, where there are several.
    """
    if choice.series_uid:
        for series in candidates:
            if series.uid == choice.series_uid:
                return series
        raise MissingInput(
            f"No image series has the UID {choice.series_uid!r}; found: {listed(candidates)}.", uid=choice.series_uid
        )
    called = [s for s in candidates if choice.phase and not choice.within(s).phase]
    return one_of(called or candidates, where, f"Choose one by its UID with {choice.option}.")


def series_named(
    candidates: Sequence[Series], image_uids: Set[str], series_uid: str, frame_uid: str
) -> tuple[list[Series], str]:
    """The series that structures were drawn on and what tells so: the one of the `slices` or the `series` that they
    name, else all that lie in their `frame`.
    """
    by_slices = [s for s in candidates if any(instance.uid in image_uids for instance in s.instances)]
    by_series = [s for s in candidates if series_uid and s.uid == series_uid]
    for matching, what in ((by_slices, "slices"), (by_series, "series")):
        if len(matching) == 1:
            return matching, what
    return [s for s in candidates if frame_uid and s.instances[0].frame_uid == frame_uid], "frame"


def series_drawn_on(
    candidates: Sequence[Series], structures: StructureSet
) -> tuple[Series, tuple[str, ...], tuple[str, ...]]:
    """The image series that a structure set was drawn on, what was chosen why, and what is doubtful about it.

    By instance UIDs, then by series UID, then, with a warning, by frame of reference where only one series has it.
    Raises InconsistentInput when none fits, AmbiguousInput when several share the frame.
    """
    referenced = set(structures.image_instance_uids)
    found, what = series_named(candidates, referenced, structures.image_series_uid, structures.frame.uid)
    if what != "frame":
        chosen = f"Chose {found[0]}: structure set {structures.label!r} names its {what}."
        return found[0], (chosen,), _absent_slices(found[0], structures)
    if not found:
        raise InconsistentInput(
            f"Structure set {structures.label!r} [{structures.uid}] was drawn on series "
            f"{structures.image_series_uid or 'unknown'} in frame {structures.frame.uid}; the folder holds only "
            f"{listed(candidates)} in frame {candidates[0].instances[0].frame_uid}. Give the image that it was drawn "
            "on.",
            structure_set_uid=structures.uid,
        )
    chosen_series = one_of(found, f"The frame of structure set {structures.label!r}", "Keep the one it belongs to.")
    doubt = (
        f"Chose {chosen_series} because it is the only one in the frame of structure set {structures.label!r}, which "
        f"names another series, {structures.image_series_uid or 'none'}."
    )
    return chosen_series, (), (doubt,)


def _absent_slices(series: Series, structures: StructureSet) -> tuple[str, ...]:
    """A message when slices that the structure set names are not there."""
    absent = set(structures.image_instance_uids) - {instance.uid for instance in series.instances}
    if not absent:
        return ()
    return (
        f"Structure set {structures.label!r} names {len(structures.image_instance_uids)} slices, of which "
        f"{len(absent)} are not in the folder.",
    )


def contours_beyond(structures: StructureSet, image: Image) -> tuple[str, ...]:
    """A message for each structure whose contours reach beyond the first or last slice of its image."""
    messages = []
    for structure in structures.structures:
        if not structure.contours:
            continue
        points_mm = np.concatenate([contour.points_mm for contour in structure.contours])
        slices = image.grid.indices(points_mm)[:, 2]
        before, after = -float(slices.min()), float(slices.max()) - (image.grid.size[2] - 1)
        ends = [(before, "first"), (after, "last")]
        reach = [f"{d * image.grid.spacing_mm[2]:.1f} mm beyond the {end} slice" for d, end in ends if d > HALF_SLICE]
        if reach:
            messages.append(f"Contours of {structure.name} reach {' and '.join(reach)} of the image.")
    return tuple(messages)


def require_frame_of(structures: StructureSet, image: Image) -> None:
    """Raise InconsistentInput when structures lie in another frame of reference than the image."""
    if structures.frame.uid != image.frame.uid:
        raise InconsistentInput(
            f"Structure set {structures.label!r} lies in frame {structures.frame.uid}, the image in frame "
            f"{image.frame.uid}: they do not belong together without a registration.",
            structure_set_uid=structures.uid,
        )
