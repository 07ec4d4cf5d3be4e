"""`python -m benchmarks.trust truth|pack|run|report`: what is true, volumes, their matches, and the report of them.

`run` needs numpy, scipy and numba alone, so that it can go where the real data and their readers are not.
"""

import sys
from importlib import import_module

COMMANDS = ("truth", "pack", "run", "report")


def main(arguments: list[str]) -> int:
    """Hand the command line to the module of that name; only that one is imported."""
    if not arguments or arguments[0] not in COMMANDS:
        sys.stderr.write(f"usage: python -m benchmarks.trust {{{','.join(COMMANDS)}}} ...\n")
        return 2
    import_module(f"benchmarks.trust.{arguments[0]}").main(arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
