"""The field of view, found from content alone: against the convex hull of the voxels that hold data."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from openigrt.errors import MatchImpossible
from openigrt.geometry import Frame, Grid, RigidTransform, rotation_from_vector
from openigrt.images import Image, Modality
from openigrt.registration import field_of_view_mask
from openigrt.registration.field_of_view import Polytope, field_of_view, padding_value
from openigrt.registration.sides import box_of
from tests.registration.phantom import points_of

DAILY, PLAN = Frame.daily("1"), Frame.plan("1")
OBLIQUE = rotation_from_vector([0.3, -0.2, 0.5])
RADIUS_MM, HALF_LENGTH_MM = 60.0, 40.0


def grid_of(size=(70, 72, 34), spacing_mm=(2.0, 2.0, 3.0), direction=OBLIQUE):
    return Grid(DAILY, np.array([-40.0, 20.0, 7.0]), np.array(spacing_mm), direction, size)


def cylinder_flags(grid, radius_mm=RADIUS_MM, half_length_mm=HALF_LENGTH_MM):
    """Voxels of a cylinder about the middle of a grid, along its slice axis."""
    x, y, z = ((points_of(grid) - grid.center_mm) @ grid.direction).T
    return ((np.hypot(x, y) <= radius_mm) & (np.abs(z) <= half_length_mm)).reshape(grid.shape)


def padded_image(grid, flags, padding, seed=0):
    voxels = np.random.default_rng(seed).normal(0.0, 200.0, grid.shape).astype(np.float32)
    return Image(np.where(flags, voxels, np.float32(padding)), grid, Modality.CBCT)


@pytest.mark.parametrize("padding", [-1000.0, 0.0, 3071.0, -32768.0, np.nan])
def test_any_padding_is_left_out(padding):
    grid = grid_of()
    found = field_of_view_mask(padded_image(grid, cylinder_flags(grid), padding)).voxels
    assert found[cylinder_flags(grid, RADIUS_MM - 2.0, HALF_LENGTH_MM - 3.0)].all()
    assert not found[~cylinder_flags(grid, RADIUS_MM + 2.0, HALF_LENGTH_MM + 3.0)].any()


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE, np.diag([-1.0, -1.0, 1.0])])
def test_every_face_touches_the_convex_hull_of_the_content(direction):
    """Faces of the body against support values of the hull: the closed form of a polytope of fixed directions."""
    grid = grid_of(direction=direction)
    flags = cylinder_flags(grid)
    body = field_of_view(padded_image(grid, flags, -1000.0))
    content = points_of(grid)[flags.ravel()]
    corners = content[ConvexHull(content).vertices]
    assert body.offsets_mm == pytest.approx((corners @ body.normals.T).max(axis=0), abs=1e-6)


def test_an_oblique_box_is_held_by_its_hull_and_not_by_much_more():
    grid = grid_of((64, 64, 64), (2.0, 2.0, 2.0), np.eye(3))
    turned = (points_of(grid) - grid.center_mm) @ rotation_from_vector([0.0, 0.0, 0.35])
    flags = (np.abs(turned) <= (40.0, 25.0, 30.0)).all(axis=1).reshape(grid.shape)
    body = field_of_view(padded_image(grid, flags, np.nan))
    content = points_of(grid)[flags.ravel()]
    hull = ConvexHull(content)
    found = body.depth_mm(grid, 1e6) > 0.0
    hulled = (points_of(grid) @ hull.equations[:, :3].T + hull.equations[:, 3] <= -1e-6).all(axis=1).reshape(grid.shape)
    assert not (hulled & ~found).any()
    assert found.sum() < 1.08 * hulled.sum()


def test_depth_is_the_distance_to_the_wall():
    """Closed form for a cylinder; a fan of 48 faces stands 0.2 % of the radius outside, voxels one spacing inside."""
    grid = grid_of()
    body = field_of_view(padded_image(grid, cylinder_flags(grid), -1000.0))
    depth = body.depth_mm(grid, 25.0)
    x, y, z = ((points_of(grid) - grid.center_mm) @ grid.direction).T
    expected = np.clip(np.minimum(RADIUS_MM - np.hypot(x, y), HALF_LENGTH_MM - np.abs(z)), 0.0, 25.0)
    assert depth.ravel() == pytest.approx(expected, abs=2.6)
    assert np.abs(depth.ravel() - expected).mean() < 0.7
    assert depth.max() == 25.0
    assert depth.min() == 0.0


@pytest.mark.parametrize("tilt_rad", [0.0, 1e-300, 1e-20, 1e-17, 1e-9, 0.2])
def test_depth_is_the_smallest_over_all_faces(tilt_rad):
    """By brute force, also with faces so nearly along a row that they meet it beyond any whole number."""
    tilted = rotation_from_vector([0.1, 0.0, 0.0]) @ rotation_from_vector([0.0, tilt_rad, tilt_rad])
    faces = np.concatenate([np.eye(3), -np.eye(3)]) @ tilted.T
    for middle_mm in (np.array([60.0, 30.0, 25.0]), np.array([60.0, -300.0, 25.0])):
        body = Polytope(faces, faces @ middle_mm + 20.0)
        grid = Grid(DAILY, np.zeros(3), np.array([2.0, 2.5, 3.0]), np.eye(3), (61, 31, 23))
        smallest = (body.offsets_mm - points_of(grid) @ faces.T).min(axis=1).reshape(grid.shape)
        assert body.depth_mm(grid, 8.0) == pytest.approx(np.clip(smallest, 0.0, 8.0), abs=1e-4)


def test_a_moved_body_holds_moved_points_as_deep():
    grid = grid_of()
    body = field_of_view(padded_image(grid, cylinder_flags(grid), -1000.0))
    plan_from_daily = RigidTransform(PLAN, DAILY, rotation_from_vector([0.2, 0.4, -0.3]), np.array([30.0, -9.0, 4.0]))
    moved_grid = grid.moved(plan_from_daily)
    assert body.moved(plan_from_daily).depth_mm(moved_grid, 9.0) == pytest.approx(body.depth_mm(grid, 9.0), abs=1e-3)
    assert body.grown(5.0).depth_mm(grid, 1e6).max() == pytest.approx(body.depth_mm(grid, 1e6).max() + 5.0, abs=1e-3)


def test_a_full_frame_image_is_seen_whole():
    grid = grid_of((30, 30, 20), (3.0, 3.0, 3.0))
    image = padded_image(grid, np.ones(grid.shape, bool), 0.0)
    assert np.isnan(padding_value(image))
    found = field_of_view_mask(image).voxels
    assert found[1:-1, 1:-1, 1:-1].all()


def test_air_round_a_patient_in_a_full_frame_is_seen():
    """A scanner's air is noisy: nothing fills it with one value, so it is data."""
    grid = grid_of((40, 40, 12), (5.0, 5.0, 5.0), np.eye(3))
    voxels = np.random.default_rng(1).normal(-1000.0, 8.0, grid.shape).astype(np.float32)
    voxels[:, 10:30, 8:32] += 1020.0
    assert field_of_view_mask(Image(voxels, grid, Modality.CT)).voxels[1:-1, 1:-1, 1:-1].all()


