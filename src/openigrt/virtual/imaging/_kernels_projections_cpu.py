"""Hot loops of simulated projections: chords of solids, the beam behind them, photons scattered once.

A solid is a row of 13 numbers: its centre, three rows of a matrix that takes mm from the centre to the unit sphere (for
a cylinder: unit circle in the first two, -1 to 1 along the third), and 1.0 for a cylinder, 0.0 for an ellipsoid.
"""

import math
from typing import TypeAlias

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled
from openigrt.geometry import Float64Array

Float32Array: TypeAlias = NDArray[np.float32]

ELECTRON_REST_KEV = 510.999
SQUARED_ELECTRON_RADIUS_MM2 = 7.9408e-24


@compiled()
def _chord(start: Float64Array, end: Float64Array, solid: Float64Array) -> float:
    """The share of the way from start to end that lies in a solid."""
    near, far = 0.0, 1.0
    a, b, c = 0.0, 0.0, -1.0
    is_cylinder = solid[12] > 0.5
    for n in range(3):
        base = 3 + 3 * n
        place, step = 0.0, 0.0
        for m in range(3):
            place += solid[base + m] * (start[m] - solid[m])
            step += solid[base + m] * (end[m] - start[m])
        if n == 2 and is_cylinder:
            if abs(step) < 1e-12:
                if abs(place) > 1.0:
                    return 0.0
            else:
                first, last = (-1.0 - place) / step, (1.0 - place) / step
                near, far = max(near, min(first, last)), min(far, max(first, last))
        else:
            a += step * step
            b += place * step
            c += place * place
    if a < 1e-18:
        return max(far - near, 0.0) if c < 0.0 else 0.0
    root = b * b - a * c
    if root <= 0.0:
        return 0.0
    root = math.sqrt(root)
    return max(min(far, (root - b) / a) - max(near, (-root - b) / a), 0.0)


