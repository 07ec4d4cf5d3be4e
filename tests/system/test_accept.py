"""`openigrt accept`: a machine file from the first look to the acceptance that it carries."""

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from importlib.resources import files

import pytest

import openigrt
from openigrt.errors import InputError, MissingInput
from openigrt.files import builtin_machine
from openigrt.machine import (
    PHANTOM_OFFSET_MM,
    ApertureAxis,
    CouchAxis,
    acceptance_steps,
    expected_phantom_mm,
    phantom_setups,
)
from openigrt.report import acceptance_html
from openigrt.report.acceptance_page import AXIS_NAMES
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


def test_a_name_cannot_hide_or_turn_text_in_the_page():
    named = replace(builtin_machine(), name="Room\u202e2\u200b")
    assert "<h1>Acceptance test of the machine file Room\ufffd2\ufffd</h1>" in acceptance_html(named)


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


def test_the_page_names_axes_as_people_do_and_shows_the_decimals_that_the_tolerance_needs(tmp_path):
    """1 mm is 0.1 cm; 0.3 degrees need one decimal; what a machine calls an axis is added where it says more."""
    cells = {}
    for name in ("iec61217", "varian_iec"):
        openigrt.accept(name, out=tmp_path / name)
        page = (tmp_path / name / "acceptance.html").read_text(encoding="utf-8")
        found = re.findall(r"<tr><td>([^<]*)</td><td>([^<]*)</td><td>([^<]*)</td>", page)
        cells[name] = {(axis, iec): shown for axis, iec, shown in found}
    plain, varian = cells["iec61217"], cells["varian_iec"]
    assert plain["Gantry", "-2 deg"] == "358.0 deg"
    assert plain["Jaw X1", "+50 mm"] == plain["Leaf bank 1", "+50 mm"] == "50 mm"
    assert varian["Couch lateral (Lat)", "+50 mm"] == "5.0 cm"
    assert varian["Couch vertical (Vrt)", "+50 mm"] == "the file must say"
    assert not {axis for axis, _ in (*plain, *varian) if axis[0].islower() or "_" in axis}


def test_every_axis_has_a_name():
    assert set(AXIS_NAMES) == {*map(str, CouchAxis), *map(str, ApertureAxis), *builtin_machine("iec61217").scales}


def test_what_the_readings_say_is_told_on_the_page_by_the_same_names(room, tmp_path):
    place = tmp_path / "acceptance"
    run("accept", room, "--out", place)
    run("accept", room, "--readings", place / "readings.toml", "--out", place)
    page = (place / "acceptance.html").read_text(encoding="utf-8")
    assert "<li><b>incomplete</b> Gantry: 0 reading(s)" in page
    assert "<b>incomplete</b> gantry" not in page
    assert len(list((place / "former").iterdir())) == 1


@pytest.mark.parametrize("limit", [0, 3000, 9000])
def test_where_there_is_no_room_no_page_is_left(tmp_path, limit):
    """A limit on the size of files stands for a full disk: the write fails half way, as it does there."""
    place = tmp_path / "acceptance"
    program = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    program += "import sys; from openigrt.cli import main; sys.argv[0] = 'openigrt'; main()"
    words = [sys.executable, "-B", "-c", program, "accept", "iec61217", "--out", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert f"Cannot write to {place}: " in done.stderr.replace("\n", " ")
    assert "choose another folder with --out" in " ".join(done.stderr.split())
    assert [path.name for path in place.iterdir()] == []
