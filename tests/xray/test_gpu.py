"""The GPU's kernels beside the CPU's, on numba's simulator in a process of its own; no card, no silence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba import cuda

from openigrt.arrays import Engine
from openigrt.errors import MissingInput
from openigrt.xray import Fdk, FdkSettings, Projector
from tests.xray.phantoms import room_grid, scan

ROOT = Path(__file__).resolve().parents[2]


def test_kernels_on_the_simulator():
    """The CPU's numbers but for the rounding of float32: forward, transpose, FDK and iterative methods.

    CPU and GPU differ by the CPU's ladder of depths alone, which is made fine here.
    """
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-m", "tests.xray.gpu_cases"]
    finished = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert finished.returncode == 0, finished.stderr[-2000:]
    cases = json.loads(finished.stdout)
    assert len(cases) == 18
    for case in cases:
        assert case["apart"] < case["tolerance"], case["name"]


@pytest.mark.skipif(cuda.is_available(), reason="a GPU is there")
def test_a_gpu_that_is_not_there_is_said_and_nothing_else_computes():
    grid, trajectory = room_grid(), scan([0.0, 90.0, 180.0, 270.0])
    with pytest.raises(MissingInput, match="No GPU"):
        Projector(grid, trajectory, Engine.GPU)
    with pytest.raises(MissingInput, match="extra `gpu`"):
        Fdk(grid, trajectory, FdkSettings(engine=Engine.GPU))
