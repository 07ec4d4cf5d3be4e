"""The embedded example: a virtual pelvis with its plan and an image of the day, as DICOM."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from openigrt.arrays import kernels_are_cached
from openigrt.errors import InputError
from openigrt.tasks.clock import Progress
from openigrt.tasks.words import require_listener, require_paths, require_seed

if TYPE_CHECKING:
    from openigrt.virtual import EmbeddedExample

FOLDERS = ("plan", "daily")
MAKING, COMPILING = "making a virtual patient", "compiling kernels, once per machine, and making a virtual patient"


def write_example(folder: str | Path, seed: int = 0, progress: Progress = lambda words: None) -> "EmbeddedExample":
    """Write plan/ and daily/ into `folder` and return their places and the true setup error; nothing is downloaded.

    Raises InputError for a word of the wrong kind, and for a folder that cannot be made.
    """
    require_paths(folder=folder)
    require_seed(seed)
    require_listener(progress)
    from openigrt.virtual import write_embedded_example  # noqa: PLC0415  (half a second that `guide` should not pay)

    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise InputError(
            f"The example cannot be written to {place}: {failure.strerror}. Name another folder."
        ) from None
    progress(MAKING if kernels_are_cached("virtual") else COMPILING)
    new = [place / name for name in FOLDERS if not (place / name).exists()]
    try:
        return write_embedded_example(place, seed)
    except OSError as failure:
        for unfinished in new:
            shutil.rmtree(unfinished, ignore_errors=True)
        raise InputError(
            f"The example cannot be written to {place}: {failure.strerror or failure}. Name another folder."
        ) from None
