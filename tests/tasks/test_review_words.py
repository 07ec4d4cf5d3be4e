"""review.csv and review.json: safe, complete, and told key by key in the documentation."""

import csv
import re
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

import openigrt
from openigrt.guidance import Agreement, Protocol, Role, course_images
from openigrt.patient import Action, Verdict
from openigrt.tasks.review.table import COLUMNS, review_table
from tests.guidance.test_course_order import image
from tests.tasks.schema_keys import described_keys
from tests.tasks.test_course_store import OTHER
from tests.tasks.test_schema import objects

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "review.md"


@pytest.fixture(scope="module")
def schema():
    return openigrt.review_schema()


def rows(heading):
    """Key and meaning of each row of the table under a heading of the page."""
    part = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(
        match.groups() for line in part.splitlines() if (match := re.match(r"\| `([a-z_.0-9]+)` \| (.+?) *\|$", line))
    )


def table(*reviews):
    """The table of a course of these images, read back."""
    review = SimpleNamespace(images=course_images(reviews, 3.0))
    return list(csv.DictReader(StringIO(review_table(review))))


def test_the_schema_is_one_and_strict(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    for node in objects(schema):
        assert node["additionalProperties"] is False
        assert set(node["required"]) == set(node["properties"])


def test_the_page_says_what_the_schema_says(schema):
    assert rows("review.json") == described_keys(schema)


def test_the_page_lists_every_column():
    assert list(rows("review.csv")) == list(COLUMNS)


def test_the_words_are_those_of_the_code(schema):
    entry = schema["properties"]["images"]["items"]["properties"]
    assert set(entry["role"]["enum"]) == set(Role)
    assert set(entry["registrations"]["items"]["properties"]["agreement"]["enum"]) == {*Agreement, None}
    found = entry["found"]["properties"]
    assert set(found["verdict"]["enum"]) == set(found["surrogate"]["enum"]) == set(Verdict)
    assert set(found["action"]["enum"]) == set(Action)
    assert set(schema["properties"]["protocol"]["properties"]) == {*Protocol.__slots__, "allowed_error_mm"}


def test_a_row_has_numbers_or_nothing():
    (row,) = table(image("1.2", 0.0, 1.0 / 3.0, others=(OTHER,)))
    assert (row["lateral_mm"], row["pitch_deg"], row["other_longitudinal_mm"]) == ("0.333", "0.000", "0.333")
    assert (row["verifies_image"], row["grew"], row["why"][:16]) == ("", "", "The registration")


def test_an_image_without_a_match_has_its_reason_and_no_number():
    (row,) = table(image("1.2", None, found=None, problem="It is truncated."))
    assert row["why"] == "It is truncated."
    assert row["session"] == row["acquired_at"] == row["lateral_mm"] == row["verdict"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)"])
def test_no_text_of_a_file_becomes_a_formula(text):
    (row,) = table(image("1.2", 0.0, description=text))
    assert not row["description"].startswith(("=", "+", "-", "@", "\t"))
    assert text.strip().lstrip("=") in row["description"]


def test_a_text_with_lines_and_commas_stays_in_its_cell():
    (row,) = table(image("1.2", 0.0, description='a,"b"\nc'))
    assert row["description"] == 'a,"b" c'
