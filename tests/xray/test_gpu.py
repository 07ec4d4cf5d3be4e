"""The GPU's kernels beside the CPU's, on numba's simulator in a process of its own; no card, no silence."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from numba import cuda

from benchmarks import cone_beam
from openigrt.arrays import Engine
from openigrt.errors import MissingInput
from openigrt.xray import Fdk, FdkSettings, Projector
from tests.xray.phantoms import room_grid, scan

ROOT = Path(__file__).resolve().parents[2]


def printed(module, **variables):
    """What a module prints as JSON in a process of its own."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"} | variables
    command = [sys.executable, "-m", module]
    finished = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert finished.returncode == 0, finished.stdout + finished.stderr[-2000:]
    return json.loads(finished.stdout)


def test_kernels_on_the_simulator():
    """The CPU's numbers but for the rounding of float32: forward, transpose, FDK and iterative methods.

    CPU and GPU differ by the CPU's ladder of depths alone, which is made fine here.
    """
    apart = printed("tests.xray.gpu_cases", NUMBA_ENABLE_CUDASIM="1")
    assert len(apart) == 18
    assert max(apart.values()) < 1e-5
    assert max(value for name, value in apart.items() if name.endswith(("transpose", "dot product"))) < 1e-7


@pytest.mark.skipif(find_spec("numba_cuda") is None, reason="numba-cuda is not installed: extra `gpu`")
def test_kernels_compile_for_a_card():
    """Types, of which the simulator knows nothing; float32 in hot loops, and their sums in registers."""
    found = printed("tests.xray.gpu_compiling")
    assert not any(kernel["outside_registers"] for kernel in found.values())
    hot = ("filter_rows", "back_project", "project", "project_adjoint")
    assert not any(found[name]["double"] for name in hot)


@pytest.mark.skipif(cuda.is_available(), reason="a GPU is there")
def test_a_gpu_that_is_not_there_is_said_and_nothing_else_computes():
    grid, trajectory = room_grid(), scan([0.0, 90.0, 180.0, 270.0])
    with pytest.raises(MissingInput, match="No GPU"):
        Projector(grid, trajectory, Engine.GPU)
    with pytest.raises(MissingInput, match="extra `gpu`"):
        Fdk(grid, trajectory, FdkSettings(engine=Engine.GPU))


@pytest.mark.skipif(cuda.is_available(), reason="a GPU is there")
def test_the_benchmark_says_in_one_sentence_that_no_gpu_is_there(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cone_beam", "--engine", "gpu", "--coarser", "64"])
    assert cone_beam.main() == 1
    assert capsys.readouterr().err.count(".") == 1
