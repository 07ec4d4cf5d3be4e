"""How the dose of a 6 MV beam changes with depth in water.

Percentage depth dose: Li, Ye, Zhang and Wu, PLoS ONE 17, 2022 (e0261042): PDD ~ d / sqrt(d^2 + n) exp(-mu d) with
n = 0.208 cm^2 and mu = 0.0515 per cm for 6 MV, 10 x 10 cm at a source-surface distance of 1 m. It serves for fields of
every size, so a small field is computed a few percent too flat in depth.
"""

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array

BUILD_UP_MM2 = 20.8
ATTENUATION_PER_MM = 0.00515
SOURCE_SURFACE_DISTANCE_MM = 1000.0


def tissue_factor(depth_mm: ArrayLike) -> Float64Array:
    """Dose (...) at a depth of water, over that at the depth of its maximum at the same distance from the source."""
    return _unscaled(np.asarray(depth_mm, dtype=np.float64)) / float(_unscaled(np.arange(0.0, 60.0, 0.1)).max())


def _unscaled(depth_mm: Float64Array) -> Float64Array:
    """The depth dose with what the beam spreads taken out."""
    spread = ((SOURCE_SURFACE_DISTANCE_MM + depth_mm) / SOURCE_SURFACE_DISTANCE_MM) ** 2
    build_up = depth_mm / np.sqrt(depth_mm**2 + BUILD_UP_MM2)
    return np.asarray(build_up * np.exp(-ATTENUATION_PER_MM * depth_mm) * spread)


TABLE_STEP_MM, TABLE_END_MM = 1.0, 800.0


def tissue_factor_table() -> Float64Array:
    """The tissue factor every millimetre, for kernels."""
    return tissue_factor(np.arange(0.0, TABLE_END_MM + TABLE_STEP_MM, TABLE_STEP_MM))
