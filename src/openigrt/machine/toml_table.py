"""TOML tables that know their place, give values of the kind that was asked for, and let no key pass unseen."""

import math
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Literal, TypeVar

from openigrt.errors import InputError, UnreadableFile

Kind = TypeVar("Kind")
Choice = TypeVar("Choice", bound=StrEnum)

SMALLEST, LARGEST = 1e-6, 1e6
DEEPEST = 32  # tables and lists within each other; a machine file has three
LARGEST_WHOLE = 2**63  # TOML 1.0: whole numbers have 64 bits


class TomlTable:
    """A TOML table that knows its place, and remembers which keys were asked for so that no other passes unseen."""

    def __init__(self, place: str, values: Mapping[str, Any]) -> None:
        self.place = place
        self.values = dict(values)
        self.asked: set[str] = set()

    @classmethod
    def of(cls, name: str, text: str) -> "TomlTable":
        """The whole of a file called so in sentences; raises UnreadableFile when the text is no TOML."""
        try:
            values = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: no TOML, or a number of thousands of digits
            raise UnreadableFile(f"The {name} is not valid TOML: {error}. Correct it there.") from error
        _require_bearable(name, values)
        return cls(f"the {name}", values)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def value(self, key: str, kind: type[Kind], default: Kind | None = None) -> Kind:
        """The value of a key, of this kind and finite; whole numbers pass as float, and nothing else is converted."""
        self.asked.add(key)
        found = self.values.get(key, default)
        if found is None:
            raise InputError(f"{self.place} lacks {key!r}; add it.", place=self.place, key=key)
        if kind is float and isinstance(found, int) and not isinstance(found, bool):
            found = float(found)
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            raise InputError(f"{self.place}: {key} = {found!r} is not of kind {kind.__name__}.", key=key)
        if isinstance(found, float) and not math.isfinite(found):
            raise InputError(f"{self.place}: {key} = {found!r} is not finite; leave out what has no value.", key=key)
        return found

    def positive(self, key: str, largest: float = LARGEST) -> float:
        """A number above zero, of a size that a machine can have."""
        found = self.value(key, float)
        if not SMALLEST <= found <= largest:
            raise InputError(
                f"{self.place}: {key} = {found!r} must be above zero, from {SMALLEST:g} to {largest:g}.", key=key
            )
        return found

    def one_of(self, key: str, choices: type[Choice], default: Choice | None = None) -> Choice:
        """A word out of an enumeration."""
        found = self.value(key, str, default)
        for choice in choices:
            if choice == found:
                return choice
        raise InputError(f"{self.place}: {key} = {found!r} is not one of {', '.join(choices)}.", key=key)

    def sign(self) -> Literal[-1, 1]:
        """The key `sign`: 1 (the default) or -1."""
        found = self.value("sign", int, 1)
        if found not in (-1, 1):
            raise InputError(f"{self.place}: sign = {found!r} must be 1 or -1.", key="sign")
        return 1 if found == 1 else -1

    def table(self, key: str) -> "TomlTable":
        """A table within; empty when it is absent."""
        return TomlTable(f"[{key}] of {self.place}", self.value(key, dict, {}))

    def tables(self, key: str) -> Iterable["TomlTable"]:
        """The entries of an array of tables; none when it is absent."""
        entries = self.value(key, list, [])
        if not all(isinstance(entry, dict) for entry in entries):
            raise InputError(f"{self.place}: write each {key} as a table [[{key}]].", key=key)
        return (TomlTable(f"[[{key}]] {n} of {self.place}", entry) for n, entry in enumerate(entries, start=1))

    def require_no_more(self) -> None:
        """Raise InputError for a key that nobody asked for: a typing error must not pass as a default."""
        if unknown := sorted(self.values.keys() - self.asked):
            raise InputError(
                f"{self.place} has {', '.join(map(repr, unknown))}, which OpenIGRT does not know; "
                f"known here: {', '.join(sorted(self.asked))}.",
                unknown=unknown,
            )


def _require_bearable(name: str, values: Mapping[str, Any]) -> None:
    """Raise UnreadableFile for values within values without end, and for whole numbers that no TOML can hold."""
    level: list[object] = [values]
    for _ in range(DEEPEST):
        if any(isinstance(value, int) and not -LARGEST_WHOLE <= value < LARGEST_WHOLE for value in level):
            raise UnreadableFile(f"The {name} holds a whole number of more than 64 bits. Correct it there.")
        level = [within for value in level for within in _within(value)]
    if level:
        raise UnreadableFile(f"The {name} nests tables or lists more than {DEEPEST} deep. Correct it there.")


def _within(value: object) -> Iterable[object]:
    """What a table or a list holds; nothing for any other value."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
