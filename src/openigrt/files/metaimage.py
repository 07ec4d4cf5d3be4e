"""Headers of MetaImage files (.mha, .mhd): numbers that ITK would read as zero without a word."""

import math
from pathlib import Path

from openigrt.errors import UnreadableFile

LONGEST_HEADER_BYTES = 65_536
LAST_KEY = "ElementDataFile"
GEOMETRY_KEYS = frozenset(
    ("Offset", "Origin", "Position", "ElementSpacing", "ElementSize", "TransformMatrix", "Rotation", "Orientation")
)


def require_numbers_in_header(path: Path) -> None:
    """Raise UnreadableFile that names the line where the geometry holds something else than finite numbers."""
    with path.open("rb") as file:
        text = file.read(LONGEST_HEADER_BYTES).decode("latin-1")
    for line in text.splitlines():
        key, _, value = (part.strip() for part in line.partition("="))
        if key == LAST_KEY:
            return
        if key in GEOMETRY_KEYS and not all(_is_finite_number(word) for word in value.split()):
            raise UnreadableFile(
                f"{path} says {line.strip()[:80]!r} in its header, where finite numbers are expected; write it again.",
                path=str(path),
                key=key,
            )


def _is_finite_number(word: str) -> bool:
    """Whether a word is a finite number."""
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
