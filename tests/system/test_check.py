"""`openigrt check`: what a person is told about a folder, and what a program reads."""

import json
import shutil

import pydicom
import pytest

import openigrt
from openigrt.errors import InputError, MissingInput
from tests.system.command import run


@pytest.fixture
def messy(case):
    """The patient's files in one heap: renamed, one twice, junk among them."""
    heap = case / "heap"
    heap.mkdir()
    for n, path in enumerate(sorted(p for p in case.rglob("*.dcm"))):
        shutil.copy(path, heap / f"IMG{n:05d}")
    shutil.copy(case / "plan" / "rp.dcm", heap / "again")
    (heap / "notes.txt").write_text("moved by hand")
    return heap


def test_a_folder_in_order(case):
    done = run("check", case)
    assert done.code == 0, done.out
    assert "Patient Phantom^Ellipsoid (ID PHANTOM-1)" in done.out
    assert ", planning image\n" in done.out
    assert ", image of the day\n" in done.out
    assert "  structures: rs.dcm [" in done.out
    assert done.out.splitlines()[-1].startswith("0 errors, ")


def test_a_heap_is_sorted_out_and_guided_from(messy, known_match, tmp_path):
    done = run("check", messy, "--json")
    assert done.code == 0, done.out
    record = json.loads(done.out)
    roles = {series["role"]: series for series in record["series"] if series["role"]}
    (plan,) = record["plans"]
    assert plan["image_series_uid"] == roles["planning image"]["uid"]
    assert plan["structure_set_is_here"]
    assert len(plan["dose_uids"]) == 1
    said = " ".join(finding["sentence"] for finding in record["findings"])
    assert "1 file (notes.txt): no DICOM objects." in said
    assert "copies of other files" in said
    today, plan_folder = tmp_path / "sorted today", tmp_path / "sorted plan"
    today.mkdir()
    for path in sorted(messy.glob("IMG*")):
        if pydicom.dcmread(path, stop_before_pixels=True).SeriesInstanceUID == roles["image of the day"]["uid"]:
            shutil.move(path, today / path.name)
    shutil.move(messy, plan_folder)
    (plan_folder / "again").unlink()
    guided = run("guide", plan_folder, today, "--out", tmp_path / "out")
    assert guided.code == 0, guided.err


def test_an_error_asks_for_a_person(case):
    (case / "today" / "020.dcm").unlink()
    done = run("check", case)
    assert done.code == 3
    assert "\nERROR: In series " in done.out
    assert "1 slice is missing" in done.out
    assert done.out.splitlines()[-1].startswith("1 error, ")


def test_nothing_is_written(case):
    before = sorted(case.rglob("*"))
    run("check", case)
    assert sorted(case.rglob("*")) == before


def test_what_is_no_folder_of_dicom(tmp_path):
    assert run("check", tmp_path / "none").sentence.endswith("does not exist; give a folder with DICOM files.")
    assert "is empty" in run("check", tmp_path).sentence
    with pytest.raises(MissingInput):
        openigrt.check(tmp_path)
    with pytest.raises(InputError):
        openigrt.check(5)


def test_steps_are_told(case):
    steps = []
    openigrt.check(case, progress=steps.append)
    assert steps[0] == "reading headers"
    assert steps[-1] == "looking for what belongs together"


def test_whole_reading_finds_what_headers_do_not_show(case):
    path = case / "plan" / "rs.dcm"
    structures = pydicom.dcmread(path)
    contour = structures.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = contour.ContourData[:-1]
    structures.save_as(path)
    assert run("check", case).code == 0
    done = run("check", case, "--whole")
    assert done.code == 3
    assert "are no triples" in done.out


def test_whole_reading_says_once_what_holds_for_all_copies(case):
    path = case / "plan" / "rs.dcm"
    structures = pydicom.dcmread(path)
    contour = structures.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = contour.ContourData[:-1]
    structures.save_as(path)
    (case / "plan" / "copy of rs.dcm").write_bytes(path.read_bytes())
    sentences = [finding.sentence for finding in openigrt.check_whole(case).findings]
    assert sum("are no triples" in sentence for sentence in sentences) == 1
    assert len(set(sentences)) == len(sentences)


def test_whole_reading_has_nothing_to_say_of_a_folder_in_order(case):
    done = run("check", case, "--whole")
    assert done.code == 0, done.out
    assert "reading objects, " in done.err


def test_names_of_structures_are_looked_up_in_an_alias_file(case, tmp_path):
    file = tmp_path / "clinic.toml"
    file.write_text('[[structure]]\nname = "CTV_High"\nrole = "CTV"\npatterns = ["CTV_1"]\n', encoding="utf-8")
    done = run("check", case, "--aliases", file)
    assert done.code == 0, done.out
    assert "No alias fits 'Bowel'" in done.out
    assert "No alias fits" not in run("check", case).out
    (sentences,) = [f for f in openigrt.check(case, aliases=file).findings if "No alias fits" in f.sentence]
    assert sentences.severity == "warning"
