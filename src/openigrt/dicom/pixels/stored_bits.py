"""The bits of stored values: their numpy type, and what lies above those that count (PS3.5, 8.1.1)."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import ExplicitVRBigEndian

from openigrt.dicom.dataset.elements import name_of, required_whole_number, whole_number
from openigrt.dicom.dataset.load import transfer_syntax
from openigrt.errors import UnsupportedInput

BITS_ALLOCATED = (8, 16, 32)


def stored_type(header: Dataset) -> np.dtype[np.integer]:
    """The integer type of pixels in the byte order of the file.

    Raises UnsupportedInput where they are no whole bytes, or not the lowest bits of what is allocated to them.
    """
    bits, high_bit = required_whole_number(header, "BitsAllocated"), whole_number(header, "HighBit")
    if bits not in BITS_ALLOCATED:
        raise UnsupportedInput(f"{name_of(header)} has {bits} bits allocated; expected 8, 16 or 32.")
    stored = whole_number(header, "BitsStored") or bits
    if stored < bits and high_bit is not None and high_bit != stored - 1:
        raise UnsupportedInput(
            f"{name_of(header)} stores {stored} bits below bit {high_bit} of {bits}; expected High Bit {stored - 1}."
        )
    order = ">" if transfer_syntax(header) == ExplicitVRBigEndian else "<"
    kind = "i" if whole_number(header, "PixelRepresentation") == 1 else "u"
    return np.dtype(f"{order}{kind}{bits // 8}")


def within_stored_bits(header: Dataset, stored: NDArray[np.integer]) -> NDArray[np.integer]:
    """Values without what may lie above Bits Stored, their sign extended."""
    allocated = required_whole_number(header, "BitsAllocated")
    unused = allocated - (whole_number(header, "BitsStored") or allocated)
    if not 0 < unused < allocated:
        return stored
    shifted: NDArray[np.integer] = np.right_shift(np.left_shift(stored, unused), unused)
    return shifted
