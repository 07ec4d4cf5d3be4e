"""`openigrt sort`: a heap of DICOM becomes folders that `guide` takes, and nothing else is touched."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from pydicom import dcmread

import openigrt
from openigrt.errors import InputError
from openigrt.tasks import sorting
from tests.dicom.dicom_cases import SliceSeries, volume, write
from tests.system.command import run

PATIENT = "PHANTOM-1"


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def heap(case, tmp_path):
    """The patient's files and a hostile stranger's, shuffled, renamed, one twice, one cut off, junk among them."""
    heap = tmp_path / "heap"
    heap.mkdir()
    files = sorted(path for path in case.rglob("*.dcm"))
    for path in files:
        shutil.copy(path, heap / hashlib.sha256(str(path).encode()).hexdigest()[:12])
    shutil.copy(case / "plan" / "rp.dcm", heap / "again")
    (heap / "cut off").write_bytes((case / "plan" / "rp.dcm").read_bytes()[:700])
    (heap / "notes.txt").write_text("moved by hand")
    for name, patient in (("stranger", "../../etc"), ("other", "etc")):
        series = SliceSeries(volume(), series_uid=f"1.2.3.{len(name)}", header={"PatientID": patient})
        for k in range(3):
            write(series.dataset(k), heap / f"{name}{k}")
    return heap


def test_a_heap_becomes_folders_that_guide_takes(heap, known_match, tmp_path):
    before = contents(heap)
    done = run("sort", heap, tmp_path / "sorted")
    assert done.code == 3, done.err  # one file is cut off
    assert contents(heap) == before
    assert {path.name for path in (tmp_path / "sorted").iterdir()} == {PATIENT, "etc", "etc_2"}
    (plan,) = (tmp_path / "sorted" / PATIENT / "plans").iterdir()
    (image,) = (tmp_path / "sorted" / PATIENT / "images").iterdir()
    guided = run("guide", plan, image, "--out", tmp_path / "out")
    assert guided.code == 0, guided.err


def test_every_file_is_told_of(heap, tmp_path):
    done = run("sort", heap, tmp_path / "sorted", "--json")
    record = json.loads(done.out)
    told = [entry["from"] for entry in (*record["placed"], *record["left_out"])]
    assert set(told) == {str(path) for path in heap.iterdir()}
    reasons = {Path(entry["from"]).name: entry["reason"] for entry in record["left_out"]}
    assert {"cut off", "notes.txt"} < set(reasons)
    assert len(reasons) == 3  # and one of the two copies
    assert "truncated" in reasons["cut off"]
    assert len([reason for reason in reasons.values() if reason == "a copy of another file"]) == 1
    copied = {tmp_path / "sorted" / entry["to"]: Path(entry["from"]) for entry in record["placed"]}
    assert all(copy.read_bytes() == source.read_bytes() for copy, source in copied.items())
    assert {path for path in (tmp_path / "sorted").rglob("*") if path.is_file()} == set(copied)


def test_two_objects_under_one_uid_are_both_left_out(heap, tmp_path):
    changed = dcmread(heap / "stranger0")
    changed.PixelData = bytes(len(changed.PixelData))
    changed.save_as(heap / "changed")
    done = openigrt.sort(heap, tmp_path / "sorted")
    left_out = {entry.source.name: entry.reason for entry in done.left_out}
    assert "another object has its SOP Instance UID" in left_out["changed"]
    assert "another object has its SOP Instance UID" in left_out["stranger0"]


@pytest.mark.parametrize("name", ["CON", "com1.txt", "", "..", "a/b\\c", "x" * 300, "Ünïcode", " . ", "\0"])
def test_names_are_safe_on_any_system(name):
    safe = sorting._safe(name)
    assert 0 < len(safe) <= sorting.LONGEST_NAME + 1
    assert safe.isascii()
    assert not set(safe) & set('/\\\0:*?"<>| ')
    assert not sorting.RESERVED.fullmatch(safe)
    assert safe.strip("-. ") == safe


@pytest.mark.parametrize("last_first", [False, True])
def test_a_number_that_tells_names_apart_makes_no_name_of_another(tmp_path, last_first):
    """Patient A twice, under two names, beside a patient A_2; and series a, A and a_2 of each."""
    people = [("A", "One^Ann"), ("A", "Two^Bea"), ("A_2", "Three^Cleo")]
    told = [(*person, kind) for person in people for kind in ("a", "A", "a_2")]
    for n, (patient, name, kind) in enumerate(told[:: -1 if last_first else 1]):
        header = {"PatientID": patient, "PatientName": name, "SeriesDescription": kind}
        series = SliceSeries(volume(), series_uid=f"1.2.3.{n}", header=header)
        for k in range(3):
            write(series.dataset(k), tmp_path / "heap" / f"{n}-{k}")
    done = openigrt.sort(tmp_path / "heap", tmp_path / "sorted")
    copies = [path for path in (tmp_path / "sorted").rglob("*") if path.is_file()]
    assert len(copies) == len(done.placed) == 27
    assert len({str(path).casefold() for path in copies}) == 27  # nor on a system that knows no capitals
    whose: dict = {}
    for path in copies:
        header = dcmread(path)
        whose.setdefault(path.relative_to(tmp_path / "sorted").parts[0], set()).add(str(header.PatientName))
        whose.setdefault(path.parent, set()).add(header.SeriesInstanceUID)
    assert all(len(found) == 1 for found in whose.values())
    assert len(whose) == 3 + 9


def test_the_folder_that_one_stands_in_will_do(case, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = openigrt.sort(case / "today", ".")
    assert len(contents(tmp_path / "here")) == len(done.placed) > 0


@pytest.mark.parametrize("where", ["full", "heap/within", "file"])
def test_nothing_is_covered(heap, tmp_path, where):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("kept")
    (tmp_path / "file").write_text("kept")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="name a folder"):
        openigrt.sort(heap, tmp_path / where)
    assert contents(tmp_path) == before


def test_a_copy_that_fails_leaves_nothing(heap, tmp_path, monkeypatch):
    whole = shutil.copyfile
    copied = []

    def full_disk(source, target):
        copied.append(source)
        if len(copied) > 5:
            raise OSError(28, "No space left on device", str(target))
        return whole(source, target)

    monkeypatch.setattr(shutil, "copyfile", full_disk)
    before = contents(tmp_path)
    done = run("sort", heap, tmp_path / "sorted")
    assert done.code == 1
    assert done.sentence == (
        f"Cannot write to {tmp_path / 'sorted'}: No space left on device. Make room there, or name another folder."
    )
    assert contents(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


@pytest.mark.real
def test_a_messy_folder_of_real_patients_is_sorted_out_and_guided_from(real_data, tmp_path):
    """Mixed, renamed, doubled and partly broken: the pancreas patient among three others."""
    messy = tmp_path / "messy"
    messy.mkdir()
    sets = ("pancreas", "breast_rt", "prostate_eclipse", "sarcoma_ct_pet_mr")
    files = sorted(path for name in sets for path in (real_data / name).rglob("*") if path.is_file())
    for path in files:
        shutil.copy(path, messy / hashlib.sha256(str(path).encode()).hexdigest()[:12])
    twice = [path for path in files if "planning_ct" in path.parts][:10]
    for n, path in enumerate(twice):
        shutil.copy(path, messy / f"copy{n}")
        (messy / f"broken{n}.dcm").write_bytes(path.read_bytes()[: 5000 * (n + 1)])
    checked = run("check", messy)
    assert checked.code == 3
    assert "copies of other files" in checked.out
    assert "is truncated" in checked.out
    openigrt.sort(messy, tmp_path / "sorted")
    patient = tmp_path / "sorted" / "Pancreas-CT-CB_001"
    homes = sorted(
        (len(list(home.iterdir())), home)
        for home in patient.rglob("*")
        if home.is_dir() and home.parent.name in ("plans", "images")
    )
    (planned, plan), (imaged, image) = homes
    assert (planned, imaged) == (80, 106)
    guided = run("guide", plan, image, "--isocenter", "5,70,305", "--region", "bone", "--out", tmp_path / "out")
    assert guided.code == 3, guided.err
    record = json.loads((tmp_path / "out" / "correction.json").read_text(encoding="utf-8"))
    assert record["match"]["translation_mm"] == pytest.approx([1.8, 1.5, -16.5], abs=2.0)


def test_a_heap_that_is_whole_asks_for_nobody(case, tmp_path):
    (tmp_path / "today" / "notes.txt").write_text("no DICOM")
    assert run("sort", case / "today", tmp_path / "sorted").code == 0
