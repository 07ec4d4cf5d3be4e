"""Kernels that the tests of the compiler compile."""

import numpy as np
from numba import prange
from numpy.typing import NDArray

from openigrt.arrays import compiled


@compiled(parallel=True)
def doubled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Twice each value."""
    out = np.empty_like(values)
    for i in prange(values.size):
        out[i] = np.float32(2.0) * values[i]
    return out


@compiled()
def count_without_data(values: NDArray[np.float32]) -> int:
    """How many values are NaN."""
    count = 0
    for value in values:
        if np.isnan(value):
            count += 1
    return count


@compiled()
def ratio(a: float, b: float) -> float:
    """A quotient that follows IEEE 754."""
    return a / b
