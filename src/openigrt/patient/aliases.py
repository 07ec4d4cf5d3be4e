"""A clinic's own names for structures: TOML text to aliases, and aliases to canonical names and roles."""

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from openigrt.errors import InputError, UnreadableFile
from openigrt.patient.structures import Structure, StructureRole, StructureSet

SIDE, DOSE, ANYTHING = "{side}", "{dose}", "*"
CENTIGRAYS = {"cGy": 1.0, "Gy": 100.0}
FILE_KEYS = frozenset({"dose_unit", "sides", "structure"})
STRUCTURE_KEYS = frozenset({"name", "role", "patterns"})
# A number in a name that is no dose in one unit may be one in the other: PTV_5040 where a clinic counts in Gy.
PLAUSIBLE_CENTIGRAYS = (100.0, 20_000.0)
MOST_PATTERNS = 10_000
MOST_STARS = 2
LONGEST_NAME = 256
NAMES_LISTED = 20
LONGEST_WHOLE = 10**9

_SEPARATORS = re.compile(r"[\s_-]+")
_PARTS = re.compile(r"(\{[^}]*\}|\*)")
_NUMBER = r"(?P<dose>\d{1,6}(?:[.,]\d{1,4})?)"


@dataclass(frozen=True, slots=True)
class Alias:
    """A pattern of names in use, the canonical name, and the role of what is called so (None: as it came).

    `centigrays` is the unit of a dose in such names, in cGy; an `expression` fits names in plain spelling.
    """

    name: str
    role: StructureRole | None
    pattern: str
    centigrays: float
    expression: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Aliases:
    """All aliases of a file; `sides` gives L or R for the words that stand for `{side}`."""

    entries: tuple[Alias, ...]
    sides: Mapping[str, str]

    def applied(self, structures: StructureSet) -> tuple[StructureSet, tuple[str, ...]]:
        """The structures with canonical names and roles, and what was noticed, in sentences.

        Names that no alias fits, that several fit, and canonical names that several structures get; the first keep
        what they came with, and so do the second. A role of the file replaces another, which is said.
        """
        old = structures.structures
        fitting = [self._fitting(structure) for structure in old]
        new = tuple(_renamed(structure, found) for structure, found in zip(old, fitting, strict=True))
        unknown = [repr(structure.name) for structure, found in zip(old, fitting, strict=True) if not found]
        several = [
            f"Aliases of {' and '.join(found)} fit {structure.name!r}; none is used. Make a pattern of the alias file "
            "more exact."
            for structure, found in zip(old, fitting, strict=True)
            if len(found) > 1
        ]
        messages = [f"No alias fits {_listed(unknown)}."] if unknown else []
        return replace(structures, structures=new), (*messages, *several, *_doubled(new), *_changed_roles(old, new))

    def _fitting(self, structure: Structure) -> dict[str, StructureRole | None]:
        """Canonical names, with their roles, of the aliases that fit: of those without `*` where there are any."""
        plain = _plain(structure.drawn_name[:LONGEST_NAME])
        matches = ((alias, alias.expression.fullmatch(plain)) for alias in self.entries)
        hits = [(alias, hit) for alias, hit in matches if hit and _is_plausible(alias, hit)]
        exact = [(alias, hit) for alias, hit in hits if ANYTHING not in alias.pattern]
        return {self._filled_in(alias, hit): alias.role for alias, hit in exact or hits}

    def _filled_in(self, alias: Alias, hit: re.Match[str]) -> str:
        """The canonical name with the side as L or R and the dose in cGy, as TG-263 writes them."""
        name = alias.name
        if SIDE in name:
            name = name.replace(SIDE, self.sides[hit["side"]])
        if DOSE in name:
            name = name.replace(DOSE, f"{_centigrays(alias, hit):.0f}")
        return name


