"""Affine transforms: frames cancel, inverses undo, what collapses space is refused."""

import numpy as np
import pytest

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import AffineTransform, Frame

PLAN, DAILY = Frame.plan("1.2.3"), Frame.daily("1.2.4")
STRETCH = np.array([[2.0, 0.5, 0.0, 1.0], [0.0, 1.0, 0.0, 2.0], [0.0, 0.0, 0.5, 3.0], [0.0, 0.0, 0.0, 1.0]])


def test_points_go_from_frame_to_frame_and_back():
    plan_from_daily = AffineTransform(PLAN, DAILY, STRETCH)
    assert np.allclose(plan_from_daily.points([10.0, 4.0, 8.0]), [23.0, 6.0, 7.0])
    assert np.allclose(plan_from_daily.inverse().points([[23.0, 6.0, 7.0]]), [[10.0, 4.0, 8.0]])
    assert (plan_from_daily.inverse().to_frame, plan_from_daily.inverse().from_frame) == (DAILY, PLAN)


def test_neighbours_must_match():
    plan_from_daily = AffineTransform(PLAN, DAILY, STRETCH)
    whole = plan_from_daily @ AffineTransform(DAILY, PLAN, STRETCH)
    assert np.allclose(whole.matrix, STRETCH @ STRETCH)
    assert np.allclose((AffineTransform.identity(PLAN) @ plan_from_daily).matrix, STRETCH)
    with pytest.raises(FrameMismatch):
        plan_from_daily @ plan_from_daily


@pytest.mark.parametrize(
    "matrix",
    [
        np.diag([1.0, 1.0, 0.0, 1.0]),
        np.diag([1.0, 1.0, 1.0, 2.0]),
        np.diag([1e-9, 1.0, 1.0, 1.0]),
        np.diag([1e9, 1.0, 1.0, 1.0]),
        np.full((4, 4), np.nan),
        np.eye(3),
    ],
)
def test_matrices_that_are_no_maps_of_space(matrix):
    with pytest.raises(InvalidGeometry):
        AffineTransform(PLAN, DAILY, matrix)
