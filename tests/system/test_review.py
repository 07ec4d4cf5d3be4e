"""A whole course of the virtual patient, reviewed by the command: known motions, and all that goes wrong."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import jsonschema
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

import openigrt
from openigrt.geometry import PatientPosition, TableAngles
from openigrt.patient import Verdict
from openigrt.tasks.guidance import guiding
from openigrt.tasks.review import course_image
from openigrt.virtual import example_case
from tests.system.command import run
from tests.system.course_cases import MOTIONS, WRONG_MM, other_way_round, uid, write_course

RESULTS = {"review.csv", "review.html", "review.json", "images"}
AXES = ("lateral_mm", "longitudinal_mm", "vertical_mm", "yaw_deg", "pitch_deg", "roll_deg")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The made course; not to be written to."""
    return write_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def reviewed(course, tmp_path_factory):
    """One run by two processes: its outcome and its folder."""
    folder = tmp_path_factory.mktemp("reviewed") / "out"
    return run("review", course.plan, course.days, "--jobs", "2", "--out", folder, "--json"), folder


@pytest.fixture(scope="module")
def record(reviewed):
    done, folder = reviewed
    assert done.code == 3, done.err
    return json.loads((folder / "review.json").read_text(encoding="utf-8"))


def images_by_uid(record):
    return {image["series_uid"]: image for image in record["images"]}


def judged(image):
    (other,) = [other for other in image["registrations"] if other["is_judged"]]
    return other


def true_setup_error(truth):
    """-R^T t and R^T about the isocenters in table axes, head first supine: x = L, y = S, z = A."""
    axes = PatientPosition.HFS.table_top_from_lps()
    shift = truth.rotation @ np.zeros(3) + truth.translation_mm - example_case(0).patient.isocenter_mm
    angles = TableAngles.from_matrix(axes @ truth.rotation.T @ axes.T)
    return [*(axes @ (-truth.rotation.T @ shift)), angles.yaw_deg, angles.pitch_deg, angles.roll_deg]


# -------------------------------------------------------------------------------- what was found


def test_every_setup_error_is_the_known_motion(record, course):
    """Voxels of 2.4 x 2.4 x 3 mm, on bone: a tenth of a voxel, and 0.25 degrees over 25 cm."""
    found = [image for image in record["images"] if image["found"]]
    assert len(found) == 7
    for image in found:
        expected = true_setup_error(course.truths[image["series_uid"]])
        error = [image["found"]["setup_error"][axis] for axis in AXES]
        assert np.allclose(error[:3], expected[:3], atol=0.3), image["series_uid"]
        assert np.allclose(error[3:], expected[3:], atol=0.25), image["series_uid"]
        assert image["found"]["verdict"] == "trusted"


def test_images_stand_in_the_order_of_time_by_session(record):
    order = [(image["series_uid"], image["session"], image["role"]) for image in record["images"]]
    assert order == [
        (uid(1, 1, 1), 1, "setup"),
        (uid(1, 1, 2), 1, "verification"),
        (uid(1, 2, 1), 2, "setup"),
        (uid(1, 3, 1), 3, "setup"),
        (uid(1, 4, 1), 4, "setup"),
        (uid(1, 4, 2), 4, "verification"),
        (uid(1, 5, 1), 5, "setup"),
        (uid(1, 6, 1), 6, "setup"),
    ]
    assert [image["number"] for image in record["images"]] == list(range(1, 9))


def test_means_are_of_the_trusted_setup_images(record, course):
    setups = np.array([true_setup_error(course.truths[uid(1, n + 1, 1)]) for n in range(len(MOTIONS))])
    for n, axis in enumerate(AXES):
        found = record["statistics"]["ours"][axis]
        assert found["count"] == 5
        assert found["mean"] == pytest.approx(setups[:, n].mean(), abs=0.2)
        assert found["deviation"] == pytest.approx(setups[:, n].std(ddof=1), abs=0.2)


# -------------------------------------------------------------------------------- was the vendor right


def test_of_two_registrations_the_later_one_counts(record):
    early, late = images_by_uid(record)[uid(1, 1, 1)]["registrations"]
    assert [early["name"], early["is_judged"], early["agreement"]] == ["initial", False, "differs"]
    assert [late["name"], late["is_judged"], late["agreement"]] == ["final", True, "agrees"]
    assert late["largest_mm"] < 0.5
    assert images_by_uid(record)[uid(1, 1, 1)]["attention"] == []


