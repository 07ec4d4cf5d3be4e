"""What shells, pipes, terminals and file systems do to a command."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openigrt.tasks.guidance import files as guidance_files
from tests.system.command import run

PROGRAM = Path(sys.executable).with_name("openigrt")
PATCHED = """
import sys, time
from openigrt.tasks.guidance import guiding
guiding.match_rigid = lambda question, regions: time.sleep(60)
from openigrt.cli import main
main()
"""


def start(code, *words, **pipes):
    """This program in a process of its own, with python code in the place of its script."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, words)], **pipes)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(patient_folder, tmp_path, number, code):
    words = "guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path / "out"
    with start(PATCHED, *words, stderr=subprocess.PIPE, text=True) as process:
        assert any("matching" in line for line in process.stderr)
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == code
    assert rest == "openigrt: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_who_stops_reading_changes_nothing(patient_folder, tmp_path):
    """`openigrt guide ... --json | true`: the files are there, the exit code is that of the decision."""
    reading, writing = os.pipe()
    os.close(reading)
    words = ["guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path, "--json"]
    done = subprocess.run([PROGRAM, *words], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert (tmp_path / "correction.json").exists()


def test_nobody_listens_to_the_steps(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([PROGRAM, "guide", tmp_path, tmp_path], stderr=writing, check=False)
    os.close(writing)
    assert done.returncode == 1


@pytest.mark.parametrize("threads", ["0", "abc", "-1"])
def test_a_number_of_threads_that_is_none(case, monkeypatch, threads):
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
    done = run("guide", case / "plan", case / "today", "--out", case / "out")
    assert done.code == 1
    assert done.sentence.startswith(f"NUMBA_NUM_THREADS is {threads!r}; set it to a number of threads")


def test_a_working_folder_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"import os, shutil; os.chdir({str(gone)!r}); shutil.rmtree({str(gone)!r}); from openigrt.cli import main"
    done = subprocess.run([sys.executable, "-c", f"{script}; main()", "--version"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "openigrt: The folder that this command was called in is gone; change to another one.\n"


def test_a_terminal_that_knows_no_greek(tmp_path):
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    words = ["guide", tmp_path / "Ωµέγα", tmp_path]
    done = subprocess.run([PROGRAM, *words], capture_output=True, env=environment, check=False)
    assert done.returncode == 1
    assert b"does not exist" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["with space", "Müller^Jürgen", "C:\\patients\\a", "日本", "--odd", "%s{x}[bold]"])
def test_names_of_folders(case, known_match, name):
    for folder in ("plan", "today"):
        (case / folder).rename(case / f"{name} {folder}")
    done = run("guide", case / f"{name} plan", case / f"{name} today", "--out", case / f"{name} out")
    assert done.code == 0, done.err
    assert f"Report: {case / f'{name} out' / 'report.html'}" in done.out


def test_a_windows_path_is_a_name_that_is_not_there(tmp_path):
    done = run("guide", "C:\\patients\\plan", "D:\\today", "--out", tmp_path)
    assert done.sentence == "C:\\patients\\plan does not exist; give a folder with DICOM files."
    assert done.code == 1


def test_a_file_name_in_no_encoding(case, known_match):
    junk = os.fsencode(case / "plan") + b"/notes-\xff.txt"
    with open(junk, "wb") as file:  # noqa: PTH123  (a name that no text holds)
        file.write(b"nothing")
    done = run("guide", case / "plan", case / "today", "--out", case / "out", "--json")
    assert done.code == 0
    assert "notes-?.txt" in (case / "out" / "report.html").read_text(encoding="utf-8")


def test_a_disk_that_is_full(patient_folder, known_match, monkeypatch, tmp_path):
    """Writing the last of three files fails: the older results are kept aside, and nothing else is left."""
    (tmp_path / "report.html").write_text("old")
    (tmp_path / guidance_files.CORRECTION).write_text('{"schema_version": 1, "version": "0.1.0"}')
    original = Path.write_bytes

    def write_bytes(path, content):
        if path.name == guidance_files.CORRECTION:
            raise OSError(28, "No space left on device", str(path))
        return original(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path)
    assert done.code == 1
    assert "Cannot write to" in done.sentence
    assert "No space left on device" in done.sentence
    kept = {path.name: path for path in tmp_path.rglob("*") if path.is_file()}
    assert kept.keys() == {"report.html", guidance_files.CORRECTION}
    assert {path.parent.parent for path in kept.values()} == {tmp_path / "former"}
    assert kept["report.html"].read_text() == "old"


def test_a_failure_between_two_files_leaves_neither(patient_folder, known_match, monkeypatch, tmp_path):
    original = Path.replace

    def replace(path, target):
        if path.name == guidance_files.CORRECTION:
            raise OSError(5, "Input/output error", str(path))
        return original(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path)
    assert done.code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_drawn_leaves_no_folder(patient_folder, known_match, monkeypatch, tmp_path):
    def fail(content):
        raise MemoryError

    monkeypatch.setattr(guidance_files, "render_guidance_report", fail)
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path / "out")
    assert (done.code, done.sentence) == (1, "There is not enough memory for these images.")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(patient_folder, tmp_path):
    tmp_path.chmod(0o500)
    done = run("guide", patient_folder / "plan", patient_folder / "today", "--out", tmp_path / "out")
    assert "cannot be written; choose another folder with --out" in done.sentence


def test_the_plan_and_the_day_in_one_folder_ask_which(case):
    done = run("guide", case, case, "--out", case.parent / "out of it")
    assert done.code == 1
    assert "--series" in done.sentence
