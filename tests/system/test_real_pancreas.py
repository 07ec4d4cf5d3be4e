"""The real pancreas case through the command: bone and soft tissue differ by 16 mm, so a person must look."""

import json

import jsonschema
import numpy as np
import pytest

import openigrt
from tests.dicom.writing_cases import requires_dciodvfy, validated
from tests.system.command import run

SPINE_MM = np.array([6.0, 140.0, 311.0])
TRUTH_MM = np.array([1.8, 1.5, -16.5])

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def guided(real_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pancreas")
    pancreas = real_data / "pancreas"
    words = ("--region", "bone", "--isocenter", "5,70,305", "--out", folder)
    return run("guide", pancreas / "planning_ct", pancreas / "daily_cbct", *words), folder


@pytest.fixture(scope="module")
def record(guided):
    return json.loads((guided[1] / "correction.json").read_text(encoding="utf-8"))


def test_a_person_is_called(guided, record):
    done, _ = guided
    assert done.code == 3, done.err
    assert done.out.startswith("Decision: CALL")
    assert record["decision"]["is_recommended"] is False
    assert "relative to the alignment in the files" in done.out


def test_bone_is_found_and_trusted(record):
    matrix = np.array(record["match"]["plan_from_daily"])
    daily_mm = SPINE_MM - TRUTH_MM
    assert np.linalg.norm(matrix[:3, :3] @ daily_mm + matrix[:3, 3] - SPINE_MM) < 2.0
    assert record["trust"]["verdict"] == "trusted"


def test_bone_may_not_stand_for_the_target(record):
    assert record["surrogate"]["verdict"] == "refused"
    assert record["surrogate"]["differences_mm"]["soft"] > record["surrogate"]["limit_mm"]


def test_bone_is_found_by_itself_where_the_first_region_is_not(real_data, tmp_path):
    folder = real_data / "pancreas"
    words = "--isocenter", "5,70,305", "--daily-isocenter", "5,70,322", "--region", "Bowel_sm_planCT"
    assert run("guide", folder / "planning_ct", folder / "daily_cbct", *words, "--out", tmp_path).code == 3
    matches = json.loads((tmp_path / "correction.json").read_text(encoding="utf-8"))["matches"]
    verdicts = {match["region"]: match["trust"]["verdict"] for match in matches}
    assert verdicts["Bowel_sm_planCT"] != "trusted"
    assert verdicts["bone"] == "trusted"


def test_contours_beyond_the_ct_and_the_shared_frame_are_warned(record):
    said = " ".join(record["warnings"])
    assert "Contours of Bowel_sm_planCT reach 18.0 mm beyond the first slice of the image." in said
    assert "share the frame of reference" in said
    assert "The folder holds no plan." in said


def test_the_record_fulfils_its_schema(record):
    jsonschema.validate(record, openigrt.correction_schema())


@requires_dciodvfy
def test_dciodvfy_finds_no_errors(guided):
    assert validated(guided[1] / "registration.dcm") == []
