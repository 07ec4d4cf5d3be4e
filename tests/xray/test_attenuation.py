"""The table of attenuation, and the K lines of the tube, against published numbers."""

import numpy as np
import pytest

from openigrt.xray import Material, Tube, attenuation_per_mm, spectrum, tube_spectrum

# Mass attenuation (cm2/g) at 30, 60 and 100 keV of elements, and shares by mass (NIST SRD 126, tables 1 to 3).
ELEMENTS = {"H": (0.3570, 0.3260, 0.2944), "C": (0.2562, 0.1753, 0.1514), "O": (0.3779, 0.1907, 0.1551)}
MADE_OF = {
    Material.PMMA: (1.19, {"H": 0.080538, "C": 0.599848, "O": 0.319614}),
    Material.WATER: (1.0, {"H": 0.111894, "O": 0.888106}),
}


@pytest.mark.parametrize("material", MADE_OF)
def test_compounds_are_the_sum_of_their_elements(material):
    density, shares = MADE_OF[material]
    expected = sum(share * np.array(ELEMENTS[element]) for element, share in shares.items())
    assert 10.0 * attenuation_per_mm(material, [30.0, 60.0, 100.0]) / density == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("material", "density", "at_60_kev"),
    [(Material.COPPER, 8.96, 1.593), (Material.ALUMINUM, 2.699, 0.2778), (Material.BONE, 1.92, 0.3148)],
)
def test_a_number_of_the_table_is_the_published_one(material, density, at_60_kev):
    assert float(attenuation_per_mm(material, 60.0)) == pytest.approx(at_60_kev * density / 10.0)


@pytest.mark.parametrize(("voltage_kv", "least", "most"), [(100.0, 1.0, 1.4), (125.0, 0.95, 1.05), (150.0, 0.85, 1.0)])
def test_the_lines_are_as_strong_as_published(voltage_kv, least, most, monkeypatch):
    """0.214 K photons for each photon of bremsstrahlung above 74 keV (xpecgen, J Open Source Softw 1 (2016) 62)."""
    photons = {}
    for strength in (spectrum.LINES_STRENGTH, 0.0):
        monkeypatch.setattr(spectrum, "LINES_STRENGTH", strength)
        made = tube_spectrum(Tube(voltage_kv, {}))
        fluence = made.weights / made.energies_kev
        photons[strength > 0.0] = fluence / fluence[0], made.energies_kev
    (with_lines, energies), (without, _) = photons[True], photons[False]
    ratio = (with_lines - without).sum() / without[energies > 74.0].sum()
    assert least < ratio / 0.214 < most
