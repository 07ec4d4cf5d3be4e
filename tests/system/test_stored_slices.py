"""A planning CT that is stored in coronal slices, with contours drawn on axial planes: the same answer."""

import shutil

import numpy as np
import pytest

import openigrt
from openigrt.geometry import Grid
from openigrt.images import Image
from tests.system import phantom


def coronal(image):
    """The same voxels as coronal slices, rows from head to feet."""
    grid, rows = image.grid.reordered((0, 2, 1)), image.grid.size[2]
    direction = grid.direction * [1.0, -1.0, 1.0]
    turned = Grid(grid.frame, grid.points([0.0, rows - 1.0, 0.0]), grid.spacing_mm, direction, grid.size)
    return Image(image.voxels.transpose(1, 0, 2)[:, ::-1], turned, image.modality, image.provenance)


def test_coronal_slices_of_the_planning_ct(guided, case):
    shutil.rmtree(case / "plan" / "ct")
    phantom.write_images(coronal(phantom.planning_image()), case / "plan" / "ct")
    found = openigrt.guide(case / "plan", case / "today", region="CTV_1")
    axial = guided.guidance
    bone = next(match for match in found.matches if match.region == "bone")
    target = axial.target.points_mm
    apart = bone.plan_from_daily.points(target) - axial.match.plan_from_daily.points(target)
    assert np.abs(apart).max() < 0.1
    assert found.match.region == "CTV_1"
    assert np.linalg.norm(found.target.points_mm.mean(axis=0) - target.mean(axis=0)) == pytest.approx(0.0, abs=0.1)
