"""What stands beside the projections of a scan, and what the caller knows where files are silent."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from openigrt.errors import AmbiguousInput, InputError, UnreadableFile
from openigrt.files.xml_reading import XmlElement, read_xml
from openigrt.images import Quantity
from openigrt.machine import Imager

MOST_XML_FILES = 50
LEVELS_UP = 3
_OPTIONS = {"imager": "--machine", "geometry": "--geometry", "quantity": "--quantity", "spacing_mm": "--spacing"}


@dataclass(frozen=True, slots=True)
class ScanDefaults:
    """What the caller knows where the files of a scan are silent.

    `imager` is that of the machine file; `geometry` RTK's file where it does not stand beside the stack; `quantity` and
    `spacing_mm` (between columns, between rows) say of stacks and of TIFF what these do not.
    """

    imager: Imager | None = None
    geometry: Path | None = None
    quantity: Quantity | None = None
    spacing_mm: tuple[float, float] | None = None

    def require_open(self, left_open: Collection[str], kind: str) -> None:
        """Raise InputError for what is said here and files of this `kind` state themselves; nothing goes unheard."""
        for name, option in _OPTIONS.items():
            if name == "imager" and self.imager is not None and self.imager.has_corrections:
                continue
            if getattr(self, name) is not None and name not in left_open:
                raise InputError(f"{kind} projections state themselves what {option} says; leave {option} out.")


def file_above(folder: Path, name: str) -> Path | None:
    """A file of this name in a folder, or in one of the two above it."""
    for place in (folder, *folder.parents)[:LEVELS_UP]:
        if (place / name).is_file():
            return place / name
    return None


def xml_beside(folder: Path, is_wanted: Callable[[XmlElement], bool], what: str) -> Path | None:
    """The one XML file of a folder that is wanted, None where there is none.

    Raises AmbiguousInput for several, and UnreadableFile where the only ones that it could be are damaged.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".xml" and path.is_file())
    found, damaged = [], []
    for path in files[:MOST_XML_FILES]:
        try:
            if is_wanted(read_xml(path)):
                found.append(path)
        except InputError as error:
            damaged.append(error)
    if len(found) > 1:
        raise AmbiguousInput(
            f"{folder} holds {len(found)} files of {what} ({', '.join(path.name for path in found[:3])}); keep the one "
            "that belongs to the projections.",
            found=[str(path) for path in found],
        )
    if damaged and not found:
        raise UnreadableFile(f"Of the XML files in {folder} none is {what}, and one is not read: {damaged[0].sentence}")
    return found[0] if found else None
