"""The kinds of the words that a job is called with: a wrong one gets a sentence, not a fault deep in the work."""

import os
from collections.abc import Iterable, Sequence
from numbers import Integral
from reprlib import repr as short_repr
from typing import TypeGuard

from openigrt.errors import InputError


def given(**words: object) -> dict[str, object]:
    """Those words that somebody named."""
    return {name: value for name, value in words.items() if value is not None}


def in_short(value: object) -> str:
    """A value for a sentence: on one line, however large it is."""
    return " ".join(short_repr(value).split())


def on_lines(sentences: Iterable[str]) -> str:
    """Each on a line of its own, whatever a name in it holds."""
    return "".join(f"{sentence.replace(chr(10), ' ')}\n" for sentence in sentences)


def require_paths(**words: object) -> None:
    """Raise InputError for a word that names no file or folder."""
    for name, value in words.items():
        text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
        if not isinstance(text, str):
            raise _wrong_kind(name, value, "the name of a file or folder, as text or a Path")
        if not text or "\0" in text:
            raise InputError(f"{name} is {text!r}; expected the name of a file or folder.", word=name)


def require_texts(**words: object) -> None:
    """Raise InputError for a word that is no text."""
    for name, value in words.items():
        if not isinstance(value, str):
            raise _wrong_kind(name, value, "text")


def require_whole_numbers(**words: object) -> None:
    """Raise InputError for a word that is no whole number."""
    for name, value in words.items():
        if not _is_whole(value):
            raise _wrong_kind(name, value, "a whole number")


def require_seed(seed: object) -> None:
    """Raise InputError for what no random numbers can start from."""
    if not _is_whole(seed) or seed < 0:
        raise _wrong_kind("seed", seed, "a whole number, zero or above")


def require_names(**words: object) -> None:
    """Raise InputError for a word that is neither a text nor a row of texts."""
    for name, value in words.items():
        parts = value if isinstance(value, Sequence) else (value,)
        if not all(isinstance(part, str) for part in parts):
            raise _wrong_kind(name, value, "a name, or a list of names")


def require_listener(progress: object) -> None:
    """Raise InputError for what cannot be told of the steps of a job."""
    if not callable(progress):
        raise _wrong_kind("progress", progress, "a function that takes a text")


def _is_whole(value: object) -> TypeGuard[Integral]:
    """Whether a value is a whole number; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _wrong_kind(name: str, value: object, expected: str) -> InputError:
    """The error for a word of the wrong kind."""
    return InputError(f"{name} is {in_short(value)}, of kind {type(value).__name__}; expected {expected}.", word=name)
