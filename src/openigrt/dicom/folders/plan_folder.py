"""The folder of a plan: planning image, structures, plan and dose that belong together."""

from dataclasses import dataclass, replace
from pathlib import Path

from openigrt.dicom.dataset.elements import naming, text
from openigrt.dicom.dataset.inventory import (
    CT_CLASSES,
    DOSE_CLASSES,
    PLAN_CLASSES,
    STRUCTURE_SET_CLASSES,
    Instance,
    Inventory,
    Series,
    scan_folder,
)
from openigrt.dicom.dataset.load import InputFile, read_object
from openigrt.dicom.doses.dose import is_dose_plane, read_dose, read_dose_planes
from openigrt.dicom.folders.choosing import (
    by_uid,
    contours_beyond,
    image_series,
    labelled,
    one_of,
    require_frame_of,
    require_one_patient_in,
    require_undamaged,
    series_chosen,
    series_drawn_on,
)
from openigrt.dicom.folders.links import referenced_uid
from openigrt.dicom.images.choice import ImageChoice
from openigrt.dicom.images.series import ImageReading, read_image_series
from openigrt.dicom.images.stack import Straightening
from openigrt.dicom.plans.plan import PlanDefaults, read_plan
from openigrt.dicom.structures.structure_set import read_structure_set
from openigrt.errors import AmbiguousInput, InconsistentInput, InputError, MissingInput, UnsupportedInput
from openigrt.geometry import PatientPosition
from openigrt.images import Image
from openigrt.patient import DoseGrid, Plan, StructureSet

SUMMED_DOSE = ("PLAN", "")


@dataclass(frozen=True, eq=False, slots=True)
class PlanFolder:
    """What belongs together in a plan folder, what was chosen or left aside, what is doubtful, and the files used.

    `doubts` are those messages that say that a file may be missing.
    """

    planning_image: Image
    structure_set: StructureSet | None
    plan: Plan | None
    dose: DoseGrid | None
    choices: tuple[str, ...]
    messages: tuple[str, ...]
    inputs: tuple[InputFile, ...]
    doubts: tuple[str, ...] = ()


def read_plan_folder(
    path: Path,
    plan_uid: str | None = None,
    position: PatientPosition | None = None,
    series: str | None = None,
    straightening: Straightening = Straightening.REFUSED,
) -> PlanFolder:
    """Read the plan (the one of `plan_uid` where there are several) with its structures, image and dose.

    Without an RT Plan the structure set and its image are read. `position` is how the patient lies where neither plan
    nor image says it. `series` chooses the planning image where the plan's own objects do not, or another of its
    phases: `UID`, `UID@PHASE` or `@PHASE`. Raises MissingInput, AmbiguousInput, InconsistentInput,
    UnreadableFile or UnsupportedInput with one sentence that names the files or UIDs.
    """
    inventory = scan_folder(path)
    require_undamaged(inventory)
    require_one_patient_in(inventory)
    plan_instance = _chosen_plan(inventory, plan_uid)
    structures_instance, absent = _chosen_structures(inventory, plan_instance)
    structure_set, structure_files, noticed = _structures(structures_instance)
    choice = replace(ImageChoice.parse(series, "--plan-series"), straightening=straightening)
    image, chosen, doubts = _chosen_series(inventory, structure_set, plan_instance, choice)
    drawn_on = frozenset(structure_set.image_instance_uids if structure_set else ())
    reading = read_image_series(image, choice=replace(choice, drawn_on=drawn_on))
    elsewhere = _drawn_elsewhere(reading.image, structure_set) if choice.series_uid or choice.phase else ()
    plan, plan_files, planned = _plan(plan_instance, structure_set, reading, position)
    dose, dose_files, dosed = _dose(inventory, plan, reading.image.frame.uid)
    _require_consistent(reading.image, structure_set, plan)
    beyond = contours_beyond(structure_set, reading.image) if structure_set else ()
    return PlanFolder(
        planning_image=reading.image,
        structure_set=structure_set,
        plan=plan,
        dose=dose,
        choices=(*chosen, *inventory.messages()),
        messages=(
            *(*inventory.doubts(), *absent, *noticed, *doubts, *elsewhere),
            *(*reading.messages, *planned, *dosed, *beyond),
        ),
        inputs=(*reading.inputs, *structure_files, *plan_files, *dose_files),
        doubts=inventory.doubts(),
    )


def holds_plan(path: Path) -> bool:
    """Whether a folder holds an RT Plan; a folder that cannot be read holds none."""
    try:
        return bool(scan_folder(path).instances_of(PLAN_CLASSES))
    except InputError:
        return False


