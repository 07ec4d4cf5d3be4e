"""The rigid benchmark: works (sets of trials) for the engines that are there, and one row for each work and engine."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.anatomy import Anatomy, head
from benchmarks.engine import Engine, Reply, peers_python
from benchmarks.pelvis import Pelvis
from benchmarks.real import pancreas, sarcoma, thorax
from benchmarks.simulated import Motion, case_file
from benchmarks.trial import Trial, difference

OURS = "openigrt"
OUR_MODULE = "benchmarks.engines.openigrt_rigid"
FOUND_MM = 2.0
REFINEMENT = "openigrt-refinement"
PEERS = {
    REFINEMENT: "benchmarks.engines.openigrt_rigid",
    "elastix-ncc-3": "benchmarks.peers.elastix",
    "elastix-ncc-4": "benchmarks.peers.elastix",
    "elastix-mi-4": "benchmarks.peers.elastix",
    "elastix-local": "benchmarks.peers.elastix",
    "simpleitk-mi-1mm": "benchmarks.peers.simpleitk",
    "simpleitk-mi-2mm": "benchmarks.peers.simpleitk",
}
REAL_PEERS = [name for name in PEERS if name != REFINEMENT]
SIMULATED_PEERS = [name for name in PEERS if name != "elastix-local"]
MULTIMODAL_PEERS = ["elastix-mi-4", "simpleitk-mi-1mm"]


@dataclass(frozen=True)
class Work:
    """A named set of trials, made when they are first asked for.

    Where consistency is judged, the first of each group is the unmoved one that it is judged against.
    """

    name: str
    make: Callable[[], list[list[Trial]]]
    engines: list[str]

    @cached_property
    def groups(self) -> list[list[Trial]]:
        """The trials."""
        return self.make()


def works(data: Path, cache: Path, count: int) -> Iterator[Work]:
    """All works, with `count` trials of the simulated and hard ones and a quarter of it for each of the others."""
    for anatomy in (head(data), Pelvis()):
        for motion in Motion:
            make = partial(_simulated, anatomy, motion, cache, count)
            yield Work(f"{anatomy.name} {motion}", make, SIMULATED_PEERS)
    few = max(1, count // 4)
    yield Work("pancreas bone", lambda: [pancreas(data, cache, count)], REAL_PEERS)
    yield Work("sarcoma MR", lambda: sarcoma(data, cache, "MR_T1", few), MULTIMODAL_PEERS)
    yield Work("sarcoma PET", lambda: sarcoma(data, cache, "PET", few), MULTIMODAL_PEERS)
    yield Work("thorax 4dct", lambda: [thorax(data, cache, few)], ["elastix-ncc-4", "elastix-local"])


def _simulated(anatomy: Anatomy, motion: Motion, cache: Path, count: int) -> list[list[Trial]]:
    """Trials of fresh seeds from an alignment of the isocenters."""
    return [[_simulated_trial(case_file(anatomy, seed, motion, cache)) for seed in range(count)]]


def _simulated_trial(file: Path) -> Trial:
    """The trial of a rendered case."""
    with np.load(file) as kept:
        truth, isocenter, points = (kept[key] for key in ("plan_from_daily", "isocenter_mm", "target_points_mm"))
    start = np.eye(4)
    start[:3, 3] = isocenter
    return Trial(file, np.eye(4), start, isocenter, points, truth, {"modality": "CBCT", "region": "bone"})


def run(work: Work, wanted: str) -> list[dict[str, Any]]:
    """Every engine on every trial of the work, in turn, so that a busy machine hits all alike; one row for each.

    Only engines whose name holds `wanted` run.
    """
    modules = {OURS: (OUR_MODULE, sys.executable)} | {name: (PEERS[name], _python_of(name)) for name in work.engines}
    modules = {name: module for name, module in modules.items() if wanted in name}
    with ExitStack() as running:
        engines = [_warm(running.enter_context(Engine(name, *modules[name])), work.groups[0][0]) for name in modules]
        replies: dict[str, list[Reply]] = {engine.name: [] for engine in engines}
        for group in work.groups:
            for trial in group:
                for engine in engines:
                    replies[engine.name].append(_asked(engine, trial))
        starts = {engine.name: engine.from_start_s for engine in engines}
    rows = [_row(work, name, answers) | {"from_start_s": starts[name]} for name, answers in replies.items()]
    ours_s = next((row["wall_s"] for row in rows if row["engine"] == OURS), None)
    return [row | {"ratio": None if ours_s is None else row["wall_s"] / ours_s} for row in rows]


def _python_of(name: str) -> str:
    """The interpreter of an engine: this one for ours."""
    return sys.executable if name.startswith(OURS) else peers_python()


def _warm(engine: Engine, first: Trial) -> Engine:
    """The engine after its first answer, the one that compiles, imports and is not counted."""
    _asked(engine, first)
    return engine


def _asked(engine: Engine, trial: Trial) -> Reply:
    """The engine's answer to a trial."""
    more = {"isocenter_mm": trial.isocenter_mm.tolist(), "options": trial.options}
    return engine.match(trial.file, trial.moved, trial.start, **more)


