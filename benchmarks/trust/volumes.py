"""Volumes packed small: whole HU cut to the body, with where the densest bone lies slice by slice."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.geometry import Float64Array, Frame, Grid

CBCT = "pancreas-cbct"
BY_INFORMATION = ("-mr", "-pet")
STORED = ("-cbct", *BY_INFORMATION)
AIR_HU = -1000.0
BONE_HU = 250.0
REMOVED_BONE_HU = 150.0
MARROW_MARGIN_MM = 5.0
ANCHOR_WIDTH_MM = 12.0
LEAST_BONE_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class Packed:
    """A volume, HU (of MR and PET what they measure) [k, j, i] on a grid in a frame of its own.

    `anchors_mm` (n, 3) are points in the densest bone near each slice: the spine where there is one. Beyond the
    sides of a `cropped` volume lies tissue that nobody stored; beyond those of others lies air.
    """

    name: str
    voxels: NDArray[np.float32]
    grid: Grid
    anchors_mm: Float64Array
    cropped: bool


def is_stored(name: str) -> bool:
    """Whether a volume is a real image of the day, matched as it was stored."""
    return name.endswith(STORED)


def write_volume(pack: Path, volume: Packed) -> None:
    """Keep a volume in a pack, HU rounded to steps of 4 so that it stays small; MR and PET as they are."""
    grid, hounsfield = volume.grid, not volume.name.endswith(BY_INFORMATION)
    np.savez_compressed(
        pack / f"{volume.name}.npz",
        voxels=(np.rint(volume.voxels / 4.0) * 4.0).astype(np.int16) if hounsfield else volume.voxels,
        origin_mm=grid.origin_mm,
        spacing_mm=grid.spacing_mm,
        direction=grid.direction,
        cropped=np.array(volume.cropped),
    )


@lru_cache(maxsize=16)
def read_volume(pack: Path, name: str) -> Packed:
    """A volume of a pack."""
    with np.load(pack / f"{name}.npz") as kept:
        voxels = kept["voxels"].astype(np.float32)
        grid = Grid(Frame.plan(name), kept["origin_mm"], kept["spacing_mm"], kept["direction"], voxels.shape[::-1])
        return Packed(name, voxels, grid, anchors_mm(voxels, grid), bool(kept["cropped"]))


def anchors_mm(voxels: NDArray[np.float32], grid: Grid) -> Float64Array:
    """The point of densest bone near each slice that has any (n, 3), mm; the middle of the volume where none has."""
    step = max(round(4.0 / grid.spacing_mm[0]), 1)
    bone = (voxels[:, ::step, ::step] > BONE_HU).astype(np.float32)
    width = ANCHOR_WIDTH_MM / (grid.spacing_mm[::-1] * [1.0, step, step])
    dense = ndimage.gaussian_filter(bone, width, mode="constant")
    flat = dense.reshape(len(dense), -1).argmax(axis=1)
    j, i = np.unravel_index(flat, dense.shape[1:])
    points = grid.points(np.column_stack([i * step, j * step, np.arange(len(dense))]))
    bony = dense.reshape(len(dense), -1).max(axis=1) > LEAST_BONE_SHARE
    return points[bony] if bony.any() else grid.center_mm[None]


@lru_cache(maxsize=4)
def without_bone(pack: Path, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The volume with its bones filled by the soft tissue around them, and how much of each voxel is bone, 0 to 1."""
    volume = read_volume(pack, name)
    steps = MARROW_MARGIN_MM / volume.grid.spacing_mm[::-1]
    bone = ndimage.gaussian_filter((volume.voxels > REMOVED_BONE_HU).astype(np.float32), steps) > 0.1
    soft = (~bone & (volume.voxels > AIR_HU / 2.0)).astype(np.float32)
    around = ndimage.gaussian_filter(volume.voxels * soft, 3.0 * steps)
    around /= np.maximum(ndimage.gaussian_filter(soft, 3.0 * steps), 1e-3)
    share = ndimage.gaussian_filter(bone.astype(np.float32), 0.5)
    return volume.voxels * (1.0 - share) + around * share, share
