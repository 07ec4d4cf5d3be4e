"""Files that are secret: the key, the table of patient IDs that somebody chose, and the table that leads back."""

import csv
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from openigrt.dicom import KEY_BYTES
from openigrt.errors import InconsistentInput, InputError, OpenIgrtError, UnreadableFile

LARGEST_TABLE_BYTES = 2**24
LINK_HEADER = ("old patient ID", "new patient ID", "days added to dates")

_KEY = re.compile(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}")
_PATIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_READABLE_BY_OTHERS = 0o077


def new_key() -> bytes:
    """A key that nobody can guess."""
    return secrets.token_bytes(KEY_BYTES)


def read_key(path: Path) -> bytes | None:
    """The key in a file of 64 hexadecimal digits, None where there is no file; raises UnreadableFile for another."""
    if not os.path.lexists(path):
        return None
    text = _read(path, 2 * KEY_BYTES + 2).strip()
    if not _KEY.fullmatch(text):
        raise UnreadableFile(
            f"{path} is no key of {2 * KEY_BYTES} hexadecimal digits. Name one that openigrt deidentify made, or one "
            "that does not exist yet.",
            path=str(path),
        )
    return bytes.fromhex(text)


def make_key(path: Path, key: bytes) -> None:
    """Write a new key that only its owner may read; raises InputError where that cannot be, or a file is there."""
    _make_privately(path, key.hex() + "\n")


def is_readable_by_others(path: Path) -> bool:
    """Whether the system lets others than the owner read or change a file."""
    return os.name == "posix" and bool(path.stat().st_mode & _READABLE_BY_OTHERS)


def read_given_ids(path: Path) -> dict[str, str]:
    """Old patient IDs to new ones, from two columns of a CSV file; a first line `old,new` is its header.

    Raises UnreadableFile or InconsistentInput with the number of the line.
    """
    given: dict[str, str] = {}
    lines: dict[str, tuple[str, int]] = {}
    try:
        rows = list(csv.reader(StringIO(_read(path, LARGEST_TABLE_BYTES)), strict=True))
    except csv.Error as failure:
        sentence = f"{path} is no CSV ({failure}); expected two columns, old and new."
        raise UnreadableFile(sentence, path=str(path)) from None
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and [cell.lower() for cell in cells] == ["old", "new"]):
            continue
        if len(cells) != 2 or not _PATIENT_ID.fullmatch(cells[1]):
            raise UnreadableFile(
                f"Line {number} of {path} is no old and new patient ID; a new one has up to 64 letters, digits, dots, "
                "underscores or hyphens, and begins with a letter or digit.",
                path=str(path),
            )
        if given.setdefault(cells[0], cells[1]) != cells[1]:
            sentence = f"Line {number} of {path} gives an old patient ID a second new one."
            raise InconsistentInput(sentence, path=str(path))
        former, line = lines.setdefault(cells[1].casefold(), (cells[0], number))
        if former != cells[0]:
            raise InconsistentInput(
                f"Lines {line} and {number} of {path} give two patients one new ID, which would make them one; choose "
                "another new ID.",
                path=str(path),
            )
    if given.keys() & set(given.values()):
        raise InconsistentInput(f"{path} gives a patient the old ID of one; choose other new IDs.", path=str(path))
    return given


def write_link(path: Path, links: Mapping[str, tuple[str, int]]) -> None:
    """Write old and new patient IDs and the days that were added to their dates, beside those that the file has.

    Only the owner may read it. Raises InputError where another file is there, or the system refuses.
    """
    rows: dict[str, tuple[str, ...]] = {}
    if path.exists():
        former = list(csv.reader(StringIO(_read(path, LARGEST_TABLE_BYTES))))
        if tuple(former[:1] and former[0]) != LINK_HEADER:
            raise InputError(f"{path} is there, and no link table; name another file with --link.", path=str(path))
        rows = {row[0]: tuple(row) for row in former[1:] if row}
    taken = {row[1].casefold(): row[0] for row in rows.values() if len(row) > 1}
    if any(taken.get(new.casefold(), old) != old for old, (new, _) in links.items()):
        raise InconsistentInput(f"{path} names another patient under one of the new IDs; choose other new IDs.")
    rows |= {old: (old, new, str(days)) for old, (new, days) in links.items()}
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([LINK_HEADER, *(rows[old] for old in sorted(rows))])
    _write_privately(path, text.getvalue())


@contextmanager
def taken_back_on_failure(*paths: Path | None) -> Iterator[None]:
    """Leave secret files as they were before, or none where there was none, where what follows fails."""
    former = {path: path.read_bytes() if path.is_file() else None for path in paths if path is not None}
    try:
        yield
    except OpenIgrtError:
        for path, content in former.items():
            if content is None and path.is_file():
                path.unlink()
            elif content is not None and path.read_bytes() != content:
                _write_privately(path, content.decode())
        raise


def _read(path: Path, most_bytes: int) -> str:
    """The text of a small file."""
    try:
        if not path.is_file() or path.stat().st_size > most_bytes:
            raise UnreadableFile(f"{path} is no file of at most {most_bytes} bytes.", path=str(path))
        return path.read_text(encoding="utf-8-sig")
    except OSError as failure:
        raise UnreadableFile(f"{path} cannot be read: {failure.strerror}.", path=str(path)) from None
    except UnicodeDecodeError:
        raise UnreadableFile(f"{path} is no UTF-8 text.", path=str(path)) from None


def _write_privately(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.unlink(missing_ok=True)
    try:
        _make_privately(unfinished, text)
        unfinished.replace(path)
    except OSError as failure:
        raise InputError(f"{path} cannot be written: {failure.strerror}; name another file.", path=str(path)) from None
    finally:
        unfinished.unlink(missing_ok=True)


def _make_privately(path: Path, text: str) -> None:
    """Make a file that only its owner may read; one that is there already is never written over."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as failure:
        raise InputError(f"{path} cannot be written: {failure.strerror}; name another file.", path=str(path)) from None
