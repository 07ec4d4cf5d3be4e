"""Volumes in MetaImage and NRRD files to and from images, in LPS and mm as ITK stores them; written by ITK."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from openigrt.errors import InvalidGeometry, MissingInput, UnreadableFile, UnsupportedInput
from openigrt.files.stack_headers import StackHeader, read_stack_header
from openigrt.files.stacks import StackPixels, require_whole
from openigrt.geometry import Frame, Grid
from openigrt.images import Image, Modality, Provenance

SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")
WRITTEN_SUFFIXES = (".mha", ".nrrd")
MAX_VOXELS = 2**30
CHUNK_BYTES = 2**20


def is_volume(path: Path) -> bool:
    """Whether the name of a file is that of a volume."""
    return path.suffix.lower() in SUFFIXES


def read_volume(path: Path, frame: Frame, modality: Modality) -> Image:
    """The 3D scalar volume of a file, on a grid in `frame`; voxels without data are NaN.

    Raises MissingInput when the file is not there, UnreadableFile when it is damaged or truncated, UnsupportedInput
    when it is no scalar volume, states no axes of the patient, or has too many voxels.
    """
    header = _volume_header(path)
    try:
        grid = Grid(frame, header.origin_mm, header.spacing_mm, header.direction, header.size)
    except InvalidGeometry as error:
        raise UnreadableFile(f"{path} states axes that cannot be: {error.sentence}", path=str(path)) from None
    return Image(StackPixels(path, header)[:], grid, modality, Provenance(series_description=path.name))


def write_volume(image: Image, path: Path) -> None:
    """Write an image as float32, compressed, whole or not at all; the suffix chooses the format."""
    if path.suffix.lower() not in WRITTEN_SUFFIXES:
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
    """SHA-256 of a volume, hexadecimal: of its file, or of its header and then the file that this names."""
    digest = hashlib.sha256()
    for each in dict.fromkeys((path, _volume_header(path).data)):
        for piece in _pieces(each):
            digest.update(piece)
    return digest.hexdigest()


def _pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file; raises UnreadableFile where it cannot be read."""
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                yield piece
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None


@cache
def _simple_itk() -> ModuleType:
    """SimpleITK, loaded with the first volume that is written."""
    return import_module("SimpleITK")


def _volume_header(path: Path) -> StackHeader:
    """The header of a whole volume; raises MissingInput, UnreadableFile or UnsupportedInput for anything else."""
    if not path.is_file():
        raise MissingInput(f"{path} is no file; give a volume ({', '.join(SUFFIXES)}).", path=str(path))
    if not is_volume(path):
        raise UnsupportedInput(f"{path.name} is no volume; expected a name that ends in {', '.join(SUFFIXES)}.")
    header = read_stack_header(path)
    if header.axes != 3:
        raise UnsupportedInput(f"{path.name} holds one image of two dimensions; expected a 3D scalar volume.")
    if not header.has_space:
        raise UnsupportedInput(
            f"{path} does not say along which axes of the patient its voxels lie; write it with space directions.",
            path=str(path),
        )
    if header.pixel_count > MAX_VOXELS:
        raise UnsupportedInput(f"{path.name} announces {header.size} voxels; at most {MAX_VOXELS} are read.")
    require_whole(path, header)
    return header
