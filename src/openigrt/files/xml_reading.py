"""Small XML files from outside, read without entities and within bounds.

Entities are the ways in which XML does harm: they fetch other files and multiply (OWASP, XML External Entity
Prevention). Expat tells of each before it is used, and none is let in; a document type without entities is harmless.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from openigrt.errors import UnreadableFile, UnsupportedInput

LARGEST_BYTES = 2**24
MOST_ELEMENTS = 200_000
DEEPEST = 50
LARGEST_NUMBER = 1e6


@dataclass(eq=False, slots=True)
class XmlElement:
    """An element: its name without namespace, attributes, text between its tags, and the elements within."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list["XmlElement"] = field(default_factory=list)

    def all(self, name: str) -> Iterator["XmlElement"]:
        """Every element of this name at any depth within, in the order of the file."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)

    def word(self, name: str) -> str | None:
        """Text of the first element of this name at any depth within, None where there is none or it is empty."""
        found = next(self.all(name), None)
        return (found.text.strip() or None) if found is not None else None

    def number(self, name: str) -> float | None:
        """Number in the first element of this name within, None where it is absent or empty; raises UnreadableFile."""
        said = self.word(name)
        return None if said is None else number_of(said, name)


def number_of(word: str, name: str) -> float:
    """A finite number of bearable size; raises UnreadableFile that names where it stands."""
    try:
        value = float(word) if word.isascii() and "_" not in word else math.nan
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST_NUMBER:
        raise UnreadableFile(f"{name} is {word[:40]!r}; expected a number between -{LARGEST_NUMBER:g} and as much.")
    return value


class _Builder:
    """What Expat calls: elements are put together, what does harm is refused."""

    def __init__(self) -> None:
        """An element to hold the root, on the stack of open ones."""
        self.top = XmlElement("", {})
        self.open = [self.top]
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.count += 1
        if self.count > MOST_ELEMENTS or len(self.open) > DEEPEST:
            raise UnsupportedInput(f"over {MOST_ELEMENTS} elements, or elements over {DEEPEST} deep")
        element = XmlElement(name.rpartition(":")[2], attributes)
        self.open[-1].children.append(element)
        self.open.append(element)

    def end(self, name: str) -> None:
        """The innermost element ends."""
        self.open.pop()

    def characters(self, text: str) -> None:
        """Text of the innermost element, whole unless an element lies within it."""
        self.open[-1].text += text

    def refuse_entity(self, *_: object) -> None:
        """An entity is declared."""
        raise UnsupportedInput("entities")

    def refuse_reference(self, *_: object) -> int:
        """An entity outside of the file is asked for."""
        raise UnsupportedInput("entities")


def read_xml(path: Path) -> XmlElement:
    """The root element of a file.

    Raises UnreadableFile for what is no XML or cannot be read, UnsupportedInput for entities and for what is too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    if len(content) > LARGEST_BYTES:
        raise UnsupportedInput(f"{path} is over {LARGEST_BYTES} bytes of XML, more than is read.", path=str(path))
    return parse_xml(content, str(path))


def parse_xml(content: bytes, name: str) -> XmlElement:
    """The root element of XML called so in sentences; raises as `read_xml`."""
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.characters
    parser.EntityDeclHandler = builder.refuse_entity
    parser.ExternalEntityRefHandler = builder.refuse_reference
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UnreadableFile(f"{name} is damaged or no XML: {error}; write it again.", path=name) from None
    except (UnicodeError, LookupError, ValueError):
        raise UnreadableFile(f"{name} is damaged or no XML: its text cannot be decoded.", path=name) from None
    except UnsupportedInput as refusal:
        raise UnsupportedInput(f"{name} holds {refusal.sentence}, which are not read.", path=name) from None
    return builder.top.children[0]
