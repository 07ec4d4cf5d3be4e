"""What cannot be used: one clear sentence, exit code 1, and nothing written, not even the folder."""

import json
import shutil

import jsonschema
import numpy as np
import pydicom
import pytest

import openigrt
from openigrt.dicom import save, write_plan, write_spatial_registration
from openigrt.geometry import Frame, RigidTransform
from tests.system import phantom
from tests.system.command import run

OTHER_PATIENT = {"PatientID": "OTHER-2", "PatientName": "Other^Olga"}


def edit(path, **values):
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def edit_all(folder, **values):
    for path in sorted(folder.rglob("*.dcm")):
        edit(path, **values)


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def refuse(case, *words, plan="plan", today="today", code=1):
    """The sentence of a run that must fail, and write nothing."""
    done = run("guide", case / plan, case / today, "--out", case / "out", *words)
    assert done.code == code, done.out + done.err
    assert done.out == ""
    assert not (case / "out").exists()
    assert "Traceback" not in done.err
    if code == 1:
        problem = [line for line in done.err.splitlines() if not line.endswith(("the plan", "image", "matching"))]
        assert len(problem) == 1, done.err
        assert problem[0].startswith("openigrt: ")
    return done.sentence


# -------------------------------------------------------------------------------- no DICOM, damaged DICOM


@pytest.mark.parametrize("name", ["plan", "today"])
def test_an_empty_folder(case, name):
    shutil.rmtree(case / name)
    (case / name).mkdir()
    assert f"{case / name} is empty" in refuse(case)


@pytest.mark.parametrize("name", ["plan", "today"])
def test_no_folder_at_all(case, name):
    shutil.rmtree(case / name)
    assert f"{case / name} does not exist" in refuse(case)


@pytest.mark.parametrize("name", ["plan", "today"])
def test_a_text_file(case, name):
    (case / "notes.txt").write_text("Patient was moved by hand. " * 20)
    assert "holds no DICOM" in refuse(case, **{name: "notes.txt"})


@pytest.mark.parametrize("name", ["plan", "today"])
def test_a_folder_of_text(case, name):
    shutil.rmtree(case / name)
    (case / name).mkdir()
    (case / name / "notes.txt").write_text("Patient was moved by hand.")
    assert "holds no DICOM: 1 file (notes.txt)" in refuse(case)


@pytest.mark.parametrize("name", ["plan/ct/030.dcm", "plan/rs.dcm", "plan/rp.dcm", "plan/rd.dcm", "today/020.dcm"])
@pytest.mark.parametrize("share", [0.2, 0.8])
def test_a_truncated_dicom(case, name, share):
    cut(case / name, share)
    sentence = refuse(case)
    assert str(case / name) in sentence
    assert "truncated" in sentence


@pytest.mark.parametrize("length", [0, 100, 131])
def test_a_dicom_file_cut_before_its_name_is_a_warning(case, known_match, length):
    path = sorted((case / "today").iterdir())[-1]
    path.write_bytes(path.read_bytes()[:length])
    done = run("guide", case / "plan", case / "today", "--out", case / "out")
    assert done.code == 0
    (warning,) = [line for line in done.out.splitlines() if path.name in line]
    assert warning.startswith(f"Warning: 1 file ({path.name}) in {case / 'today'}: named as DICOM but not DICOM")


# -------------------------------------------------------------------------------- what does not belong together


def test_two_patients_in_a_folder(case):
    edit(case / "today" / "020.dcm", **OTHER_PATIENT)
    sentence = refuse(case)
    assert "Two patients" in sentence
    assert "PHANTOM-1" in sentence
    assert "OTHER-2" in sentence


def test_a_plan_of_another_patient(case):
    edit(case / "plan" / "rp.dcm", **OTHER_PATIENT)
    assert "Two patients" in refuse(case)


def test_today_of_another_patient(case):
    edit_all(case / "today", **OTHER_PATIENT)
    sentence = refuse(case)
    assert "in the planning image" in sentence
    assert "in the daily image" in sentence


def test_a_cbct_with_a_missing_slice(case):
    (case / "today" / "020.dcm").unlink()
    assert "1 slice is missing: between slice 20 " in refuse(case)


def test_a_structure_set_of_another_ct(case):
    for path in sorted((case / "plan" / "ct").iterdir()):
        edit(path, FrameOfReferenceUID="1.2.3.4", SeriesInstanceUID="1.2.3.5", SOPInstanceUID=f"1.2.3.6.1{path.stem}")
    sentence = refuse(case)
    assert "Structure set 'Pelvis'" in sentence
    assert "was drawn on series" in sentence


