"""How many threads the kernels get while tests run side by side."""

import os

import numba
import pytest


@pytest.fixture(autouse=True, scope="session")
def fair_share_of_threads():
    """Workers of pytest-xdist share the cores: two that each take all of them wait for each other."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    before = numba.get_num_threads()
    numba.set_num_threads(max(before // workers, 1))
    yield
    numba.set_num_threads(before)
