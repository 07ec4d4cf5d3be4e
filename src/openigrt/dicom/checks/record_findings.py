"""What the treatment records of a folder tell of its courses: missing, partial and repeated deliveries, overrides."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from pydicom.uid import RTBeamsDeliveryInstructionStorage

from openigrt.dicom.dataset.elements import in_short
from openigrt.dicom.dataset.finding import Finding, Severity
from openigrt.dicom.dataset.inventory import Instance, Inventory
from openigrt.dicom.dataset.load import read_object
from openigrt.dicom.folders.links import Links
from openigrt.dicom.records.delivery_instruction import read_delivery_instruction
from openigrt.dicom.records.treatment_record import RECORD_CLASSES, read_treatment_record
from openigrt.errors import OpenIgrtError
from openigrt.patient import BeamState, CourseHistory, Plan, TreatmentRecord, course_history

NAMES_LISTED = 10


RecordsByPlan = Mapping[str, Mapping[str, TreatmentRecord]]


def read_records(inventory: Inventory) -> tuple[RecordsByPlan, tuple[Finding, ...]]:
    """All treatment records by the UID of their plan and their own, and what was found while they were read."""
    by_plan: dict[str, dict[str, TreatmentRecord]] = defaultdict(dict)
    noticed: dict[str, list[Instance]] = defaultdict(list)
    found = []
    for instance in inventory.instances_of(RECORD_CLASSES):
        name, about = f"Treatment record {instance.path.name}", (instance.uid,)
        try:
            record, messages = read_treatment_record(read_object(instance.path)[0])
        except OpenIgrtError as error:
            found.append(Finding(Severity.ERROR, f"{name}: {error.sentence}", "Export it again.", about))
            continue
        by_plan[record.plan_uid][record.uid] = record
        for message in messages:
            noticed[message].append(instance)
    for message, instances in noticed.items():
        names = in_short([instance.path.name for instance in instances], NAMES_LISTED)
        uids = tuple(instance.uid for instance in instances)
        sentence = f"Treatment record {names}: {message}"
        found.append(Finding(Severity.NOTE, sentence, "Nothing; it is left aside.", uids))
    return by_plan, tuple(found)


def find_in_course(records: Mapping[str, TreatmentRecord], plan: Plan | None) -> Iterator[Finding]:
    """What the records of one plan tell; `plan` is None where it cannot be read."""
    try:
        yield from _of_course(records, plan)
    except OpenIgrtError as error:
        yield Finding(Severity.ERROR, error.sentence, "Export the records again.", tuple(records))


def find_without_plan(records: Mapping[str, TreatmentRecord], plan_uid: str) -> Iterator[Finding]:
    """What records tell whose plan is not in the folder."""
    named = f"of plan {plan_uid}, which is not in the folder" if plan_uid else "of no plan: none is named"
    sentence = f"{len(records)} treatment record{'' if len(records) == 1 else 's'} {named}."
    yield Finding(Severity.WARNING, sentence, "Add the plan that was treated.", tuple(records))
    yield from find_in_course(records, None)


def find_in_instructions(inventory: Inventory, links: Links) -> Iterator[Finding]:
    """Delivery instructions that cannot be read, or whose plan is not there."""
    plan_uids = {planning.plan.uid for planning in links.plannings}
    for instance in inventory.instances_of((RTBeamsDeliveryInstructionStorage,)):
        name, about = f"Delivery instruction {instance.path.name}", (instance.uid,)
        try:
            instruction, messages = read_delivery_instruction(read_object(instance.path)[0])
        except OpenIgrtError as error:
            yield Finding(Severity.ERROR, f"{name}: {error.sentence}", "Do not deliver by it; make it again.", about)
            continue
        if instruction.plan.uid not in plan_uids:
            sentence = f"{name} names plan {instruction.plan.uid}, which is not in the folder."
            yield Finding(Severity.WARNING, sentence, "Add the plan that it is for.", about)
        for message in messages:
            yield Finding(Severity.NOTE, f"{name}: {message}", "Nothing; it is left aside.", about)


def _of_course(records: Mapping[str, TreatmentRecord], plan: Plan | None) -> Iterator[Finding]:
    """Fractions and beams that are missing, partial or repeated, doubts and overrides."""
    about, history = tuple(records), course_history(list(records.values()), plan)
    if history.absent_fractions:
        numbers = in_short([_named(*fraction) for fraction in history.absent_fractions], NAMES_LISTED)
        sentence = f"Plan {history.plan_uid or 'unknown'}: no treatment record of fraction {numbers}."
        yield Finding(Severity.WARNING, sentence, "Add the records, or find out whether these were treated.", about)
    yield from _of_beams(history, about)
    for doubt in history.doubts:
        yield Finding(Severity.WARNING, doubt, "Compare it with the record and verify system.", about)
    yield from _overrides(history, about)


def _overrides(history: CourseHistory, about: tuple[str, ...]) -> Iterator[Finding]:
    """What was overridden."""
    overrides = [
        f"{override.parameter} in fraction {_named(fraction.group, fraction.number)}"
        for fraction in history.fractions
        for beam in fraction.beams
        for override in beam.overrides
    ]
    if overrides:
        sentence = (
            f"{len(overrides)} override{'' if len(overrides) == 1 else 's'}: {in_short(overrides, NAMES_LISTED)}."
        )
        yield Finding(Severity.NOTE, sentence, "See the records for who overrode them, and why.", about)


def _of_beams(history: CourseHistory, about: tuple[str, ...]) -> Iterator[Finding]:
    """Beams that were not delivered once and whole, by what became of them."""
    told = {
        BeamState.PARTIAL: "delivered in part",
        BeamState.MISSED: "not delivered",
        BeamState.REPEATED: "delivered more than once, or beyond the plan",
    }
    for state, words in told.items():
        found = [
            f"beam {beam.number} of fraction {_named(fraction.group, fraction.number)} "
            f"({_amount(beam.delivered_meterset)} of {_amount(beam.planned_meterset)})"
            for fraction in history.fractions
            for beam in fraction.beams
            if beam.state is state
        ]
        if found:
            sentence = f"Plan {history.plan_uid or 'unknown'}, {words}: {in_short(found, NAMES_LISTED)}."
            advice = "Check that the rest was given, and that it was recorded."
            yield Finding(Severity.WARNING, sentence, advice, about)


def _named(group: int | None, number: int) -> str:
    """A fraction in a sentence."""
    return str(number) if group is None else f"{number} of fraction group {group}"


def _amount(meterset: float | None) -> str:
    """A meterset in a sentence."""
    return "unknown" if meterset is None else f"{meterset:g}"
