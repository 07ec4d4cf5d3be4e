"""Parallel planes to a grid: a linear ramp comes back exactly, and SimpleITK resamples the same."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name that its users know
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Frame, ParallelPlanes

FRAME = Frame.plan("1.2.3")
SIZE, SPACING = (7, 6), (1.5, 2.0)


def planes(heights_mm, sideways_mm=(0.0, 0.0), direction=None):
    """Planes at heights, each aside by `sideways_mm` for each mm of height."""
    direction = np.eye(3) if direction is None else direction
    offsets = np.array([[height * sideways_mm[0], height * sideways_mm[1], height] for height in heights_mm])
    return ParallelPlanes(FRAME, np.array([5.0, -7.0, 11.0]) + offsets @ direction.T, SPACING, direction, SIZE)


def ramp(found, slope, constant):
    """A linear function of the point at each pixel of the planes."""
    j, i = np.mgrid[: SIZE[1], : SIZE[0]]
    steps = found.direction[:, :2] * found.spacing_mm
    points = found.positions_mm[:, None, None] + np.stack([i, j], axis=-1) @ steps.T
    return (points @ slope + constant).astype(np.float32)


@given(
    gaps=st.lists(st.floats(0.5, 6.0), min_size=1, max_size=8),
    sideways=st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)),
    angles=st.tuples(*[st.floats(-80.0, 80.0)] * 3),
    slope=st.tuples(*[st.floats(-3.0, 3.0)] * 3),
)
def test_a_linear_ramp_comes_back_wherever_there_are_pixels(gaps, sideways, angles, slope):
    direction = Rotation.from_euler("zyx", angles, degrees=True).as_matrix()
    found = planes(np.concatenate([[0.0], np.cumsum(gaps)]), sideways, direction)
    grid = found.straight_grid(min(gaps))
    voxels = found.straightened(ramp(found, slope, 100.0), grid)
    k, j, i = np.mgrid[: grid.size[2], : grid.size[1], : grid.size[0]]
    expected = grid.points(np.stack([i, j, k], axis=-1)) @ slope + 100.0
    is_there = np.isfinite(voxels)
    assert is_there[0].sum() >= SIZE[0] * SIZE[1] * 0.5
    # A plane within a thousandth of a gap of the height is taken as it is: 0.006 mm of a slope of 5 per mm.
    assert np.abs(voxels - expected)[is_there].max() < 0.05


def test_planes_on_the_lattice_are_untouched_and_gaps_are_halfway():
    found = planes([0.0, 3.0, 9.0, 12.0])
    voxels = np.random.default_rng(0).normal(size=(4, 6, 7)).astype(np.float32)
    grid = found.straight_grid(3.0)
    straight = found.straightened(voxels, grid)
    assert grid.size == (7, 6, 5)
    assert np.array_equal(straight[[0, 1, 3, 4]], voxels)
    assert np.allclose(straight[2], 0.5 * (voxels[1] + voxels[2]), atol=1e-6)


def test_every_pixel_of_a_tilted_stack_finds_a_place():
    """The shear is a whole number of pixels for each plane, so that each value is found again where it belongs."""
    found = planes([0.0, 3.0, 6.0], (0.5, -2.0 / 3.0))
    voxels = np.arange(3 * 6 * 7, dtype=np.float32).reshape(3, 6, 7)
    grid = found.straight_grid(3.0)
    straight = found.straightened(voxels, grid)
    assert grid.size == (7 + 2, 6 + 2, 3)
    assert np.isfinite(straight).sum() == voxels.size
    for k in range(3):
        for j, i in ((0, 0), (5, 6), (2, 4)):
            point = found.positions_mm[k] + [i * SPACING[0], j * SPACING[1], 0.0]
            assert straight[tuple(np.rint(grid.indices(point)).astype(int)[::-1])] == voxels[k, j, i]


def test_simple_itk_shears_the_same():
    rng = np.random.default_rng(0)
    voxels = rng.normal(size=(5, 6, 7)).astype(np.float32)
    found = planes([0.0, 3.0, 6.0, 9.0, 12.0], (0.13, 0.21))
    grid = found.straight_grid(3.0)
    ours = found.straightened(voxels, grid)
    sheared = sitk.GetImageFromArray(voxels)
    sheared.SetSpacing((*SPACING, 3.0))
    out = sitk.Image(*grid.size, sitk.sitkFloat32)
    out.SetSpacing(grid.spacing_mm.tolist())
    out.SetOrigin((grid.origin_mm - found.positions_mm[0]).tolist())
    shear = sitk.AffineTransform(np.array([[1, 0, -0.13], [0, 1, -0.21], [0, 0, 1.0]]).ravel().tolist(), (0, 0, 0))
    theirs = sitk.GetArrayFromImage(sitk.Resample(sheared, out, shear, sitk.sitkLinear, float("nan")))
    both = np.isfinite(ours) & np.isfinite(theirs)
    assert both.sum() > 0.7 * voxels.size
    assert np.abs(ours - theirs)[both].max() < 1e-4


def test_pixels_without_data_stay_without():
    voxels = np.ones((2, 6, 7), dtype=np.float32)
    voxels[0, 2, 3] = np.nan
    found = planes([0.0, 6.0])
    straight = found.straightened(voxels, found.straight_grid(3.0))
    assert [int(np.isnan(plane).sum()) for plane in straight] == [1, 1, 0]


def test_planes_that_do_not_ascend():
    with pytest.raises(InvalidGeometry, match="ascending"):
        planes([0.0, 3.0, 3.0])
    with pytest.raises(InvalidGeometry):
        planes([0.0])