def test_a_registration_that_is_off_is_found_with_its_vector(record):
    """5 mm toward the back is -5 mm along the vertical axis."""
    image = images_by_uid(record)[uid(1, 2, 1)]
    other = judged(image)
    assert other["agreement"] == "differs"
    assert np.allclose(other["apart_mm"], PatientPosition.HFS.table_top_from_lps() @ WRONG_MM, atol=0.4)
    assert other["largest_mm"] == pytest.approx(5.0, abs=0.4)
    assert other["similarity_ours"] > other["similarity_other"] + 2.0 * other["similarity_deviation"]
    assert other["similarity_ours"] == pytest.approx(image["found"]["score"], abs=0.03)
    assert "'off'" in image["attention"][0]


def test_a_registration_that_is_written_the_wrong_way_round_is_called_so(record):
    image = images_by_uid(record)[uid(1, 3, 1)]
    other = judged(image)
    assert other["agreement"] == "exchanged"
    assert other["exchanged_mm"] < 0.5 < 100.0 < other["largest_mm"]
    assert "wrong way round" in image["attention"][0]
    ours = [image["found"]["setup_error"][axis] for axis in AXES]
    assert np.allclose([other["setup_error"][axis] for axis in AXES], ours, atol=0.4)
    assert record["statistics"]["others"]["lateral_mm"]["count"] == 3


def test_beside_a_refused_match_a_registration_stays_as_it_is_written(course, tmp_path, monkeypatch):
    """Which way round it was meant is told by our match alone: refused, it tells nothing."""
    matched = guiding.Case.matched

    def refused(case, start):
        (first, *others), left_out = matched(case, start)
        return (replace(first, trust=replace(first.trust, verdict=Verdict.REFUSED)), *others), left_out

    monkeypatch.setattr(guiding.Case, "matched", refused)
    for name in ("day 3", "registrations"):
        shutil.copytree(course.days / name, tmp_path / name)
    (image,) = openigrt.review(course.plan, tmp_path, jobs=1).images
    as_written = true_setup_error(other_way_round(course.truths[uid(1, 3, 1)]))
    assert image.review.judged.agreement == "not judged"
    assert np.allclose(image.review.judged.setup_error.values, as_written, atol=1e-6)


def test_a_registration_of_frames_alone_is_of_the_image_of_its_frame(record):
    assert judged(images_by_uid(record)[uid(1, 5, 1)])["agreement"] == "agrees"


# -------------------------------------------------------------------------------- second images


def test_a_good_correction_is_verified(record):
    image = images_by_uid(record)[uid(1, 1, 2)]
    assert image["verification"]["after"] == 1
    assert image["verification"]["is_within"] is True
    assert image["verification"]["grew"] == []
    assert image["attention"] == []


def test_a_sign_error_is_told_with_its_axes(record):
    image = images_by_uid(record)[uid(1, 4, 2)]
    assert image["verification"]["is_within"] is False
    assert image["verification"]["grew"] == ["lateral", "longitudinal", "vertical"]
    assert [cause.split(":")[0] for cause in image["verification"]["causes"]] == ["lateral", "longitudinal", "vertical"]
    assert all("sign error" in cause for cause in image["verification"]["causes"])


# -------------------------------------------------------------------------------- what cannot be used


def test_a_truncated_series_is_a_row(record):
    image = images_by_uid(record)[uid(1, 6, 1)]
    assert "truncated" in image["problem"]
    assert "28 of 48 files" in image["problem"]
    assert image["found"] is None
    assert image["attention"] == [image["problem"]]


def test_another_patient_is_refused_by_name(record):
    (question,) = record["questions"]
    assert "Other^Patient (ID OTHER-1)" in question
    assert uid(1, 7, 1) not in images_by_uid(record)
    assert "notes.txt" in " ".join(record["left_aside"])


def test_the_same_pixels_under_new_uids_and_dates_count_once(course, tmp_path):
    """Exports by pydicom alone: every UID and date is another one, and the slope is written in another way."""
    for n in range(1, 3):
        of_export = generate_uid(), generate_uid(), generate_uid()
        (tmp_path / "days" / str(n)).mkdir(parents=True)
        for path in (course.days / "day 2" / "scan 1").iterdir():
            dataset = pydicom.dcmread(path)
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = of_export
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            for name in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
                dataset[name].value = f"2025030{n}"
            dataset.RescaleSlope = "1.000"
            dataset.save_as(tmp_path / "days" / str(n) / path.name)
    shutil.copytree(course.days / "day 2", tmp_path / "days" / "0")
    done = run("review", course.plan, tmp_path / "days", "--jobs", "1", "--out", tmp_path / "out", "--json")
    assert done.code == 3, done.err
    record = json.loads(done.out)
    jsonschema.validate(record, openigrt.review_schema())
    assert [(i["role"], i["session"], i["copy_of"]) for i in record["images"]] == [
        *(("setup", 1, None), ("copy", None, 1), ("copy", None, 1)),
    ]
    assert "has the very pixels of image 1" in record["images"][2]["attention"][0]
    lateral = record["statistics"]["ours"]["lateral_mm"]
    assert (lateral["count"], lateral["deviation"]) == (1, None)
    rows = list(csv.DictReader(StringIO((tmp_path / "out" / "review.csv").read_text(encoding="utf-8"))))
    assert [row["copy_of"] for row in rows] == ["", "1", "1"]


