"""How the command speaks: answers on standard output, everything else on standard error, and never a traceback."""

import io
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PROGRAM = "openigrt"


def called(*words: str | Path) -> str:
    """A command line that calls this program again as it was called now, quoted for a shell."""
    return shlex.join([*_program(), *map(str, words)])


def _program() -> tuple[str, ...]:
    """The name alone where the shell finds this very program by it; else its path, or the interpreter's."""
    run, found = Path(sys.argv[0]), shutil.which(PROGRAM)
    if found is not None and (run.name == run.as_posix() or run.resolve() == Path(found).resolve()):
        return (PROGRAM,)
    if run.name == "__main__.py" or not run.is_file():
        return sys.executable, "-m", PROGRAM
    return (str(run),)


def answer(text: str) -> None:
    """Write a result to standard output; who reads it may stop reading at any time."""
    _write(sys.stdout, text)


def tell(sentence: str) -> None:
    """Write one line about the work, or what went wrong, to standard error."""
    _write(sys.stderr, f"{PROGRAM}: {sentence}\n")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Who is to be told of each step: the same line again and again on a terminal, a line each elsewhere."""
    if not sys.stderr.isatty():
        yield tell
        return
    from rich.console import Console  # noqa: PLC0415  (a tenth of a second that --help should not cost)
    from rich.markup import escape  # noqa: PLC0415

    with Console(stderr=True, highlight=False).status("starting") as status:
        yield lambda words: status.update(escape(words))


def speak_any_alphabet() -> None:
    """Let a terminal that lacks a character show a question mark instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _write(stream: TextIO, text: str) -> None:
    """Write and flush; a closed pipe takes the rest in silence, so that the exit code is that of the work."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
