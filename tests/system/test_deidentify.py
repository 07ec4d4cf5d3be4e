"""`openigrt deidentify`: nothing of the person in any byte, every relation as before, and who must look."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pydicom
import pytest

import openigrt
from openigrt.dicom import Pseudonyms
from openigrt.errors import InputError
from tests.dicom import dicom_cases as cases
from tests.system.command import run
from tests.system.phantom import PATIENT, ROOT

PERSON = re.compile(
    rb"Phantom\^|PHANTOM-1|Ellipsoid|19500102|20240301|20240315|" + re.escape(ROOT.encode()), re.IGNORECASE
)


@pytest.fixture
def places(case):
    """IN, OUT, and a key file beside them."""
    original = case / "original"
    original.mkdir()
    for name in ("plan", "today"):
        (case / name).rename(original / name)
    return original, case / "shared", case / "study.key"


def contents(folder):
    """Every file below a folder by its place."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def sorted_out(folder, place):
    """A de-identified folder as PLAN and TODAY again, by what the files say."""
    found = openigrt.check(folder)
    (planning,) = found.links.plannings
    for series in found.inventory.series:
        part = "today" if found.role_of(series) == "image of the day" else "plan"
        target = place / part / series.uid
        target.mkdir(parents=True, exist_ok=True)
        for instance in series.instances:
            shutil.copy(instance.path, target)
    assert planning.image is not None
    return place / "plan", place / "today"


def compared(value, new_uid=str):
    """A record as it is compared: new UIDs in place of old ones, and without labels, dates and names."""
    if isinstance(value, dict):
        return {key: compared(part, new_uid) for key, part in value.items() if key not in UNCOMPARED}
    if isinstance(value, list | tuple):
        return [compared(part, new_uid) for part in value]
    return new_uid(value) if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+){2,}", value) else value


UNCOMPARED = {
    *("timing_s", "manifest", "read", "warnings", "label", "isocenter_from", "acquired_at", "age_h"),
    *("patient_id", "patient_name"),
}


def in_order(records):
    return sorted(records, key=str)


def pseudonyms_of(key):
    return Pseudonyms(bytes.fromhex(key.read_text()))


def test_nothing_of_the_person_is_in_any_byte(places):
    original, out, key = places
    done = run("deidentify", original, out, "--key", key)
    assert done.code == 3, done.err
    assert not PERSON.search(done.out.encode())
    written = contents(out)
    assert len(written) == len(contents(original)) + 2
    for place, content in written.items():
        assert not PERSON.search(place.encode())
        assert not PERSON.search(content), place
    for uid in {i.uid for i in openigrt.check(original).inventory.instances()}:
        assert not any(uid.encode() in content for content in written.values())


def test_the_same_links_and_findings(places):
    original, out, key = places
    run("deidentify", original, out, "--key", key)
    before, after = (openigrt.check_record(openigrt.check(folder)) for folder in (original, out))
    for part in ("plans", "structure_sets"):
        assert compared(before[part], pseudonyms_of(key).uid) == compared(after[part])
    shown = ("uid", "sop_class", "instances", "study_uid", "frame_of_reference_uid", "role")
    known = [[series[name] for name in shown] for series in compared(before["series"], pseudonyms_of(key).uid)]
    assert sorted(known) == sorted([series[name] for name in shown] for series in after["series"])
    own_reports = "2 files (deidentification.json, deidentification.txt): no DICOM objects."
    findings = [finding["severity"] for finding in after["findings"] if finding["sentence"] != own_reports]
    assert findings == [finding["severity"] for finding in before["findings"]]


def test_the_same_correction_to_the_last_digit(guided, places, tmp_path):
    original, out, key = places
    run("deidentify", original, out, "--key", key)
    again = openigrt.guide(*sorted_out(out, tmp_path / "sorted"))
    before, after = (openigrt.guidance_record(guidance) for guidance in (guided.guidance, again))
    assert compared(before, pseudonyms_of(key).uid) == compared(after)


def test_the_input_is_not_changed(places):
    original, out, key = places
    before = contents(original)
    run("deidentify", original, out, "--key", key)
    assert contents(original) == before


