"""Slices of an image series, single ones and frames: their headers in plain numbers, checked."""

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from openigrt.dicom.dataset.elements import (
    items,
    naming,
    number,
    numbers,
    raw_value,
    required_whole_number,
    text,
    texts,
    whole_number,
)
from openigrt.dicom.dataset.functional_groups import FrameGroups, read_frames
from openigrt.dicom.dataset.inventory import MULTI_FRAME_CLASSES, Instance
from openigrt.dicom.dataset.plane import is_plane
from openigrt.dicom.pixels.modality_lut import LARGEST_RESCALE
from openigrt.dicom.pixels.stored_bits import BITS_ALLOCATED
from openigrt.dicom.pixels.stored_values import number_of_frames, required_pixels
from openigrt.errors import InconsistentInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import LONGEST_MM, Float64Array

MAX_ROWS_OR_COLUMNS = 8192
MAX_VOXELS = 2**30
LOCALIZER = "LOCALIZER"


@dataclass(frozen=True, eq=False, slots=True)
class Slice:
    """Geometry (LPS, mm) and storage of one slice; `spacing_mm` is (between rows, between columns) as stored."""

    instance: Instance
    number: int | None
    position_mm: Float64Array
    orientation: Float64Array
    spacing_mm: tuple[float, float]
    rows: int
    columns: int
    slope: float
    intercept: float
    padding: tuple[int, int] | None
    frame: int = 0
    groups: FrameGroups | None = None

    def __str__(self) -> str:
        """How a slice is called in a sentence: its Instance Number (its UID without one) or frame, and position."""
        name = self.instance.uid if self.number is None else f"{self.number}"
        named = f"frame {self.frame + 1} of instance {name}" if self.groups else f"slice {name}"
        x, y, z = self.position_mm
        return f"{named} at ({x:.2f}, {y:.2f}, {z:.2f}) mm"

    def holder(self, keyword: str) -> Dataset:
        """The data set that holds an attribute of this slice: its header, or a functional group of its frame."""
        return self.groups.holder(keyword) if self.groups else self.instance.header

    @property
    def image_type(self) -> tuple[str, ...]:
        """The values of Image Type, for a frame those of its Frame Type."""
        return texts(self.holder("FrameType"), "FrameType") if self.groups else texts(self.instance.header, "ImageType")


def is_localizer(instance: Instance) -> bool:
    """Whether Image Type says that this is a scout view (PS3.3 C.8.2.1.1.1)."""
    return LOCALIZER in texts(instance.header, "ImageType")


def read_slices(instance: Instance) -> tuple[Slice, ...]:
    """The checked slices of one object: one, or as many as an enhanced multi-frame image has frames.

    Raises UnreadableFile for malformed or absurd values, InconsistentInput where the geometry is missing or no
    geometry, UnsupportedInput for colour, tabulated and other multi-frame images.
    """
    if instance.sop_class_uid not in MULTI_FRAME_CLASSES:
        return (_read_slice(instance, 0, None),)
    with naming(instance.header):
        _require_supported(instance)
        rows, columns = _size(instance, "Rows"), _size(instance, "Columns")
        frames = number_of_frames(instance)
        if rows * columns * frames > MAX_VOXELS:
            raise UnsupportedInput(f"{instance.path} announces {frames} frames of {rows} x {columns}: too many voxels.")
        required_pixels(instance, rows * columns * frames)
    groups = read_frames(instance)
    return tuple(_read_slice(instance, frame, group) for frame, group in enumerate(groups))


def _read_slice(instance: Instance, frame: int, groups: FrameGroups | None) -> Slice:
    """The checked header of one slice or frame."""
    header = instance.header
    with naming(header):
        _require_supported(instance)
        position, orientation, spacing = _geometry(instance, frame, groups)
        slope, intercept = _rescale(instance, groups)
        return Slice(
            instance=instance,
            number=whole_number(header, "InstanceNumber"),
            position_mm=np.array(position),
            orientation=np.array(orientation).reshape(2, 3),
            spacing_mm=(spacing[0], spacing[1]),
            rows=_size(instance, "Rows"),
            columns=_size(instance, "Columns"),
            slope=slope,
            intercept=intercept,
            padding=_padding(instance),
            frame=frame,
            groups=groups,
        )


