"""The results of an earlier run are moved aside: never mistaken, never lost."""

import os

import pytest

from openigrt.errors import InputError
from openigrt.tasks.results.former import former_results, set_aside

NAMES = "a.json", "b.dcm", "c.html"
WRITTEN_AT_S = 1_700_000_000
STAMP = "2023-11-14T22-13-20Z"


def write(folder, text, names=NAMES):
    for name in names:
        (folder / name).write_text(text)
        os.utime(folder / name, (WRITTEN_AT_S, WRITTEN_AT_S))


def tree(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_they_lie_in_a_folder_named_by_when_they_were_written(tmp_path):
    write(tmp_path, "first")
    (tmp_path / "mine.txt").write_text("mine")
    assert set_aside(tmp_path, NAMES, None) == tmp_path / "former" / STAMP
    assert tree(tmp_path) == {f"former/{STAMP}/{name}": "first" for name in NAMES} | {"mine.txt": "mine"}
    assert former_results(tmp_path, NAMES) == []


def test_two_of_one_second_are_both_kept(tmp_path):
    for text in ("first", "second", "third"):
        write(tmp_path, text)
        set_aside(tmp_path, NAMES, None)
    kept = {path.parent.name: path.read_text() for path in tmp_path.rglob("c.html")}
    assert kept == {STAMP: "first", f"{STAMP}-2": "second", f"{STAMP}-3": "third"}


def test_a_part_of_a_result_is_moved_as_well(tmp_path):
    """What a crash in the middle of writing has left."""
    write(tmp_path, "half", NAMES[:1])
    set_aside(tmp_path, NAMES, None)
    assert list(tree(tmp_path)) == [f"former/{STAMP}/a.json"]


def test_a_link_is_moved_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "elsewhere.html").write_text("mine")
    (tmp_path / "c.html").symlink_to(tmp_path / "elsewhere.html")
    (tmp_path / "b.dcm").symlink_to(tmp_path / "nowhere")
    set_aside(tmp_path, NAMES, None)
    assert former_results(tmp_path, NAMES) == []
    assert (tmp_path / "elsewhere.html").read_text() == "mine"


@pytest.mark.parametrize("folder", [".", "not there"])
def test_nothing_is_made_where_there_is_nothing(tmp_path, folder):
    assert set_aside(tmp_path / folder, NAMES, None) is None
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_moved_stays_and_is_said(tmp_path):
    write(tmp_path, "first")
    (tmp_path / "former").write_text("mine")
    with pytest.raises(InputError, match="might be taken for those of this one; choose another folder with --out"):
        set_aside(tmp_path, NAMES, None)
    assert tree(tmp_path) == dict.fromkeys(NAMES, "first") | {"former": "mine"}


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[1, 2]",
        '{"version": "0.1"}',
        '{"schema_version": "1", "version": "0.1"}',
        '{"schema_version": 1}',
        "[" * 100_000,
    ],
    ids=["empty", "list", "no schema", "text", "no version", "deep"],
)
def test_what_no_record_proves_ours_stays_where_it_is(tmp_path, record):
    write(tmp_path, "mine")
    (tmp_path / "a.json").write_text(record)
    before = tree(tmp_path)
    with pytest.raises(InputError, match=r"no a.json of OpenIGRT beside it proves"):
        set_aside(tmp_path, NAMES, "a.json")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "record", ['{"schema_version": 1, "version": "0.1"}', '{"schema_version": 2, "manifest": {"version": "0.1"}}']
)
def test_a_record_proves_the_others_ours(tmp_path, record):
    write(tmp_path, "ours")
    (tmp_path / "a.json").write_text(record)
    assert set_aside(tmp_path, NAMES, "a.json") is not None
    assert former_results(tmp_path, NAMES) == []
