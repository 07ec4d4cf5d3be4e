"""The embedded example: a virtual pelvis with its plan and an image of the day, as DICOM."""

from pathlib import Path

from openigrt.virtual import EmbeddedExample, write_embedded_example


def write_example(folder: str | Path, seed: int = 0) -> EmbeddedExample:
    """Write plan/ and daily/ into `folder` and return their places and the true setup error; nothing is downloaded."""
    return write_embedded_example(Path(folder), seed)
