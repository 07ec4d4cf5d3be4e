"""What `check` says about treatment records: the course that they tell, and what is missing of it."""

import pytest

from openigrt.dicom import Severity
from tests.dicom.dicom_cases import PLAN, ROOT, plan, sequence_item, write, write_plan_folder
from tests.dicom.record_cases import first_point, session_beam, treatment_record
from tests.dicom.test_delivery_instruction import instruction_dataset
from tests.dicom.test_findings import found_in

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


@pytest.fixture
def folder(tmp_path):
    """A plan folder in which nothing is wrong: one beam of 100 MU."""
    write_plan_folder(tmp_path, ApprovalStatus="APPROVED")
    return tmp_path


def add(folder, number, *beams, **values):
    write(treatment_record(f"{ROOT}.9{number}", list(beams), **values), folder / f"record{number}.dcm")


def told(folder):
    return [(finding.severity, finding.sentence) for finding in found_in(folder)]


def test_a_course_in_order_is_no_finding(folder):
    for fraction in (1, 2):
        add(folder, fraction, session_beam(CurrentFractionNumber=fraction))
    assert told(folder) == []


def test_a_record_without_its_plan(folder):
    add(folder, 1, session_beam(CurrentFractionNumber=1), plan_uid="1.2.3")
    add(folder, 2, session_beam(CurrentFractionNumber=1), ReferencedRTPlanSequence=[])
    assert told(folder) == [
        (Severity.WARNING, "1 treatment record of plan 1.2.3, which is not in the folder."),
        (Severity.WARNING, "1 treatment record of no plan: none is named."),
    ]


def test_a_plan_that_leaves_its_position_and_frame_to_its_image_is_held_against_its_records(folder):
    write(plan(position="", FrameOfReferenceUID="", ApprovalStatus="APPROVED"), folder / "rp.dcm")
    add(folder, 1, session_beam(CurrentFractionNumber=1, SpecifiedPrimaryMeterset="", DeliveredPrimaryMeterset="40"))
    assert (Severity.WARNING, f"Plan {PLAN}, delivered in part: beam 1 of fraction 1 (40 of 100).") in told(folder)


def test_fractions_and_beams_that_are_missing_partial_or_repeated(folder):
    two = [sequence_item(**{e.keyword: e.value for e in b}) for b in plan().BeamSequence]
    two.append(sequence_item(**{e.keyword: e.value for e in two[0]}))
    two[1].BeamNumber, two[1].BeamName = 2, "B2"
    write(plan(beams=two, ApprovalStatus="APPROVED"), folder / "rp.dcm")
    add(folder, 1, session_beam(CurrentFractionNumber=1, DeliveredPrimaryMeterset="40"))
    beams = [session_beam(CurrentFractionNumber=4), session_beam(CurrentFractionNumber=4)]
    add(folder, 2, *beams, session_beam(2, CurrentFractionNumber=4))
    assert told(folder) == [
        (Severity.WARNING, f"Plan {PLAN}: no treatment record of fraction 2, 3."),
        (Severity.WARNING, f"Plan {PLAN}, delivered in part: beam 1 of fraction 1 (40 of 100)."),
        (Severity.WARNING, f"Plan {PLAN}, not delivered: beam 2 of fraction 1 (0 of 100)."),
        (
            Severity.WARNING,
            f"Plan {PLAN}, delivered more than once, or beyond the plan: beam 1 of fraction 4 (200 of 100).",
        ),
    ]


def test_fractions_of_several_groups_are_told_with_their_group(folder):
    """The same beam in two groups, 100 MU in one and 40 MU in the other: each group counts its fractions from one."""
    groups = [
        sequence_item(
            FractionGroupNumber=number,
            NumberOfFractionsPlanned=3,
            NumberOfBeams=1,
            NumberOfBrachyApplicationSetups=0,
            ReferencedBeamSequence=[sequence_item(ReferencedBeamNumber=1, BeamMeterset=meterset)],
        )
        for number, meterset in ((1, "100"), (2, "40"))
    ]
    write(plan(FractionGroupSequence=groups, ApprovalStatus="APPROVED"), folder / "rp.dcm")
    for number, (group, fraction, given) in enumerate(((1, 1, "100"), (1, 3, "100"), (2, 1, "40"), (2, 2, "30"))):
        beam = session_beam(CurrentFractionNumber=fraction, SpecifiedPrimaryMeterset="", DeliveredPrimaryMeterset=given)
        add(folder, number, beam, ReferencedFractionGroupNumber=group)
    assert [sentence for _, sentence in told(folder) if "fraction" in sentence] == [
        f"Plan {PLAN}: no treatment record of fraction 2 of fraction group 1.",
        f"Plan {PLAN}, delivered in part: beam 1 of fraction 2 of fraction group 2 (30 of 40).",
    ]


def test_overrides_are_told(folder):
    override = sequence_item(OverrideParameterPointer=0x300A0128, OperatorsName="A^B")
    points = [first_point(OverrideSequence=[override])]
    add(folder, 1, session_beam(points=points, CurrentFractionNumber=1))
    assert told(folder) == [(Severity.NOTE, "1 override: TableTopVerticalPosition in fraction 1.")]


def test_a_record_that_cannot_be_placed_or_read(folder):
    add(folder, 1, session_beam(CurrentFractionNumber=""))
    record = treatment_record(f"{ROOT}.95", [])
    write(record, folder / "empty.dcm")
    sentences = {sentence: severity for severity, sentence in told(folder)}
    assert any("has no fraction number; its meterset is not counted" in s for s in sentences)
    (error,) = [s for s, severity in sentences.items() if severity is Severity.ERROR]
    assert error.startswith("Treatment record empty.dcm: RT Beams Treatment Record")


def test_records_of_two_units_are_an_error_and_everything_else_is_still_found(folder):
    add(folder, 1, session_beam(CurrentFractionNumber=1))
    add(folder, 2, session_beam(CurrentFractionNumber=2), PrimaryDosimeterUnit="MINUTE")
    (folder / "junk.txt").write_text("junk")
    severities = [severity for severity, _ in told(folder)]
    assert severities == [Severity.ERROR, Severity.NOTE]


def test_what_repeats_is_told_once(folder):
    for fraction in (1, 2):
        add(folder, fraction, session_beam(CurrentFractionNumber=fraction, TreatmentVerificationStatus="PERHAPS"))
    said = "TreatmentVerificationStatus 'PERHAPS' is not known; taken as not stated."
    assert told(folder) == [(Severity.NOTE, f"Treatment record record1.dcm, record2.dcm: {said}")]


def test_instructions_are_read_and_need_their_plan(folder):
    write(instruction_dataset(), folder / "today.dcm")
    assert told(folder) == []
    write(instruction_dataset(BeamTaskType="PREHEAT"), folder / "today.dcm")
    ((severity, sentence),) = told(folder)
    assert severity is Severity.ERROR
    assert sentence.startswith("Delivery instruction today.dcm: RT Beams Delivery Instruction")
    other = instruction_dataset()
    other.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID = "1.2.3"
    write(other, folder / "today.dcm")
    assert told(folder) == [
        (Severity.WARNING, "Delivery instruction today.dcm names plan 1.2.3, which is not in the folder.")
    ]
