"""PET images as series of single slices (PS3.3 A.21, C.8.9), with all that an uptake value needs."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from pydicom import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from openigrt.dicom.dataset.headers import SeriesHeader, date_and_time, decimal, new_dataset
from openigrt.dicom.images.written_slices import (
    STORED_LIMITS,
    set_acquisition,
    set_image_plane,
    set_pixels,
    slice_uids,
    stored_values,
)
from openigrt.errors import MissingInput, UnsupportedInput
from openigrt.images import DecayCorrection, Image, Modality, Uptake

CM_PER_M = 100.0
MS_PER_S = 1000.0
FLUORINE = ("C-111A1", "SRT", "^18^Fluorine")
FLUORINE_HALF_LIFE_S, SAME_HALF_LIFE_S = 6586.2, 60.0
ACTIVITY = "BQML"


def write_pet_series(image: Image, series: SeriesHeader, uptake: Uptake, frame_s: float) -> Iterator[Dataset]:
    """One PET Image data set per slice of an activity concentration in Bq/ml, which was counted for `frame_s` seconds.

    Voxels are to be corrected for decay to the start of the scan. One slope holds for all slices; NaN becomes padding.
    Raises UnsupportedInput for other images and units, MissingInput for what an uptake value needs and is not there.
    """
    _require_writable(image, uptake)
    finite = image.voxels[np.isfinite(image.voxels)]
    slope = max(float(np.abs(finite).max(initial=0.0)) / STORED_LIMITS[1], 1e-12)
    slope = float(decimal(slope * (1.0 + 1e-9)))
    for k, uid in enumerate(slice_uids(image, series.uid)):
        dataset = new_dataset(series, "PT", PositronEmissionTomographyImageStorage, uid)
        _set_patient_and_tracer(dataset, uptake)
        _set_pet_series(dataset, image, uptake)
        _set_pet_image(dataset, uptake, k, slope, frame_s)
        set_acquisition(dataset, image)
        _set_times(dataset, uptake)
        set_image_plane(dataset, image, k)
        set_pixels(dataset, stored_values(image.voxels[k] / np.float32(slope)))
        yield dataset


def _require_writable(image: Image, uptake: Uptake) -> None:
    """Raise unless this is what can be written."""
    if image.modality is not Modality.PET:
        raise UnsupportedInput(f"Only PET can be written as PET slices, not {image.modality}.")
    if uptake.unit != ACTIVITY or uptake.decay_correction is not DecayCorrection.START:
        raise UnsupportedInput(
            f"PET is written in {ACTIVITY}, corrected for decay to the start of the scan; found {uptake.unit}, "
            f"{uptake.decay_correction or 'unknown'}."
        )
    needed = ("injected_activity_bq", "injected_at", "half_life_s", "decay_reference_at", "weight_kg")
    missing = [name for name in needed if getattr(uptake, name) is None]
    if missing:
        raise MissingInput(f"PET cannot be written without {', '.join(missing)}.", missing=missing)


def _set_patient_and_tracer(dataset: Dataset, uptake: Uptake) -> None:
    """Patient Study and PET Isotope modules (PS3.3 C.7.2.2, C.8.9.2)."""
    dataset.PatientWeight = decimal(float(uptake.weight_kg or 0.0))
    if uptake.height_cm is not None:
        dataset.PatientSize = decimal(uptake.height_cm / CM_PER_M)
    if uptake.sex is not None and not dataset.PatientSex:
        dataset.PatientSex = str(uptake.sex)
    tracer, nuclide = Dataset(), Dataset()
    half_life_s = float(uptake.half_life_s or 0.0)
    if abs(half_life_s - FLUORINE_HALF_LIFE_S) < SAME_HALF_LIFE_S:
        nuclide.CodeValue, nuclide.CodingSchemeDesignator, nuclide.CodeMeaning = FLUORINE
    tracer.RadionuclideCodeSequence = [nuclide] if len(nuclide) else []
    tracer.RadionuclideTotalDose = decimal(float(uptake.injected_activity_bq or 0.0))
    tracer.RadionuclideHalfLife = decimal(half_life_s)
    if uptake.injected_at is not None:
        date, time = date_and_time(uptake.injected_at)
        tracer.RadiopharmaceuticalStartTime = time
        tracer.RadiopharmaceuticalStartDateTime = f"{date}{time}+0000"
    dataset.RadiopharmaceuticalInformationSequence = [tracer]
    dataset.PatientOrientationCodeSequence = []
    dataset.PatientGantryRelationshipCodeSequence = []


def _set_pet_series(dataset: Dataset, image: Image, uptake: Uptake) -> None:
    """PET Series module (PS3.3 C.8.9.1)."""
    dataset.SeriesType = ["STATIC", "IMAGE"]
    dataset.Units, dataset.CountsSource = uptake.unit, "EMISSION"
    dataset.NumberOfSlices = image.grid.size[2]
    dataset.CorrectedImage = sorted(uptake.corrections)
    dataset.DecayCorrection = str(uptake.decay_correction)
    dataset.CollimatorType = "NONE"


def _set_pet_image(dataset: Dataset, uptake: Uptake, k: int, slope: float, frame_s: float) -> None:
    """PET Image module (PS3.3 C.8.9.4); the average count rate of a frame lies where `_counted_back` looks for it."""
    decays = np.log(2.0) / float(uptake.half_life_s or 1.0) * frame_s
    average_s = float(np.log(decays / -np.expm1(-decays)) / decays * frame_s)
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.ImageIndex = k + 1
    dataset.ActualFrameDuration = round(MS_PER_S * frame_s)
    dataset.FrameReferenceTime = decimal(MS_PER_S * average_s)
    dataset.DecayFactor = decimal(decays / -np.expm1(-decays))
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = decimal(slope), 0, uptake.unit
    dataset.AcquisitionDate = dataset.AcquisitionTime = ""


def _set_times(dataset: Dataset, uptake: Uptake) -> None:
    """Series and acquisition begin when the voxels are corrected to."""
    start = uptake.decay_reference_at
    if start is not None:
        dataset.SeriesDate, dataset.SeriesTime = date_and_time(start)
        end = start + timedelta(milliseconds=int(dataset.ActualFrameDuration))
        dataset.AcquisitionDate, dataset.AcquisitionTime = dataset.SeriesDate, dataset.SeriesTime
        dataset.ContentDate, dataset.ContentTime = date_and_time(end)
