"""The images of a course matched one by one or by several processes; the results are the same, whatever the number."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from openigrt.arrays import limit_threads, thread_count
from openigrt.errors import InputError, OpenIgrtError
from openigrt.tasks.review.course import ImageResult
from openigrt.tasks.review.course_image import CourseSide, CourseWords, ImageTask, course_side, review_image

MOST_PROCESSES = 8

Matcher = Callable[[Sequence[ImageTask], Path | None], Iterator[tuple[int, ImageResult]]]


def process_count(asked: int | None) -> int:
    """How many processes: as asked, else one for each core, at most eight; each holds plan and image in memory.

    Raises InputError for less than one.
    """
    if asked is not None and asked < 1:
        raise InputError(f"jobs is {asked}; expected a number of processes, 1 or more.", found=asked)
    return asked or min(thread_count(), MOST_PROCESSES)


@contextmanager
def matcher(words: CourseWords, side: CourseSide, processes: int) -> Iterator[Matcher]:
    """A function that reviews images, and yields the place of each with its result as it is done.

    With several processes each reads the plan for itself, beginning now.
    """
    if processes == 1:
        yield lambda tasks, store: ((n, review_image(side, task, store)) for n, task in enumerate(tasks))
        return
    threads = max(1, thread_count() // processes)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _begin, (threads,))
    try:
        for _ in range(processes):
            pool.submit(_warm, words)
        yield lambda tasks, store: _all_done([pool.submit(_review, words, task, store) for task in tasks])
    except BrokenProcessPool:
        raise OpenIgrtError(
            "A process that matched images ended without a word; there may not be enough memory for so many, or the "
            "script that called lacks `if __name__ == '__main__':`. Results so far are kept: call again with --jobs 1."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _all_done(futures: Sequence[Future[ImageResult]]) -> Iterator[tuple[int, ImageResult]]:
    """Each result with its place, as it comes."""
    places = {future: n for n, future in enumerate(futures)}
    for future in as_completed(futures):
        yield places[future], future.result()


def _begin(threads: int) -> None:
    """Set up a process: its share of the threads, no say in Ctrl-C, and an end when the one that began it ends."""
    limit_threads(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the process that began this one, and leave at once: nothing waits for results any more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@lru_cache(maxsize=1)
def _side(words: CourseWords) -> CourseSide:
    """The planning side, read once in each process."""
    return course_side(words)


def _warm(words: CourseWords) -> None:
    """Make what every match needs while the caller still looks for images."""
    plan = _side(words).plan
    _ = plan.regions, plan.source, plan.organs, plan.share_on_outline


def _review(words: CourseWords, task: ImageTask, store: Path | None) -> ImageResult:
    """One image, in a process of its own."""
    return review_image(_side(words), task, store)