def parse_aliases(text: str) -> Aliases:
    """The aliases of an alias file (TOML text, docs/how-to/alias_file.md).

    Raises UnreadableFile when the text is no TOML, InputError with the place when a value is missing, of the wrong
    kind or contradicts another, or when a key is not known.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: no TOML, or a number of thousands of digits
        raise UnreadableFile(f"The alias file is not valid TOML: {error}. Correct it there.") from error
    _require_known(table, FILE_KEYS, "The alias file")
    unit, tables = table.get("dose_unit", "cGy"), table.get("structure")
    if not isinstance(unit, str) or unit not in CENTIGRAYS:
        raise InputError(f"The alias file: dose_unit = {_shown(unit)} is not one of {', '.join(CENTIGRAYS)}.")
    if not isinstance(tables, list) or not all(isinstance(entry, dict) for entry in tables):
        raise InputError("The alias file names no structure; write each as a table [[structure]].")
    sides = _sides(table.get("sides", {}))
    entries = tuple(alias for entry in tables for alias in _aliases(entry, sides, CENTIGRAYS[unit]))
    if len(entries) > MOST_PATTERNS:
        raise InputError(f"The alias file has {len(entries)} patterns; at most {MOST_PATTERNS} are read.")
    return Aliases(entries, sides)


def _shown(value: object) -> str:
    """A word or number in a sentence; of anything else the kind alone, since lists in lists may have no end."""
    is_short = isinstance(value, str | float) or (isinstance(value, int) and abs(value) <= LONGEST_WHOLE)
    return repr(value) if is_short else f"a value of kind {type(value).__name__}"


def _require_known(table: Mapping[str, Any], known: frozenset[str], place: str) -> None:
    """Raise InputError for a key that has no meaning: a typing error must not pass unseen."""
    if unknown := sorted(table.keys() - known):
        raise InputError(
            f"{place} has {', '.join(map(repr, unknown))}, which OpenIGRT does not know; known here: "
            f"{', '.join(sorted(known))}.",
            unknown=unknown,
        )


def _sides(table: object) -> Mapping[str, str]:
    """L or R by each word for it, in plain spelling; the letters themselves always."""
    place = "[sides] of the alias file"
    if not isinstance(table, dict):
        raise InputError(f"{place} must be a table with the words for L and R.")
    _require_known(table, frozenset({"L", "R"}), place)
    sides = {"l": "L", "r": "R"}
    for side, words in table.items():
        for word in _words(words, f"{place}: {side}"):
            if sides.setdefault(_plain(word), side) != side:
                raise InputError(f"{place}: {word!r} stands for both sides; leave it out of one.", word=word)
    return sides


def _aliases(entry: Mapping[str, Any], sides: Mapping[str, str], centigrays: float) -> Iterator[Alias]:
    """The aliases of one [[structure]] entry: one for each pattern, and one for the canonical name itself."""
    _require_known(entry, STRUCTURE_KEYS, "A [[structure]] of the alias file")
    name, role = entry.get("name"), entry.get("role")
    if not isinstance(name, str) or not name.strip():
        raise InputError("A [[structure]] of the alias file lacks its name.")
    if role is not None and role not in list(StructureRole):
        raise InputError(f"The alias of {name!r}: role = {_shown(role)} is not one of {', '.join(StructureRole)}.")
    known_role = None if role is None else StructureRole(role)
    yield Alias(name, known_role, name, CENTIGRAYS["cGy"], _expression(name, name, sides))
    for pattern in _words(entry.get("patterns", []), f"The alias of {name!r}: patterns"):
        yield Alias(name, known_role, pattern, centigrays, _expression(pattern, name, sides))


def _words(values: object, place: str) -> Sequence[str]:
    """A list of words, none empty."""
    if not isinstance(values, list) or not all(isinstance(value, str) and _plain(value) for value in values):
        raise InputError(f"{place} must be a list of words, none of them empty.", place=place)
    return values


def _expression(pattern: str, name: str, sides: Mapping[str, str]) -> re.Pattern[str]:
    """A pattern of the alias of `name` for names in plain spelling: `*` is anything, separators may be left out."""
    parts = _PARTS.split(pattern)
    marks = [part for part in parts if part.startswith("{")]
    if set(marks) - {SIDE, DOSE} or len(set(marks)) < len(marks) or parts.count(ANYTHING) > MOST_STARS:
        raise InputError(
            f"The alias of {name!r}: {pattern!r} may hold {SIDE} and {DOSE} once each and {ANYTHING} up to "
            f"{MOST_STARS} times, and nothing else in braces.",
            pattern=pattern,
        )
    if lacking := [mark for mark in (SIDE, DOSE) if mark in name and mark not in marks]:
        raise InputError(f"The alias of {name!r}: {pattern!r} lacks {' and '.join(lacking)}.", pattern=pattern)
    words = "|".join(_optional_separators(word) for word in sorted(sides, key=len, reverse=True))
    kinds = {ANYTHING: ".*", SIDE: f"(?P<side>{words})", DOSE: _NUMBER}
    pieces = (kinds.get(part) or _optional_separators(_plain(part)) for part in parts)
    return re.compile(" ?".join(piece for piece in pieces if piece))


def _optional_separators(words: str) -> str:
    """An expression for words in plain spelling, the spaces between them left out or not."""
    return " ?".join(map(re.escape, words.split(" ")))


def _plain(name: str) -> str:
    """A name without case, one space for each run of spaces, hyphens and underscores."""
    return _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", name).casefold()).strip()


def _centigrays(alias: Alias, hit: re.Match[str]) -> float:
    """The dose in a name, cGy."""
    return float(hit["dose"].replace(",", ".")) * alias.centigrays


def _is_plausible(alias: Alias, hit: re.Match[str]) -> bool:
    """Whether the dose in a name, if there is one, is one that somebody may prescribe."""
    low, high = PLAUSIBLE_CENTIGRAYS
    return DOSE not in alias.pattern or low <= _centigrays(alias, hit) <= high


def _renamed(structure: Structure, found: Mapping[str, StructureRole | None]) -> Structure:
    """The structure with the one canonical name that was found and its role; as it is without or with several."""
    if len(found) != 1:
        return structure
    ((name, role),) = found.items()
    return replace(structure, canonical_name=name, role=role or structure.role)


def _doubled(structures: Sequence[Structure]) -> Iterator[str]:
    """A message for each canonical name that several structures have."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for structure in structures:
        by_name[structure.canonical_name].append(repr(structure.name))
    for canonical, names in by_name.items():
        if canonical and len(names) > 1:
            yield f"By the alias file {_listed(names)} are all {canonical}; name one of them by its own name."


def _changed_roles(old: Sequence[Structure], new: Sequence[Structure]) -> Iterator[str]:
    """One message that lists the structures whose role the file states otherwise."""
    pairs = zip(old, new, strict=True)
    changed = [f"{b.name!r} is {b.role} (was {a.role})" for a, b in pairs if a.role is not b.role]
    if changed:
        yield f"By the alias file {_listed(changed)}."


def _listed(words: Sequence[str]) -> str:
    """Words in a sentence, the first few of many."""
    more = f" and {len(words) - NAMES_LISTED} more" if len(words) > NAMES_LISTED else ""
    return ", ".join(words[:NAMES_LISTED]) + more
