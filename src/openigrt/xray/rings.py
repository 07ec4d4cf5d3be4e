"""Rings: pixels whose gain is a little off draw circles; they stand out from their neighbours in every projection.

In the projections as in Boin and Haibel, Opt Express 14 (2006) 12071, by the median over the scan in place of the mean:
edges of the patient move from projection to projection, and a gain that is off does not.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InvalidGeometry
from openigrt.images import ProjectionPixels
from openigrt.xray.fdk import blocks

Float32Array = NDArray[np.float32]

MEDIAN_PIXELS = 5
CUBIC_PIXELS = 11
STRONGEST_RING = 0.05


def ring_pattern(line_integrals: ProjectionPixels) -> Float32Array:
    """What to take off every projection (rows, columns), given all line integrals [projection, row, column] of a scan.

    The median over the projections of what each shows beside a smooth row: medians over 5 columns, then a cubic over
    11 (Savitzky and Golay 1964). What differs by more than 0.05 is an edge and no ring, and stays. The scan is read
    once, and kept in halves of its size.
    """
    count, rows, columns = line_integrals.shape
    if columns < CUBIC_PIXELS or count < 1:
        raise InvalidGeometry(f"A ring pattern needs a projection, and {CUBIC_PIXELS} columns or more.")
    stripes = np.empty((count, rows, columns), np.float16)
    for which in blocks(count):
        stripes[which] = _stripes(np.asarray(line_integrals[which], np.float32))
    usual = np.stack([np.median(stripes[:, row].astype(np.float32), axis=0) for row in range(rows)])
    return np.where(np.abs(usual) <= STRONGEST_RING, usual, 0.0).astype(np.float32)


def _stripes(line_integrals: Float32Array) -> Float32Array:
    """What stands out along the rows of projections; raises InvalidGeometry for pixels that are no numbers."""
    if not np.isfinite(line_integrals).all():
        raise InvalidGeometry("A ring pattern is found in projections that hold numbers; correct dead pixels first.")
    from scipy import signal  # noqa: PLC0415  (half a second that only rings should pay)

    medians = ndimage.median_filter(line_integrals, (1, 1, MEDIAN_PIXELS), mode="nearest")
    return np.asarray(line_integrals - signal.savgol_filter(medians, CUBIC_PIXELS, 3, axis=2), dtype=np.float32)
