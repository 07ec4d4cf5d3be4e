"""Spatial Registrations that lie in folders: what each says, when and by whom it was made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydicom import Dataset
from pydicom.uid import DeformableSpatialRegistrationStorage

from openigrt.dicom.dataset.elements import moment, naming, text
from openigrt.dicom.dataset.inventory import REGISTRATION_CLASSES, Instance, Inventory
from openigrt.dicom.dataset.load import InputFile, read_object
from openigrt.dicom.registrations.spatial import SpatialRegistration, read_spatial_registration
from openigrt.errors import InputError

OURS = "OpenIGRT"


@dataclass(frozen=True, eq=False, slots=True)
class StatedRegistration:
    """A Spatial Registration: what it says, when it was made (UTC), what it is called, who made it, and its file."""

    registration: SpatialRegistration
    created_at: datetime | None
    name: str
    maker: str
    file: InputFile


@dataclass(frozen=True, eq=False, slots=True)
class FoundRegistrations:
    """Registrations of other systems, and in sentences: what was left aside, and what cannot be read."""

    stated: tuple[StatedRegistration, ...]
    left_aside: tuple[str, ...]
    unreadable: tuple[str, ...]


def read_stated_registrations(instances: Iterable[Instance]) -> FoundRegistrations:
    """All registrations of these objects, each UID once; our own and deformable ones are left aside."""
    stated, left_aside, unreadable = [], [], []
    for instance in {i.uid or str(i.path): i for i in instances}.values():
        if instance.sop_class_uid == DeformableSpatialRegistrationStorage:
            left_aside.append(f"{instance.path.name}: a Deformable Spatial Registration moves no couch.")
            continue
        try:
            found = _read(instance)
        except InputError as error:
            unreadable.append(f"The registration {instance.path.name} cannot be read: {error.sentence}")
            continue
        if found.maker == OURS:
            left_aside.append(f"{instance.path.name}: a registration by OpenIGRT itself.")
        else:
            stated.append(found)
    return FoundRegistrations(tuple(stated), tuple(left_aside), tuple(unreadable))


def registrations_in(*inventories: Inventory) -> tuple[Instance, ...]:
    """The registration objects of folders."""
    return tuple(instance for inventory in inventories for instance in inventory.instances_of(REGISTRATION_CLASSES))


def _read(instance: Instance) -> StatedRegistration:
    """One registration; raises an InputError where it is none that can be read."""
    dataset, file = read_object(instance.path)
    registration = read_spatial_registration(dataset)
    with naming(dataset):
        names = (text(dataset, keyword) for keyword in ("ContentDescription", "ContentLabel", "SeriesDescription"))
        return StatedRegistration(
            registration,
            _created_at(dataset),
            next((name for name in names if name), "without name"),
            text(dataset, "Manufacturer"),
            file,
        )


def _created_at(dataset: Dataset) -> datetime | None:
    """When a registration was made, UTC: its content, else the instance, else the series."""
    kinds = (
        ("ContentDate", "ContentTime"),
        ("InstanceCreationDate", "InstanceCreationTime"),
        ("SeriesDate", "SeriesTime"),
    )
    moments = (moment(dataset, *kind) for kind in kinds)
    return next((found for found in moments if found is not None), None)
