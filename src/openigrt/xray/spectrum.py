"""The spectrum of an X-ray tube, as a detector that integrates energy weighs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, frozen_array
from openigrt.xray.attenuation import Material, attenuation_per_mm

STEP_KEV = 2.0
LOWEST_KEV = 15.0
LOWEST_VOLTAGE_KV = 50.0
HIGHEST_VOLTAGE_KV = 150.0
TUNGSTEN_LINES_KEV = {57.98: 0.29, 59.32: 0.50, 67.24: 0.17, 69.10: 0.04}
TUNGSTEN_EDGE_KEV = 69.5
LINES_STRENGTH = 2.25  # 0.21 K photons for each of bremsstrahlung above 74 keV, at 125 kV (see `tube_spectrum`)
LINES_POWER = 1.63


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Share of the signal of the unattenuated beam at each energy (n,); the `weights` add up to 1."""

    energies_kev: Float64Array
    weights: Float64Array

    def __post_init__(self) -> None:
        """Normalise and freeze; raises InvalidGeometry for weights that are no spectrum."""
        weights = np.asarray(self.weights, dtype=np.float64)
        total = float(weights.sum())
        if weights.ndim != 1 or not total > 0.0 or not np.isfinite(total) or (weights < 0.0).any():
            raise InvalidGeometry("A spectrum needs weights that are numbers, none negative and not all zero.")
        object.__setattr__(self, "energies_kev", frozen_array(self.energies_kev, weights.shape))
        object.__setattr__(self, "weights", frozen_array(weights / total, weights.shape))

    @property
    def mean_energy_kev(self) -> float:
        """Mean over the signal."""
        return float(self.energies_kev @ self.weights)

    def attenuation_per_mm(self, material: Material) -> Float64Array:
        """Attenuation per mm at each of the energies (n,)."""
        return attenuation_per_mm(material, self.energies_kev)

    def filtered(self, material: Material, thickness_mm: float) -> "Spectrum":
        """What is left behind a filter."""
        return Spectrum(self.energies_kev, self.weights * np.exp(-self.attenuation_per_mm(material) * thickness_mm))


@dataclass(frozen=True, slots=True)
class Tube:
    """A tungsten tube at a peak voltage behind filters (mm of each material)."""

    tube_voltage_kv: float = 125.0
    filters_mm: Mapping[Material, float] = field(
        default_factory=lambda: {Material.ALUMINUM: 2.7, Material.TITANIUM: 0.89}
    )

    def __post_init__(self) -> None:
        """Check; raises InvalidGeometry."""
        if not LOWEST_VOLTAGE_KV <= self.tube_voltage_kv <= HIGHEST_VOLTAGE_KV:
            raise InvalidGeometry(
                f"A spectrum is made for tubes of {LOWEST_VOLTAGE_KV:.0f} to {HIGHEST_VOLTAGE_KV:.0f} kV, found "
                f"{self.tube_voltage_kv:.0f} kV."
            )
        if any(thickness < 0.0 for thickness in self.filters_mm.values()):
            raise InvalidGeometry("A filter has a thickness of 0 mm or more.")


def tube_spectrum(tube: Tube = Tube()) -> Spectrum:
    """Bremsstrahlung of a thick target (Kramers, Phil Mag 46 (1923) 836) with tungsten's K lines, behind the filters.

    The fluence per keV goes as (kV / E - 1); the lines rise as (kV / edge - 1)^1.63 (Green and Cosslett, J Phys D 1
    (1968) 425). How strong they are is that of xpecgen at 125 kV (Hernandez and Fernandez, J Open Source Softw 1
    (2016) 62): 0.214 photons for each of bremsstrahlung above 74 keV, after Poludniowski (Med Phys 34 (2007) 2175); at
    100 and 150 kV 1.3 and 0.9 times that. Weighed by energy, as a detector that absorbs everything. The filter in the
    target itself is part of the stated filters.
    """
    energies = np.arange(LOWEST_KEV, tube.tube_voltage_kv, STEP_KEV)
    fluence = tube.tube_voltage_kv / energies - 1.0
    if tube.tube_voltage_kv > TUNGSTEN_EDGE_KEV:
        strength = LINES_STRENGTH * (tube.tube_voltage_kv / TUNGSTEN_EDGE_KEV - 1.0) ** LINES_POWER
        for line_kev, share in TUNGSTEN_LINES_KEV.items():
            fluence[int(np.argmin(np.abs(energies - line_kev)))] += strength * share
    spectrum = Spectrum(energies, fluence * energies)
    for material, thickness_mm in tube.filters_mm.items():
        spectrum = spectrum.filtered(material, thickness_mm)
    return spectrum