def _row(work: Work, engine: str, replies: list[Reply]) -> dict[str, Any]:
    """Medians over the trials; a trial that an engine raised on counts as lost, at an infinite error."""
    trials = [trial for group in work.groups for trial in group]
    row: dict[str, Any] = {"work": work.name, "engine": engine, "trials": len(trials)}
    row |= {key: float(np.nanmedian([getattr(r, key) for r in replies])) for key in ("wall_s", "cpu_s", "peak_mb")}
    row |= _accuracy(trials, replies) if trials[0].plan_from_daily is not None else {"error": None}
    if work.name.startswith(("pancreas", "sarcoma", "thorax")):
        row |= _consistency(work, replies)
        row["error"] = row["error"] if row["error"] is not None else row["inconsistency_mm"]
    row["problems"] = sorted({r.problem for r in replies if r.problem})
    row["details"] = _detail_medians(replies)
    return row


def _accuracy(trials: list[Trial], replies: list[Reply]) -> dict[str, Any]:
    """Target registration error: mean over the points of a trial, then median and 95th percentile over trials, mm."""
    per_trial = [
        np.array([np.inf]) if r.plan_from_daily is None else t.errors_mm(r.plan_from_daily)
        for t, r in zip(trials, replies, strict=True)
    ]
    means, worst = [float(e.mean()) for e in per_trial], [float(e.max()) for e in per_trial]
    return {
        "error": float(np.median(means)),
        "error_p95": float(np.percentile(means, 95, method="higher")),
        "error_max": max(worst),
        "found": sum(w <= FOUND_MM for w in worst),
    }


def _consistency(work: Work, replies: list[Reply]) -> dict[str, Any]:
    """Difference from the match of the unmoved image (mm at the isocenter, degrees), and its distance to identity."""
    answers, apart, home = iter(replies), [], []
    for group in work.groups:
        found = [next(answers).plan_from_daily for _ in group]
        first, *others = [None if f is None else t.unmoved(f) for t, f in zip(group, found, strict=True)]
        center = group[0].isocenter_mm
        lost = (np.inf, np.inf)
        apart += [lost if f is None or first is None else difference(f, first, center) for f in others]
        home.append(lost if first is None else difference(first, np.eye(4), center))
    mm, deg = np.array(apart).T
    keys = {"inconsistency_mm": np.median(mm), "inconsistency_max_mm": mm.max(), "inconsistency_max_deg": deg.max()}
    return {key: float(value) for key, value in keys.items()} | {"identity_mm": [round(h[0], 2) for h in home]}


def _detail_medians(replies: list[Reply]) -> dict[str, Any]:
    """Medians of the numbers and counts of the words that an engine adds to its answers."""
    medians: dict[str, Any] = {}
    for key in {key for r in replies for key in r.details}:
        values = [r.details[key] for r in replies if key in r.details]
        if all(isinstance(v, (int, float)) for v in values):
            medians[key] = float(np.median(values))
        else:
            medians[key] = {str(v): values.count(v) for v in values}
    return medians
