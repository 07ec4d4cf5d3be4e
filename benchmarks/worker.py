"""One engine in a process of its own, answering JSON lines: needs numpy and what its engine imports, nothing else.

A request names a case file (`simulated.write_case`), where the daily image lies now, and the start. Only the engine is
timed, from the two images in memory to the transform: no file reading, no import, no building of the engine's images.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

PADDING_HU = -995.0
IMAGES = ("plan", "daily")


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels [k, j, i] and where they lie: LPS mm, columns of `direction` along i, j, k."""

    voxels: NDArray[Any]
    origin_mm: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]
    direction: NDArray[np.float64]

    def moved(self, matrix4: NDArray[np.float64]) -> "Volume":
        """The same voxels carried by a rigid matrix."""
        rotation, shift = matrix4[:3, :3], matrix4[:3, 3]
        return Volume(self.voxels, rotation @ self.origin_mm + shift, self.spacing_mm, rotation @ self.direction)


def seen_voxels(volume: Volume) -> NDArray[np.bool_]:
    """The slices and the columns of voxels [k, j, i] that hold more than padding somewhere; all of a CT, MR or PET."""
    content: NDArray[np.bool_] = volume.voxels > PADDING_HU
    columns, slices = np.asarray(content.any(axis=0)), np.asarray(content.any(axis=(1, 2)))
    return columns[None] & slices[:, None, None]


@dataclass(frozen=True, eq=False)
class Task:
    """What an engine is given: `start` is the first guess of plan_from_daily (4, 4); the isocenter is in plan LPS."""

    plan: Volume
    daily: Volume
    start: NDArray[np.float64]
    isocenter_mm: NDArray[np.float64]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Answer:
    """What an engine finds: plan_from_daily (4, 4), and what else it has to say."""

    plan_from_daily: NDArray[np.float64]
    details: dict[str, Any] = field(default_factory=dict)


Prepare: TypeAlias = Callable[[Task], Callable[[], Answer]]


@lru_cache(maxsize=1)
def _read(file: Path) -> tuple[Volume, Volume]:
    """Planning and daily volume of a case file."""
    with np.load(file) as kept:
        parts = [[kept[f"{name}_{part}"] for part in ("origin_mm", "spacing_mm", "direction")] for name in IMAGES]
        return Volume(kept["plan"], *parts[0]), Volume(kept["daily"], *parts[1])


def _answer(prepare: Prepare, request: dict[str, Any]) -> dict[str, Any]:
    """Run one request; the reply is JSON."""
    plan, daily = _read(Path(request["file"]))
    daily = daily.moved(np.array(request["moved"]))
    start, isocenter = np.array(request["start"]), np.array(request["isocenter_mm"])
    match = prepare(Task(plan, daily, start, isocenter, request.get("options", {})))
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    try:
        answer = match()
    except Exception as problem:  # noqa: BLE001 - a peer that raises has lost the case, the benchmark goes on
        return {"problem": f"{type(problem).__name__}: {problem}"[:500]}
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    found = {"plan_from_daily": answer.plan_from_daily.tolist(), "details": answer.details}
    return {**found, "wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """High-water mark of this process in MB; unlike ru_maxrss it does not begin with that of the parent (Linux)."""
    status = Path("/proc/self/status").read_text()
    return next(float(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024.0


def serve(engines: dict[str, Prepare]) -> None:
    """Answer requests on standard input until it closes; the engine is named on the command line."""
    prepare = engines[sys.argv[1]]
    replies = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        replies.write(json.dumps(_answer(prepare, json.loads(line))) + "\n")
        replies.flush()
