"""RLE Lossless frames (PS3.5 annex G), unpacked into exactly the bytes that rows and columns ask for."""

import struct
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 64
MOST_SEGMENTS = 15
NO_OPERATION = 128


def unpacked_frame(encoded: bytes, dtype: np.dtype[np.integer], count: int) -> NDArray[np.integer]:
    """The `count` values of one frame of one sample: a segment for each byte of a value, the most significant first.

    Raises ValueError where the segments are not as many, lie elsewhere, or hold too few bytes; what they hold beyond
    that is not unpacked.
    """
    number, *offsets = struct.unpack_from("<16I", encoded.ljust(HEADER_BYTES, b"\0"))
    if number != dtype.itemsize:
        raise ValueError(f"{number} RLE segments of {dtype.itemsize} expected")
    bounds = [*offsets[:number], len(encoded)]
    if bounds[0] != HEADER_BYTES or sorted(bounds) != bounds:
        raise ValueError("RLE segments out of place")
    planes = [_unpacked(encoded[begin:end], count) for begin, end in pairwise(bounds)]
    big_endian = np.stack([np.frombuffer(plane, np.uint8) for plane in planes], axis=-1)
    return big_endian.view(dtype.newbyteorder(">")).reshape(count).astype(dtype)


def _unpacked(segment: bytes, count: int) -> bytes:
    """The first `count` bytes of a segment (PS3.5 G.3.2)."""
    unpacked, position = bytearray(), 0
    while len(unpacked) < count and position < len(segment) - 1:
        control = segment[position]
        if control < NO_OPERATION:
            unpacked += segment[position + 1 : position + control + 2]
            position += control + 2
        elif control > NO_OPERATION:
            unpacked += segment[position + 1 : position + 2] * (257 - control)
            position += 2
        else:
            position += 1
    if len(unpacked) < count:
        raise ValueError(f"an RLE segment holds {len(unpacked)} bytes of {count}")
    return bytes(unpacked[:count])