def _rescale(instance: Instance, groups: FrameGroups | None) -> tuple[float, float]:
    """Slope and intercept, 1 and 0 where they are absent; raises UnreadableFile for such as no image has."""
    slope, intercept = (
        number(groups.holder(keyword) if groups else instance.header, keyword)
        for keyword in ("RescaleSlope", "RescaleIntercept")
    )
    if slope == 0.0:
        raise UnreadableFile(f"{instance.path} has a rescale slope of zero.", path=str(instance.path))
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if max(abs(slope), abs(intercept)) > LARGEST_RESCALE:
        raise UnreadableFile(
            f"{instance.path} has rescale slope {slope} and intercept {intercept}: no image has such values.",
            path=str(instance.path),
        )
    return slope, intercept


def _require_supported(instance: Instance) -> None:
    """Raise UnsupportedInput for what is no single-frame grey image with a linear rescale."""
    header = instance.header
    reason = ""
    if instance.sop_class_uid not in MULTI_FRAME_CLASSES and number_of_frames(instance) > 1:
        reason = "has several frames"
    elif (whole_number(header, "SamplesPerPixel") or 1) != 1:
        reason = "is a colour image"
    elif text(header, "PhotometricInterpretation") not in ("", "MONOCHROME1", "MONOCHROME2"):
        reason = f"has photometric interpretation {text(header, 'PhotometricInterpretation')}"
    elif items(header, "ModalityLUTSequence"):
        reason = "gives its values by a lookup table"
    elif required_whole_number(header, "BitsAllocated") not in BITS_ALLOCATED:
        reason = f"has {required_whole_number(header, 'BitsAllocated')} bits allocated"
    if reason:
        raise UnsupportedInput(f"{instance.path} {reason}; expected a grey image, of several frames only if enhanced.")


def _geometry(
    instance: Instance, frame: int, groups: FrameGroups | None
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Position, orientation and spacing, as `read_slices` promises."""
    keywords = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}
    values = tuple(numbers(groups.holder(k) if groups else instance.header, k) for k in keywords)
    name = f"Frame {frame + 1} of {instance.uid}" if groups else f"Slice {instance.uid}"
    for value, (keyword, count) in zip(values, keywords.items(), strict=True):
        if len(value) != count:
            raise InconsistentInput(
                f"{name} ({instance.path.name}) has no usable {keyword}: where it lies is unknown.",
                uid=instance.uid,
                keyword=keyword,
            )
    position, orientation, spacing = values
    longest_mm = max(map(abs, (*position, *spacing)))
    if longest_mm > LONGEST_MM:
        raise UnreadableFile(
            f"{name} ({instance.path.name}) has a length of {longest_mm:g} mm; expected at most {LONGEST_MM:g}.",
            uid=instance.uid,
        )
    if not is_plane(np.array(orientation).reshape(2, 3), spacing):
        raise InconsistentInput(
            f"{name} ({instance.path.name}) has an impossible geometry: orientation {orientation}, pixel spacing "
            f"{spacing} mm; the axes must be perpendicular unit vectors, the spacing above zero.",
            uid=instance.uid,
        )
    return position, orientation, spacing


def _size(instance: Instance, keyword: str) -> int:
    """Rows or Columns, within the limit."""
    size = required_whole_number(instance.header, keyword)
    if not 1 <= size <= MAX_ROWS_OR_COLUMNS:
        raise UnreadableFile(
            f"{instance.path} announces {size} {keyword}; expected 1 to {MAX_ROWS_OR_COLUMNS}.",
            path=str(instance.path),
        )
    return size


def _padding(instance: Instance) -> tuple[int, int] | None:
    """Lowest and highest stored value that stands for no data (PS3.3 C.7.5.1.1.2), None where none does."""
    first = _stored_value(instance, "PixelPaddingValue")
    if first is None:
        return None
    last = _stored_value(instance, "PixelPaddingRangeLimit")
    return (first, first) if last is None else (min(first, last), max(first, last))


def _stored_value(instance: Instance, keyword: str) -> int | None:
    """A stored pixel value, signed as the pixels are (the element's own sign is often wrong)."""
    value = raw_value(instance.header, keyword)
    if isinstance(value, bytes):
        value = int.from_bytes(value[:2], "little")
    if not isinstance(value, int):
        return None
    bits = required_whole_number(instance.header, "BitsAllocated")
    unsigned = value & ((1 << bits) - 1)
    is_signed = whole_number(instance.header, "PixelRepresentation") == 1
    return unsigned - (1 << bits) if is_signed and unsigned >> (bits - 1) else unsigned
