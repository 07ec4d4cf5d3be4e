"""The folder that a de-identification writes: where it may lie, whose it is, and the two reports in it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from openigrt.errors import InputError

RECORD, SUMMARY = "deidentification.json", "deidentification.txt"
LARGEST_RECORD_BYTES = 2**28


def require_apart(source: Path, target: Path, *secrets: Path) -> None:
    """Raise InputError where the result would lie in the input or the other way round, or a secret in one of them."""
    given, result = source.resolve(), target.resolve()
    if result.is_relative_to(given) or given.is_relative_to(result):
        sentence = f"{target} and {source} lie in each other; name a folder apart from the input."
        raise InputError(sentence, path=str(target))
    for secret in secrets:
        for folder in (given, result):
            if secret.resolve().is_relative_to(folder):
                sentence = f"{secret} leads back to the patients and would lie in {folder}; keep it elsewhere."
                raise InputError(sentence, path=str(secret))


def require_own(target: Path, mark: Mapping[str, object]) -> None:
    """Raise InputError for a folder that holds anything but an earlier result with this mark."""
    try:
        is_other = target.exists() and any(target.iterdir()) and _former_mark(target, mark.keys()) != dict(mark)
    except OSError as failure:
        sentence = f"Cannot read {target}: {failure.strerror}; name another folder."
        raise InputError(sentence, path=str(target)) from None
    if is_other:
        raise InputError(
            f"{target} holds something else than a result of this input, key, table and choice of --keep; name an "
            "empty folder.",
            path=str(target),
        )


def begin_folder(target: Path, mark: Mapping[str, object]) -> None:
    """Make the folder, and say in its record whose it is and that it is not finished.

    `mark` is what an earlier result must share to be gone on with. Raises InputError where it cannot be written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        _write(target / RECORD, json.dumps({**mark, "is_finished": False}) + "\n")
    except OSError as failure:
        sentence = f"Cannot write to {target}: {failure.strerror}; name another folder."
        raise InputError(sentence, path=str(target)) from None


def finish_folder(target: Path, record: Mapping[str, object], summary: str) -> None:
    """Write the reports; raises InputError where that cannot be."""
    try:
        _write(target / SUMMARY, summary)
        _write(target / RECORD, json.dumps({**record, "is_finished": True}, indent=2) + "\n")
    except OSError as failure:
        raise InputError(f"Cannot write to {target}: {failure.strerror}.", path=str(target)) from None


def _former_mark(target: Path, names: Iterable[str]) -> dict[str, object] | None:
    """What the record of an earlier run says under these names; None where there is none."""
    path = target / RECORD
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_RECORD_BYTES:
            return None
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return {name: record.get(name) for name in names} if isinstance(record, dict) else None


def _write(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
