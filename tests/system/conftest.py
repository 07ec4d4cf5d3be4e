"""One patient and one match, shared by all tests of the whole."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import openigrt
from openigrt.tasks import Guidance
from openigrt.tasks.guidance import guiding
from tests.system.phantom import write_case


@dataclass(frozen=True)
class Guided:
    """A whole run: its answer, and the folder that it wrote."""

    guidance: Guidance
    folder: Path


@pytest.fixture(scope="session")
def patient_folder(tmp_path_factory):
    """A folder with plan/ and today/; not to be written to."""
    return write_case(tmp_path_factory.mktemp("patient"))


@pytest.fixture(scope="session")
def guided(patient_folder, tmp_path_factory):
    """The one real match, by the Python call."""
    folder = tmp_path_factory.mktemp("out") / "new" / "folder"
    guidance = openigrt.guide(patient_folder / "plan", patient_folder / "today", out=folder)
    return Guided(guidance, folder)


@pytest.fixture
def case(patient_folder, tmp_path):
    """A copy of the patient's folders that a test may spoil."""
    for name in ("plan", "today"):
        shutil.copytree(patient_folder / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def known_match(guided, monkeypatch):
    """The matches of the shared run in place of new ones; the list that comes back collects what was asked."""
    asked = []

    def answer(question, regions):
        asked.append((question, regions))
        return guided.guidance.matches

    monkeypatch.setattr(guiding, "match_rigid", answer)
    return asked
