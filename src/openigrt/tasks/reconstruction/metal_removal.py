"""Metal in a scan: found in the image, cut out of the projections, which are reconstructed again, and put back."""

import numpy as np
from numpy.typing import NDArray

from openigrt.images import ProjectionPixels
from openigrt.tasks.clock import Progress
from openigrt.tasks.reconstruction.volume_making import Bench
from openigrt.xray import HuScale, Projector, metal_mask, metal_prior, trace_of, with_metal, without_trace

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


class WithoutMetal:
    """Line integrals of a scan as `ProjectionPixels`, with the trace of metal filled, by a prior where there is one."""

    def __init__(
        self, integrals: ProjectionPixels, bench: Bench, metal: BoolArray, prior: Float32Array | None = None
    ) -> None:
        """`metal` and `prior`, attenuation per mm without it, lie on the grid of the bench."""
        self._integrals, self._bench = integrals, bench
        self._metal, self._prior = metal.astype(np.float32), prior

    @property
    def shape(self) -> tuple[int, int, int]:
        """(projections, rows, columns)."""
        return self._bench.scan.trajectory.shape

    def __getitem__(self, which: slice) -> Float32Array:
        """Line integrals [projection, row, column] of a slice."""
        trajectory = self._bench.scan.trajectory
        projector = Projector(self._bench.grid, trajectory.chosen(np.arange(len(trajectory))[which]))
        trace = trace_of(projector.forward(self._metal))
        prior = None if self._prior is None else projector.forward(self._prior)
        return without_trace(np.asarray(self._integrals[which], np.float32), trace, prior)


def metal_removed(
    bench: Bench, integrals: ProjectionPixels, first: Float32Array, scale: HuScale, progress: Progress
) -> tuple[Float32Array, tuple[str, ...]]:
    """Attenuation per mm [k, j, i] of a scan without the streaks of its metal, given the first one; and a message.

    Straight lines first, then ratios to a prior made of that image; the metal of the first image is put back.
    """
    hounsfield = scale.to_hu(first)
    hounsfield[~bench.field_of_view.mask(bench.grid)] = -1000.0
    metal = metal_mask(hounsfield, bench.grid)
    if not metal.any():
        return first, ("No metal was found in the image: nothing above 2000 HU; --metal changed nothing.",)
    progress("reconstructing without metal")
    plain = bench.volume(WithoutMetal(integrals, bench, metal), progress)
    prior = scale.to_attenuation(metal_prior(scale.to_hu(plain), metal))
    cleaned = bench.volume(WithoutMetal(integrals, bench, metal, prior), progress)
    volume_cm3 = float(metal.sum()) * float(np.prod(bench.grid.spacing_mm)) / 1000.0
    return with_metal(cleaned, first, metal), (
        f"{volume_cm3:.2g} cm3 of metal were cut out of the projections, filled, and put back; tissue next to it is "
        "estimated, not measured.",
    )
