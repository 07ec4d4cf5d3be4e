"""A contoured body on, beside and around the patient of a made-up planning CT."""

import numpy as np
import pytest

from openigrt.errors import MatchImpossible
from openigrt.geometry import Frame, Grid
from openigrt.images import Image, Mask, Modality
from openigrt.registration import share_on_outline

GRID = Grid(Frame.plan("1"), np.array([-250.0, -150.0, -60.0]), np.array([2.0, 2.0, 3.0]), np.eye(3), (250, 150, 40))
X, Y, Z = np.moveaxis(GRID.points(np.indices(GRID.size).transpose(3, 2, 1, 0)), -1, 0)


def ellipse(shift_mm=(0.0, 0.0), grown_mm=0.0):
    """An elliptic body of 180 mm by 110 mm, shifted and grown."""
    x, y = shift_mm
    return ((X - x) / (180.0 + grown_mm)) ** 2 + ((Y - y) / (110.0 + grown_mm)) ** 2 <= 1.0


@pytest.fixture(scope="module")
def planning_ct():
    """Water with gas in it, in air, on a couch."""
    voxels = np.where(ellipse(), 0.0, -1000.0)
    voxels[((X / 40.0) ** 2 + (Y / 30.0) ** 2) < 1.0] = -900.0
    voxels[(Y > 112.0) & (Y < 120.0)] = -300.0
    return Image(voxels.astype(np.float32), GRID, Modality.CT)


@pytest.mark.parametrize("grown_mm", [-4.0, 0.0, 4.0])
def test_a_body_drawn_on_the_patient_follows_the_outline(planning_ct, grown_mm):
    assert share_on_outline(planning_ct, Mask(ellipse(grown_mm=grown_mm), GRID)) > 0.95


@pytest.mark.parametrize("shift_mm", [(60.0, 0.0), (-40.0, 0.0), (0.0, 30.0)])
def test_a_body_drawn_beside_the_patient_does_not(planning_ct, shift_mm):
    assert share_on_outline(planning_ct, Mask(ellipse(shift_mm), GRID)) < 0.5


def test_slices_without_a_body_do_not_count(planning_ct):
    drawn = ellipse() & (np.abs(Z) < 20.0)
    assert share_on_outline(planning_ct, Mask(drawn, GRID)) > 0.95
    assert share_on_outline(planning_ct, Mask(np.zeros_like(drawn), GRID)) == 1.0


def test_a_body_that_fills_the_image_has_no_edge():
    full = Image(np.zeros(GRID.shape, np.float32), GRID, Modality.CT)
    assert share_on_outline(full, Mask(np.ones(GRID.shape, bool), GRID)) == 1.0


def test_a_ct_without_a_patient_is_refused():
    air = Image(np.full(GRID.shape, -1000.0, np.float32), GRID, Modality.CT)
    with pytest.raises(MatchImpossible, match="No body"):
        share_on_outline(air, Mask(ellipse(), GRID))
