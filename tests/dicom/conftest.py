"""Clinical test vectors by their id."""

import json
from pathlib import Path

import pytest

VECTOR_FILE = Path(__file__).resolve().parents[1] / "vectors" / "test_vectors.json"


@pytest.fixture(scope="session")
def vectors():
    """Every clinical vector by id: a dict with `input`, `expected` and `abs_tol`."""
    return {vector["id"]: vector for vector in json.loads(VECTOR_FILE.read_text(encoding="utf-8"))}
