"""RT Plan and RT Ion Plan to and from plans; what stands in their beams has files of its own beside this one."""

from dataclasses import dataclass, replace

from pydicom import Dataset
from pydicom.uid import UID, RTDoseStorage, RTIonPlanStorage, RTPlanStorage, RTStructureSetStorage

from openigrt.dicom.dataset.elements import (
    items,
    moment,
    name_of,
    naming,
    number,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.dataset.headers import SeriesHeader, date_and_time, new_dataset, reference, set_approval
from openigrt.dicom.dataset.mapping import TEXTS, Many, Table, Told, optional, required
from openigrt.dicom.plans.beam import read_beam, write_beam
from openigrt.dicom.plans.fractions import DOSE_REFERENCE, FRACTION_GROUP
from openigrt.dicom.plans.setup import SETUP, TOLERANCE_TABLE
from openigrt.errors import InconsistentInput, MissingInput, UnsupportedInput
from openigrt.geometry import Frame, PatientPosition
from openigrt.patient import Beam, BeamShare, FractionGroup, Plan, PlannedSetup, RelatedPlan, contradictions

SETUP_NUMBER = 1
MAX_BEAMS = 500

RELATED_PLAN = Table(
    RelatedPlan,
    (
        required("uid", "ReferencedSOPInstanceUID"),
        optional("relationship", "RTPlanRelationship"),
        required("sop_class_uid", "ReferencedSOPClassUID"),
    ),
)
ENTRIES = (
    optional("name", "RTPlanName"),
    optional("description", "RTPlanDescription"),
    optional("intent", "PlanIntent"),
    optional("treatment_sites", "TreatmentSites", TEXTS),
    optional("treatment_protocols", "TreatmentProtocols", TEXTS),
    optional("prescription_description", "PrescriptionDescription"),
    Many("dose_references", "DoseReferenceSequence", DOSE_REFERENCE),
    Many("setups", "PatientSetupSequence", SETUP),
    Many("fraction_groups", "FractionGroupSequence", FRACTION_GROUP),
    Many("related_plans", "ReferencedRTPlanSequence", RELATED_PLAN),
)
REVIEWER = optional("reviewer", "ReviewerName")
DOSE_UIDS: Table[str] = Table(lambda uid: uid, (required("uid", "ReferencedSOPInstanceUID"),))
TOLERANCES = Many("tolerance_tables", "ToleranceTableSequence", TOLERANCE_TABLE)
ION_TOLERANCES = Many("tolerance_tables", "IonToleranceTableSequence", TOLERANCE_TABLE)


@dataclass(frozen=True, slots=True)
class PlanDefaults:
    """What images or structures say where a plan is silent: its frame and patient position are optional modules."""

    frame_uid: str = ""
    patient_position: PatientPosition | None = None
    position_from: str = "the image"


def read_plan(dataset: Dataset, defaults: PlanDefaults | None = None) -> tuple[Plan, tuple[str, ...]]:
    """The whole plan of an RT Plan or RT Ion Plan in its own frame, and what was noticed or left out.

    Numbers that place a beam must be there; what else cannot be used is left out and told, and so is every
    contradiction. Raises MissingInput without beams, frame or patient position; InconsistentInput when its beams need
    different patient positions; UnsupportedInput for brachytherapy and absurd numbers of beams; UnreadableFile.
    """
    with naming(dataset):
        beam_items, is_ion = _beam_items(dataset)
        frame_uid, position, messages = _plan_frame(dataset, defaults or PlanDefaults())
        told: Told = []
        metersets, fractions = _fractions(dataset)
        entries = (*ENTRIES, ION_TOLERANCES if is_ion else TOLERANCES)
        values = {entry.field: entry.read(dataset, told) for entry in entries}
        read = [read_beam(item, is_ion, metersets) for item in beam_items]
        beams, without_meterset = _setup_by_meterset(tuple(beam for beam, _ in read))
        structures = items(dataset, "ReferencedStructureSetSequence")
        plan = Plan(
            uid=text(dataset, "SOPInstanceUID"),
            label=text(dataset, "RTPlanLabel"),
            frame=Frame.plan(frame_uid),
            patient_id=text(dataset, "PatientID"),
            patient_position=position,
            approval=text(dataset, "ApprovalStatus"),
            beams=beams,
            structure_set_uid=text(structures[0], "ReferencedSOPInstanceUID") if structures else "",
            fractions_planned=fractions,
            created_at=moment(dataset, "RTPlanDate", "RTPlanTime"),
            manufacturer=text(dataset, "Manufacturer"),
            reviewer=REVIEWER.read(dataset, told),
            reviewed_at=moment(dataset, "ReviewDate", "ReviewTime"),
            dose_uids=DOSE_UIDS.read_all(dataset, "ReferencedDoseSequence", told),
            **values,
        )
        noticed = (*dict.fromkeys(told), *(sentence for _, sentences in read for sentence in sentences))
        brachytherapy = _brachytherapy(dataset)
        return plan, (*messages, *without_meterset, *brachytherapy, *noticed, *contradictions(plan))


def _beam_items(dataset: Dataset) -> tuple[tuple[Dataset, ...], bool]:
    """The items of the beams, and whether they are of ions."""
    photon_items = items(dataset, "BeamSequence")
    ion_items = () if photon_items else items(dataset, "IonBeamSequence")
    beam_items = photon_items or ion_items
    if not beam_items:
        raise MissingInput(f"{name_of(dataset)} has no beams; brachytherapy plans are not read.")
    if len(beam_items) > MAX_BEAMS:
        raise UnsupportedInput(f"{name_of(dataset)} has {len(beam_items)} beams; at most {MAX_BEAMS} are read.")
    return beam_items, bool(ion_items)


def _brachytherapy(dataset: Dataset) -> tuple[str, ...]:
    """A message where a plan with beams has sources too."""
    has_sources = "ApplicationSetupSequence" in dataset or "SourceSequence" in dataset
    return ("The brachytherapy part of the plan is not read.",) if has_sources else ()


def _plan_frame(dataset: Dataset, defaults: PlanDefaults) -> tuple[str, PatientPosition, tuple[str, ...]]:
    """Frame UID and patient position, from the defaults where the plan is silent, which a message says."""
    messages: tuple[str, ...] = ()
    frame_uid = text(dataset, "FrameOfReferenceUID") or defaults.frame_uid
    if not frame_uid:
        raise MissingInput(f"{name_of(dataset)} names no frame of reference, and no structure set or image does.")
    if not text(dataset, "FrameOfReferenceUID"):
        messages += (f"The plan names no frame of reference; taken from its structure set: {frame_uid}.",)
    names = {text(item, "PatientPosition") for item in items(dataset, "PatientSetupSequence")} - {""}
    if len(names) > 1:
        raise InconsistentInput(f"{name_of(dataset)} has beams for different patient positions: {sorted(names)}.")
    if names:
        return frame_uid, PatientPosition.parse(names.pop()), messages
    if defaults.patient_position is None:
        raise MissingInput(
            f"{name_of(dataset)} does not say the patient position (0018,5100), nor does the image; say it with "
            "--position, such as HFS."
        )
    position = defaults.patient_position
    source = defaults.position_from
    return frame_uid, position, (*messages, f"The plan states no patient position; taken from {source}: {position}.")


def _fractions(dataset: Dataset) -> tuple[dict[int, float], int | None]:
    """Meterset by beam number, and the number of fractions of the first fraction group."""
    groups = items(dataset, "FractionGroupSequence")
    metersets: dict[int, float] = {}
    for group in groups:
        for item in items(group, "ReferencedBeamSequence"):
            meterset = number(item, "BeamMeterset")
            if meterset is not None:
                metersets.setdefault(required_whole_number(item, "ReferencedBeamNumber"), meterset)
    return metersets, whole_number(groups[0], "NumberOfFractionsPlanned") if groups else None


def _setup_by_meterset(beams: tuple[Beam, ...]) -> tuple[tuple[Beam, ...], tuple[str, ...]]:
    """Beams without meterset beside beams that have one are setup beams, which a message says."""
    if all(beam.meterset_mu is None for beam in beams):
        return beams, ()
    silent = [beam for beam in beams if beam.meterset_mu is None and not beam.is_setup]
    messages = tuple(f"Beam {beam.number} {beam.name!r} has no meterset: taken as a setup beam." for beam in silent)
    return tuple(replace(beam, delivery_type="SETUP") if beam in silent else beam for beam in beams), messages


def write_plan(plan: Plan, series: SeriesHeader) -> Dataset:
    """The RT Plan of `plan`, the RT Ion Plan where it has beams of ions.

    Raises InconsistentInput where the metersets or fractions of the plan are not those of its fraction groups, where
    photons and ions are mixed, and where a gantry turns without a direction.
    """
    groups = plan.fraction_groups or (_one_group(plan),)
    _require_agreement(plan, groups)
    dataset = new_dataset(series, "RTPLAN", RTIonPlanStorage if plan.is_ion else RTPlanStorage, plan.uid)
    dataset.FrameOfReferenceUID = UID(plan.frame.uid)
    dataset.PositionReferenceIndicator = ""
    dataset.RTPlanLabel = plan.label[:16]
    dataset.RTPlanDate, dataset.RTPlanTime = date_and_time(plan.created_at or series.created_at)
    dataset.RTPlanGeometry = "PATIENT" if plan.structure_set_uid else "TREATMENT_DEVICE"
    if plan.structure_set_uid:
        dataset.ReferencedStructureSetSequence = [reference(RTStructureSetStorage, plan.structure_set_uid)]
    if plan.dose_uids:
        dataset.ReferencedDoseSequence = [reference(RTDoseStorage, uid) for uid in plan.dose_uids]
    setups = plan.setups or (PlannedSetup(SETUP_NUMBER, plan.patient_position.value),)
    whole = replace(plan, fraction_groups=groups, setups=setups)
    for entry in (*ENTRIES, ION_TOLERANCES if plan.is_ion else TOLERANCES):
        entry.written_to(dataset, getattr(whole, entry.field))
    for group in dataset.FractionGroupSequence:
        group.NumberOfBrachyApplicationSetups = 0
    _set_beams(dataset, whole)
    set_approval(dataset, plan.approval, plan.reviewer, plan.reviewed_at)
    return dataset


def _one_group(plan: Plan) -> FractionGroup:
    """One fraction group of all beams."""
    shares = tuple(BeamShare(beam.number, beam.meterset_mu) for beam in plan.beams)
    return FractionGroup(1, plan.fractions_planned, shares)


def _require_agreement(plan: Plan, groups: tuple[FractionGroup, ...]) -> None:
    """Raise InconsistentInput where a plan says one thing twice, and not the same."""
    shares = [share for group in reversed(groups) for share in group.beams]
    stated = {share.beam_number: share.meterset_mu for share in shares if share.meterset_mu is not None}
    other = [beam for beam in plan.beams if beam.meterset_mu != stated.get(beam.number)]
    if other:
        raise InconsistentInput(
            f"Beam {other[0].number} {other[0].name!r} has meterset {other[0].meterset_mu}, and "
            f"{stated.get(other[0].number)} in its fraction group; change both."
        )
    if plan.fractions_planned != groups[0].fractions_planned:
        raise InconsistentInput(
            f"Plan {plan.label!r} has {plan.fractions_planned} fractions, and {groups[0].fractions_planned} in its "
            "first fraction group; change both."
        )
    if plan.is_ion and any(beam.ion_line is None for beam in plan.beams):
        raise InconsistentInput(f"Plan {plan.label!r} has beams of ions and others; write them as two plans.")


def _set_beams(dataset: Dataset, plan: Plan) -> None:
    """The beams; each names a patient setup, the first where it says none."""
    written = [write_beam(beam) for beam in plan.beams]
    for item in written:
        if "ReferencedPatientSetupNumber" not in item and plan.setups[0].number is not None:
            item.ReferencedPatientSetupNumber = plan.setups[0].number
    if plan.is_ion:
        dataset.IonBeamSequence = written
    else:
        dataset.BeamSequence = written
