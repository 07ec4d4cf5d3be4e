"""What the slices of every image that is written have in common: UIDs, place, time and pixels."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID

from openigrt.dicom.dataset.headers import date_and_time, decimals
from openigrt.dicom.images.couch import set_couch
from openigrt.errors import UnsupportedInput
from openigrt.images import Image

PADDING_VALUE = -32768
STORED_LIMITS = (-32767, 32767)


def slice_uids(image: Image, series_uid: str) -> tuple[str, ...]:
    """UIDs of the slices of an image: those of its provenance, else those of its series."""
    known = () if image.provenance.is_resampled else image.provenance.instance_uids
    return known if len(known) == image.grid.size[2] else instance_uids(series_uid, image.grid.size[2])


def instance_uids(series_uid: str, count: int) -> tuple[str, ...]:
    """UIDs of the slices of a series that is written: the series UID with 1, 2, 3... appended."""
    return tuple(f"{series_uid}.{k + 1}" for k in range(count))


def stored_values(voxels: NDArray[np.float32]) -> NDArray[np.int16]:
    """Rounded int16 of float voxels, NaN as padding; raises UnsupportedInput where they do not fit."""
    finite = np.isfinite(voxels)
    rounded = np.rint(np.where(finite, voxels, 0.0))
    if rounded.min() < STORED_LIMITS[0] or rounded.max() > STORED_LIMITS[1]:
        raise UnsupportedInput(
            f"Values from {rounded.min():.0f} to {rounded.max():.0f} do not fit 16 bits; clip or rescale them first."
        )
    return np.where(finite, rounded, PADDING_VALUE).astype(np.int16)


def set_acquisition(dataset: Dataset, image: Image) -> None:
    """When and in which frame an image was taken, and where patient and couch were (PS3.3 C.7.6.1, C.7.4.1).

    The phase of an image stands in its comments, where readers look for it in slices that are mixed with others.
    """
    provenance = image.provenance
    if provenance.acquired_at is not None:
        dataset.AcquisitionDate, dataset.AcquisitionTime = date_and_time(provenance.acquired_at)
        dataset.ContentDate, dataset.ContentTime = dataset.AcquisitionDate, dataset.AcquisitionTime
    dataset.PatientPosition = provenance.patient_position or ""
    if provenance.couch is not None:
        set_couch(dataset, provenance.couch)
    if provenance.phase is not None:
        dataset.ImageComments = str(provenance.phase)
    dataset.FrameOfReferenceUID = UID(image.frame.uid)
    dataset.PositionReferenceIndicator = dataset.Laterality = ""


def set_image_plane(dataset: Dataset, image: Image, k: int) -> None:
    """Image Plane module (PS3.3 C.7.6.2): PixelSpacing is row spacing, then column spacing."""
    grid = image.grid
    dataset.InstanceNumber = k + 1
    dataset.ImagePositionPatient = decimals(grid.points((0, 0, k)))
    dataset.ImageOrientationPatient = decimals([*grid.direction[:, 0], *grid.direction[:, 1]])
    dataset.PixelSpacing = decimals([grid.spacing_mm[1], grid.spacing_mm[0]])
    dataset.SliceThickness = decimals([grid.spacing_mm[2]])[0]


def set_pixels(dataset: Dataset, stored: NDArray[np.int16]) -> None:
    """Image Pixel module (PS3.3 C.7.6.3): 16 bits, two's complement."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.PixelPaddingValue = PADDING_VALUE
    dataset.PixelData = stored.astype("<i2").tobytes()
