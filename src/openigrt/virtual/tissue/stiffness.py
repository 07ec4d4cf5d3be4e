"""Where a patient does not give way: bone, and a little of what lies next to it."""

from collections.abc import Iterable

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.virtual.tissue.anatomy import Anatomy
from openigrt.virtual.tissue.deformation import ALL_SOFT, Stiffness

SPACING_MM = 4.0
FADE_MM = 10.0
STIFF_MM = 1.0  # what moves bone moves its skin too: linear samples must be whole inside


def stiffness_of(anatomy: Anatomy, organs: Iterable[str], fade_mm: float = FADE_MM) -> Stiffness:
    """The stiffness of an anatomy at rest whose named organs are bone; it fades to nothing `fade_mm` outside them."""
    named = tuple(organs)
    if not named:
        return ALL_SOFT
    boxes = np.array([anatomy.bounds_mm(name) - anatomy.origin_mm for name in named])
    low, high = boxes[:, 0].min(axis=0) - fade_mm - SPACING_MM, boxes[:, 1].max(axis=0) + fade_mm + SPACING_MM
    size = np.ceil((high - low) / SPACING_MM).astype(int) + 1
    share = np.zeros(size[::-1], np.float32)
    axes = [low[n] + SPACING_MM * np.arange(size[n]) for n in range(3)]
    for name, box in zip(named, boxes, strict=True):
        near = tuple(_within(axes[n], box[:, n], fade_mm) for n in (2, 1, 0))
        z, y, x = (axes[n][which] for n, which in zip((2, 1, 0), near, strict=True))
        points = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1) + anatomy.origin_mm
        outside = np.clip((anatomy.signed_distance_mm(name, points) - STIFF_MM - SPACING_MM) / fade_mm, 0.0, 1.0)
        fading = 1.0 - outside**3 * (10.0 + outside * (6.0 * outside - 15.0))
        share[near] = np.maximum(share[near], fading.astype(np.float32))
    return Stiffness(share, low, SPACING_MM)


def _within(samples: Float64Array, ends: Float64Array, margin_mm: float) -> slice:
    """Which samples lie within a margin round an interval."""
    reach = margin_mm + 2.0 * SPACING_MM
    start, stop = np.searchsorted(samples, (ends[0] - reach, ends[1] + reach))
    return slice(int(start), int(stop))
