"""Every option reaches the answer; the match itself is the shared one."""

import json

import numpy as np
import pydicom
import pytest

import openigrt
from openigrt.errors import InputError, OpenIgrtError
from openigrt.geometry import CouchPose
from openigrt.tasks.guidance import files as guidance_files
from tests.system import phantom
from tests.system.command import run

COUCH_POSE = (5.0, 900.0, -120.0, 0.5, 0.5, -0.5)


@pytest.fixture
def guide(patient_folder, tmp_path, known_match, monkeypatch):
    """Run the command with options, without drawing a report; the record that it wrote."""
    monkeypatch.setattr(guidance_files, "render_guidance_report", lambda content: "")

    def call(*words, code=0):
        done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path / "out", *words)
        assert done.code == code, done.err
        return json.loads((tmp_path / "out" / "correction.json").read_text(encoding="utf-8"))

    return call


def test_site(guide):
    record = guide("--site", "pelvis", code=0)
    assert record["protocol"]["name"] == "pelvis"
    assert record["protocol"]["action_level_mm"] == 5.0
    assert record["manifest"]["settings"]["site"] == "pelvis"
    strict = guide("--site", "srs", code=3)
    assert strict["decision"]["action"] == "call"
    assert strict["protocol"]["allowed_error_mm"] == 0.5


def test_region(guide, known_match):
    guide("--region", "soft")
    guide("--region", "PATIENT")
    guide("--region", "bowel", "--region", "CTV_1")
    asked = [[region.name for region in regions] for _, regions in known_match]
    assert asked == [
        ["soft", "bone", "CTV_1"],
        ["patient", "bone", "soft", "CTV_1"],
        ["Bowel + CTV_1", "bone", "soft", "CTV_1"],
    ]


def test_target(guide, known_match):
    assert guide()["target"]["rule"].startswith("the CTV nearest the isocenter")
    record = guide("--target", "Bowel", code=0)
    assert record["target"] == {"name": "Bowel", "rule": "the structure that was named"}
    assert record["residual"][0]["structure"] == "Bowel"
    assert np.allclose(known_match[-1][0].target_points_mm.mean(axis=0), [-45.0, -30.0, 40.0], atol=1.0)


@pytest.mark.parametrize(("dof", "not_commanded"), [(3, "yaw pitch roll"), (4, "pitch roll"), (5, "roll"), (6, "")])
def test_degrees_of_freedom(guide, dof, not_commanded):
    correction = guide("--dof", str(dof))["correction"]
    assert correction["degrees_of_freedom"] == dof
    for couch in (correction["couch"], correction["couch_exact"]):
        assert {name for name in ("yaw", "pitch", "roll") if couch[f"{name}_deg"] is None} == set(not_commanded.split())
        assert all(couch[name] is not None for name in ("lateral_mm", "longitudinal_mm", "vertical_mm"))
    assert [correction["console_translation"][f"{name}_deg"] for name in ("yaw", "pitch", "roll")] == [None] * 3
    assert correction["console_translation"]["lateral_mm"] == pytest.approx(phantom.SHIFT_MM[0], abs=0.4)


def test_an_axis_that_is_not_commanded_shows_a_dash(patient_folder, tmp_path, known_match):
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path, "--dof", 4)
    (couch,) = [line for line in done.out.splitlines() if line.startswith("Couch (")]
    assert couch.endswith("pitch –, roll – (–: not commanded)")
    assert "yaw +" in couch or "yaw -" in couch


def test_the_region_and_why_it_is_that_one(guide):
    by_default, named = guide("--site", "prostate"), guide("--site", "prostate", "--region", "bone")
    assert by_default["region"] == {"name": "bone", "rule": "the default, since none was named (--region)"}
    assert by_default["manifest"]["settings"]["region"] == "bone (none was named)"
    assert "Region: bone, the default, since none was named (--region)." in by_default["read"]
    doubt = "Protocol prostate is usually matched on soft tissue or markers; bone was matched, since no --region was"
    assert any(sentence.startswith(doubt) for sentence in by_default["warnings"])
    assert named["region"] == {"name": "bone", "rule": "as it was named (--region)"}
    assert not any("usually matched on" in sentence for sentence in named["warnings"])


