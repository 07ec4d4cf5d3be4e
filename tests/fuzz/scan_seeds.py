"""Small whole files of scans, and what stands beside them."""

import gzip
import zlib
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name that its users know

from openigrt.files import write_rtk_geometry
from openigrt.geometry import DetectorPlacement, Trajectory, circular_trajectory
from tests.files import vendor_files

XIM = (vendor_files.xim, partial(vendor_files.xim, compressed=False))


def beside_xim(folder: Path) -> None:
    """The parameters of TrueBeam."""
    (folder / "Scan.xml").write_text(vendor_files.truebeam_scan())


def beside_hnd(folder: Path) -> None:
    """The parameters of the On-Board Imager."""
    (folder / "ProjectionInfo.xml").write_text(vendor_files.projection_info())


def beside_his(folder: Path) -> None:
    """A list of one frame."""
    (folder / "_Frames.xml").write_text(vendor_files.xvi_frames([10.0]))


def beside_stack(folder: Path) -> None:
    """RTK's geometry of two projections."""
    write_rtk_geometry(_trajectory(2), folder / "geometry.xml")


def rtk_geometry() -> bytes:
    """The same as bytes."""
    with TemporaryDirectory() as folder:
        beside_stack(Path(folder))
        return (Path(folder) / "geometry.xml").read_bytes()


def stack(suffix: str, compressed: bool) -> bytes:
    """A stack of two projections."""
    pixels = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"stack{suffix}"
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(path), useCompression=compressed)
        return path.read_bytes()


def volume(suffix: str, compressed: bool, kind: type[np.generic]) -> bytes:
    """The header of a small oblique volume, and its voxels where they are in the same file."""
    image = sitk.GetImageFromArray(np.arange(60).reshape(3, 4, 5).astype(kind))
    image.SetSpacing((0.9, 1.1, 2.5))
    image.SetOrigin((-20.5, 10.0, 30.25))
    image.SetDirection((0.0, -1.0, 0.0, 0.6, 0.0, 0.8, -0.8, 0.0, 0.6))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"voxels{suffix}"
        sitk.WriteImage(image, str(path), useCompression=compressed)
        return path.read_bytes()


def beside_volume(folder: Path) -> None:
    """The voxels of headers that name them: as they are, and deflated."""
    voxels = np.arange(60).astype(np.int16).tobytes()
    (folder / "voxels.raw").write_bytes(voxels)
    (folder / "voxels.zraw").write_bytes(zlib.compress(voxels))
    (folder / "voxels.raw.gz").write_bytes(gzip.compress(voxels))


def beside_tiff(folder: Path) -> None:
    """RTK's geometry of one projection."""
    write_rtk_geometry(_trajectory(1), folder / "geometry.xml")


def tiff(compressed: bool) -> bytes:
    """One image."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "image.tif"
        image = sitk.GetImageFromArray(np.arange(12, dtype=np.uint16).reshape(3, 4))
        sitk.WriteImage(image, str(path), useCompression=compressed)
        return path.read_bytes()


def _trajectory(count: int) -> Trajectory:
    return circular_trajectory(10.0 * np.arange(count), DetectorPlacement(1000.0, 1500.0, (4, 3), (0.8, 0.8)))


STACKS = tuple(partial(stack, suffix, compressed) for suffix in (".mha", ".nrrd") for compressed in (False, True))
KINDS = (np.int16, np.uint8, np.int64, np.float32, np.float64)
VOLUMES = {
    suffix: tuple(partial(volume, suffix, compressed, kind) for compressed in (False, True) for kind in kinds)
    for suffix, kinds in (
        (".mha", KINDS),
        (".nrrd", KINDS),
        (".mhd", (np.int16,)),
        (".nhdr", (np.int16,)),
    )
}
TIFFS = (partial(tiff, False), partial(tiff, True))
XVI_FRAMES = (lambda: vendor_files.xvi_frames([10.0, 11.0]).encode(),)
PROJECTION_INFO = (lambda: vendor_files.projection_info().encode(),)
TRUEBEAM_SCAN = (lambda: vendor_files.truebeam_scan().encode(),)
RTK_GEOMETRY = (rtk_geometry,)
