"""The client of `worker.py`: starts an engine's process and sends it cases."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"


@dataclass(frozen=True)
class Reply:
    """An engine's answer: plan_from_daily (4, 4) or the problem it had; seconds and MB of its process."""

    plan_from_daily: NDArray[np.float64] | None
    problem: str = ""
    wall_s: float = float("nan")
    cpu_s: float = float("nan")
    peak_mb: float = float("nan")
    details: dict[str, Any] = field(default_factory=dict)


class Engine:
    """A running engine; a context manager that ends its process."""

    def __init__(self, name: str, module: str, python: str = sys.executable) -> None:
        """Start `python -m module name` in the repository's root."""
        self.name = name
        self.from_start_s: float | None = None
        self._started = time.perf_counter()
        command = [python, "-m", module, name]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def match(self, file: Path, moved: NDArray[np.float64], start: NDArray[np.float64], **request: Any) -> Reply:
        """Match the case in `file`, its daily image carried by `moved` (4, 4), from `start` (4, 4)."""
        request |= {"file": str(file), "moved": moved.tolist(), "start": start.tolist()}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with {self._process.wait()}; run its module by hand to see why.")
        reply = json.loads(line)
        if self.from_start_s is None:
            self.from_start_s = time.perf_counter() - self._started
        matrix = np.array(reply.pop("plan_from_daily")) if "plan_from_daily" in reply else None
        return Reply(matrix, **reply)

    def __enter__(self) -> "Engine":
        """The engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its input, at which it ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


def peers_python() -> str:
    """Python of the peers' environment, `OPENIGRT_PEERS_PYTHON` or one made here from their lock (a minute)."""
    if given := os.environ.get("OPENIGRT_PEERS_PYTHON"):
        return given
    python = PEERS / ".venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS / ".venv")], check=True)
        lock = str(PEERS / "requirements.lock")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock], check=True)
    return str(python)