@pytest.mark.parametrize("name", ["plan/ct", "today"])
def test_a_prone_image_of_a_supine_plan(case, name):
    edit_all(case / name, PatientPosition="HFP")
    sentence = refuse(case)
    assert "HFS" in sentence
    assert "HFP" in sentence


def test_a_position_that_is_none_of_the_eight(case):
    edit_all(case / "today", PatientPosition="SITTING")
    assert "'SITTING' is not supported" in refuse(case)


def test_a_position_that_nobody_says(case, known_match):
    for name in ("plan/ct", "today"):
        edit_all(case / name, PatientPosition="")
    plan = pydicom.dcmread(case / "plan" / "rp.dcm")
    del plan.PatientSetupSequence
    plan.save_as(case / "plan" / "rp.dcm")
    assert "say it with --position, such as HFS" in refuse(case)
    done = run("guide", case / "plan", case / "today", "--out", case / "out", "--position", "HFS")
    assert done.code == 0, done.err
    assert "The plan states no patient position; taken from what was given: HFS." in done.out


def test_a_position_that_contradicts_the_files(case):
    assert "--position says FFS, the files say HFS" in refuse(case, "--position", "FFS")


@pytest.mark.parametrize(
    "words", [(), ("--isocenter", "0,0,0"), ("--isocenter", "0,0,0", "--daily-isocenter", "0,0,0")]
)
def test_plan_and_today_exchanged(case, words):
    sentence = refuse(case, *words, plan="today", today="plan")
    assert "PLAN and TODAY look exchanged" in sentence
    assert sentence.endswith(f"openigrt guide {case / 'plan'} {case / 'today'}")


def test_a_folder_without_a_plan_is_not_called_exchanged(case):
    (case / "plan" / "rp.dcm").unlink()
    assert "There is no plan in the plan folder" in refuse(case)


def test_a_plan_that_was_cut_at_its_start_is_named(case):
    path = case / "plan" / "rp.dcm"
    path.write_bytes(path.read_bytes()[:100])
    sentence = refuse(case)
    assert "There is no plan in the plan folder" in sentence
    assert "rp.dcm" in sentence
    assert "Copy the folder again" in sentence


def test_today_without_a_frame_of_reference(case):
    edit_all(case / "today", FrameOfReferenceUID="")
    assert "has no Frame of Reference UID" in refuse(case)


def test_slices_that_share_one_uid(case):
    edit_all(case / "today", SOPInstanceUID="1.2.3")
    assert "have one SOP Instance UID, 1.2.3" in refuse(case)


def test_a_dose_of_another_frame_is_not_read(case, known_match):
    edit(case / "plan" / "rd.dcm", FrameOfReferenceUID="1.2.3")
    done = run("guide", case / "plan", case / "today", "--out", case / "out")
    assert done.code == 0
    assert "No dose read: it lies in frame 1.2.3" in done.out


def test_two_structures_of_one_name_are_told_apart(case, known_match):
    dataset = pydicom.dcmread(case / "plan" / "rs.dcm")
    for item in dataset.StructureSetROISequence:
        item.ROIName = "CTV_1"
    dataset.save_as(case / "plan" / "rs.dcm")
    done = run("guide", case / "plan", case / "today", "--out", case / "out")
    assert done.code == 0, done.err
    assert "Several structures are named 'CTV_1'" in done.out
    assert [region.name for region in known_match[-1][1]] == ["bone", "soft", "CTV_1 (ROI 1)"]
    assert "choose one: 'CTV_1 (ROI 1)'" in refuse_again(case, "--target", "CTV_1")


def refuse_again(case, *words):
    """The sentence of a run that must fail where results of an earlier one may lie."""
    done = run("guide", case / "plan", case / "today", "--out", case / "out", *words)
    assert done.code == 1
    return done.sentence


# -------------------------------------------------------------------------------- nothing to match


@pytest.mark.parametrize("value", [40, -1000])
def test_a_constant_image(case, value):
    edit_all(case / "today", PixelData=np.full((88, 88), value, "<i2").tobytes())
    assert "constant" in refuse(case)


@pytest.mark.parametrize("value", [0, -1000])
def test_a_constant_planning_image(case, value):
    edit_all(case / "plan" / "ct", PixelData=np.full((78, 112), value, "<i2").tobytes())
    assert "The planning image is constant" in refuse(case)


@pytest.mark.parametrize(("name", "said"), [("plan/ct", "The planning image is"), ("today", "The image of the day is")])
@pytest.mark.parametrize("spacing", ["0.0000001", "90000"])
def test_an_image_of_a_size_that_no_patient_has(case, name, said, spacing):
    edit_all(case / name, PixelSpacing=[spacing, spacing])
    sentence = refuse(case)
    assert said in sentence
    assert "Check the voxel spacing" in sentence


