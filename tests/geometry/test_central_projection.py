"""Projection, pixels and triangulation: clinical vectors, round trips, and what must be refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import (
    Frame,
    Grid,
    Rays,
    fixed_from_gantry,
    gantry_from_beam_limiting_device,
    gantry_from_image_receptor,
    isocenter_plane_points,
    project_points,
    rays_of_image_points,
    receptor_points_of_pixels,
    triangulate,
)

VECTORS = ("C-11", "C-12", "C-13", "C-39", "C-40", "C-41")


@pytest.mark.parametrize("vector_id", ["C-11", "C-12", "C-13"])
def test_projection_of_a_fixed_point(vectors, agrees, vector_id):
    given_ = vectors[vector_id]["input"]
    fixed_from_device = fixed_from_gantry(given_["g"]) @ gantry_from_beam_limiting_device(given_["b"])
    found = project_points(given_["x_F"], fixed_from_device, 1000.0, given_.get("sid", 1000.0))
    agrees(vector_id, found, vectors[vector_id]["expected"])


def test_stereoscopic_pair(vectors, agrees):
    given_, expected = vectors["C-39"]["input"], vectors["C-39"]["expected"]
    views = {45.0: given_["uv45"], 315.0: given_["uv315"]}
    for gantry_deg, image_point in views.items():
        agrees("C-39", project_points(given_["x_F"], fixed_from_gantry(gantry_deg), 1000.0, 1500.0), image_point)
    rays = [rays_of_image_points(point, fixed_from_gantry(angle), 1000.0, 1500.0) for angle, point in views.items()]
    both = Rays(np.vstack([r.sources_mm for r in rays]), np.vstack([r.directions for r in rays]))
    found = triangulate(both)
    agrees("C-39", found.point_mm, expected)
    assert found.miss_distance_mm < 1e-6


def test_rt_image_pixel_to_receptor_and_isocenter_plane(vectors, agrees):
    given_, (on_receptor, on_isocenter_plane) = vectors["C-40"]["input"], vectors["C-40"]["expected"]
    found = receptor_points_of_pixels((given_["row"], given_["col"]), given_["pos"], given_["spacing"])
    agrees("C-40", found, on_receptor)
    receptor = gantry_from_image_receptor((0.0, 0.0, 1000.0 - given_["sid"]))
    agrees("C-40", isocenter_plane_points(found, receptor, 1000.0), on_isocenter_plane)


def test_voxel_of_an_axial_series(vectors, agrees):
    spacing = np.array([0.9765625, 0.9765625, 3.0])
    grid = Grid(Frame.plan("1"), np.array([-250.0, -250.0, -100.0]), spacing, np.eye(3), (512, 512, 100))
    agrees("C-41", grid.points((256, 100, 20)), vectors["C-41"]["expected"])


def test_rows_and_columns_of_unequal_spacing_are_not_exchanged():
    found = receptor_points_of_pixels([(0, 1), (1, 0)], (10.0, 20.0), (0.5, 0.25))
    assert found == pytest.approx(np.array([[10.25, 20.0], [10.0, 19.5]]))


@given(
    st.floats(-180.0, 360.0),
    st.floats(-180.0, 180.0),
    st.tuples(*[st.floats(-300.0, 300.0)] * 3),
    st.floats(1000.0, 1800.0),
)
def test_a_ray_goes_back_through_the_point_that_was_projected(gantry_deg, device_deg, point, detector_mm):
    fixed_from_device = fixed_from_gantry(gantry_deg) @ gantry_from_beam_limiting_device(device_deg)
    image_point = project_points(point, fixed_from_device, 1000.0, detector_mm)
    rays = rays_of_image_points(image_point, fixed_from_device, 1000.0, detector_mm)
    from_source = np.asarray(point) - rays.sources_mm[0]
    across = from_source - (from_source @ rays.directions[0]) * rays.directions[0]
    assert np.linalg.norm(across) < 1e-9
    assert from_source @ rays.directions[0] > 0.0


def test_isocenter_plane_follows_a_turned_and_shifted_receptor():
    receptor = gantry_from_image_receptor((30.0, -15.0, -500.0), 90.0)
    assert isocenter_plane_points((15.0, 0.0), receptor, 1000.0) == pytest.approx([20.0, 0.0], abs=1e-12)


def test_rays_that_miss_each_other_tell_by_how_much():
    found = triangulate(Rays(np.array([[0.0, 0.0, 500.0], [500.0, 3.0, 0.0]]), np.array([[0, 0, -1], [-1, 0, 0]])))
    assert found.point_mm == pytest.approx([0.0, 1.5, 0.0])
    assert found.miss_distance_mm == pytest.approx(3.0)


def test_what_cannot_be_projected_or_triangulated_is_refused():
    with pytest.raises(InvalidGeometry, match="behind the X-ray source"):
        project_points((0.0, 0.0, 1000.0), fixed_from_gantry(0.0), 1000.0, 1500.0)
    with pytest.raises(FrameMismatch):
        project_points((0.0, 0.0, 0.0), gantry_from_beam_limiting_device(0.0), 1000.0, 1500.0)
    parallel = Rays(np.array([[0.0, 0.0, 500.0], [10.0, 0.0, 500.0]]), np.array([[0, 0, -1.0], [0, 0, -1.0]]))
    with pytest.raises(InvalidGeometry, match="second view"):
        triangulate(parallel)
    with pytest.raises(InvalidGeometry, match="second view"):
        triangulate(Rays(np.zeros((1, 3)), np.array([[0, 0, 1.0]])))
    with pytest.raises(InvalidGeometry, match="length zero"):
        Rays(np.zeros((1, 3)), np.zeros((1, 3)))