# -------------------------------------------------------------------------------- what is written


def test_the_files_and_no_others(reviewed, record):
    done, folder = reviewed
    assert {path.name for path in folder.iterdir()} == RESULTS
    assert len(list((folder / "images").iterdir())) == 7
    jsonschema.validate(record, openigrt.review_schema())
    assert json.loads(done.out) == record


def test_the_table_has_a_row_for_each_image(reviewed, record):
    rows = list(csv.DictReader(StringIO((reviewed[1] / "review.csv").read_text(encoding="utf-8"))))
    assert [row["series_uid"] for row in rows] == [image["series_uid"] for image in record["images"]]
    assert [row["other_agreement"] for row in rows] == ["agrees", "", "differs", "exchanged", "", "", "agrees", ""]
    assert float(rows[2]["apart_vertical_mm"]) == pytest.approx(-5.0, abs=0.4)
    assert [row["needs_person"] for row in rows] == ["no", "no", "yes", "yes", "no", "yes", "no", "yes"]


def test_the_report_shows_both_matches_of_those_that_differ(reviewed):
    page = (reviewed[1] / "review.html").read_text(encoding="utf-8")
    assert page.count("who was right?") == 2
    assert page.count("data:image/jpeg;base64,") == 2 * 2 * 3
    assert "Not for clinical use" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def without_run(record):
    """What does not differ from run to run."""
    return {k: v for k, v in record.items() if k != "timing_s"} | {"manifest": {**record["manifest"], "run": None}}


def test_one_process_finds_the_same_to_the_last_bit(course, record, tmp_path):
    done = run("review", course.plan, course.days, "--jobs", "1", "--out", tmp_path / "out")
    assert done.code == 3, done.err
    again = json.loads((tmp_path / "out" / "review.json").read_text(encoding="utf-8"))
    assert without_run(again) == without_run(record)


def test_numbers_are_those_of_guide(course, record, tmp_path):
    folder = next(path.parent for path in course.days.rglob("*.dcm") if path.parent.parent.name == "day 2")
    guidance = openigrt.guide(course.plan, folder)
    image = images_by_uid(record)[uid(1, 2, 1)]
    assert np.allclose(image["found"]["plan_from_daily"], guidance.match.plan_from_daily.matrix4(), rtol=0, atol=1e-9)
    assert image["found"]["action"] == guidance.correction.action
    assert not any("old; by protocol" in warning for warning in image["found"]["warnings"])


# -------------------------------------------------------------------------------- going on where it was


@pytest.fixture
def out(reviewed, tmp_path):
    """A copy of the results."""
    return Path(shutil.copytree(reviewed[1], tmp_path / "out"))


@pytest.fixture
def asked(monkeypatch):
    """How many images are really matched in this process."""
    calls, matched = [], guiding.Case.matched
    monkeypatch.setattr(guiding.Case, "matched", lambda case, start: calls.append(case) or matched(case, start))
    return calls


def again(course, out, *words):
    done = run("review", course.plan, course.days, "--jobs", "1", "--out", out, *words)
    assert done.code == 3, done.err
    return json.loads((out / "review.json").read_text(encoding="utf-8"))


def test_nothing_is_matched_twice(course, record, out, asked):
    assert without_run(again(course, out)) == without_run(record)
    assert asked == []
    assert len(list((out / "former").iterdir())) == 1


def test_a_damaged_or_missing_result_is_matched_again(course, record, out, asked):
    first, second, *_ = sorted((out / "images").iterdir())
    first.write_bytes(first.read_bytes()[:1000])
    second.unlink()
    assert without_run(again(course, out)) == without_run(record)
    assert len(asked) == 2


def test_other_words_are_another_review(course, out, asked, monkeypatch):
    monkeypatch.setattr(course_image, "version", lambda name: "9.9.9")
    again(course, out)
    assert len(asked) == 7


