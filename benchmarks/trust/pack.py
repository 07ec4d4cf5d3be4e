"""`python -m benchmarks.trust pack DIR`: the real data and the virtual pelvis as a few small volumes in one folder."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.real import read_series, read_volume
from benchmarks.trust.volumes import AIR_HU, Packed, write_volume
from benchmarks.worker import Volume
from openigrt.geometry import Float64Array, Frame, Grid, RigidTransform
from openigrt.virtual import PelvisState, render, virtual_pelvis

BODY_ABOVE_HU = -350.0
MARGIN_MM = 8.0
FINEST_MM = 1.5
PELVIS_SEEDS = (1, 2, 3, 4, 5, 6, 7, 8)
PELVIS_SIZE_MM = np.array([420.0, 290.0, 300.0])
PELVIS_SPACING_MM = np.array([2.0, 2.0, 2.5])
PELVIS_UP_MM = 20.0


def main(arguments: list[str]) -> None:
    """Write the pack."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust pack", description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--data", type=Path, default=os.environ.get("OPENIGRT_DATA"), help="real data (OPENIGRT_DATA)")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("the real data are needed: unpack them and name their folder by --data or OPENIGRT_DATA")
    options.pack.mkdir(parents=True, exist_ok=True)
    for volume in [*_real(options.data), *_pelvises()]:
        write_volume(options.pack, volume)


def _real(data: Path) -> Iterator[Packed]:
    """Every real volume of a body."""
    yield _packed("pancreas", read_series(data / "pancreas" / "planning_ct"))
    yield _packed("pancreas-cbct", read_series(data / "pancreas" / "daily_cbct"), AIR_HU + 1.0)
    yield _packed("head", read_volume(data / "head_phantom" / "headphantom.mha"))
    yield _packed("thorax-0", read_volume(data / "thorax_4dct" / "t0.mha"))
    yield _packed("thorax-5", read_volume(data / "thorax_4dct" / "t5.mha"))
    for patient in sorted((data / "sarcoma_ct_pet_mr").glob("STS_*")):
        name = f"sarcoma-{int(patient.name[4:])}"
        yield _packed(name, read_series(patient / "CT" / "image"), cropped=True)
        for image, folder in (("mr", "MR_T1"), ("pet", "PET")):
            yield _as_stored(f"{name}-{image}", read_series(patient / folder / "image"))


def _as_stored(name: str, volume: Volume) -> Packed:
    """A volume with all its voxels as they are."""
    origin, spacing, size = volume.origin_mm, volume.spacing_mm, volume.voxels.shape[::-1]
    grid = Grid(Frame.plan(name), origin, spacing, volume.direction, size)
    return Packed(name, volume.voxels, grid, np.zeros((0, 3)), cropped=True)


def _packed(name: str, volume: Volume, content_hu: float = BODY_ABOVE_HU, cropped: bool = False) -> Packed:
    """A volume cut to its content, coarser than 1.5 mm in the slice where it was finer."""
    voxels, spacing, origin = volume.voxels, volume.spacing_mm, volume.origin_mm
    box = _content_box(voxels > content_hu, spacing)
    voxels = voxels[box]
    origin = origin + volume.direction @ (spacing * [b.start for b in box[::-1]])
    factor = np.where(spacing < FINEST_MM, np.minimum(FINEST_MM / spacing, 3.0), 1.0)
    if name != "pancreas-cbct" and (factor > 1.0).any():
        voxels, origin = _coarsened(voxels, factor, origin, volume)
        spacing = spacing * factor
    grid = Grid(Frame.plan(name), origin, spacing, volume.direction, voxels.shape[::-1])
    return Packed(name, voxels, grid, np.zeros((0, 3)), cropped)


def _content_box(content: NDArray[np.bool_], spacing_mm: Float64Array) -> tuple[slice, slice, slice]:
    """The smallest box of voxels [k, j, i] that holds content, with a margin."""
    box = []
    for axis in range(3):
        found = np.flatnonzero(content.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = int(MARGIN_MM / spacing_mm[2 - axis]) if axis else 0
        box.append(slice(max(found[0] - margin, 0), min(found[-1] + margin + 1, content.shape[axis])))
    return box[0], box[1], box[2]


def _coarsened(
    voxels: NDArray[np.float32], factor: Float64Array, origin_mm: Float64Array, volume: Volume
) -> tuple[NDArray[np.float32], Float64Array]:
    """Voxels at `factor` times the spacing (i, j, k), smoothed as a wider pixel would, and the first one's centre."""
    smooth = ndimage.gaussian_filter(voxels, 0.35 * np.sqrt(np.maximum(factor**2 - 1.0, 0.0))[::-1])
    size = ((np.array(voxels.shape) - 1) / factor[::-1]).astype(int) + 1
    matrix = factor[::-1]
    coarse = ndimage.affine_transform(smooth, matrix, output_shape=tuple(size), order=1, mode="nearest")
    return coarse.astype(np.float32), origin_mm


def _pelvises() -> Iterator[Packed]:
    """Each virtual patient as planned, and on another day."""
    for seed in PELVIS_SEEDS:
        yield _pelvis(f"pelvis-{seed}", seed, PelvisState(bowel_seed=seed))
        rng = np.random.default_rng([2026, seed])
        shift = tuple(float(s) for s in rng.uniform(-6.0, 6.0, 3))
        day = PelvisState(
            bladder_ml=float(rng.uniform(100.0, 400.0)),
            rectum_width=float(rng.uniform(0.8, 1.5)),
            gas_width=float(rng.uniform(0.5, 1.6)),
            prostate_shift_mm=(shift[0], shift[1], shift[2]),
            bowel_seed=100 + seed,
        )
        yield _pelvis(f"pelvis-{seed}-day", seed, day)


def _pelvis(name: str, seed: int, state: PelvisState) -> Packed:
    """A virtual patient in one state."""
    frame = Frame.plan(name)
    anatomy = virtual_pelvis(frame, seed, state)
    size = (PELVIS_SIZE_MM / PELVIS_SPACING_MM).astype(int)
    center = np.array([0.0, 0.0, PELVIS_UP_MM])
    origin = center - 0.5 * (size - 1) * PELVIS_SPACING_MM
    grid = Grid(frame, origin, PELVIS_SPACING_MM, np.eye(3), (int(size[0]), int(size[1]), int(size[2])))
    voxels = render(anatomy, grid, RigidTransform.identity(frame, frame))
    return Packed(name, voxels, grid, np.zeros((0, 3)), False)
