"""Entropy decoding and prediction of lossless JPEG, compiled."""

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import compiled


@compiled()
def decode_differences(coded: NDArray[np.uint8], table: NDArray[np.uint16], differences: NDArray[np.int32]) -> int:
    """Fill `differences` from Huffman codes (ISO/IEC 10918-1, F.2.2.1 and H.1.2.2); the number that could be decoded.

    `coded` has no stuffed bytes and reads as zeros beyond its end. `table[p]` is, for the code that the next 16 bits
    p begin with, 256 times its length plus the number of bits that follow it (0 to 16), and 0 where no code does.
    """
    size = coded.shape[0]
    bits, held, position = 0, 0, 0
    for n in range(differences.shape[0]):
        while held <= 32:
            byte = coded[position] if position < size else 0
            bits = ((bits << 8) | byte) & 0xFFFFFFFFFFFF
            position += 1
            held += 8
        entry = table[(bits >> (held - 16)) & 0xFFFF]
        length, extra = entry >> 8, entry & 0xFF
        held -= length
        value = 0
        if extra == 16:
            value = 32768
        elif extra > 0:
            held -= extra
            value = (bits >> held) & ((1 << extra) - 1)
            if value < 1 << (extra - 1):
                value -= (1 << extra) - 1
        if length == 0 or 8 * position - held > 8 * size:
            return n
        differences[n] = value
    return int(differences.shape[0])


@compiled()
def predict(values: NDArray[np.int32], selection: int, first: int) -> None:
    """Turn differences [row, column] into values modulo 2^16, in place (ISO/IEC 10918-1, H.1.2.1).

    `selection` is the predictor, 1 to 7, `first` what the first value is predicted to be.
    """
    for j in range(values.shape[0]):
        for i in range(values.shape[1]):
            if i == 0:
                predicted = first if j == 0 else values[j - 1, 0]
            elif j == 0 or selection == 1:
                predicted = values[j, i - 1]
            else:
                left, above, corner = values[j, i - 1], values[j - 1, i], values[j - 1, i - 1]
                if selection == 2:
                    predicted = above
                elif selection == 3:
                    predicted = corner
                elif selection == 4:
                    predicted = left + above - corner
                elif selection == 5:
                    predicted = left + ((above - corner) >> 1)
                elif selection == 6:
                    predicted = above + ((left - corner) >> 1)
                else:
                    predicted = (left + above) >> 1
            values[j, i] = (predicted + values[j, i]) & 0xFFFF
