"""Trilinear interpolation of float32 voxels in one pass, on all cores.

Positions are continuous voxel indices in 64-bit fixed point with 32 fractional bits, rounded to 2^-20 of a voxel before
they are used: a row of the target needs no bounds test inside, a position on a voxel or on the border is exactly there,
and the result does not depend on the number of threads.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import compiled

FRACTION_BITS = 20
UNIT = 1 << 32
QUANTUM_SHIFT = 32 - FRACTION_BITS
QUANTUM = 1 << QUANTUM_SHIFT
FRACTION_MASK = (1 << FRACTION_BITS) - 1
FRACTION_UNIT = np.float32(1.0 / (1 << FRACTION_BITS))


@compiled()
def _fixed_point(index: float) -> int:
    """An index in fixed point, with half a quantum added so that dropping bits rounds."""
    return int(np.rint(index * UNIT)) + QUANTUM // 2


@compiled()
def _clip(start: int, step: int, size: int, span: tuple[int, int]) -> tuple[int, int]:
    """The part [first, last) of a span of i over which start + i step lies within the centres of `size` voxels."""
    first, last = span
    top = (size - 1) * UNIT + QUANTUM - 1
    if step > 0:
        first, last = max(first, -(start // step)), min(last, (top - start) // step + 1)
    elif step < 0:
        first, last = max(first, -((top - start) // -step)), min(last, start // -step + 1)
    elif start < 0 or start > top:
        last = first
    return first, max(first, last)


@compiled()
def _interpolated(voxels: NDArray[np.float32], strides: tuple[int, int], x: int, y: int, z: int) -> np.float32:
    """The value at a fixed-point position inside the volume; a neighbour of weight zero is not touched."""
    bits_x, bits_y, bits_z = (
        (x >> QUANTUM_SHIFT) & FRACTION_MASK,
        (y >> QUANTUM_SHIFT) & FRACTION_MASK,
        (z >> QUANTUM_SHIFT) & FRACTION_MASK,
    )
    row_stride, slice_stride = strides
    right = int(bits_x > 0)
    down = row_stride if bits_y > 0 else 0
    deep = slice_stride if bits_z > 0 else 0
    here = (x >> 32) + (y >> 32) * row_stride + (z >> 32) * slice_stride
    fx, fy, fz = (
        np.float32(bits_x) * FRACTION_UNIT,
        np.float32(bits_y) * FRACTION_UNIT,
        np.float32(bits_z) * FRACTION_UNIT,
    )
    # Unsigned indices spare numba's test for negative ones, which would keep the loop from running at full speed.
    c000, c001 = voxels[np.uint64(here)], voxels[np.uint64(here + right)]
    c010, c011 = voxels[np.uint64(here + down)], voxels[np.uint64(here + down + right)]
    here += deep
    c100, c101 = voxels[np.uint64(here)], voxels[np.uint64(here + right)]
    c110, c111 = voxels[np.uint64(here + down)], voxels[np.uint64(here + down + right)]
    c00, c01 = c000 + fx * (c001 - c000), c010 + fx * (c011 - c010)
    c10, c11 = c100 + fx * (c101 - c100), c110 + fx * (c111 - c110)
    c0, c1 = c00 + fy * (c01 - c00), c10 + fy * (c11 - c10)
    value: np.float32 = c0 + fz * (c1 - c0)
    return value


@compiled(parallel=True)
def resample_rigid(
    voxels: NDArray[np.float32],
    size: tuple[int, int, int],
    matrix: NDArray[np.float64],
    offset: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Fill `out` [k, j, i] with flat `voxels` of a volume of `size` (i, j, k) at indices matrix @ (i, j, k) + offset.

    NaN outside the voxel centres and where a voxel of nonzero weight is NaN.
    """
    slices, rows, columns = out.shape
    strides = (size[0], size[0] * size[1])
    step_x, step_y, step_z = (
        int(np.rint(matrix[0, 0] * UNIT)),
        int(np.rint(matrix[1, 0] * UNIT)),
        int(np.rint(matrix[2, 0] * UNIT)),
    )
    for line in numba.prange(slices * rows):
        k = line // rows
        j = line - k * rows
        x = _fixed_point(matrix[0, 1] * j + matrix[0, 2] * k + offset[0])
        y = _fixed_point(matrix[1, 1] * j + matrix[1, 2] * k + offset[1])
        z = _fixed_point(matrix[2, 1] * j + matrix[2, 2] * k + offset[2])
        span = _clip(x, step_x, size[0], (0, columns))
        span = _clip(y, step_y, size[1], span)
        first, last = _clip(z, step_z, size[2], span)
        row = out[k, j]
        row[:first] = np.nan
        row[last:] = np.nan
        x, y, z = x + first * step_x, y + first * step_y, z + first * step_z
        inside = row[first:last]
        for i in range(inside.size):
            inside[i] = _interpolated(voxels, strides, x + i * step_x, y + i * step_y, z + i * step_z)


@compiled(parallel=True)
def sample_indices(
    voxels: NDArray[np.float32],
    size: tuple[int, int, int],
    indices: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Fill `out` (n,) with flat `voxels` of a volume of `size` (i, j, k) at continuous indices (n, 3).

    NaN outside the voxel centres, at indices that are not numbers, and where a voxel of nonzero weight is NaN.
    """
    strides = (size[0], size[0] * size[1])
    for n in numba.prange(len(indices)):
        inside = True
        for axis in range(3):
            inside = inside and -1.0 < indices[n, axis] < size[axis]
        out[n] = np.nan
        if inside:
            x, y, z = _fixed_point(indices[n, 0]), _fixed_point(indices[n, 1]), _fixed_point(indices[n, 2])
            span = _clip(x, 0, size[0], (0, 1))
            span = _clip(y, 0, size[1], span)
            span = _clip(z, 0, size[2], span)
            if span[1] > span[0]:
                out[n] = _interpolated(voxels, strides, x, y, z)
