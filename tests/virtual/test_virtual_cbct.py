"""The cone-beam look: field of view, noise, cupping, determinism."""

import numpy as np
import pytest

from openigrt.geometry import Frame, Grid
from openigrt.virtual import ConeBeamLook, cone_beam_look

GRID = Grid(Frame.daily("1.2"), (-139.5, -139.5, -95.0), (3.0, 3.0, 10.0), np.eye(3), (94, 94, 20))
FLAT = ConeBeamLook(contrast=1.0, cupping_hu=0.0, haze_hu=0.0, streak_hu=0.0)


def look_at_water(look: ConeBeamLook, seed: int = 1) -> np.ndarray:
    return cone_beam_look(np.zeros(GRID.shape, np.float32), GRID, np.random.default_rng(seed), look)


def radius_and_height() -> tuple[np.ndarray, np.ndarray]:
    x = -139.5 + 3.0 * np.arange(94)
    return np.hypot(x[None, :], x[:, None]), -95.0 + 10.0 * np.arange(20)


def test_nothing_is_seen_outside_the_field_of_view():
    seen = look_at_water(ConeBeamLook())
    radius, height = radius_and_height()
    assert (seen[:, radius > 125.0] == -1000.0).all()
    assert (seen[np.abs(height) > 80.0] == -1000.0).all()
    assert (seen[np.abs(height) < 80.0][:, radius < 124.0] > -500.0).all()


def test_noise_has_the_stated_strength_and_little_low_frequency():
    seen = look_at_water(FLAT)
    radius, height = radius_and_height()
    inside = seen[np.abs(height) < 80.0][:, 20:74, 20:74]
    half_way = (radius > 55.0) & (radius < 70.0)
    assert seen[np.abs(height) < 80.0][:, half_way].std() == pytest.approx(30.0, rel=0.1)
    spectrum = np.abs(np.fft.fft2(inside, axes=(1, 2))) ** 2
    frequency = np.hypot(np.fft.fftfreq(54)[None, :], np.fft.fftfreq(54)[:, None])
    low, middle = (frequency > 0.0) & (frequency < 0.05), (frequency > 0.15) & (frequency < 0.25)
    assert spectrum[:, low].mean() < 0.6 * spectrum[:, middle].mean()


def test_the_middle_is_darker_by_the_cupping():
    seen = look_at_water(ConeBeamLook(contrast=1.0, haze_hu=0.0, streak_hu=0.0, noise_hu=0.0))
    radius, _ = radius_and_height()
    drop = seen[10][(radius > 100.0) & (radius < 110.0)].mean() - seen[10][radius < 15.0].mean()
    assert 90.0 < drop < 150.0


def test_the_same_seed_gives_the_same_bits():
    assert np.array_equal(look_at_water(ConeBeamLook()), look_at_water(ConeBeamLook()))
    assert not np.array_equal(look_at_water(ConeBeamLook()), look_at_water(ConeBeamLook(), seed=2))