# -------------------------------------------------------------------------------- the key and the tables


def test_a_key_is_made_once_and_kept_by_its_owner(places):
    original, out, key = places
    first = run("deidentify", original / "plan", out, "--key", key)
    assert "Made a new key" in first.err
    assert re.fullmatch(r"[0-9a-f]{64}\n", key.read_text())
    if os.name == "posix":
        assert key.stat().st_mode & 0o777 == 0o600
    again = run("deidentify", original / "today", out.with_name("more"), "--key", key)
    assert "Made" not in again.err
    patients = {
        json.loads((folder / "deidentification.json").read_text())["patients"][0]
        for folder in (out, out.with_name("more"))
    }
    assert len(patients) == 1


def test_a_key_that_others_may_read_is_told(places):
    original, out, key = places
    key.write_text("ab" * 32)
    key.chmod(0o644)
    assert "can be read by others" in run("deidentify", original, out, "--key", key).err


def test_without_a_key_every_run_differs_and_says_so(places):
    original, out, _ = places
    first = run("deidentify", original, out)
    assert "not kept" in first.err
    refused = run("deidentify", original, out)
    assert refused.code == 1
    assert "holds something else" in refused.sentence


@pytest.mark.parametrize("content", ["", "secret", "ab" * 31, "ab" * 33, "zz" * 32, "x" * 10_000, "ab" * 32 + "\n\nab"])
def test_what_is_no_key(places, content):
    original, out, key = places
    key.write_text(content)
    done = run("deidentify", original, out, "--key", key)
    assert done.code == 1
    assert not out.exists()


def test_given_ids_and_the_table_that_leads_back(places):
    original, out, key = places
    ids, link = key.with_name("ids.csv"), key.with_name("link.csv")
    ids.write_text(f"old,new\n{PATIENT.patient_id}, STUDY-01\n")
    done = run("deidentify", original, out, "--key", key, "--ids", ids, "--link", link, "--json")
    record = json.loads(done.out)
    assert record["patients"] == ["STUDY-01"]
    header, row = link.read_text().splitlines()
    assert header == "old patient ID,new patient ID,days added to dates"
    days = pseudonyms_of(key).days("STUDY-01")
    assert row == f"{PATIENT.patient_id},STUDY-01,{days}"
    assert str(days) not in json.dumps(record)
    written = next(path for path in out.rglob("*.dcm"))
    assert pydicom.dcmread(written, stop_before_pixels=True).PatientID == "STUDY-01"


def test_a_link_table_grows_and_no_other_file_is_written_over(places):
    original, out, key = places
    link = key.with_name("link.csv")
    link.write_text("old patient ID,new patient ID,days added to dates\nEARLIER,NEW,-700\n")
    run("deidentify", original, out, "--key", key, "--link", link)
    assert [line.split(",")[0] for line in link.read_text().splitlines()[1:]] == ["EARLIER", PATIENT.patient_id]
    link.write_text("my diary")
    done = run("deidentify", original, out, "--key", key, "--link", link)
    assert done.code == 1
    assert link.read_text() == "my diary"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("OTHER,NEW\n", "have no new ID"),
        ("PHANTOM-1,../../etc\n", "Line 1"),
        ("PHANTOM-1\n", "Line 1"),
        ("PHANTOM-1,A\nPHANTOM-1,B\n", "second new one"),
        ("PHANTOM-1,OTHER\nOTHER,C\n", "old ID"),
        ("PHANTOM-1,A\nQ,B\nR,a\n", "Lines 1 and 3"),
        ("PHANTOM-1,OPENIGRT-ABCDEFGH\n", "begins with OPENIGRT-"),
        ('PHANTOM-1,"A\n', "no CSV"),
    ],
)
def test_what_is_no_table_of_ids(places, table, said):
    original, out, key = places
    ids = key.with_name("ids.csv")
    ids.write_text(table)
    done = run("deidentify", original, out, "--key", key, "--ids", ids)
    assert done.code == 1
    assert said in done.sentence
    assert not out.exists()
    assert not key.exists()


