"""Delivery instructions: from a correction to what a machine is told, and back."""

import subprocess
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from pydicom import dcmread

from openigrt.dicom import read_delivery_instruction, read_object, save, write_delivery_instruction
from openigrt.errors import InconsistentInput, InputError, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import CouchPose, Frame, PatientPosition
from openigrt.patient import (
    Beam,
    BeamTask,
    BeamTaskType,
    ControlPoint,
    DeliveryInstruction,
    DeliveryType,
    DoubleExposure,
    ImageTiming,
    Plan,
    PlanReference,
    StatedPosition,
    VerificationImageOrder,
    corrected_tasks,
)
from tests.dicom.dicom_cases import PLAN, ROOT, RTPLAN, dicom_object, sequence_item
from tests.dicom.required_attributes import lacking
from tests.dicom.writing_cases import series_header
from tests.guidance.guidance_cases import alignment_of, correction_of, match_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

INSTRUCTION = "1.2.840.10008.5.1.4.34.7"
POSE = CouchPose(-12.5, 890.25, -150.0, 359.0, 1.5, 0.5)


def planned_beam(number, support_deg=0.0, delivery_type="TREATMENT"):
    point = ControlPoint(0.0, 0.0, 0.0, CouchPose(patient_support_angle_deg=support_deg))
    return Beam(number, f"B{number}", delivery_type, "PHOTON", "LINAC", (0.0, 0.0, 0.0), 1000.0, 100.0, (point,))


def plan(*beams):
    return Plan(PLAN, "Plan A", Frame.plan("1.2"), "P1", PatientPosition.HFS, "APPROVED", beams)


def correction(target_pose=POSE, is_recommended=True):
    """What `corrected_tasks` asks of a correction."""
    return SimpleNamespace(target_pose=target_pose, is_recommended=is_recommended, action="correct")


def whole_instruction():
    before = VerificationImageOrder(
        ImageTiming.BEFORE,
        meterset=2.0,
        receptor_translation_mm=(0.0, 0.0, -500.0),
        double_exposure=DoubleExposure(False, 1.0, (20.0, 20.0, 20.0, 20.0)),
    )
    during = VerificationImageOrder(ImageTiming.DURING, start_weight=0.1, end_weight=0.5)
    tasks = (
        BeamTask(
            1,
            4,
            BeamTaskType.VERIFY_AND_TREAT,
            fraction_group=1,
            couch=StatedPosition.of_couch(POSE),
            setup_displacement_mm=(0.0, -10.0, None),
            images=(before, during),
            is_autosequenced=True,
            order=1,
        ),
        BeamTask(
            2,
            4,
            BeamTaskType.TREAT,
            DeliveryType.CONTINUATION,
            couch=StatedPosition(table_top_vertical_position_mm=-149.0),
            start_meterset=60.5,
            end_meterset=150.0,
            dosimeter_unit="MU",
        ),
    )
    return DeliveryInstruction(f"{ROOT}.85", PlanReference(PLAN, False, f"{PLAN}.1", f"{ROOT}.1"), tasks, "P1")


def expected_back(instruction):
    """An instruction as it is read: the distance of the eccentric axis is no part of it."""
    tasks = [replace(t, couch=replace(t.couch, table_top_eccentric_axis_distance_mm=None)) for t in instruction.tasks]
    return replace(instruction, tasks=tuple(tasks))


def written(instruction, tmp_path):
    path = tmp_path / "instruction.dcm"
    save(write_delivery_instruction(instruction, series_header("86")), path)
    return path


# -------------------------------------------------------------------------------- from a correction


def test_a_correction_becomes_an_absolute_target_for_each_beam():
    tasks = corrected_tasks(correction(), plan(planned_beam(1), planned_beam(3)), [3, 1], fraction_number=5)
    assert [(t.beam_number, t.order, t.fraction_number, t.task_type) for t in tasks] == [
        (3, 1, 5, BeamTaskType.TREAT),
        (1, 2, 5, BeamTaskType.TREAT),
    ]
    for task in tasks:
        assert task.couch.table_top_lateral_position_mm == -12.5
        assert task.couch.table_top_pitch_angle_deg == 1.5
        assert task.couch.gantry_angle_deg is None


def test_a_correction_without_a_pose_is_no_target():
    with pytest.raises(MissingInput, match="the pose of the couch is not known"):
        corrected_tasks(correction(target_pose=None), plan(planned_beam(1)), [1], fraction_number=1)


