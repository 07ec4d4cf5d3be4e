"""Projection and back-projection on a GPU: what goes there, and what comes back.

Importing this module needs numba's CUDA; `openigrt.arrays.require_gpu` says whether a card is there. Measured on no
card so far: kernels are tested on numba's simulator.
"""

from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray
from scipy import fft

from openigrt.geometry import Float64Array
from openigrt.xray import _kernels_cuda as kernels
from openigrt.xray.ramp import extended

Float32Array = NDArray[np.float32]

THREADS = (32, 4, 2)


def _launch(kernel: Any, shape: tuple[int, ...], *arrays: Any) -> None:
    """Run a kernel over an array of this shape, its last axis along the first of the threads."""
    blocks = tuple(-(-count // threads) for count, threads in zip(shape[::-1], THREADS, strict=True))
    kernel[blocks, THREADS](*arrays)


def _by_columns(projections: Float32Array) -> Any:
    """Projections [n, row, column] on the card as [n, column, row]."""
    return cuda.to_device(np.ascontiguousarray(projections.transpose(0, 2, 1)))


def project(bordered: Float32Array, views: Float64Array, spacing_mm: Float64Array, out: Float32Array) -> None:
    """Fill `out` [n, row, column] with line integrals through `bordered` [j + 1, i + 1, k + 1]."""
    there = cuda.device_array((out.shape[0], out.shape[2], out.shape[1]), np.float32)
    given = cuda.to_device(bordered), cuda.to_device(views), cuda.to_device(np.array(spacing_mm))
    _launch(kernels.project, there.shape, *given, there)
    out[:] = there.copy_to_host().transpose(0, 2, 1)


def project_adjoint(
    projections: Float32Array, views: Float64Array, spacing_mm: Float64Array, bordered: Float32Array
) -> None:
    """Add to the inside of `bordered` [j + 1, i + 1, k + 1] the transpose of `project`."""
    there = cuda.to_device(np.zeros([n - 2 for n in bordered.shape], np.float32))
    given = _by_columns(projections), cuda.to_device(views), cuda.to_device(np.array(spacing_mm))
    _launch(kernels.project_adjoint, there.shape, *given, there)
    bordered[1:-1, 1:-1, 1:-1] += there.copy_to_host()


class GpuSum:
    """A volume [j, i, k] on the card to which filtered projections are added."""

    def __init__(self, shape: tuple[int, int, int], response: Float64Array, extension: int) -> None:
        """Begin with zeros; `response` and `extension` as in `ramp_filtered`."""
        self._volume = cuda.to_device(np.zeros(shape, np.float32))
        self._response = response
        self._extension = extension

    def add(self, rows: Float32Array, views: Float64Array, scales: Float64Array) -> None:
        """Filter weighted projections [n, row, column] by direct convolution and back-project them."""
        given = extended(rows, self._extension) if self._extension else rows
        columns = given.shape[-1]
        unfiltered = _by_columns(given)
        filtered = cuda.device_array(unfiltered.shape, np.float32)
        _launch(kernels.filter_rows, filtered.shape, unfiltered, cuda.to_device(self._kernel(columns)), filtered)
        inner = filtered[:, self._extension : columns - self._extension]
        seen = cuda.to_device(views), cuda.to_device(scales)
        _launch(kernels.back_project, self._volume.shape, inner, *seen, self._volume)

    def volume(self) -> Float32Array:
        """The volume [j, i, k] so far."""
        found: Float32Array = self._volume.copy_to_host()
        return found

    def _kernel(self, columns: int) -> Float32Array:
        """The ramp in space from -(columns - 1) to columns - 1; the response was padded for all of it."""
        ramp = fft.irfft(self._response, 2 * (len(self._response) - 1))
        return np.concatenate([ramp[len(ramp) - columns + 1 :], ramp[:columns]]).astype(np.float32)
