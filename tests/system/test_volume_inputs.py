"""Volumes without DICOM in the place of the plan folder, of today's folder, or of both."""

import json

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813  (the name that its users know)

from openigrt.files import write_volume
from openigrt.tasks.guidance import guiding
from tests.dicom.writing_cases import requires_dciodvfy, validated
from tests.system import phantom
from tests.system.command import run

PLAN_ISOCENTER = ("--isocenter", "12,-30,40")
DAILY_ISOCENTER = ("--daily-isocenter", "0,0,0")


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes")
    write_volume(phantom.planning_image(), folder / "plan.mha")
    write_volume(phantom.daily_image(), folder / "today.nrrd")
    return folder


@pytest.fixture(scope="module")
def guided_volumes(volumes):
    """The one real match of two volumes."""
    words = (*PLAN_ISOCENTER, *DAILY_ISOCENTER, "--position", "HFS", "--out", volumes / "out")
    return run("guide", volumes / "plan.mha", volumes / "today.nrrd", *words)


def test_two_volumes_from_end_to_end(guided_volumes, volumes):
    assert guided_volumes.code == 0, guided_volumes.err
    record = json.loads((volumes / "out" / "correction.json").read_text(encoding="utf-8"))
    assert np.allclose(record["match"]["translation_mm"], phantom.SHIFT_MM, atol=0.3)
    assert record["plan"]["uid"] is record["plan"]["patient_id"] is record["image"]["acquired_at"] is None
    assert record["target"]["name"] == "sphere round the isocenter"
    said = " ".join(record["warnings"])
    assert "plan.mha is a volume without DICOM: taken as CT in HU; the patient cannot be checked." in said
    assert "does not say when it was acquired" in said


def test_the_registration_of_volumes_names_frames_made_from_the_files(guided_volumes, volumes, monkeypatch):
    """Not found in any DICOM object, but the same in every run: `--start` reads the registration back."""
    record = json.loads((volumes / "out" / "correction.json").read_text(encoding="utf-8"))
    dataset = pydicom.dcmread(volumes / "out" / "registration.dcm")
    assert dataset.FrameOfReferenceUID == record["plan"]["frame_of_reference_uid"]
    assert dataset.FrameOfReferenceUID != record["image"]["frame_of_reference_uid"]
    questions = []
    original = guiding.match_rigid
    monkeypatch.setattr(
        guiding, "match_rigid", lambda question, regions: questions.append(question) or original(question, regions[:1])
    )
    words = (*PLAN_ISOCENTER, *DAILY_ISOCENTER, "--position", "HFS", "--start", volumes / "out" / "registration.dcm")
    done = run("guide", volumes / "plan.mha", volumes / "today.nrrd", *words, "--out", volumes / "again")
    assert done.code in {0, 3}
    assert np.allclose(questions[0].starts[0].matrix4(), record["match"]["plan_from_daily"], atol=1e-6)


@requires_dciodvfy
def test_dciodvfy_finds_no_errors_in_the_registration_of_volumes(guided_volumes, volumes):
    assert validated(volumes / "out" / "registration.dcm") == []


def test_a_volume_of_today_on_a_dicom_plan(patient_folder, volumes, tmp_path):
    refused = run("guide", patient_folder / "plan", volumes / "today.nrrd", "--out", tmp_path)
    assert refused.code == 1
    assert "--daily-isocenter" in refused.sentence
    done = run("guide", patient_folder / "plan", volumes / "today.nrrd", "--out", tmp_path, *DAILY_ISOCENTER, "--json")
    assert done.code == 0
    assert np.allclose(json.loads(done.out)["match"]["translation_mm"], phantom.SHIFT_MM, atol=0.3)


def test_a_dicom_image_of_today_on_a_volume(patient_folder, volumes, tmp_path):
    refused = run("guide", volumes / "plan.mha", patient_folder / "today", "--out", tmp_path)
    assert "give --isocenter" in refused.sentence
    done = run("guide", volumes / "plan.mha", patient_folder / "today", "--out", tmp_path, *PLAN_ISOCENTER)
    assert done.code == 0
    assert json.loads((tmp_path / "correction.json").read_text())["plan"]["patient_position"] == "HFS"


@pytest.mark.parametrize("option", ["--plan", "--series", "--beam"])
def test_what_a_volume_does_not_have_cannot_be_chosen(volumes, tmp_path, option):
    words = (*PLAN_ISOCENTER, *DAILY_ISOCENTER, "--position", "HFS", "--out", tmp_path / "out", option, "1")
    done = run("guide", volumes / "plan.mha", volumes / "today.nrrd", *words)
    assert done.code == 1
    assert f"leave {option}" in done.sentence


def test_how_the_patient_lies_is_asked_and_never_guessed(volumes, tmp_path):
    words = (*PLAN_ISOCENTER, *DAILY_ISOCENTER, "--out", tmp_path / "out")
    refused = run("guide", volumes / "plan.mha", volumes / "today.nrrd", *words)
    assert refused.code == 1
    assert "--position" in refused.sentence


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.full((12, 30, 30), np.nan, np.float32), "constant or holds no finite voxel"),
        (np.full((12, 30, 30), 40.0, np.float32), "constant or holds no finite voxel"),
        (np.zeros((30, 30), np.float32), "expected a 3D scalar volume"),
        (np.zeros((4, 5, 6, 3), np.float32), "expected a 3D scalar volume"),
    ],
    ids=["NaN", "constant", "plane", "vectors"],
)
def test_volumes_that_cannot_be_matched(patient_folder, tmp_path, content, said):
    image = sitk.GetImageFromArray(content, isVector=content.ndim == 4)
    sitk.WriteImage(image, str(tmp_path / "today.mha"))
    words = ("--out", tmp_path / "out", *DAILY_ISOCENTER)
    done = run("guide", patient_folder / "plan", tmp_path / "today.mha", *words)
    assert done.code == 1
    assert said in done.sentence
    assert not (tmp_path / "out").exists()


def test_a_file_that_only_claims_to_be_a_volume(patient_folder, tmp_path):
    (tmp_path / "today.nrrd").write_text("NRRD0004\ntype: short\n")
    done = run("guide", patient_folder / "plan", tmp_path / "today.nrrd", "--out", tmp_path / "out", *DAILY_ISOCENTER)
    assert done.code == 1
    assert "its header does not end with an empty line" in done.sentence
