"""A quick cone-beam look, put on finished voxels: what the matcher must cope with, without projections.

This stands in for a simulated acquisition until projections and reconstruction are there. It imitates how the images
look (truncation, cupping, scatter, streaks, noise after a ramp filter), not where these come from.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from openigrt.geometry import Float64Array, Grid

PADDING_HU = -1000.0
LARGEST_HU = 3071.0

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ConeBeamLook:
    """How strong each flaw is; the field of view is a cylinder along z about the origin of the image's frame.

    `contrast` is what scatter leaves of differences to water; `cupping_hu` how much darker the middle is than the rim;
    `haze_hu` one standard deviation of the slow shading; `noise_hu` one of the noise, half-way to the rim.
    """

    field_diameter_mm: float = 250.0
    field_length_mm: float = 160.0
    contrast: float = 0.93
    cupping_hu: float = 130.0
    haze_hu: float = 12.0
    streak_hu: float = 35.0
    streaks: int = 7
    noise_hu: float = 30.0


CLINICAL_LOOK = ConeBeamLook()


def cone_beam_look(
    voxels: Float32Array, grid: Grid, rng: np.random.Generator, look: ConeBeamLook = CLINICAL_LOOK
) -> Float32Array:
    """HU (float32, [k, j, i]) as a cone-beam CT would show them; voxels outside the field of view are -1000.

    `grid` must lie along the axes of its frame, whose origin is the isocenter.
    """
    x, y, z = (grid.origin_mm[n] + grid.spacing_mm[n] * np.arange(grid.size[n]) for n in range(3))
    radius = np.hypot(x[None, :], y[:, None])
    share = radius / (look.field_diameter_mm / 2.0)
    shading = _cupping(x, y, share, look) + _haze(x, y, rng, look)
    noise = _ramp_filtered_noise(grid, rng)
    strength = (look.noise_hu * (1.2 - 0.4 * share)).astype(np.float32)
    seen = np.multiply(voxels, np.float32(look.contrast))
    fading = 1.0 - 0.25 * (z / (look.field_length_mm / 2.0)) ** 2
    streaks = _streaks(x, y, rng, look)
    for k in range(grid.size[2]):
        seen[k] += (shading * fading[k]).astype(np.float32)
        seen[k] += strength * noise[k]
        for place_mm, reach_mm, picture in streaks:
            seen[k] += np.float32(np.exp(-(((z[k] - place_mm) / reach_mm) ** 2))) * picture
    np.clip(seen, PADDING_HU, LARGEST_HU, out=seen)
    seen[np.abs(z) > look.field_length_mm / 2.0] = PADDING_HU
    seen[:, share > 1.0] = PADDING_HU
    return seen


def _cupping(x: Float64Array, y: Float64Array, share: Float64Array, look: ConeBeamLook) -> Float64Array:
    """Darker middle, a little aside, wider than high; bright rim of a truncated reconstruction (rows, columns)."""
    radius_mm = look.field_diameter_mm / 2.0
    wide = np.hypot((x[None, :] - 9.0) / (1.25 * radius_mm), (y[:, None] + 6.0) / (0.95 * radius_mm))
    dip = np.cos(0.5 * np.pi * np.minimum(wide, 1.0)) ** 1.6
    rim = np.exp((np.minimum(share, 1.0) - 1.0) * radius_mm / 6.0)
    return look.cupping_hu * (0.2 + 0.1 * x[None, :] / radius_mm - dip + 0.5 * rim)


def _haze(x: Float64Array, y: Float64Array, rng: np.random.Generator, look: ConeBeamLook) -> Float64Array:
    """Slow shading: a few waves longer than 120 mm (rows, columns)."""
    haze = np.zeros((len(y), len(x)))
    for _ in range(5):
        wave = rng.standard_normal(2) * 2.0 * np.pi / 260.0
        haze += np.cos(wave[0] * x[None, :] + wave[1] * y[:, None] + rng.uniform(0.0, 2.0 * np.pi))
    return np.asarray(look.haze_hu * np.sqrt(2.0 / 5.0) * haze)


def _streaks(
    x: Float64Array, y: Float64Array, rng: np.random.Generator, look: ConeBeamLook
) -> list[tuple[float, float, Float32Array]]:
    """Streaks through a few slices each: z of the middle, reach along z (mm), and the picture (rows, columns) in HU."""
    streaks = []
    for _ in range(look.streaks):
        angle, offset_mm = rng.uniform(0.0, np.pi), rng.uniform(-60.0, 60.0)
        across = (x[None, :] * np.cos(angle) + y[:, None] * np.sin(angle) - offset_mm) / rng.uniform(2.0, 5.0)
        strength = look.streak_hu * rng.uniform(0.5, 1.0) * rng.choice((-1.0, 1.0))
        picture = strength * (1.0 - across**2) * np.exp(-0.5 * across**2)
        place_mm = rng.uniform(-0.4, 0.4) * look.field_length_mm
        streaks.append((float(place_mm), float(rng.uniform(4.0, 15.0)), picture.astype(np.float32)))
    return streaks


def _ramp_filtered_noise(grid: Grid, rng: np.random.Generator) -> Float32Array:
    """Noise of unit deviation: ramp with a smooth roll-off in the plane, stronger along x, smooth over slices."""
    fx, fy = np.fft.fftfreq(grid.size[0])[None, :], np.fft.fftfreq(grid.size[1])[:, None]
    frequency = np.hypot(fx, fy)
    ramp = (0.015 + frequency) ** 0.7 * np.exp(-((frequency / 0.3) ** 2))
    response = ramp * (1.0 + 0.2 * np.cos(2.0 * np.arctan2(fy, fx)))
    response = (response / np.sqrt((response**2).mean())).astype(np.float32)[:, : grid.size[0] // 2 + 1]
    weights = np.array([0.25, 0.5, 0.25])
    noise = rng.standard_normal(grid.shape, dtype=np.float32)
    for k in range(grid.size[2]):
        noise[k] = fft.irfft2(fft.rfft2(noise[k]) * response, s=(grid.size[1], grid.size[0]))
    return ndimage.correlate1d(noise, weights / np.linalg.norm(weights), axis=0, mode="wrap")
