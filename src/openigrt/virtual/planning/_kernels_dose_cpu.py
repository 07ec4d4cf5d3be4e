"""Hot loops of the dose: density along divergent rays, and what every voxel receives."""

import numba
import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import compiled

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]


@compiled()
def _along(matrix: Float64Array, row: int, x: float, y: float, z: float) -> float:
    """One coordinate of a point under an affine map (3, 4)."""
    return float(matrix[row, 0] * x + matrix[row, 1] * y + matrix[row, 2] * z + matrix[row, 3])


@compiled()
def _bilinear(values: Float32Array, x: float, y: float) -> float:
    """Sample of values [row, column] at (column x, row y); zero outside."""
    rows, columns = values.shape
    if not (0.0 <= x <= columns - 1.0 and 0.0 <= y <= rows - 1.0):
        return 0.0
    i, j = min(int(x), columns - 2), min(int(y), rows - 2)
    fx, fy = x - i, y - j
    upper = values[j, i] * (1.0 - fx) + values[j, i + 1] * fx
    lower = values[j + 1, i] * (1.0 - fx) + values[j + 1, i + 1] * fx
    return float(upper * (1.0 - fy) + lower * fy)


@compiled()
def _trilinear(values: Float32Array, x: float, y: float, z: float) -> float:
    """Sample of values [k, j, i] at continuous indices (i x, j y, k z); zero outside."""
    nk, nj, ni = values.shape
    if not (0.0 <= x <= ni - 1.0 and 0.0 <= y <= nj - 1.0 and 0.0 <= z <= nk - 1.0):
        return 0.0
    k = min(int(z), nk - 2)
    fz = z - k
    lower, upper = _bilinear(values[k], x, y), _bilinear(values[k + 1], x, y)
    return float(lower * (1.0 - fz) + upper * fz)


@compiled(parallel=True)
def fan_depths(
    density: Float32Array,
    index_from_beam: Float64Array,
    corner_mm: Float64Array,
    step_mm: float,
    source_mm: float,
    top_mm: float,
    depths_mm: Float32Array,
) -> None:
    """Radiological depth, mm of water, on a divergent lattice [v, u, level].

    Ray (u, v) passes the isocenter plane at corner + step (u, v); level n lies at z = top - n step in axes of the beam,
    whose source is at z = `source_mm`. `index_from_beam` (3, 4) leads to indices (i, j, k) of `density` [k, j, i].
    """
    count_v, count_u, levels = depths_mm.shape
    for row in numba.prange(count_v):
        v = corner_mm[1] + step_mm * row
        for column in range(count_u):
            u = corner_mm[0] + step_mm * column
            along_mm = step_mm * np.sqrt(1.0 + (u * u + v * v) / (source_mm * source_mm))
            total, before = 0.0, 0.0
            for n in range(levels):
                z = top_mm - step_mm * n
                scale = (source_mm - z) / source_mm
                x, y = u * scale, v * scale
                i, j = _along(index_from_beam, 0, x, y, z), _along(index_from_beam, 1, x, y, z)
                here = _trilinear(density, i, j, _along(index_from_beam, 2, x, y, z))
                total += 0.5 * (before + here) * along_mm
                before = here
                depths_mm[row, column, n] = total


@compiled(parallel=True)
def add_dose(
    beam_from_index: Float64Array,
    fluence: Float32Array,
    fluence_corner_mm: Float64Array,
    fluence_step_mm: float,
    depths_mm: Float32Array,
    corner_mm: Float64Array,
    step_mm: float,
    source_mm: float,
    top_mm: float,
    factors: Float64Array,
    factor_step_mm: float,
    weight: float,
    box: Int64Array,
    dose: Float32Array,
) -> None:
    """Add to dose [k, j, i]: weight x fluence x tissue factor at the radiological depth x inverse square.

    Only voxels of `box` (first, stop; each i, j, k) are looked at.
    `fluence` [v, u] lies on the isocenter plane; `depths_mm`, `corner_mm`, `step_mm` and `top_mm` are those of
    `fan_depths`; `beam_from_index` (3, 4) leads from indices (i, j, k) of the dose to axes of the beam.
    """
    last_level = depths_mm.shape[2] - 1.0
    for k in numba.prange(box[0, 2], box[1, 2]):
        for j in range(box[0, 1], box[1, 1]):
            for i in range(box[0, 0], box[1, 0]):
                z = _along(beam_from_index, 2, i, j, k)
                level = (top_mm - z) / step_mm
                if level < 0.0 or level > last_level:
                    continue
                x, y = _along(beam_from_index, 0, i, j, k), _along(beam_from_index, 1, i, j, k)
                scale = source_mm / (source_mm - z)
                u, v = x * scale, y * scale
                column, row = (u - fluence_corner_mm[0]) / fluence_step_mm, (v - fluence_corner_mm[1]) / fluence_step_mm
                share = _bilinear(fluence, column, row)
                if share <= 0.0:
                    continue
                depth_mm = _trilinear(depths_mm, level, (u - corner_mm[0]) / step_mm, (v - corner_mm[1]) / step_mm)
                place = min(depth_mm / factor_step_mm, len(factors) - 1.001)
                at = int(place)
                factor = factors[at] + (place - at) * (factors[at + 1] - factors[at])
                away_mm2 = x * x + y * y + (source_mm - z) * (source_mm - z)
                dose[k, j, i] += weight * share * factor * source_mm * source_mm / away_mm2
