"""The code in which Varian stores projections: differences of 1, 2 or 4 bytes to what three neighbours predict.

As RTK (rtkXimImageIO, rtkHndImageIO) and the public readers of .xim describe it. The first row and one pixel more are
stored whole, 32 bits each. Every later pixel p, counted along rows, is d + left + above - (left of above). How many
bytes each d takes stands before, two bits for each pixel, the lowest first: 0 for 1 byte, 1 for 2, 2 for 4.
"""

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import UnreadableFile
from openigrt.files._kernels_cpu import add_differences

PIXELS_PER_BYTE = 4


def code_bytes(columns: int, rows: int) -> int:
    """How many bytes the sizes of all differences take."""
    return -(-(columns * (rows - 1) - 1) // PIXELS_PER_BYTE)


def decoded(codes: bytes, stored: bytes, columns: int, rows: int) -> NDArray[np.int32]:
    """Pixels (rows, columns) from the sizes of their differences and what is stored after them.

    Raises UnreadableFile where either is too short, or a size is none of the three.
    """
    whole, needed = 4 * (columns + 1), code_bytes(columns, rows)
    if len(codes) < needed or len(stored) < whole:
        raise UnreadableFile(
            f"sizes of differences take {needed} bytes and the first row {whole}, and {len(codes)} and {len(stored)} "
            "are there"
        )
    pixels = np.empty(rows * columns, dtype=np.int32)
    pixels[: columns + 1] = np.frombuffer(stored, dtype="<i4", count=columns + 1)
    values = np.frombuffer(stored, dtype=np.uint8, offset=whole)
    reached = add_differences(np.frombuffer(codes, dtype=np.uint8), values, pixels, columns)
    if reached < len(pixels):
        raise UnreadableFile(
            f"pixel {reached} of {len(pixels)} has a difference of no known size, or beyond the end of the file"
        )
    return pixels.reshape(rows, columns)
