"""`python -m openigrt` is the command `openigrt`."""

from openigrt.cli import main

main()
