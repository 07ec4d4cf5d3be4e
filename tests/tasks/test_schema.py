"""The schema of correction.json: valid itself, strict, and told key by key in the documentation."""

import re
from pathlib import Path

import jsonschema
import pytest

import openigrt
from openigrt.geometry import ImageAxes, PatientPosition, Pivot
from openigrt.guidance import Protocol
from openigrt.images import Modality
from openigrt.patient import Action, Verdict
from tests.tasks.schema_keys import described_keys

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "correction.md"
ISSUE_KEYS = (
    "plan image matches match.region match.plan_from_daily match.translation_mm match.rotation_deg setup_error "
    "trust.verdict trust.predicted_error_mm trust.reasons surrogate.verdict surrogate.differences_mm correction.couch "
    "correction.couch.lateral_mm correction.couch.longitudinal_mm correction.couch.vertical_mm "
    "correction.couch.yaw_deg correction.couch.pitch_deg correction.couch.roll_deg correction.about residual "
    "decision.action timing_s manifest"
).split()


@pytest.fixture(scope="module")
def schema():
    return openigrt.correction_schema()


def rows():
    """Key and meaning of each row of the table of the page."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return dict(match.groups() for line in lines if (match := re.match(r"\| `([a-z_.0-9]+)` \| (.+?) *\|$", line)))


def objects(node):
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for part in node.values():
            yield from objects(part)


def test_the_schema_is_one(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


def test_every_key_is_required_and_no_other_is_allowed(schema):
    for node in objects(schema):
        assert node["additionalProperties"] is False
        assert set(node["required"]) == set(node["properties"])


def test_the_page_says_what_the_schema_says(schema):
    assert rows() == described_keys(schema)


def test_the_keys_that_programs_count_on_are_there(schema):
    assert set(ISSUE_KEYS) <= set(described_keys(schema))


def test_the_words_are_those_of_the_code(schema):
    properties, defined = schema["properties"], schema["$defs"]

    def words(*path):
        node = properties
        for name in path:
            node = node[name]["properties"] if "properties" in node[name] else node[name]
        return set(node["enum"])

    assert words("decision", "action") == set(Action)
    assert words("surrogate", "verdict") == set(Verdict) == set(defined["trust"]["properties"]["verdict"]["enum"])
    assert words("correction", "about") == set(Pivot)
    assert words("image", "axes") == set(ImageAxes)
    assert words("image", "modality") == set(Modality) - {Modality.US}  # guide takes no ultrasound
    assert words("plan", "patient_position") == set(PatientPosition)
    assert set(properties["protocol"]["properties"]) == {*Protocol.__slots__, "allowed_error_mm"}
