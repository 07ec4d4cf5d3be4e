"""Free text without people in it: known words stay, and numbers that can be no date and no identifier."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

NOTHING_LEFT = "REMOVED"
LONGEST_TEXT = 1024

_RUN = re.compile(r"\d+[.,]\d+(?![.,]?\d)|[^\W_]+")
_PART = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)?|[^\W_]")
_HUMPS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_YEAR = re.compile(r"(?:18|19|20|21)\d\d")
_SIDES = ("l", "r")
_MOST_DIGITS = 4
_MOST_NUMBERS_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words that say what was imaged or drawn, in lower case, by kind: `head`, `trunk` and `technique`."""

    kinds: Mapping[str, frozenset[str]]

    def names(self, kind: str, text: str) -> bool:
        """Whether a text holds a word of one kind."""
        found = re.findall(r"[^\W\d_]+", text[:LONGEST_TEXT])
        parts = found + [part for word in found for part in _HUMPS.findall(word)]
        return any(part.lower() in self.kinds[kind] for part in parts)

    def cleaned(self, text: str, people: frozenset[str]) -> str:
        """The known words of a text, `NOTHING_LEFT` where none is left; the text itself where every one is known.

        `people` are words in lower case that name somebody, known or not: "Head" goes where the patient is Mrs Head.
        Letters and digits without a gap stay or go together. Numbers stay that have up to four digits, are no year,
        stand at most two in a row and not beside a word that goes, so that neither 12.03.1960, 3 Mar 60 nor a record
        number survives.
        """
        runs = _RUN.findall(text[:LONGEST_TEXT])
        kept = self._kept(runs, people)
        if kept == runs and len(text) <= LONGEST_TEXT and text.isascii() and text.isprintable():
            return text
        return " ".join(kept) if any(run[0].isalpha() for run in kept) else NOTHING_LEFT

    def _kept(self, runs: list[str], people: frozenset[str]) -> list[str]:
        """The known words, and the rows of numbers between them."""
        rows = [list(row) for _, row in groupby(runs, lambda run: run[0].isdigit())]
        known = [[run for run in row if self._is_known(run, people)] for row in rows]
        is_whole = [True, *(kept == row for kept, row in zip(known, rows, strict=True)), True]
        kept = []
        for n, row in enumerate(known):
            is_number = rows[n][0][0].isdigit()
            if not is_number or (all(is_whole[n : n + 3]) and len(row) <= _MOST_NUMBERS_IN_A_ROW):
                kept += row
        return kept

    def _is_known(self, run: str, people: frozenset[str]) -> bool:
        """Whether every part of a run of letters and digits is known and names nobody; a letter alone is an initial."""
        if len(run) == 1 and run.isalpha() and run.lower() not in _SIDES:
            return False
        parts = [piece for part in _PART.findall(run) for piece in self._pieces(part)]
        return people.isdisjoint([run.lower(), *map(str.lower, parts)]) and all(map(self._is_known_part, parts))

    def _pieces(self, part: str) -> list[str]:
        """A word as it is where it is known, else the words that its capitals join."""
        return [part] if self._is_known_part(part) or not part.isascii() else _HUMPS.findall(part) or [part]

    def _is_known_part(self, part: str) -> bool:
        """Whether a word is known, or a number is small."""
        if part[0].isdigit():
            return part.isascii() and len(part) <= _MOST_DIGITS and not _YEAR.fullmatch(part)
        return any(part.lower() in words for words in self.kinds.values())


def parts_of(run: str) -> list[str]:
    """The words and numbers that a run of letters and digits joins, by its capitals too."""
    parts = _PART.findall(run)
    return parts + [hump for part in parts for hump in _HUMPS.findall(part)]


def words_naming(names: Iterable[str], identifiers: Iterable[str]) -> frozenset[str]:
    """What tells who somebody is, in lower case: words of names from three letters on, and identifiers with digits.

    A shorter word (Mr, Li) or a word in an identifier (PELVIS-01) is known to name nobody where it is in a vocabulary.
    """
    words = {word.lower() for name in names for word in re.findall(r"[^\W\d_]{3,}", name)}
    parts = {part.lower() for identifier in identifiers for part in re.findall(r"[^\W_]{2,}", identifier)}
    return frozenset(words | {part for part in parts if not part.isalpha()})