def test_a_planning_image_of_air(case):
    noise = np.random.default_rng(0).integers(-1010, -990, (78, 112)).astype("<i2")
    edit_all(case / "plan" / "ct", PixelData=noise.tobytes())
    assert "No body was found in the planning image" in refuse(case)


def test_no_overlap(case):
    sentence = refuse(case, "--daily-isocenter", "3000,0,0")
    assert "cannot be matched" in sentence
    assert "The daily isocenter lies outside the image of the day." in sentence
    assert "--daily-isocenter gives (3000.0, 0.0, 0.0) mm, 3000.0 mm away from (0.0, 0.0, 0.0) mm" in sentence


def test_an_image_of_noise_asks_for_a_person(case):
    noise = np.random.default_rng(1).integers(-500, 500, (52, 88, 88)).astype("<i2")
    for plane, path in zip(noise, sorted((case / "today").iterdir()), strict=True):
        edit(path, PixelData=plane.tobytes())
    done = run("guide", case / "plan", case / "today", "--out", case / "out")
    assert done.code in {1, 3}
    if done.code == 3:
        record = json.loads((case / "out" / "correction.json").read_text(encoding="utf-8"))
        assert "Couch: no move; the match on bone is refused." in done.out
        assert set(record["correction"]["couch"].values()) == {None}
        assert record["setup_error"]["translation_mm"] == [None, None, None]
        assert (record["residual"], record["surrogate"]["differences_mm"]) == ([], {})
        jsonschema.validate(record, openigrt.correction_schema())


# -------------------------------------------------------------------------------- a choice that is not made


def write_other_plan(case, name, **values):
    plan = phantom.plan(**values)
    save(write_plan(plan, phantom.series_header(phantom.planning_image(), 45)), case / "plan" / name)
    return plan


def test_several_plans(case, known_match):
    other = write_other_plan(case, "rp2.dcm", uid=f"{phantom.ROOT}.44", label="Boost")
    sentence = refuse(case)
    assert f"'Boost' [{other.uid}]" in sentence
    assert "--plan" in sentence
    done = run("guide", case / "plan", case / "today", "--out", case / "out", "--plan", other.uid)
    assert done.code == 0
    assert "No dose read: of 1 in the folder none is the whole dose of the plan." in done.out


def test_several_series_of_today(case, known_match):
    shutil.copytree(case / "plan" / "ct", case / "today" / "other")
    sentence = refuse(case)
    assert "2 image series" in sentence
    assert "--series" in sentence
    uid = phantom.provenance("cbct", 1, None, "", "").series_uid
    assert run("guide", case / "plan", case / "today", "--out", case / "out", "--series", uid).code == 0


def test_several_isocenters(case, known_match):
    beams = phantom.beam(1, "Head"), phantom.beam(2, "Spine", phantom.ISOCENTER_MM + 5.0)
    write_other_plan(case, "rp.dcm", beams=beams)
    sentence = refuse(case)
    assert "1 (Head)" in sentence
    assert "2 (Spine)" in sentence
    assert "--beam" in sentence
    assert run("guide", case / "plan", case / "today", "--out", case / "out", "--beam", 2).code == 0
    assert known_match[0][0].starts[0].shift_about_points_mm(phantom.ISOCENTER_MM + 5.0, np.zeros(3)) == pytest.approx(
        0.0
    )


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--target", "PTV_9", "no structure 'PTV_9' in the plan; there are: CTV_1, Bowel"),
        ("--region", "Lung", "no structure 'Lung' in the plan; there are: CTV_1, Bowel"),
        ("--site", "toe", "no protocol 'toe'; expected one of brain"),
        (
            "--machine",
            "toe.toml",
            "no machine file 'toe.toml'; give a file, or one of elekta_iec, iec61217, varian_iec",
        ),
        ("--beam", "9", "has no beam 9; it has 1 (AP)"),
        ("--plan", "1.2.3", "No plan has the UID '1.2.3'; found: 'Pelvis'"),
        ("--series", "1.2.3", "No image series has the UID '1.2.3'; found: CT Image"),
        ("--position", "XX", "--position is 'XX'; expected one of HFS, HFP"),
        (
            "--isocenter",
            "1e30,0,0",
            "--isocenter is (1e+30, 0.0, 0.0); expected three coordinates X,Y,Z in LPS mm",
        ),
    ],
)
def test_names_that_are_not_there(case, option, value, said):
    assert said in refuse(case, option, value)


def test_a_word_and_a_structure_are_no_region(case):
    assert "'bone' cannot be joined" in refuse(case, "--region", "bone", "--region", "CTV_1")