def test_a_couch_pose_with_a_turned_table_that_the_image_does_not_show_calls_a_person(guide):
    record = guide("--couch-pose", "0,900,-120,90", code=3)
    assert record["decision"]["action"] == "call"
    assert record["correction"]["is_recommended"] is False
    assert record["decision"]["reasons"][0].startswith("The couch pose says that the table was turned by 90.0°")


@pytest.mark.parametrize(
    "pose", ["0,9988,-120", "1e300,0,0", "0,0,0,1e9", "0,0,0,0,90,0", "0,0,0,361", "0,0,0,0,3605,0", "0,0,0,0,0,-400"]
)
def test_a_couch_pose_that_no_couch_has(patient_folder, tmp_path, pose):
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path, "--couch-pose", pose)
    assert done.code == 1
    assert "No couch stands at" in done.sentence


def test_couch_pose(guide):
    unknown = guide()["correction"]
    assert (unknown["start"], unknown["target_pose"]) == (None, None)
    correction = guide("--couch-pose", ",".join(map(str, COUCH_POSE)), code=0)["correction"]
    assert list(correction["start"].values())[:6] == list(COUCH_POSE)
    reached = correction["start"]["patient_support_angle_deg"] + correction["couch"]["yaw_deg"]
    assert correction["target_pose"]["patient_support_angle_deg"] == pytest.approx(reached, abs=1e-3)
    assert correction["native"]
    assert guide("--couch-pose", "0,900,-120")["decision"]["remarks"] == [
        "Whether the couch can stand at the target pose was not checked for lateral, longitudinal, vertical, yaw: the "
        "machine file 'IEC 61217' has no limits there."
    ]
    negative = guide("--couch-pose", "-5,-900,-120")["correction"]
    assert list(negative["start"].values())[:4] == [-5.0, -900.0, -120.0, 0.0]


@pytest.mark.parametrize(
    ("shown", "meant"),
    [("0,900,-120,0,359,0", "0,900,-120,0,-1,0"), ("0,900,-120,359.5,0,360", "0,900,-120,-0.5,0,0")],
)
def test_an_angle_that_a_display_shows_below_360_is_the_small_one(guide, shown, meant):
    assert guide("--couch-pose", shown, code=0)["correction"] == guide("--couch-pose", meant, code=0)["correction"]


def test_machine_by_file_and_by_name(guide, tmp_path):
    from_name = guide("--machine", "elekta_iec", "--couch-pose", "5,900,-120")
    assert from_name["manifest"]["settings"]["machine"] == "Elekta IEC"
    (tmp_path / "room 2.toml").write_text(
        'name = "Room 2"\n[couch]\ndegrees_of_freedom = 4\npivot = "isocenter"\nresolution_mm = 1.0\n'
        'resolution_deg = 0.5\n[[cbct]]\nmanufacturer = "ELEKTA"\norigin_is_isocenter = true\naxes = "room"\n'
    )
    record = guide("--machine", tmp_path / "room 2.toml")
    assert record["manifest"]["settings"]["machine"] == "Room 2"
    assert record["correction"]["degrees_of_freedom"] == 4
    assert record["correction"]["couch"]["lateral_mm"] == 4.0
    untested = "the machine file has not been through the acceptance test"
    assert record["manifest"]["settings"]["acceptance test"] == untested
    assert f"Machine 'Room 2': {untested} (openigrt accept)." in record["warnings"]


ALIASES = """
[[structure]]
name = "CTV_Low"
role = "ORGAN"
patterns = ["CTV*"]

[[structure]]
name = "Bowel_Small"
role = "ITV"
patterns = ["Bowel"]
"""


