"""RT Beams Delivery Instruction to and from delivery instructions (PS3.3 A.64, C.8.8.29).

Read strictly: a machine would act on it, so a word that is not known is refused.
"""

from collections.abc import Mapping
from typing import TypeVar

from pydicom import Dataset
from pydicom.uid import UID, RTBeamsDeliveryInstructionStorage, RTIonPlanStorage, RTPlanStorage

from openigrt.dicom.dataset.elements import (
    items,
    name_of,
    naming,
    number,
    number_within,
    numbers,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.dataset.headers import SeriesHeader, decimal, decimals, new_dataset, reference
from openigrt.dicom.records.stated_position import LARGEST_ANGLE_DEG
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import LONGEST_MM
from openigrt.patient import (
    BeamTask,
    BeamTaskType,
    DeliveryInstruction,
    DeliveryType,
    DoubleExposure,
    ImageTiming,
    PlanReference,
    StatedPosition,
    VerificationImageOrder,
)

MAX_TASKS = 1_000
LARGEST_METERSET = 1e15
ADJUSTED = {
    "TableTopVerticalAdjustedPosition": "table_top_vertical_position_mm",
    "TableTopLongitudinalAdjustedPosition": "table_top_longitudinal_position_mm",
    "TableTopLateralAdjustedPosition": "table_top_lateral_position_mm",
    "PatientSupportAdjustedAngle": "patient_support_angle_deg",
    "TableTopEccentricAdjustedAngle": "table_top_eccentric_angle_deg",
    "TableTopPitchAdjustedAngle": "table_top_pitch_angle_deg",
    "TableTopRollAdjustedAngle": "table_top_roll_angle_deg",
}
DISPLACEMENTS = (
    "TableTopLateralSetupDisplacement",
    "TableTopLongitudinalSetupDisplacement",
    "TableTopVerticalSetupDisplacement",
)
DELIVERIES = {kind.value: kind for kind in (DeliveryType.TREATMENT, DeliveryType.CONTINUATION)}
TASK_TYPES = {kind.value: kind for kind in BeamTaskType}
TIMINGS = {timing.value: timing for timing in ImageTiming}
FLAGS = {"YES": True, "NO": False, "": None}
OPEN_FIRST, OPEN_SECOND = "OPEN_FIRST", "OPEN_SECOND"
SINGLE, DOUBLE = "SINGLE", "DOUBLE"

Meaning = TypeVar("Meaning")


def read_delivery_instruction(dataset: Dataset) -> tuple[DeliveryInstruction, tuple[str, ...]]:
    """The instruction, and what of it was not read; positions in IEC 61217, absolute.

    Raises MissingInput without beam tasks or plan, UnreadableFile for unknown words and malformed numbers,
    InconsistentInput for several plans and for a continuation without its ends, UnsupportedInput for more tasks than
    any session has.
    """
    with naming(dataset):
        tasks, plans = items(dataset, "BeamTaskSequence"), items(dataset, "ReferencedRTPlanSequence")
        if not tasks or not plans or not text(plans[0], "ReferencedSOPInstanceUID"):
            raise MissingInput(
                f"{name_of(dataset)} has no {'plan' if tasks else 'beam tasks'}; there is nothing to do."
            )
        if len(plans) > 1:
            raise InconsistentInput(f"{name_of(dataset)} names {len(plans)} plans; expected one. Make it again.")
        if len(tasks) > MAX_TASKS:
            raise UnsupportedInput(f"{name_of(dataset)} has {len(tasks)} beam tasks; at most {MAX_TASKS} are read.")
        unread = {
            "OmittedBeamTaskSequence": "Beams that are left out on purpose are named by it, and not read.",
            "ReferencedTreatmentRecordSequence": "Treatment records are named by it, and not read.",
        }
        return DeliveryInstruction(
            uid=text(dataset, "SOPInstanceUID"),
            plan=_plan_reference(dataset, plans[0]),
            tasks=tuple(_task(item, dataset) for item in tasks),
            patient_id=text(dataset, "PatientID"),
        ), tuple(sentence for keyword, sentence in unread.items() if items(dataset, keyword))


def _plan_reference(dataset: Dataset, item: Dataset) -> PlanReference:
    """The plan, with its series and study where the Common Instance Reference module names them."""
    uid, is_ion = text(item, "ReferencedSOPInstanceUID"), text(item, "ReferencedSOPClassUID") == RTIonPlanStorage
    others = items(dataset, "StudiesContainingOtherReferencedInstancesSequence")
    for study in (dataset, *others):
        for series in items(study, "ReferencedSeriesSequence"):
            named = [text(i, "ReferencedSOPInstanceUID") for i in items(series, "ReferencedInstanceSequence")]
            if uid in named:
                return PlanReference(uid, is_ion, text(series, "SeriesInstanceUID"), text(study, "StudyInstanceUID"))
    return PlanReference(uid, is_ion)


def _task(item: Dataset, dataset: Dataset) -> BeamTask:
    """One beam task."""
    lateral, longitudinal, vertical = (
        number_within(item, keyword, -LONGEST_MM, LONGEST_MM) for keyword in DISPLACEMENTS
    )
    return BeamTask(
        beam_number=required_whole_number(item, "ReferencedBeamNumber"),
        fraction_number=required_whole_number(item, "CurrentFractionNumber"),
        task_type=_one_of(item, "BeamTaskType", TASK_TYPES, dataset),
        delivery_type=_one_of(item, "TreatmentDeliveryType", DELIVERIES, dataset),
        fraction_group=whole_number(item, "ReferencedFractionGroupNumber"),
        couch=StatedPosition(**{name: _adjusted(item, keyword) for keyword, name in ADJUSTED.items()}),
        setup_displacement_mm=(lateral, longitudinal, vertical),
        start_meterset=number_within(item, "ContinuationStartMeterset", 0.0, LARGEST_METERSET),
        end_meterset=number_within(item, "ContinuationEndMeterset", 0.0, LARGEST_METERSET),
        dosimeter_unit=text(item, "PrimaryDosimeterUnit"),
        images=tuple(_image(i, dataset) for i in items(item, "DeliveryVerificationImageSequence")),
        is_autosequenced=_one_of(item, "AutosequenceFlag", FLAGS, dataset),
        order=whole_number(item, "BeamOrderIndex"),
    )


def _adjusted(item: Dataset, keyword: str) -> float | None:
    """An adjusted position or angle, None where it is not adjusted."""
    largest = LARGEST_ANGLE_DEG if keyword.endswith("Angle") else LONGEST_MM
    return number_within(item, keyword, -largest, largest)


def _one_of(item: Dataset, keyword: str, meanings: Mapping[str, Meaning], dataset: Dataset) -> Meaning:
    """What a word means; raises UnreadableFile for any other word."""
    said = text(item, keyword)
    if said not in meanings:
        raise UnreadableFile(
            f"{name_of(dataset)} has {keyword} {said!r}; expected one of {', '.join(filter(None, meanings))}.",
            keyword=keyword,
        )
    return meanings[said]


def _image(item: Dataset, dataset: Dataset) -> VerificationImageOrder:
    """A verification image to be taken."""
    is_double = _one_of(item, "DoubleExposureFlag", {SINGLE: False, DOUBLE: True}, dataset)
    return VerificationImageOrder(
        timing=_one_of(item, "VerificationImageTiming", TIMINGS, dataset),
        meterset=number_within(item, "MetersetExposure", 0.0, LARGEST_METERSET),
        start_weight=number(item, "StartCumulativeMetersetWeight"),
        end_weight=number(item, "EndCumulativeMetersetWeight"),
        receptor_translation_mm=numbers(item, "XRayImageReceptorTranslation"),
        double_exposure=_double(item, dataset) if is_double else None,
    )


def _double(item: Dataset, dataset: Dataset) -> DoubleExposure:
    """The open exposure of a double one."""
    return DoubleExposure(
        _one_of(item, "DoubleExposureOrdering", {OPEN_FIRST: True, OPEN_SECOND: False}, dataset),
        number_within(item, "DoubleExposureMeterset", 0.0, LARGEST_METERSET),
        numbers(item, "DoubleExposureFieldDelta"),
    )


def write_delivery_instruction(instruction: DeliveryInstruction, series: SeriesHeader) -> Dataset:
    """The RT Beams Delivery Instruction; an axis that is not adjusted is written empty.

    With the series and study of the plan it carries the Common Instance Reference, so that it may travel without a
    Unified Procedure Step. Raises MissingInput without tasks.
    """
    if not instruction.tasks:
        raise MissingInput("A delivery instruction without beam tasks cannot be written.")
    dataset = new_dataset(series, "PLAN", RTBeamsDeliveryInstructionStorage, instruction.uid)
    plan = reference(RTIonPlanStorage if instruction.plan.is_ion else RTPlanStorage, instruction.plan.uid)
    dataset.ReferencedRTPlanSequence = [plan]
    if instruction.plan.series_uid and instruction.plan.study_uid:
        _set_references(dataset, instruction.plan, plan)
    dataset.BeamTaskSequence = [_task_item(task) for task in instruction.tasks]
    return dataset


def _set_references(dataset: Dataset, plan: PlanReference, item: Dataset) -> None:
    """Common Instance Reference module (PS3.3 C.12.2)."""
    series = Dataset()
    series.SeriesInstanceUID = UID(plan.series_uid)
    series.ReferencedInstanceSequence = [reference(item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID)]
    if plan.study_uid == dataset.StudyInstanceUID:
        dataset.ReferencedSeriesSequence = [series]
        return
    study = Dataset()
    study.StudyInstanceUID = UID(plan.study_uid)
    study.ReferencedSeriesSequence = [series]
    dataset.StudiesContainingOtherReferencedInstancesSequence = [study]


def _task_item(task: BeamTask) -> Dataset:
    """Beam Task item."""
    item = Dataset()
    item.BeamTaskType = task.task_type.value
    item.TreatmentDeliveryType = task.delivery_type.value
    item.CurrentFractionNumber = task.fraction_number
    item.ReferencedBeamNumber = task.beam_number
    if task.fraction_group is not None:
        item.ReferencedFractionGroupNumber = task.fraction_group
    if task.delivery_type is DeliveryType.CONTINUATION:
        item.PrimaryDosimeterUnit = task.dosimeter_unit
        item.ContinuationStartMeterset, item.ContinuationEndMeterset = task.start_meterset, task.end_meterset
    if task.is_autosequenced is not None:
        item.AutosequenceFlag = "YES" if task.is_autosequenced else "NO"
    if task.order is not None:
        item.BeamOrderIndex = task.order
    for keyword, name in ADJUSTED.items():
        setattr(item, keyword, getattr(task.couch, name))
    for keyword, displacement_mm in zip(DISPLACEMENTS, task.setup_displacement_mm, strict=True):
        setattr(item, keyword, "" if displacement_mm is None else decimal(displacement_mm))
    if task.images or task.task_type is not BeamTaskType.TREAT:
        item.DeliveryVerificationImageSequence = [_image_item(image) for image in task.images]
    return item


def _image_item(image: VerificationImageOrder) -> Dataset:
    """Delivery Verification Image item."""
    item = Dataset()
    item.VerificationImageTiming = image.timing.value
    item.XRayImageReceptorTranslation = decimals(image.receptor_translation_mm) or ""
    if image.timing is ImageTiming.DURING:
        item.StartCumulativeMetersetWeight = "" if image.start_weight is None else decimal(image.start_weight)
        item.EndCumulativeMetersetWeight = "" if image.end_weight is None else decimal(image.end_weight)
    else:
        item.MetersetExposure = "" if image.meterset is None else decimal(image.meterset)
    double = image.double_exposure
    item.DoubleExposureFlag = SINGLE if double is None else DOUBLE
    if double is not None:
        item.DoubleExposureOrdering = OPEN_FIRST if double.is_open_first else OPEN_SECOND
        item.DoubleExposureMeterset = double.meterset
        item.DoubleExposureFieldDelta = list(double.field_delta_mm)
    return item
