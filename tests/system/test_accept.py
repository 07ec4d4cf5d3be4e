"""`openigrt accept`: a machine file from the first look to the acceptance that it carries."""

import json
import re
import tomllib
from importlib.resources import files

import pytest

import openigrt
from openigrt.errors import InputError, MissingInput
from openigrt.files import builtin_machine
from openigrt.machine import PHANTOM_OFFSET_MM, acceptance_steps, expected_phantom_mm, phantom_setups
from tests.system.command import run


@pytest.fixture
def room(tmp_path):
    """A machine file of a site: a copy of one that comes with OpenIGRT."""
    path = tmp_path / "room2.toml"
    text = (files("openigrt.machine") / "data" / "elekta_iec.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('name = "Elekta IEC"', 'name = "Room | <b>2</b>"'), encoding="utf-8")
    return path


def filled_in(path, change=lambda axis, iec, shown: shown):
    """Fill in the form as a person would, with what the built-in machine shows, changed or not."""
    shown = {(s.axis, s.iec): s.shown for s in acceptance_steps(builtin_machine("elekta_iec"))}
    axes = builtin_machine("elekta_iec").cbct_conventions[0].axes
    lines, entry = [], {}
    setups = iter(phantom_setups())
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"(axis|iec) = (\S+)", line):
            entry[found[1]] = found[2].strip('"')
        if line.startswith("# shown ="):
            axis, iec = entry["axis"], float(entry["iec"])
            line = f"shown = {change(axis, iec, shown[axis, iec])}"
        if line.startswith("# seen_mm ="):
            seen = expected_phantom_mm(PHANTOM_OFFSET_MM, *next(setups), axes)
            line = f"seen_mm = {[float(x) for x in seen]}"
        lines.append(line)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_look_at_a_file(room):
    done = run("accept", room)
    assert done.code == 0, done.err
    assert "the machine file has not been through the acceptance test" in done.out
    assert "IEC 61217 to display: -2 deg is 2 deg, 0 deg is 0 deg, 2 deg is 358 deg" in done.out
    assert "No scale: x1, x2, y1, y2, leaves_1, leaves_2; their read-outs are not converted." in done.out


def test_the_whole_test_ends_with_an_accepted_file(room, tmp_path):
    place = tmp_path / "acceptance"
    assert run("accept", room, "--out", place).code == 0
    assert sorted(path.name for path in place.iterdir()) == ["acceptance.html", "acceptance.md", "readings.toml"]
    unread = run("accept", room, "--readings", place / "readings.toml")
    assert unread.code == 3
    assert "INCOMPLETE: gantry: 0 reading(s)" in unread.out
    done = run("accept", room, "--readings", filled_in(place / "readings.toml"))
    assert done.code == 0, done.out
    seal = done.out[done.out.index("[acceptance]") :].replace('""', '"A. Physicist"')
    assert tomllib.loads(seal)["acceptance"]["by"] == "A. Physicist"
    room.write_text(room.read_text(encoding="utf-8") + "\n" + seal, encoding="utf-8")
    assert "accepted on " in run("accept", room).out
    assert json.loads(run("accept", room, "--json").out)["is_accepted"]
    room.write_text(room.read_text(encoding="utf-8").replace("resolution_mm = 0.1", "resolution_mm = 1.0"), "utf-8")
    assert "CHANGED SINCE" in run("accept", room).out


def test_a_wrong_sign_asks_for_a_person(room, tmp_path):
    place = tmp_path / "acceptance"
    run("accept", room, "--out", place)
    readings = filled_in(place / "readings.toml", lambda axis, iec, shown: -shown if axis == "vertical" else shown)
    done = run("accept", room, "--readings", readings)
    assert done.code == 3
    assert (
        "FAILED: vertical reads -5 cm at +50 mm where 5 cm was expected: the sign is opposite (sign = -1)." in done.out
    )
    record = json.loads(run("accept", room, "--readings", readings, "--json").out)
    assert record["outcome"] == "failed"
    assert [j["what"] for j in record["judgements"] if j["outcome"] == "failed"] == ["vertical"]


def test_pages_say_what_they_are_and_names_cannot_break_them(room, tmp_path):
    run("accept", room, "--out", tmp_path / "acceptance")
    html = (tmp_path / "acceptance" / "acceptance.html").read_text(encoding="utf-8")
    markdown = (tmp_path / "acceptance" / "acceptance.md").read_text(encoding="utf-8")
    for page in (html, markdown):
        assert "Not for clinical use" in page
        assert "<b>2</b>" not in page
    assert r"Room \| \<b\>2\</b\>" in markdown
    assert "<td>FFP</td><td>330°</td><td>21.2, -15.0, -16.7</td>" in html


def test_who_accepted_cannot_break_the_page(room, tmp_path):
    seal = '[acceptance]\ndate = 2026-01-31\nby = "# A | <b>B</b>"\nversion = "1"\nfingerprint = "0"\n'
    room.write_text(room.read_text(encoding="utf-8") + "\n" + seal, encoding="utf-8")
    run("accept", room, "--out", tmp_path / "acceptance")
    assert r"\# A \| \<b\>B" in (tmp_path / "acceptance" / "acceptance.md").read_text(encoding="utf-8")
    assert "&lt;b&gt;B" in (tmp_path / "acceptance" / "acceptance.html").read_text(encoding="utf-8")


def test_a_form_that_was_begun_is_not_written_over(room, tmp_path):
    place = tmp_path / "acceptance"
    run("accept", room, "--out", place)
    (place / "readings.toml").write_text("# mine\n")
    run("accept", room, "--out", place)
    assert (place / "readings.toml").read_text() == "# mine\n"


def test_what_cannot_be_accepted(room, tmp_path):
    assert "There is no machine file" in run("accept", tmp_path / "none.toml").sentence
    assert "cannot be read" in run("accept", room, "--readings", tmp_path / "none.toml").sentence
    (tmp_path / "bad.toml").write_text('[[reading]]\naxis = "x1"\niec = 0\nshown = 0\n')
    said = run("accept", room, "--readings", tmp_path / "bad.toml")
    assert (said.code, "states no scale for 'x1'" in said.sentence) == (1, True)
    assert "Cannot write to" in run("accept", room, "--out", room).sentence
    with pytest.raises(MissingInput):
        openigrt.accept(tmp_path / "none.toml")
    with pytest.raises(InputError):
        openigrt.accept(5)