def test_a_correction_that_nobody_recommends_is_not_passed_on():
    with pytest.raises(InconsistentInput, match="not recommended"):
        corrected_tasks(correction(is_recommended=False), plan(planned_beam(1)), [1], fraction_number=1)


@pytest.mark.parametrize("number", [2, 7])
def test_only_treatment_beams_of_the_plan(number):
    beams = planned_beam(1), planned_beam(2, delivery_type="SETUP")
    with pytest.raises(InputError, match=f"has no treatment beam {number}; expected one of 1"):
        corrected_tasks(correction(), plan(*beams), [number], fraction_number=1)


@pytest.mark.parametrize(
    ("support_deg", "is_refused"), [(0.0, False), (354.5, False), (3.9, False), (5.0, True), (90.0, True)]
)
def test_a_target_holds_for_one_table_angle(support_deg, is_refused):
    """The target has the table at 359 degrees."""
    case = plan(planned_beam(1, support_deg))
    if not is_refused:
        assert corrected_tasks(correction(), case, [1], fraction_number=1)
        return
    with pytest.raises(InconsistentInput, match="Correct this beam by an image taken at its own table angle"):
        corrected_tasks(correction(), case, [1], fraction_number=1)


def test_todays_correction_travels_to_the_machine(tmp_path):
    """From a match to the couch position that a machine reads: anatomy 4 mm left of its place, head first supine."""
    start = CouchPose(10.0, 900.0, -120.0)
    found = correction_of(match_of(np.eye(3), (-4.0, 0.0, 0.0)), alignment_of(start=start))
    tasks = corrected_tasks(found, plan(planned_beam(1)), [1], fraction_number=2)
    instruction = DeliveryInstruction(f"{ROOT}.87", PlanReference(PLAN), tasks)
    (item,) = dcmread(written(instruction, tmp_path)).BeamTaskSequence
    assert item.TableTopLateralAdjustedPosition == pytest.approx(6.0)
    assert item.TableTopLongitudinalAdjustedPosition == pytest.approx(900.0)
    assert item.TableTopVerticalAdjustedPosition == pytest.approx(-120.0)
    assert item.PatientSupportAdjustedAngle == pytest.approx(0.0)


@pytest.mark.parametrize(
    "values",
    [
        {"delivery_type": DeliveryType.CONTINUATION},
        {
            "delivery_type": DeliveryType.CONTINUATION,
            "start_meterset": 5.0,
            "end_meterset": 5.0,
            "dosimeter_unit": "MU",
        },
        {"delivery_type": DeliveryType.CONTINUATION, "start_meterset": 5.0, "end_meterset": 9.0},
        {"start_meterset": 5.0, "end_meterset": 9.0},
    ],
)
def test_a_continuation_says_from_where_to_where_and_nothing_else_does(values):
    with pytest.raises(InconsistentInput, match=r"eam 1"):
        BeamTask(1, 1, BeamTaskType.TREAT, **values)


# -------------------------------------------------------------------------------- writing and reading


def test_an_instruction_is_read_back_the_same(tmp_path):
    found, messages = read_delivery_instruction(read_object(written(whole_instruction(), tmp_path))[0])
    assert found == expected_back(whole_instruction())
    assert messages == ()


def test_an_instruction_has_what_the_standard_asks_for(tmp_path):
    dataset = dcmread(written(whole_instruction(), tmp_path))
    assert lacking(dataset, "rt-beams-delivery-instruction") == []
    assert dataset.Modality == "PLAN"  # PS3.3 A.64.4.1
    del dataset.BeamTaskSequence[1].TableTopPitchAdjustedAngle
    assert lacking(dataset, "rt-beams-delivery-instruction") == [
        "rt-beams-delivery-instruction: TableTopPitchAdjustedAngle"
    ]


def test_what_is_not_adjusted_is_empty_and_never_zero(tmp_path):
    first, second = dcmread(written(whole_instruction(), tmp_path)).BeamTaskSequence
    assert second.TableTopVerticalAdjustedPosition == -149.0
    assert second["TableTopLateralAdjustedPosition"].is_empty
    assert second["PatientSupportAdjustedAngle"].is_empty
    assert first["TableTopVerticalSetupDisplacement"].is_empty
    assert "DeliveryVerificationImageSequence" not in second
    assert "ContinuationStartMeterset" not in first
    assert (second.ContinuationStartMeterset, second.ContinuationEndMeterset) == (60.5, 150.0)


