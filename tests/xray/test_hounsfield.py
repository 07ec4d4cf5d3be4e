"""HU by water, by inserts and by the registered planning CT."""

import numpy as np
import pytest

from openigrt.errors import InconsistentInput, InvalidGeometry
from openigrt.xray import (
    HuScale,
    cupping_remark,
    linear_scale,
    piecewise_scale,
    scale_of_plan,
    shading_of_plan,
    soft_tissue_remark,
    water_remark,
)
from tests.xray.correction_cases import room_grid

WATER = 0.019
KNOWN_HU = np.array([-1000.0, -100.0, 0.0, 120.0, 450.0, 990.0])


def attenuation_of(hu: np.ndarray) -> np.ndarray:
    """A scanner that sees 12 % too much, and a little where there is nothing."""
    return 1.12 * WATER * (1.0 + hu / 1000.0) + 0.0006


def test_water_defines_the_scale():
    scale = HuScale.of_water(WATER)
    assert np.allclose(scale.to_hu(np.array([0.0, WATER, 2.0 * WATER], np.float32)), [-1000.0, 0.0, 1000.0], atol=1e-2)
    assert scale.water_per_mm == pytest.approx(WATER)


@pytest.mark.parametrize("fit", [linear_scale, piecewise_scale])
def test_inserts_calibrate(fit):
    scale = fit(attenuation_of(KNOWN_HU), KNOWN_HU)
    between = np.array([-700.0, 33.0, 300.0, 1500.0])
    assert np.allclose(scale.to_hu(attenuation_of(between).astype(np.float32)), between, atol=0.1)
    assert np.allclose(scale.to_attenuation(between.astype(np.float32)), attenuation_of(between), rtol=1e-4)


def test_a_bent_response_needs_pieces():
    bent = attenuation_of(np.where(KNOWN_HU > 0.0, 0.9 * KNOWN_HU, KNOWN_HU)).astype(np.float32)
    assert np.abs(linear_scale(bent, KNOWN_HU).to_hu(bent) - KNOWN_HU).max() > 10.0
    assert np.abs(piecewise_scale(bent, KNOWN_HU).to_hu(bent) - KNOWN_HU).max() < 0.1


def test_inserts_that_are_mixed_up_are_refused():
    measured = attenuation_of(KNOWN_HU)
    with pytest.raises(InconsistentInput, match="HU fall with attenuation"):
        linear_scale(measured[::-1], KNOWN_HU)
    with pytest.raises(InconsistentInput, match="does not rise with their HU"):
        piecewise_scale(measured[[1, 0, 2, 3, 4, 5]], KNOWN_HU)
    with pytest.raises(InconsistentInput, match="the same attenuation"):
        linear_scale([WATER, WATER], [0.0, 1000.0])
    with pytest.raises(InvalidGeometry, match="two inserts at least"):
        linear_scale(measured[:1], KNOWN_HU[:1])
    with pytest.raises(InvalidGeometry, match="no number"):
        linear_scale([np.nan, 1.0], [0.0, 1.0])
    with pytest.raises(InvalidGeometry, match="two knots"):
        HuScale(np.array([1.0, 1.0]), np.array([0.0, 1.0]))


# -------------------------------------------------------------------------------- by the planning CT


def anatomy() -> np.ndarray:
    hu = np.full((12, 60, 60), -1000.0)
    y, x = np.mgrid[-1.0:1.0:60j, -1.0:1.0:60j]
    radius = np.hypot(x, y)
    hu[:, radius < 0.95] = -100.0
    hu[:, radius < 0.8] = 45.0
    hu[:, np.hypot(x - 0.4, y) < 0.2] = 300.0
    return hu


def day(plan: np.ndarray) -> np.ndarray:
    return (attenuation_of(plan) + np.random.default_rng(4).normal(0.0, 0.0008, plan.shape)).astype(np.float32)


def test_the_planning_ct_calibrates_and_a_change_does_no_harm():
    plan = anatomy()
    changed = plan.copy()
    changed[:, 8:14, 20:40] = -1000.0
    changed[:, 30:45, 10:20] = -100.0
    scale = scale_of_plan(day(changed), plan.astype(np.float32), np.ones(plan.shape, bool))
    for hu in (-100.0, 45.0, 300.0):
        assert abs(float(scale.to_hu(attenuation_of(np.array([hu])).astype(np.float32))[0]) - hu) < 15.0


def test_a_phantom_of_water_and_air_calibrates_by_all_of_its_water():
    """A class that began at 0 HU would see but the brighter half of the noise of the plan: 12 HU off."""
    plan = anatomy()
    plan = np.where(plan > -500.0, 0.0, plan)
    noisy = (plan + np.random.default_rng(5).normal(0.0, 15.0, plan.shape)).astype(np.float32)
    scale = scale_of_plan(day(plan), noisy, np.ones(plan.shape, bool))
    assert abs(float(scale.to_hu(attenuation_of(np.array([0.0])).astype(np.float32))[0])) < 2.0


