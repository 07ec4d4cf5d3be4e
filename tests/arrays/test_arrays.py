import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from openigrt.arrays import kernel_folder, limit_threads, thread_count
from tests.arrays._kernels_sample import count_without_data, doubled, ratio

PROBE = """
import json, sys
from openigrt.arrays import compiled, kernel_folder, kernels_are_cached
light = "numba" not in sys.modules
before = kernels_are_cached()
import numba
elsewhere = numba.config.CACHE_DIR
from tests.arrays._kernels_sample import ratio
ratio(1.0, 2.0)
print(json.dumps({
    "light": light, "before": before, "after": kernels_are_cached(), "folder": str(kernel_folder()),
    "hits": sum(ratio.stats.cache_hits.values()), "untouched": numba.config.CACHE_DIR == elsewhere,
}))
"""


def probe(**environment: str) -> dict[str, object]:
    kept = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA")}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=root, env=kept | environment, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def test_compiled_kernel_gives_the_result_of_the_python_function():
    values = np.arange(1000, dtype=np.float32)
    np.testing.assert_array_equal(doubled(values), 2.0 * values)


def test_nan_survives_fast_arithmetic():
    values = np.array([1.0, np.nan, 3.0, np.nan, np.inf], dtype=np.float32)
    assert count_without_data(values) == 2


def test_division_by_zero_is_ieee_and_does_not_raise():
    assert ratio(1.0, 0.0) == np.inf
    assert np.isnan(ratio(0.0, 0.0))


def test_first_run_compiles_into_the_users_cache_and_second_run_finds_it(tmp_path: Path):
    first, second = probe(XDG_CACHE_HOME=str(tmp_path)), probe(XDG_CACHE_HOME=str(tmp_path))
    assert first["light"], "openigrt.arrays must not import numba before a kernel asks for it"
    assert (first["before"], first["after"], second["before"]) == (False, True, True)
    assert (first["hits"], second["hits"]) == (0, 1)
    assert Path(str(first["folder"])).parent == tmp_path / "openigrt"
    assert first["folder"] == second["folder"]


def test_numba_cache_dir_of_the_user_is_respected_and_numbas_setting_left_alone(tmp_path: Path):
    found = probe(NUMBA_CACHE_DIR=str(tmp_path / "mine"))
    assert Path(str(found["folder"])).parent == tmp_path / "mine"
    assert found["untouched"]


def test_a_cache_folder_that_cannot_be_written_falls_back_to_another(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    found = probe(NUMBA_CACHE_DIR=str(blocked), XDG_CACHE_HOME=str(blocked), HOME=str(blocked), TMPDIR=str(tmp_path))
    assert Path(str(found["folder"])).is_relative_to(tmp_path)
    assert found["after"]


def test_kernels_of_another_source_are_removed_after_a_month(tmp_path: Path):
    old, fresh = (tmp_path / "openigrt" / f"kernels-{name}" for name in ("old", "fresh"))
    for folder in (old, fresh):
        folder.mkdir(parents=True)
    os.utime(old, (0.0, 0.0))
    probe(XDG_CACHE_HOME=str(tmp_path))
    assert not old.exists()
    assert fresh.exists()


def test_folder_name_follows_the_source():
    assert kernel_folder().name.startswith("kernels-")
    assert kernel_folder() == kernel_folder()


@pytest.mark.parametrize(("wanted", "expected"), [("3", 3), ("", None), ("zero", None)])
def test_thread_count(monkeypatch: pytest.MonkeyPatch, wanted: str, expected: int | None):
    monkeypatch.setenv("NUMBA_NUM_THREADS", wanted)
    assert thread_count() == (expected or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(("asked", "used"), [(1, 1), (0, 1), (10_000, None)])
def test_threads_are_limited_to_what_there_is(asked: int, used: int | None):
    import numba  # noqa: PLC0415  (only processes that compute pay for it)

    before = numba.get_num_threads()
    try:
        limit_threads(asked)
        assert numba.get_num_threads() == (used or thread_count())
    finally:
        numba.set_num_threads(before)
