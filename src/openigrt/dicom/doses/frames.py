"""Where the frames of an RT Dose lie: in one object, or in one object for each plane of a series."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from openigrt.dicom.dataset.elements import (
    name_of,
    naming,
    number,
    numbers,
    required_numbers,
    required_whole_number,
    text,
    whole_number,
)
from openigrt.dicom.dataset.plane import ORTHONORMAL_TOLERANCE, is_plane, plane_axes
from openigrt.errors import InconsistentInput, UnreadableFile, UnsupportedInput
from openigrt.geometry import LONGEST_MM, Float64Array, Frame, Grid

MAX_VOXELS = 2**29
MAX_FRAMES = 10_000
OFFSET_TOLERANCE_MM = 0.05
AXIS_TOLERANCE = 1e-4
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True, eq=False, slots=True)
class DoseFrames:
    """Planes of dose: their first voxel, axes (columns of `direction`: row, column, row x column) and spacing.

    `along_mm` are their distances from `position_mm` along the normal, in the order in which they are stored.
    `thickness_mm` is None where it is not stated. `name` is what they are called in errors.
    """

    name: str
    frame_uid: str
    position_mm: Float64Array
    direction: Float64Array
    pixel_spacing_mm: tuple[float, float]
    size: tuple[int, int]
    along_mm: Float64Array
    thickness_mm: float | None
    warnings: tuple[str, ...] = ()

    @property
    def order(self) -> NDArray[np.intp]:
        """The frames from the lowest to the highest along the normal."""
        return np.argsort(self.along_mm, kind="stable")

    @property
    def stored_shape(self) -> tuple[int, int, int]:
        """Shape of the stored pixels: (frames, rows, columns)."""
        return len(self.along_mm), self.size[1], self.size[0]

    def grid(self, step_mm: float | None = None) -> Grid:
        """The lattice of the frames, or one from the first to the last in another number of steps of about `step_mm`.

        Raises InconsistentInput where the frames are uneven and no step is given, where two lie at one place, or where
        they lie further out than any patient reaches.
        """
        along_mm = self.along_mm[self.order]
        if step_mm is None:
            count, even_mm = len(along_mm), self._even_step_mm(along_mm)
        else:
            count, even_mm = _steps(self.name, along_mm, step_mm)
        made = Grid(
            frame=Frame.plan(self.frame_uid),
            origin_mm=self.position_mm + along_mm[0] * self.direction[:, 2],
            spacing_mm=np.array([self.pixel_spacing_mm[1], self.pixel_spacing_mm[0], even_mm]),
            direction=self.direction,
            size=(*self.size, count),
        )
        if float(np.abs(made.corners_mm()).max()) > LONGEST_MM:
            raise InconsistentInput(f"{self.name} reaches further than {LONGEST_MM / 1000.0:g} m from the origin.")
        return made

    def _even_step_mm(self, along_mm: Float64Array) -> float:
        """The distance between sorted frames; for a single plane its thickness, else its row spacing."""
        if len(along_mm) == 1:
            return self.thickness_mm or self.pixel_spacing_mm[0]
        step_mm = float(along_mm[-1] - along_mm[0]) / (len(along_mm) - 1)
        defect_mm = np.abs(along_mm - along_mm[0] - step_mm * np.arange(len(along_mm))).max()
        if step_mm <= 0.0 or defect_mm > OFFSET_TOLERANCE_MM:
            steps_mm = np.diff(along_mm)
            raise InconsistentInput(
                f"{self.name} has frames that are unevenly spaced, {steps_mm.min():g} to {steps_mm.max():g} mm: one is "
                "missing or doubled, or it was calculated so. Resample it where that is meant.",
                shortest_mm=float(steps_mm.min()),
                longest_mm=float(steps_mm.max()),
            )
        return step_mm


def frames_of(dataset: Dataset) -> DoseFrames:
    """The frames of one RT Dose; needs no pixels.

    Raises UnsupportedInput for too many voxels or offsets that do not fit the frames, UnreadableFile or
    InconsistentInput for a plane that cannot be.
    """
    with naming(dataset):
        orientation = np.array(required_numbers(dataset, "ImageOrientationPatient", 6)).reshape(2, 3)
        row_spacing_mm, column_spacing_mm = required_numbers(dataset, "PixelSpacing", 2)
        if not is_plane(orientation, (row_spacing_mm, column_spacing_mm)):
            raise InconsistentInput(f"{name_of(dataset)} has an impossible orientation or pixel spacing.")
        direction = plane_axes(orientation)
        along_mm, warnings = _along_normal_mm(dataset, direction)
        size = (_size(dataset, "Columns"), _size(dataset, "Rows"))
        if size[0] * size[1] * len(along_mm) > MAX_VOXELS:
            raise UnsupportedInput(
                f"{name_of(dataset)} announces {(*size, len(along_mm))} voxels; at most {MAX_VOXELS} are read."
            )
        thickness_mm = number(dataset, "SliceThickness")
        return DoseFrames(
            name=name_of(dataset),
            frame_uid=text(dataset, "FrameOfReferenceUID"),
            position_mm=np.array(required_numbers(dataset, "ImagePositionPatient", 3)),
            direction=direction,
            pixel_spacing_mm=(row_spacing_mm, column_spacing_mm),
            size=size,
            along_mm=along_mm,
            thickness_mm=thickness_mm if thickness_mm is not None and thickness_mm > 0.0 else None,
            warnings=warnings,
        )


def planes_together(planes: Sequence[DoseFrames]) -> DoseFrames:
    """Single planes as frames of one stack, in the order given.

    Raises InconsistentInput where they are not parallel planes of one frame, size and spacing, one above the other,
    UnsupportedInput where they have too many voxels.
    """
    first = planes[0]
    if first.size[0] * first.size[1] * len(planes) > MAX_VOXELS:
        raise UnsupportedInput(f"{len(planes)} planes as {first.name} have more than {MAX_VOXELS} voxels.")
    along_mm = []
    for plane in planes:
        offset_mm = plane.position_mm - first.position_mm
        aside_mm = float(np.abs(offset_mm @ first.direction[:, :2]).max())
        is_alike = (plane.frame_uid, plane.size) == (first.frame_uid, first.size) and np.allclose(
            plane.pixel_spacing_mm, first.pixel_spacing_mm, rtol=0.0, atol=AXIS_TOLERANCE
        )
        is_parallel = np.allclose(plane.direction, first.direction, rtol=0.0, atol=AXIS_TOLERANCE)
        if not (is_alike and is_parallel and aside_mm <= OFFSET_TOLERANCE_MM):
            raise InconsistentInput(
                f"{first.name} and {plane.name} form no grid: other frame, size, spacing or orientation, or not one "
                "above the other."
            )
        along_mm.append(float(offset_mm @ first.direction[:, 2]))
    return DoseFrames(
        name=f"The dose planes of {first.name} and {len(planes) - 1} more",
        frame_uid=first.frame_uid,
        position_mm=first.position_mm,
        direction=first.direction,
        pixel_spacing_mm=first.pixel_spacing_mm,
        size=first.size,
        along_mm=np.array(along_mm),
        thickness_mm=first.thickness_mm,
        warnings=first.warnings if len(planes) == 1 else (),
    )


def _along_normal_mm(dataset: Dataset, direction: Float64Array) -> tuple[Float64Array, tuple[str, ...]]:
    """Distances of the frames from the image position along row x column, in their order, and what was guessed.

    Frame offsets are such distances when they start at zero, and patient z when they start at the z of the image
    position (PS3.3 C.8.8.3.2, which allows the latter for the orientation 1\\0\\0\\0\\1\\0 only).
    """
    offsets_mm = np.array(numbers(dataset, "GridFrameOffsetVector"))
    count = 1 if whole_number(dataset, "NumberOfFrames") is None else required_whole_number(dataset, "NumberOfFrames")
    if count == 1 and len(offsets_mm) <= 1:
        return np.zeros(1), ("A single plane: dose before and behind it is not known.",)
    if len(offsets_mm) != count or not 0 < count <= MAX_FRAMES:
        raise UnsupportedInput(
            f"{name_of(dataset)} has {count} frames and {len(offsets_mm)} frame offsets; up to {MAX_FRAMES} frames "
            "with one offset each are read."
        )
    steps_mm = np.diff(offsets_mm)
    is_ordered = bool((steps_mm > 0.0).all() or (steps_mm < 0.0).all())
    warnings = () if is_ordered else ("Frame offsets neither rise nor fall; the frames were sorted by them.",)
    relative_mm: Float64Array = offsets_mm - offsets_mm[0]
    if offsets_mm[0] == 0.0:
        return relative_mm, warnings
    z_mm, upward = required_numbers(dataset, "ImagePositionPatient", 3)[2], float(direction[2, 2])
    if abs(upward) <= 1.0 - ORTHONORMAL_TOLERANCE or abs(offsets_mm[0] - z_mm) > OFFSET_TOLERANCE_MM:
        raise InconsistentInput(
            f"{name_of(dataset)} has frame offsets from {offsets_mm[0]} mm; expected 0 (relative) or, for transverse "
            f"planes, the z of its image position, {z_mm} mm."
        )
    if not np.allclose(direction[:, :2].T.ravel(), IDENTITY, rtol=0.0, atol=ORTHONORMAL_TOLERANCE):
        warnings = (*warnings, "Frame offsets taken as patient z in an orientation for which only relative ones exist.")
    return relative_mm * np.sign(upward), warnings


def _steps(name: str, along_mm: Float64Array, step_mm: float) -> tuple[int, float]:
    """Number of planes, and the even step between them, from the first to the last in steps of at most `step_mm`."""
    span_mm = float(along_mm[-1] - along_mm[0])
    if not (step_mm > 0.0 and span_mm > 0.0 and (np.diff(along_mm) > 0.0).all()):
        raise InconsistentInput(f"{name} cannot be resampled in steps of {step_mm} mm: two frames lie at one place.")
    if span_mm / step_mm > MAX_FRAMES:
        raise UnsupportedInput(f"{name} in steps of {step_mm} mm has more than {MAX_FRAMES} planes.")
    intervals = max(1, int(np.ceil(span_mm / step_mm - 1e-6)))
    return intervals + 1, span_mm / intervals


def _size(dataset: Dataset, keyword: str) -> int:
    """Rows or Columns, above zero."""
    size = required_whole_number(dataset, keyword)
    if size < 1:
        raise UnreadableFile(f"{name_of(dataset)} announces {size} {keyword}.")
    return size
