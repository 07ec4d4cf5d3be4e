"""Tables that map nouns to items of a sequence, one line per attribute, read in both directions.

Reading is forgiving: a value that cannot be used is left out and told, and so is an item without a number that it must
have. Writing follows the type of the attribute (PS3.5, 7.4): 1 must have a value, 2 is always written, 3 only where
there is a value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from pydicom import Dataset
from pydicom.datadict import dictionary_VR

from openigrt.dicom.dataset.elements import (
    items,
    number,
    number_pairs,
    numbers,
    required_numbers,
    required_whole_number,
    text,
    texts,
    whole_number,
)
from openigrt.dicom.dataset.headers import decimal, decimals
from openigrt.errors import MissingInput, OpenIgrtError

Noun = TypeVar("Noun")
Told = list[str]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is: how it is read from an element and written to it, and what stands for none."""

    read: Callable[[Dataset, str], Any]
    write: Callable[[str, Any], Any]
    nothing: Any = None


def written_number(keyword: str, value: float) -> str | int | float:
    """A number as the value representation of an element wants it."""
    representation = dictionary_VR(keyword)
    if representation == "DS":
        return decimal(value)
    return float(value) if representation in ("FL", "FD") else round(value)


def written_numbers(keyword: str, values: tuple[float, ...]) -> list[Any]:
    """Several numbers as the value representation of an element wants them."""
    return decimals(values) if dictionary_VR(keyword) == "DS" else [written_number(keyword, v) for v in values]


def exactly(count: int) -> Kind:
    """So many numbers, or none at all."""

    def read(dataset: Dataset, keyword: str) -> tuple[float, ...]:
        return required_numbers(dataset, keyword, count) if numbers(dataset, keyword) else ()

    return Kind(read, written_numbers, ())


TEXT = Kind(text, lambda keyword, value: value, "")
TEXTS = Kind(texts, lambda keyword, value: list(value), ())
NUMBER = Kind(number, written_number)
NUMBERS = Kind(numbers, written_numbers, ())
PAIRS = Kind(
    number_pairs, lambda keyword, value: written_numbers(keyword, tuple(x for pair in value for x in pair)), ()
)
WHOLE = Kind(whole_number, written_number)
REQUIRED_WHOLE = Kind(required_whole_number, written_number)


class Type(Enum):
    """Whether an attribute must have a value, must be there, or may be left out."""

    REQUIRED = 1
    KNOWN = 2
    OPTIONAL = 3


class Entry(Protocol):
    """One line of a table."""

    @property
    def field(self) -> str:
        """The field of the noun."""

    def read(self, item: Dataset, told: Told) -> Any:
        """The value in an item; what cannot be used is told."""

    def written_to(self, item: Dataset, value: Any) -> None:
        """Set the value in an item."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One field of a noun and the element that holds it."""

    field: str
    keyword: str
    kind: Kind
    type: Type

    def read(self, item: Dataset, told: Told) -> Any:
        """The value; raises where it cannot be used and the kind says that it must be there."""
        try:
            return self.kind.read(item, self.keyword)
        except OpenIgrtError as error:
            if self.kind is REQUIRED_WHOLE:
                raise
            told.append(error.sentence)
            return self.kind.nothing

    def written_to(self, item: Dataset, value: Any) -> None:
        """Set the element, empty or not at all where there is no value; raises MissingInput where it must have one."""
        if value != self.kind.nothing:
            setattr(item, self.keyword, self.kind.write(self.keyword, value))
        elif self.type is Type.REQUIRED:
            raise MissingInput(
                f"{self.keyword} cannot be written without a value (type 1, PS3.5 7.4.1); state {self.field}.",
                field=self.field,
            )
        elif self.type is Type.KNOWN:
            setattr(item, self.keyword, None)


def required(field: str, keyword: str, kind: Kind = TEXT) -> Attribute:
    """An attribute of type 1."""
    return Attribute(field, keyword, kind, Type.REQUIRED)


def known(field: str, keyword: str, kind: Kind = TEXT) -> Attribute:
    """An attribute of type 2: empty where the value is not known."""
    return Attribute(field, keyword, kind, Type.KNOWN)


def optional(field: str, keyword: str, kind: Kind = TEXT) -> Attribute:
    """An attribute of type 3, or one that only some items have."""
    return Attribute(field, keyword, kind, Type.OPTIONAL)


@dataclass(frozen=True, slots=True)
class Table(Generic[Noun]):
    """All attributes of one noun; `counts` are elements that say how many values a field has."""

    noun: Callable[..., Noun]
    entries: tuple[Entry, ...]
    counts: tuple[tuple[str, str], ...] = ()

    def read(self, item: Dataset, told: Told) -> Noun:
        """The noun that an item holds."""
        return self.noun(**{entry.field: entry.read(item, told) for entry in self.entries})

    def read_all(self, item: Dataset, keyword: str, told: Told) -> tuple[Noun, ...]:
        """The nouns in a sequence, but for items that cannot be used."""
        try:
            found = [self._usable(entry, told) for entry in items(item, keyword)]
        except OpenIgrtError as error:
            told.append(error.sentence)
            return ()
        return tuple(noun for noun in found if noun is not None)

    def _usable(self, item: Dataset, told: Told) -> Noun | None:
        """The noun in an item, None where it lacks a number that it must have."""
        try:
            return self.read(item, told)
        except OpenIgrtError as error:
            told.append(error.sentence)
            return None

    def write(self, noun: Noun) -> Dataset:
        """The item that holds the noun."""
        item = Dataset()
        self.written_to(item, noun)
        return item

    def written_to(self, item: Dataset, noun: Noun) -> None:
        """Set its elements in an item that may hold other things too."""
        for entry in self.entries:
            entry.written_to(item, getattr(noun, entry.field))
        for keyword, field in self.counts:
            setattr(item, keyword, len(getattr(noun, field)))


@dataclass(frozen=True, slots=True)
class Embedded:
    """A field that is a noun of its own, whose elements stand beside the others in the same item."""

    field: str
    table: Table[Any]

    def read(self, item: Dataset, told: Told) -> Any:
        """The noun."""
        return self.table.read(item, told)

    def written_to(self, item: Dataset, value: Any) -> None:
        """Set its elements."""
        self.table.written_to(item, value)


@dataclass(frozen=True, slots=True)
class Many:
    """A field that holds the nouns of a sequence, which is left out when it is empty."""

    field: str
    keyword: str
    table: Table[Any]

    def read(self, item: Dataset, told: Told) -> Any:
        """The nouns."""
        return self.table.read_all(item, self.keyword, told)

    def written_to(self, item: Dataset, value: Any) -> None:
        """Set the sequence."""
        if value:
            setattr(item, self.keyword, [self.table.write(noun) for noun in value])


@dataclass(frozen=True, slots=True)
class One:
    """A field that holds the noun of a sequence of one item, None where there is none."""

    field: str
    keyword: str
    table: Table[Any]

    def read(self, item: Dataset, told: Told) -> Any:
        """The noun, or None."""
        return next(iter(self.table.read_all(item, self.keyword, told)), None)

    def written_to(self, item: Dataset, value: Any) -> None:
        """Set the sequence."""
        if value is not None:
            setattr(item, self.keyword, [self.table.write(value)])
