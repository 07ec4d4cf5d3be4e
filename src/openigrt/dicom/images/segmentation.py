"""Segmentation objects to masks on their own grid, and masks on an image to a binary Segmentation (PS3.3 A.51)."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from importlib.metadata import version
from math import prod
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID, SegmentationStorage

from openigrt.dicom.dataset.elements import (
    PYDICOM_FAILURES,
    in_short,
    items,
    lenient,
    name_of,
    naming,
    one_line,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.dataset.frame_of_reference import frame_of, frame_uid_of
from openigrt.dicom.dataset.functional_groups import PER_FRAME
from openigrt.dicom.dataset.headers import RESEARCH_ONLY, SeriesHeader, decimals, new_dataset
from openigrt.dicom.dataset.inventory import SEGMENTATION_CLASSES
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Frame, Grid, renormalised_rotation
from openigrt.images import Code, Image, Mask, Segment

MAX_SEGMENTS = 1000
MAX_FRAMES = 100_000
MAX_VOXELS = 2**30  # of all masks together
SPACING_TOLERANCE_MM = 0.05
HALF = 0.5
OTHER_ALGORITHM = ("OTHER", "99OPENIGRT", "Other algorithm")  # a family that is none of CID 7162 (PS3.16, 8.2)
BACKGROUND = 0  # of a label map, which describes it as a segment
HIGHDICOM_FAILURES = (*PYDICOM_FAILURES, RuntimeError, AssertionError, sqlite3.Error)  # it keeps frames in a table

Messages = tuple[str, ...]


def read_segmentation(
    dataset: Dataset, patient: Callable[[str], Frame] = Frame.plan
) -> tuple[tuple[Segment, ...], Messages]:
    """The segments of a Segmentation (binary, fractional or label map), all on one grid, and what was noticed.

    The grid reaches over the frames that are stored, which are often those that are not empty only: `Mask.laid_on`
    brings a mask onto the grid of its image. Of a fractional segment the mask holds what is at least half. Raises
    UnsupportedInput for tiled and slide images, InconsistentInput, MissingInput or UnreadableFile for what is no stack.
    """
    with naming(dataset):
        if text(dataset, "SOPClassUID") not in SEGMENTATION_CLASSES:
            raise UnsupportedInput(f"{name_of(dataset)} is no Segmentation.")
        _require_countable(dataset)
        frame, kind = frame_of(dataset, patient), text(dataset, "SegmentationType")
        described = {number: item for number, item in _numbered(dataset).items() if number != BACKGROUND}
        what = text(dataset, "SegmentationFractionalType").lower() or "an unknown fraction"
    source = _opened(dataset, frame, len(described))
    said = f"The segments hold {what}; their masks are what is at least half."
    segments = []
    for number, item in described.items():
        values, grid = source(number)
        with naming(dataset):
            segments.append(
                Segment(
                    number=number,
                    label=text(item, "SegmentLabel"),
                    mask=Mask(values >= HALF, grid),
                    category=_code(item, "SegmentedPropertyCategoryCodeSequence"),
                    kind=_code(item, "SegmentedPropertyTypeCodeSequence"),
                    algorithm=text(item, "SegmentAlgorithmName"),
                    fractions=values if kind == "FRACTIONAL" else None,
                )
            )
    return tuple(segments), (said,) if kind == "FRACTIONAL" else ()


def _numbered(dataset: Dataset) -> dict[int, Dataset]:
    """Descriptions of segments by the numbers that frames name; raises InconsistentInput where two share one."""
    found = [(required_whole_number(item, "SegmentNumber"), item) for item in items(dataset, "SegmentSequence")]
    doubled = sorted(number for number, count in Counter(number for number, _ in found).items() if count > 1)
    if doubled:
        shared = in_short([str(number) for number in doubled])
        raise InconsistentInput(
            f"{name_of(dataset)} describes several segments under one number ({shared}), and frames name no more than "
            "that; export it again."
        )
    return dict(found)


def _require_countable(dataset: Dataset) -> None:
    """Raise before anything is allocated for what announces too much, or is no stack of planes in a patient."""
    if "TotalPixelMatrixColumns" in dataset or items(dataset, "TotalPixelMatrixOriginSequence"):
        raise UnsupportedInput(f"{name_of(dataset)} is tiled, as of a slide; stacks of planes in a patient are read.")
    frames, segments = whole_number(dataset, "NumberOfFrames"), items(dataset, "SegmentSequence")
    frames = 1 if frames is None else frames
    rows, columns = required_whole_number(dataset, "Rows"), required_whole_number(dataset, "Columns")
    if not 0 < len(segments) <= MAX_SEGMENTS or not 0 < frames <= MAX_FRAMES:
        raise UnsupportedInput(
            f"{name_of(dataset)} has {len(segments)} segments on {frames} frames; expected 1 to {MAX_SEGMENTS}, and "
            f"1 to {MAX_FRAMES}."
        )
    if min(rows, columns) < 1 or rows * columns * frames > MAX_VOXELS:
        raise UnsupportedInput(
            f"{name_of(dataset)} announces {frames} frames of {rows} rows and {columns} columns; expected at most "
            f"{MAX_VOXELS} pixels."
        )
    if len(items(dataset, PER_FRAME)) != frames:
        raise InconsistentInput(f"{name_of(dataset)} does not say of each of its {frames} frames where it lies.")


def _opened(dataset: Dataset, frame: Frame, count: int) -> Callable[[int], tuple[NDArray[np.float32], Grid]]:
    """A reader of the values (float32, 0 to 1) and the grid of a segment by its number."""
    highdicom = _highdicom()
    name = name_of(dataset)
    try:
        with lenient():
            opened = highdicom.seg.Segmentation.from_dataset(dataset, copy=True)
            geometry = opened.get_volume_geometry(allow_missing_positions=True, atol=SPACING_TOLERANCE_MM)
    except HIGHDICOM_FAILURES as failure:
        raise UnreadableFile(f"{name} cannot be read ({one_line(failure)}).") from None
    if geometry is None or opened.coordinate_system != highdicom.enum.CoordinateSystemNames.PATIENT:
        raise InconsistentInput(f"{name} is no stack of evenly spaced parallel planes in a patient.")
    if prod(geometry.spatial_shape) * count > MAX_VOXELS:
        raise UnsupportedInput(
            f"{name} reaches over {geometry.spatial_shape} voxels for {count} segments; at most {MAX_VOXELS} are read."
        )

    def read(number: int) -> tuple[NDArray[np.float32], Grid]:
        try:
            with lenient():
                volume = opened.get_volume(
                    segment_numbers=[number], allow_missing_positions=True, atol=SPACING_TOLERANCE_MM
                )
        except HIGHDICOM_FAILURES as failure:
            raise UnreadableFile(f"{name}: segment {number} cannot be read ({one_line(failure)}).") from None
        return _right_handed(volume.array[..., 0], volume.affine, frame)

    return read


def _highdicom() -> ModuleType:
    """highdicom, which takes as long to import as all the rest of OpenIGRT."""
    import highdicom  # noqa: PLC0415 - slow to import, and needed for segmentations only

    return highdicom


def _right_handed(
    array: NDArray[np.generic], affine: NDArray[np.float64], frame: Frame
) -> tuple[NDArray[np.float32], Grid]:
    """Values [k, j, i] and their grid, k along row x column; `affine` (4, 4) takes (k, j, i) to LPS."""
    values, axes, origin = array.astype(np.float32), affine[:3, [2, 1, 0]], affine[:3, 3]
    if np.linalg.det(axes) < 0.0:
        origin = origin + (len(values) - 1) * axes[:, 2]
        values, axes = np.ascontiguousarray(values[::-1]), axes * (1.0, 1.0, -1.0)
    spacing_mm = np.linalg.norm(axes, axis=0)
    slices, rows, columns = values.shape
    direction = renormalised_rotation(axes / spacing_mm)
    return values, Grid(frame, origin, spacing_mm, direction, (columns, rows, slices))


def _code(item: Dataset, sequence: str) -> Code | None:
    """The first code of a sequence."""
    found = items(item, sequence)
    if not found:
        return None
    value = text(found[0], "CodeValue") or text(found[0], "LongCodeValue")
    return Code(value, text(found[0], "CodingSchemeDesignator"), text(found[0], "CodeMeaning"))


def write_segmentation(segments: tuple[Segment, ...], image: Image, series: SeriesHeader, instance_uid: str) -> Dataset:
    """The binary Segmentation of masks on the grid of an image whose slices have UIDs; empty planes are left out.

    Raises MissingInput for no segments, segments that are empty, and images without slices to refer to;
    InconsistentInput for masks on other grids; UnsupportedInput for segments without codes.
    """
    _require_writable(segments, image)
    highdicom = _highdicom()
    descriptions = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=segment.label or f"Segment {number}",
            segmented_property_category=_concept(highdicom, segment.category),
            segmented_property_type=_concept(highdicom, segment.kind),
            algorithm_type="AUTOMATIC" if segment.algorithm else "MANUAL",
            algorithm_identification=_algorithm(highdicom, segment.algorithm),
        )
        for number, segment in enumerate(segments, start=1)
    ]
    header = new_dataset(series, "SEG", SegmentationStorage, instance_uid)
    written: Dataset = highdicom.seg.Segmentation(
        source_images=_source_slices(header, image),
        pixel_array=np.stack([segment.mask.voxels for segment in segments], axis=-1).astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=descriptions,
        series_instance_uid=series.uid,
        series_number=series.number,
        sop_instance_uid=instance_uid,
        instance_number=1,
        manufacturer=header.Manufacturer,
        manufacturer_model_name=header.ManufacturerModelName,
        software_versions=header.SoftwareVersions,
        device_serial_number=header.DeviceSerialNumber,
        content_label="SEGMENTATION",
        content_description=f"Segmentation ({RESEARCH_ONLY})",
        omit_empty_frames=True,
    )
    written.update(header)
    return written


def _require_writable(segments: tuple[Segment, ...], image: Image) -> None:
    """Raise what `write_segmentation` promises."""
    if not segments or not all(segment.mask.voxels.any() for segment in segments):
        raise MissingInput("A Segmentation needs one segment at least, and none of them empty.")
    if len(image.provenance.instance_uids) != image.grid.size[2] or not image.provenance.sop_class_uid:
        raise MissingInput("A Segmentation refers to slices by UID; give the image as DICOM.")
    for segment in segments:
        if segment.mask.grid != image.grid:
            raise InconsistentInput(
                f"Segment {segment.label!r} does not lie on the grid of the image; lay it on first."
            )
        if segment.category is None or segment.kind is None:
            raise UnsupportedInput(f"Segment {segment.label!r} needs the codes of its category and its type.")


def _concept(highdicom: ModuleType, code: Code | None) -> object:
    """A code as highdicom has it."""
    return highdicom.sr.CodedConcept(code.value, code.scheme, code.meaning) if code else None


def _algorithm(highdicom: ModuleType, name: str) -> object:
    """What drew a segment, None where a person did."""
    if not name:
        return None
    family = highdicom.sr.CodedConcept(*OTHER_ALGORITHM)
    return highdicom.AlgorithmIdentificationSequence(name=name, family=family, version=version("openigrt"))


def _source_slices(header: Dataset, image: Image) -> list[Dataset]:
    """The slices of the image as far as a Segmentation copies from them or refers to them."""
    grid, provenance = image.grid, image.provenance
    slices = []
    for k, uid in enumerate(provenance.instance_uids):
        slice_ = deepcopy(header)
        slice_.SOPClassUID, slice_.SOPInstanceUID = UID(provenance.sop_class_uid), UID(uid)
        slice_.SeriesInstanceUID = UID(provenance.series_uid)
        slice_.FrameOfReferenceUID = UID(frame_uid_of(grid.frame))
        slice_.PositionReferenceIndicator = ""
        slice_.ImagePositionPatient = decimals(grid.points((0, 0, k)))
        slice_.ImageOrientationPatient = decimals([*grid.direction[:, 0], *grid.direction[:, 1]])
        slice_.PixelSpacing = decimals([grid.spacing_mm[1], grid.spacing_mm[0]])
        slice_.SliceThickness = decimals([grid.spacing_mm[2]])[0]
        slice_.SpacingBetweenSlices = slice_.SliceThickness
        slice_.Rows, slice_.Columns = grid.size[1], grid.size[0]
        slices.append(slice_)
    return slices
