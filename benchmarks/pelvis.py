"""The virtual pelvis as a finer anatomy: rendered twice from its continuous description, with two scanners' blurs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.anatomy import ANATOMY_FRAME, Float32Array
from openigrt.geometry import Float64Array, Grid, RigidTransform
from openigrt.virtual import Anatomy as VirtualAnatomy
from openigrt.virtual import render, virtual_pelvis

PLANNING_BLUR_MM = 0.5
DAILY_BLUR_MM = 0.8


@dataclass(frozen=True, eq=False)
class Pelvis:
    """A virtual patient of a seed, about the middle of the prostate."""

    patient_seed: int = 1
    name: str = "pelvis"
    table_depth_mm: float = 122.0

    @cached_property
    def anatomy(self) -> VirtualAnatomy:
        """The continuous description."""
        return virtual_pelvis(ANATOMY_FRAME, self.patient_seed)

    @property
    def spacing_mm(self) -> Float64Array:
        """Voxels of the planning CT (i, j, k)."""
        return np.array([0.9, 0.9, 2.5])

    @property
    def center_mm(self) -> Float64Array:
        """The middle of the prostate."""
        return np.array(self.anatomy.landmarks_mm["PROSTATE"])

    def planning_voxels(self, grid: Grid, anatomy_from_plan: RigidTransform) -> Float32Array:
        """HU on `grid` with the planning scanner's blur."""
        return render(self.anatomy, grid, anatomy_from_plan, PLANNING_BLUR_MM)

    def daily_voxels(self, grid: Grid, anatomy_from_daily: RigidTransform) -> Float32Array:
        """HU on `grid` with the flat panel's blur."""
        return render(self.anatomy, grid, anatomy_from_daily, DAILY_BLUR_MM)
