"""Prints what `openigrt deidentify` does to every attribute that a list names, as Markdown on standard output.

python docs/reference/list_attributes.py > docs/reference/deidentified_attributes.md
"""

import sys
from collections.abc import Iterator

from pydicom.datadict import keyword_for_tag

from openigrt.dicom import Option, basic_rows, profile_with

FIRST_GROUP_OF_OBJECTS = 0x0008
HEAD = """# Attributes that `openigrt deidentify` treats by name

Made by `list_attributes.py` from `openigrt/dicom/deidentification/data/confidentiality.toml`. *Standard* is the action
of the Basic Profile in PS3.15 table E.1-1 (2026c), empty for additions;
[what the other words mean](deidentify.md#what-is-done-to-an-attribute). An attribute that is not in this list is
treated by its value representation, a private one is removed but for [a few numbers](deidentify.md#private-elements).

| attribute | tag | standard | here | with `--keep` |
|---|---|---|---|---|
"""


def rows() -> Iterator[str]:
    """One line for each tag."""
    standard, plain = basic_rows(), profile_with().actions
    demanded = {option: profile_with(frozenset({option})).actions for option in Option}
    for tag in sorted(tag for tag in plain if tag >> 16 >= FIRST_GROUP_OF_OBJECTS):
        kept = [f"{option}: {actions[tag]}" for option, actions in demanded.items() if actions[tag] is not plain[tag]]
        name, place = keyword_for_tag(tag) or "(no keyword)", f"{tag >> 16:04X},{tag & 0xFFFF:04X}"
        yield f"| {name} | {place} | {standard.get(tag, '')} | {plain[tag]} | {', '.join(kept)} |\n"


if __name__ == "__main__":
    sys.stdout.write(HEAD)
    sys.stdout.writelines(rows())