@pytest.mark.parametrize(("depth_hu", "expected_hu"), [(0.0, 0.0), (200.0, 200.0)])
def test_shading_is_what_no_straight_line_takes_off(depth_hu, expected_hu):
    """Water that grows darker by so much from one side to the other, and an organ that moved: noise does not count."""
    grid = room_grid((60, 60, 12))
    plan = np.full(grid.shape, 20.0, np.float32)
    today = plan + np.random.default_rng(6).normal(0.0, 40.0, grid.shape) - np.linspace(0.0, depth_hu, 60)
    today[:, 10:16, 10:16] -= 1000.0
    found = shading_of_plan(today.astype(np.float32), plan, np.ones(grid.shape, bool), grid)
    assert found == pytest.approx(0.9 * expected_hu, abs=35.0)


def test_shading_of_too_little_tissue_is_not_told():
    grid = room_grid((60, 60, 12))
    plan = np.full(grid.shape, -1000.0, np.float32)
    assert shading_of_plan(plan + 300.0, plan, np.ones(grid.shape, bool), grid) == 0.0


def test_only_what_is_seen_counts():
    plan = anatomy()
    image = day(plan)
    seen = np.ones(plan.shape, bool)
    seen[:6] = False
    image[:6] = np.nan
    scale = scale_of_plan(image, plan.astype(np.float32), seen)
    assert abs(float(scale.to_hu(attenuation_of(np.array([45.0])).astype(np.float32))[0]) - 45.0) < 10.0


def test_a_plan_that_does_not_fit_is_refused():
    plan = anatomy().astype(np.float32)
    everywhere = np.ones(plan.shape, bool)
    with pytest.raises(InconsistentInput, match="shows 0 kinds of tissue"):
        scale_of_plan(day(plan), plan, ~everywhere)
    with pytest.raises(InconsistentInput, match="do not lie on a line"):
        scale_of_plan(day(np.where(plan > 0.0, -1000.0, plan + 1100.0)), plan, everywhere)
    with pytest.raises(InconsistentInput, match="do not lie on a line"):
        scale_of_plan(np.full_like(plan, WATER), plan, everywhere)
    with pytest.raises(InvalidGeometry, match="on one grid"):
        scale_of_plan(day(plan), plan[1:], everywhere)


def test_water_off_by_more_than_40_hu_is_said():
    assert water_remark(70.0, 40.0) is None
    assert water_remark(-10.0, 40.0) == (
        "Soft tissue shows -10 HU in place of 40, more than 40 HU off: dose computed on this image is uncertain."
    )


# -------------------------------------------------------------------------------- cupping


def cupped(depth_hu):
    """Water whose middle is darker, within bone that does not count."""
    grid = room_grid((64, 64, 9))
    x = grid.origin_mm[0] + 4.0 * np.arange(64)
    radius = np.hypot(x, x[:, None])
    layer = np.where(radius < 45.0, -depth_hu, 0.0)
    layer[radius > 110.0] = 900.0
    return np.tile(layer.astype(np.float32), (9, 1, 1)), grid


@pytest.mark.parametrize(("depth_hu", "word"), [(150.0, "150 HU darker"), (-120.0, "120 HU brighter")])
def test_a_dark_or_bright_middle_is_told(depth_hu, word):
    image, grid = cupped(depth_hu)
    assert word in cupping_remark(image, grid, np.ones(grid.shape, bool))


def test_an_even_middle_is_not_nor_one_that_was_not_seen():
    image, grid = cupped(60.0)
    assert cupping_remark(image, grid, np.ones(grid.shape, bool)) is None
    image, grid = cupped(150.0)
    assert cupping_remark(image, grid, np.zeros(grid.shape, bool)) is None


@pytest.mark.parametrize(("off_hu", "is_said"), [(0.0, False), (30.0, False), (160.0, True), (-200.0, True)])
def test_soft_tissue_that_is_no_tissue_is_said(off_hu: float, is_said: bool):
    rng = np.random.default_rng(2)
    hu = np.concatenate([rng.normal(-100.0, 15.0, 3000), rng.normal(50.0, 15.0, 6000), np.full(5000, -1000.0)])
    hu = np.append(hu + off_hu, np.full(2000, np.nan)).astype(np.float32)
    said = soft_tissue_remark(hu)
    assert (said is not None) is is_said
    assert said is None or f"{50.0 + off_hu:.0f}"[:2] in said


def test_an_image_without_soft_tissue_says_nothing_of_it():
    assert soft_tissue_remark(np.full(1000, -1000.0, np.float32)) is None
