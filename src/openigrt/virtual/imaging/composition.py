"""What tissue is made of by its HU: amounts of a few materials, so that few projections serve all energies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from openigrt.geometry import Float64Array, frozen_array
from openigrt.virtual.imaging._kernels_projections_cpu import basis_shares
from openigrt.xray import Material, attenuation_per_mm

Float32Array = NDArray[np.float32]

SCANNER_KEV = 75.0
FIT_KEV = np.arange(30.0, 121.0, 5.0)
METAL_FROM_HU, METAL_HU = 2300.0, 3000.0
BASIS = (Material.WATER, Material.BONE, Material.TITANIUM)

Recipe = Mapping[Material, float]


@dataclass(frozen=True, eq=False)
class Composition:
    """Amounts of the materials of `BASIS` (knots, 3), in shares of their usual densities, at knots of HU (knots,).

    Between knots a mixture changes evenly, as tissues do in a stoichiometric calibration (Schneider et al., Phys Med
    Biol 41 (1996) 111; 45 (2000) 459): vacuum, then lung, which is muscle of less density, then mixtures of adipose and
    muscle, of muscle and cortical bone (ICRU 44), denser bone, and from 2300 HU on metal: 3000 HU is titanium, however
    little of it the scale of a CT can say. Attenuation is that of the HU at `SCANNER_KEV` up to there.
    """

    knots_hu: Float64Array = field(init=False)
    amounts: Float64Array = field(init=False)

    def __post_init__(self) -> None:
        """Put the recipes of tissues in order of their HU."""
        densest = (METAL_FROM_HU / 1000.0 + 1.0) * _per_mm({Material.WATER: 1.0}) / _per_mm({Material.BONE: 1.0})
        lung = _density_of(Material.MUSCLE, LUNG_HU)
        recipes: tuple[Recipe, ...] = (
            {},
            {Material.MUSCLE: lung},
            {Material.ADIPOSE: 1.0},
            {Material.MUSCLE: 1.0},
            {Material.BONE: 1.0},
            {Material.BONE: densest},
        )
        knots = [scanner_hu(recipe) for recipe in recipes]
        amounts = [in_basis(recipe) for recipe in recipes]
        object.__setattr__(self, "knots_hu", frozen_array([*knots, METAL_HU], (len(knots) + 1,)))
        metal = np.array([0.0, 0.0, 1.0])
        object.__setattr__(self, "amounts", frozen_array([*amounts, metal], (len(knots) + 1, len(BASIS))))

    def of(self, hu: Float32Array) -> Float32Array:
        """Amounts (materials, ...) of voxels (...) in HU."""
        out = np.empty((len(BASIS), hu.size), np.float32)
        basis_shares(np.ascontiguousarray(hu).reshape(-1), self.knots_hu, self.amounts, out)
        return out.reshape(len(BASIS), *hu.shape)


LUNG_HU = -500.0


def scanner_hu(recipe: Recipe) -> float:
    """HU of a mixture on the planning CT."""
    return 1000.0 * (_per_mm(recipe) / _per_mm({Material.WATER: 1.0}) - 1.0)


def in_basis(recipe: Recipe) -> Float64Array:
    """Amounts (3,) of water and cortical bone, and no metal, that attenuate as a mixture does, exactly at 75 keV.

    Two functions of energy serve all that holds no edge (Alvarez and Macovski, Phys Med Biol 21 (1976) 733); fitted
    from 30 to 120 keV. What is less than water in dense parts is less than nothing in the other.
    """
    energies = np.append(FIT_KEV, SCANNER_KEV)
    weights = np.append(np.ones(len(FIT_KEV)), 1e6)
    columns = np.stack([attenuation_per_mm(material, energies) for material in BASIS[:2]], axis=1)
    target = sum((share * attenuation_per_mm(m, energies) for m, share in recipe.items()), np.zeros(len(energies)))
    scale = weights / columns[:, 0]
    fitted = np.linalg.lstsq(columns * scale[:, None], target * scale, rcond=None)[0]
    return np.append(fitted, 0.0)


def _density_of(material: Material, hu: float) -> float:
    """Share of its usual density at which a material has this HU."""
    return (hu / 1000.0 + 1.0) * _per_mm({Material.WATER: 1.0}) / _per_mm({material: 1.0})


def _per_mm(recipe: Recipe) -> float:
    """Attenuation per mm on the planning CT."""
    return float(sum(share * attenuation_per_mm(material, SCANNER_KEV) for material, share in recipe.items()))
