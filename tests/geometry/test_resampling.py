"""Resampling: SimpleITK and closed forms as oracles, borders, NaN, and the same bits on any number of threads."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import (
    Frame,
    Grid,
    RigidTransform,
    resample,
    rotation_from_vector,
    sample_points,
)

ROOT = Path(__file__).resolve().parents[2]
PLAN, DAILY = Frame.plan("1"), Frame.daily("1")


def random_grid(random, frame, size):
    spacing = random.uniform(0.7, 3.0, 3)
    direction = rotation_from_vector(random.normal(0.0, 0.6, 3))
    origin = random.normal(0.0, 5.0, 3) - direction @ (spacing * (np.array(size) - 1) / 2.0)
    return Grid(frame, origin, spacing, direction, size)


def random_transform(random):
    return RigidTransform(PLAN, DAILY, rotation_from_vector(random.normal(0.0, 0.3, 3)), random.normal(0.0, 4.0, 3))


def itk_image(voxels, grid):
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetOrigin(grid.origin_mm.tolist())
    image.SetSpacing(grid.spacing_mm.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    return image


def itk_resample(voxels, grid, onto, from_onto):
    transform = SimpleITK.Euler3DTransform()
    transform.SetMatrix(from_onto.rotation.ravel().tolist())
    transform.SetTranslation(from_onto.translation_mm.tolist())
    target = itk_image(np.zeros(onto.shape, dtype=np.uint8), onto)
    resampled = SimpleITK.Resample(
        itk_image(voxels, grid), target, transform, SimpleITK.sitkLinear, np.nan, SimpleITK.sitkFloat32
    )
    return SimpleITK.GetArrayFromImage(resampled)


def all_points(grid):
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    return grid.points(np.stack([i, j, k], axis=-1))


def within(grid, points, margin):
    """Whether points lie within the outermost voxel centres, less a margin in voxels."""
    index = grid.indices(points)
    return ((index >= margin) & (index <= np.array(grid.size) - 1 - margin)).all(axis=-1)


@pytest.mark.parametrize("seed", range(8))
def test_oblique_grids_as_in_simpleitk(seed):
    random = np.random.default_rng(seed)
    grid, onto = random_grid(random, PLAN, (23, 31, 17)), random_grid(random, DAILY, (29, 19, 27))
    from_onto = random_transform(random)
    voxels = random.normal(0.0, 1000.0, grid.shape).astype(np.float32)
    found, expected = resample(voxels, grid, onto, from_onto), itk_resample(voxels, grid, onto, from_onto)
    points = from_onto.points(all_points(onto))
    inside, outside = within(grid, points, 1e-5), ~within(grid, points, -1e-5)
    assert inside.sum() > 500
    assert found[inside] == pytest.approx(expected[inside], abs=0.05)
    assert np.isnan(found[outside]).all()
    assert found.dtype == np.float32
    assert found.shape == onto.shape


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_a_linear_image_is_reproduced(seed):
    """HU = g . x + c must come out as g . q + c: the bound is float32 and 2^-20 voxel of the steepest slope."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 14, (2, 3))
    grid = random_grid(random, PLAN, tuple(sizes[0]))
    onto = random_grid(random, DAILY, tuple(sizes[1]))
    from_onto = random_transform(random)
    slope = random.normal(0.0, 20.0, 3)
    voxels = (all_points(grid) @ slope + 100.0).astype(np.float32)
    points = from_onto.points(all_points(onto))
    found = resample(voxels, grid, onto, from_onto)
    assert np.isnan(found[~within(grid, points, -1e-5)]).all()
    inside = within(grid, points, 1e-5)
    assert found[inside] == pytest.approx((points @ slope + 100.0)[inside], abs=0.01)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_single_points_agree_with_whole_volumes(seed):
    random = np.random.default_rng(seed)
    grid, onto = random_grid(random, PLAN, (9, 8, 7)), random_grid(random, DAILY, (6, 7, 5))
    from_onto = random_transform(random)
    voxels = random.normal(0.0, 1000.0, grid.shape).astype(np.float32)
    points = from_onto.points(all_points(onto)).reshape(-1, 3)
    whole = resample(voxels, grid, onto, from_onto).ravel()
    clear = within(grid, points, 1e-5) | ~within(grid, points, -1e-5)
    assert sample_points(voxels, grid, points)[clear] == pytest.approx(whole[clear], abs=0.01, nan_ok=True)


def lattice(frame, size):
    return Grid(frame, np.zeros(3), np.ones(3), np.eye(3), size)


def test_the_same_grid_gives_the_same_voxels_up_to_the_border():
    random = np.random.default_rng(3)
    grid = random_grid(random, PLAN, (12, 11, 10))
    plan_from_daily = random_transform(random)
    voxels = random.normal(size=grid.shape).astype(np.float32)
    onto = grid.moved(plan_from_daily.inverse())
    assert np.array_equal(resample(voxels, grid, onto, plan_from_daily), voxels)


