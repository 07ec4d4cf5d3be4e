"""Sizes of detectors that files announce."""

from pathlib import Path

from openigrt.errors import UnreadableFile

LARGEST_SIDE = 8192


def require_detector(path: Path, columns: int, rows: int) -> None:
    """Raise UnreadableFile for a projection of fewer than 2 x 2 pixels, or more than any detector has."""
    if not (2 <= columns <= LARGEST_SIDE and 2 <= rows <= LARGEST_SIDE):
        raise UnreadableFile(
            f"{path} announces {columns} x {rows} pixels; expected 2 to {LARGEST_SIDE} each way.", path=str(path)
        )