def test_gas_and_clipped_air_inside_the_field_stay_inside():
    """Air clipped to the very value of the padding, deep in the field and at its rim."""
    grid = grid_of()
    flags = cylinder_flags(grid)
    image = padded_image(grid, flags, -1000.0)
    holes = image.voxels.copy()
    holes[8:20, 30:50, 30:50] = -1000.0
    holes[10:14, 36, 6:30] = -1000.0
    found = field_of_view(Image(holes, grid, Modality.CBCT))
    assert found.depth_mm(grid, 30.0) == pytest.approx(field_of_view(image).depth_mm(grid, 30.0), abs=1.5)


def test_slices_without_data_are_outside():
    grid = grid_of((30, 30, 40), (3.0, 3.0, 3.0), np.eye(3))
    flags = np.zeros(grid.shape, bool)
    flags[5:25] = True
    found = field_of_view_mask(padded_image(grid, flags, -1000.0)).voxels
    assert not found[:5].any()
    assert not found[25:].any()
    assert found[7:23, 2:-2, 2:-2].all()


def test_the_box_holds_the_body():
    grid = grid_of((90, 90, 60), (2.0, 2.0, 3.0), np.eye(3))
    flags = cylinder_flags(grid, 40.0, 30.0)
    box = box_of(field_of_view(padded_image(grid, flags, -1000.0)), grid)
    k, j, i = np.nonzero(flags)
    for axis, indices in enumerate((i, j, k)):
        assert 0 <= indices.min() - box.first[axis] <= 3
        assert 0 <= box.stop[axis] - 1 - indices.max() <= 3


@pytest.mark.parametrize("value", [0.0, -1000.0, np.nan, np.inf])
def test_an_image_of_one_value_has_no_field(value):
    grid = grid_of((9, 9, 9), (3.0, 3.0, 3.0))
    with pytest.raises(MatchImpossible, match=r"constant or holds no finite voxel.*\.$"):
        field_of_view(Image(np.full(grid.shape, value, np.float32), grid, Modality.CBCT))
