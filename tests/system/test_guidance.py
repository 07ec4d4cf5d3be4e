"""The main job from folders to files: the answer against a known truth, and what is written."""

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813  (the name that its users know)

import openigrt
from openigrt.geometry import rotation_angle_deg
from openigrt.patient import Verdict
from openigrt.tasks import guidance_summary
from tests.dicom.writing_cases import requires_dciodvfy, validated
from tests.system import phantom
from tests.system.command import run

RESULTS = {"correction.json", "registration.dcm", "report.html"}


@pytest.fixture(scope="module")
def record(guided):
    return json.loads((guided.folder / "correction.json").read_text(encoding="utf-8"))


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    return [value] if isinstance(value, float | int) and not isinstance(value, bool) else []


# -------------------------------------------------------------------------------- the answer


def test_the_motion_is_found_trusted_and_proposed(record):
    """Voxels are 3 mm and noise is 25 HU: a tenth of a voxel over a target of 22 mm radius at the isocenter."""
    truth, found = phantom.plan_from_daily(), np.array(record["match"]["plan_from_daily"])
    target = phantom.TARGET_RADIUS_MM * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    assert np.abs(target @ found[:3, :3].T + found[:3, 3] - truth.points(target)).max() < 0.4
    assert rotation_angle_deg(found[:3, :3] @ truth.rotation.T) < 0.3
    assert np.allclose(record["match"]["translation_mm"], phantom.SHIFT_MM, atol=0.3)
    assert record["trust"]["verdict"] == record["surrogate"]["verdict"] == "trusted"
    assert record["decision"]["action"] == "correct"
    assert record["correction"]["is_recommended"] is True


def test_couch_and_angles_follow_the_shift_of_the_head_first_supine_patient(record):
    """clinical.md 1.3: IEC table x = L, y = S, z = A for HFS; the couch makes the motion of the match."""
    couch, angles = record["correction"]["couch"], record["match"]["rotation_deg"]
    left, posterior, superior = phantom.SHIFT_MM
    assert np.allclose([couch["lateral_mm"], couch["longitudinal_mm"]], [left, superior], atol=0.4)
    assert couch["vertical_mm"] == pytest.approx(-posterior, abs=0.4)
    expected = [phantom.ANGLES.yaw_deg, phantom.ANGLES.pitch_deg, phantom.ANGLES.roll_deg]
    assert np.allclose([angles["yaw"], angles["pitch"], angles["roll"]], expected, atol=0.25)
    assert record["correction"]["about"] == "isocenter"
    assert "too far right" in record["setup_error"]["words"]


def test_what_was_read_is_told_apart_from_what_is_doubtful(record):
    read, warnings = "\n".join(record["read"]), record["warnings"]
    assert "Planning image: CT 'Planning CT" in read
    assert "Plan 'Pelvis'" in read
    assert "APPROVED" in read
    assert "Dose of the plan: largest 60.0 Gy." in read
    assert "Image of the day: CBCT 'CBCT of today" in read
    assert "no structure outlines the body" in read
    (age,) = warnings
    assert re.search(r"is \d+ days old; by protocol default an image speaks for the patient for 5 minutes", age)


def test_manifest_names_every_file(record, patient_folder):
    files = list(patient_folder.rglob("*.dcm"))
    assert {entry["uid"] for entry in record["manifest"]["inputs"]} == {
        str(pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID) for path in files
    }
    assert record["manifest"]["settings"]["site"] == "default (none was named)"
    assert record["manifest"]["settings"]["start of the search"] == "the isocenters"
    assert record["timing_s"]["total"] >= record["timing_s"]["match"] > 0.0


# -------------------------------------------------------------------------------- the files


def test_three_files_and_nothing_else(guided):
    assert {path.name for path in guided.folder.iterdir()} == RESULTS


def test_the_record_fulfils_its_schema_and_has_finite_numbers(record):
    jsonschema.Draft202012Validator.check_schema(openigrt.correction_schema())
    jsonschema.validate(record, openigrt.correction_schema())
    assert all(math.isfinite(number) for number in numbers(record))


def test_the_report_says_what_the_record_says(guided, record):
    report = (guided.folder / "report.html").read_text(encoding="utf-8")
    assert "Not for clinical use" in report
    assert "CORRECT" in report
    assert phantom.PATIENT.patient_id in report
    assert record["warnings"][0] in report


@requires_dciodvfy
def test_dciodvfy_finds_no_errors_in_the_registration(guided):
    assert validated(guided.folder / "registration.dcm") == []


def matrix_in(path):
    """The matrix of the daily item, by pydicom alone."""
    dataset = pydicom.dcmread(path)
    assert dataset.FrameOfReferenceUID == phantom.PLAN_FRAME.uid
    (item,) = [i for i in dataset.RegistrationSequence if i.FrameOfReferenceUID == phantom.DAILY_FRAME.uid]
    values = item.MatrixRegistrationSequence[0].MatrixSequence[0].FrameOfReferenceTransformationMatrix
    return np.array(values, dtype=float).reshape(4, 4)


