"""What the kernels of a GPU need to know of rays and views: made in double precision, rounded once to float32.

`views` (n, 12) is that of `_kernels_cpu`: source, first pixel, column step and row step in voxel indices (i, j, k).
"""

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array

Float32Array = NDArray[np.float32]


def rays_of(views: Float64Array, columns: int, spacing_mm: Float64Array) -> Float32Array:
    """Each column of rays (n, columns, 7), in indices of a volume with a border, across its columns.

    1 where it runs mainly along i, else 0; place in plane 0 and from plane to plane; share of the way to plane 0 and
    from plane to plane; length in mm between two planes of a level ray, and per mm between its ends that one rises.
    """
    source, step = views[:, None, 0:2], np.arange(columns)[None, :, None]
    along = views[:, None, 3:5] + step * views[:, None, 6:8] - source
    mainly_i = np.abs(along[..., 0]) >= np.abs(along[..., 1])
    across, main = (np.where(mainly_i, along[..., n], along[..., 1 - n]) for n in (1, 0))
    aside, ahead = (np.where(mainly_i, source[..., n], source[..., 1 - n]) for n in (1, 0))
    slope, per_plane = across / main, 1.0 / main
    level_mm = np.hypot(along[..., 0] * spacing_mm[0], along[..., 1] * spacing_mm[1]) * np.abs(per_plane)
    place = aside - ahead * slope + 1.0
    return np.stack(
        [mainly_i, place, slope, -ahead * per_plane, per_plane, level_mm, np.abs(per_plane) * spacing_mm[2]], axis=-1
    ).astype(np.float32)


def heights_of(views: Float64Array) -> Float32Array:
    """Each view (n, 3), in slices of a volume with a border: the source's, the rise to row 0, and from row to row."""
    return np.column_stack([views[:, 2] + 1.0, views[:, 5] - views[:, 2], views[:, 11]]).astype(np.float32)


def seen_from(views: Float64Array, scales: Float64Array) -> Float32Array:
    """Where each view (n, 10) sees a voxel (i, j, k) of a volume without a border.

    Share of the way to the detector at voxel 0, per i and per j; that share times the column, likewise; the row that is
    level with the source, the source's slice, and rows per slice times the share; and the scale.
    """
    to_first = views[:, 3:5] - views[:, 0:2]
    per = 1.0 / (to_first[:, 0] * views[:, 7] - to_first[:, 1] * views[:, 6])
    share_i, share_j = views[:, 7] * per, -views[:, 6] * per
    column_i, column_j = -to_first[:, 1] * per, to_first[:, 0] * per
    share = -views[:, 0] * share_i - views[:, 1] * share_j
    column = -views[:, 0] * column_i - views[:, 1] * column_j
    level = (views[:, 2] - views[:, 5]) / views[:, 11]
    return np.column_stack(
        [share, share_i, share_j, column, column_i, column_j, level, views[:, 2], 1.0 / views[:, 11], scales]
    ).astype(np.float32)
