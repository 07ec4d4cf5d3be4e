"""A part of the fuzzing at every run: a few hundred hostile files for each reader, and all that ever failed."""

from itertools import islice
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.judging import Failure, judged
from tests.fuzz.rounds import hostile_rounds
from tests.fuzz.seeds import content_of
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.filterwarnings("ignore")

ROUNDS = 400
CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.hostile"))


@pytest.mark.parametrize("name", TARGETS)
def test_whole_files_are_read(tmp_path, name):
    for seed in TARGETS[name].seeds:
        TARGETS[name].beside(tmp_path)
        path = tmp_path / TARGETS[name].name
        path.write_bytes(content_of(seed()))
        assert judged(TARGETS[name].read, path) == ""


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_files_are_read_or_refused(tmp_path, name):
    rounds = hostile_rounds(TARGETS[name], Random(20240229), tmp_path)
    failures = [(outcome, content) for content, outcome in islice(rounds, ROUNDS) if isinstance(outcome, Failure)]
    assert not failures


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_once_failed_is_read_or_refused(tmp_path, path):
    target = TARGETS[path.stem.rpartition("-")[0]]
    target.beside(tmp_path)
    hostile = tmp_path / target.name
    hostile.write_bytes(path.read_bytes())
    assert not isinstance(judged(target.read, hostile), Failure)
