"""Scatter, and whatever else is slow, by the registered planning CT.

What a planning CT would let through is subtracted from what was measured; of the difference only long waves are kept
and taken off the projections (Niu et al., Med Phys 37 (2010) 5395). Differences between plan and day are kept out: the
planning CT is first cut to the outline and the gas of the day, and where plan and day let through much, the difference
counts little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Trajectory
from openigrt.xray.beam_hardening import BeamHardening
from openigrt.xray.hounsfield import AIR_HU
from openigrt.xray.redundancy import at_isocenter_mm
from openigrt.xray.scatter import limited, require_signal
from openigrt.xray.smoothness import CosineBasis

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

SHORTEST_WAVE_MM = 30.0
CONTAINS_PRIOR = "contains planning prior"
SMALLEST_WEIGHT = 1e-5
DAILY_AIR_HU = -450.0


@dataclass(frozen=True, slots=True)
class PriorScatter:
    """Scatter as the long waves of measured minus expected.

    `shortest_mm` (30 or more) at the axis of rotation: no shorter wave comes from the prior; the difference is blurred
    by a Gaussian of `blur_mm` there. `typical_scatter`: signal of the prior at which a difference begins to
    count less, as errors of the prior grow with what it lets through.
    """

    shortest_mm: float = SHORTEST_WAVE_MM
    blur_mm: float = 15.0
    typical_scatter: float = 2e-3

    def __post_init__(self) -> None:
        """Check; raises InvalidGeometry for waves that a match would follow."""
        if not (self.blur_mm >= 0.0 and self.typical_scatter > 0.0):
            raise InvalidGeometry(
                f"A blur is 0 mm or more and scatter above zero, found {self.blur_mm} mm and {self.typical_scatter}."
            )
        if not self.shortest_mm >= SHORTEST_WAVE_MM:
            raise InvalidGeometry(
                f"A planning prior may add waves of {SHORTEST_WAVE_MM:.0f} mm and longer, found {self.shortest_mm:.0f} "
                "mm: shorter ones would show the plan, not the day."
            )

    def estimate(
        self,
        signal: Float32Array,
        air: Float32Array,
        prior_line_integrals: Float32Array,
        hardening: BeamHardening | None,
        trajectory: Trajectory,
    ) -> Float32Array:
        """Scatter [projection, row, column] of signals, given line integrals through the planning CT.

        `hardening` makes of the prior's line integrals, at its reference energy, what the beam would measure.
        """
        require_signal(signal, air, trajectory)
        if prior_line_integrals.shape != signal.shape:
            raise InvalidGeometry(
                f"The prior has projections of {prior_line_integrals.shape} and the scan of {signal.shape}."
            )
        basis = CosineBasis.of(trajectory.shape[1:], at_isocenter_mm(trajectory), self.shortest_mm)
        blur = basis.gaussian(self.blur_mm)
        hard = prior_line_integrals if hardening is None else hardening.hardened(prior_line_integrals)
        expected = air * np.exp(-hard)
        weights = np.float32(1.0) / (np.float32(1.0) + (expected / np.float32(self.typical_scatter)) ** 2)
        difference = np.clip(signal - expected, np.float32(0.0), signal)
        difference *= weights
        total = np.maximum(basis.smoothed(weights, blur), np.float32(SMALLEST_WEIGHT))
        mean = np.asarray(basis.smoothed(difference, blur) / total, dtype=np.float32)
        estimate = basis.smoothed(mean, basis.low_pass())
        limited(estimate, signal)
        return estimate


def adapted_prior(prior_hu: Float32Array, daily_hu: Float32Array, seen: BoolArray) -> Float32Array:
    """A planning CT in HU [k, j, i] as large as the day and with its gas, on the grid of a first image `daily_hu`.

    Where the scan has `seen` the day: tissue of the plan where the day shows air becomes air, and air of the plan where
    the day shows none becomes water. Beyond, tissue goes as at the nearest place that was seen. The first image should
    have been corrected by a kernel: scatter makes gas bright.
    """
    if not prior_hu.shape == daily_hu.shape == seen.shape:
        raise InvalidGeometry(f"A prior of {prior_hu.shape} voxels does not lie on the grid of {daily_hu.shape}.")
    if not seen.any():
        raise InvalidGeometry("The scan has seen none of the prior's grid; check where the prior lies.")
    nearest = tuple(ndimage.distance_transform_edt(~seen, return_distances=False, return_indices=True))
    daily_air = ndimage.median_filter(daily_hu[nearest], (1, 3, 3), mode="nearest") < DAILY_AIR_HU
    prior_air = prior_hu < DAILY_AIR_HU
    lost = (daily_air & ~prior_air)[nearest]
    out = np.where(lost, np.float32(AIR_HU), prior_hu)
    return np.where(seen & ~daily_air & prior_air, np.float32(0.0), out).astype(np.float32)
