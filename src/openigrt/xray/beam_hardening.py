"""Beam hardening of water: what a spectrum makes of line integrals, and back.

Soft photons are lost first, so a measured line integral grows more slowly than the water on its way, the more behind a
bow-tie filter, which hardens the beam unevenly (Herman, Phys Med Biol 24 (1979) 81).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, frozen_array
from openigrt.xray.attenuation import Material, attenuation_per_mm
from openigrt.xray.spectrum import Spectrum

Float32Array = NDArray[np.float32]

DEGREE = 5
LONGEST_WATER_MM = 800.0
WATER_STEP_MM = 5.0
THICKEST_FILTER_MM = 80.0


@dataclass(frozen=True, eq=False)
class BeamHardening:
    """Polynomials per column: measured line integrals to those at one energy (`straight`), and back (`hard`).

    `straight` and `hard` are (columns, degree), coefficients of x, x^2, ...; columns 1 where all are alike.
    `reference_kev` is the energy at which the result holds.
    """

    reference_kev: float
    straight: Float64Array
    hard: Float64Array

    def __post_init__(self) -> None:
        """Freeze; raises InvalidGeometry for coefficients of different shapes."""
        shape = np.shape(self.straight)
        object.__setattr__(self, "straight", frozen_array(self.straight, shape))
        object.__setattr__(self, "hard", frozen_array(self.hard, shape))

    @property
    def water_per_mm(self) -> float:
        """Attenuation of water at the reference energy."""
        return float(attenuation_per_mm(Material.WATER, self.reference_kev))

    def corrected(self, line_integrals: Float32Array) -> Float32Array:
        """Line integrals (..., columns) at the reference energy of what was measured; exact for water."""
        return _polynomial(line_integrals, self.straight)

    def hardened(self, line_integrals: Float32Array) -> Float32Array:
        """What would be measured of line integrals (..., columns) at the reference energy."""
        return _polynomial(line_integrals, self.hard)


def water_hardening(
    spectrum: Spectrum, filters_mm: Float64Array, material: Material, reference_kev: float
) -> BeamHardening:
    """Polynomials for a beam that went through a filter of a thickness in each column (columns,), such as a bow-tie.

    Fitted over 0 to 800 mm of water, with weights that keep the relative error even.
    """
    thicknesses = np.atleast_1d(np.asarray(filters_mm, dtype=np.float64))
    if not np.isfinite(thicknesses).all() or thicknesses.min() < 0.0 or thicknesses.max() > THICKEST_FILTER_MM:
        raise InvalidGeometry(f"A filter is 0 to {THICKEST_FILTER_MM:.0f} mm thick; check the bow-tie.")
    water_mm = np.arange(WATER_STEP_MM, LONGEST_WATER_MM, WATER_STEP_MM)
    truth = water_mm * float(attenuation_per_mm(Material.WATER, reference_kev))
    through = np.exp(-np.outer(water_mm, spectrum.attenuation_per_mm(Material.WATER)))
    behind = spectrum.weights * np.exp(-np.outer(thicknesses, spectrum.attenuation_per_mm(material)))
    measured = -np.log(through @ behind.T / behind.sum(axis=1))
    straight = np.array([_fitted(line, truth) for line in measured.T])
    hard = np.array([_fitted(truth, line) for line in measured.T])
    return BeamHardening(reference_kev, straight, hard)


def bow_tie_thicknesses_mm(
    profile: Float64Array, spectrum: Spectrum, material: Material, thinnest_mm: float
) -> Float64Array:
    """Thickness per column (columns,) of a bow-tie from the profile (columns,) of an air scan through it.

    The brightest column is taken for the thinnest part, which is `thinnest_mm`. Raises InvalidGeometry for columns
    without beam, and for filters of more than 80 mm.
    """
    if not 0.0 <= thinnest_mm < THICKEST_FILTER_MM:
        raise InvalidGeometry(f"A filter is 0 to {THICKEST_FILTER_MM:.0f} mm thick, found {thinnest_mm:g} mm.")
    thicknesses = np.linspace(0.0, THICKEST_FILTER_MM - thinnest_mm, 400)
    here = spectrum.filtered(material, thinnest_mm)
    signal = np.exp(-np.outer(thicknesses, here.attenuation_per_mm(material))) @ here.weights
    share = np.asarray(profile, dtype=np.float64) / np.max(profile)
    if not (share > 0.0).all():
        raise InvalidGeometry("The air scan has columns without beam; a bow-tie cannot be measured from it.")
    if share.min() < signal[-1]:
        raise InvalidGeometry(
            f"A column of the air scan shows {share.min():.2g} of the brightest one, less than "
            f"{THICKEST_FILTER_MM:.0f} mm of {material} let through; check the air scan and its dark field."
        )
    return np.asarray(thinnest_mm + np.interp(-np.log(share), -np.log(signal), thicknesses))


def _fitted(x: Float64Array, y: Float64Array) -> Float64Array:
    """Coefficients (degree,) of y over x without a constant, least squares of the relative error."""
    powers = x[:, None] ** np.arange(DEGREE) * (x / y)[:, None]
    return np.asarray(np.linalg.lstsq(powers, np.ones(len(x)), rcond=None)[0])


def _polynomial(values: Float32Array, coefficients: Float64Array) -> Float32Array:
    """Horner's scheme over (..., columns); negative values keep the slope at zero."""
    if len(coefficients) not in (1, values.shape[-1]):
        raise InvalidGeometry(
            f"Beam hardening of {len(coefficients)} columns does not fit line integrals of {values.shape[-1]}."
        )
    factors = coefficients.astype(np.float32)
    positive = np.maximum(values, np.float32(0.0))
    out = np.zeros_like(positive)
    for power in range(factors.shape[1] - 1, -1, -1):
        out += factors[:, power]
        out *= positive
    out += factors[:, 0] * np.minimum(values, np.float32(0.0))
    return out