def test_aliases_name_structures_and_give_them_roles(guide, tmp_path):
    file = tmp_path / "clinic.toml"
    file.write_text(ALIASES, encoding="utf-8")
    record = guide("--aliases", file)
    assert record["target"]["name"] == "Bowel"
    assert record["target"]["rule"].startswith("the ITV nearest the isocenter")
    assert "By the alias file 'CTV_1' is ORGAN (was CTV), 'Bowel' is ITV (was ORGAN)." in record["warnings"]
    assert record["manifest"]["settings"]["alias file"] == "clinic.toml"
    assert guide("--aliases", file, "--target", "ctv_low")["target"]["name"] == "CTV_1"
    assert "alias file" not in guide()["manifest"]["settings"]


def test_an_alias_file_that_is_none_stops_before_anything_is_read(patient_folder, tmp_path):
    file = tmp_path / "clinic.toml"
    for content, sentence in (
        ("[[structure]]\n", f"{file}: A [[structure]] of the alias file lacks its name."),
        ("= 3", f"{file}: The alias file is not valid TOML: "),
        ("\0", f"{file} is no text, or too much of it; expected an alias file: text in TOML"),
    ):
        file.write_text(content, encoding="utf-8")
        done = run(
            "guide", patient_folder / "plan", patient_folder / "today", "--aliases", file, "--out", tmp_path / "out"
        )
        assert (done.code, done.sentence.startswith(sentence)) == (1, True), done.sentence
    done = run("check", patient_folder, "--aliases", tmp_path / "nothing.toml")
    assert done.code == 1
    assert done.sentence.startswith(f"The alias file {tmp_path / 'nothing.toml'} cannot be read")


def test_isocenters(guide):
    by_rule = guide()
    assert by_rule["plan"]["isocenter_from"] == "beam 1 (AP)"
    assert by_rule["image"]["isocenter_rule"].startswith("the origin of the cone-beam CT's own frame")
    record = guide("--isocenter", "10,-30,40", "--daily-isocenter", "-2,0,0")
    assert record["plan"]["isocenter_mm"] == [10.0, -30.0, 40.0]
    assert record["plan"]["isocenter_from"] == record["image"]["isocenter_rule"] == "as given"
    assert record["image"]["isocenter_mm"] == [-2.0, 0.0, 0.0]
    assert [sentence for sentence in record["warnings"] if "isocenter gives" in sentence] == [
        "--isocenter gives (10.0, -30.0, 40.0) mm, 2.0 mm away from (12.0, -30.0, 40.0) mm, which is the isocenter of "
        "beam 1 (AP). The isocenter that was given is used: check --isocenter.",
        "--daily-isocenter gives (-2.0, 0.0, 0.0) mm, 2.0 mm away from (0.0, 0.0, 0.0) mm, which is the origin of the "
        "cone-beam CT's own frame, as the machine file says for ELEKTA. The isocenter that was given is used: check "
        "--daily-isocenter.",
    ]
    assert not any("isocenter gives" in sentence for sentence in by_rule["warnings"])
    outside = guide("--daily-isocenter", "0,0,500", code=3)
    assert "The daily isocenter lies outside the image of the day." in outside["warnings"]


@pytest.mark.parametrize("option", ["--isocenter", "--daily-isocenter"])
def test_an_isocenter_given_beyond_the_guard_calls_a_person_though_the_move_is_small(guide, option):
    """Both isocenters moved alike ask for the same couch move, and only the contradiction shows that both are wrong."""
    moved = {"--isocenter": "12,-30,61", "--daily-isocenter": "0,0,21"}
    decision = guide(*(word for pair in moved.items() for word in pair), code=3)["decision"]
    assert decision["is_recommended"] is False
    (cause,) = [reason for reason in decision["reasons"] if reason.startswith(f"{option} gives")]
    assert "21.0 mm away from" in cause
    assert cause.endswith(f"beyond the guard of 20 mm (protocol default): correct {option}, or leave it out.")


