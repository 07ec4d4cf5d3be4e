"""Hostile files, one after the other, and what a reader did with each."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.fuzz.judging import Failure, judged
from tests.fuzz.seeds import content_of
from tests.fuzz.targets import Target


def hostile_rounds(target: Target, random: Random, folder: Path) -> Iterator[tuple[bytes, Failure | str]]:
    """Without end: a mutated file, and what came of it. `folder` is empty at first and holds the file meanwhile."""
    seeds = [content_of(seed()) for seed in target.seeds]
    target.beside(folder)
    path = folder / target.name
    while True:
        content = target.mutate(random.choice(seeds), random)
        path.write_bytes(content)
        yield content, judged(target.read, path)
