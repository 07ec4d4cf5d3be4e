"""Running the command inside this process, as a shell would see it."""

import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from unittest.mock import patch

import pytest

from openigrt.cli import main


@dataclass(frozen=True)
class Outcome:
    """Exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def sentence(self):
        """The last line of standard error."""
        return self.err.splitlines()[-1].removeprefix("openigrt: ")


def run(*words):
    """`openigrt WORDS...`; signal handlers are put back afterwards."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    out, err = StringIO(), StringIO()
    try:
        with (
            patch.object(sys, "argv", ["openigrt", *map(str, words)]),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as left,
        ):
            main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return Outcome(int(left.value.code or 0), out.getvalue(), err.getvalue())
