"""The Spatial Registrations of a folder, and where they contradict each other within its images."""

from collections.abc import Iterable

import numpy as np
from pydicom.uid import SpatialRegistrationStorage

from openigrt.dicom.dataset.elements import naming, required_numbers, required_whole_number
from openigrt.dicom.dataset.functional_groups import FrameGroups, read_frames
from openigrt.dicom.dataset.inventory import IMAGE_CLASSES, MULTI_FRAME_CLASSES, Instance, Inventory, Series
from openigrt.dicom.dataset.load import read_object
from openigrt.dicom.registrations.chain import Disagreement, disagreements, rigid_links
from openigrt.dicom.registrations.spatial import SpatialRegistration, read_spatial_registration
from openigrt.errors import OpenIgrtError
from openigrt.geometry import Float64Array

TOLERATED_MM = 1.0


def registrations_of(inventory: Inventory) -> tuple[tuple[Instance, SpatialRegistration | OpenIgrtError], ...]:
    """Every Spatial Registration of a folder, or why it cannot be read."""
    found: list[tuple[Instance, SpatialRegistration | OpenIgrtError]] = []
    for instance in inventory.instances_of((SpatialRegistrationStorage,)):
        try:
            found.append((instance, read_spatial_registration(read_object(instance.path)[0])))
        except OpenIgrtError as error:
            found.append((instance, error))
    return tuple(found)


def contradictions(inventory: Inventory, registrations: Iterable[SpatialRegistration]) -> tuple[Disagreement, ...]:
    """Rigid registrations that contradict a chain of others by more than 1 mm within an image of the folder.

    Raises InconsistentInput and UnsupportedInput as `rigid_links` does.
    """
    links, _ = rigid_links({registration.uid: registration for registration in registrations}.values())
    corners_mm: dict[str, list[Float64Array]] = {}
    for series in inventory.of_classes(IMAGE_CLASSES) if links else ():
        try:
            corners_mm.setdefault(series.instances[0].frame_uid, []).append(_corners_mm(series))
        except OpenIgrtError:
            continue  # what is wrong with the slices is found elsewhere
    return disagreements(links, {uid: np.concatenate(found) for uid, found in corners_mm.items()}, TOLERATED_MM)


def _corners_mm(series: Series) -> Float64Array:
    """The corners of all slices of a series (n, 3)."""
    return np.concatenate(
        [
            _corners_of_slice_mm(instance, frame)
            for instance in series.instances
            for frame in (read_frames(instance) if instance.sop_class_uid in MULTI_FRAME_CLASSES else (None,))
        ]
    )


def _corners_of_slice_mm(instance: Instance, frame: FrameGroups | None) -> Float64Array:
    """The corners of one slice, or of one frame of an enhanced image (4, 3)."""

    def stated(keyword: str, count: int) -> tuple[float, ...]:
        return required_numbers(frame.holder(keyword) if frame else instance.header, keyword, count)

    with naming(instance.header):
        position_mm = np.array(stated("ImagePositionPatient", 3))
        axes = np.array(stated("ImageOrientationPatient", 6)).reshape(2, 3)
        row_spacing_mm, column_spacing_mm = stated("PixelSpacing", 2)
        across = axes[0] * column_spacing_mm * (required_whole_number(instance.header, "Columns") - 1)
        down = axes[1] * row_spacing_mm * (required_whole_number(instance.header, "Rows") - 1)
    return np.array([position_mm, position_mm + across, position_mm + down, position_mm + across + down])
