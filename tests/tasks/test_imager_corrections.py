"""Corrections that a machine file states: thickness of the bow-tie before each column, spectrum, kernel."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.files import builtin_machine
from openigrt.geometry import DetectorPlacement, circular_trajectory
from openigrt.machine import BowTieFilter, FilterMaterial, ScatterFit
from openigrt.tasks.reconstruction.imager_corrections import bow_tie_of, kernel_of, lag_of, spectrum_of
from openigrt.xray import KernelScatter, Material, Tube, tube_spectrum

NOTHING = builtin_machine("varian_iec").imager
SLANTED = replace(NOTHING, bow_tie=BowTieFilter(FilterMaterial.PMMA, (-10.0, 20.0), (0.0, 30.0)))


@pytest.mark.parametrize("offset_mm", [0.0, 160.0, -160.0])
@pytest.mark.parametrize("source_deg", [0.0, 77.0, 250.0])
def test_the_bow_tie_is_as_thick_as_its_angle_says_on_either_side(offset_mm, source_deg):
    """With the source above, columns toward the room's +x have positive angles; so have the same ones as it turns."""
    placement = DetectorPlacement(1000.0, 1500.0, (64, 8), (5.0, 5.0), (offset_mm, 0.0))
    above = circular_trajectory([0.0, 1.0], placement)
    x_mm = above.first_pixels_mm[0, 0] + 5.0 * np.arange(64) * above.row_directions[0, 0]
    expected = np.clip(np.rad2deg(np.arctan2(x_mm, 1500.0)) + 10.0, 0.0, 30.0)
    found, material = bow_tie_of(SLANTED, circular_trajectory([source_deg, source_deg + 1.0], placement))
    assert material is Material.PMMA
    assert np.allclose(found, expected, atol=1e-6)


def test_what_is_not_stated_is_not_assumed():
    assert (
        bow_tie_of(NOTHING, circular_trajectory([0.0], DetectorPlacement(1000.0, 1500.0, (4, 4), (1.0, 1.0))))[0] == 0.0
    )
    assert lag_of(None) == (None, ())
    assert kernel_of(NOTHING)[0] == KernelScatter()
    assert np.array_equal(spectrum_of(100.0, NOTHING).weights, tube_spectrum(Tube(100.0)).weights)


def test_filters_and_kernel_of_the_machine_are_used():
    machine = replace(NOTHING, filters_mm={FilterMaterial.ALUMINUM: 9.0}, scatter=ScatterFit(0.2, 30.0, 200.0, 0.7))
    assert kernel_of(machine)[0] == KernelScatter(0.2, 30.0, 200.0, 0.7)
    expected = tube_spectrum(Tube(110.0, {Material.ALUMINUM: 9.0}))
    assert np.array_equal(spectrum_of(110.0, machine).weights, expected.weights)
