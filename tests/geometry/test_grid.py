"""Grids: SimpleITK as the oracle of oblique ones, round trips, and lattices that cannot exist."""

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import DisplacementField, Frame, Grid, RigidTransform, rotation_from_vector

PLAN, DAILY = Frame.plan("1"), Frame.daily("1")

grids = st.builds(
    lambda origin, spacing, vector, size: Grid(
        PLAN, np.array(origin), np.array(spacing), rotation_from_vector(vector), size
    ),
    st.tuples(*[st.floats(-1000.0, 1000.0)] * 3),
    st.tuples(*[st.floats(0.1, 10.0)] * 3),
    st.tuples(*[st.floats(-3.0, 3.0)] * 3),
    st.tuples(*[st.integers(1, 600)] * 3),
)
continuous_indices = st.tuples(*[st.floats(-100.0, 600.0)] * 3)


@given(grids, continuous_indices)
def test_points_and_indices_are_inverse(grid, index):
    assert grid.indices(grid.points(index)) == pytest.approx(index, abs=1e-9)


@given(grids, continuous_indices)
def test_points_as_in_simpleitk(grid, index):
    image = SimpleITK.Image([1, 1, 1], SimpleITK.sitkUInt8)
    image.SetOrigin(grid.origin_mm.tolist())
    image.SetSpacing(grid.spacing_mm.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    expected = image.TransformContinuousIndexToPhysicalPoint(index)
    assert grid.points(index) == pytest.approx(np.array(expected), abs=1e-6)


@given(grids, st.tuples(*[st.floats(-3.0, 3.0)] * 3), st.tuples(*[st.floats(-500.0, 500.0)] * 3), continuous_indices)
def test_a_moved_grid_carries_its_voxels(grid, vector, shift, index):
    daily_from_plan = RigidTransform(DAILY, PLAN, rotation_from_vector(vector), np.array(shift))
    moved = grid.moved(daily_from_plan)
    assert moved.frame == DAILY
    assert moved.points(index) == pytest.approx(daily_from_plan.points(grid.points(index)), abs=1e-8)


def test_a_grid_is_not_moved_by_the_transform_of_another_frame():
    grid = Grid(PLAN, np.zeros(3), np.ones(3), np.eye(3), (2, 3, 4))
    with pytest.raises(FrameMismatch, match="Moving a grid"):
        grid.moved(RigidTransform.identity(PLAN, DAILY))


def test_shape_center_corners_and_inside():
    grid = Grid(PLAN, np.array([-10.0, 0.0, 5.0]), np.array([1.0, 2.0, 3.0]), np.eye(3), (11, 6, 3))
    assert grid.shape == (3, 6, 11)
    assert grid.center_mm == pytest.approx([-5.0, 5.0, 8.0])
    assert grid.corners_mm().min(axis=0) == pytest.approx([-10.0, 0.0, 5.0])
    assert grid.corners_mm().max(axis=0) == pytest.approx([0.0, 10.0, 11.0])
    assert grid.contains((0.5, 11.0, 12.5))
    assert not grid.contains((0.51, 11.0, 12.5))


@pytest.mark.parametrize(
    ("spacing", "direction", "size"),
    [
        ((1.0, 1.0, 0.0), np.eye(3), (2, 2, 2)),
        ((1.0, -1.0, 1.0), np.eye(3), (2, 2, 2)),
        ((1.0, 1.0, np.nan), np.eye(3), (2, 2, 2)),
        ((1.0, 1.0, 1.0), np.eye(3), (2, 2, 0)),
        ((1.0, 1.0, 1.0), np.eye(3), (2, 2)),
        ((1.0, 1.0, 1.0), [[1.0, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], (2, 2, 2)),
    ],
)
def test_no_lattice(spacing, direction, size):
    with pytest.raises(InvalidGeometry):
        Grid(PLAN, np.zeros(3), np.array(spacing), np.array(direction), size)


@given(grids)
def test_equal_grids_hash_alike(grid):
    again = Grid(grid.frame, grid.origin_mm, grid.spacing_mm, grid.direction, grid.size)
    assert again == grid
    assert hash(again) == hash(grid)
    other = Grid(DAILY, grid.origin_mm, grid.spacing_mm, grid.direction, grid.size)
    assert other != grid


def test_a_displacement_field_fits_its_grid():
    grid = Grid(PLAN, np.zeros(3), np.ones(3), np.eye(3), (2, 3, 4))
    field = DisplacementField(DAILY, grid, np.zeros((4, 3, 2, 3)))
    assert field.vectors_mm.dtype == np.float32
    assert not field.vectors_mm.flags.writeable
    with pytest.raises(InvalidGeometry, match="three components"):
        DisplacementField(DAILY, grid, np.zeros((4, 3, 2)))
