"""What a planning CT shows of a patient: where he ends, and where his bones are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import MissingInput
from openigrt.geometry import Grid
from openigrt.images import Image
from openigrt.patient import Filling, Gaps, Structure, occupancy_from_structure

AIR_HU, SKIN_HU, RIM_HU = -1000.0, -350.0, -100.0
SPONGY_HU, CORTEX_HU, FROM_CORTEX_MM = 180.0, 420.0, 10.0  # blood with contrast is as dense as spongy bone
BODY_SAMPLE_MM = 2.0
THINNEST_MM = 9.0  # what is thinner, and not part of something thicker, is couch, mask or sheet
RIM_MM = 1.5
LARGEST_MARROW_MM2, SMALLEST_BONE_MM3, SMALLEST_BODY_MM3 = 2000.0, 800.0, 2.0e5
DEEP_MM, LESSER_SHARE = 40.0, 0.1
IN_PLANE = ndimage.generate_binary_structure(2, 1)[None]

Flags = NDArray[np.bool_]
Voxels = NDArray[np.float32]


class Sampled(NamedTuple):
    """Numbers [k, j, i] on a grid along the axes of its frame."""

    values: Voxels
    grid: Grid


def pooled(values: NDArray[np.generic], grid: Grid, sample_mm: float) -> Sampled:
    """Means over so many voxels of a slice that a sample is about `sample_mm` wide; the last ones are repeated."""
    i, j = (max(1, round(sample_mm / float(spacing))) for spacing in grid.spacing_mm[:2])
    rows, columns = -(-values.shape[1] // j), -(-values.shape[2] // i)
    padded = np.pad(
        values, ((0, 0), (0, rows * j - values.shape[1]), (0, columns * i - values.shape[2])), mode="edge"
    ).reshape(values.shape[0], rows, j, columns, i)
    origin_mm = grid.points(((i - 1) / 2.0, (j - 1) / 2.0, 0.0))
    size = columns, rows, values.shape[0]
    lattice = Grid(grid.frame, origin_mm, grid.spacing_mm * (i, j, 1), grid.direction, size)
    return Sampled(padded.mean(axis=(2, 4), dtype=np.float32), lattice)


def body_in(image: Image, external: Structure | None) -> Flags:
    """The voxels [k, j, i] inside a patient: those of a structure, or what the HU show where there is none.

    Raises MissingInput where there is nobody.
    """
    if external is None:
        return _body_by_hu(image)
    filling = Filling(gaps=Gaps.BRIDGED)
    inside = occupancy_from_structure(external, image.frame, image.grid, filling).whole_mask().voxels
    if not inside.any():
        raise MissingInput(
            f"The outline of the patient, {external.name}, lies outside the planning CT; give the CT that it was drawn "
            "on.",
            structure=external.name,
        )
    return inside


def _body_by_hu(image: Image) -> Flags:
    """The largest thing that is no air, thicker than a couch top, with its hollows slice by slice."""
    coarse = pooled(image.voxels, image.grid, BODY_SAMPLE_MM)
    thick = coarse.values > SKIN_HU
    steps = max(1, round(0.5 * THINNEST_MM / float(coarse.grid.spacing_mm[0])))
    core = ndimage.binary_opening(thick, structure=IN_PLANE, iterations=steps)
    core = _largest(core, SMALLEST_BODY_MM3 / float(np.prod(coarse.grid.spacing_mm)))
    body = thick & ndimage.binary_dilation(core, structure=IN_PLANE)
    for k in range(len(body)):
        body[k] = ndimage.binary_fill_holes(body[k])
    surely, at_most = (
        _spread(change(body, structure=IN_PLANE), image, coarse.grid)
        for change in (ndimage.binary_erosion, ndimage.binary_dilation)
    )
    return np.asarray(surely | (at_most & (image.voxels > SKIN_HU)))


def _largest(flags: Flags, smallest: float) -> Flags:
    """The largest connected part; raises MissingInput where that has fewer voxels than the smallest patient."""
    labels, count = ndimage.label(flags)
    sizes = np.bincount(labels.ravel())[1:] if count else np.zeros(1)
    if sizes.max() < smallest:
        raise MissingInput(
            "The planning CT shows no patient, and no structure is his outline; draw BODY, or give his CT."
        )
    return np.asarray(labels == 1 + int(sizes.argmax()))


def _spread(flags: Flags, image: Image, coarse: Grid) -> Flags:
    """Flags of pooled voxels at all voxels that were pooled."""
    i, j = (round(float(n)) for n in coarse.spacing_mm[:2] / image.grid.spacing_mm[:2])
    _, rows, columns = image.grid.shape
    return flags.repeat(j, axis=1)[:, :rows].repeat(i, axis=2)[:, :, :columns]


def without_surroundings(voxels: Voxels, inside: Flags, pixel_mm: float) -> Voxels:
    """HU with air outside a body; a rim of 1.5 mm keeps how the skin ends, not what touches it."""
    rim = ndimage.binary_dilation(inside, structure=IN_PLANE, iterations=max(1, round(RIM_MM / pixel_mm)))
    return np.where(inside, voxels, np.where(rim, np.minimum(voxels, RIM_HU), AIR_HU)).astype(np.float32)


def bone_in(hu: Sampled, inside: Sampled, soft: Sequence[Structure]) -> Sampled | None:
    """How much of each sample is bone, with its marrow: what is dense, in the body, and in no structure that is soft.

    None where there is none. Specks are left out: markers, calcifications, contrast.
    """
    dense = (hu.values > SPONGY_HU) & (inside.values > 0.5)
    for structure in soft:
        filled = occupancy_from_structure(structure, hu.grid.frame, hu.grid)
        dense[filled.window] &= filled.fractions < 0.5
    cortex = dense & (hu.values > CORTEX_HU)
    if not cortex.any():
        return None
    dense &= ndimage.distance_transform_edt(~cortex, sampling=hu.grid.spacing_mm[::-1]) < FROM_CORTEX_MM
    dense = ndimage.binary_closing(dense, structure=IN_PLANE, iterations=2)
    for k in range(len(dense)):
        dense[k] |= _marrow(dense[k], float(np.prod(hu.grid.spacing_mm[:2])))
    bone = _without_specks(dense, inside.values > 0.5, hu.grid)
    return Sampled(bone.astype(np.float32), hu.grid) if bone.any() else None


def _without_specks(dense: Flags, inside: Flags, grid: Grid) -> Flags:
    """Pieces of bone, but for small ones, and for lesser ones that lie deep: blood or bowel with contrast."""
    pieces, _ = ndimage.label(dense)
    sizes_mm3 = np.bincount(pieces.ravel()) * float(np.prod(grid.spacing_mm))
    sizes_mm3[0] = 0.0
    steps = max(1, round(DEEP_MM / float(grid.spacing_mm[0])))
    deep = ndimage.binary_erosion(inside, structure=IN_PLANE, iterations=steps, border_value=1)
    reaches_out = np.zeros(len(sizes_mm3), dtype=np.bool_)
    reaches_out[pieces[~deep]] = True
    is_bone = (sizes_mm3 > SMALLEST_BONE_MM3) & (reaches_out | (sizes_mm3 > LESSER_SHARE * sizes_mm3.max()))
    return np.asarray(is_bone[pieces])


def _marrow(dense: Flags, pixel_mm2: float) -> Flags:
    """What dense bone surrounds in a slice, if that is no larger than a vertebra: not the brain, nor the pelvis."""
    hollows, _ = ndimage.label(ndimage.binary_fill_holes(dense) & ~dense)
    is_marrow = np.bincount(hollows.ravel()) * pixel_mm2 < LARGEST_MARROW_MM2
    is_marrow[0] = False
    return np.asarray(is_marrow[hollows])
