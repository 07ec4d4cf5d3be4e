"""Series of CT, cone-beam CT, MR and PET images, in single slices or multi-frame, to and from volumes."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from openigrt.dicom.dataset.elements import lenient, naming, text
from openigrt.dicom.dataset.headers import SeriesHeader, new_dataset
from openigrt.dicom.dataset.inventory import CT_CLASSES, IMAGE_CLASSES, MR_CLASSES, PET_CLASSES, Instance, Series
from openigrt.dicom.dataset.load import InputFile, read_content
from openigrt.dicom.images.choice import ImageChoice, chosen_volume, phase_of
from openigrt.dicom.images.headers import provenance_of
from openigrt.dicom.images.pet import read_uptake
from openigrt.dicom.images.slices import Slice
from openigrt.dicom.images.stack import stacked
from openigrt.dicom.images.volumes import sorted_series
from openigrt.dicom.images.written_slices import (
    set_acquisition,
    set_image_plane,
    set_pixels,
    slice_uids,
    stored_values,
)
from openigrt.dicom.pixels.stored_values import stored_pixels
from openigrt.errors import InconsistentInput, UnsupportedInput
from openigrt.geometry import Frame
from openigrt.images import Image, Modality, Uptake

WHOLE_SERIES = ImageChoice()

_CONE_BEAM_WORDS = re.compile(r"\bCB(CT)?\d*\b|CONE[- ]?BEAM|\bXVI\b|\bOBI\b|ON[- ]BOARD IMAGER", re.IGNORECASE)
_LINAC_MAKERS = re.compile(r"VARIAN|ELEKTA", re.IGNORECASE)
_LINAC_MODELS = re.compile(
    r"PATIENT VERIFICATION|TRUEBEAM|VITALBEAM|\bEDGE\b|TRILOGY|CLINAC|HALCYON|ETHOS|SYNERGY|INFINITY|AXESSE|VERSA",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False, slots=True)
class ImageReading:
    """An image, what was noticed while reading it, and the files that it came from; `uptake` is told of PET alone."""

    image: Image
    messages: tuple[str, ...]
    inputs: tuple[InputFile, ...]
    uptake: Uptake | None = None


def read_image_series(
    series: Series, frame: Callable[[str], Frame] = Frame.plan, choice: ImageChoice = WHOLE_SERIES
) -> ImageReading:
    """The volume of one series of CT, cone-beam CT, MR or PET, in the unit of its rescale (HU for CT).

    The series holds single slices or enhanced multi-frame images; `choice` names one of several phases, times or
    stacks, and says whether unevenly spaced or tilted slices are resampled. `frame` makes the frame from the Frame of
    Reference UID: `Frame.plan` or `Frame.daily`. Stored padding becomes NaN. Localizers and copies are set aside with a
    message. Raises AmbiguousInput, InconsistentInput, UnreadableFile, MissingInput or UnsupportedInput with the slice
    or UID in the sentence (see `sorted_series`, `chosen_volume`, `stacked`, `stored_pixels`).
    """
    if series.sop_class_uid not in IMAGE_CLASSES:
        raise UnsupportedInput(f"{series} is no series of CT, MR or PET slices.")
    with lenient():
        _require_frame(series)
        found = sorted_series(series)
        volume = chosen_volume(series, found.volumes, choice)
        first = volume.slices[0].instance
        stack = stacked(list(volume.slices), frame(first.frame_uid), same_pixels, choice.straightening)
        _require_own_uids(stack.slices)
        voxels, inputs = _voxels(stack.slices)
        messages, provenance = provenance_of(stack.slices, volume.phase or phase_of(series))
        uptake, counted = read_uptake(stack.slices) if first.sop_class_uid in PET_CLASSES else (None, ())
    if stack.planes is not None:
        voxels = stack.planes.straightened(voxels, stack.grid)
        provenance = replace(provenance, is_resampled=True)
    image = Image(voxels, stack.grid, modality_of(first), provenance)
    return ImageReading(image, (*found.messages, *stack.messages, *messages, *counted), inputs, uptake)


def _require_frame(series: Series) -> None:
    """Raise InconsistentInput where a slice does not say its frame: its coordinates mean nothing to other objects."""
    for instance in series.instances:
        if not instance.frame_uid:
            raise InconsistentInput(
                f"{instance.path.name} of series {series.uid} has no Frame of Reference UID (0020,0052), so what its "
                "coordinates refer to is not known; export the series again.",
                series_uid=series.uid,
            )


def _require_own_uids(slices: tuple[Slice, ...]) -> None:
    """Raise InconsistentInput where different slices share a UID: nothing could name one of them."""
    files = {slice_.instance.path: slice_.instance for slice_ in slices}.values()
    repeated = [uid for uid, count in Counter(instance.uid for instance in files).items() if count > 1]
    if repeated:
        shared = [instance for instance in files if instance.uid == repeated[0]]
        raise InconsistentInput(
            f"{len(shared)} different slices of series {shared[0].series_uid} have one SOP Instance UID, "
            f"{repeated[0] or 'an empty one'} (first {shared[0].path.name} and {shared[1].path.name}); export the "
            "series again.",
            series_uid=shared[0].series_uid,
        )


def modality_of(instance: Instance) -> Modality:
    """CT, CBCT, MR or PET: a CT image is cone-beam CT when its own words or its maker and model say so."""
    if instance.sop_class_uid not in CT_CLASSES:
        return Modality.MR if instance.sop_class_uid in MR_CLASSES else Modality.PET
    header = instance.header
    with naming(header):
        model, maker = text(header, "ManufacturerModelName"), text(header, "Manufacturer")
        words = " ".join([model, *(text(header, k) for k in ("SeriesDescription", "ProtocolName", "ImageType"))])
    is_linac = _LINAC_MAKERS.search(maker) is not None and _LINAC_MODELS.search(model) is not None
    return Modality.CBCT if is_linac or _CONE_BEAM_WORDS.search(words.replace("\\", " ")) else Modality.CT


def _voxels(slices: tuple[Slice, ...]) -> tuple[NDArray[np.float32], tuple[InputFile, ...]]:
    """Rescaled voxels [k, j, i] and the record of each file.

    One thread: two take up to eight times longer (measured), since each slice that a thread other than the first one
    reads is memory that the system hands out and takes back again.
    """
    volume = np.empty((len(slices), slices[0].rows, slices[0].columns), dtype=np.float32)
    planes: dict[Path, list[int]] = defaultdict(list)
    for k, slice_ in enumerate(slices):
        planes[slice_.instance.path].append(k)
    return volume, tuple(_fill(slices, numbers, volume) for numbers in planes.values())


def _fill(slices: tuple[Slice, ...], numbers: list[int], volume: NDArray[np.float32]) -> InputFile:
    """Write the rescaled slices of one file, which have these numbers, into their planes of the volume."""
    instance = slices[numbers[0]].instance
    content = read_content(instance.path)
    stored = stored_pixels(instance, content, volume.shape[1:], [slices[k].frame for k in numbers])
    for k, values in zip(numbers, stored, strict=True):
        _rescale(values, slices[k], volume[k])
    return InputFile(instance.path, instance.uid, hashlib.sha256(content).hexdigest())


def _rescale(stored: NDArray[np.integer], slice_: Slice, plane: NDArray[np.float32]) -> None:
    """Write rescaled values into a plane, padding as NaN."""
    np.multiply(stored, np.float32(slice_.slope), out=plane, casting="unsafe", dtype=np.float32)
    plane += np.float32(slice_.intercept)
    if slice_.padding is not None:
        low, high = slice_.padding
        plane[(stored >= low) & (stored <= high)] = np.nan


def same_pixels(one: Slice, other: Slice) -> bool:
    """Whether two slices hold the same values; frames of multi-frame images are never taken for copies."""
    if one.groups or other.groups:
        return False
    if (one.slope, one.intercept, one.padding) != (other.slope, other.intercept, other.padding):
        return False
    return np.array_equal(_stored(one), _stored(other))


def _stored(slice_: Slice) -> NDArray[np.integer]:
    """The stored values of one slice, read from its file."""
    content = read_content(slice_.instance.path)
    return next(stored_pixels(slice_.instance, content, (slice_.rows, slice_.columns)))


def write_image_series(image: Image, series: SeriesHeader) -> Iterator[Dataset]:
    """One CT Image data set per slice of a CT or cone-beam CT, in HU rounded to integers; NaN becomes padding.

    Instance UIDs are those of the image's provenance, or `series.uid` with the slice number appended. Raises
    UnsupportedInput for other modalities and for values that 16 bits cannot hold.
    """
    if image.modality not in (Modality.CT, Modality.CBCT):
        raise UnsupportedInput(f"Only CT and cone-beam CT can be written as CT slices, not {image.modality}.")
    for k, uid in enumerate(slice_uids(image, series.uid)):
        dataset = new_dataset(series, "CT", CTImageStorage, uid)
        _set_ct_image(dataset, image)
        set_image_plane(dataset, image, k)
        set_pixels(dataset, stored_values(image.voxels[k]))
        yield dataset


def _set_ct_image(dataset: Dataset, image: Image) -> None:
    """CT Image, General Image and Frame of Reference modules (PS3.3 C.8.2.1, C.7.6.1, C.7.4.1)."""
    provenance = image.provenance
    dataset.ImageType = ["DERIVED" if provenance.is_derived else "ORIGINAL", "PRIMARY", "AXIAL"]
    if image.modality is Modality.CBCT:
        dataset.ImageType.append("CBCT")
    dataset.KVP = ""
    dataset.AcquisitionNumber = 1
    set_acquisition(dataset, image)
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "HU"
