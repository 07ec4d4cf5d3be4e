"""What all tests share: the real data, and how hypothesis behaves."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the unpacked real data sets; skips the test by name where OPENIGRT_DATA is not set."""
    named = os.environ.get("OPENIGRT_DATA", "")
    if not named:
        pytest.skip("real data: OPENIGRT_DATA is not set (CONTRIBUTING.md, 'Real data')")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"OPENIGRT_DATA names {folder}, which is no folder.")
    return folder


@pytest.fixture(scope="session")
def rtk_python():
    """The Python that has itk-rtk, a peer in an environment of its own (benchmarks/peers)."""
    python = os.environ.get("OPENIGRT_PEERS_PYTHON")
    if not python:
        pytest.skip("itk-rtk: OPENIGRT_PEERS_PYTHON names no Python that has it")
    if subprocess.run([python, "-c", "from itk import RTK"], capture_output=True, check=False).returncode:
        pytest.skip("itk-rtk: the Python that OPENIGRT_PEERS_PYTHON names does not have it")
    return python
