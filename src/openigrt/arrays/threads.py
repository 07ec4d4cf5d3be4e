"""How many threads compute."""

import os


def thread_count() -> int:
    """Threads that parallel kernels use: NUMBA_NUM_THREADS if set, else the cores that this process may run on."""
    wanted = os.environ.get("NUMBA_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(count: int) -> None:
    """Let parallel kernels of this process use at most so many threads, where several processes share the cores."""
    import numba  # noqa: PLC0415  (a quarter of a second that only processes that compute should pay)

    numba.set_num_threads(max(1, min(count, thread_count())))