def test_a_machine_file_that_is_none(case):
    (case / "room.toml").write_text("couch = [")
    sentence = refuse(case, "--machine", case / "room.toml")
    assert sentence.startswith(f"{case / 'room.toml'}: The machine file is not valid TOML")


@pytest.mark.parametrize("content", [b"\x80\x81", b"name = 'a'\0", "name = 'a'".encode("utf-16"), b"#" * 1_000_001])
def test_a_machine_file_that_is_no_text(case, content):
    (case / "room.toml").write_bytes(content)
    sentence = refuse(case, "--machine", case / "room.toml")
    assert sentence.startswith(f"{case / 'room.toml'} is no text, or too much of it; expected a machine file")


def test_a_dicom_file_as_machine_file(case):
    path = case / "plan" / "rp.dcm"
    assert refuse(case, "--machine", path).startswith(f"{path} is a DICOM file; expected a machine file: text in TOML")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--isocenter", "1,2"),
        ("--isocenter", "left"),
        ("--isocenter", "nan,0,0"),
        ("--daily-isocenter", "1,2,3,4"),
        ("--couch-pose", "1,2"),
        ("--couch-pose", "1,2,3,4,5"),
        ("--dof", "7"),
        ("--dof", "2"),
        ("--beam", "first"),
        ("--nonsense", "1"),
        ("--start", ""),
        ("--machine", ""),
    ],
)
def test_wrong_usage_is_told_apart_from_wrong_input(case, option, value):
    assert option in refuse(case, option, value, code=2)


@pytest.mark.parametrize("words", [("", "today"), ("plan", ""), ("plan", "today", "--out", "")])
def test_an_empty_name_is_not_the_current_folder(case, monkeypatch, words):
    """As `"$PLAN"` is where nobody set it."""
    monkeypatch.chdir(case)
    done = run("guide", *words)
    assert done.code == 2
    assert "'' is no name" in done.err
    assert {path.name for path in case.iterdir()} == {"plan", "today"}


# -------------------------------------------------------------------------------- where the search starts


def test_a_start_that_is_not_there(case):
    sentence = refuse(case, "--start", case / "nothing.dcm")
    assert f"--start {case / 'nothing.dcm'} cannot be used" in sentence
    assert "No such file" in sentence
    assert "Expected a DICOM Spatial Registration" in sentence


def test_a_start_that_is_no_dicom(case):
    (case / "notes.txt").write_text("0 0 0 " * 50)
    assert "notes.txt is not DICOM" in refuse(case, "--start", case / "notes.txt")


def test_a_start_that_is_no_registration(case):
    assert "is no Spatial Registration" in refuse(case, "--start", case / "today" / "020.dcm")


def test_a_start_of_another_frame(case, patient_folder):
    planning, daily = phantom.planning_image(), phantom.daily_image()
    elsewhere = Frame.daily("1.2.3.4.5")
    grid = daily.grid.moved(RigidTransform.identity(elsewhere, daily.frame))
    other = type(daily)(daily.voxels, grid, daily.modality)
    transform = RigidTransform.identity(planning.frame, elsewhere)
    dataset = write_spatial_registration(
        transform, (planning, other), phantom.series_header(planning, 60), f"{phantom.ROOT}.61"
    )
    save(dataset, case / "start.dcm")
    sentence = refuse(case, "--start", case / "start.dcm")
    assert "joins other images" in sentence
    assert phantom.DAILY_FRAME.uid in sentence


# -------------------------------------------------------------------------------- where the results go


def test_results_never_go_into_an_input_folder(case):
    for out in ("plan", "today/results"):
        done = run("guide", case / "plan", case / "today", "--out", case / out)
        assert done.code == 1
        assert "would be written into the input folder" in done.sentence
    assert not (case / "today" / "results").exists()
    assert not (case / "plan" / "report.html").exists()


def test_the_current_folder_as_input_asks_for_another_place(case, monkeypatch):
    monkeypatch.chdir(case / "today")
    done = run("guide", "../plan", ".")
    assert done.code == 1
    assert "choose another folder with --out" in done.sentence


def test_a_file_in_the_place_of_the_results(case):
    (case / "taken").write_text("mine")
    for out in ("taken", "taken/deeper"):
        done = run("guide", case / "plan", case / "today", "--out", case / out)
        assert done.code == 1
        assert "is no folder; choose another folder with --out" in done.sentence
    assert (case / "taken").read_text() == "mine"


def test_a_folder_in_the_place_of_a_result(case):
    (case / "out" / "report.html").mkdir(parents=True)
    done = run("guide", case / "plan", case / "today", "--out", case / "out")
    assert done.code == 1
    assert "report.html is a folder" in done.sentence
    assert [path.name for path in (case / "out").iterdir()] == ["report.html"]
