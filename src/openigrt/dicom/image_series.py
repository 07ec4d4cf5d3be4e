"""Series of CT, cone-beam CT, MR and PET slices to and from images."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID, CTImageStorage

from openigrt.dicom.headers import SeriesHeader, date_and_time, decimals, new_dataset
from openigrt.errors import UnsupportedInput
from openigrt.images import Image, Modality

PADDING_VALUE = -32768
STORED_LIMITS = (-32767, 32767)


def write_image_series(image: Image, series: SeriesHeader) -> Iterator[Dataset]:
    """One CT Image data set per slice of a CT or cone-beam CT, in HU rounded to integers; NaN becomes padding.

    Instance UIDs are those of the image's provenance, or `series.uid` with the slice number appended. Raises
    UnsupportedInput for other modalities and for values that 16 bits cannot hold.
    """
    if image.modality not in (Modality.CT, Modality.CBCT):
        raise UnsupportedInput(f"Only CT and cone-beam CT can be written as CT slices, not {image.modality}.")
    known = image.provenance.instance_uids
    uids = known if len(known) == image.grid.size[2] else instance_uids(series.uid, image.grid.size[2])
    for k, uid in enumerate(uids):
        dataset = new_dataset(series, "CT", CTImageStorage, uid)
        _set_ct_image(dataset, image)
        _set_image_plane(dataset, image, k)
        _set_pixels(dataset, stored_values(image.voxels[k]))
        yield dataset


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


def _set_ct_image(dataset: Dataset, image: Image) -> None:
    """CT Image, General Image and Frame of Reference modules (PS3.3 C.8.2.1, C.7.6.1, C.7.4.1)."""
    provenance = image.provenance
    dataset.ImageType = ["DERIVED" if provenance.is_derived else "ORIGINAL", "PRIMARY", "AXIAL"]
    if image.modality is Modality.CBCT:
        dataset.ImageType.append("CBCT")
    dataset.KVP = ""
    dataset.AcquisitionNumber = 1
    if provenance.acquired_at is not None:
        dataset.AcquisitionDate, dataset.AcquisitionTime = date_and_time(provenance.acquired_at)
        dataset.ContentDate, dataset.ContentTime = dataset.AcquisitionDate, dataset.AcquisitionTime
    dataset.PatientPosition = provenance.patient_position or ""
    dataset.FrameOfReferenceUID = UID(image.frame.uid)
    dataset.PositionReferenceIndicator = dataset.Laterality = ""
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "HU"


def _set_image_plane(dataset: Dataset, image: Image, k: int) -> None:
    """Image Plane module (PS3.3 C.7.6.2): PixelSpacing is row spacing, then column spacing."""
    grid = image.grid
    dataset.InstanceNumber = k + 1
    dataset.ImagePositionPatient = decimals(grid.points((0, 0, k)))
    dataset.ImageOrientationPatient = decimals([*grid.direction[:, 0], *grid.direction[:, 1]])
    dataset.PixelSpacing = decimals([grid.spacing_mm[1], grid.spacing_mm[0]])
    dataset.SliceThickness = decimals([grid.spacing_mm[2]])[0]


def _set_pixels(dataset: Dataset, stored: NDArray[np.int16]) -> None:
    """Image Pixel module (PS3.3 C.7.6.3): 16 bits, two's complement."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.PixelPaddingValue = PADDING_VALUE
    dataset.PixelData = stored.astype("<i2").tobytes()
