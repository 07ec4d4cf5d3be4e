"""Scans from stacks of projections and TIFF series, with RTK's geometry."""

from collections.abc import Sequence
from pathlib import Path

from openigrt.errors import InconsistentInput, InvalidGeometry, MissingInput, UnsupportedInput
from openigrt.files.detector_size import require_detector
from openigrt.files.file_pixels import FilePixels
from openigrt.files.rtk_geometry import (
    ProjectionLattice,
    RtkGeometry,
    is_rtk_geometry,
    read_rtk_geometry,
    trajectory_of,
)
from openigrt.files.scan_sources import ScanDefaults, xml_beside
from openigrt.files.stack_headers import StackHeader, read_stack_header
from openigrt.files.stacks import StackPixels, read_tiff_pixels, read_tiff_size, require_whole
from openigrt.images import Quantity, Scan

Messages = tuple[str, ...]


def stack_scan(path: Path, defaults: ScanDefaults) -> tuple[Scan, Messages]:
    """The scan of one .mha, .mhd or .nrrd with its projections along the third axis.

    Raises MissingInput without a geometry, InconsistentInput where it has another number of projections.
    """
    header = read_stack_header(path)
    require_whole(path, header)
    lattice = _lattice(path, header)
    geometry, messages = _geometry_beside(path, defaults, header.size[2])
    quantity, said = _quantity(header.is_whole_numbers, defaults)
    pixels = StackPixels(path, header)
    return Scan(pixels, trajectory_of(geometry, lattice), quantity), messages + said


def _lattice(path: Path, header: StackHeader) -> ProjectionLattice:
    """Where the pixels lie in the plane of a projection; raises UnsupportedInput for a direction out of it."""
    require_detector(path, header.size[0], header.size[1])
    try:
        return ProjectionLattice(
            header.origin_mm[:2], header.spacing_mm[:2], (header.size[0], header.size[1]), header.direction[:2, :2]
        )
    except InvalidGeometry:
        raise UnsupportedInput(
            f"{path} has rows and columns that do not lie in the plane of a projection: its direction is "
            f"{header.direction.ravel().tolist()}.",
            path=str(path),
        ) from None


def tiff_scan(paths: Sequence[Path], defaults: ScanDefaults) -> tuple[Scan, Messages]:
    """The scan of TIFF images in this order, centred on the point (0, 0) of the geometry.

    Raises MissingInput without geometry or pixel spacing (TIFF does not state it in mm), InconsistentInput for mixed
    sizes, or where the geometry has another number of projections.
    """
    found = [read_tiff_size(path) for path in paths]
    size = found[0][0]
    for path, (other, _) in zip(paths, found, strict=True):
        if other != size:
            raise InconsistentInput(
                f"{path} has {other[0]} x {other[1]} pixels, and the first projection {size[0]} x {size[1]}; keep one "
                "scan in a folder.",
                path=str(path),
            )
    if defaults.spacing_mm is None:
        raise MissingInput(
            f"{paths[0].parent} holds TIFF images, which do not state the spacing of their pixels in mm; give it as "
            "--spacing (ScanDefaults.spacing_mm)."
        )
    geometry, messages = _geometry_beside(paths[0], defaults, len(paths))
    quantity, said = _quantity(all(is_whole for _, is_whole in found), defaults)
    trajectory = trajectory_of(geometry, ProjectionLattice.centred(defaults.spacing_mm, size))
    return Scan(FilePixels(tuple(paths), size, read_tiff_pixels), trajectory, quantity), messages + said


def _geometry_beside(path: Path, defaults: ScanDefaults, count: int) -> tuple[RtkGeometry, Messages]:
    """The geometry that was given, or the one beside the projections, of as many."""
    found = defaults.geometry or xml_beside(path.parent, is_rtk_geometry, "RTK's geometry")
    if found is None:
        raise MissingInput(
            f"{path} holds projections without a geometry; put RTK's geometry (.xml) beside them, or name "
            "it (--geometry)."
        )
    geometry, messages = read_rtk_geometry(found)
    if len(geometry) != count:
        raise InconsistentInput(
            f"{found} has {len(geometry)} projections, and there are {count}; give the geometry of this scan.",
            listed=len(geometry),
            found=count,
        )
    return geometry, messages


def _quantity(is_whole_numbers: bool, defaults: ScanDefaults) -> tuple[Quantity, Messages]:
    """What pixels are: as given, else intensities for whole numbers and line integrals for others, with a message."""
    if defaults.quantity is not None:
        return defaults.quantity, ()
    quantity = Quantity.INTENSITY if is_whole_numbers else Quantity.LINE_INTEGRAL
    kind = "whole" if is_whole_numbers else "floating-point"
    return quantity, (f"What the pixels are is not stated; as {kind} numbers they are taken as {quantity}.",)
