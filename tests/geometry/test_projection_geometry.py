"""A source and a detector in a frame: clinical vectors, round trips, and what must be refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import (
    Frame,
    PatientPosition,
    ProjectionGeometry,
    fixed_from_gantry,
    fixed_from_lps,
    gantry_from_beam_limiting_device,
    project_points,
)

VECTORS = ("C-11", "C-12", "C-13", "C-40")


def facing(gantry_deg=0.0, device_deg=0.0, detector_mm=1500.0, first=(-200.0, 150.0), spacing=(0.4, 0.4)):
    """A detector across the beam, turned with the beam-limiting device, its first pixel at `first` (x, y)."""
    fixed_from = fixed_from_gantry(gantry_deg) @ gantry_from_beam_limiting_device(device_deg)
    return ProjectionGeometry(
        frame=Frame.FIXED,
        source_mm=fixed_from.points((0.0, 0.0, 1000.0)),
        first_pixel_mm=fixed_from.points((*first, 1000.0 - detector_mm)),
        row_direction=fixed_from.vectors((1.0, 0.0, 0.0)),
        column_direction=fixed_from.vectors((0.0, -1.0, 0.0)),
        spacing_mm=np.array(spacing),
        size=(1001, 751),
    )


@pytest.mark.parametrize("vector_id", ["C-11", "C-12", "C-13"])
def test_pixels_of_a_fixed_point(vectors, agrees, vector_id):
    given_ = vectors[vector_id]["input"]
    column, row = facing(given_["g"], given_["b"], given_.get("sid", 1000.0)).pixels(given_["x_F"])
    agrees(vector_id, (-200.0 + 0.4 * column, 150.0 - 0.4 * row), vectors[vector_id]["expected"])


def test_ray_of_a_pixel_crosses_the_isocenter_plane(vectors, agrees):
    given_, (on_receptor, on_isocenter_plane) = vectors["C-40"]["input"], vectors["C-40"]["expected"]
    geometry = facing(0.0, 0.0, given_["sid"], given_["pos"], given_["spacing"])
    pixel = (given_["col"], given_["row"])
    agrees("C-40", geometry.points(pixel)[:2], on_receptor)
    rays = geometry.rays(pixel)
    reach = rays.sources_mm[0, 2] / -rays.directions[0, 2]
    agrees("C-40", (rays.sources_mm + reach * rays.directions)[0, :2], on_isocenter_plane)


@given(
    st.floats(-180.0, 360.0),
    st.floats(-180.0, 180.0),
    st.tuples(*[st.floats(-300.0, 300.0)] * 3),
    st.floats(1000.0, 1800.0),
)
def test_it_is_the_central_projection_of_the_beam(gantry_deg, device_deg, point, detector_mm):
    geometry = facing(gantry_deg, device_deg, detector_mm)
    fixed_from = fixed_from_gantry(gantry_deg) @ gantry_from_beam_limiting_device(device_deg)
    u, v = project_points(point, fixed_from, 1000.0, detector_mm)
    pixel = geometry.pixels(point)
    assert pixel == pytest.approx([(u + 200.0) / 0.4, (150.0 - v) / 0.4], abs=1e-6)
    ray = geometry.rays(pixel)
    from_source = np.asarray(point) - ray.sources_mm[0]
    assert np.linalg.norm(np.cross(from_source, ray.directions[0])) < 1e-8
    assert from_source @ ray.directions[0] > 0.0


def test_a_tilted_detector_meets_every_ray_in_its_own_plane():
    tilt = Rotation.from_euler("xyz", [12.0, -7.0, 30.0], degrees=True).as_matrix()
    geometry = replace(
        facing(), row_direction=tilt[:, 0], column_direction=-tilt[:, 1], spacing_mm=np.array([0.3, 0.7])
    )
    points = np.random.default_rng(5).uniform(-200.0, 200.0, (50, 3))
    pixels = geometry.pixels(points)
    assert np.allclose(geometry.pixels(geometry.points(pixels)), pixels, atol=1e-8)
    on_line = np.cross(geometry.points(pixels) - geometry.source_mm, points - geometry.source_mm)
    assert np.abs(on_line).max() / 1e6 < 1e-9
    assert (geometry.points((1.0, 0.0)) - geometry.points((0.0, 0.0))) == pytest.approx(0.3 * tilt[:, 0])
    assert (geometry.points((0.0, 1.0)) - geometry.points((0.0, 0.0))) == pytest.approx(-0.7 * tilt[:, 1])


@pytest.mark.parametrize("position", list(PatientPosition))
def test_anatomy_projects_the_same_from_the_patient(position):
    patient = Frame.plan("1.2.3")
    fixed_from_patient = fixed_from_lps(position, patient, (12.0, -30.0, 250.0))
    geometry = facing(37.0, 11.0)
    in_patient = geometry.moved(fixed_from_patient.inverse())
    point = np.array([20.0, -10.0, 240.0])
    assert in_patient.frame == patient
    assert in_patient.pixels(point) == pytest.approx(geometry.pixels(fixed_from_patient.points(point)), abs=1e-9)
    assert in_patient.pixels((12.0, -30.0, 250.0)) == pytest.approx(geometry.pixels((0.0, 0.0, 0.0)), abs=1e-9)


def test_edges_belong_to_the_detector_up_to_half_a_pixel():
    geometry = facing()
    assert geometry.shape == (751, 1001)
    assert geometry.source_detector_distance_mm == pytest.approx(1500.0)
    assert geometry.normal == pytest.approx([0.0, 0.0, -1.0])
    assert geometry.contains((-0.5, 750.5))
    assert not geometry.contains((-0.6, 10.0))
    assert not geometry.contains((10.0, 750.6))


def test_what_is_no_source_and_detector_is_refused():
    geometry = facing()
    with pytest.raises(InvalidGeometry, match="behind the X-ray source"):
        geometry.pixels((0.0, 0.0, 1000.0))
    with pytest.raises(InvalidGeometry, match="behind the X-ray source"):
        geometry.pixels((float("nan"), 0.0, 0.0))
    with pytest.raises(InvalidGeometry, match="orthonormal"):
        replace(geometry, row_direction=np.array([2.0, 0.0, 0.0]))
    with pytest.raises(InvalidGeometry, match="spacings above zero"):
        replace(geometry, spacing_mm=np.array([0.4, 0.0]))
    with pytest.raises(InvalidGeometry, match="from the plane of the detector"):
        replace(geometry, source_mm=geometry.first_pixel_mm)
    with pytest.raises(FrameMismatch):
        geometry.moved(fixed_from_gantry(0.0))