def test_a_kill_loses_at_most_what_is_in_work(course, record, tmp_path):
    out = tmp_path / "out"
    words = [sys.executable, "-m", "openigrt", "review", course.plan, course.days, "--jobs", "2", "--out", out]
    process = subprocess.Popen(list(map(str, words)), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    kept = out / "images"
    until = time.monotonic() + 120.0
    while not (kept.is_dir() and list(kept.glob("*.json"))) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    whole = [json.loads(path.read_bytes()) for path in kept.glob("*.json")]
    assert whole
    assert not (out / "review.json").exists()
    done = run("review", course.plan, course.days, "--jobs", "1", "--out", out)
    assert done.code == 3
    assert without_run(json.loads((out / "review.json").read_text(encoding="utf-8"))) == without_run(record)


# -------------------------------------------------------------------------------- bad input


def matrix_items(dataset):
    """The matrix items of a registration, by pydicom alone."""
    return [item.MatrixRegistrationSequence[0].MatrixSequence[0] for item in dataset.RegistrationSequence]


@pytest.mark.parametrize(
    ("place", "value", "kind", "words"),
    [
        (0, "2", "RIGID", "says RIGID, but its matrix is not"),
        (3, "12", "AFFINE", "only RIGID ones can move a patient"),
        (3, "1e300", "RIGID", "It carries the image by 1e+300 mm"),
        (15, "0", "RIGID", "says RIGID, but its matrix is not"),
    ],
)
def test_a_registration_that_cannot_be_compared_is_a_reason_to_look(course, tmp_path, place, value, kind, words):
    days = tmp_path / "days"
    shutil.copytree(course.days / "day 5", days / "day 5")
    dataset = pydicom.dcmread(course.days / "registrations" / "REG_frames.dcm")
    item = matrix_items(dataset)[-1]
    item.FrameOfReferenceTransformationMatrix[place] = value
    item.FrameOfReferenceTransformationMatrixType = kind
    dataset.save_as(days / "REG.dcm")
    review = openigrt.review(course.plan, days, jobs=1)
    (image,) = review.images
    assert image.review.found.verdict == "trusted"
    assert image.review.judged.agreement is None
    assert "cannot be compared" in image.attention[0]
    assert words in image.attention[0]
    assert openigrt.write_review(review, tmp_path / "out").is_dir()


def test_everything_that_was_asked_for_is_in_the_manifest(course, tmp_path):
    aliases = tmp_path / "clinic.toml"
    aliases.write_text('[[structure]]\nname = "Bladder"\npatterns = ["Blase*"]\n', encoding="utf-8")
    words = {"aliases": aliases, "machine": "varian_iec", "straighten": "both", "site": "prostate", "jobs": 1}
    review = openigrt.review(course.plan, course.days / "day 6", **words)
    settings = openigrt.review_record(review)["manifest"]["settings"]
    assert settings["alias file"] == "clinic.toml"
    assert settings["machine"] == "Varian IEC"
    assert "has not been through the acceptance test" in settings["acceptance test"]
    assert (settings["straightened"], settings["site"]) == ("both", "prostate")
    assert "degrees of freedom" not in settings


def test_a_region_that_is_not_there_is_one_sentence(course, tmp_path):
    done = run("review", course.plan, course.days, "--region", "NONSUCH", "--out", tmp_path / "out")
    assert done.code == 1
    assert "There is no structure 'NONSUCH'" in done.sentence
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_patients_alone_is_one_sentence(course, tmp_path):
    done = run("review", course.plan, course.days / "day 7", "--jobs", "1", "--out", tmp_path / "out")
    assert done.code == 1
    assert "holds no image of a day of this patient" in done.sentence
    assert "OTHER-1" in done.sentence


def test_where_nothing_can_be_matched_the_report_is_written_and_the_code_is_1(course, tmp_path):
    done = run("review", course.plan, course.days / "day 6", "--jobs", "1", "--out", tmp_path / "out")
    assert done.code == 1
    assert "No image of the course could be matched" in done.sentence
    assert (tmp_path / "out" / "review.html").is_file()


def test_exchanged_folders_are_named(course, tmp_path):
    done = run("review", course.days, course.plan, "--jobs", "1", "--out", tmp_path / "out")
    assert done.code == 1
    assert done.sentence.startswith("PLAN and DAYS look exchanged")
    assert done.sentence.endswith(f"openigrt review {course.plan} {course.days}")


def test_the_summary_has_the_answer_and_every_reason_to_look(course, tmp_path):
    done = run("review", course.plan, course.days / "day 2", "--jobs", "1", "--out", tmp_path / "out")
    assert (done.code, done.out.splitlines()[0]) == (0, "1 image in 1 session, 1 matched; none of them needs a look.")
    assert "No registration of another system speaks of these images." in done.out
    assert "above the action level" not in done.out
    assert "Not for clinical use" in done.out


def test_results_never_go_into_an_input_folder(course):
    done = run("review", course.plan, course.days, "--out", course.days / "out")
    assert done.code == 1
    assert "input folder" in done.sentence


@pytest.mark.parametrize("words", [["--jobs", "0"], ["--isocenter", "1,2"], ["--couch-pose", "1,2,3"]], ids=" ".join)
def test_wrong_usage(words):
    assert run("review", "plan", "days", *words).code == 2