def read_series(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return sitk.Cast(reader.Execute(), sitk.sitkFloat32)


def correlation_on_plan(planning, daily, plan_from_daily):
    """Correlation of the planning image with the daily one resampled onto it, over what both show of the body."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(plan_from_daily[:3, :3].ravel().tolist())
    transform.SetTranslation(plan_from_daily[:3, 3].tolist())
    resampled = sitk.Resample(daily, planning, transform.GetInverse(), sitk.sitkLinear, -2000.0)
    a, b = sitk.GetArrayFromImage(planning), sitk.GetArrayFromImage(resampled)
    both = (a > -300.0) & (b > -500.0)
    return np.corrcoef(a[both], b[both])[0, 1]


def test_simpleitk_applies_the_registration_the_right_way_round(guided, patient_folder):
    planning, daily = read_series(patient_folder / "plan" / "ct"), read_series(patient_folder / "today")
    matrix = matrix_in(guided.folder / "registration.dcm")
    isocenters_only = np.eye(4)
    isocenters_only[:3, 3] = phantom.ISOCENTER_MM
    turned_round = np.linalg.inv(np.linalg.inv(isocenters_only) @ matrix)
    after = correlation_on_plan(planning, daily, matrix)
    before = correlation_on_plan(planning, daily, isocenters_only)
    wrong_way = correlation_on_plan(planning, daily, isocenters_only @ turned_round)
    assert after > 0.85  # not one: noise and cupping
    assert after > before + 0.1 > wrong_way + 0.1


def test_the_registration_read_back_is_the_start_that_was_written(guided, patient_folder, known_match, tmp_path):
    start = guided.folder / "registration.dcm"
    run("guide", patient_folder / "plan", patient_folder / "today", "--start", start, "--out", tmp_path)
    question, _ = known_match[0]
    assert np.allclose(question.starts[0].matrix4(), guided.guidance.match.plan_from_daily.matrix4(), atol=1e-6)


# -------------------------------------------------------------------------------- the command


def test_the_command_in_a_shell(patient_folder, tmp_path, record):
    """A process of its own: JSON alone on standard output, steps on standard error, exit code 0."""
    words = ["guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path / "neu ü", "--json"]
    program = Path(sys.executable).with_name("openigrt")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said == json.loads((tmp_path / "neu ü" / "correction.json").read_text(encoding="utf-8"))
    assert said["match"] == record["match"]
    steps = [line.removeprefix("openigrt: ") for line in done.stderr.splitlines()]
    assert steps[:2] == ["reading the plan", "reading today's image"]
    assert steps[2] in {"matching", "compiling kernels, once per machine, and matching"}
    assert steps[3:] == ["deciding", "writing the report"]


def test_a_person_reads_the_decision_first(patient_folder, tmp_path, known_match):
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path)
    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0] == "Decision: CORRECT"
    assert any(line.startswith("Couch (proposed, 6 degrees of freedom, about the isocenter)") for line in lines)
    assert any(line.startswith("Warning: The image of the day is") for line in lines)
    assert f"Report: {tmp_path / 'report.html'}" in lines
    assert lines[-1].startswith("Research software. Not a medical device.")


def test_of_a_refused_match_a_person_reads_no_number(guided):
    guidance = guided.guidance
    refused = replace(guidance.match, trust=replace(guidance.match.trust, verdict=Verdict.REFUSED, reasons=("Noise.",)))
    told = guidance_summary(replace(guidance, matches=(refused, *guidance.matches[1:])), Path("out"))
    lines = told.splitlines()
    assert lines[lines.index("Match on bone: refused") + 1] == "  refused: Noise."
    assert "Where the patient lies is not known: the match on bone is refused." in lines
    assert "Couch: no move; the match on bone is refused." in lines
    assert "Surrogate: says nothing; the match on bone is refused." in lines


def test_without_out_the_call_writes_nothing(patient_folder, tmp_path, known_match, monkeypatch):
    monkeypatch.chdir(tmp_path)
    steps = []
    guidance = openigrt.guide(patient_folder / "plan", patient_folder / "today", progress=steps.append)
    assert openigrt.guidance_record(guidance)["decision"]["action"] == "correct"
    assert list(tmp_path.iterdir()) == []
    assert steps == ["reading the plan", "reading today's image", "matching", "deciding"]


def test_a_machine_without_kernels_says_that_it_compiles(patient_folder, known_match, monkeypatch):
    monkeypatch.setattr("openigrt.tasks.guidance.guiding.kernels_are_cached", lambda package: False)
    steps = []
    openigrt.guide(patient_folder / "plan", patient_folder / "today", progress=steps.append)
    assert "compiling kernels, once per machine, and matching" in steps


def test_what_is_not_finite_is_null_in_the_record(guided, tmp_path):
    match = guided.guidance.match
    unsure = replace(match, score=math.nan, trust=replace(match.trust, predicted_error_mm=math.inf))
    guidance = replace(guided.guidance, matches=(unsure, *guided.guidance.matches[1:]))
    record = openigrt.guidance_record(guidance)
    jsonschema.validate(record, openigrt.correction_schema())
    assert record["match"]["score"] is record["trust"]["predicted_error_mm"] is None
    openigrt.write_guidance(guidance, tmp_path)
    assert "Infinity" not in (tmp_path / "correction.json").read_text(encoding="utf-8")
