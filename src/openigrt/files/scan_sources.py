"""What stands beside the projections of a scan, and what the caller knows where files are silent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from openigrt.errors import AmbiguousInput, InputError
from openigrt.files.xml_reading import XmlElement, read_xml
from openigrt.images import Quantity
from openigrt.machine import Imager

MOST_XML_FILES = 50
LEVELS_UP = 3


@dataclass(frozen=True, slots=True)
class ScanDefaults:
    """What the caller knows where the files of a scan are silent; what they state always wins.

    `imager` is that of the machine file; `geometry` RTK's file where it does not stand beside the stack; `quantity` and
    `spacing_mm` (between columns, between rows) say of stacks and of TIFF what these do not.
    """

    imager: Imager | None = None
    geometry: Path | None = None
    quantity: Quantity | None = None
    spacing_mm: tuple[float, float] | None = None


def file_above(folder: Path, name: str) -> Path | None:
    """A file of this name in a folder, or in one of the two above it."""
    for place in (folder, *folder.parents)[:LEVELS_UP]:
        if (place / name).is_file():
            return place / name
    return None


def xml_beside(folder: Path, is_wanted: Callable[[XmlElement], bool], what: str) -> Path | None:
    """The one XML file of a folder that is wanted, None where there is none; raises AmbiguousInput for several."""
    found = [path for path, root in _xml_files(folder) if is_wanted(root)]
    if len(found) > 1:
        raise AmbiguousInput(
            f"{folder} holds {len(found)} files of {what} ({', '.join(path.name for path in found[:3])}); keep the one "
            "that belongs to the projections.",
            found=[str(path) for path in found],
        )
    return found[0] if found else None


def _xml_files(folder: Path) -> Iterator[tuple[Path, XmlElement]]:
    """XML files that can be read, with their roots."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".xml" and path.is_file())
    for path in files[:MOST_XML_FILES]:
        try:
            yield path, read_xml(path)
        except InputError:
            continue
