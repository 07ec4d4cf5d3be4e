"""How materials attenuate photons of diagnostic energies.

Mass attenuation coefficients: Hubbell and Seltzer, NISTIR 5632 (NIST Standard Reference Database 126, from XCOM), for
the tissues of ICRU Report 44; between the energies of the table by power laws, as the source advises. Every number was
compared with public copies of the tables, that of PMMA with the sum over its elements.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array

MM_PER_CM = 10.0


class Material(StrEnum):
    """What phantoms, patients and filters are made of."""

    AIR = "air"
    ADIPOSE = "adipose"
    WATER = "water"
    MUSCLE = "muscle"
    PMMA = "pmma"
    BONE = "cortical bone"
    ALUMINUM = "aluminum"
    TITANIUM = "titanium"
    IRON = "iron"
    COPPER = "copper"


ENERGIES_KEV = (10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0)

DENSITIES_G_PER_CM3 = {
    Material.AIR: 1.205e-3,
    Material.ADIPOSE: 0.95,
    Material.WATER: 1.0,
    Material.MUSCLE: 1.05,
    Material.PMMA: 1.19,
    Material.BONE: 1.92,
    Material.ALUMINUM: 2.699,
    Material.TITANIUM: 4.54,
    Material.IRON: 7.874,
    Material.COPPER: 8.96,
}

MASS_ATTENUATION_CM2_PER_G = {
    Material.AIR: (5.120, 1.614, 0.7779, 0.3538, 0.2485, 0.2080, 0.1875, 0.1662, 0.1541, 0.1356),
    Material.ADIPOSE: (3.268, 1.083, 0.5677, 0.3063, 0.2396, 0.2123, 0.1974, 0.1800, 0.1688, 0.1500),
    Material.WATER: (5.329, 1.673, 0.8096, 0.3756, 0.2683, 0.2269, 0.2059, 0.1837, 0.1707, 0.1505),
    Material.MUSCLE: (5.356, 1.693, 0.8205, 0.3783, 0.2685, 0.2262, 0.2048, 0.1823, 0.1693, 0.1492),
    Material.PMMA: (3.357, 1.101, 0.5714, 0.3032, 0.2350, 0.2074, 0.1924, 0.1751, 0.1641, 0.1456),
    Material.BONE: (28.51, 9.032, 4.001, 1.331, 0.6655, 0.4242, 0.3148, 0.2229, 0.1855, 0.1480),
    Material.ALUMINUM: (26.23, 7.955, 3.441, 1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704, 0.1378),
    Material.TITANIUM: (110.7, 35.87, 15.85, 4.972, 2.214, 1.213, 0.7661, 0.4052, 0.2721, 0.1649),
    Material.IRON: (170.6, 57.08, 25.68, 8.176, 3.629, 1.958, 1.205, 0.5952, 0.3717, 0.1964),
    Material.COPPER: (215.9, 74.05, 33.79, 10.92, 4.862, 2.613, 1.593, 0.7630, 0.4584, 0.2217),
}


def attenuation_per_mm(material: Material, energies_kev: ArrayLike) -> Float64Array:
    """Linear attenuation per mm of a material at its usual density, for photons of 10 to 150 keV.

    Raises InvalidGeometry for energies that the table does not hold.
    """
    energies = np.asarray(energies_kev, dtype=np.float64)
    if not ((energies >= ENERGIES_KEV[0]) & (energies <= ENERGIES_KEV[-1])).all():
        raise InvalidGeometry(
            f"Attenuation is known from {ENERGIES_KEV[0]:.0f} to {ENERGIES_KEV[-1]:.0f} keV, and was asked for at "
            f"{np.min(energies):.1f} to {np.max(energies):.1f} keV."
        )
    logs = np.interp(np.log(energies), np.log(ENERGIES_KEV), np.log(MASS_ATTENUATION_CM2_PER_G[material]))
    return np.asarray(np.exp(logs) * DENSITIES_G_PER_CM3[material] / MM_PER_CM)
