"""The code in which Varian stores projections: differences of 1, 2 or 4 bytes to what three neighbours predict.

As RTK (rtkXimImageIO, rtkHndImageIO) and the public readers of .xim describe it. The first row and one pixel more are
stored whole, 32 bits each. Every later pixel p, counted along rows, is d + left + above - (left of above). How many
bytes each d takes stands before, two bits for each pixel, the lowest first: 0 for 1 byte, 1 for 2, 2 for 4.
"""

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import UnreadableFile

BYTES_OF_CODE = np.array([1, 2, 4, 0], dtype=np.int64)
PIXELS_PER_BYTE = 4


def code_bytes(columns: int, rows: int) -> int:
    """How many bytes the sizes of all differences take."""
    return -(-(columns * (rows - 1) - 1) // PIXELS_PER_BYTE)


def decoded(codes: bytes, stored: bytes, columns: int, rows: int) -> NDArray[np.int32]:
    """Pixels (rows, columns) from the sizes of their differences and what is stored after them.

    Raises UnreadableFile where either is too short, or a size is none of the three.
    """
    count = columns * (rows - 1) - 1
    sizes = _sizes(codes, count)
    starts = np.cumsum(sizes) - sizes
    whole = 4 * (columns + 1)
    differences = np.frombuffer(stored, dtype=np.uint8)[whole:]
    needed = int(starts[-1] + sizes[-1]) if count else 0
    if len(differences) < needed:
        raise UnreadableFile(
            f"its pixels are truncated: {whole + needed} bytes are expected and {len(stored)} are there"
        )
    first = np.frombuffer(stored, dtype="<i4", count=columns + 1).astype(np.int64)
    return _summed(first, _values(differences, starts, sizes), columns, rows)


def _sizes(codes: bytes, count: int) -> NDArray[np.int64]:
    """Bytes of each difference."""
    packed = np.frombuffer(codes, dtype=np.uint8)
    if len(packed) * PIXELS_PER_BYTE < count:
        raise UnreadableFile(f"its table of sizes is truncated: {count} are expected")
    two_bits = (packed[:, np.newaxis] >> np.array([0, 2, 4, 6], dtype=np.uint8)) & 3
    sizes: NDArray[np.int64] = BYTES_OF_CODE[two_bits.ravel()[:count]]
    if (sizes == 0).any():
        raise UnreadableFile("a difference has a size that is none of 1, 2 and 4 bytes")
    return sizes


def _values(stored: NDArray[np.uint8], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Differences, signed, least significant byte first."""
    values = np.empty(len(starts), dtype=np.int64)
    for size, kind in ((1, "<i1"), (2, "<i2"), (4, "<i4")):
        chosen = sizes == size
        picked = stored[starts[chosen][:, np.newaxis] + np.arange(size)]
        values[chosen] = np.ascontiguousarray(picked).view(kind).ravel()
    return values


def _summed(first: NDArray[np.int64], differences: NDArray[np.int64], columns: int, rows: int) -> NDArray[np.int32]:
    """Pixels by two running sums: p[i] - p[i - columns] grows by one difference from each i to the next.

    Sums wrap at 64 bits and are cut to 32, which is what sums of 32 bits are.
    """
    rises = np.empty((rows - 1) * columns, dtype=np.int64)
    rises[0] = first[columns] - first[0]
    rises[1:] = differences
    np.cumsum(rises, out=rises)
    pixels = np.empty((rows, columns), dtype=np.int64)
    pixels[0] = first[:columns]
    pixels[1:] = rises.reshape(rows - 1, columns)
    return np.cumsum(pixels, axis=0, out=pixels).astype(np.int32)
