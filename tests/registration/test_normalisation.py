"""Local normalisation: against Gaussian statistics on the full lattice, and what it must remove."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from openigrt.geometry import Frame, Grid
from openigrt.registration.normalisation import local_normalisation
from openigrt.registration.working_volume import WorkingVolume

PLAN = Frame.plan("1")
WINDOW_MM, SPACING_MM = 12.0, 2.0
SHAPE = (44, 48, 52)
DEEP = (slice(8, -8),) * 3


def volume_of(voxels, weight=None):
    grid = Grid(PLAN, np.zeros(3), np.full(3, SPACING_MM), np.eye(3), voxels.shape[::-1])
    weight = np.ones(voxels.shape) if weight is None else weight
    return WorkingVolume(voxels.astype(np.float32), weight.astype(np.float32), grid)


def anatomy(seed=0):
    """Structure of a few mm whose contrast changes from place to place."""
    random = np.random.default_rng(seed)
    fine, coarse = (gaussian_filter(random.normal(size=SHAPE), sigma) for sigma in (1.5, 9.0))
    return 300.0 * fine / fine.std() * np.exp(0.5 * coarse / coarse.std())


def statistics(voxels, weight):
    """Mean and deviation under the window on the full lattice, by scipy alone."""
    sigma = WINDOW_MM / SPACING_MM
    total, first, second = (
        gaussian_filter(x, sigma, mode="constant", truncate=5.0) for x in (weight, voxels * weight, voxels**2 * weight)
    )
    mean = first / np.maximum(total, 1e-9)
    return mean, np.sqrt(np.maximum(second / np.maximum(total, 1e-9) - mean**2, 0.0))


@pytest.mark.parametrize("noise", [0.0, 50.0, 400.0])
def test_each_voxel_is_measured_against_its_surroundings(noise):
    voxels = anatomy()
    mean, deviation = statistics(voxels, np.ones(SHAPE))
    expected = (voxels - mean) / np.hypot(deviation, noise)
    found = local_normalisation(volume_of(voxels), WINDOW_MM, noise)
    assert found.dtype == np.float32
    assert found[DEEP] == pytest.approx(expected[DEEP], abs=0.15)
    assert np.abs(found[DEEP] - expected[DEEP]).mean() < 0.04


def test_a_scale_and_an_offset_of_the_gray_values_vanish():
    voxels = anatomy()
    plain = local_normalisation(volume_of(voxels), WINDOW_MM, 20.0)
    scaled = local_normalisation(volume_of(0.6 * voxels + 5000.0), WINDOW_MM, 12.0)
    assert scaled == pytest.approx(plain, abs=0.05)


def test_slow_shading_vanishes():
    """Cupping of several times the contrast, over 100 mm: what is left is the unshaded image."""
    voxels = anatomy()
    z, y, x = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in SHAPE), indexing="ij")
    shaded = voxels * (1.0 + 0.3 * x) + 800.0 * (x**2 + y**2) + 300.0 * np.sin(2.0 * z + 1.0)
    plain = local_normalisation(volume_of(voxels), WINDOW_MM, 20.0)[DEEP].ravel()
    found = local_normalisation(volume_of(shaded), WINDOW_MM, 20.0)[DEEP].ravel()
    assert np.corrcoef(voxels.ravel(), shaded.ravel())[0, 1] < 0.75
    assert np.corrcoef(plain, found)[0, 1] > 0.98


def test_voxels_that_do_not_count_have_no_say():
    voxels, weight = anatomy(), np.ones(SHAPE)
    weight[:, :, 26:] = 0.0
    spoiled = voxels.copy()
    spoiled[:, :, 26:] = 3000.0
    plain = local_normalisation(volume_of(voxels, weight), WINDOW_MM, 20.0)
    found = local_normalisation(volume_of(spoiled, weight), WINDOW_MM, 20.0)
    assert found[:, :, :26] == pytest.approx(plain[:, :, :26], abs=1e-4)
    mean, deviation = statistics(voxels, weight)
    expected = (voxels - mean) / np.hypot(deviation, 20.0)
    near_the_edge = (slice(8, -8), slice(8, -8), slice(20, 26))
    assert found[near_the_edge] == pytest.approx(expected[near_the_edge], abs=0.3)


def test_where_nothing_counts_everything_is_finite():
    found = local_normalisation(volume_of(anatomy(), np.zeros(SHAPE)), WINDOW_MM, 20.0)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 5), (9, 2, 7)])
def test_flat_images_of_any_size_are_zero(shape):
    found = local_normalisation(volume_of(np.full(shape, 40.0)), WINDOW_MM, 20.0)
    assert found.shape == shape
    assert found == pytest.approx(0.0, abs=1e-3)


def test_noise_alone_stays_small():
    """Fat or air of 10 HU noise beside a threshold of 50 HU must not look like anatomy."""
    noise = np.random.default_rng(3).normal(0.0, 10.0, SHAPE)
    found = local_normalisation(volume_of(noise), WINDOW_MM, 50.0)
    assert found[DEEP].std() == pytest.approx(10.0 / np.hypot(10.0, 50.0), rel=0.05)
