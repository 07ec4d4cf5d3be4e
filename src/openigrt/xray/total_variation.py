"""Reconstruction that prefers flat images: OS-SART, and after every pass the proximal map of isotropic total variation.

The map is that of Rudin, Osher and Fatemi, Physica D 60 (1992) 259, by gradient projection in its dual (Chambolle, J
Math Imaging Vis 20 (2004) 89; Beck and Teboulle, IEEE Trans Image Process 18 (2009) 2419). That it alternates with
steps toward the data follows Sidky and Pan, Phys Med Biol 53 (2008) 4777.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Grid, Trajectory
from openigrt.images import ProjectionPixels
from openigrt.xray._kernels_tv_cpu import add_divergence, climb
from openigrt.xray.os_sart import OsSartSettings
from openigrt.xray.subsets import OrderedSubsets, Report, start_volume, whole_scan

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TotalVariationSettings:
    """How flat: a thin sheet loses `strength_per_mm` of its attenuation to each side of it, per pass, if data allow.

    The dual field is kept from pass to pass, so that few `inner_iterations` are enough.
    """

    strength_per_mm: float = 2e-4
    inner_iterations: int = 10
    data: OsSartSettings = field(default_factory=lambda: OsSartSettings(iterations=20))

    def __post_init__(self) -> None:
        """Check; raises InvalidGeometry."""
        if not 0.0 <= self.strength_per_mm < math.inf or self.inner_iterations < 1:
            raise InvalidGeometry(
                f"Total variation needs a strength of zero or more and one inner iteration at least, found "
                f"{self.strength_per_mm} and {self.inner_iterations}."
            )


class Flattening:
    """The proximal map of `strength` times isotropic total variation, with its dual field: three volumes."""

    def __init__(self, shape: tuple[int, int, int], spacing_mm: Float64Array, strength: float) -> None:
        """For volumes [k, j, i] of spacing (i, j, k); a difference counts per distance, in the smallest spacing."""
        self._scales = (float(spacing_mm.min()) / spacing_mm[::-1]).astype(np.float32)
        self._strength = strength
        self._dual = np.zeros((3, *shape), np.float32)
        # The norm of the differences is 4 a axis at most (Chambolle 2004), and a step up to 2 over it converges.
        self._step = 1.0 / (4.0 * float((self._scales**2).sum()))

    def flattened(self, volume: Float32Array, iterations: int) -> Float32Array:
        """The volume u that makes |u - volume|^2 / 2 + strength TV(u) small, from where the dual field stands."""
        out = volume.copy()
        add_divergence(out, self._dual, self._strength, self._scales)
        for _ in range(iterations):
            climb(out, self._dual, self._step / self._strength, self._scales)
            np.copyto(out, volume)
            add_divergence(out, self._dual, self._strength, self._scales)
        return out


def reconstruct_total_variation(
    line_integrals: ProjectionPixels,
    trajectory: Trajectory,
    grid: Grid,
    settings: TotalVariationSettings = TotalVariationSettings(),
    *,
    start: Float32Array | None = None,
    report: Report | None = None,
) -> Float32Array:
    """Attenuation per mm [k, j, i] of a scan of line integrals [projection, row, column], from `start` (or zero) on.

    Held besides what OS-SART holds: four volumes.
    """
    data = whole_scan(line_integrals, trajectory)
    volume = start_volume(start, grid)
    subsets = OrderedSubsets(data, trajectory, grid, settings.data.subset_size, engine=settings.data.engine)
    flattening = Flattening(grid.shape, grid.spacing_mm, settings.strength_per_mm)
    for number in range(1, settings.data.iterations + 1):
        residual = subsets.sweep(volume, settings.data.relaxation, settings.data.least_per_mm)
        if settings.strength_per_mm > 0.0:
            volume = flattening.flattened(volume, settings.inner_iterations)
        if report is not None:
            report(number, residual)
    return volume
