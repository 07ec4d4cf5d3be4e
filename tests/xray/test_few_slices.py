"""Volumes of few slices, for which the back-projection needs a single step of its ladder."""

import numpy as np
import pytest

from openigrt.geometry import DetectorPlacement, Frame, Grid, circular_trajectory
from openigrt.xray import reconstruct_fdk


@pytest.mark.parametrize("slices", [1, 5, 15])
def test_a_volume_of_few_slices_is_the_middle_of_a_larger_one(slices):
    trajectory = circular_trajectory(np.arange(60) * 6.0, DetectorPlacement(1000.0, 1500.0, (64, 64), (4.0, 4.0)))
    waves = np.sin(np.arange(64) / 9.0) + np.cos(np.arange(64) / 5.0)[:, None]
    projections = np.tile((3.0 + waves).astype(np.float32), (60, 1, 1))

    def reconstructed(count: int) -> np.ndarray:
        origin = [-62.0, -2.0 * (count - 1), -62.0]
        axes = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
        return reconstruct_fdk(projections, trajectory, Grid(Frame.FIXED, origin, [4.0] * 3, axes, (32, 32, count)))

    few, many = reconstructed(slices), reconstructed(61)
    first = (61 - slices) // 2
    assert np.abs(few - many[first : first + slices]).max() < 0.02 * np.abs(many).max()
