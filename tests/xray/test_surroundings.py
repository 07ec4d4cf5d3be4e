"""Iterative methods for a patient who reaches beyond the detector: what lies outside is taken off, not put inside."""

import numpy as np
import pytest

from openigrt.geometry import DetectorPlacement, Frame, Grid, circular_trajectory
from openigrt.xray import (
    AXIAL_DIRECTION,
    Fan,
    FdkSettings,
    OsSartSettings,
    covering_grid,
    cut_off,
    field_of_view,
    reconstruct_cgls,
    reconstruct_os_sart,
    surroundings,
)
from tests.xray.ellipsoid_scans import Ellipsoid, drawn, projected

WATER_PER_MM = 0.02
WIDE = [
    Ellipsoid((190.0, 400.0, 120.0), (0.0, 0.0, 0.0), WATER_PER_MM),
    Ellipsoid((25.0, 60.0, 25.0), (-90.0, 0.0, 10.0), 0.01),
    Ellipsoid((25.0, 60.0, 25.0), (90.0, 0.0, 10.0), 0.01),
    Ellipsoid((15.0, 30.0, 15.0), (30.0, 0.0, -35.0), -WATER_PER_MM),
]
FULL = circular_trajectory(np.arange(0.0, 360.0, 4.0), DetectorPlacement(1000.0, 1500.0, (64, 48), (6.0, 6.0)))
VIEW = field_of_view(FULL, Fan.FULL)
GRID = covering_grid(VIEW, (4.0, 4.0, 4.0))
SMALL = Grid(
    Frame.FIXED,
    -AXIAL_DIRECTION @ (np.array([39.0, 39.0, 9.0]) * 2.0),
    np.full(3, 4.0),
    AXIAL_DIRECTION,
    (40, 40, 10),
)


@pytest.fixture(scope="module")
def data():
    return projected(WIDE, FULL)


def off_hu(volume, grid, least_mm, most_mm):
    """Median error of water in HU in a ring about the axis, in the middle slices."""
    truth = drawn(WIDE, grid)
    k, j, i = np.indices(grid.shape)
    radius = np.hypot(*np.moveaxis(grid.points(np.stack([i, j, k], axis=-1)), -1, 0)[[0, 2]])
    where = (np.abs(truth - WATER_PER_MM) < 1e-5) & (radius >= least_mm) & (radius < most_mm)
    where &= np.abs(k - (grid.size[2] - 1) / 2.0) < 3.0
    return float(np.median((volume - truth)[where])) / WATER_PER_MM * 1000.0


@pytest.mark.parametrize("solve", [reconstruct_os_sart, reconstruct_cgls])
@pytest.mark.parametrize("grid", [GRID, SMALL], ids=["all that is seen", "a part of it"])
def test_what_lies_outside_makes_the_inside_no_brighter(data, grid, solve):
    """A truncated pelvis: within 10 HU of water where it was 60 and more, and 20 next to the border."""
    around = surroundings(data, FULL, grid, VIEW, FdkSettings())
    before = solve(data, FULL, grid)
    after = solve(around.taken_off(data, FULL), FULL, grid)
    assert off_hu(before, grid, 0.0, 60.0) > 50.0
    assert abs(off_hu(after, grid, 0.0, 60.0)) < 10.0
    assert abs(off_hu(after, grid, 60.0, 76.0 if grid is SMALL else 121.0)) < 20.0


def test_parts_of_a_scan_are_freed_of_the_same(data):
    """Bins of breathing: every third projection, the surroundings of all of them."""
    around = surroundings(data, FULL, GRID, VIEW, FdkSettings())
    members = np.arange(0, len(FULL), 3)
    part = around.taken_off(data[members], FULL.chosen(members))
    volume = reconstruct_os_sart(part, FULL.chosen(members), GRID, OsSartSettings())
    assert abs(off_hu(volume, GRID, 0.0, 60.0)) < 15.0


@pytest.mark.parametrize(
    ("half_axes_mm", "offset_mm", "fan", "across", "along"),
    [
        ((80.0, 60.0, 70.0), 0.0, Fan.FULL, False, False),
        ((80.0, 300.0, 70.0), 0.0, Fan.FULL, False, True),
        ((190.0, 60.0, 120.0), 0.0, Fan.FULL, True, False),
        ((190.0, 300.0, 120.0), 0.0, Fan.FULL, True, True),
        ((150.0, 60.0, 120.0), 130.0, Fan.HALF, False, False),
        ((150.0, 60.0, 120.0), -130.0, Fan.HALF, False, False),
        ((260.0, 60.0, 120.0), 130.0, Fan.HALF, True, False),
    ],
)
def test_a_body_beyond_the_detector_is_seen_at_its_edges(half_axes_mm, offset_mm, fan, across, along):
    """The detector sees 125 mm to either side of the axis, or 40 and 200, and 94 mm along it."""
    held = DetectorPlacement(1000.0, 1500.0, (64, 48), (6.0, 6.0), (offset_mm, 0.0))
    trajectory = circular_trajectory(np.arange(0.0, 360.0, 8.0), held)
    found = cut_off(projected([Ellipsoid(half_axes_mm, (0.0, 0.0, 0.0), WATER_PER_MM)], trajectory), trajectory, fan)
    assert (found.is_across, found.is_along) == (across, along)
