"""What all projections of a scan see, against the pixels on which each voxel falls."""

from dataclasses import replace

import numpy as np
import pytest

from openigrt.errors import InvalidGeometry
from openigrt.geometry import DetectorPlacement, Trajectory, circular_trajectory
from openigrt.xray import Fan, covering_grid, field_of_view
from tests.xray.phantoms import placement, points_of, room_grid, scan

TURN = np.arange(0.0, 360.0, 5.0)
RADIUS_MM = 1000.0 * np.sin(np.arctan2(188.0, 1500.0))


def columns_and_rows(grid, trajectory: Trajectory):
    """Where voxel centres fall, (n, k, j, i) each."""
    points = points_of(grid)
    pixels = np.stack([trajectory[n].pixels(points) for n in range(len(trajectory))])
    return pixels[..., 0], pixels[..., 1]


def seen_whole(grid, trajectory):
    """Whether each voxel falls within the outermost centres of every detector."""
    columns, rows = columns_and_rows(grid, trajectory)
    inside = (columns >= 0.0) & (columns <= trajectory.size[0] - 1) & (rows >= 0.0) & (rows <= trajectory.size[1] - 1)
    return inside.all(axis=0)


@pytest.mark.parametrize("along_mm", [0.0, 30.0, -60.0, 150.0, -150.0])
def test_a_voxel_lies_in_it_where_every_projection_sees_it(along_mm):
    """Source angles of 5 degrees: no voxel that is missed, and none but at the very edge that is left out."""
    trajectory = scan(TURN, placement((48, 36), (8.0, 4.0), offset_mm=(0.0, along_mm)))
    grid = room_grid((44, 44, 50), (6.0, 6.0, 2.0), center=(1.0, along_mm / 1.5, 2.0))
    found, truth = field_of_view(trajectory, Fan.FULL).mask(grid), seen_whole(grid, trajectory)
    assert not (found & ~truth).any()
    assert (truth & ~found).sum() < 0.02 * truth.sum()


@pytest.mark.parametrize("source_y_mm", [25.0, -40.0])
def test_a_source_beside_the_central_plane_counts(source_y_mm):
    """Source and detector stand aside along y by as much: the cone opens about that plane, not about y = 0."""
    trajectory = scan(TURN, placement((48, 36), (8.0, 4.0)))
    aside = np.array([0.0, source_y_mm, 0.0])
    trajectory = replace(
        trajectory, sources_mm=trajectory.sources_mm + aside, first_pixels_mm=trajectory.first_pixels_mm + aside
    )
    grid = room_grid((44, 44, 50), (6.0, 6.0, 2.0), center=(1.0, source_y_mm, 2.0))
    found, truth = field_of_view(trajectory, Fan.FULL).mask(grid), seen_whole(grid, trajectory)
    assert not (found & ~truth).any()
    assert (truth & ~found).sum() < 0.02 * truth.sum()


def test_its_radius_is_that_of_the_ray_through_the_last_column():
    """A chord from 1000 mm whose ray leaves at atan(188 / 1500) passes the axis at 124 mm."""
    view = field_of_view(scan(TURN, placement((48, 36), (8.0, 4.0))), Fan.FULL)
    assert view.radius_mm == pytest.approx(RADIUS_MM, abs=1e-9)
    assert (view.first_mm, view.last_mm) == pytest.approx((-70.0 / 1.5, 70.0 / 1.5))
    assert view.source_axis_distance_mm == pytest.approx(1000.0)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("in_plane_deg", [0.0, 180.0])
def test_of_a_half_fan_the_longer_side_counts(side, in_plane_deg):
    held = placement((30, 36), (8.0, 4.0), offset_mm=(side * 72.0, 0.0), in_plane_angle_deg=in_plane_deg)
    assert field_of_view(scan(TURN, held), Fan.HALF).radius_mm == pytest.approx(RADIUS_MM, abs=1e-6)
    shorter = 1000.0 * np.sin(np.arctan2(44.0, 1500.0))
    assert field_of_view(scan(TURN, held), Fan.FULL).radius_mm == pytest.approx(shorter, abs=1e-6)


def test_a_grid_that_covers_it_is_axial_and_about_its_middle():
    view = field_of_view(scan(TURN, placement((48, 36), (8.0, 4.0), offset_mm=(0.0, 30.0))), Fan.FULL)
    grid = covering_grid(view, (4.0, 5.0, 3.0))
    assert grid.size == (int(np.ceil(2.0 * RADIUS_MM / 4.0)), int(np.ceil(2.0 * RADIUS_MM / 5.0)), 32)
    assert grid.points((np.array(grid.size) - 1) / 2.0) == pytest.approx([0.0, 20.0, 0.0])
    steps = [grid.points(np.eye(3)[n]) - grid.points(np.zeros(3)) for n in range(3)]
    assert np.array(steps) == pytest.approx(np.array([[4.0, 0.0, 0.0], [0.0, 0.0, -5.0], [0.0, 3.0, 0.0]]))
    assert covering_grid(view, (1.0, 1.0, 1.0), (7, 8, 9)).size == (7, 8, 9)


def test_detectors_that_see_nothing_in_common_are_refused():
    ahead, behind = (
        circular_trajectory(TURN, DetectorPlacement(1000.0, 1500.0, (48, 36), (8.0, 4.0), (0.0, y)))
        for y in (100.0, -100.0)
    )
    apart = Trajectory.of([*(ahead[n] for n in range(3)), *(behind[n] for n in range(3))])
    with pytest.raises(InvalidGeometry, match="No part of the room"):
        field_of_view(apart, Fan.FULL)
