"""Least squares by conjugate gradients (Hestenes and Stiefel, J Res NBS 49 (1952) 409; Björck 1996, 7.4)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import Engine
from openigrt.errors import InvalidGeometry
from openigrt.geometry import Grid, Trajectory
from openigrt.images import ProjectionPixels
from openigrt.xray.projector import Projector
from openigrt.xray.subsets import Report, inner_product, root_mean_square, start_volume, whole_scan

Float32Array = NDArray[np.float32]

SMALLEST_GRADIENT_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class CglsSettings:
    """When to stop: after so many iterations, or once the residual is as small as the noise.

    `noise` is the root mean square of the noise of a line integral (discrepancy principle of Morozov, 1966); zero goes
    on to the last iteration. Fewer iterations are smoother images. `engine`: what projects and back-projects.
    """

    iterations: int = 20
    noise: float = 0.0
    engine: Engine = Engine.CPU

    def __post_init__(self) -> None:
        """Check; raises InvalidGeometry."""
        if self.iterations < 1 or not self.noise >= 0.0:
            raise InvalidGeometry(
                f"Conjugate gradients need one iteration at least and a noise of zero or more, found {self.iterations} "
                f"and {self.noise}."
            )


def reconstruct_cgls(
    line_integrals: ProjectionPixels,
    trajectory: Trajectory,
    grid: Grid,
    settings: CglsSettings = CglsSettings(),
    *,
    start: Float32Array | None = None,
    report: Report | None = None,
) -> Float32Array:
    """Attenuation per mm [k, j, i] that fits the line integrals [projection, row, column] best, from `start` (or zero).

    Held besides the projections: twice as many numbers again, and three volumes. Attenuation may become negative.
    """
    data = whole_scan(line_integrals, trajectory)
    volume = start_volume(start, grid)
    projector = Projector(grid, trajectory, settings.engine)
    size = root_mean_square(data)
    residual = data.copy() if start is None else data - projector.forward(volume)
    gradient = projector.adjoint(residual)
    direction = gradient
    steepness = steepest = inner_product(gradient, gradient)
    for number in range(1, settings.iterations + 1):
        if root_mean_square(residual) <= settings.noise or steepness <= SMALLEST_GRADIENT_SHARE**2 * steepest:
            break
        seen = projector.forward(direction)
        step = np.float32(steepness / inner_product(seen, seen))
        volume += step * direction
        seen *= step
        residual -= seen
        gradient = projector.adjoint(residual)
        before, steepness = steepness, inner_product(gradient, gradient)
        direction = gradient + np.float32(steepness / before) * direction
        if report is not None:
            report(number, root_mean_square(residual) / size)
    return volume
