"""What names one patient, in every spelling that is looked for, and texts without it that are otherwise kept."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from openigrt.dicom.deidentification.descriptors import LONGEST_TEXT, parts_of, words_naming

_LONG_FORMS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae"})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_GAP = r"[-./,_ ]{1,2}"
_RUN = re.compile(r"[^\W_]+")
_SPACES = re.compile(r"\s{2,}")
_NO_GAPS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f]{2,}"
)  # kana, Han, Hangul, Thai
_FEWEST_DIGITS = 3
_MOST_DIGITS = 4


@dataclass(frozen=True)
class OwnWords:
    """The names, identifiers and dates of birth that a header gives to its patient."""

    names: frozenset[str]
    identifiers: frozenset[str]
    births: frozenset[str]

    @cached_property
    def words(self) -> frozenset[str]:
        """Words in lower case, with the spellings that their accents and umlauts may take."""
        short = {word.lower() for name in self.names for word in re.findall(r"[^\W\d_]+", name) if not word.isascii()}
        told = words_naming(self.names, self.identifiers | self.births) | short
        words = {spelling for word in told for spelling in _spellings(word)}
        return frozenset(word for word in words if not word.isdigit() or len(word) >= _FEWEST_DIGITS)

    def taken_from(self, text: str) -> str:
        """The text without these words and dates; the text itself where there are none."""
        if not self.words and not self.births:
            return text
        left = text
        for identifier in self.identifiers:
            if len(identifier) > _MOST_DIGITS:
                left = re.sub(re.escape(identifier), " ", left, flags=re.IGNORECASE)
        for word in self._without_gaps:
            left = left.replace(word, " ")
        for pattern in self._dates:
            left = pattern.sub(" ", left)
        left = _RUN.sub(lambda run: "" if self._is_own(run[0]) else run[0], left)
        return text if left == text else _SPACES.sub(" ", left).strip(" ^,;")

    def are_in(self, text: str) -> bool:
        """Whether a text holds one of them."""
        return self.taken_from(text) != text

    def numbers_in(self, text: str) -> tuple[str, ...]:
        """Short numbers in a text that may be a part of the date of birth or of an identifier."""
        runs = re.findall(r"\d+", text[:LONGEST_TEXT])
        joined = [one + other for one, other in pairwise(runs)]
        short = [run for run in (*runs, *joined) if _FEWEST_DIGITS <= len(run) <= _MOST_DIGITS]
        return tuple(run for run in short if self._is_part(run))

    def _is_own(self, run: str) -> bool:
        """Whether a run of letters and digits, or a part of it, is one of the words, or several without a gap."""
        if any(spelling in self.words for part in (run, *parts_of(run)) for spelling in _spellings(part.lower())):
            return True
        return any(self._is_joined(spelling) for spelling in _spellings(run[:LONGEST_TEXT].lower()))

    def _is_joined(self, run: str) -> bool:
        """Whether words follow one another in a run until nothing is left."""
        ends = {0}
        for begin in range(len(run)):
            if begin in ends:
                ends |= {begin + len(word) for word in self.words if run.startswith(word, begin)}
        return len(run) in ends

    @cached_property
    def _without_gaps(self) -> tuple[str, ...]:
        """Names of scripts that set no gaps between words, the whole name first: they are looked for inside of runs."""
        groups = [group for name in self.names for group in re.split(r"[=\\]", name)]
        joined = {re.sub(r"[\W\d_]+", "", group) for group in groups} | set(self.words)
        return tuple(sorted((word for word in joined if _NO_GAPS.fullmatch(word)), key=len, reverse=True))

    def _is_part(self, number: str) -> bool:
        """Whether a number stands in a date of birth or an identifier."""
        dates = {part for birth in self.births for part in _parts_of_date(birth)}
        return number in dates or any(number in re.sub(r"\D", "", identifier) for identifier in self.identifiers)

    @cached_property
    def _dates(self) -> tuple[re.Pattern[str], ...]:
        """The dates of birth as people write them."""
        return tuple(pattern for birth in self.births if _is_date(birth) for pattern in _written(birth))


def own_words(names: Iterable[str], identifiers: Iterable[str], births: Iterable[str]) -> OwnWords:
    """The words of one patient; what is empty counts for nothing."""
    told = set(names)
    read = told | {_read_as_utf_8(name) for name in told}
    kept = (frozenset(filter(None, (text.strip() for text in texts))) for texts in (read, identifiers, births))
    return OwnWords(*kept)


def _read_as_utf_8(name: str) -> str:
    """A name as it is where UTF-8 was written without being declared."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def _spellings(word: str) -> set[str]:
    """A word as it is, without accents, and with umlauts written out."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    long_forms = (unicodedata.normalize("NFC", spelled).translate(_LONG_FORMS) for spelled in (word, plain))
    return {word, plain, *long_forms} - {""}


def _is_date(birth: str) -> bool:
    """Whether a text is a day (DA)."""
    return re.fullmatch(r"\d{8}", birth) is not None and 1 <= int(birth[4:6]) <= len(_MONTHS)


def _parts_of_date(birth: str) -> set[str]:
    """The pairs of day, month and year in four digits."""
    if not _is_date(birth):
        return set()
    year, month, day = birth[2:4], birth[4:6], birth[6:]
    shorter = {f"{int(day)}{month}", f"{int(month)}{day}"}
    return {birth[:4], month + day, day + month, month + year, year + month, day + year, *shorter}


def _written(birth: str) -> list[re.Pattern[str]]:
    """A day in figures, with and without gaps, and with the month in words."""
    year, month, day = rf"(?:{birth[:2]})?{birth[2:4]}", birth[4:6], birth[6:]
    loose_month, loose_day, word = f"0?{int(month)}", f"0?{int(day)}", f"{_MONTHS[int(month) - 1]}[a-z]*"
    orders = [
        *("".join(order) for order in ((year, month, day), (day, month, year), (month, day, year))),
        *(_GAP.join(order) for order in ((year, loose_month, loose_day), (loose_day, loose_month, year))),
        *(_GAP.join(order) for order in ((loose_month, loose_day, year),)),
        rf"{loose_day}\W{{0,2}}{word}\W{{0,2}}{year}",
        rf"{word}\W{{0,2}}{loose_day}\W{{0,2}}{year}",
    ]
    return [re.compile(rf"(?<!\d)(?:{order})(?!\d)", re.IGNORECASE) for order in orders]
