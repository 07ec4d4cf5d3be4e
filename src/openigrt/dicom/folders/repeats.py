"""Objects that lie in a folder more than once: copies, and different objects under one UID."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from openigrt.dicom.dataset.elements import PYDICOM_FAILURES, lenient
from openigrt.dicom.dataset.inventory import Inventory
from openigrt.dicom.dataset.load import read_content, read_object


@dataclass(frozen=True, slots=True)
class Repeats:
    """Files that hold what another file holds, and by UID those that share it with another object."""

    copies: tuple[Path, ...]
    conflicts: Mapping[str, tuple[Path, ...]]


def repeats_of(inventory: Inventory) -> Repeats:
    """The files of a folder whose SOP Instance UID another file has too; the first of equal files is no copy."""
    by_uid: dict[str, list[Path]] = defaultdict(list)
    for instance in inventory.instances():
        by_uid[instance.uid].append(instance.path)
    copies: list[Path] = []
    conflicts = {}
    for uid, (first, *others) in by_uid.items():
        if not uid or not others:
            continue
        if all(_is_copy(first, other) for other in others):
            copies += others
        else:
            conflicts[uid] = (first, *others)
    return Repeats(tuple(copies), conflicts)


def _is_copy(one: Path, other: Path) -> bool:
    """Whether two files hold the same bytes, or the same elements in another encoding."""
    if read_content(one) == read_content(other):
        return True
    try:
        with lenient():
            return bool(read_object(one)[0] == read_object(other)[0])
    except PYDICOM_FAILURES:
        return False  # a value that cannot be converted cannot be compared
