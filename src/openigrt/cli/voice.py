"""How the command speaks: answers on standard output, everything else on standard error, and never a traceback."""

import io
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from openigrt.errors import InputError

PROGRAM = "openigrt"
WITHOUT_CONTROL = {code: "?" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


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
    """Write a result to standard output; who reads it may stop reading at any time.

    Raises InputError where the output cannot take it.
    """
    try:
        _write(sys.stdout, text)
    except OSError as failure:
        raise InputError(
            f"The answer cannot be printed: {failure.strerror}. What goes to files is written, as without this."
        ) from None


def tell(sentence: str) -> None:
    """Write one line about the work, or what went wrong, to standard error, where that takes it."""
    with suppress(OSError):
        _write(sys.stderr, f"{PROGRAM}: {' '.join(sentence.splitlines())}\n")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Who is to be told of each step: the same line again and again on a terminal, a line each elsewhere."""
    if sys.stderr is None or not sys.stderr.isatty():
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


def _write(stream: TextIO | None, text: str) -> None:
    """Write and flush; what is closed takes it in silence, so that the exit code is that of the work.

    Control characters, which a name of a file may hold to forge what a terminal shows, become question marks.
    """
    if stream is None:
        return
    try:
        stream.write(text.translate(WITHOUT_CONTROL))
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
