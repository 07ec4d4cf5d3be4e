"""How the command speaks on terminals and elsewhere."""

import io
import sys

from openigrt.cli import voice


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


def test_a_character_that_a_stream_lacks_becomes_a_question_mark(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    voice.speak_any_alphabet()
    voice.answer("1°\n")
    assert stream.buffer.getvalue() == b"1?\n"
