"""How the command speaks on terminals and elsewhere."""

import io
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from openigrt.cli import voice
from openigrt.errors import InputError


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_steps_are_lines_where_there_is_no_terminal(capsys):
    with voice.progress() as tell:
        tell("matching")
    assert capsys.readouterr() == ("", "openigrt: matching\n")


def test_steps_on_a_terminal_are_shown_as_they_are(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with voice.progress() as tell:
        tell("reading [bold]plan[/bold]")
    assert "reading [bold]plan[/bold]" in terminal.getvalue()


def test_what_is_closed_takes_everything_in_silence(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    voice.speak_any_alphabet()
    voice.answer("42\n")
    with voice.progress() as tell:
        tell("matching")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_an_answer_that_cannot_be_printed_is_said(monkeypatch, capsys):
    with suppress(OSError), Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(InputError, match="The answer cannot be printed: No space left on device"):
            voice.answer("42\n")


def test_a_name_cannot_forge_what_a_terminal_shows(capsys):
    voice.answer("Report: a\x1b[2Kb\n")
    voice.tell("reading a\nopenigrt: done")
    assert capsys.readouterr() == ("Report: a?[2Kb\n", "openigrt: reading a openigrt: done\n")


@pytest.mark.parametrize(
    ("run", "on_path", "said"),
    [
        ("openigrt", True, "openigrt"),
        (".venv/bin/openigrt", True, "openigrt"),
        (".venv/bin/openigrt", False, ".venv/bin/openigrt"),
        ("src/openigrt/__main__.py", False, f"{sys.executable} -m openigrt"),
    ],
)
def test_the_next_command_works_as_this_one_did(tmp_path, monkeypatch, run, on_path, said):
    program = tmp_path / ".venv" / "bin" / "openigrt"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(program.parent) if on_path else str(tmp_path))
    monkeypatch.setattr(sys, "argv", [run])
    assert voice.called("guide", Path("my plan"), "today") == f"{said} guide 'my plan' today"


def test_another_program_of_this_name_on_the_path_is_not_meant(tmp_path, monkeypatch):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "openigrt").write_text("#!/bin/sh\n")
        (tmp_path / place / "openigrt").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "a"))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "b" / "openigrt")])
    assert voice.called("example") == f"{tmp_path / 'b' / 'openigrt'} example"


def test_a_character_that_a_stream_lacks_becomes_a_question_mark(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    voice.speak_any_alphabet()
    voice.answer("1°\n")
    assert stream.buffer.getvalue() == b"1?\n"
