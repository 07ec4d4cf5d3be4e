"""Scans as `read_scan` takes them: a stack of projections with RTK's geometry beside it, and fields of a detector."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import UnsupportedInput
from openigrt.files.rtk_geometry import write_rtk_geometry
from openigrt.images import Quantity, Scan

Float32Array = NDArray[np.float32]

PROJECTIONS_AT_ONCE = 32
LARGEST_COUNT = 65535


def write_scan(scan: Scan, folder: Path) -> Path:
    """Write projections.mha and geometry.xml into a folder, which is made; the path of the stack.

    Intensities are written as whole counts of 16 bits, line integrals as float32, so that reading tells them apart.
    Times, couch, exposure and patient are not part of this format. Raises UnsupportedInput for intensities that 16 bits
    do not hold, and as `write_rtk_geometry`; nothing is left behind then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stack, geometry = folder / "projections.mha", folder / "geometry.xml"
    stack.unlink(missing_ok=True)
    lattice = write_rtk_geometry(scan.trajectory, geometry)
    kind = np.dtype("<u2" if scan.quantity is Quantity.INTENSITY else "<f4")
    header = _header((*scan.trajectory.size, len(scan)), (*lattice.spacing_mm, 1.0), (*lattice.origin_mm, 0.0), kind)
    unfinished = stack.with_name(f".part-{stack.name}")
    try:
        with unfinished.open("wb") as file:
            file.write(header)
            for first in range(0, len(scan), PROJECTIONS_AT_ONCE):
                pixels = np.asarray(scan.pixels[first : first + PROJECTIONS_AT_ONCE])
                file.write((_counts(pixels) if kind.kind == "u" else pixels).astype(kind).tobytes())
        unfinished.replace(stack)
    except UnsupportedInput:
        geometry.unlink()
        raise
    finally:
        unfinished.unlink(missing_ok=True)
    return stack


def write_field(field: Float32Array, path: Path) -> None:
    """Write a dark or flat field (rows, columns) as .mha of float32; `read_field` takes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = field.shape
    kind = np.dtype("<f4")
    header = _header((columns, rows, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), kind)
    unfinished = path.with_name(f".part-{path.name}")
    try:
        unfinished.write_bytes(header + np.ascontiguousarray(field, dtype=kind).tobytes())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _counts(pixels: Float32Array) -> Float32Array:
    """Rounded; raises UnsupportedInput where 16 bits do not hold them."""
    counts = np.rint(pixels)
    if not (np.isfinite(counts).all() and counts.min() >= 0.0 and counts.max() <= LARGEST_COUNT):
        raise UnsupportedInput(
            f"Intensities from {counts.min():g} to {counts.max():g} do not fit 16 bits; scale them to counts of 0 to "
            f"{LARGEST_COUNT}."
        )
    return counts


def _header(
    size: tuple[int, ...], spacing_mm: tuple[float, ...], origin_mm: tuple[float, ...], kind: np.dtype[np.generic]
) -> bytes:
    """The header of a MetaImage with its pixels behind it, uncompressed."""
    lines = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "Offset": " ".join(repr(float(value)) for value in origin_mm),
        "ElementSpacing": " ".join(repr(float(value)) for value in spacing_mm),
        "DimSize": " ".join(str(int(value)) for value in size),
        "ElementType": "MET_USHORT" if kind.kind == "u" else "MET_FLOAT",
        "ElementDataFile": "LOCAL",
    }
    return "".join(f"{key} = {value}\n" for key, value in lines.items()).encode("ascii")
