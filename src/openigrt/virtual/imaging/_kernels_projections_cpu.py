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
