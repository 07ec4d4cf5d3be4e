"""The results of an earlier run: never taken for those of a later one, never lost, and nothing else is moved."""

import json
import os
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from openigrt.errors import InputError
from openigrt.tasks.clock import Progress

FORMER = "former"
LARGEST_RECORD_BYTES = 2**28


def former_results(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Those of the results, by their names, that lie in the folder."""
    return [folder / name for name in names if os.path.lexists(folder / name)]


def require_ours(folder: Path, names: tuple[str, ...], record: str) -> None:
    """Raise InputError where a name of ours is taken and no `record` of an earlier run says that we took it."""
    found = former_results(folder, names)
    if found and not _is_record(folder / record):
        raise InputError(
            f"{found[0]} is there, and no {record} of OpenIGRT beside it proves it a result of an earlier run, so it "
            "is neither moved nor written over; choose another folder with --out, or move it.",
            path=str(found[0]),
        )


def _is_record(path: Path) -> bool:
    """Whether a file is a record that a job of ours wrote: JSON with its version of the schema and of OpenIGRT."""
    try:
        if path.stat().st_size > LARGEST_RECORD_BYTES:
            return False
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(found, dict) or not isinstance(found.get("schema_version"), int):
        return False
    manifest = found.get("manifest")
    return "version" in found or (isinstance(manifest, dict) and "version" in manifest)


def set_aside(folder: Path, names: tuple[str, ...], record: str | None) -> Path | None:
    """Move earlier results into a new folder below `former`, named by when they were written (UTC).

    Whatever happens to the run that follows, `folder` then holds no result that is not its own. Returns the new folder,
    None where there was no result; raises InputError when one cannot be moved, or where no `record` proves them ours
    (None asks for no proof: names that nobody else has). The record goes last.
    """
    found = sorted(former_results(folder, names), key=lambda path: path.name == record)
    if not found:
        return None
    if record is not None:
        require_ours(folder, names, record)
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


def tell_set_aside(folder: Path, names: tuple[str, ...], record: str, kind: str, progress: Progress) -> None:
    """Set earlier results aside, and tell where they are; `kind` is what they are of: a run, a review."""
    place = set_aside(folder, names, record)
    if place is not None:
        progress(f"moved the results of an earlier {kind} to {place}")


def _new_place(former: Path, written_at_s: float) -> Path:
    """A folder that was not there before, named by a time; a second one of that time gets a number."""
    stamp = f"{datetime.fromtimestamp(written_at_s, UTC):%Y-%m-%dT%H-%M-%SZ}"
    places = (former / (stamp if number == 1 else f"{stamp}-{number}") for number in count(1))
    place = next(place for place in places if not place.exists())
    place.mkdir(parents=True)
    return place