def _chosen_plan(inventory: Inventory, plan_uid: str | None) -> Instance | None:
    """The plan of this UID, or the only one; raises AmbiguousInput, listing them, when there are several."""
    plans = inventory.instances_of(PLAN_CLASSES)
    if plan_uid is not None:
        return by_uid(plans, plan_uid, "plan", "RTPlanLabel")
    if len(plans) > 1:
        raise AmbiguousInput(
            f"{inventory.path} holds {len(plans)} plans: {labelled(plans, 'RTPlanLabel')}. Choose one by its UID "
            "with --plan.",
            uids=[plan.uid for plan in plans],
        )
    return plans[0] if plans else None


def _chosen_structures(inventory: Inventory, plan: Instance | None) -> tuple[Instance | None, tuple[str, ...]]:
    """The structure set that the plan names, else the only one; raises AmbiguousInput when several may be meant."""
    found = inventory.instances_of(STRUCTURE_SET_CLASSES)
    named = referenced_uid(plan, "ReferencedStructureSetSequence") if plan else ""
    for instance in found:
        if instance.uid == named:
            return instance, ()
    if len(found) > 1:
        raise AmbiguousInput(
            f"{inventory.path} holds {len(found)} structure sets and no plan that names one of them: "
            f"{labelled(found, 'StructureSetLabel')}. Keep the one that is meant.",
            uids=[instance.uid for instance in found],
        )
    if not named:
        return (found[0] if found else None), ()
    absent = f"The plan names structure set {named}, which is not in the folder."
    if not found:
        return None, (absent,)
    return found[0], (f"{absent} Using the only one there is, {labelled(found, 'StructureSetLabel')}.",)


def _structures(instance: Instance | None) -> tuple[StructureSet | None, tuple[InputFile, ...], tuple[str, ...]]:
    """The structure set, its file, and what was noticed."""
    if instance is None:
        return None, (), ()
    dataset, file = read_object(instance.path)
    structure_set, messages = read_structure_set(dataset)
    repeated = tuple(
        f"Several structures are named {name!r}; they are told apart by their ROI number, as in '{name} (ROI 1)'."
        for name in structure_set.repeated_names()
    )
    return structure_set.with_distinct_names(), (file,), (*messages, *repeated)


def _chosen_series(
    inventory: Inventory, structure_set: StructureSet | None, plan: Instance | None, choice: ImageChoice
) -> tuple[Series, tuple[str, ...], tuple[str, ...]]:
    """The planning image, the choice and doubts: what was named, else what was drawn on, else what the plan tells."""
    candidates = image_series(inventory)
    if choice.series_uid or (choice.phase and len(candidates) > 1):
        named = series_chosen(candidates, choice, str(inventory.path))
        return named, (f"Chose {named} as planning image: it was named.",), ()
    if structure_set is not None:
        return series_drawn_on(candidates, structure_set)
    if plan is not None and plan.frame_uid:
        in_frame = [series for series in candidates if series.instances[0].frame_uid == plan.frame_uid]
        if not in_frame:
            raise InconsistentInput(
                f"The plan lies in frame {plan.frame_uid}; no image of the folder does, the first is "
                f"{candidates[0]} in frame {candidates[0].instances[0].frame_uid}. Give the image that was planned on."
            )
        candidates = tuple(in_frame)
    ct = tuple(series for series in candidates if series.sop_class_uid in CT_CLASSES)
    advice = f"Choose the planning image by its UID with {choice.option}, or add the structure set."
    series = one_of(ct or candidates, str(inventory.path), advice)
    return series, (f"Chose {series} as planning image: no structure set names one.",), ()


def _drawn_elsewhere(image: Image, structure_set: StructureSet | None) -> tuple[str, ...]:
    """A doubt where structures were not drawn on the image that was named."""
    if structure_set is None or set(image.provenance.instance_uids) & set(structure_set.image_instance_uids):
        return ()
    return (
        f"Structure set {structure_set.label!r} was not drawn on the planning image that was named, but on others "
        f"(of series {structure_set.image_series_uid or 'unknown'}).",
    )


def _plan(
    instance: Instance | None,
    structure_set: StructureSet | None,
    reading: ImageReading,
    given: PatientPosition | None,
) -> tuple[Plan | None, tuple[InputFile, ...], tuple[str, ...]]:
    """The plan, its file, and what was noticed; structures, image and `given` fill what an RT Plan may leave out."""
    if instance is None:
        return None, (), ("The folder holds no plan.",)
    dataset, file = read_object(instance.path)
    frame_uid = structure_set.frame.uid if structure_set else reading.image.frame.uid
    stated = reading.image.provenance.patient_position
    defaults = PlanDefaults(frame_uid, stated or given, "the image" if stated else "what was given")
    plan, messages = read_plan(dataset, defaults)
    aimed, left_out = with_still_isocenters(plan)
    return aimed, (file,), (*messages, *left_out)