def test_a_voxel_without_data_spoils_only_what_it_touches():
    grid = lattice(PLAN, (5, 4, 3))
    voxels = np.ones(grid.shape, dtype=np.float32)
    voxels[1, 2, 2] = np.nan
    identity = RigidTransform.identity(PLAN, DAILY)
    assert np.array_equal(resample(voxels, grid, lattice(DAILY, (5, 4, 3)), identity), voxels, equal_nan=True)
    half = RigidTransform(PLAN, DAILY, np.eye(3), np.array([0.5, 0.0, 0.0]))
    spoiled = np.isnan(resample(voxels, grid, lattice(DAILY, (4, 4, 3)), half))
    assert spoiled[1, 2].tolist() == [False, True, True, False]
    assert spoiled.sum() == 2


def test_outside_is_nan_and_flipped_rows_are_read_backwards():
    grid = lattice(PLAN, (4, 1, 1))
    voxels = np.arange(4, dtype=np.float32).reshape(grid.shape)
    flipped = Grid(DAILY, np.array([5.0, 0.0, 0.0]), np.ones(3), np.diag([-1.0, -1.0, 1.0]), (8, 1, 1))
    found = resample(voxels, grid, flipped, RigidTransform.identity(PLAN, DAILY)).ravel()
    assert np.array_equal(found, [np.nan, np.nan, 3, 2, 1, 0, np.nan, np.nan], equal_nan=True)


def test_the_number_of_threads_changes_no_bit():
    random = np.random.default_rng(5)
    grid, onto = random_grid(random, PLAN, (40, 30, 20)), random_grid(random, DAILY, (31, 33, 29))
    voxels, from_onto = random.normal(size=grid.shape).astype(np.float32), random_transform(random)
    before = numba.get_num_threads()
    many = resample(voxels, grid, onto, from_onto)
    numba.set_num_threads(1)
    one = resample(voxels, grid, onto, from_onto)
    numba.set_num_threads(before)
    assert many.tobytes() == one.tobytes()


COMPILED_OR_KEPT = """
import hashlib
import numpy as np
from openigrt.geometry import resample
from tests.geometry.test_resampling import DAILY, PLAN, random_grid, random_transform
random = np.random.default_rng(11)
grid, onto = random_grid(random, PLAN, (40, 30, 20)), random_grid(random, DAILY, (31, 33, 29))
found = resample(random.normal(size=grid.shape).astype(np.float32), grid, onto, random_transform(random))
print(hashlib.sha256(np.nan_to_num(found, nan=7.0).tobytes()).hexdigest())
"""


def test_a_kernel_compiled_now_and_one_kept_on_disk_give_the_same_bits(tmp_path):
    """A kernel read back is optimised once more: arithmetic that may be reordered then gives other last bits."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", COMPILED_OR_KEPT]
    runs = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_points_that_are_outside_or_no_numbers_are_nan():
    grid = lattice(PLAN, (3, 3, 3))
    voxels = np.ones(grid.shape, dtype=np.float32)
    points = [(2.0, 2.0, 2.0), (2.001, 0, 0), (-0.001, 0, 0), (np.nan, 0, 0), (np.inf, 0, 0), (1e300, 0, 0)]
    assert np.isnan(sample_points(voxels, grid, points)).tolist() == [False, True, True, True, True, True]
    assert sample_points(voxels, grid, np.zeros((0, 3))).shape == (0,)


def test_read_only_and_strided_voxels_are_welcome():
    grid = lattice(PLAN, (3, 4, 5))
    voxels = np.random.default_rng(1).normal(size=(5, 4, 6)).astype(np.float32)[:, :, ::2]
    voxels.setflags(write=False)
    found = resample(voxels, grid, lattice(DAILY, (3, 4, 5)), RigidTransform.identity(PLAN, DAILY))
    assert np.array_equal(found, voxels)


def test_what_does_not_fit_is_refused():
    grid, onto = lattice(PLAN, (3, 4, 5)), lattice(DAILY, (3, 4, 5))
    voxels = np.zeros(grid.shape, dtype=np.float32)
    identity = RigidTransform.identity(PLAN, DAILY)
    with pytest.raises(FrameMismatch, match="Resampling"):
        resample(voxels, grid, onto, identity.inverse())
    with pytest.raises(InvalidGeometry, match="float32"):
        resample(voxels.astype(np.float64), grid, onto, identity)
    with pytest.raises(InvalidGeometry, match="float32"):
        resample(voxels.T, grid, onto, identity)
    with pytest.raises(InvalidGeometry, match="voxels apart"):
        resample(voxels, grid, onto, RigidTransform(PLAN, DAILY, np.eye(3), np.array([1e12, 0.0, 0.0])))
    with pytest.raises(InvalidGeometry, match="points"):
        sample_points(voxels, grid, np.zeros(3))
