"""MR images as series of single slices (PS3.3 A.4, C.8.3.1)."""

from collections.abc import Iterator

import numpy as np
from pydicom import Dataset
from pydicom.uid import MRImageStorage

from openigrt.dicom.dataset.headers import SeriesHeader, decimal, new_dataset
from openigrt.dicom.images.written_slices import set_acquisition, set_image_plane, set_pixels, slice_uids, stored_values
from openigrt.errors import UnsupportedInput
from openigrt.images import DistortionCorrection, Echo, Image, Modality, MrSequence

PROTON_MHZ_PER_TESLA = 42.577478518
DISTORTION_WORDS = {
    DistortionCorrection.VOLUME: ["DIS3D"],
    DistortionCorrection.IN_PLANE: ["DIS2D"],
    DistortionCorrection.NONE: ["ND"],
    DistortionCorrection.UNKNOWN: [],
    None: [],
}


def write_mr_series(image: Image, series: SeriesHeader, sequence: MrSequence) -> Iterator[Dataset]:
    """One MR Image data set per slice, rounded to integers; NaN becomes padding.

    The correction for distortion is that of the image's provenance, in Image Type. Raises UnsupportedInput for other
    modalities and for values that 16 bits cannot hold.
    """
    if image.modality is not Modality.MR:
        raise UnsupportedInput(f"Only MR can be written as MR slices, not {image.modality}.")
    for k, uid in enumerate(slice_uids(image, series.uid)):
        dataset = new_dataset(series, "MR", MRImageStorage, uid)
        _set_mr_image(dataset, image, sequence)
        set_acquisition(dataset, image)
        set_image_plane(dataset, image, k)
        set_pixels(dataset, stored_values(image.voxels[k]))
        yield dataset


def _set_mr_image(dataset: Dataset, image: Image, sequence: MrSequence) -> None:
    """MR Image module."""
    origin = "DERIVED" if image.provenance.is_derived else "ORIGINAL"
    words = DISTORTION_WORDS[image.provenance.distortion_correction]
    dataset.ImageType = [origin, "PRIMARY", "OTHER", *words]
    dataset.ScanningSequence = str(sequence.echo)
    dataset.SequenceVariant = "SP" if sequence.echo is Echo.GRADIENT else "SK"
    dataset.ScanOptions = ""
    dataset.MRAcquisitionType = "3D" if sequence.echo is Echo.GRADIENT else "2D"
    dataset.RepetitionTime = decimal(sequence.repetition_time_ms)
    dataset.EchoTime = decimal(sequence.echo_time_ms)
    dataset.EchoTrainLength = sequence.echo_train
    dataset.FlipAngle = decimal(sequence.flip_angle_deg)
    dataset.MagneticFieldStrength = decimal(sequence.field_strength_tesla)
    dataset.ImagingFrequency = decimal(PROTON_MHZ_PER_TESLA * sequence.field_strength_tesla)
    dataset.ImagedNucleus = "1H"
    dataset.PixelBandwidth = decimal(sequence.bandwidth_hz)
    dataset.InPlanePhaseEncodingDirection = "ROW" if sequence.reads_columns else "COL"
    dataset.AcquisitionNumber = 1
    finite = image.voxels[np.isfinite(image.voxels)]
    if finite.size:
        middle, width = float(np.percentile(finite, 50)), float(np.percentile(finite, 99)) + 1.0
        dataset.WindowCenter, dataset.WindowWidth = decimal(max(middle, width / 2.0)), decimal(width)
