"""Rings: pixels whose gain is a little off draw circles; over a turn their mean stands out from their neighbours'.

Boin and Haibel, Opt Express 14 (2006) 12071.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InvalidGeometry

Float32Array = NDArray[np.float32]

MEDIAN_PIXELS = 5
CUBIC_PIXELS = 11
STRONGEST_RING = 0.05


def ring_pattern(mean_line_integrals: Float32Array) -> Float32Array:
    """What to take off every projection (rows, columns), given the mean of all line integrals over the scan.

    The mean minus what a patient's mean looks like: medians over 5 x 5 pixels, then a cubic over 11 columns (Savitzky
    and Golay 1964). What differs by more than 0.05 is an edge and no ring, and stays.
    """
    if mean_line_integrals.ndim != 2 or not np.isfinite(mean_line_integrals).all():
        raise InvalidGeometry("A ring pattern is found in the mean projection (rows, columns), which holds numbers.")
    if mean_line_integrals.shape[1] < CUBIC_PIXELS:
        raise InvalidGeometry(f"A ring pattern needs {CUBIC_PIXELS} columns or more.")
    medians = ndimage.median_filter(mean_line_integrals, MEDIAN_PIXELS, mode="nearest")
    from scipy import signal  # noqa: PLC0415  (half a second that only rings should pay)

    usual = signal.savgol_filter(medians, CUBIC_PIXELS, 3, axis=1)
    stripes = mean_line_integrals - usual
    return np.where(np.abs(stripes) <= STRONGEST_RING, stripes, 0.0).astype(np.float32)
