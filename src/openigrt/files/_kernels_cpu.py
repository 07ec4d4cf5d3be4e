"""The difference code of Varian's projections, compiled."""

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import compiled


@compiled()
def add_differences(
    codes: NDArray[np.uint8], stored: NDArray[np.uint8], pixels: NDArray[np.int32], columns: int
) -> int:
    """Fill flat `pixels` after the first row and one more, which are there; the index of the first that fails.

    Two bits of `codes` for each pixel, the lowest first, say how many bytes of `stored` its difference takes (0: 1,
    1: 2, 2: 4). The index is the number of pixels where all went well. Sums wrap at 32 bits.
    """
    count, held, at = pixels.shape[0], stored.shape[0], 0
    for n in range(columns + 1, count):
        place = n - columns - 1
        code = (codes[place >> 2] >> (2 * (place & 3))) & 3
        if code == 3 or at + (1 << code) > held:
            return n
        if code == 0:
            difference = np.int64(np.int8(stored[at]))
        elif code == 1:
            difference = np.int64(np.int16(stored[at] | (stored[at + 1] << 8)))
        else:
            low = np.int64(stored[at]) | (np.int64(stored[at + 1]) << 8) | (np.int64(stored[at + 2]) << 16)
            difference = low | (np.int64(np.int8(stored[at + 3])) << 24)
        at += 1 << code
        pixels[n] = np.int32(difference + pixels[n - 1] + pixels[n - columns] - pixels[n - columns - 1])
    return int(count)
