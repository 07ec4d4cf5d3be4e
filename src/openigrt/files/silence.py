"""Silence for libraries that write to the standard error of the process, past Python, before they fail."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

STANDARD_ERROR = 2
_one_at_a_time = Lock()


@contextmanager
def silent_standard_error() -> Iterator[None]:
    """Let nothing reach the standard error of the process: what a reader has to say, its exception says."""
    with _one_at_a_time, Path(os.devnull).open("wb") as nowhere:
        kept = os.dup(STANDARD_ERROR)
        os.dup2(nowhere.fileno(), STANDARD_ERROR)
        try:
            yield
        finally:
            os.dup2(kept, STANDARD_ERROR)
            os.close(kept)
