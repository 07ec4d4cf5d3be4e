"""Two hip implants of titanium in a pelvis: streaks before and after, and what is refused."""

import numpy as np
import pytest

from openigrt.errors import InconsistentInput, InvalidGeometry
from openigrt.geometry import DetectorPlacement, circular_trajectory
from openigrt.virtual import Beam, Body, Phantom, primary
from openigrt.xray import (
    Material,
    MetalSearch,
    Projector,
    logarithm,
    metal_mask,
    metal_prior,
    reconstruct_fdk,
    trace_of,
    water_hardening,
    with_metal,
    without_trace,
)
from tests.xray.correction_cases import (
    NOMINAL_SPECTRUM,
    REFERENCE_KEV,
    WATER_PER_MM,
    cylinder,
    hu,
    room_grid,
    truth_hu,
)

SCANNER = circular_trajectory(np.arange(0.0, 360.0, 2.0), DetectorPlacement(1000.0, 1500.0, (192, 8), (3.1, 6.2)))
GRID = room_grid((96, 72, 9))
PLAIN = Phantom(
    (
        cylinder((0.0, 0.0), (170.0, 60.0, 120.0), None, water=1.0),
        Body((0.0, 0.0, -70.0), (30.0, 50.0, 15.0), {Material.WATER: 0.95, Material.BONE: 0.12}, within=0),
        *(cylinder(at, (10.0, 59.0, 10.0), 0, bone=0.8) for at in ((-60.0, 50.0), (60.0, 50.0), (-120.0, -30.0))),
    )
)
IMPLANTED = Phantom(
    (
        *PLAIN.bodies,
        cylinder((-90.0, 10.0), (12.0, 59.0, 12.0), 0, titanium=1.0),
        cylinder((90.0, 10.0), (12.0, 59.0, 12.0), 0, iron=0.6),
    )
)
HARDENING = water_hardening(NOMINAL_SPECTRUM, np.zeros(1), Material.ALUMINUM, REFERENCE_KEV)


@pytest.fixture(scope="module")
def line_integrals():
    signal = primary(IMPLANTED, SCANNER, Beam(bow_tie=None))
    return HARDENING.corrected(logarithm(signal)[0])


@pytest.fixture(scope="module")
def first(line_integrals):
    return hu(reconstruct_fdk(line_integrals, SCANNER, GRID))


@pytest.fixture(scope="module")
def metal(first):
    return metal_mask(first, GRID)


def projected(attenuation: np.ndarray) -> np.ndarray:
    return Projector(GRID, SCANNER).forward(attenuation.astype(np.float32))


def error(image: np.ndarray, metal: np.ndarray) -> float:
    """RMS difference in HU from the truth in the body, away from metal and skin."""
    middle = GRID.size[2] // 2
    truth = truth_hu(PLAIN, GRID)[middle]
    x = GRID.origin_mm[0] + 4.0 * np.arange(GRID.size[0])
    z = GRID.origin_mm[2] + 4.0 * np.arange(GRID.size[1])
    inside = np.hypot(x / 155.0, z[:, None] / 105.0) < 1.0
    for center in (-90.0, 90.0):
        inside &= np.hypot(x - center, z[:, None] - 10.0) > 22.0
    return float(np.sqrt(((image[middle] - truth)[inside] ** 2).mean()))


def test_metal_is_found_where_it_is(metal):
    x, z = (GRID.origin_mm[n] + 4.0 * np.arange(GRID.size[m]) for n, m in ((0, 0), (2, 1)))
    true = (np.hypot(x - 90.0, z[:, None] - 10.0) < 12.0) | (np.hypot(x + 90.0, z[:, None] - 10.0) < 12.0)
    found = metal[GRID.size[2] // 2]
    assert 2.0 * (found & true).sum() / (found.sum() + true.sum()) > 0.8


def test_streaks_fall_and_with_a_prior_more(line_integrals, first, metal):
    trace = trace_of(projected(metal.astype(np.float32)))
    before = error(first, metal)
    plain = hu(reconstruct_fdk(without_trace(line_integrals, trace), SCANNER, GRID))
    prior = projected(np.maximum((metal_prior(plain, metal) / 1000.0 + 1.0) * WATER_PER_MM, 0.0))
    cleaned = hu(reconstruct_fdk(without_trace(line_integrals, trace, prior), SCANNER, GRID))
    assert error(plain, metal) < 0.6 * before
    assert error(cleaned, metal) < 0.3 * before
    assert error(cleaned, metal) < 0.8 * error(plain, metal)
    whole = with_metal(cleaned, first, metal)
    assert np.array_equal(whole[metal], first[metal])
    assert np.array_equal(whole[~metal], cleaned[~metal])


def test_nothing_changes_beside_the_trace(line_integrals, metal):
    trace = trace_of(projected(metal.astype(np.float32)))
    filled = without_trace(line_integrals, trace, np.ones_like(line_integrals))
    assert np.array_equal(filled[~trace], line_integrals[~trace])


def test_a_trace_is_filled_by_a_straight_line_and_at_the_edge_by_the_last_value():
    rows = np.array([[[0.0, 1.0, 9.0, 9.0, 4.0, 5.0]], [[9.0, 9.0, 2.0, 3.0, 9.0, 9.0]]], np.float32)
    filled = without_trace(rows, rows > 8.0)
    assert filled.tolist() == [[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]], [[2.0, 2.0, 2.0, 3.0, 3.0, 3.0]]]


def test_the_prior_is_air_where_there_are_no_data():
    """Air beside what the scan did not see stays air, and what it did not see is none of the patient."""
    hu = np.zeros((5, 30, 30), np.float32)
    radius = np.hypot(*np.mgrid[-14.5:15.5, -14.5:15.5])
    hu[:, radius > 10.0] = -1000.0
    hu[:, radius > 13.0] = np.nan
    prior = metal_prior(hu, np.zeros(hu.shape, bool))
    assert (prior[:, radius > 11.0] == -1000.0).all()
    assert (prior[:, radius < 9.0] == 0.0).all()


def test_specks_are_no_metal():
    image = np.zeros(GRID.shape, np.float32)
    image[4, 30, 30] = 3000.0
    assert not metal_mask(image, GRID, MetalSearch(smallest_mm3=100.0)).any()
    assert metal_mask(image, GRID).sum() == 1


def test_metal_everywhere_is_refused():
    with pytest.raises(InconsistentInput, match="100 % of the image lies above 2000 HU"):
        metal_mask(np.full(GRID.shape, 3000.0, np.float32), GRID)
    with pytest.raises(InconsistentInput, match="Metal shadows 100 % of projection 0"):
        trace_of(np.ones((2, 4, 6), np.float32))
    with pytest.raises(InvalidGeometry, match="does not fit a grid"):
        metal_mask(np.zeros((2, 2, 2), np.float32), GRID)
    with pytest.raises(InvalidGeometry, match="A trace of"):
        without_trace(np.zeros((1, 2, 3), np.float32), np.zeros((1, 2, 4), bool))
