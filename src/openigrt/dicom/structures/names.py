"""Names of structures in a folder, looked up in a clinic's alias file."""

from collections.abc import Iterator

from openigrt.dicom.dataset.finding import Finding, Severity
from openigrt.dicom.dataset.inventory import STRUCTURE_SET_CLASSES, Inventory
from openigrt.dicom.dataset.load import read_object
from openigrt.dicom.structures.structure_set import read_structure_set
from openigrt.errors import OpenIgrtError
from openigrt.patient import Aliases


def find_unknown_names(inventory: Inventory, aliases: Aliases) -> Iterator[Finding]:
    """What the alias file does not know, knows twice, or knows in another role, in each structure set of a folder."""
    for instance in inventory.instances_of(STRUCTURE_SET_CLASSES):
        about = (instance.uid,)
        try:
            structures, _ = read_structure_set(read_object(instance.path)[0])
        except OpenIgrtError as error:
            yield Finding(Severity.ERROR, error.sentence, "Export the structures again.", about)
            continue
        for sentence in aliases.applied(structures)[1]:
            advice = "Add or correct the alias, or rename the structure where it was drawn."
            yield Finding(Severity.WARNING, f"{structures.label!r}: {sentence}", advice, about)
