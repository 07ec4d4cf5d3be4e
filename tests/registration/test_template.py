"""Templates: which voxels, their gradients, and the order that keeps parts together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openigrt.geometry import Frame, Grid, rotation_from_vector
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.template import leaf_order, make_template, thinned
from openigrt.registration.working_volume import WorkingVolume
from tests.registration.phantom import points_of

PLAN = Frame.plan("1")
GRID = Grid(PLAN, np.array([30.0, -5.0, 2.0]), np.full(3, 2.0), rotation_from_vector([0.3, 0.2, -0.4]), (34, 32, 30))
PIVOT_MM = GRID.points([10.0, 20.0, 5.0])


def volume_of(values, weight=None):
    weight = np.ones(GRID.shape, np.float32) if weight is None else weight
    return WorkingVolume(values.reshape(GRID.shape).astype(np.float32), weight, GRID)


def template_of(volume, flags, limit=4096, seed=0):
    rng = np.random.default_rng(seed)
    return make_template(volume, volume.voxels, flags, pivot_mm=PIVOT_MM, limit=limit, rng=rng)


@given(st.integers(4, 60), st.integers(0, 999))
@settings(max_examples=20)
def test_leaves_are_a_permutation_in_equal_compact_parts(per_leaf, seed):
    random = np.random.default_rng(seed)
    points = random.uniform(-1.0, 1.0, (per_leaf * BLOCKS, 3)) * random.uniform(10.0, 90.0, 3)
    order = leaf_order(points)
    assert np.array_equal(np.sort(order), np.arange(len(points)))
    leaves = points[order].reshape(BLOCKS, per_leaf, 3)
    extent = np.ptp(leaves, axis=1)
    volume_share = extent.prod(axis=1).sum() / np.ptp(points, axis=0).prod()
    assert volume_share < 1.0
    assert np.linalg.norm(extent, axis=1).max() < 0.75 * np.linalg.norm(np.ptp(points, axis=0))


def test_leaves_do_not_overlap_and_neighbours_share_a_half():
    """A tree of median splits: a plane along an axis parts every run of leaves from its sister."""
    points = np.random.default_rng(1).normal(0.0, 30.0, (20 * BLOCKS, 3))
    ordered = points[leaf_order(points)]
    for leaves in (1, 2, 4, 8, 16, 32):
        pairs = ordered.reshape(-1, 2, leaves * 20, 3)
        apart = pairs[:, 0].max(axis=1) <= pairs[:, 1].min(axis=1)
        assert apart.any(axis=1).all(), leaves


def test_points_values_and_gradients_of_a_linear_image():
    slope = np.array([3.0, -2.0, 0.5])
    volume = volume_of(points_of(GRID) @ slope)
    flags = np.zeros(GRID.shape, bool)
    flags[5:20, 5:25, 8:30] = True
    template = template_of(volume, flags)
    points = template.points_mm + PIVOT_MM
    assert len(template) % BLOCKS == 0
    assert template.values == pytest.approx(points @ slope, abs=1e-3)
    assert template.gradients == pytest.approx(np.tile(slope, (len(template), 1)), abs=1e-3)
    indices = np.round(GRID.indices(points)).astype(int)
    assert flags[tuple(indices[:, ::-1].T)].all()
    assert len(np.unique(indices, axis=0)) == len(template)


def test_only_voxels_that_count_and_have_neighbours_are_taken():
    weight = np.ones(GRID.shape, np.float32)
    weight[:, :, :17] = 0.0
    template = template_of(volume_of(np.zeros(GRID.shape), weight), np.ones(GRID.shape, bool), limit=10**6)
    indices = np.round(GRID.indices(template.points_mm + PIVOT_MM)).astype(int)
    assert indices[:, 0].min() == 17
    assert (indices[:, 1:].min(axis=0) == 1).all()
    assert (indices.max(axis=0) == np.array(GRID.size) - 2).all()


def test_the_flags_of_the_caller_are_left_alone():
    flags = np.ones(GRID.shape, bool)
    template_of(volume_of(np.zeros(GRID.shape)), flags)
    assert flags.all()


def test_the_same_seed_draws_the_same_points_and_another_seed_others():
    volume, flags = volume_of(np.zeros(GRID.shape)), np.ones(GRID.shape, bool)
    first, again, other = (template_of(volume, flags, 1024, seed) for seed in (1, 1, 2))
    assert len(first) == 1024
    assert np.array_equal(first.points_mm, again.points_mm)
    assert not np.array_equal(first.points_mm, other.points_mm)


def test_a_region_of_a_few_voxels_is_no_template():
    flags = np.zeros(GRID.shape, bool)
    flags[10:16, 10:16, 10:16] = True
    assert template_of(volume_of(np.zeros(GRID.shape)), flags) is None
    assert template_of(volume_of(np.zeros(GRID.shape)), flags & False) is None


def test_thinning_keeps_an_even_share_of_every_leaf():
    volume = volume_of(points_of(GRID) @ np.array([3.0, -2.0, 0.5]))
    template = template_of(volume, np.ones(GRID.shape, bool))
    thin = thinned(template, 1024)
    assert len(thin) == 1024
    whole = {tuple(p): (v, *g) for p, v, g in zip(template.points_mm, template.values, template.gradients, strict=True)}
    assert all(whole[tuple(p)] == (v, *g) for p, v, g in zip(thin.points_mm, thin.values, thin.gradients, strict=True))
    leaves, thin_leaves = (t.points_mm.reshape(BLOCKS, -1, 3) for t in (template, thin))
    for leaf, thin_leaf in zip(leaves, thin_leaves, strict=True):
        assert {tuple(p) for p in thin_leaf} <= {tuple(p) for p in leaf}
    assert thinned(template, 10**6) is template
