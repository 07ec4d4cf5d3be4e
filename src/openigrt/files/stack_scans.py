"""Scans from stacks of projections and TIFF series, with RTK's geometry."""

from collections.abc import Sequence
from pathlib import Path

from openigrt.errors import InconsistentInput, MissingInput, UnsupportedInput
from openigrt.files.file_pixels import FilePixels
from openigrt.files.rtk_geometry import (
    ProjectionLattice,
    RtkGeometry,
    is_rtk_geometry,
    read_rtk_geometry,
    trajectory_of,
)
from openigrt.files.scan_sources import ScanDefaults, xml_beside
from openigrt.files.stacks import TIFF, StackHeader, StackPixels, read_stack_header, read_tiff_pixels
from openigrt.images import Quantity, Scan

Messages = tuple[str, ...]


def stack_scan(path: Path, reader: str, defaults: ScanDefaults) -> tuple[Scan, Messages]:
    """The scan of one .mha, .mhd or .nrrd with its projections along the third axis.

    Raises MissingInput without a geometry, InconsistentInput where it has another number of projections.
    """
    header = read_stack_header(path, reader)
    geometry, messages = _geometry_beside(path, defaults, header.size[2])
    try:
        lattice = header.lattice()
    except UnsupportedInput as error:
        raise UnsupportedInput(f"{path}: {error.sentence}.", path=str(path)) from None
    quantity, said = _quantity(header, defaults)
    pixels = StackPixels(path, reader, (header.size[2], header.size[1], header.size[0]))
    return Scan(pixels, trajectory_of(geometry, lattice), quantity), messages + said


def tiff_scan(paths: Sequence[Path], defaults: ScanDefaults) -> tuple[Scan, Messages]:
    """The scan of TIFF images in this order, centred on the point (0, 0) of the geometry.

    Raises MissingInput without geometry or pixel spacing (TIFF does not state it in mm), InconsistentInput for mixed
    sizes, or where the geometry has another number of projections.
    """
    headers = [read_stack_header(path, TIFF) for path in paths]
    for path, header in zip(paths, headers, strict=True):
        if header.size != headers[0].size:
            raise InconsistentInput(
                f"{path} has {header.size[0]} x {header.size[1]} pixels, and the first projection {headers[0].size[0]} "
                f"x {headers[0].size[1]}; keep one scan in a folder.",
                path=str(path),
            )
    if defaults.spacing_mm is None:
        raise MissingInput(
            f"{paths[0].parent} holds TIFF images, which do not state the spacing of their pixels in mm; give it as "
            "ScanDefaults(spacing_mm=...)."
        )
    geometry, messages = _geometry_beside(paths[0], defaults, len(paths))
    size = headers[0].size[0], headers[0].size[1]
    quantity, said = _quantity(headers[0], defaults)
    trajectory = trajectory_of(geometry, ProjectionLattice.centred(defaults.spacing_mm, size))
    return Scan(FilePixels(tuple(paths), size, read_tiff_pixels), trajectory, quantity), messages + said


def _geometry_beside(path: Path, defaults: ScanDefaults, count: int) -> tuple[RtkGeometry, Messages]:
    """The geometry that was given, or the one beside the projections, of as many."""
    found = defaults.geometry or xml_beside(path.parent, is_rtk_geometry, "RTK's geometry")
    if found is None:
        raise MissingInput(
            f"{path} holds projections without a geometry; put RTK's geometry (.xml) beside them, or give its path."
        )
    geometry, messages = read_rtk_geometry(found)
    if len(geometry) != count:
        raise InconsistentInput(
            f"{found} has {len(geometry)} projections, and there are {count}; give the geometry of this scan.",
            listed=len(geometry),
            found=count,
        )
    return geometry, messages


def _quantity(header: StackHeader, defaults: ScanDefaults) -> tuple[Quantity, Messages]:
    """What pixels are: as given, else intensities for whole numbers and line integrals for others, with a message."""
    if defaults.quantity is not None:
        return defaults.quantity, ()
    quantity = Quantity.INTENSITY if header.is_whole_numbers else Quantity.LINE_INTEGRAL
    kind = "whole" if header.is_whole_numbers else "floating-point"
    return quantity, (f"What the pixels are is not stated; as {kind} numbers they are taken as {quantity}.",)
