"""Projection and reconstruction on a GPU: what goes there, and what comes back.

Projections and volumes cross once in and once out; tables of a scan cross once. Importing this module needs numba's
CUDA; `openigrt.arrays.require_gpu` says whether a card is there. Measured on no card so far: kernels are tested on
numba's simulator.
"""

from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray
from scipy import fft

from openigrt.errors import InputError
from openigrt.geometry import Float64Array, Grid
from openigrt.xray import _kernels_cuda as kernels
from openigrt.xray.fdk_chain import FdkChain
from openigrt.xray.gpu_tables import heights_of, rays_of, seen_from
from openigrt.xray.projector import no_numbers, views
from openigrt.xray.ramp import fading
from openigrt.xray.rectification import Rectification

Float32Array = NDArray[np.float32]
DeviceArray = Any

BYTES_OF_A_NUMBER = 4
VIEWS_AT_ONCE = 16
BUFFERS = 2
LINE = 32
AROUND = (LINE, 8, 1)
COLUMNS_OF_VOXELS = (4, 4)
FLAT_THREADS = 256
NUMBERS_OF_A_THREAD = 16
MOST_BLOCKS = 4096
MOST_NUMBERS = 2**32


class GpuSum:
    """A volume of filtered back-projection on the card, to which projections are added.

    While some are weighted, filtered and back-projected, the next ones are copied.
    """

    def __init__(self, chain: FdkChain) -> None:
        """Begin with zeros; raises InputError where the card has too little memory."""
        require_room(fdk_bytes(chain), "A reconstruction")
        slices, height, width = chain.shape
        rows, at_once = chain.rectification.trajectory.size[1], VIEWS_AT_ONCE
        self._chain = chain
        self._volume = _zeros((height, width, slices))
        self._raw = [_empty((at_once, *chain.rectification.original.shape[1:])) for _ in range(BUFFERS)]
        self._prepared = _empty((at_once, _padded(chain), rows))
        self._filtered = _zeros((at_once, chain.columns + 1, rows + 1))
        self._found = cuda.to_device(np.zeros(1, np.int32))
        self._weights = _weights(chain)
        self._taps = cuda.to_device(_taps(chain.response, _padded(chain)))
        self._seen = cuda.to_device(seen_from(chain.views, chain.scales))
        self._copying, self._computing = cuda.stream(), cuda.stream()
        self._copied, self._used = ([cuda.event() for _ in range(BUFFERS)] for _ in range(2))
        self._turn = 0
        cuda.synchronize()

    def add(self, line_integrals: Float32Array, first: int) -> None:
        """Filter and back-project projections [n, row, column], numbers `first` and following; returns meanwhile."""
        for which in pieces(len(line_integrals)):
            part = np.ascontiguousarray(line_integrals[which], np.float32)
            turn, self._turn = self._turn, (self._turn + 1) % BUFFERS
            raw = self._raw[turn][: len(part)]
            self._used[turn].wait(self._copying)
            raw.copy_to_device(part, stream=self._copying)
            self._copied[turn].record(self._copying)
            self._copied[turn].wait(self._computing)
            self.take(raw, first + which.start)
            self._used[turn].record(self._computing)
            # The caller may write on the projections as soon as this returns.
            self._copying.synchronize()

    def take(self, raw: DeviceArray, first: int) -> None:
        """As `add`, VIEWS_AT_ONCE projections at most, which are on the card already."""
        chain, stream, count = self._chain, self._computing, raw.shape[0]
        _look_for_no_numbers(raw, self._found, stream)
        rows, columns = self._prepared.shape[2], self._prepared.shape[1]
        where = first, chain.before, chain.columns, self._prepared
        _launch(kernels.prepare_rows, (rows, columns, count), raw, *self._weights, *where, stream=stream)
        runs = -(-chain.columns // kernels.RUN)
        given = self._prepared, self._taps, chain.extension, count, self._filtered
        _launch(kernels.filter_rows, (rows, runs, count), *given, stream=stream)
        seen = self._filtered, self._seen, first, count, self._volume
        _launch_lines(kernels.back_project, self._volume.shape, *seen, stream=stream)

    def volume(self) -> Float32Array:
        """Attenuation per mm [k, j, i] so far; raises InvalidGeometry where a projection held what is no number."""
        self._computing.synchronize()
        _raise_for(self._found, "A projection")
        return _put_back(self._volume, _steps(self._chain.shape), self._chain.shape)


class GpuOperators:
    """`Projector`'s pair of operators on the card, for a lattice whose columns run along the detector's."""

    def __init__(self, grid: Grid, axes: tuple[int, int, int], lattice: Grid, straightening: Rectification) -> None:
        """Put the tables there; the lattice is `grid` with its axes in the order of `axes`, from the last.

        Raises InputError where the card has too little memory.
        """
        require_room(projector_bytes(lattice, straightening), "Projecting a volume")
        seen = views(lattice, straightening.trajectory)
        columns = straightening.trajectory.size[0]
        by_axis = _steps(grid.shape)[1], _steps(grid.shape)[0], _steps(grid.shape)[2]
        self._shape = grid.shape
        self._steps = np.array([by_axis[axes[1]], by_axis[axes[2]], by_axis[axes[0]]])
        self._lines = lattice.size[1], lattice.size[0], lattice.size[2]
        self._rectification = straightening
        self._rays = cuda.to_device(rays_of(seen, columns, lattice.spacing_mm))
        self._heights = cuda.to_device(heights_of(seen))
        self._seen = cuda.to_device(seen_from(seen, np.ones(len(seen))))
        self._matrices = _matrices(straightening)

    def laid_out(self, volume: Float32Array) -> DeviceArray:
        """A volume [k, j, i] on the card, in the order of the lattice and bordered by zeros."""
        given = _to_card(volume, "A volume").reshape(volume.size)
        height, width, slices = self._lines
        bordered = _empty((height + 2, width + 2, slices + 2))
        _launch(kernels.lay_out, bordered.shape[::-1], given, cuda.to_device(self._steps), bordered)
        return bordered

    def through(self, bordered: DeviceArray) -> Float32Array:
        """Line integrals [projection, row, column] of a volume that was laid out."""
        out = np.empty(self._rectification.original.shape, np.float32)
        for which in pieces(len(out)):
            self.seen(bordered, which).copy_to_host(out[which])
        return out

    def seen(self, bordered: DeviceArray, which: slice) -> DeviceArray:
        """Line integrals on the card of some projections, VIEWS_AT_ONCE at most."""
        columns, rows = self._rectification.trajectory.size
        count = which.stop - which.start
        straight = _empty((count, rows, columns))
        flat, shape = bordered.reshape(bordered.size), tuple(bordered.shape)
        given = flat, shape, self._rays[which], self._heights[which]
        _launch(kernels.project, (rows, columns, count), *given, straight)
        if self._matrices is None:
            return straight
        found = _empty((count, *self._rectification.original.shape[1:]))
        _launch(kernels.warp, found.shape[::-1], straight, self._matrices[0][which], found)
        return found

    def adjoint(self, projections: Float32Array) -> Float32Array:
        """The transpose of `forward`: a volume [k, j, i]."""
        columns, rows = self._rectification.trajectory.size
        volume = _zeros(self._lines)
        for which in pieces(len(projections)):
            given = _to_card(projections[which], "A projection")
            count = given.shape[0]
            if self._matrices is not None:
                tilted, given = given, _empty((count, rows, columns))
                pair = self._matrices[0][which], self._matrices[1][which]
                _launch(kernels.warp_adjoint, (columns, rows, count), tilted, *pair, given)
            values = _empty((count, columns, rows))
            rays, heights = self._rays[which], self._heights[which]
            _launch(kernels.measure_rays, (rows, columns, count), given, rays, heights, values)
            tables = rays, heights, self._seen[which]
            _launch_lines(kernels.project_adjoint, volume.shape, values, *tables, volume)
        return _put_back(volume, self._steps, self._shape)


def pieces(count: int) -> list[slice]:
    """Slices of so many projections that a card takes together."""
    return [slice(n, min(n + VIEWS_AT_ONCE, count)) for n in range(0, count, VIEWS_AT_ONCE)]


def fdk_bytes(chain: FdkChain) -> int:
    """How much memory of a card a reconstruction takes: the volume, its copy, some projections in four stages."""
    original, straight = chain.rectification.original, chain.rectification.trajectory
    pixels = BUFFERS * original.size[0] * original.size[1]
    pixels += (_padded(chain) + chain.columns + 1) * (straight.size[1] + 1)
    tables = len(straight) * (2 * straight.size[0] + straight.size[1])
    return BYTES_OF_A_NUMBER * (2 * int(np.prod(chain.shape)) + VIEWS_AT_ONCE * pixels + tables)


def projector_bytes(lattice: Grid, straightening: Rectification) -> int:
    """How much memory of a card a projector takes: the volume, as it comes and as it is read, and some projections."""
    bordered = int(np.prod([n + 2 for n in lattice.size]))
    original, straight = straightening.original, straightening.trajectory
    pixels = original.size[0] * original.size[1] + 2 * straight.size[0] * straight.size[1]
    tables = len(straight) * straight.size[0] * 7
    return BYTES_OF_A_NUMBER * (2 * bordered + VIEWS_AT_ONCE * pixels + tables)


def require_room(needed_bytes: int, what: str) -> None:
    """Raise InputError where the card has less memory free, or could not number so many voxels."""
    there = min(cuda.current_context().get_memory_info().free, BYTES_OF_A_NUMBER * MOST_NUMBERS)
    if needed_bytes > there:
        raise InputError(
            f"{what} needs {needed_bytes / 2**30:.2f} GiB on the GPU, and {there / 2**30:.2f} GiB can be used there; "
            "choose larger voxels, free the card, or compute on the CPU.",
            needed_bytes=needed_bytes,
            usable_bytes=there,
        )


def _launch(kernel: Any, shape: tuple[int, ...], *arrays: Any, stream: Any = 0) -> None:
    """Run a kernel with a thread for each place of a shape (x, y, z)."""
    threads = tuple(min(count, most) for count, most in zip(shape, AROUND, strict=True))
    blocks = tuple(-(-count // along) for count, along in zip(shape, threads, strict=True))
    kernel[blocks, threads, stream](*arrays)


def _launch_lines(kernel: Any, shape: tuple[int, ...], *arrays: Any, stream: Any = 0) -> None:
    """Run a kernel whose threads have TILE voxels each of a volume [j, i, k] of this shape."""
    height, width, slices = shape
    across = -(-slices // (LINE * kernels.TILE))
    threads = -(-slices // (across * kernels.TILE)), min(width, COLUMNS_OF_VOXELS[1]), min(height, COLUMNS_OF_VOXELS[0])
    kernel[(across, -(-width // threads[1]), -(-height // threads[2])), threads, stream](*arrays)


def _launch_flat(kernel: Any, values: DeviceArray, *more: Any, stream: Any = 0) -> None:
    """Run a kernel over all numbers of an array, in any order."""
    blocks = min(-(-values.size // (FLAT_THREADS * NUMBERS_OF_A_THREAD)), MOST_BLOCKS)
    kernel[blocks, FLAT_THREADS, stream](values.reshape(values.size), *more)


def _empty(shape: tuple[int, ...]) -> DeviceArray:
    return cuda.device_array(shape, np.float32)


def _zeros(shape: tuple[int, ...]) -> DeviceArray:
    out = _empty(shape)
    _launch_flat(kernels.clear, out)
    return out


def _to_card(values: Float32Array, what: str) -> DeviceArray:
    """A copy on the card; raises InvalidGeometry where something is NaN or infinite."""
    there = cuda.to_device(np.ascontiguousarray(values, np.float32))
    found = cuda.to_device(np.zeros(1, np.int32))
    _look_for_no_numbers(there, found, 0)
    _raise_for(found, what)
    return there


def _look_for_no_numbers(values: DeviceArray, found: DeviceArray, stream: Any) -> None:
    _launch_flat(kernels.find_no_numbers, values, found, stream=stream)


def _raise_for(found: DeviceArray, what: str) -> None:
    if found.copy_to_host()[0]:
        raise no_numbers(what)


def _put_back(volume: DeviceArray, steps: NDArray[np.int64], shape: tuple[int, int, int]) -> Float32Array:
    """A volume [j, i, k] of the card in memory, in the order of its own grid."""
    there = _empty((volume.size,))
    _launch(kernels.put_back, volume.shape[::-1], volume, cuda.to_device(steps), there)
    out = np.empty(shape, np.float32)
    there.reshape(shape).copy_to_host(out)
    return out


def _steps(shape: tuple[int, int, int]) -> NDArray[np.int64]:
    """From voxel to voxel of a flat array [k, j, i] along j, i and k."""
    return np.array([shape[2], 1, shape[1] * shape[2]])


def _matrices(straightening: Rectification) -> tuple[DeviceArray, DeviceArray] | None:
    """Pixels of straightened detectors from those of the original ones, and back; None where nothing is tilted."""
    if straightening.measured is None:
        return None
    there = np.ascontiguousarray(np.linalg.inv(straightening.measured))
    return cuda.to_device(there), cuda.to_device(np.ascontiguousarray(straightening.measured))


def _weights(chain: FdkChain) -> tuple[Any, ...]:
    """What `prepare_rows` needs of a scan."""
    measured, oblique = chain.rectification.measured, chain.obliquity
    is_tilted = measured is not None
    there = np.zeros((1, 3, 3)) if measured is None else measured
    lengths = chain.weights, oblique.distances_mm, oblique.columns_mm, oblique.rows_mm, fading(chain.extension)
    return (
        cuda.to_device(np.ascontiguousarray(there)),
        *(cuda.to_device(np.ascontiguousarray(one, np.float32)) for one in lengths),
        is_tilted,
    )


def _padded(chain: FdkChain) -> int:
    """Columns that are filtered, filled up to whole runs of a thread."""
    return -(-(chain.columns + 2 * chain.extension) // kernels.RUN) * kernels.RUN


def _taps(response: Float64Array, columns: int) -> Float32Array:
    """The ramp in space from -columns on, with zeros where the response was padded no further, for whole runs."""
    ramp = fft.irfft(response, 2 * (len(response) - 1))
    reach = min(columns, len(ramp) // 2) - 1
    taps = np.zeros(2 * (columns + kernels.RUN), np.float32)
    middle = len(taps) // 2
    taps[middle - reach : middle] = ramp[-reach:]
    taps[middle : middle + reach + 1] = ramp[: reach + 1]
    return taps
