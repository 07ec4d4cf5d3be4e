"""One way to compile a hot loop, so that all kernels share cache, arithmetic and error model."""

import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from openigrt.arrays.kernel_cache import kernel_folder

P = ParamSpec("P")
R = TypeVar("R")

# Not nnan and ninf: under them a test for NaN is compiled away, and NaN is how a voxel says that it holds no data.
# Not reassoc: a kernel kept on disk is optimised once more when it is read back, and its sums would be reordered again.
FAST_ARITHMETIC = frozenset({"contract", "nsz"})


def compiled(*, parallel: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator that compiles a kernel with numba at its first call and keeps the machine code on disk.

    `parallel=True` spreads `numba.prange` loops over all threads. Multiply-adds may be fused (`FAST_ARITHMETIC`); NaN
    and infinity behave as IEEE 754 says; division by zero gives them, and never raises.
    """
    # Threads that spin while they wait starve one another on a machine that has other work to do (measured: ten times).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import numba  # noqa: PLC0415  (a quarter of a second that only modules with kernels should pay)

    config: Any = numba.config

    def compile_later(function: Callable[P, R]) -> Callable[P, R]:
        elsewhere, config.CACHE_DIR = config.CACHE_DIR, str(kernel_folder())
        try:
            kernel = numba.njit(parallel=parallel, cache=True, fastmath=set(FAST_ARITHMETIC), error_model="numpy")(
                function
            )
        finally:
            config.CACHE_DIR = elsewhere
        return cast("Callable[P, R]", kernel)

    return compile_later
