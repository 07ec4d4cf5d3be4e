"""A folder that holds the results of an earlier run: whatever the next one does, nobody takes the old for the new."""

import json
import signal
import subprocess

import numpy as np
import pytest

import openigrt
from tests.system.command import run
from tests.system.test_shell import PATCHED, start

RESULTS = {"correction.json", "registration.dcm", "report.html"}


@pytest.fixture
def out(guided, tmp_path):
    """A folder with the results of an earlier run, and a file of the user."""
    folder = openigrt.write_guidance(guided.guidance, tmp_path / "out")
    (folder / "mine.txt").write_text("mine")
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def kept(out):
    """The only former result."""
    (folder,) = (out / "former").iterdir()
    return contents(folder)


def test_a_run_that_fails_leaves_no_result_in_place_and_loses_none(patient_folder, out):
    before = contents(out)
    done = run("guide", patient_folder / "plan", out.parent / "no folder", "--out", out)
    assert done.code == 1
    assert f"moved the results of an earlier run to {out / 'former'}" in done.err
    assert set(contents(out)) == {"mine.txt"}
    assert kept(out) == {name: before[name] for name in RESULTS}


@pytest.mark.parametrize("words", [("--site", "toe"), ("--machine", "toe.toml"), ("--isocenter", "1e30,0,0")])
def test_so_does_one_that_fails_for_its_words(patient_folder, out, words):
    run("guide", patient_folder / "plan", patient_folder / "today", "--out", out, *words)
    assert set(contents(out)) == {"mine.txt"}
    assert set(kept(out)) == RESULTS


def test_so_does_one_whose_start_is_none(patient_folder, out):
    words = "--start", out / "report.html"
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", out, *words)
    assert done.code == 1
    assert "Expected a DICOM Spatial Registration" in done.sentence
    assert set(contents(out)) == {"mine.txt"}
    assert set(kept(out)) == RESULTS


def test_wrong_usage_is_no_run_and_touches_nothing(patient_folder, out):
    before = contents(out)
    run("guide", patient_folder / "plan", patient_folder / "today", "--out", out, "--dof", "7")
    assert contents(out) == before
    assert not (out / "former").exists()


def test_a_run_that_is_killed_leaves_no_result_in_place(patient_folder, out):
    words = "guide", patient_folder / "plan", patient_folder / "today", "--out", out
    with start(PATCHED, *words, stderr=subprocess.PIPE, text=True) as process:
        assert any("matching" in line for line in process.stderr)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert set(contents(out)) == {"mine.txt"}
    assert set(kept(out)) == RESULTS


def test_a_run_that_succeeds_stands_beside_the_former_one(patient_folder, out, known_match):
    before = contents(out)
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", out)
    assert done.code == 0
    now = contents(out)
    assert set(now) == RESULTS | {"mine.txt"}
    assert all(now[name] != before[name] for name in RESULTS)
    assert kept(out) == {name: before[name] for name in RESULTS}


def test_what_another_run_wrote_meanwhile_is_kept_as_well(guided, out):
    before = contents(out)
    openigrt.write_guidance(guided.guidance, out)
    assert kept(out) == {name: before[name] for name in RESULTS}


@pytest.mark.parametrize("is_link", [False, True])
def test_the_former_registration_is_still_a_start(guided, patient_folder, out, known_match, is_link):
    link = out.parent / "start.dcm"
    link.symlink_to(out / "registration.dcm")
    words = "--start", link if is_link else out / "registration.dcm"
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", out, *words)
    assert done.code == 0, done.err
    question, _ = known_match[0]
    assert np.allclose(question.starts[0].matrix4(), guided.guidance.match.plan_from_daily.matrix4(), atol=1e-6)
    settings = json.loads((out / "correction.json").read_text(encoding="utf-8"))["manifest"]["settings"]
    assert settings["start of the search"] == words[1].name


def test_former_results_that_cannot_be_moved_are_called_so(patient_folder, out):
    (out / "former").write_text("mine")
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", out)
    assert done.code == 1
    assert f"The results of an earlier run in {out} cannot be moved" in done.sentence
    assert set(contents(out)) == RESULTS | {"mine.txt", "former"}


def test_so_are_those_in_a_folder_that_cannot_be_written(patient_folder, out, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", out)
    assert done.code == 1
    assert done.sentence.endswith(
        "cannot be written; choose another folder with --out. The results there are of an earlier run."
    )
