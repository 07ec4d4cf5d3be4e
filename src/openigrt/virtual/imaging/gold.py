"""How gold markers attenuate photons.

Mass attenuation coefficients: Hubbell and Seltzer, NISTIR 5632 (NIST Standard Reference Database 126); the K edge at
80.7 keV lies between two entries of the table.
"""

import numpy as np
from numpy.typing import ArrayLike

from openigrt.geometry import Float64Array

GOLD_G_PER_CM3 = 19.32
MM_PER_CM = 10.0
ENERGIES_KEV = (15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 80.724, 80.726, 100.0, 150.0)
CM2_PER_G = (164.0, 78.83, 27.52, 12.98, 7.256, 4.528, 2.185, 2.137, 8.904, 5.158, 1.860)
MEGAVOLT_CM2_PER_G = 0.046  # at 2 MeV
GOLD_MEGAVOLT_PER_MM = MEGAVOLT_CM2_PER_G * GOLD_G_PER_CM3 / MM_PER_CM


def gold_per_mm(energies_kev: ArrayLike) -> Float64Array:
    """Attenuation per mm of gold for photons of 15 to 150 keV (n,)."""
    logs = np.interp(np.log(np.asarray(energies_kev, dtype=np.float64)), np.log(ENERGIES_KEV), np.log(CM2_PER_G))
    return np.asarray(np.exp(logs) * GOLD_G_PER_CM3 / MM_PER_CM)