# -------------------------------------------------------------------------------- places


def test_places_that_cannot_be(places):
    original, out, key = places
    for words in (
        (original, original),
        (original, original / "out"),
        (original / "plan", original),
        (original, out, "--key", out / "key"),
        (original, out, "--key", original / "key"),
        (original, out, "--link", out / "link.csv"),
    ):
        done = run("deidentify", *words)
        assert done.code == 1, words
        assert "lie in" in done.sentence
    assert not out.exists()
    assert not key.exists()


def test_a_folder_of_something_else_is_not_written_to(places):
    original, out, key = places
    out.mkdir()
    (out / "thesis.txt").write_text("done")
    done = run("deidentify", original, out, "--key", key)
    assert done.code == 1
    assert contents(out) == {"thesis.txt": b"done"}
    assert not key.exists()


@pytest.mark.parametrize("record", ["[" * 100_000, "[]", "{}", '{"fingerprint": 5}', "\xff"])
def test_a_folder_with_a_strange_record_is_not_written_to(places, record):
    original, out, key = places
    out.mkdir()
    (out / "deidentification.json").write_text(record, encoding="latin-1")
    assert run("deidentify", original, out, "--key", key).code == 1


def test_a_second_run_writes_the_same_and_others_do_not_mix(places):
    original, out, key = places
    run("deidentify", original, out, "--key", key)
    before = contents(out)
    assert run("deidentify", original, out, "--key", key).code == 3
    assert contents(out) == before
    assert run("deidentify", original, out, "--key", key, "--keep", "device").code == 1
    assert run("deidentify", original / "plan", out, "--key", key).code == 1
    assert contents(out) == before