def test_dcmtk_reads_where_the_couch_shall_stand(tmp_path):
    done = subprocess.run(["dcm2xml", str(written(whole_instruction(), tmp_path))], capture_output=True, check=True)
    tree = ElementTree.fromstring(done.stdout)
    tasks = [e for e in tree.iter("sequence") if e.get("tag") == "0074,1020"]
    first = next(iter(tasks[0]))
    told = {e.get("tag"): e.text for e in first.iter("element")}
    assert float(told["0074,1026"]) == -150.0
    assert float(told["0074,1027"]) == 890.25
    assert float(told["0074,1028"]) == -12.5
    assert [float(told[f"0074,102{axis}"]) for axis in "acd"] == [359.0, 1.5, 0.5]


def instruction_dataset(**values):
    task = sequence_item(
        BeamTaskType="TREAT", TreatmentDeliveryType="TREATMENT", CurrentFractionNumber=1, ReferencedBeamNumber=1
    )
    for keyword, value in values.items():
        setattr(task, keyword, value)
    dataset = dicom_object(INSTRUCTION, f"{ROOT}.88", Modality="PLAN", SeriesInstanceUID=f"{ROOT}.89")
    dataset.BeamTaskSequence = [task]
    dataset.ReferencedRTPlanSequence = [sequence_item(ReferencedSOPClassUID=RTPLAN, ReferencedSOPInstanceUID=PLAN)]
    return dataset


def test_the_least_that_an_instruction_says():
    (task,) = read_delivery_instruction(instruction_dataset())[0].tasks
    assert task == BeamTask(1, 1, BeamTaskType.TREAT)
    assert task.couch == StatedPosition()


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"BeamTaskType": "PREHEAT"}, UnreadableFile, "has BeamTaskType 'PREHEAT'; expected one of VERIFY, TREAT"),
        ({"TreatmentDeliveryType": "SETUP"}, UnreadableFile, "expected one of TREATMENT, CONTINUATION"),
        ({"AutosequenceFlag": "PERHAPS"}, UnreadableFile, "expected one of YES, NO"),
        ({"CurrentFractionNumber": None}, UnreadableFile, "CurrentFractionNumber is missing"),
        ({"ReferencedBeamNumber": None}, UnreadableFile, "ReferencedBeamNumber is missing"),
        ({"TreatmentDeliveryType": "CONTINUATION"}, InconsistentInput, "goes from None to None"),
        ({"TableTopLateralAdjustedPosition": float("nan")}, UnreadableFile, "not finite"),
        ({"TableTopLateralAdjustedPosition": 1e9}, UnreadableFile, "expected -100000 to 100000"),
        ({"PatientSupportAdjustedAngle": 1e4}, UnreadableFile, "expected -720 to 720"),
    ],
)
def test_what_a_machine_could_misunderstand_is_refused(values, error, said):
    with pytest.raises(error, match=said):
        read_delivery_instruction(instruction_dataset(**values))


def test_what_is_no_instruction():
    dataset = instruction_dataset()
    dataset.ReferencedRTPlanSequence = []
    with pytest.raises(MissingInput, match="has no plan"):
        read_delivery_instruction(dataset)
    dataset = instruction_dataset()
    dataset.BeamTaskSequence = []
    with pytest.raises(MissingInput, match="has no beam tasks"):
        read_delivery_instruction(dataset)
    dataset.BeamTaskSequence = [sequence_item()] * 1001
    with pytest.raises(UnsupportedInput, match="has 1001 beam tasks"):
        read_delivery_instruction(dataset)
    with pytest.raises(MissingInput):
        write_delivery_instruction(replace(whole_instruction(), tasks=()), series_header("86"))


def test_what_is_left_aside_is_told():
    dataset = instruction_dataset()
    dataset.OmittedBeamTaskSequence = [sequence_item(ReferencedBeamNumber=2, ReasonForOmission="ALREADY_TREATED")]
    _, messages = read_delivery_instruction(dataset)
    assert messages == ("Beams that are left out on purpose are named by it, and not read.",)


def test_an_instruction_for_two_plans_is_refused():
    dataset = instruction_dataset()
    dataset.ReferencedRTPlanSequence.append(sequence_item(ReferencedSOPInstanceUID="1.2.3"))
    with pytest.raises(InconsistentInput, match="names 2 plans; expected one"):
        read_delivery_instruction(dataset)
