"""`python -m benchmarks.objects`: every DICOM file at hand, read whole or refused with a sentence, as Markdown tables.

The files are the real data (OPENIGRT_DATA), each set as a folder, and pydicom's own test files: folders of slices as a
whole, every other file by itself.
"""

import argparse
import os
import re
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pydicom.data

from openigrt.dicom import IMAGE_CLASSES, READERS, Inventory, find_unreadable, links_of, scan_folder
from openigrt.errors import OpenIgrtError

NAMES_SHOWN = 3
NO_DATA = (".py", ".pyc", ".json", ".txt", ".md")
READ = "read"

Row = tuple[str, str, str]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("OPENIGRT_DATA"), help="real data (OPENIGRT_DATA)")
    words = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    if words.data:
        folders = sorted(path for path in Path(words.data).iterdir() if path.is_dir())
        _print("Real data", (row for folder in folders for row in _outcomes(folder, folder.name)))
    places = sorted({place for path in Path(pydicom.data.__file__).parent.rglob("*") for place in _places(path)})
    _print("Test files of pydicom", (row for place in places for row in _outcomes(place, place.name)))


def _places(path: Path) -> tuple[Path, ...]:
    """What is read together with a file of pydicom: its folder where that is one of slices; nothing with code."""
    if not path.is_file() or path.suffix in NO_DATA or "__pycache__" in path.parts:
        return ()
    return (path.parent if "dicomdirtests" in path.parts[:-2] else path,)


def _outcomes(path: Path, name: str) -> Iterator[Row]:
    """Name, object and outcome of everything in a folder or file."""
    try:
        inventory = scan_folder(path)
    except OpenIgrtError as error:
        yield name, "", f"refused: {_general(error.sentence, path)}"
        return
    refused = {uid: f.sentence for f in find_unreadable(inventory, links_of(inventory)) for uid in f.about}
    for uid, kind, sop_class_uid in _units(inventory):
        if sop_class_uid not in (*IMAGE_CLASSES, *READERS):
            yield name, kind, "named, not read"
        else:
            yield name, kind, f"refused: {_general(refused[uid], path)}" if uid in refused else READ


def _units(inventory: Inventory) -> Iterator[tuple[str, str, str]]:
    """UID, kind and class of each image series and each other object."""
    for series in inventory.series:
        if series.sop_class_uid in IMAGE_CLASSES:
            yield series.uid, f"{series.instances[0].class_name} series", series.sop_class_uid
        else:
            yield from ((i.uid, i.class_name, i.sop_class_uid) for i in series.instances)


def _general(sentence: str, path: Path) -> str:
    """A sentence without places, UIDs and what stands in brackets, so that equal ones are counted together."""
    for place in (f"{path}/", str(path), path.name):
        sentence = sentence.replace(place, "" if place.endswith("/") else "the file")
    sentence = re.sub(r" \([^()]*(\([^()]*\)[^()]*)*\)", "", re.sub(r"\b[\d.]{12,}\b", "UID", sentence))
    return re.sub(r"^\w+ of series UID", "the file of series UID", sentence).replace("|", "/")


def _print(title: str, rows: Iterable[Row]) -> None:
    """One table, equal outcomes on one line."""
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, kind, outcome in rows:
        grouped[kind, outcome].append(name)
    read = sum(len(names) for (_, outcome), names in grouped.items() if outcome == READ)
    total = sum(map(len, grouped.values()))
    sys.stdout.write(
        f"\n## {title}\n\n{total} objects, {read} read.\n\n| object | outcome | how many, where |\n|---|---|---|\n"
    )
    for (kind, outcome), names in sorted(grouped.items(), key=lambda entry: (entry[0][1] != READ, entry[0])):
        places = list(dict.fromkeys(names))
        more = f" and {len(places) - NAMES_SHOWN} more" if len(places) > NAMES_SHOWN else ""
        sys.stdout.write(f"| {kind} | {outcome} | {len(names)}: {', '.join(places[:NAMES_SHOWN])}{more} |\n")


if __name__ == "__main__":
    main()
