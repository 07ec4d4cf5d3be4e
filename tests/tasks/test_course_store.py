"""Results of single images on disk: whole, the same when read back, and not trusted."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from openigrt.errors import InputError
from openigrt.guidance import Agreement, ImageReview, OtherView, SetupError
from openigrt.report import FusedPlane, SideBySide
from openigrt.tasks.review.course import ImageResult
from openigrt.tasks.review.course_store import keep, kept
from tests.guidance.test_course_order import found

KEY = "ab" * 32
LETTERS = {"left": "R", "right": "L", "top": "A", "bottom": "P"}
MADE_AT = datetime(2025, 2, 3, 10, 0, 0, 123456, tzinfo=UTC)
ERROR = SetupError(0.1, 1.0 / 3.0, -2e-9, 0.0, 5.0, 1e-17)
OTHER = OtherView(
    "1.2", "fïnal", "V", MADE_AT, True, "", Agreement.DIFFERS, ERROR, (1.0, 2.0, 3.0), 4.0, 0.5, 900.0, {}
)
PLANE = FusedPlane("axial", "z = 1.0 mm", 100.0, 90.0, LETTERS, (50.0, 45.0), "M0 0Z", ("data:a", "data:b"))
RESULT = ImageResult(
    ImageReview("1.3", "1.4", "1.5", "CBCT", "CBCT", MADE_AT, found=found(1.0 / 7.0), others=(OTHER,), key=KEY),
    SideBySide((PLANE,), "bone window"),
)


def test_what_is_kept_is_what_was_found(tmp_path):
    keep(tmp_path / "new" / "images", RESULT)
    assert kept(tmp_path / "new" / "images", KEY) == RESULT


def test_infinities_and_absent_parts_come_back(tmp_path):
    bare = ImageResult(
        replace(RESULT.review, acquired_at=None, others=(), found=replace(found(), predicted_error_mm=float("inf")))
    )
    keep(tmp_path, bare)
    assert kept(tmp_path, KEY) == bare


def test_nothing_is_left_but_the_file(tmp_path):
    keep(tmp_path, RESULT)
    keep(tmp_path, RESULT)
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY}.json"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"7", b'{"sha256": "", "result": null}', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "open", "list", "null", "number", "hollow", "bytes", "deep"],
)
def test_what_is_no_result_is_as_if_it_were_not_there(tmp_path, content):
    (tmp_path / f"{KEY}.json").write_bytes(content)
    assert kept(tmp_path, KEY) is None


def test_a_result_under_another_name_is_none(tmp_path):
    keep(tmp_path, RESULT)
    (tmp_path / f"{KEY}.json").rename(tmp_path / f"{'cd' * 32}.json")
    assert kept(tmp_path, "cd" * 32) is None


@pytest.mark.parametrize(("word", "value"), [("score", 0.99), ("verdict", "perfect"), ("setup_error", {})])
def test_a_result_that_was_changed_is_none(tmp_path, word, value):
    keep(tmp_path, RESULT)
    content = json.loads((tmp_path / f"{KEY}.json").read_text())
    content["result"]["review"]["found"][word] = value
    (tmp_path / f"{KEY}.json").write_text(json.dumps(content))
    assert kept(tmp_path, KEY) is None


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another folder with --out"):
        keep(tmp_path / "file" / "images", RESULT)
