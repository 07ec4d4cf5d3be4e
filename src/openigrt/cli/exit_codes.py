"""What the command tells the shell. Here alone is an outcome turned into an exit code."""

from enum import IntEnum

SIGNALLED = 128


class ExitCode(IntEnum):
    """The exit codes of every command; a command that a signal ended adds the signal's number to 128, as shells do."""

    DONE = 0
    PROBLEM = 1
    USAGE = 2  # given by typer, and for words that only the job knows to be wrong
    PERSON_NEEDED = 3