def test_a_run_that_was_ended_leaves_whole_files_and_can_be_gone_on_with(places):
    original, out, key = places
    command = [sys.executable, "-m", "openigrt", "deidentify", str(original), str(out), "--key", str(key)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        for _ in range(3000):
            if len(list(out.rglob("*.dcm"))) > 3:
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
    assert not list(out.rglob("*.part"))
    for path in out.rglob("*.dcm"):
        pydicom.dcmread(path)
    finished = run("deidentify", original, out, "--key", key)
    assert finished.code == 3, finished.err
    assert json.loads((out / "deidentification.json").read_text())["is_finished"]


def test_links_out_of_the_input_and_of_the_result_are_not_followed(places):
    original, out, key = places
    elsewhere = key.with_name("elsewhere")
    elsewhere.mkdir()
    shutil.copy(original / "plan" / "rp.dcm", elsewhere / "rp.dcm")
    (original / "plan" / "rp.dcm").unlink()
    (original / "plan" / "rp.dcm").symlink_to(elsewhere / "rp.dcm")
    record = json.loads(run("deidentify", original, out, "--key", key, "--json").out)
    assert {"why": "link that leads out of the folder", "files": 1} in record["left_out"]
    assert "RT Plan" not in {series["sop_class"] for series in record["series"]}
    patient = out / record["patients"][0]
    shutil.rmtree(patient)
    patient.symlink_to(elsewhere)
    done = run("deidentify", original, out, "--key", key)
    assert done.code == 1
    assert "leads out of" in done.sentence
    assert [path.name for path in elsewhere.iterdir()] == ["rp.dcm"]


# -------------------------------------------------------------------------------- what is left out, and what is told


def test_a_key_that_cannot_be_written_leaves_nothing(places):
    original, out, key = places
    key.with_name("file").write_text("")
    done = run("deidentify", original, out, "--key", key.with_name("file") / "study.key")
    assert done.code == 1
    assert not out.exists()
    out.write_text("no folder")
    assert run("deidentify", original, out, "--key", key, "--link", key.with_name("link.csv")).code == 1
    assert not key.exists()
    assert not key.with_name("link.csv").exists()


def test_a_hole_in_a_series_is_told(places):
    original, out, key = places
    path = next(path for path in sorted((original / "today").rglob("*.dcm")))
    series = pydicom.dcmread(path).SeriesInstanceUID
    path.write_bytes(path.read_bytes()[:-100])
    done = run("deidentify", original, out, "--key", key)
    assert f"WARNING: 1 object of series {pseudonyms_of(key).uid(series)} could not be read" in done.out
    assert "objects of 1 patient in" in done.out
    assert "NOTE:" not in done.out


def test_what_is_left_out_is_counted_by_why_and_never_named(places):
    original, out, key = places
    (original / "Phantom^Ellipsoid.txt").write_text("notes")
    plan = (original / "plan" / "rp.dcm").read_bytes()
    (original / "cut Phantom^Ellipsoid.dcm").write_bytes(plan[: len(plan) // 2])
    report = cases.dicom_object("1.2.840.10008.5.1.4.1.1.88.11", f"{ROOT}.900", TextValue="Phantom^Ellipsoid")
    document = cases.dicom_object(
        "1.2.840.10008.5.1.4.1.1.104.1", f"{ROOT}.901", EncapsulatedDocument=b"Phantom^Ellipsoid"
    )
    own = cases.dicom_object("1.2.246.352.70.1.70", f"{ROOT}.902")
    for number, dataset in enumerate((report, document, own)):
        dataset.PatientID, dataset.PatientName = PATIENT.patient_id, PATIENT.name
        cases.write(dataset, original / f"{number}.dcm")
    record = json.loads(run("deidentify", original, out, "--key", key, "--json").out)
    assert {entry["why"]: entry["files"] for entry in record["left_out"]} == {
        "not DICOM": 1,
        "DICOM that is damaged, or written in a way that is not read": 1,
        "Basic Text SR, which --keep others would include": 1,
        "Encapsulated PDF, whose content nobody can clean but a person": 1,
        "object of a private class, which --keep others would include": 1,
    }
    assert not PERSON.search(json.dumps(record).encode())
    kept = run("deidentify", original, out.with_name("all"), "--key", key, "--keep", "others", "--json")
    assert {s["sop_class"] for s in json.loads(kept.out)["series"]} >= {"Basic Text SR", "1.2.246.352.70.1.70"}
    assert not any(PERSON.search(content) for content in contents(out.with_name("all")).values())
    assert any("is of a kind whose content" in f["sentence"] for f in json.loads(kept.out)["findings"])


def test_structures_that_lose_their_names_are_told(places):
    original, out, key = places
    path = original / "plan" / "rs.dcm"
    dataset = pydicom.dcmread(path)
    dataset.StructureSetROISequence[0].ROIName = "PTV Dr Miller"
    dataset.save_as(path)
    record = json.loads(run("deidentify", original, out, "--key", key, "--json").out)
    (told,) = [finding for finding in record["findings"] if finding["sentence"].startswith("ROIName")]
    assert told["severity"] == "warning"
    written = pydicom.dcmread(out / told["about"][0])
    number = dataset.StructureSetROISequence[0].ROINumber
    assert written.StructureSetROISequence[0].ROIName == f"PTV {number}"


def test_a_pelvis_in_plain_words_needs_nobody(places):
    original, out, key = places
    for path in original.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.BodyPartExamined = "PELVIS"
        dataset.save_as(path)
    done = run("deidentify", original, out, "--key", key)
    assert done.code == 0, done.out
    assert "must look" not in done.out


@pytest.mark.parametrize(
    "other",
    [
        {"PatientName": "Else^Somebody"},
        {"PatientBirthDate": "19010203"},
        {"IssuerOfPatientID": "another hospital"},
    ],
)
def test_two_people_under_one_id_are_told(places, other):
    original, out, key = places
    for path in original.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.PatientBirthDate, dataset.IssuerOfPatientID = "19600203", "a hospital"
        dataset.update(other if path.name == "rd.dcm" else {})
        dataset.save_as(path)
    done = run("deidentify", original, out, "--key", key)
    assert "may be of several people" in done.out
    assert done.code == 3


def test_studies_of_nobody_are_told(tmp_path):
    for n in (1, 2):
        made = cases.dicom_object(cases.CT, f"1.2.{n}", StudyInstanceUID=f"1.3.{n}", PatientID="", PatientName="")
        made.BodyPartExamined = "ABDOMEN"
        (tmp_path / "in").mkdir(exist_ok=True)
        cases.write(made, tmp_path / "in" / f"{n}.dcm")
    assert "may be of several people" in run("deidentify", tmp_path / "in", tmp_path / "out").out


def test_objects_under_one_uid_are_all_kept(places):
    original, out, key = places
    path = original / "plan" / "rd.dcm"
    dataset = pydicom.dcmread(path)
    dataset.DoseGridScaling = "0.5"
    dataset.save_as(original / "plan" / "rd2.dcm")
    run("deidentify", original, out, "--key", key)
    doses = [pydicom.dcmread(path) for path in out.rglob("RTDOSE_*/*.dcm")]
    assert len(doses) == 2
    assert "share one SOP Instance UID" in (out / "deidentification.txt").read_text()
    assert {dose.DoseGridScaling for dose in doses} == {0.5, pydicom.dcmread(path).DoseGridScaling}


def test_nothing_to_do_is_said(tmp_path):
    assert "does not exist" in run("deidentify", tmp_path / "none", tmp_path / "out").sentence
    cases.write(cases.dicom_object("1.2.840.10008.5.1.4.1.1.88.11", "1.2.3"), tmp_path / "in" / "sr.dcm")
    done = run("deidentify", tmp_path / "in", tmp_path / "out")
    assert done.code == 1
    assert "Nothing was written" in done.sentence
    with pytest.raises(InputError, match="expected characteristics, device, others"):
        openigrt.deidentify(tmp_path / "in", tmp_path / "out", keep=["everything"])
    with pytest.raises(InputError):
        openigrt.deidentify(5, tmp_path / "out")
    assert run("deidentify", tmp_path / "in", tmp_path / "out", "--keep", "all").code == 2


# ------------------------------------------------------------------------------ the embedded example and real patients


def test_the_embedded_example(tmp_path):
    """Made, de-identified, sorted out again and guided: the same record but for the labels."""
    made = openigrt.write_example(tmp_path / "example")
    openigrt.deidentify(tmp_path / "example", tmp_path / "shared", tmp_path / "key")
    folders = (made.plan_folder, made.daily_folder), sorted_out(tmp_path / "shared", tmp_path / "sorted")
    before, after = (openigrt.guidance_record(openigrt.guide(*pair)) for pair in folders)
    assert compared(before, pseudonyms_of(tmp_path / "key").uid) == compared(after)


PLACES = [
    "pancreas",
    "breast_rt",
    "prostate_eclipse/prostate_dicom",
    "proton_plans",
    "patient_orientations",
    "linac_qa/cbct",
]


@pytest.mark.real
@pytest.mark.parametrize("place", PLACES)
def test_real_patients(real_data, tmp_path, place):
    """No name, ID, UID or date of a header is in a byte outside the pixels; links and geometry are as before."""
    original, out, key = real_data / place, tmp_path / "out", tmp_path / "key"
    assert run("deidentify", original, out, "--key", key).code in (0, 3)
    before, after = openigrt.check(original), openigrt.check(out)
    for part in ("plans", "structure_sets"):
        known, new = (openigrt.check_record(found)[part] for found in (before, after))
        assert in_order(compared(known, pseudonyms_of(key).uid)) == in_order(compared(new))
    written = {instance.uid: instance for instance in after.inventory.instances()}
    telling = {i.uid for i in before.inventory.instances()} | {i.patient_id for i in before.inventory.instances()}
    secrets = [text.encode() for text in telling if len(text) > 5]
    for instance in before.inventory.instances():
        new = written[pseudonyms_of(key).uid(instance.uid)]
        old_header, new_header = (pydicom.dcmread(i.path, force=True) for i in (instance, new))
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "GridFrameOffsetVector"):
            assert np.array_equal(old_header.get(keyword, []), new_header.get(keyword, []))
        assert old_header.get("PixelData") == new_header.get("PixelData")
        new_header.pop("PixelData", None)
        head = new_header.to_json().encode()
        assert not any(secret in head for secret in secrets)
