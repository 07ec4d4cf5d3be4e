"""Spectra and beam hardening against attenuation integrated by hand."""

import numpy as np
import pytest

from openigrt.errors import InvalidGeometry
from openigrt.xray import (
    BeamHardening,
    Material,
    Spectrum,
    Tube,
    attenuation_per_mm,
    bow_tie_thicknesses_mm,
    tube_spectrum,
    water_hardening,
)

ALUMINUM, WATER = Material.ALUMINUM, Material.WATER


@pytest.mark.parametrize(
    ("material", "energy_kev", "per_mm"),
    [(WATER, 60.0, 0.02059), (Material.BONE, 60.0, 0.06044), (ALUMINUM, 80.0, 0.05447), (Material.IRON, 100.0, 0.2927)],
)
def test_attenuation_is_that_of_the_table(material, energy_kev, per_mm):
    """mu / rho times density by hand, NIST SRD 126."""
    assert float(attenuation_per_mm(material, energy_kev)) == pytest.approx(per_mm, rel=1e-3)


def test_attenuation_between_the_energies_of_the_table_is_a_power_law():
    """70 keV: XCOM gives water 0.1929 cm2/g."""
    assert float(attenuation_per_mm(WATER, 70.0)) == pytest.approx(0.01929, rel=0.01)


@pytest.mark.parametrize("material", Material)
def test_the_table_goes_as_photoelectric_absorption_and_scatter_do(material):
    """Powers of the energy and Klein and Nishina's cross section (Alvarez and Macovski 1976) fit it within 1 %.

    From 30 keV on, beyond the absorption edges of all: an entry with a wrong digit stands out by more.
    """
    energies = np.array([30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0])
    of_rest = energies / 511.0
    scattered = (1.0 + of_rest) / of_rest**2 * (
        2.0 * (1.0 + of_rest) / (1.0 + 2.0 * of_rest) - np.log(1.0 + 2.0 * of_rest) / of_rest
    ) + (np.log(1.0 + 2.0 * of_rest) / (2.0 * of_rest) - (1.0 + 3.0 * of_rest) / (1.0 + 2.0 * of_rest) ** 2)
    shares = np.stack([energies**-3, energies**-2, scattered], axis=1)
    shares /= attenuation_per_mm(material, energies)[:, None]
    fitted = shares @ np.linalg.lstsq(shares, np.ones(7), rcond=None)[0]
    assert fitted == pytest.approx(np.ones(7), abs=0.01)


def test_energies_beyond_the_table_are_refused():
    with pytest.raises(InvalidGeometry, match="10 to 150 keV"):
        attenuation_per_mm(WATER, 200.0)


def test_the_spectrum_of_a_filtered_tube_is_plausible():
    """Mean and half-value layer of a 120 kV beam behind 3 mm of aluminum: about 55 to 65 keV of signal, 4 to 6.5 mm."""
    spectrum = tube_spectrum(Tube(120.0, {ALUMINUM: 3.0}))
    left = [spectrum.weights @ np.exp(-spectrum.attenuation_per_mm(ALUMINUM) * mm) for mm in (4.0, 8.0)]
    assert 55.0 < spectrum.mean_energy_kev < 72.0
    assert left[0] > 0.5 > left[1]
    assert spectrum.weights.sum() == pytest.approx(1.0)
    assert spectrum.energies_kev.max() < 120.0


def test_tubes_and_spectra_that_cannot_be_are_refused():
    with pytest.raises(InvalidGeometry, match="50 to 150 kV, found 6000"):
        Tube(6000.0)
    with pytest.raises(InvalidGeometry, match="0 mm or more"):
        Tube(120.0, {ALUMINUM: -1.0})
    with pytest.raises(InvalidGeometry, match="not all zero"):
        Spectrum(np.array([50.0, 60.0]), np.zeros(2))


@pytest.mark.parametrize("filter_mm", [0.0, 1.5, 10.0, 25.0])
def test_water_is_straight_again_behind_every_part_of_a_bow_tie(filter_mm):
    """10 to 500 mm of water, integrated over the spectrum by hand: within 0.1 % of the line at the reference energy."""
    spectrum = tube_spectrum()
    water_mm = np.array([10.0, 30.0, 100.0, 250.0, 500.0])
    behind = spectrum.filtered(ALUMINUM, filter_mm)
    measured = -np.log(np.exp(-np.outer(water_mm, behind.attenuation_per_mm(WATER))) @ behind.weights)
    straight = water_mm * float(attenuation_per_mm(WATER, 70.0))
    hardening = water_hardening(spectrum, np.array([filter_mm, 3.0]), ALUMINUM, 70.0)
    columns = np.stack([measured, measured], axis=1).astype(np.float32)
    assert np.abs(hardening.corrected(columns)[:, 0] / straight - 1.0).max() < 1e-3
    back = hardening.hardened(np.stack([straight, straight], axis=1).astype(np.float32))[:, 0]
    assert np.abs(back / measured - 1.0).max() < 1.5e-3
    assert np.ptp(measured / water_mm) > 0.02 * measured[0] / water_mm[0], "it was not straight before"


def test_noise_below_zero_keeps_its_sign():
    hardening = water_hardening(tube_spectrum(), np.array([2.0]), ALUMINUM, 70.0)
    near = hardening.corrected(np.array([[-0.01], [0.0], [0.01]], np.float32))[:, 0]
    assert near[1] == 0.0
    assert near[0] == pytest.approx(-near[2], rel=1e-2)


def test_a_bow_tie_is_measured_by_its_air_scan():
    spectrum = tube_spectrum()
    true_mm = np.linspace(2.0, 27.0, 30)
    air = np.array([spectrum.weights @ np.exp(-spectrum.attenuation_per_mm(ALUMINUM) * mm) for mm in true_mm])
    assert np.abs(bow_tie_thicknesses_mm(40000.0 * air, spectrum, ALUMINUM, 2.0) - true_mm).max() < 0.05


def test_bow_ties_that_cannot_be_are_refused():
    with pytest.raises(InvalidGeometry, match="columns without beam"):
        bow_tie_thicknesses_mm(np.array([1.0, 0.0]), tube_spectrum(), ALUMINUM, 1.0)
    with pytest.raises(InvalidGeometry, match=r"shows 1e-06 of the brightest one, less than 80 mm of aluminum"):
        bow_tie_thicknesses_mm(np.array([1.0, 1e-6]), tube_spectrum(), ALUMINUM, 1.0)
    for thinnest_mm in (-1.0, 80.0, np.nan):
        with pytest.raises(InvalidGeometry, match="0 to 80 mm thick"):
            bow_tie_thicknesses_mm(np.array([1.0, 0.9]), tube_spectrum(), ALUMINUM, thinnest_mm)
    with pytest.raises(InvalidGeometry, match="check the bow-tie"):
        water_hardening(tube_spectrum(), np.array([500.0]), ALUMINUM, 70.0)
    with pytest.raises(InvalidGeometry):
        BeamHardening(70.0, np.ones((2, 3)), np.ones((1, 3)))
    with pytest.raises(InvalidGeometry, match="of 2 columns does not fit line integrals of 5"):
        BeamHardening(70.0, np.ones((2, 3)), np.ones((2, 3))).corrected(np.ones((1, 4, 5), np.float32))
