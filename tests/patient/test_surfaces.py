"""Volumes, centroids and surface points, against closed forms."""

import numpy as np
import pytest

from openigrt.errors import MissingInput
from openigrt.geometry import rotation_x, rotation_z
from openigrt.patient import (
    Contour,
    Structure,
    StructureRole,
    centroid_mm,
    sphere_points_mm,
    surface_points_mm,
    volume_mm3,
)


def circle(radius_mm, z_mm, center=(0.0, 0.0), count=180):
    angle = 2.0 * np.pi * np.arange(count) / count
    x, y = center[0] + radius_mm * np.cos(angle), center[1] + radius_mm * np.sin(angle)
    return np.column_stack([x, y, np.full(count, z_mm)])


def structure_of(contours):
    return Structure(1, "TEST", StructureRole.PTV, tuple(Contour(points) for points in contours))


def sphere(radius_mm, spacing_mm):
    planes = np.arange(-radius_mm + spacing_mm / 2, radius_mm, spacing_mm)
    return structure_of([circle(np.sqrt(radius_mm**2 - z**2), z) for z in planes])


def test_volume_of_a_sphere():
    assert volume_mm3(sphere(30.0, 2.0)) == pytest.approx(4 / 3 * np.pi * 30.0**3, rel=0.005)


def test_volume_and_centroid_take_holes_out():
    eccentric = structure_of(
        [c for z in np.arange(0.0, 21.0, 2.0) for c in (circle(20.0, z), circle(5.0, z, (10.0, 0.0)))]
    )
    full, hole = np.pi * 400.0 * 22.0, np.pi * 25.0 * 22.0
    assert volume_mm3(eccentric) == pytest.approx(full - hole, rel=0.002)
    assert centroid_mm(eccentric) == pytest.approx([-10.0 * hole / (full - hole), 0.0, 10.0], abs=0.01)


def test_an_island_in_a_hole_counts_again():
    rings = structure_of([circle(r, z) for z in (0.0, 1.0) for r in (30.0, 20.0, 10.0)])
    assert volume_mm3(rings) == pytest.approx(2.0 * np.pi * (900.0 - 400.0 + 100.0), rel=0.002)


def test_measures_move_with_the_structure():
    rotation, shift = rotation_z(30.0) @ rotation_x(80.0), np.array([40.0, -7.0, 300.0])
    straight = structure_of([circle(r, 2.0 * i, (3.0, 1.0)) for i, r in enumerate((5.0, 9.0, 12.0, 9.0))])
    moved = structure_of([c.points_mm @ rotation.T + shift for c in straight.contours])
    assert volume_mm3(moved) == pytest.approx(volume_mm3(straight), rel=1e-9)
    assert centroid_mm(moved) == pytest.approx(rotation @ centroid_mm(straight) + shift, abs=1e-6)


def test_one_plane_needs_a_thickness():
    flat = structure_of([circle(10.0, 5.0)])
    assert volume_mm3(flat, 3.0) == pytest.approx(np.pi * 300.0, rel=0.002)
    with pytest.raises(MissingInput, match="one plane"):
        volume_mm3(flat)


@pytest.mark.parametrize(("radius", "spacing"), [(30.0, 2.0), (6.0, 1.0), (120.0, 5.0)])
def test_surface_points_of_a_sphere_lie_on_it_all_round(radius, spacing):
    points = surface_points_mm(sphere(radius, spacing))
    assert 1500 <= len(points) <= 2000
    slab_step = np.sqrt(radius**2 - (radius - spacing) ** 2)
    assert np.linalg.norm(points, axis=1) == pytest.approx(radius, abs=slab_step)
    assert points.mean(axis=0) == pytest.approx([0.0, 0.0, 0.0], abs=0.03 * radius)
    assert (points**2).mean(axis=0) == pytest.approx(np.full(3, radius**2 / 3.0), rel=0.12)


def test_surface_points_of_a_cylinder_are_shared_fairly_between_wall_and_caps():
    cylinder = structure_of([circle(20.0, z) for z in np.arange(-19.0, 20.0, 2.0)])
    points = surface_points_mm(cylinder)
    caps = np.isclose(np.abs(points[:, 2]), 20.0)
    assert caps.mean() == pytest.approx(
        2.0 * np.pi * 400.0 / (2.0 * np.pi * 400.0 + 2.0 * np.pi * 20.0 * 40.0), abs=0.03
    )
    assert np.linalg.norm(points[~caps, :2], axis=1) == pytest.approx(20.0, abs=0.01)
    nearest = np.sort(np.linalg.norm(points[:, None] - points, axis=2), axis=1)[:, 1]
    assert np.percentile(nearest, 95) < 4.0 * np.median(nearest)


def test_surface_points_are_the_same_every_time_and_as_few_as_asked():
    shape = sphere(15.0, 3.0)
    assert np.array_equal(surface_points_mm(shape), surface_points_mm(shape))
    assert len(surface_points_mm(shape, max_points=100)) <= 100


def test_a_sphere_round_a_point():
    points = sphere_points_mm((5.0, 70.0, 305.0), 50.0)
    assert np.linalg.norm(points - (5.0, 70.0, 305.0), axis=1) == pytest.approx(50.0, abs=1e-9)
    assert points.mean(axis=0) == pytest.approx((5.0, 70.0, 305.0), abs=0.1)
    nearest = np.sort(np.linalg.norm(points[:, None] - points, axis=2), axis=1)[:, 1]
    assert nearest.min() > 0.6 * nearest.max()


SPECK = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("contours", "half_a_slab_mm"),
    [
        ((1e-3 * SPECK, 1e-3 * SPECK + (400.0, 400.0, 0.0)), 1.5),
        ((1e-4 * SPECK, 1e-4 * SPECK + (0.0, 0.0, 9e4)), 4.5e4),
    ],
    ids=["specks far apart", "a thread of 90 m"],
)
def test_shapes_that_no_lattice_could_hold_still_have_points(contours, half_a_slab_mm):
    points = surface_points_mm(structure_of(contours), slice_mm=3.0)
    assert len(points) == 2000
    drawn, reach = np.concatenate(contours), np.array([1e-9, 1e-9, half_a_slab_mm + 1e-9])
    assert ((points >= drawn.min(axis=0) - reach) & (points <= drawn.max(axis=0) + reach)).all()
