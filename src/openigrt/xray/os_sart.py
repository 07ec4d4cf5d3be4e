"""Simultaneous algebraic reconstruction in ordered subsets: for few projections, gaps, short and limited arcs.

SART: Andersen and Kak, Ultrason Imaging 6 (1984) 81; its convergence in ordered subsets: Wang and Jiang, J X-Ray Sci
Technol 12 (2004) 169.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.arrays import Engine
from openigrt.errors import InvalidGeometry
from openigrt.geometry import Grid, Trajectory
from openigrt.images import ProjectionPixels
from openigrt.xray.subsets import OrderedSubsets, Report, start_volume, whole_scan

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class OsSartSettings:
    """How to iterate: passes over all projections, projections of a subset, and the share of each step that is taken.

    Attenuation below `least_per_mm` is set to it after every step; minus infinity leaves it free. `engine`: what
    projects and back-projects.
    """

    iterations: int = 10
    subset_size: int = 12
    relaxation: float = 0.9
    least_per_mm: float = 0.0
    engine: Engine = Engine.CPU

    def __post_init__(self) -> None:
        """Check; raises InvalidGeometry."""
        if self.iterations < 1 or self.subset_size < 1:
            raise InvalidGeometry(
                f"An iteration needs one pass and one projection in a subset at least, found {self.iterations} and "
                f"{self.subset_size}."
            )
        if not 0.0 < self.relaxation < 2.0:
            raise InvalidGeometry(f"The relaxation lies between 0 and 2, found {self.relaxation}; 0.9 is usual.")
        if not self.least_per_mm < math.inf:
            raise InvalidGeometry(f"The least attenuation is a number or minus infinity, found {self.least_per_mm}.")


def reconstruct_os_sart(
    line_integrals: ProjectionPixels,
    trajectory: Trajectory,
    grid: Grid,
    settings: OsSartSettings = OsSartSettings(),
    *,
    start: Float32Array | None = None,
    report: Report | None = None,
) -> Float32Array:
    """Attenuation per mm [k, j, i] of a scan of line integrals [projection, row, column], from `start` (or zero) on.

    Any arc, fan and tilt. What a ray crosses outside the grid is put inside it: let the grid hold the whole patient.
    """
    data = whole_scan(line_integrals, trajectory)
    volume = start_volume(start, grid)
    subsets = OrderedSubsets(data, trajectory, grid, settings.subset_size, engine=settings.engine)
    for number in range(1, settings.iterations + 1):
        residual = subsets.sweep(volume, settings.relaxation, settings.least_per_mm)
        if report is not None:
            report(number, residual)
    return volume
