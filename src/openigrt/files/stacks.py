"""Stacks of projections as ITK and RTK write them: .mha, .mhd, .nrrd, and series of .tif."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from openigrt.errors import UnreadableFile, UnsupportedInput
from openigrt.files.file_pixels import Float32Array
from openigrt.files.metaimage import LONGEST_HEADER_BYTES, require_numbers_in_header
from openigrt.files.rtk_geometry import ProjectionLattice
from openigrt.files.silence import silent_standard_error
from openigrt.files.volumes import MAX_VOXELS, require_bearable_values, simple_itk
from openigrt.geometry import Float64Array

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 - the name that its users know

META, NRRD, TIFF = "MetaImageIO", "NrrdImageIO", "TIFFImageIO"
NRRD_MARK = b"NRRD0"
TIFF_MARKS = (b"II*\x00", b"MM\x00*")
IN_PLANE_TOLERANCE = 1e-6


def stack_reader_of(start: bytes) -> str | None:
    """The name of ITK's reader for a file that begins so, None for what is no stack."""
    if start.startswith(NRRD_MARK):
        return NRRD
    if start.startswith(TIFF_MARKS):
        return TIFF
    is_meta = b"NDims" in start and start.lstrip().startswith((b"ObjectType", b"NDims", b"Comment"))
    return META if is_meta else None


@dataclass(frozen=True, eq=False)
class StackHeader:
    """Size [columns, rows, projections], and origin, spacing and direction as ITK states them (mm)."""

    size: tuple[int, ...]
    origin_mm: Float64Array
    spacing_mm: Float64Array
    direction: Float64Array
    is_whole_numbers: bool

    def lattice(self) -> ProjectionLattice:
        """Where the pixels lie in the plane of a projection; raises UnsupportedInput for a direction out of it."""
        direction = self.direction[:2, :2]
        if np.abs(direction.T @ direction - np.eye(2)).max() > IN_PLANE_TOLERANCE:
            raise UnsupportedInput("its rows and columns do not lie in the plane of a projection")
        size = self.size[0], self.size[1]
        return ProjectionLattice(self.origin_mm[:2], self.spacing_mm[:2], size, direction)


@dataclass(frozen=True, eq=False)
class StackPixels:
    """The projections of one file, read when a slice needs them.

    A plain .mha or .mhd is read in parts. A compressed one, and .nrrd, are read whole at the first slice, and kept.
    """

    path: Path
    reader: str
    shape: tuple[int, int, int]

    def __getitem__(self, which: slice, /) -> Float32Array:
        """The projections of a slice (n, rows, columns)."""
        chosen = range(*which.indices(self.shape[0]))
        if not chosen:
            return np.empty((0, *self.shape[1:]), dtype=np.float32)
        first, last = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
        if not self._is_read_in_parts:
            return self._whole[which]
        part: Float32Array = _read(
            self.path, self.reader, ((0, 0, first), (self.shape[2], self.shape[1], last - first + 1))
        )
        return np.ascontiguousarray(part[np.array(chosen) - first])

    @cached_property
    def _whole(self) -> Float32Array:
        """All projections."""
        return _read(self.path, self.reader, None)

    @cached_property
    def _is_read_in_parts(self) -> bool:
        """Whether ITK reads a part of the file without the rest."""
        if self.reader != META:
            return False
        with self.path.open("rb") as file:
            lines = file.read(LONGEST_HEADER_BYTES).decode("latin-1").splitlines()
        said = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
        return said.get("CompressedData", "False").lower() != "true"


def read_stack_header(path: Path, reader: str) -> StackHeader:
    """What the header of a stack, or of one image of a series, says; raises UnreadableFile or UnsupportedInput."""
    if reader == META:
        require_numbers_in_header(path)
    itk = _opened(path, reader)
    size, dimensions = tuple(int(n) for n in itk.GetSize()), itk.GetDimension()
    expected = 2 if reader == TIFF else 3
    flat = size[:2] if len(size) == 3 and expected == 2 and size[2] == 1 else size
    if len(flat) != expected or itk.GetNumberOfComponents() != 1 or np.prod([float(n) for n in size]) > MAX_VOXELS:
        raise UnsupportedInput(
            f"{path} has size {size} and {itk.GetNumberOfComponents()} components; expected one value at each pixel of "
            f"{'an image' if expected == 2 else 'a stack of projections'}, at most {MAX_VOXELS} in all.",
            path=str(path),
        )
    sitk = simple_itk()
    return StackHeader(
        size=flat,
        origin_mm=np.array(itk.GetOrigin()),
        spacing_mm=np.array(itk.GetSpacing()),
        direction=np.array(itk.GetDirection()).reshape(dimensions, dimensions),
        is_whole_numbers=itk.GetPixelID() not in (sitk.sitkFloat32, sitk.sitkFloat64),
    )


def read_tiff_pixels(path: Path) -> Float32Array:
    """Pixels (rows, columns) of one image of a series; raises UnreadableFile or UnsupportedInput."""
    read_stack_header(path, TIFF)
    pixels = _read(path, TIFF, None)
    return pixels[0] if pixels.ndim == 3 else pixels


def _opened(path: Path, reader: str) -> "sitk.ImageFileReader":
    """ITK's reader after it has read the header."""
    itk: sitk.ImageFileReader = simple_itk().ImageFileReader()
    itk.SetImageIO(reader)
    itk.SetFileName(str(path))
    try:
        with silent_standard_error():
            itk.ReadImageInformation()
    except RuntimeError as failure:
        raise _unreadable(path, failure) from None
    return itk


def _read(path: Path, reader: str, part: tuple[tuple[int, ...], tuple[int, ...]] | None) -> Float32Array:
    """Pixels as float32, of the whole file or of a part (index, size)."""
    itk = _opened(path, reader)
    itk.SetOutputPixelType(simple_itk().sitkFloat32)
    if part is not None:
        itk.SetExtractIndex(part[0])
        itk.SetExtractSize(part[1])
    try:
        with silent_standard_error():
            loaded = itk.Execute()
    except RuntimeError as failure:
        raise _unreadable(path, failure) from None
    pixels: Float32Array = simple_itk().GetArrayFromImage(loaded)
    require_bearable_values(path, pixels)
    if np.isinf(pixels).any():
        raise UnsupportedInput(f"{path} holds pixels that are infinite; write what has no data as NaN.", path=str(path))
    return pixels


def _unreadable(path: Path, failure: RuntimeError) -> UnreadableFile:
    """The refusal of what ITK does not read."""
    return UnreadableFile(
        f"{path} is damaged or truncated, or no image at all; write it again.", path=str(path), reason=str(failure)
    )
