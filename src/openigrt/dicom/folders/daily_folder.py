"""The folder of the day: one image, and the structures that were drawn on it."""

from dataclasses import dataclass, replace
from pathlib import Path

from openigrt.dicom.dataset.inventory import PLAN_CLASSES, STRUCTURE_SET_CLASSES, Inventory, Series, scan_folder
from openigrt.dicom.dataset.load import InputFile, read_object
from openigrt.dicom.folders.choosing import (
    contours_beyond,
    image_series,
    require_one_patient_in,
    require_undamaged,
    series_chosen,
)
from openigrt.dicom.folders.patients import PatientIdentity, require_one_patient
from openigrt.dicom.folders.plan_folder import PlanFolder
from openigrt.dicom.images.choice import ImageChoice
from openigrt.dicom.images.series import WHOLE_SERIES, read_image_series
from openigrt.dicom.images.stack import Straightening
from openigrt.dicom.structures.structure_set import read_structure_set
from openigrt.errors import InconsistentInput
from openigrt.geometry import Frame
from openigrt.images import Image
from openigrt.patient import StructureSet


@dataclass(frozen=True, eq=False, slots=True)
class DailyFolder:
    """The image of the day in its own frame, its structures if any, choices, warnings, and the files that were used.

    `holds_plan` says that a plan lies in the folder too: it may be the plan folder itself.
    """

    daily_image: Image
    structure_set: StructureSet | None
    choices: tuple[str, ...]
    messages: tuple[str, ...]
    inputs: tuple[InputFile, ...]
    holds_plan: bool = False


def read_daily_folder(
    path: Path,
    plan_frame_uid: str,
    series_uid: str | None = None,
    straightening: Straightening = Straightening.REFUSED,
) -> DailyFolder:
    """Read the image of the day in a frame of role daily.

    `series_uid` chooses where there are several series or phases: `UID`, `UID@PHASE` or `@PHASE`.
    A Frame of Reference UID equal to `plan_frame_uid` is said in a message: the image was aligned or resampled before.
    Raises MissingInput, AmbiguousInput, InconsistentInput, UnreadableFile or UnsupportedInput.
    """
    inventory = scan_folder(path)
    require_undamaged(inventory)
    require_one_patient_in(inventory)
    choice = replace(ImageChoice.parse(series_uid), straightening=straightening)
    series = series_chosen(image_series(inventory), choice, str(inventory.path))
    daily = read_daily_series(series, plan_frame_uid, choice)
    structure_set, files, messages = _structures(inventory, daily.daily_image)
    return replace(
        daily,
        structure_set=structure_set,
        choices=(*daily.choices, *inventory.messages()),
        messages=(*inventory.doubts(), *daily.messages, *messages),
        inputs=(*daily.inputs, *files),
        holds_plan=bool(inventory.instances_of(PLAN_CLASSES)),
    )


def read_daily_series(series: Series, plan_frame_uid: str, choice: ImageChoice = WHOLE_SERIES) -> DailyFolder:
    """One series as the image of the day, without structures; raises the errors of `read_image_series`."""
    reading = read_image_series(series, Frame.daily, choice)
    shared = (
        (f"Daily image and plan share the frame of reference {plan_frame_uid}: aligned or resampled before.",)
        if reading.image.frame.uid == plan_frame_uid
        else ()
    )
    return DailyFolder(reading.image, None, (f"Chose {series}.",), (*reading.messages, *shared), reading.inputs)


def check_same_patient(plan: PlanFolder, daily: DailyFolder) -> None:
    """Raise InconsistentInput, naming both, when plan and daily image state different patients."""
    images = (("the planning image", plan.planning_image), ("the daily image", daily.daily_image))
    require_one_patient(
        PatientIdentity(image.provenance.patient_id, image.provenance.patient_name, source) for source, image in images
    )


def check_same_position(plan: PlanFolder, daily: DailyFolder) -> None:
    """Raise InconsistentInput when the daily image was acquired in another patient position than the plan needs."""
    found = daily.daily_image.provenance.patient_position
    expected = plan.plan.patient_position if plan.plan else plan.planning_image.provenance.patient_position
    if found is not None and expected is not None and found is not expected:
        raise InconsistentInput(
            f"The plan is for patient position {expected}, the daily image was acquired in {found}; check (0018,5100).",
            found=str(found),
            expected=str(expected),
        )


def _structures(
    inventory: Inventory, image: Image
) -> tuple[StructureSet | None, tuple[InputFile, ...], tuple[str, ...]]:
    """The only structure set that names slices of the daily image, its file, and what was noticed."""
    slices = set(image.provenance.instance_uids)
    drawn_on_it = []
    for instance in inventory.instances_of(STRUCTURE_SET_CLASSES):
        dataset, file = read_object(instance.path)
        structure_set, messages = read_structure_set(dataset, Frame.daily)
        if slices & set(structure_set.image_instance_uids) and structure_set.frame == image.frame:
            drawn_on_it.append((structure_set, (file,), (*messages, *contours_beyond(structure_set, image))))
    if len(drawn_on_it) > 1:
        labels = ", ".join(repr(structure_set.label) for structure_set, _, _ in drawn_on_it)
        return (
            None,
            (),
            (f"No daily structures read: several sets name the daily image: {labels}.",),
        )
    return drawn_on_it[0] if drawn_on_it else (None, (), ())