def test_a_plan_that_nobody_approved_is_warned(case, known_match):
    path = case / "plan" / "rp.dcm"
    dataset = pydicom.dcmread(path)
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.save_as(path)
    done = run("guide", case / "plan", case / "today", "--out", case / "out")
    assert "Warning: The plan is not approved: its approval status is UNAPPROVED." in done.out
    assert "UNAPPROVED" in (case / "out" / "report.html").read_text(encoding="utf-8").upper()


def test_an_image_from_before_the_plan_calls_a_person(case, known_match):
    for path in sorted((case / "today").iterdir()):
        dataset = pydicom.dcmread(path)
        dataset.AcquisitionDate = "20200101"
        dataset.save_as(path)
    done = run("guide", case / "plan", case / "today", "--out", case / "out")
    first = next(line for line in done.out.splitlines() if line.startswith("  Cause: "))
    assert "was acquired before the planning image: were PLAN and TODAY exchanged?" in first
    assert done.code == 3


# -------------------------------------------------------------------------------- the same words in Python


def test_the_python_call_takes_the_same_words(patient_folder, known_match, tmp_path):
    guidance = openigrt.guide(
        patient_folder / "plan",
        str(patient_folder / "today"),
        site="pelvis",
        region=["Bowel", "CTV_1"],
        target="Bowel",
        dof=4,
        plan_uid=phantom.plan().uid,
        beam=1,
        series=phantom.daily_image().provenance.series_uid,
        machine="varian_iec",
        couch_pose=CouchPose(*COUCH_POSE),
        position="HFS",
        isocenter=phantom.ISOCENTER_MM,
        daily_isocenter=(0, 0, 0),
        start=None,
        out=tmp_path,
        seed=7,
    )
    record = openigrt.guidance_record(guidance)
    assert record["correction"]["start"]["table_top_pitch_angle_deg"] == 0.5
    assert record["manifest"]["seed"] == known_match[0][0].seed == 7
    assert json.loads((tmp_path / "correction.json").read_text(encoding="utf-8")) == record


@pytest.mark.parametrize(
    "words",
    [
        {"couch_pose": (1.0, 2.0)},
        {"couch_pose": (1.0, 2.0, np.nan)},
        {"isocenter": (1.0, 2.0)},
        {"isocenter": (np.inf, 0.0, 0.0)},
        {"daily_isocenter": np.eye(3)},
        {"dof": 7},
        {"region": ()},
        {"seed": -1},
        {"plan": 5},
        {"plan": None},
        {"today": b"today"},
        {"site": 5},
        {"region": 5},
        {"region": ["bone", 5]},
        {"target": ["CTV_1"]},
        {"dof": "6"},
        {"dof": 6.0},
        {"plan_uid": 1.2},
        {"beam": True},
        {"series": 5},
        {"machine": {}},
        {"couch_pose": 5},
        {"couch_pose": "left"},
        {"couch_pose": "123"},
        {"couch_pose": b"abc"},
        {"couch_pose": {1: 0, 2: 0, 3: 0}},
        {"couch_pose": (1.0, 2.0, None)},
        {"couch_pose": CouchPose("a")},
        {"position": 5},
        {"isocenter": {}},
        {"daily_isocenter": "here"},
        {"start": 5},
        {"out": 5},
        {"out": ""},
        {"seed": None},
        {"seed": 0.5},
        {"progress": None},
    ],
    ids=str,
)
def test_words_that_are_none_raise_input_errors(patient_folder, words):
    with pytest.raises(InputError) as error:
        openigrt.guide(**{"plan": patient_folder / "plan", "today": patient_folder / "today"} | words)
    assert isinstance(error.value, OpenIgrtError)
    assert "\n" not in error.value.sentence
