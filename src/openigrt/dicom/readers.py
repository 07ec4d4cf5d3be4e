"""Which reader takes which object, and everything in a folder read whole."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from pydicom import Dataset
from pydicom.uid import (
    DeformableSpatialRegistrationStorage,
    RTBeamsDeliveryInstructionStorage,
    SpatialRegistrationStorage,
    SurfaceScanPointCloudStorage,
)

from openigrt.dicom.dataset.elements import name_of, naming, text
from openigrt.dicom.dataset.finding import Finding, Severity
from openigrt.dicom.dataset.inventory import (
    DOSE_CLASSES,
    FIDUCIAL_CLASSES,
    IMAGE_CLASSES,
    PLAN_CLASSES,
    PROJECTION_CLASSES,
    SEGMENTATION_CLASSES,
    STRUCTURE_SET_CLASSES,
    SURFACE_CLASSES,
    ULTRASOUND_CLASSES,
    Inventory,
)
from openigrt.dicom.dataset.load import read_object
from openigrt.dicom.doses.dose import read_dose
from openigrt.dicom.folders.links import Links
from openigrt.dicom.images.choice import ImageChoice, phases_in
from openigrt.dicom.images.rt_image import read_projections
from openigrt.dicom.images.segmentation import read_segmentation
from openigrt.dicom.images.series import read_image_series
from openigrt.dicom.images.surface import read_meshes, read_point_cloud
from openigrt.dicom.images.ultrasound import read_ultrasound
from openigrt.dicom.plans.plan import PlanDefaults, read_plan
from openigrt.dicom.records.delivery_instruction import read_delivery_instruction
from openigrt.dicom.records.treatment_record import RECORD_CLASSES, read_treatment_record
from openigrt.dicom.registrations.deformable import read_deformable_registration
from openigrt.dicom.registrations.fiducials import read_fiducials
from openigrt.dicom.registrations.spatial import read_spatial_registration
from openigrt.dicom.structures.structure_set import read_structure_set
from openigrt.errors import OpenIgrtError, UnsupportedInput

OBJECTS_PAGE = "docs/reference/objects.md"

Reader = Callable[[Dataset], object]

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        **dict.fromkeys(STRUCTURE_SET_CLASSES, read_structure_set),
        **dict.fromkeys(PLAN_CLASSES, read_plan),
        **dict.fromkeys(DOSE_CLASSES, read_dose),
        **dict.fromkeys(PROJECTION_CLASSES, read_projections),
        **dict.fromkeys(FIDUCIAL_CLASSES, read_fiducials),
        **dict.fromkeys(SEGMENTATION_CLASSES, read_segmentation),
        **dict.fromkeys(SURFACE_CLASSES, read_meshes),
        **dict.fromkeys(ULTRASOUND_CLASSES, read_ultrasound),
        **dict.fromkeys(RECORD_CLASSES, read_treatment_record),
        SurfaceScanPointCloudStorage: read_point_cloud,
        SpatialRegistrationStorage: read_spatial_registration,
        DeformableSpatialRegistrationStorage: read_deformable_registration,
        RTBeamsDeliveryInstructionStorage: read_delivery_instruction,
    }
)
READ_CLASSES = (*IMAGE_CLASSES, *READERS)


def read_any(dataset: Dataset) -> object:
    """What the reader of its class makes of an object that is no image slice; raises UnsupportedInput without one."""
    with naming(dataset):
        sop_class_uid = text(dataset, "SOPClassUID")
    if sop_class_uid not in READERS:
        raise UnsupportedInput(f"{name_of(dataset)} is of a class that is not read; see {OBJECTS_PAGE}.")
    return READERS[sop_class_uid](dataset)


def find_unreadable(
    inventory: Inventory, links: Links, told: Callable[[int, int], None] = lambda done, count: None
) -> Iterator[Finding]:
    """Read every image series and every other object of a folder whole, and yield what is refused, with the reason.

    `told` hears how many are done, and how many there are. An object of a class that nobody reads is no finding here.
    """
    readings = list(_readings(inventory, links))
    for done, (uid, read) in enumerate(readings):
        told(done, len(readings))
        try:
            read()
        except OpenIgrtError as error:
            severity = Severity.WARNING if isinstance(error, UnsupportedInput) else Severity.ERROR
            yield Finding(severity, error.sentence, "It cannot be used as it is.", (uid,))
    told(len(readings), len(readings))


def _readings(inventory: Inventory, links: Links) -> Iterator[tuple[str, Callable[[], object]]]:
    """UID and reading of each series and object."""
    for series in inventory.series:
        if series.sop_class_uid in IMAGE_CLASSES:
            for phase in phases_in(series) or ("",):
                yield series.uid, partial(read_image_series, series, choice=ImageChoice(phase=str(phase)))
        elif series.sop_class_uid in READERS:
            for instance in series.instances:
                reader = READERS[series.sop_class_uid]
                if series.sop_class_uid in PLAN_CLASSES:
                    reader = partial(read_plan, defaults=PlanDefaults(links.frame_uid_of(instance)))
                yield instance.uid, partial(_read, reader, instance.path)


def _read(reader: Reader, path: Path) -> object:
    """What a reader makes of the object in a file."""
    return reader(read_object(path)[0])
