"""A chest that breathes while the gantry turns: ellipsoids, so that truth and projections are closed forms."""

from dataclasses import dataclass, replace

import numpy as np

from openigrt.geometry import DetectorPlacement, circular_trajectory
from tests.xray.ellipsoid_scans import Ellipsoid

WATER_PER_MM = 0.02
HEIGHT_MM = 14.0


def breathing_mm(times_s, seed=3):
    """(amplitudes that rise with inhalation, 0 to about 14 mm; the times of its peaks): no breath is like another."""
    draw = np.random.default_rng(seed)
    peaks = np.concatenate([[-1.3], -1.3 + np.cumsum(draw.normal(4.0, 0.25, 60))])
    breath = np.searchsorted(peaks, times_s, side="right") - 1
    phase = (times_s - peaks[breath]) / np.diff(peaks)[breath]
    heights = draw.normal(HEIGHT_MM, 0.8, len(peaks))
    height = heights[breath] * (1.0 - phase) + heights[breath + 1] * phase
    return height * np.cos(np.pi * phase) ** 4, peaks


@dataclass(frozen=True)
class Chest:
    """Body, lungs, spine and a tumour; `cranial` is the y to which the head lies, +1 or -1."""

    cranial: float = 1.0
    tumour_mm: tuple[float, float, float] = (-55.0, 0.0, 5.0)

    def tumour_center_mm(self, inhaled_mm):
        """Toward the feet and, by a third of that, up."""
        x, y, z = self.tumour_mm
        return x, y - self.cranial * inhaled_mm, z + inhaled_mm / 3.0

    def at(self, inhaled_mm):
        """The ellipsoids at an amplitude; the lungs grow toward the feet, their tips stay."""
        body = Ellipsoid((125.0, 400.0, 85.0), (0.0, 0.0, 0.0), WATER_PER_MM)
        grown = inhaled_mm / 2.0
        lungs = [
            Ellipsoid((42.0, 70.0 + grown, 55.0), (x, self.cranial * (30.0 - grown), 5.0), -0.75 * WATER_PER_MM)
            for x in (-55.0, 55.0)
        ]
        spine = [Ellipsoid((16.0, 9.0, 16.0), (0.0, y, -60.0), WATER_PER_MM) for y in range(-120, 121, 24)]
        tumour = Ellipsoid((11.0, 11.0, 11.0), self.tumour_center_mm(inhaled_mm), WATER_PER_MM)
        return [body, *lungs, *spine, tumour]

    def scanned(self, trajectory, inhaled_mm):
        """Line integrals float32 [projection, row, column], each of the chest as it was."""
        out = np.empty(trajectory.shape, np.float32)
        for n, inhaled in enumerate(inhaled_mm):
            out[n] = sum(part.line_integrals(trajectory[n]) for part in self.at(inhaled))
        return out


def minute(projections=330, size=(64, 96), spacing_mm=(8.0, 3.0), offset_mm=0.0):
    """A turn of one minute at a linac: (trajectory, times in s)."""
    placement = DetectorPlacement(1000.0, 1536.0, size, spacing_mm, (offset_mm, 0.0))
    trajectory = circular_trajectory(np.arange(projections) * 360.0 / projections, placement)
    return trajectory, np.arange(projections) * 60.0 / projections


def with_noise(line_integrals, photons=2e4, seed=5):
    """The same as so many photons to a pixel of the open beam would show them."""
    draw = np.random.default_rng(seed)
    counted = draw.poisson(photons * np.exp(-line_integrals.astype(np.float64)))
    return np.asarray(-np.log(np.maximum(counted, 0.5) / photons), dtype=np.float32)


def moved_in(trajectory, sag_mm):
    """Detectors that sag along y with the gantry angle, as flex maps have it."""
    aside = sag_mm * np.cos(np.deg2rad(trajectory.source_angles_deg()))[:, None] * np.array([0.0, 1.0, 0.0])
    return replace(trajectory, first_pixels_mm=trajectory.first_pixels_mm + aside)
