"""Series of CT, cone-beam CT, MR and PET slices to and from images."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID, CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage

from openigrt.dicom.elements import date_time, lenient, moment, naming, text, texts
from openigrt.dicom.folder import Instance, Series
from openigrt.dicom.headers import SeriesHeader, date_and_time, decimals, new_dataset
from openigrt.dicom.load import InputFile, read_content
from openigrt.dicom.pixels import stored_pixels
from openigrt.dicom.slices import Slice, is_localizer, read_slice
from openigrt.dicom.stack import stacked
from openigrt.errors import InconsistentInput, UnsupportedInput
from openigrt.geometry import Frame, PatientPosition
from openigrt.images import Image, Modality, Provenance

PADDING_VALUE = -32768
STORED_LIMITS = (-32767, 32767)

_MODALITIES = {
    CTImageStorage: Modality.CT,
    MRImageStorage: Modality.MR,
    PositronEmissionTomographyImageStorage: Modality.PET,
}
_CONE_BEAM_WORDS = re.compile(r"\bCB(CT)?\d*\b|CONE[- ]?BEAM|\bXVI\b|\bOBI\b|ON[- ]BOARD IMAGER", re.IGNORECASE)
_LINAC_MAKERS = re.compile(r"VARIAN|ELEKTA", re.IGNORECASE)
_LINAC_MODELS = re.compile(
    r"PATIENT VERIFICATION|TRUEBEAM|VITALBEAM|\bEDGE\b|TRILOGY|CLINAC|HALCYON|ETHOS|SYNERGY|INFINITY|AXESSE|VERSA",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False, slots=True)
class ImageReading:
    """An image, what was noticed while reading it, and the files that it came from."""

    image: Image
    messages: tuple[str, ...]
    inputs: tuple[InputFile, ...]


def read_image_series(series: Series, frame: Callable[[str], Frame] = Frame.plan) -> ImageReading:
    """The volume of one series of CT, cone-beam CT, MR or PET slices, in the unit of its rescale (HU for CT).

    `frame` makes the frame from the Frame of Reference UID: `Frame.plan` or `Frame.daily`. Stored padding becomes NaN.
    Localizers and copies are set aside with a message. Raises InconsistentInput, UnreadableFile, MissingInput or
    UnsupportedInput with the slice or UID in the sentence (see `stacked`, `read_slice`, `stored_pixels`).
    """
    if series.sop_class_uid not in _MODALITIES:
        raise UnsupportedInput(f"{series} is no series of CT, MR or PET slices.")
    with lenient():
        localizers = [instance for instance in series.instances if is_localizer(instance)]
        slices = [read_slice(instance) for instance in series.instances if not is_localizer(instance)]
        if not slices:
            raise InconsistentInput(f"{series} holds nothing but localizers; a volume needs axial slices.")
        _require_frame(series)
        stack = stacked(slices, frame(slices[0].instance.frame_uid), same_pixels)
        _require_own_uids(stack.slices)
        voxels, inputs = _voxels(stack.slices)
        messages, provenance = _provenance(stack.slices)
    aside = tuple(f"Set aside {instance.path.name}: a localizer." for instance in localizers)
    image = Image(voxels, stack.grid, modality_of(series.instances[0]), provenance)
    return ImageReading(image, aside + stack.messages + messages, inputs)


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
    repeated = [uid for uid, count in Counter(slice_.instance.uid for slice_ in slices).items() if count > 1]
    if repeated:
        shared = [slice_ for slice_ in slices if slice_.instance.uid == repeated[0]]
        raise InconsistentInput(
            f"{len(shared)} different slices of series {slices[0].instance.series_uid} have one SOP Instance UID, "
            f"{repeated[0] or 'an empty one'} (first {shared[0].instance.path.name} and {shared[1].instance.path.name}"
            "); export the series again.",
            series_uid=slices[0].instance.series_uid,
        )


def modality_of(instance: Instance) -> Modality:
    """CT, CBCT, MR or PET: a CT image is cone-beam CT when its own words or its maker and model say so."""
    if instance.sop_class_uid != CTImageStorage:
        return _MODALITIES[UID(instance.sop_class_uid)]
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
    inputs = tuple(map(_fill, slices, volume))
    return volume, inputs


def _fill(slice_: Slice, plane: NDArray[np.float32]) -> InputFile:
    """Write the rescaled slice into its plane of the volume, padding as NaN."""
    content = read_content(slice_.instance.path)
    stored = stored_pixels(slice_.instance, content, plane.shape)
    np.multiply(stored, np.float32(slice_.slope), out=plane, casting="unsafe", dtype=np.float32)
    plane += np.float32(slice_.intercept)
    if slice_.padding is not None:
        low, high = slice_.padding
        plane[(stored >= low) & (stored <= high)] = np.nan
    return InputFile(slice_.instance.path, slice_.instance.uid, hashlib.sha256(content).hexdigest())


def same_pixels(one: Slice, other: Slice) -> bool:
    """Whether two slices hold the same values."""
    if (one.slope, one.intercept, one.padding) != (other.slope, other.intercept, other.padding):
        return False
    return np.array_equal(_stored(one), _stored(other))


def _stored(slice_: Slice) -> NDArray[np.integer]:
    """The stored values of one slice, read from its file."""
    return stored_pixels(slice_.instance, read_content(slice_.instance.path), (slice_.rows, slice_.columns))


def _provenance(slices: tuple[Slice, ...]) -> tuple[tuple[str, ...], Provenance]:
    """What the headers say about where the image comes from, and what they leave open."""
    first = slices[0].instance
    header = first.header
    with naming(header):
        position, messages = _patient_position(slices)
        return messages, Provenance(
            patient_id=first.patient_id,
            patient_name=first.patient_name,
            study_uid=text(header, "StudyInstanceUID"),
            series_uid=first.series_uid,
            series_description=text(header, "SeriesDescription"),
            instance_uids=tuple(slice_.instance.uid for slice_ in slices),
            sop_class_uid=first.sop_class_uid,
            manufacturer=text(header, "Manufacturer"),
            device_model=text(header, "ManufacturerModelName"),
            station_name=text(header, "StationName"),
            acquired_at=_acquired_at(header),
            patient_position=position,
            is_derived=_is_derived(header),
        )


def _is_derived(header: Dataset) -> bool:
    """Whether the image was computed from another one (PS3.3 C.7.6.1.1.2)."""
    return "DERIVED" in texts(header, "ImageType")[:1] or bool(text(header, "DerivationDescription"))


def acquired_at_of(instance: Instance) -> datetime | None:
    """When an image was acquired, in UTC, as one of its objects says."""
    with naming(instance.header):
        return _acquired_at(instance.header)


def _acquired_at(header: Dataset) -> datetime | None:
    """When the image was acquired, in UTC; its series' time (its content's, unless derived) where that is not said."""
    acquired = date_time(header, "AcquisitionDateTime") or moment(header, "AcquisitionDate", "AcquisitionTime")
    if acquired is not None:
        return acquired
    series_time = moment(header, "SeriesDate", "SeriesTime")
    content_time = None if _is_derived(header) else moment(header, "ContentDate", "ContentTime")
    return series_time or content_time


def _patient_position(slices: tuple[Slice, ...]) -> tuple[PatientPosition | None, tuple[str, ...]]:
    """Patient Position of the series, None with a message where it is absent; a mixed or unknown one is refused."""
    names = {text(slice_.instance.header, "PatientPosition") for slice_ in slices}
    series_uid = slices[0].instance.series_uid
    if len(names) > 1:
        raise InconsistentInput(f"Series {series_uid} mixes patient positions: {', '.join(sorted(names))}.")
    name = names.pop()
    if not name:
        return None, (f"Series {series_uid} does not say its patient position.",)
    return PatientPosition.parse(name), ()


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
