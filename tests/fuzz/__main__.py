"""Feed readers hostile files: `python -m tests.fuzz --seconds 3600 plan dose`; what fails is kept in a folder."""

import argparse
import hashlib
import re
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from random import Random

from tests.fuzz.judging import Failure
from tests.fuzz.rounds import hostile_rounds
from tests.fuzz.targets import TARGETS

SECONDS_BETWEEN_WORDS = 60.0
CHARACTERS = 70
MOST_MEMORY = 6 * 2**30


def main() -> int:
    """Run, and say what was found; the exit code is 1 where anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="readers; all where none is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU time of each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz-failures"))
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    return int(sum(_fuzzed(name, chosen) for name in chosen.targets or TARGETS) > 0)


def _fuzzed(name: str, chosen: argparse.Namespace) -> bool:
    """Whether a reader failed within its time."""
    outcomes: Counter[str] = Counter()
    begun = said = time.process_time()
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as folder:
        for content, outcome in hostile_rounds(TARGETS[name], Random(f"{name} {chosen.seed}"), Path(folder)):
            now = time.process_time()
            outcomes[_named(outcome)] += 1
            if isinstance(outcome, Failure) and outcomes[_named(outcome)] == 1:
                _keep(chosen.out, name, content, outcome)
            if now - said > SECONDS_BETWEEN_WORDS or now - begun > chosen.seconds:
                said = now
                print(f"{name}: {now - begun:.0f} s, {sum(outcomes.values())} files, {dict(outcomes)}", flush=True)  # noqa: T201
            if now - begun > chosen.seconds:
                break
    return bool(outcomes.keys() - {"read", "refused"})


def _named(outcome: Failure | str) -> str:
    """What outcomes are counted by: failures by their kind and the start of what was said, numbers aside."""
    if isinstance(outcome, Failure):
        return f"{outcome.kind}: {re.sub('[0-9]+', '#', outcome.detail)[:CHARACTERS]}"
    return "refused" if outcome else "read"


def _quick_folder() -> str | None:
    """A folder in memory where the system has one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _keep(out: Path, name: str, content: bytes, failure: Failure) -> None:
    """The file that failed, named by reader and content."""
    out.mkdir(parents=True, exist_ok=True)
    stem = f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    (out / f"{stem}.hostile").write_bytes(content)
    (out / f"{stem}.txt").write_text(f"{failure.kind}: {failure.detail}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
