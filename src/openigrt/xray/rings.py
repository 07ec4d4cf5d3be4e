"""Rings: pixels whose gain is a little off draw circles; over a turn their mean stands out from their neighbours'.

Boin and Haibel, Opt Express 14 (2006) 12071.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InvalidGeometry

Float32Array = NDArray[np.float32]

WIDEST_RING_PIXELS = 9
STRONGEST_RING = 0.1


def ring_pattern(mean_line_integrals: Float32Array) -> Float32Array:
    """What to take off every projection (rows, columns), from the mean of all line integrals over the scan.

    The mean minus its median over nine columns; where that is more than 0.1, an edge of the patient and no ring, less.
    """
    if mean_line_integrals.ndim != 2 or not np.isfinite(mean_line_integrals).all():
        raise InvalidGeometry("A ring pattern is found in the mean projection (rows, columns), which holds numbers.")
    usual = ndimage.median_filter(mean_line_integrals, (1, WIDEST_RING_PIXELS), mode="nearest")
    stripes = mean_line_integrals - usual
    return np.asarray(np.clip(stripes, -STRONGEST_RING, STRONGEST_RING), dtype=np.float32)
