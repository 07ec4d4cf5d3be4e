"""Voxels stored in other slices, and where they lie."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from openigrt.geometry import Frame, Grid, rotation_from_vector
from openigrt.images import Image, Mask, Modality

OBLIQUE = rotation_from_vector([0.1, -0.2, 0.15])
STORED = {
    "axial": np.eye(3),
    "axial, from head to feet": np.diag([1.0, -1.0, -1.0]),
    "coronal": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    "sagittal": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
}


@pytest.fixture(params=STORED, ids=list(STORED))
def image(request):
    grid = Grid(
        Frame.plan("1"),
        np.array([3.0, -7.0, 11.0]),
        np.array([1.0, 2.0, 3.0]),
        OBLIQUE @ STORED[request.param],
        (7, 5, 4),
    )
    return Image(np.random.default_rng(1).normal(size=grid.shape).astype(np.float32), grid, Modality.CT)


def values(volume, points):
    """Nearest values at points (n, 3), mm."""
    return map_coordinates(volume.voxels.astype(float), volume.grid.indices(points)[:, ::-1].T, order=0, mode="nearest")


def test_an_axial_image_has_every_voxel_where_it_was(image):
    axial = image.axial()
    points = image.grid.points(np.argwhere(np.ones(image.grid.size)))
    assert abs(axial.grid.direction[2, 2]) > 0.9
    np.testing.assert_array_equal(values(axial, points), values(image, points))
    assert (axial.modality, axial.provenance) == (image.modality, image.provenance)


def test_a_mask_follows_its_image(image):
    mask = Mask(image.voxels > 0.0, image.grid).axial()
    np.testing.assert_array_equal(mask.voxels, image.axial().voxels > 0.0)
    assert mask.grid == image.axial().grid
