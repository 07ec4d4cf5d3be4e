"""The results of an earlier run: never taken for those of a later one, and never lost."""

import os
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from openigrt.errors import InputError
from openigrt.tasks.clock import Progress

FORMER = "former"


def former_results(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Those of the results, by their names, that lie in the folder."""
    return [folder / name for name in names if os.path.lexists(folder / name)]


def set_aside(folder: Path, names: tuple[str, ...]) -> Path | None:
    """Move earlier results into a new folder below `former`, named by when they were written (UTC).

    Whatever happens to the run that follows, `folder` then holds no result that is not its own. Returns the new folder,
    None where there was no result; raises InputError when one cannot be moved.
    """
    found = former_results(folder, names)
    if not found:
        return None
    try:
        place = _new_place(folder / FORMER, max(path.lstat().st_mtime for path in found))
        for path in found:
            path.rename(place / path.name)
    except OSError as error:
        raise InputError(
            f"The results of an earlier run in {folder} cannot be moved to {folder / FORMER} ({error.strerror}), and "
            "might be taken for those of this one; choose another folder with --out.",
            path=str(folder),
        ) from error
    return place


def tell_set_aside(folder: Path, names: tuple[str, ...], kind: str, progress: Progress) -> None:
    """Set earlier results aside, and tell where they are; `kind` is what they are of: a run, a review."""
    place = set_aside(folder, names)
    if place is not None:
        progress(f"moved the results of an earlier {kind} to {place}")


def _new_place(former: Path, written_at_s: float) -> Path:
    """A folder that was not there before, named by a time; a second one of that time gets a number."""
    stamp = f"{datetime.fromtimestamp(written_at_s, UTC):%Y-%m-%dT%H-%M-%SZ}"
    places = (former / (stamp if number == 1 else f"{stamp}-{number}") for number in count(1))
    place = next(place for place in places if not place.exists())
    place.mkdir(parents=True)
    return place
