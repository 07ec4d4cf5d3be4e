"""A virtual patient through a course by the command: what it leaves, that it goes on, and that it stays the same."""

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from openigrt import simulate_course
from openigrt.dicom import read_object, read_treatment_record
from openigrt.errors import InputError

FRACTIONS = 2


def called(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "openigrt", *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("virtual") / "course"
    done = called("demo", "--quick", "--fractions", FRACTIONS, "--seed", 1, "--out", folder)
    assert done.returncode == 0, done.stderr
    assert f"{FRACTIONS} of {FRACTIONS} fractions of a virtual pelvis were treated." in done.stdout
    assert "not a margin recommendation" in done.stdout
    return folder


@pytest.fixture(scope="module")
def record(course: Path) -> dict:
    return json.loads((course / "course.json").read_text(encoding="utf-8"))


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_course_leaves_its_record_its_table_and_its_page(course: Path, record: dict):
    assert record["is_simulated"]
    assert "Not a medical device" in record["statement"]
    rows = list(csv.DictReader((course / "course.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["fraction"] for row in rows] == ["1", "2"]
    page = (course / "report.html").read_text(encoding="utf-8")
    assert "this course only, not a margin recommendation" in page
    assert page.count("data:image/") >= 6 * FRACTIONS
    for fraction in record["fractions"]:
        link = f"fractions/{fraction['number']:02d}/01_setup/guidance/report.html"
        assert link in page
        assert (course / link).is_file()


def test_the_target_is_nearer_to_its_place_after_the_correction_and_trust_keeps_its_word(record: dict):
    """Truth against truth: the residual is that of a couch of 0.2 mm, an imager of 0.3 mm, a match and some drift."""
    for fraction in record["fractions"]:
        first, left = fraction["images"][0], fraction["delivery"]["residual"]
        before_mm, after_mm = (
            float(np.linalg.norm([error[f"{axis}_mm"] for axis in ("lateral", "longitudinal", "vertical")]))
            for error in (first["true"], left)
        )
        assert after_mm < min(before_mm, 2.5)
        assert first["match_error_mm"] < first["predicted_error_mm"]
        budget = fraction["delivery"]["budget"]
        parts = np.sum([budget[f"{name}_mm"] for name in ("match", "imager", "couch", "motion")], axis=0)
        assert np.linalg.norm(parts) == pytest.approx(after_mm, abs=0.1)


def test_a_second_image_follows_the_correction_of_the_first_and_the_last_fraction(record: dict):
    purposes = [[image["purpose"] for image in fraction["images"]] for fraction in record["fractions"]]
    assert all(found[:2] == ["setup", "verification"] for found in purposes)


def test_every_planned_monitor_unit_is_delivered_and_recorded(course: Path, record: dict):
    for fraction in record["fractions"]:
        dataset, _ = read_object(course / f"fractions/{fraction['number']:02d}/RT.dcm")
        found, messages = read_treatment_record(dataset)
        assert not messages
        assert sum(beam.delivered_meterset for beam in found.beams) == pytest.approx(
            fraction["delivery"]["delivered_mu"]
        )
        assert {beam.fraction_number for beam in found.beams} == {fraction["number"]}
        assert all(beam.delivered_meterset == pytest.approx(beam.specified_meterset, abs=0.01) for beam in found.beams)


def test_a_course_that_was_interrupted_goes_on_and_comes_to_the_same_files(course: Path, tmp_path: Path):
    whole = digests(course)
    part = tmp_path / "part"
    shutil.copytree(course, part)
    shutil.rmtree(part / "fractions" / "02")
    (part / "fractions" / ".making-02" / "01_setup").mkdir(parents=True)
    for name in ("course.json", "course.csv", "report.html", "run.json"):
        (part / name).unlink()
    again = called("demo", "--quick", "--fractions", FRACTIONS, "--seed", 1, "--out", part)
    assert again.returncode == 0, again.stderr
    assert "fraction 1 of" not in again.stderr
    ours, theirs = digests(part), whole
    assert {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)} == {"run.json"}


def test_a_folder_that_holds_anything_else_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = called("demo", "--quick", "--out", tmp_path)
    assert done.returncode == 1
    assert "already holds mine.txt; choose a new or an empty folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_another_course_in_the_folder_is_left_alone(course: Path):
    before = digests(course)
    done = called("demo", "--quick", "--fractions", FRACTIONS, "--seed", 2, "--out", course)
    assert done.returncode == 1
    assert "holds another course" in done.stderr
    assert digests(course) == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"anatomy": "foot"}, "There is no virtual patient of 'foot'; expected one of pelvis, thorax, head_neck"),
        ({"fractions": 0}, "A course of 0 fractions cannot be treated"),
        ({"fractions": 101}, "A course of 101 fractions cannot be treated"),
        ({"images": "none"}, "images is 'none'; expected one of quick, demo, full."),
        ({"linac": "none"}, "linac is 'none'; expected one of nominal, coarse."),
        ({"correct_above": -1.0}, "The action level is -1.0 mm; expected 0 to 50 mm."),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_words_that_make_no_course_are_refused_and_nothing_is_written(tmp_path: Path, words: dict, sentence: str):
    with pytest.raises(InputError) as refusal:
        simulate_course(tmp_path / "new", **words)
    assert sentence in refusal.value.sentence
    assert not (tmp_path / "new").exists()


def test_quick_and_full_are_not_meant_together(tmp_path: Path):
    done = called("demo", "--quick", "--full", "--out", tmp_path / "new")
    assert done.returncode == 2
    assert not (tmp_path / "new").exists()


@pytest.mark.long
def test_a_course_can_be_reviewed_as_one_from_a_clinic(course: Path, tmp_path: Path):
    done = called("review", course / "plan", course / "fractions", "--region", "markers", "--out", tmp_path)
    assert done.returncode in (0, 3), done.stderr
    found = json.loads((tmp_path / "review.json").read_text(encoding="utf-8"))
    assert len(found["images"]) == 2 * FRACTIONS
