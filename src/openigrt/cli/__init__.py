"""What a person types."""

from openigrt.cli.main import main

__all__ = ["main"]