@compiled()
def _length(start: Float64Array, end: Float64Array) -> float:
    """Distance in mm."""
    return math.sqrt((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2 + (end[2] - start[2]) ** 2)


@compiled(parallel=True)
def lengths_mm(
    start: Float64Array, ends: Float64Array, solids: Float64Array, shares: Float64Array, out: Float32Array
) -> None:
    """Fill `out` (rays, materials) with mm on the way from `start` (3,) to `ends` (rays, 3).

    `shares` (solids, materials): what a solid adds of each material, in shares of its usual density.
    """
    for n in prange(len(ends)):
        whole = _length(start, ends[n])
        out[n, :] = np.float32(0.0)
        for s in range(len(solids)):
            chord = _chord(start, ends[n], solids[s]) * whole
            if chord > 0.0:
                for m in range(shares.shape[1]):
                    out[n, m] += np.float32(chord * shares[s, m])


@compiled(parallel=True)
def behind(lengths: Float32Array, attenuation: Float64Array, weights: Float64Array, out: Float32Array) -> None:
    """Fill `out` (rays,) with the signal that is left behind `lengths` (rays, materials).

    `attenuation` (materials, energies) per mm; `weights` (columns, energies): the ray n belongs to column n % columns.
    """
    for n in prange(len(lengths)):
        weight = weights[int(n) % len(weights)]
        signal = 0.0
        for e in range(attenuation.shape[1]):
            if weight[e] > 0.0:
                integral = 0.0
                for m in range(attenuation.shape[0]):
                    integral += attenuation[m, e] * lengths[n, m]
                signal += weight[e] * math.exp(-integral)
        out[n] = np.float32(signal)


@compiled()
def _compton(cosine: float, energy_kev: float) -> float:
    """Klein and Nishina's cross section per electron and steradian, mm^2, times the share of energy that is left."""
    left = 1.0 / (1.0 + energy_kev / ELECTRON_REST_KEV * (1.0 - cosine))
    return 0.5 * SQUARED_ELECTRON_RADIUS_MM2 * left**3 * (left + 1.0 / left - 1.0 + cosine * cosine)


@compiled(parallel=True)
def scattered_once(
    source: Float64Array,
    points: Float64Array,
    glow: Float64Array,
    pixels: Float64Array,
    normal: Float64Array,
    solids: Float64Array,
    attenuation: Float64Array,
    energy_kev: float,
    out: Float64Array,
) -> None:
    """Fill `out` (pixels,) with the energy per mm^2 that Compton scatter brings to `pixels` (pixels, 3).

    `glow` (points,): energy fluence at each of the `points` (points, 3) times the number of its electrons;
    `attenuation` (solids,) per mm that each solid adds on the way out.
    """
    for p in prange(len(pixels)):
        total = 0.0
        for v in range(len(points)):
            reach = _length(points[v], pixels[p])
            arrived = _length(source, points[v])
            cosine, slope = 0.0, 0.0
            for m in range(3):
                out_step = pixels[p, m] - points[v, m]
                cosine += (points[v, m] - source[m]) * out_step
                slope += normal[m] * out_step
            cosine /= reach * arrived
            integral = 0.0
            for s in range(len(solids)):
                if attenuation[s] != 0.0:
                    integral += attenuation[s] * _chord(points[v], pixels[p], solids[s]) * reach
            total += glow[v] * _compton(cosine, energy_kev) * math.exp(-integral) * abs(slope) / reach**3
        out[p] = total


@compiled()
def _sample(volume: Float32Array, k: float, j: float, i: float) -> float:
    """A volume [k, j, i] between its voxel centres, linear; the outermost beyond them."""
    i = min(max(i, 0.0), volume.shape[2] - 1.0)
    j = min(max(j, 0.0), volume.shape[1] - 1.0)
    k = min(max(k, 0.0), volume.shape[0] - 1.0)
    i0, j0, k0 = min(int(i), volume.shape[2] - 2), min(int(j), volume.shape[1] - 2), min(int(k), volume.shape[0] - 2)
    a, b, c = i - i0, j - j0, k - k0
    low = (1.0 - b) * ((1.0 - a) * volume[k0, j0, i0] + a * volume[k0, j0, i0 + 1])
    low += b * ((1.0 - a) * volume[k0, j0 + 1, i0] + a * volume[k0, j0 + 1, i0 + 1])
    high = (1.0 - b) * ((1.0 - a) * volume[k0 + 1, j0, i0] + a * volume[k0 + 1, j0, i0 + 1])
    high += b * ((1.0 - a) * volume[k0 + 1, j0 + 1, i0] + a * volume[k0 + 1, j0 + 1, i0 + 1])
    return float((1.0 - c) * low + c * high)


@compiled()
def _voxel_path(
    start: Float64Array, end: Float64Array, volume: Float32Array, index_from_point: Float64Array, step_mm: float
) -> float:
    """The line integral from start to end through a volume [k, j, i], in even steps of `step_mm` at most.

    `index_from_point` (3, 4) gives (i, j, k); a volume ends half a voxel beyond its outermost centres.
    """
    near, far = 0.0, 1.0
    for n in range(3):
        at, along = index_from_point[n, 3], 0.0
        for m in range(3):
            at += index_from_point[n, m] * start[m]
            along += index_from_point[n, m] * (end[m] - start[m])
        last = volume.shape[2 - n] - 0.5
        if abs(along) < 1e-12:
            if at < -0.5 or at > last:
                return 0.0
        else:
            one, other = (-0.5 - at) / along, (last - at) / along
            near, far = max(near, min(one, other)), min(far, max(one, other))
    if far <= near:
        return 0.0
    length = _length(start, end) * (far - near)
    steps = max(math.ceil(length / step_mm), 1)
    total = 0.0
    for s in range(steps):
        share = near + (s + 0.5) / steps * (far - near)
        x = start[0] + share * (end[0] - start[0])
        y = start[1] + share * (end[1] - start[1])
        z = start[2] + share * (end[2] - start[2])
        i = index_from_point[0, 0] * x + index_from_point[0, 1] * y + index_from_point[0, 2] * z
        j = index_from_point[1, 0] * x + index_from_point[1, 1] * y + index_from_point[1, 2] * z
        k = index_from_point[2, 0] * x + index_from_point[2, 1] * y + index_from_point[2, 2] * z
        total += _sample(volume, k + index_from_point[2, 3], j + index_from_point[1, 3], i + index_from_point[0, 3])
    return total * length / steps


@compiled(parallel=True)
def voxel_paths(
    start: Float64Array,
    ends: Float64Array,
    volume: Float32Array,
    index_from_point: Float64Array,
    step_mm: float,
    out: Float64Array,
) -> None:
    """Fill `out` (rays,) with line integrals from `start` (3,) to `ends` (rays, 3) through a volume [k, j, i]."""
    for n in prange(len(ends)):
        out[n] = _voxel_path(start, ends[n], volume, index_from_point, step_mm)


@compiled(parallel=True)
def scattered_once_in_voxels(
    source: Float64Array,
    points: Float64Array,
    glow: Float64Array,
    pixels: Float64Array,
    normal: Float64Array,
    volume: Float32Array,
    index_from_point: Float64Array,
    step_mm: float,
    energy_kev: float,
    out: Float64Array,
) -> None:
    """The same as `scattered_once` with a volume [k, j, i] of attenuation per mm on the way out."""
    for p in prange(len(pixels)):
        total = 0.0
        for v in range(len(points)):
            reach = _length(points[v], pixels[p])
            arrived = _length(source, points[v])
            cosine, slope = 0.0, 0.0
            for m in range(3):
                out_step = pixels[p, m] - points[v, m]
                cosine += (points[v, m] - source[m]) * out_step
                slope += normal[m] * out_step
            cosine /= reach * arrived
            integral = _voxel_path(points[v], pixels[p], volume, index_from_point, step_mm)
            total += glow[v] * _compton(cosine, energy_kev) * math.exp(-integral) * abs(slope) / reach**3
        out[p] = total


@compiled(parallel=True)
def basis_shares(hu: Float32Array, knots: Float64Array, amounts: Float64Array, out: Float32Array) -> None:
    """Fill `out` (materials, voxels) with amounts at `hu` (voxels,), linear between `knots` (n,), level beyond.

    `amounts` (n, materials): of each material at each knot.
    """
    for v in prange(len(hu)):
        value = hu[v]
        n = 0
        while n < len(knots) - 2 and value > knots[n + 1]:
            n += 1
        share = min(max((value - knots[n]) / (knots[n + 1] - knots[n]), 0.0), 1.0)
        for m in range(amounts.shape[1]):
            out[m, v] = np.float32((1.0 - share) * amounts[n, m] + share * amounts[n + 1, m])