def with_still_isocenters(plan: Plan) -> tuple[Plan, tuple[str, ...]]:
    """A plan that a patient can be guided to: each beam at one isocenter, setup beams without any left out and told.

    Raises MissingInput for a treatment beam or a whole plan without isocenter, UnsupportedInput for an isocenter that
    moves within a beam.
    """
    for beam in plan.beams:
        moved_mm = next((point.isocenter_mm for point in beam.control_points if point.isocenter_mm), None)
        if moved_mm is not None:
            raise UnsupportedInput(
                f"The isocenter of beam {beam.name!r} moves from {beam.isocenter_mm} to {moved_mm}; not handled."
            )
        if beam.isocenter_mm is None and not beam.is_setup:
            raise MissingInput(
                f"Beam {beam.name!r} has no isocenter; fixed-SSD setups are not handled. "
                "Take the plan out of the folder and give --isocenter X,Y,Z."
            )
    aimed = tuple(beam for beam in plan.beams if beam.isocenter_mm is not None)
    if not aimed:
        raise MissingInput(f"RT Plan {plan.uid} has no beam with an isocenter.")
    left_out = (beam for beam in plan.beams if beam.isocenter_mm is None)
    messages = tuple(f"Left out setup beam {beam.name!r}: it has no isocenter." for beam in left_out)
    return replace(plan, beams=aimed), messages


def _dose(
    inventory: Inventory, plan: Plan | None, frame_uid: str
) -> tuple[DoseGrid | None, tuple[InputFile, ...], tuple[str, ...]]:
    """The summed dose of the plan, its file, and what was noticed; a dose that cannot be used is a message."""
    doses = inventory.instances_of(DOSE_CLASSES)
    if not doses:
        return None, (), ()
    fitting = [instance for instance in doses if _is_dose_of(instance, plan)]
    if len(fitting) != 1 and not _are_planes_of_one(fitting):
        why = "none is" if not fitting else f"{len(fitting)} are"
        return None, (), (f"No dose read: of {len(doses)} in the folder {why} the whole dose of the plan.",)
    try:
        datasets, files = zip(*(read_object(instance.path) for instance in fitting), strict=True)
        dose = read_dose(datasets[0]) if len(datasets) == 1 else read_dose_planes(datasets)
    except InputError as error:
        return None, (), (f"No dose read: {error.sentence}",)
    if dose.grid.size[2] == 1:
        return None, (), ("No dose read: it is a single plane.",)
    if dose.grid.frame.uid != frame_uid:
        elsewhere = dose.grid.frame.uid or "without a UID"
        return None, (), (f"No dose read: it lies in frame {elsewhere}, the planning image in {frame_uid}.",)
    return dose, files, dose.warnings


def _are_planes_of_one(doses: list[Instance]) -> bool:
    """Whether several doses are the planes of one, each in an object of its own."""
    return len({dose.series_uid for dose in doses}) == 1 and all(is_dose_plane(dose.header) for dose in doses)


def _is_dose_of(instance: Instance, plan: Plan | None) -> bool:
    """Whether a dose is the sum over a plan, of this plan where there is one."""
    with naming(instance.header):
        is_sum = text(instance.header, "DoseSummationType") in SUMMED_DOSE
    return is_sum and (plan is None or referenced_uid(instance, "ReferencedRTPlanSequence") == plan.uid)


def _require_consistent(image: Image, structure_set: StructureSet | None, plan: Plan | None) -> None:
    """Raise InconsistentInput when frames or patient positions of image, structures and plan contradict each other."""
    if structure_set is not None:
        require_frame_of(structure_set, image)
    if plan is None:
        return
    if plan.frame.uid != image.frame.uid:
        raise InconsistentInput(
            f"Plan {plan.label!r} lies in frame {plan.frame.uid}, the planning image in frame {image.frame.uid}; give "
            "the image that was planned on.",
            plan_uid=plan.uid,
        )
    position = image.provenance.patient_position
    if position is not None and position is not plan.patient_position:
        raise InconsistentInput(
            f"Plan {plan.label!r} is for patient position {plan.patient_position}, the planning image was acquired in "
            f"{position}; check (0018,5100) in both.",
            plan_uid=plan.uid,
            plan_position=str(plan.patient_position),
            image_position=str(position),
        )
