"""Contours to masks, against areas and volumes in closed form and scikit-image's polygons."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from openigrt.errors import FrameMismatch, InvalidGeometry, MissingInput
from openigrt.geometry import Frame, Grid, rotation_x, rotation_y, rotation_z
from openigrt.patient import (
    Contour,
    ContourKind,
    Structure,
    StructureRole,
    contours_beyond,
    mask_from_structure,
    plane_spacing_mm,
)

PLAN = Frame.plan("1.2")


def grid_of(spacing_mm, size, origin_mm=None, direction=None):
    spacing = np.asarray(spacing_mm, dtype=float)
    direction = np.eye(3) if direction is None else direction
    origin = -direction @ (spacing * (np.array(size) - 1) / 2) if origin_mm is None else origin_mm
    return Grid(PLAN, origin, spacing, direction, size)


def circle(radius_mm, z_mm, center=(0.0, 0.0), count=180):
    angle = 2.0 * np.pi * np.arange(count) / count
    x, y = center[0] + radius_mm * np.cos(angle), center[1] + radius_mm * np.sin(angle)
    return np.column_stack([x, y, np.full(count, z_mm)])


def square(half_mm, z_mm):
    return np.array(
        [[-half_mm, -half_mm, z_mm], [half_mm, -half_mm, z_mm], [half_mm, half_mm, z_mm], [-half_mm, half_mm, z_mm]]
    )


def structure_of(contours, name="TEST"):
    return Structure(1, name, StructureRole.ORGAN, tuple(Contour(points) for points in contours))


def sphere(radius_mm, spacing_mm):
    planes = np.arange(-radius_mm + spacing_mm / 2, radius_mm, spacing_mm)
    return structure_of([circle(np.sqrt(radius_mm**2 - z**2), z) for z in planes])


def volume_of(mask):
    return float(mask.voxels.sum()) * float(np.prod(mask.grid.spacing_mm))


@pytest.mark.parametrize("slice_mm", [1.0, 2.0, 2.5])
def test_a_sphere_has_the_volume_of_a_sphere(slice_mm):
    mask = mask_from_structure(sphere(30.0, 2.5), PLAN, grid_of((1.0, 1.0, slice_mm), (71, 71, 72)))
    assert volume_of(mask) == pytest.approx(4 / 3 * np.pi * 30.0**3, rel=0.01)


def test_a_cube_reaches_half_a_slice_beyond_its_outer_contours():
    contours = [square(20.2, z) for z in np.arange(-18.5, 19.0, 3.0)]
    mask = mask_from_structure(structure_of(contours), PLAN, grid_of((0.5, 0.5, 1.0), (101, 101, 60)))
    assert volume_of(mask) == pytest.approx(40.4**2 * 39.0, rel=0.01)
    assert mask.voxels.any(axis=(1, 2)).sum() == 39


def test_a_torus_keeps_its_hole_whether_drawn_as_two_contours_or_with_a_keyhole():
    major, minor = 25.0, 8.0
    planes = np.arange(-7.5, 8.0, 1.0)
    rings = [(major + np.sqrt(minor**2 - z**2), major - np.sqrt(minor**2 - z**2), z) for z in planes]
    two = structure_of([circle(r, z) for outer, inner, z in rings for r in (outer, inner)])
    keyhole = structure_of(
        [
            np.vstack([circle(outer, z), circle(outer, z)[:1], circle(inner, z)[:1], circle(inner, z)[::-1]])
            for outer, inner, z in rings
        ]
    )
    grid = grid_of((0.7, 0.7, 1.0), (111, 111, 20))
    expected = 2.0 * np.pi**2 * major * minor**2
    assert volume_of(mask_from_structure(two, PLAN, grid)) == pytest.approx(expected, rel=0.01)
    assert np.array_equal(mask_from_structure(two, PLAN, grid).voxels, mask_from_structure(keyhole, PLAN, grid).voxels)


def test_an_island_in_a_hole_is_inside():
    contours = [circle(r, z) for z in (0.0, 2.0, 4.0) for r in (30.0, 20.0, 10.0)]
    mask = mask_from_structure(structure_of(contours), PLAN, grid_of((1.0, 1.0, 2.0), (81, 81, 3), (-40.0, -40.0, 0.0)))
    assert mask.voxels[1, 40, [40, 45, 55, 65, 75]].tolist() == [True, True, False, True, False]


def test_a_missing_slice_is_not_bridged():
    planes = [0.0, 3.0, 6.0, 12.0, 15.0]
    mask = mask_from_structure(
        structure_of([circle(10.0, z) for z in planes]),
        PLAN,
        grid_of((1.0, 1.0, 3.0), (41, 41, 8), (-20.0, -20.0, -3.0)),
    )
    assert mask.voxels.any(axis=(1, 2)).tolist() == [False, True, True, True, False, True, True, False]


@pytest.mark.parametrize("position", [0.0, 0.49, -0.5])
def test_one_contour_on_one_plane_fills_one_slice(position):
    mask = mask_from_structure(
        structure_of([circle(10.0, position * 2.0)]), PLAN, grid_of((1.0, 1.0, 2.0), (31, 31, 5))
    )
    assert mask.voxels.any(axis=(1, 2)).sum() == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-30.0, 30.0), st.floats(-30.0, 30.0)), min_size=3, max_size=12))
def test_any_polygon_agrees_with_scikit_image_away_from_its_edges(corners):
    polygon = np.array(corners) + np.array([0.123, 0.0456])
    points = np.column_stack([polygon, np.zeros(len(polygon))])
    mask = mask_from_structure(structure_of([points]), PLAN, grid_of((1.0, 1.0, 1.0), (71, 71, 1))).voxels[0]
    reference = polygon2mask((71, 71), polygon[:, ::-1] + 35.0)
    differ = np.argwhere(mask != reference)[:, ::-1] - 35.0
    a, b = polygon, np.roll(polygon, -1, axis=0)
    along = np.clip(((differ[:, None] - a) * (b - a)).sum(2) / np.maximum(((b - a) ** 2).sum(1), 1e-12), 0.0, 1.0)
    distance = np.linalg.norm(differ[:, None] - (a + along[..., None] * (b - a)), axis=2).min(axis=1, initial=np.inf)
    assert (distance < 1e-6).all()


def test_on_an_oblique_grid_the_mask_turns_with_the_contours():
    rotation = rotation_z(20.0) @ rotation_x(-12.0) @ rotation_y(7.0)
    straight = sphere(20.0, 2.0)
    turned = structure_of([contour.points_mm @ rotation.T for contour in straight.contours])
    spacing, size = (1.1, 0.9, 2.0), (51, 61, 24)
    expected = mask_from_structure(straight, PLAN, grid_of(spacing, size))
    found = mask_from_structure(turned, PLAN, grid_of(spacing, size, direction=rotation))
    assert (expected.voxels != found.voxels).mean() < 1e-4


def test_a_grid_with_slices_that_run_downwards_gives_the_same_set_of_points():
    grid = grid_of((1.0, 1.0, 2.0), (51, 51, 30))
    flip = np.diag([1.0, -1.0, -1.0])
    shape = structure_of([circle(15.0, z, center=(5.0, -3.0)) for z in np.arange(-10.3, 9.0, 2.0)])
    expected = mask_from_structure(shape, PLAN, grid).voxels
    flipped = mask_from_structure(shape, PLAN, grid_of((1.0, 1.0, 2.0), (51, 51, 30), direction=flip)).voxels
    assert np.array_equal(expected, flipped[::-1, ::-1])


def test_what_reaches_beyond_the_grid_is_cut_off_and_counted():
    shape = structure_of([circle(30.0, z) for z in (-4.0, -2.0, 0.0, 2.0, 40.0)])
    grid = grid_of((1.0, 1.0, 2.0), (71, 41, 5))
    mask = mask_from_structure(shape, PLAN, grid)
    rows = np.arange(-20, 21)
    expected = sum(2 * np.floor(np.sqrt(900.0 - y * y)) + 1 for y in rows)
    assert mask.voxels[2].sum() == pytest.approx(expected, rel=0.01)
    assert contours_beyond(shape, PLAN, grid) == 5
    assert contours_beyond(shape, PLAN, grid_of((1.0, 1.0, 2.0), (71, 71, 5))) == 1


def test_contours_across_the_slices_give_the_voxels_that_are_mostly_inside():
    tilted = structure_of([contour.points_mm @ rotation_x(10.0).T for contour in sphere(20.0, 2.0).contours])
    grid = grid_of((1.0, 1.0, 2.0), (51, 51, 31))
    k, j, i = np.indices(grid.shape)
    ball = np.linalg.norm(grid.points(np.stack([i, j, k], axis=-1)), axis=-1) < 20.0
    mask = mask_from_structure(tilted, PLAN, grid).voxels
    assert 2 * (mask & ball).sum() / (mask.sum() + ball.sum()) > 0.98


def test_another_frame_is_refused():
    with pytest.raises(FrameMismatch):
        mask_from_structure(sphere(10.0, 2.0), Frame.daily("1.2"), grid_of((1.0, 1.0, 2.0), (31, 31, 11)))


@pytest.mark.parametrize("contours", [(), (Contour(np.zeros((1, 3)), ContourKind.POINT),)])
def test_a_structure_that_encloses_nothing_is_refused_by_name(contours):
    with pytest.raises(MissingInput, match="'ISO'"):
        mask_from_structure(
            Structure(1, "ISO", StructureRole.ISOCENTER, contours), PLAN, grid_of((1.0, 1.0, 1.0), (5, 5, 5))
        )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_points_that_are_nowhere_are_refused(bad):
    points = circle(10.0, 0.0)
    points[3, 1] = bad
    with pytest.raises(InvalidGeometry, match="not finite or over"):
        mask_from_structure(structure_of([points]), PLAN, grid_of((1.0, 1.0, 1.0), (31, 31, 1)))


def test_the_usual_spacing_of_planes_comes_from_all_structures():
    one_plane = structure_of([circle(5.0, 0.0)])
    assert plane_spacing_mm([sphere(20.0, 2.5), one_plane]) == pytest.approx(2.5)
    assert plane_spacing_mm([one_plane]) is None
