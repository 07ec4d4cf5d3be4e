"""The folder that the results of a job go to: usable before the work begins, and written all or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from openigrt.errors import InputError
from openigrt.tasks.results.former import former_results, set_aside


def require_usable_folder(folder: Path, names: tuple[str, ...], *inputs: Path) -> None:
    """Raise InputError where results cannot go: a file, a place that cannot be written, or an input folder.

    Asked before the work begins, so that nobody waits for a result that has no place to go; nothing is made.
    """
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        why = "is no folder" if not place.is_dir() else "cannot be written"
        left = " The results there are of an earlier run." if former_results(folder, names) else ""
        raise InputError(
            f"Cannot write to {folder}: {place} {why}; choose another folder with --out.{left}", path=str(folder)
        )
    for name in names:
        if (folder / name).is_dir():
            raise InputError(f"{folder / name} is a folder; choose another folder with --out.", path=str(folder))
    for given in inputs:
        if given.is_dir() and folder.resolve().is_relative_to(given.resolve()):
            raise InputError(
                f"The results would be written into the input folder {given}, and read as input the next time; choose "
                "another folder with --out.",
                path=str(folder),
            )


def write_together(folder: Path, contents: Mapping[str, bytes], record: str | None) -> None:
    """Write files into `folder` (made if need be), all or none of them; older ones are moved to its `former`.

    A name may lie in a folder, `ct/slice.dcm`, which is then ours as a whole. Written beside their places and moved in
    at the end, in their order. Raises InputError when the folder cannot be written, or holds what no earlier `record`
    proves to be ours (None asks for no proof).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".results-", dir=folder, ignore_cleanup_errors=True) as staging,
            ExitStack() as undo,
        ):
            for name, content in contents.items():
                place = Path(staging) / name
                place.parent.mkdir(exist_ok=True)
                place.write_bytes(content)
            moved = tuple(dict.fromkeys(name.split("/", 1)[0] for name in contents))
            set_aside(folder, moved, record)
            for name in moved:
                undo.callback(_remove, folder / name)
                (Path(staging) / name).replace(folder / name)
            undo.pop_all()
    except OSError as error:
        raise InputError(f"Cannot write to {folder}: {error.strerror}; choose another folder with --out.") from error


def _remove(path: Path) -> None:
    """Take away a file, or a folder of ours."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def utf8(text: str) -> bytes:
    """Bytes of a text; what UTF-8 cannot hold, such as a file name in no encoding, becomes a question mark."""
    return text.encode("utf-8", "replace")
