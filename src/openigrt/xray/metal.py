"""Metal: found in a first image, its trace in the projections filled from both sides, the metal put back at the end.

The trace is filled by straight lines (Kalender, Hebel, Ebersberger, Radiology 164 (1987) 576), of projections that were
divided by those of a prior without metal, so that bone and skin continue through it (Meyer et al., Med Phys 37 (2010)
5482).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InconsistentInput, InvalidGeometry
from openigrt.geometry import Grid
from openigrt.xray.hounsfield import AIR_HU

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

LARGEST_METAL_SHARE = 0.05
LARGEST_TRACE_SHARE = 0.5
SMALLEST_PRIOR = 0.05
PRIOR_AIR_HU = -500.0
PRIOR_BONE_HU = 250.0


@dataclass(frozen=True, slots=True)
class MetalSearch:
    """What counts as metal: HU from `threshold_hu` on, in pieces of `smallest_mm3` and more."""

    threshold_hu: float = 2000.0
    smallest_mm3: float = 20.0


def metal_mask(hu: Float32Array, grid: Grid, search: MetalSearch = MetalSearch()) -> BoolArray:
    """Metal [k, j, i] in an image; raises InconsistentInput where that would be more than 5 % of it."""
    if hu.shape != grid.shape:
        raise InvalidGeometry(f"An image of {hu.shape} voxels does not fit a grid of {grid.shape}.")
    bright = hu >= search.threshold_hu
    if float(bright.mean()) > LARGEST_METAL_SHARE:
        raise InconsistentInput(
            f"{100.0 * float(bright.mean()):.0f} % of the image lies above {search.threshold_hu:.0f} HU; calibrate its "
            "HU before looking for metal."
        )
    pieces, count = ndimage.label(bright, np.ones((3, 3, 3)))
    sizes_mm3 = np.bincount(pieces.reshape(-1), minlength=count + 1) * float(np.prod(grid.spacing_mm))
    sizes_mm3[0] = 0.0
    return np.asarray((sizes_mm3 >= search.smallest_mm3)[pieces])


def metal_prior(hu: Float32Array, metal: BoolArray) -> Float32Array:
    """HU of a first image as air, water and bone as it is, without metal: what `without_trace` divides by.

    Bright streaks next to metal count as water, as bone is only believed where a smooth image shows it. Voxels without
    data count as air.
    """
    known = np.where(np.isnan(hu), np.float32(AIR_HU), hu)
    calm = ndimage.gaussian_filter(np.where(metal, np.float32(0.0), known), 1.0)
    prior = np.where(calm < PRIOR_AIR_HU, np.float32(AIR_HU), np.float32(0.0))
    near = ndimage.binary_dilation(metal, iterations=2)
    bone = (calm > PRIOR_BONE_HU) & ~near
    return np.where(bone, known, np.where(near, np.float32(0.0), prior)).astype(np.float32)


def trace_of(metal_lengths_mm: Float32Array, shortest_mm: float = 0.1, margin_pixels: int = 1) -> BoolArray:
    """The shadow of metal [projection, row, column], from lengths through its mask, and a margin round it.

    Raises InconsistentInput where half of a projection lies in it.
    """
    shadow = metal_lengths_mm > shortest_mm
    if margin_pixels:
        cross = np.zeros((1, 3, 3), bool)
        cross[0, 1, :] = cross[0, :, 1] = True
        shadow = ndimage.binary_dilation(shadow, cross, iterations=margin_pixels)
    shares = shadow.mean(axis=(1, 2))
    if len(shares) and float(shares.max()) > LARGEST_TRACE_SHARE:
        raise InconsistentInput(
            f"Metal shadows {100.0 * float(shares.max()):.0f} % of projection {int(np.argmax(shares))}; too little is "
            "left to fill it from."
        )
    return np.asarray(shadow)


def without_trace(
    line_integrals: Float32Array, trace: BoolArray, prior_line_integrals: Float32Array | None = None
) -> Float32Array:
    """Line integrals [projection, row, column] with the trace filled by straight lines along the rows.

    With a prior, ratios to it are filled, and multiplied again. A trace that reaches the edge takes the last value.
    """
    if line_integrals.shape != trace.shape:
        raise InvalidGeometry(f"A trace of {trace.shape} does not fit projections of {line_integrals.shape}.")
    if prior_line_integrals is None:
        return _filled(line_integrals, trace)
    if prior_line_integrals.shape != trace.shape:
        raise InvalidGeometry(f"A prior of {prior_line_integrals.shape} does not fit projections of {trace.shape}.")
    prior = np.maximum(prior_line_integrals, np.float32(SMALLEST_PRIOR))
    ratios = np.asarray(line_integrals / prior, dtype=np.float32)
    filled = _filled(ratios, trace) * prior
    return np.where(trace, filled, line_integrals).astype(np.float32)


def with_metal(cleaned: Float32Array, first: Float32Array, metal: BoolArray) -> Float32Array:
    """The cleaned image with the metal of the first one put back."""
    return np.where(metal, first, cleaned).astype(np.float32)


def _filled(values: Float32Array, trace: BoolArray) -> Float32Array:
    """Values (..., columns) with straight lines between the last good pixels on both sides of a trace."""
    columns = values.shape[-1]
    number = np.arange(columns)
    before = np.maximum.accumulate(np.where(trace, -1, number), axis=-1)
    after = np.minimum.accumulate(np.where(trace, columns, number)[..., ::-1], axis=-1)[..., ::-1]
    none = (before < 0) & (after >= columns)
    before, after = np.where(before < 0, after, before), np.where(after >= columns, before, after)
    before, after = np.where(none, number, before), np.where(none, number, after)
    share = ((number - before) / np.maximum(after - before, 1)).astype(np.float32)
    low, high = np.take_along_axis(values, before, -1), np.take_along_axis(values, after, -1)
    return np.where(trace, low + share * (high - low), values).astype(np.float32)
