"""No clinical vector of section C goes untested: each id stands in the VECTORS of a test module, and is used there."""

import ast
import json
from pathlib import Path

TESTS = Path(__file__).resolve().parent
CLAIMING_FOLDERS = ("geometry", "machine", "dicom")


def claims(module):
    """The ids in the tuple VECTORS at the top of a test module."""
    for statement in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == ["VECTORS"]:
            return ast.literal_eval(statement.value)
    return ()


def modules():
    return [module for folder in CLAIMING_FOLDERS for module in sorted((TESTS / folder).glob("test_*.py"))]


def known_ids():
    vectors = json.loads((TESTS / "vectors" / "test_vectors.json").read_text(encoding="utf-8"))
    return {vector["id"] for vector in vectors if vector["id"].startswith("C-")}


def test_every_vector_of_section_c_is_claimed():
    claimed = {vector_id for module in modules() for vector_id in claims(module)}
    assert sorted(known_ids() - claimed) == []


def test_claims_name_vectors_that_exist_and_are_used():
    for module in modules():
        text = module.read_text(encoding="utf-8")
        for vector_id in claims(module):
            assert vector_id in known_ids(), f"{module.name} claims {vector_id}, which is no vector"
            used = text.count(f'"{vector_id}"') >= 2 or text.count("VECTORS") >= 2
            assert used, f"{module.name} claims {vector_id} and does not use it"
