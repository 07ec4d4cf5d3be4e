"""Phases: what tells apart several volumes that lie at one place."""

import re
from dataclasses import dataclass

from openigrt.errors import InputError

LARGEST_PERCENT = 100.0

_RECONSTRUCTION_STRENGTH = re.compile(
    r"\b(?:ASIR(?:-?V)?|SAFIRE|ADMIRE|I?DOSE|AIDR|VEO|DLIR|FIRST|IR|NOISE|STRENGTH)\W*(?:\d\W+)?\d{1,3}(?:\.\d+)?\s*%",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(?<![\d.,])(\d{1,3}(?:[.,]\d+)?)\s*%|\bT\s*=\s*(\d{1,3})\b", re.IGNORECASE)
_NUMBER = re.compile(r"\s*\d{1,3}(?:\.\d+)?\s*")
_PROJECTIONS = {
    "minimum": re.compile(r"\bMIN(?:IMUM)?[- _]?IP\b", re.IGNORECASE),
    "maximum": re.compile(r"\b(?:MAX(?:IMUM)?[- _]?IP|MIP)\b", re.IGNORECASE),
    "average": re.compile(r"\b(?:AVE|AVG|AVERAGE|MEAN)(?:[- _]?IP)?\b|\bAIP\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Phase:
    """What a volume is called among several at one place: `50%`, `average`, `time 3`, `echo 2, time 1`.

    `respiratory_percent` is the nominal phase of breathing where it is one.
    """

    name: str
    respiratory_percent: float | None = None

    def __str__(self) -> str:
        """The name, by which it is chosen."""
        return self.name

    @classmethod
    def of_breathing(cls, percent: float) -> "Phase":
        """The phase at so many percent of the breathing cycle; raises InputError beyond 0 to 100."""
        if not 0.0 <= percent <= LARGEST_PERCENT:
            raise InputError(f"There is no phase of breathing at {percent:g} %; expected 0 to 100.", found=percent)
        return cls(f"{percent:g}%", percent)

    @classmethod
    def named_in(cls, words: str) -> "Phase | None":
        """The phase that a description such as `CT 50% Ex`, `T=50`, `Gated, 30.0%`, `AVE-IP` or `MIP` names, if any.

        The strength of an iterative reconstruction (`ASiR 50%`) is no phase.
        """
        for name, pattern in _PROJECTIONS.items():
            if pattern.search(words):
                return cls(name)
        found = _PERCENT.search(_RECONSTRUCTION_STRENGTH.sub(" ", words))
        percent = float((found[1] or found[2]).replace(",", ".")) if found else None
        return cls.of_breathing(percent) if percent is not None and percent <= LARGEST_PERCENT else None

    def is_called(self, words: str) -> bool:
        """Whether a person who writes these words means this phase: `50`, `50 %`, `AVE-IP`, or the name as listed."""
        wanted = Phase.named_in(f"{words}%" if _NUMBER.fullmatch(words) else words)
        return self.name.lower().split() == words.lower().split() or (wanted is not None and wanted.name == self.name)
