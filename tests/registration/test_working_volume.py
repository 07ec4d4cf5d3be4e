"""Averaging onto a working lattice, against dense sums and what a linear image must keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from openigrt.geometry import Frame, Grid, rotation_from_vector
from openigrt.images import Image, Modality
from openigrt.registration.working_volume import IndexBox, averaged, index_from_point
from tests.registration.phantom import points_of

PLAN = Frame.plan("1")


def image_on(size, spacing_mm, values=None, seed=0):
    random = np.random.default_rng(seed)
    direction = rotation_from_vector(random.normal(0.0, 0.4, 3))
    grid = Grid(PLAN, random.normal(0.0, 50.0, 3), np.array(spacing_mm), direction, size)
    voxels = random.normal(0.0, 300.0, grid.shape) if values is None else values(points_of(grid)).reshape(grid.shape)
    return Image(voxels, grid, Modality.CT)


def tent_matrix(positions, centers, half):
    """Normalised tents (centers, positions), as wide as `half` either side."""
    weights = np.maximum(1.0 - np.abs(positions - centers[:, None]) / half, 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("ratio", [(2.0, 2.0, 2.0), (4.0, 2.0, 1.0), (1.0, 3.0, 2.0)])
def test_interior_averages_are_tents_where_widths_are_whole_voxels(ratio):
    spacing = 4.0 / np.array(ratio)
    image = image_on((37, 41, 33), spacing)
    out, grid = averaged(image, 4.0, IndexBox.whole(image.grid), 0.0)
    centers = image.grid.indices(grid.origin_mm)
    tables = [
        tent_matrix(np.arange(n), centers[a] + ratio[a] * np.arange(grid.size[a]), ratio[a])
        for a, n in enumerate(image.grid.size)
    ]
    expected = np.einsum("xi,yj,zk,kji->zyx", *tables, image.voxels.astype(float))
    inner = (slice(1, -1),) * 3
    assert out[inner] == pytest.approx(expected[inner], abs=1e-3)


def test_a_finer_lattice_is_linear_interpolation():
    image = image_on((12, 10, 9), (5.0, 4.5, 6.0))
    out, grid = averaged(image, 2.0, IndexBox.whole(image.grid), 0.0)
    where = image.grid.indices(points_of(grid))[:, ::-1].T
    assert out.ravel() == pytest.approx(map_coordinates(image.voxels, where, order=1, mode="nearest"), abs=0.01)


@given(st.floats(0.4, 6.0), st.floats(0.4, 6.0), st.floats(0.4, 6.0), st.integers(0, 99))
@settings(max_examples=40)
def test_a_linear_image_stays_what_it_is(x_mm, y_mm, z_mm, seed):
    """No position moves, whatever the ratio of spacings, and not at the edges: 0.001 mm of the steepest slope."""
    slope = np.random.default_rng(seed).normal(0.0, 10.0, 3)
    image = image_on((31, 24, 19), (x_mm, y_mm, z_mm), lambda points: points @ slope, seed)
    out, grid = averaged(image, 2.0, IndexBox.whole(image.grid), 0.0)
    assert out.ravel() == pytest.approx(points_of(grid) @ slope, abs=0.02)


def test_the_lattice_keeps_axes_and_centre_and_stays_inside():
    image = image_on((37, 50, 29), (1.1, 0.9, 3.0))
    _, grid = averaged(image, 4.0, IndexBox.whole(image.grid), 0.0)
    assert np.array_equal(grid.direction, image.grid.direction)
    assert grid.spacing_mm.tolist() == [4.0, 4.0, 4.0]
    assert grid.center_mm == pytest.approx(image.grid.center_mm, abs=1e-9)
    corners = image.grid.indices(grid.corners_mm())
    assert (corners > -1e-9).all()
    assert (corners < np.array(image.grid.size) - 1 + 1e-9).all()
    assert (np.array(grid.size) * 4.0 > (np.array(image.grid.size) - 1) * image.grid.spacing_mm).all()


def test_a_box_is_averaged_as_if_it_were_the_image():
    image = image_on((40, 36, 30), (1.0, 2.0, 3.0))
    box = IndexBox((5, 8, 2), (31, 30, 27))
    window = tuple(slice(a, b) for a, b in zip(box.first[::-1], box.stop[::-1], strict=True))
    cut = Grid(PLAN, image.grid.points(box.first), image.grid.spacing_mm, image.grid.direction, (26, 22, 25))
    alone = Image(image.voxels[window], cut, Modality.CT)
    boxed, boxed_grid = averaged(image, 4.0, box, 0.0)
    whole, whole_grid = averaged(alone, 4.0, IndexBox.whole(cut), 0.0)
    assert boxed == pytest.approx(whole, abs=1e-3)
    assert boxed_grid.origin_mm == pytest.approx(whole_grid.origin_mm, abs=1e-9)


def test_voxels_without_data_become_the_fill():
    voxels = np.full((8, 8, 8), np.nan, np.float32)
    voxels[:, :, 4:] = 50.0
    image = Image(voxels, Grid(PLAN, np.zeros(3), np.ones(3), np.eye(3), (8, 8, 8)), Modality.CT)
    out, _ = averaged(image, 1.0, IndexBox.whole(image.grid), -1000.0)
    assert np.array_equal(out, np.where(np.isnan(voxels), np.float32(-1000.0), voxels))


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 5, 9), (3, 1, 2)])
def test_thin_images_have_a_lattice_too(size):
    image = image_on(size, (2.0, 2.0, 2.0), lambda points: np.full(len(points), 7.0))
    out, grid = averaged(image, 4.0, IndexBox.whole(image.grid), 0.0)
    assert out.shape == grid.shape
    assert out == pytest.approx(7.0, abs=1e-4)


def test_index_matrix_is_that_of_the_grid():
    grid = image_on((5, 6, 7), (1.0, 2.0, 3.0)).grid
    points = np.random.default_rng(2).normal(0.0, 40.0, (9, 3))
    matrix = index_from_point(grid)
    assert points @ matrix[:, :3].T + matrix[:, 3] == pytest.approx(grid.indices(points), abs=1e-9)
