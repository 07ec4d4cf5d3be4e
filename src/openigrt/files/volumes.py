"""Volumes in .mha, .mhd and .nrrd files to and from images (all three store LPS in mm, as ITK does)."""

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import MissingInput, UnreadableFile, UnsupportedInput
from openigrt.files.metaimage import require_numbers_in_header
from openigrt.files.silence import silent_standard_error
from openigrt.geometry import Frame, Grid
from openigrt.images import Image, Modality, Provenance

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 - the name that its users know

METAIMAGE_SUFFIXES = (".mha", ".mhd")
SUFFIXES = (*METAIMAGE_SUFFIXES, ".nrrd")
MAX_VOXELS = 2**30
LARGEST_VALUE = 1e9


def is_volume(path: Path) -> bool:
    """Whether the name of a file is that of a volume."""
    return path.suffix.lower() in SUFFIXES


def read_volume(path: Path, frame: Frame, modality: Modality) -> Image:
    """The 3D scalar volume of a file, on a grid in `frame`.

    Raises MissingInput when the file is not there, UnreadableFile when it is damaged or truncated, UnsupportedInput
    when it is no scalar volume or has too many voxels.
    """
    _require_volume_file(path)
    if path.suffix.lower() in METAIMAGE_SUFFIXES:
        require_numbers_in_header(path)
    sitk = _simple_itk()
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with silent_standard_error():
            reader.ReadImageInformation()
            _require_scalar_volume(path, reader)
            reader.SetOutputPixelType(sitk.sitkFloat32)
            loaded = reader.Execute()
    except RuntimeError as failure:
        raise UnreadableFile(
            f"{path} is damaged or truncated, or no volume at all; write it again.", path=str(path), reason=str(failure)
        ) from None
    grid = Grid(
        frame=frame,
        origin_mm=np.array(loaded.GetOrigin()),
        spacing_mm=np.array(loaded.GetSpacing()),
        direction=np.array(loaded.GetDirection()).reshape(3, 3),
        size=loaded.GetSize(),
    )
    voxels = sitk.GetArrayFromImage(loaded)
    require_bearable_values(path, voxels)
    return Image(voxels, grid, modality, Provenance(series_description=path.name))


def write_volume(image: Image, path: Path) -> None:
    """Write an image as float32, compressed, whole or not at all; the suffix chooses the format."""
    if not is_volume(path) or path.suffix.lower() == ".mhd":
        raise UnsupportedInput(f"{path.name} cannot be written; expected a name that ends in .mha or .nrrd.")
    sitk = _simple_itk()
    volume = sitk.GetImageFromArray(image.voxels)
    volume.SetOrigin(image.grid.origin_mm.tolist())
    volume.SetSpacing(image.grid.spacing_mm.tolist())
    volume.SetDirection(image.grid.direction.ravel().tolist())
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".part-{path.name}")
    try:
        sitk.WriteImage(volume, str(unfinished), useCompression=True)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _simple_itk() -> ModuleType:
    """SimpleITK, loaded with the first volume: folders of DICOM never need it."""
    return import_module("SimpleITK")


def _require_volume_file(path: Path) -> None:
    """Raise MissingInput or UnsupportedInput before anything is opened."""
    if not path.is_file():
        raise MissingInput(f"{path} is no file; give a volume ({', '.join(SUFFIXES)}).", path=str(path))
    if not is_volume(path):
        raise UnsupportedInput(f"{path.name} is no volume; expected a name that ends in {', '.join(SUFFIXES)}.")


def require_bearable_values(path: Path, voxels: NDArray[np.float32]) -> None:
    """Raise UnsupportedInput for finite voxels beyond what any image means: arithmetic would end at infinity."""
    largest = float(np.abs(voxels[np.isfinite(voxels)]).max(initial=0.0))
    if largest > LARGEST_VALUE:
        raise UnsupportedInput(
            f"{path.name} holds values up to {largest:.1g}; at most {LARGEST_VALUE:g} is read. Write what has no data "
            "as NaN.",
            path=str(path),
        )


def _require_scalar_volume(path: Path, reader: "sitk.ImageFileReader") -> None:
    """Raise UnsupportedInput unless the header announces one value at each of a bearable number of voxels."""
    size = reader.GetSize()
    if len(size) != 3 or reader.GetNumberOfComponents() != 1:
        raise UnsupportedInput(
            f"{path.name} has size {size} and {reader.GetNumberOfComponents()} components; expected a 3D scalar volume."
        )
    if np.prod([float(n) for n in size]) > MAX_VOXELS:
        raise UnsupportedInput(f"{path.name} announces {size} voxels; at most {MAX_VOXELS} are read.")
