"""RT Dose to and from dose grids."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID, RTDoseStorage, RTPlanStorage

from openigrt.dicom.elements import (
    items,
    name_of,
    naming,
    numbers,
    raw_value,
    required_number,
    required_numbers,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.headers import SeriesHeader, decimal, decimals, new_dataset, reference
from openigrt.dicom.load import transfer_syntax
from openigrt.dicom.pixels import NATIVE_SYNTAXES, decoded, stored_type
from openigrt.dicom.plane import ORTHONORMAL_TOLERANCE, is_plane, plane_axes
from openigrt.errors import InconsistentInput, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import Float64Array, Frame, Grid
from openigrt.patient import DoseGrid

FRAME_OFFSETS = Tag("GridFrameOffsetVector")
MAX_VOXELS = 2**29
MAX_FRAMES = 10_000
OFFSET_TOLERANCE_MM = 0.05
IN_GRAY = {"GY": 1.0, "CGY": 0.01}


def read_dose(dataset: Dataset) -> DoseGrid:
    """The dose of an RT Dose in Gy, on a grid in its own frame (role plan), frames along row x column.

    Raises UnsupportedInput for relative dose, single planes and dose errors; UnreadableFile, MissingInput or
    InconsistentInput for pixels or frame offsets that cannot be used.
    """
    grid = dose_grid(dataset)
    with naming(dataset):
        scaling = _gray_per_stored(dataset)
        order = np.argsort(_along_normal_mm(dataset, grid.direction[:, 2]))
        stored = _stored_dose(dataset, grid.shape)[order]
        references = items(dataset, "ReferencedRTPlanSequence")
        warnings = () if text(dataset, "DoseType") == "PHYSICAL" else (f"Dose type {text(dataset, 'DoseType')}.",)
        return DoseGrid(
            dose_gy=np.multiply(stored, np.float32(scaling), dtype=np.float32, casting="unsafe"),
            grid=grid,
            uid=text(dataset, "SOPInstanceUID"),
            summation=text(dataset, "DoseSummationType"),
            plan_uid=text(references[0], "ReferencedSOPInstanceUID") if references else "",
            warnings=warnings,
        )


def dose_grid(dataset: Dataset) -> Grid:
    """Where the dose lies; needs no pixels. Raises as `read_dose` does."""
    with naming(dataset):
        position = np.array(required_numbers(dataset, "ImagePositionPatient", 3))
        orientation = np.array(required_numbers(dataset, "ImageOrientationPatient", 6)).reshape(2, 3)
        row_spacing_mm, column_spacing_mm = required_numbers(dataset, "PixelSpacing", 2)
        if not is_plane(orientation, (row_spacing_mm, column_spacing_mm)):
            raise InconsistentInput(f"{name_of(dataset)} has an impossible orientation or pixel spacing.")
        direction = plane_axes(orientation)
        along_mm = np.sort(_along_normal_mm(dataset, direction[:, 2]))
        size = (_size(dataset, "Columns"), _size(dataset, "Rows"), len(along_mm))
        if size[0] * size[1] * size[2] > MAX_VOXELS:
            raise UnsupportedInput(f"{name_of(dataset)} announces {size} voxels; at most {MAX_VOXELS} are read.")
        return Grid(
            frame=Frame.plan(text(dataset, "FrameOfReferenceUID")),
            origin_mm=position + along_mm[0] * direction[:, 2],
            spacing_mm=np.array([column_spacing_mm, row_spacing_mm, _even_step_mm(dataset, along_mm)]),
            direction=direction,
            size=size,
        )


def _along_normal_mm(dataset: Dataset, normal: Float64Array) -> Float64Array:
    """Distances of the frames from the image position along row x column, in the order of the frames.

    Frame offsets are such distances when they start at zero, and patient z when they start at the z of the image
    position (PS3.3 C.8.8.3.2).
    """
    offsets_mm = np.array(numbers(dataset, "GridFrameOffsetVector"))
    count = whole_number(dataset, "NumberOfFrames") or 1
    if len(offsets_mm) != count or not 2 <= count <= MAX_FRAMES:
        raise UnsupportedInput(
            f"{name_of(dataset)} has {count} frames and {len(offsets_mm)} frame offsets; volumes of 2 to {MAX_FRAMES} "
            "frames with one offset each are read."
        )
    z_mm = required_numbers(dataset, "ImagePositionPatient", 3)[2]
    relative_mm: Float64Array = offsets_mm - offsets_mm[0]
    is_transverse = abs(normal[2]) > 1.0 - ORTHONORMAL_TOLERANCE
    if offsets_mm[0] == 0.0:
        return relative_mm
    if is_transverse and abs(offsets_mm[0] - z_mm) <= OFFSET_TOLERANCE_MM:
        return relative_mm if normal[2] > 0.0 else -relative_mm
    raise InconsistentInput(
        f"{name_of(dataset)} has frame offsets from {offsets_mm[0]} mm; expected 0 (relative) or, for transverse "
        f"planes, the z of its image position, {z_mm} mm."
    )


def _even_step_mm(dataset: Dataset, along_mm: Float64Array) -> float:
    """The distance between sorted frames; raises InconsistentInput where it is zero or varies."""
    step_mm = float(along_mm[-1] - along_mm[0]) / (len(along_mm) - 1)
    defect_mm = np.abs(along_mm - along_mm[0] - step_mm * np.arange(len(along_mm))).max()
    if step_mm <= 0.0 or defect_mm > OFFSET_TOLERANCE_MM:
        raise InconsistentInput(f"{name_of(dataset)} has frames that are unevenly spaced; resample it first.")
    return step_mm


def _size(dataset: Dataset, keyword: str) -> int:
    """Rows or Columns, above zero."""
    size = required_whole_number(dataset, keyword)
    if size < 1:
        raise UnreadableFile(f"{name_of(dataset)} announces {size} {keyword}.")
    return size


def _gray_per_stored(dataset: Dataset) -> float:
    """Dose Grid Scaling in Gy; raises UnsupportedInput for relative doses and dose errors."""
    units, kind = text(dataset, "DoseUnits").upper(), text(dataset, "DoseType").upper()
    if units not in IN_GRAY or kind == "ERROR":
        raise UnsupportedInput(f"{name_of(dataset)} is dose of type {kind} in {units}; expected PHYSICAL dose in GY.")
    scaling = required_number(dataset, "DoseGridScaling")
    if scaling <= 0.0:
        raise UnreadableFile(f"{name_of(dataset)} has a dose grid scaling of {scaling}.")
    return scaling * IN_GRAY[units]


def _stored_dose(dataset: Dataset, shape: tuple[int, int, int]) -> NDArray[np.integer]:
    """Stored values [frame, row, column]."""
    content = raw_value(dataset, "PixelData")
    if not isinstance(content, bytes) or not content:
        raise MissingInput(f"{name_of(dataset)} has no pixel data.")
    if transfer_syntax(dataset) not in NATIVE_SYNTAXES:
        return decoded(dataset, name_of(dataset), shape)
    if required_whole_number(dataset, "BitsAllocated") not in (8, 16, 32):
        raise UnsupportedInput(
            f"{name_of(dataset)} has {required_whole_number(dataset, 'BitsAllocated')} bits allocated."
        )
    dtype = stored_type(dataset)
    if len(content) < int(np.prod(shape)) * dtype.itemsize:
        raise UnreadableFile(f"{name_of(dataset)} holds {len(content)} bytes of pixels, too few for {shape}.")
    return np.frombuffer(content, dtype, int(np.prod(shape))).reshape(shape)


def write_dose(dose: DoseGrid, series: SeriesHeader) -> Dataset:
    """The RT Dose of a dose grid in 16 bits: exact to 1/131070 of the maximum; offsets relative to the first frame."""
    dataset = new_dataset(series, "RTDOSE", RTDoseStorage, dose.uid)
    dataset.InstanceNumber = 1
    dataset.FrameOfReferenceUID = UID(dose.grid.frame.uid)
    dataset.PositionReferenceIndicator = ""
    _set_planes(dataset, dose)
    _set_dose(dataset, dose)
    if dose.plan_uid:
        dataset.ReferencedRTPlanSequence = [reference(RTPlanStorage, dose.plan_uid)]
    return dataset


def _set_planes(dataset: Dataset, dose: DoseGrid) -> None:
    """Image Plane and Multi-frame modules; frames follow row x column, so a left-handed grid starts at its last one."""
    grid = dose.grid
    normal = np.cross(grid.direction[:, 0], grid.direction[:, 1])
    along = float(np.sign(normal @ grid.direction[:, 2]))
    first = 0 if along > 0.0 else grid.size[2] - 1
    dataset.ImagePositionPatient = decimals(grid.points((0, 0, first)))
    dataset.ImageOrientationPatient = decimals([*grid.direction[:, 0], *grid.direction[:, 1]])
    dataset.PixelSpacing = decimals([grid.spacing_mm[1], grid.spacing_mm[0]])
    dataset.SliceThickness = ""
    dataset.NumberOfFrames = grid.size[2]
    dataset.FrameIncrementPointer = FRAME_OFFSETS
    dataset.GridFrameOffsetVector = decimals(np.arange(grid.size[2]) * grid.spacing_mm[2])


def _set_dose(dataset: Dataset, dose: DoseGrid) -> None:
    """RT Dose and Image Pixel modules (PS3.3 C.8.8.3, C.7.6.3)."""
    scaling = float(decimal(max(float(dose.dose_gy.max()), 1e-6) / 65535.0 * (1.0 + 1e-9)))
    direction = dose.grid.direction
    right_handed = float(np.linalg.det(direction)) > 0.0
    frames = dose.dose_gy if right_handed else dose.dose_gy[::-1]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = frames.shape[1:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.DoseUnits, dataset.DoseType = "GY", "PHYSICAL"
    dataset.DoseSummationType = dose.summation or "PLAN"
    dataset.DoseGridScaling = decimal(scaling)
    dataset.PixelData = np.clip(np.rint(frames / scaling), 0, 65535).astype("<u2").tobytes()
