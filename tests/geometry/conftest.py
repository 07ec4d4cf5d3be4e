"""Clinical test vectors by their id, and strategies that several modules draw from."""

import json
from pathlib import Path

import pytest

VECTOR_FILE = Path(__file__).resolve().parents[1] / "vectors" / "test_vectors.json"


@pytest.fixture(scope="session")
def vectors():
    """Every clinical vector by id: a dict with `input`, `expected` and `abs_tol`."""
    return {vector["id"]: vector for vector in json.loads(VECTOR_FILE.read_text(encoding="utf-8"))}


@pytest.fixture
def agrees(vectors):
    """Asserts that numbers equal a vector's expected ones within the vector's own tolerance."""

    def check(vector_id, found, expected):
        assert found == pytest.approx(expected, rel=0.0, abs=vectors[vector_id]["abs_tol"]), vector_id

    return check
