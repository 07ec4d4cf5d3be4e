"""How many threads compute."""

import os


def thread_count() -> int:
    """Threads that parallel kernels use: NUMBA_NUM_THREADS if set, else the cores that this process may run on."""
    wanted = os.environ.get("NUMBA_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
