"""Where heavy work computes: on the CPU, or on a GPU when it is asked for."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from openigrt.errors import MissingInput


class Engine(StrEnum):
    """What computes."""

    CPU = "cpu"
    GPU = "gpu"


def require_gpu() -> None:
    """Raise MissingInput where no GPU can be used: asking for one that is not there never falls back to the CPU."""
    if not _has_gpu():
        raise MissingInput(
            "No GPU that CUDA can use is there; install OpenIGRT with its extra `gpu` and the driver of the card, or "
            "compute on the CPU."
        )


def _has_gpu() -> bool:
    from numba import cuda  # noqa: PLC0415  (only who asks for a GPU needs it)

    return bool(cuda.is_available())


def compiled_for_gpu(*, device: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Decorator that compiles a CUDA kernel, or with `device` a function of kernels, with numba at its first call.

    Multiply-adds may be fused and nothing else is relaxed, as in `compiled`. Under NUMBA_ENABLE_CUDASIM=1, set before
    numba is first imported, kernels run as plain Python.
    """
    from numba import cuda  # noqa: PLC0415  (only who asks for a GPU needs it)

    def compile_later(function: Callable[..., Any]) -> Any:
        return cuda.jit(function, device=True) if device else cuda.jit(function)

    return compile_later
