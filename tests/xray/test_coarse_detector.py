"""A detector of larger pixels: it sees the same rays, and what varies slowly comes back from it."""

import numpy as np
import pytest

from openigrt.geometry import DetectorPlacement, circular_trajectory
from openigrt.xray import CoarseDetector
from tests.xray.ellipsoid_scans import Ellipsoid, projected

TRAJECTORY = circular_trajectory(
    np.array([0.0, 33.0, 211.0]), DetectorPlacement(1000.0, 1500.0, (62, 47), (1.5, 1.2), offset_mm=(20.0, -7.0))
)


def test_larger_pixels_lie_in_the_middle_of_their_blocks():
    """A ball far larger than a pixel: means of fine line integrals are those of the coarse detector in its inside."""
    ball = [Ellipsoid((70.0, 70.0, 70.0), (3.0, -4.0, 5.0), 0.02)]
    coarse = CoarseDetector.of(TRAJECTORY, 4.5)
    assert coarse.block == 4
    seen_by = coarse.seen_by(TRAJECTORY)
    assert seen_by.size == (15, 11)
    means = coarse.means(projected(ball, TRAJECTORY))
    assert np.abs(means - projected(ball, seen_by)).max() < 5e-3 * means.max()


@pytest.mark.parametrize("pixel_mm", [0.1, 3.0, 6.0])
def test_a_slope_comes_back(pixel_mm):
    coarse = CoarseDetector.of(TRAJECTORY, pixel_mm)
    slope = np.arange(47.0)[:, None] + 2.0 * np.arange(62.0) + np.zeros((2, 1, 1))
    again = coarse.refined(coarse.means(slope.astype(np.float32)))
    inside = (..., slice(coarse.block, -2 * coarse.block), slice(coarse.block, -2 * coarse.block))
    assert again.shape == slope.shape
    assert np.allclose(again[inside], slope[inside], atol=1e-3)
    assert coarse.block > 1 or np.array_equal(again, slope)
