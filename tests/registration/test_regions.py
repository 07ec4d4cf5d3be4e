"""Regions and the body outline, on solids whose surface is known."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from openigrt.errors import InputError, MatchImpossible
from openigrt.geometry import Frame, Grid, rotation_from_vector
from openigrt.images import Mask
from openigrt.registration import Region, RegionKind
from openigrt.registration.regions import (
    body_outline,
    body_outline_of_any,
    bone_flags,
    otsu_threshold,
    region_flags,
    soft_flags,
)
from openigrt.registration.working_volume import WorkingVolume
from tests.registration.phantom import points_of

PLAN = Frame.plan("1")
SPACING_MM = 4.0
GRID = Grid(PLAN, np.array([-158.0, -130.0, -78.0]), np.full(3, SPACING_MM), np.eye(3), (80, 66, 40))
X, Y, Z = (c.reshape(GRID.shape) for c in points_of(GRID).T)
TRUNK = (X / 130.0) ** 2 + (Y / 85.0) ** 2 <= 1.0
COLUMN = np.hypot(X, Y - 40.0) <= 16.0
LUNG = (np.hypot(X - 60.0, Y) <= 35.0) & TRUNK


def trunk_hu():
    """Soft tissue, a column of bone, one lung."""
    hu = np.where(TRUNK, 30.0, -1000.0)
    hu[LUNG], hu[COLUMN] = -850.0, 600.0
    return hu.astype(np.float32)


def volume_of(voxels, grid=GRID):
    return WorkingVolume(voxels.astype(np.float32), np.ones(grid.shape, np.float32), grid)


def surface_distance_mm(flags):
    """Distance (mm) of every voxel outside a set to the set."""
    return distance_transform_edt(~flags) * SPACING_MM


def close_to(found, expected, slack_mm=SPACING_MM):
    """Whether two sets differ by no more than a layer of that thickness, the outermost slices aside."""
    beyond = found & (surface_distance_mm(expected) > slack_mm)
    missing = expected & (surface_distance_mm(found) > slack_mm)
    return not (beyond | missing)[1:-1].any()


def test_the_body_holds_lung_and_gas():
    assert close_to(body_outline(trunk_hu(), SPACING_MM), TRUNK)


def couch(hu, top_mm, thickness_mm, value=100.0):
    slab = (np.abs(Y - top_mm - thickness_mm / 2.0) <= thickness_mm / 2.0) & ~TRUNK
    return np.where(slab, np.float32(value), hu)


@pytest.mark.parametrize("thickness_mm", [4.0, 8.0, 12.0])
@pytest.mark.parametrize("gap_mm", [0.0, 6.0])
def test_a_couch_top_is_no_body(thickness_mm, gap_mm):
    """Where it touches the back, what an opening of 8 mm cannot tell from skin stays: a patch, never the couch."""
    found = body_outline(couch(trunk_hu(), 84.0 + gap_mm, thickness_mm), SPACING_MM)
    assert close_to(found, TRUNK, 12.0)
    assert found[:, Y[0, :, 0] > 84.0].sum() < 0.03 * TRUNK.sum()
    assert not found[:, :, np.abs(X[0, 0]) > 131.0].any()


def test_a_thick_couch_apart_from_the_patient_is_no_body():
    found = body_outline(couch(trunk_hu(), 96.0, 24.0, -100.0), SPACING_MM)
    assert close_to(found, TRUNK)


def test_a_mask_sheet_is_no_body():
    """Thermoplast of 4 mm: on the skin it is lost in the voxels, where it stands off it is left out."""
    ellipse = np.hypot(X / 130.0, Y / 85.0)
    sheet = (np.abs((ellipse - 1.15) * 85.0) <= 2.0) & (Y < 0.0)
    found = body_outline(np.where(sheet, np.float32(200.0), trunk_hu()), SPACING_MM)
    assert close_to(found, TRUNK)


def test_without_anything_solid_there_is_no_body():
    with pytest.raises(MatchImpossible, match="No body was found"):
        body_outline(np.full(GRID.shape, -1000.0, np.float32), SPACING_MM)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.01, -3.0), (50.0, 4000.0)])
def test_a_body_in_any_gray_values(scale, offset):
    """MR-like: bone dark, air black with noise, contrast within the body of a factor of four."""
    random = np.random.default_rng(0)
    signal = np.where(TRUNK, 120.0 + 60.0 * np.sin(X / 20.0) * np.cos(Y / 15.0), 0.0)
    signal[LUNG], signal[COLUMN] = 20.0, 40.0
    signal += 6.0 * np.abs(random.normal(size=GRID.shape))
    found = body_outline_of_any((scale * signal + offset).astype(np.float32), SPACING_MM)
    assert close_to(found, TRUNK, 2.0 * SPACING_MM)


def test_a_threshold_between_two_classes():
    random = np.random.default_rng(1)
    values = np.concatenate([random.normal(10.0, 2.0, 9000), random.normal(50.0, 5.0, 3000)]).astype(np.float32)
    assert 15.0 < otsu_threshold(values) < 40.0


def test_bone_has_a_margin_and_ends_at_the_skin():
    body = body_outline(trunk_hu(), SPACING_MM)
    found = bone_flags(trunk_hu(), body, SPACING_MM)
    distance = surface_distance_mm(COLUMN)
    assert found[COLUMN].all()
    assert distance[found].max() == pytest.approx(4.0)
    assert found[(distance > 0.0) & (distance <= 4.0)].all()
    assert not found[~body].any()


def test_specks_and_metal_outside_the_body_are_no_bone():
    hu = trunk_hu()
    hu[10, 20, 30], hu[5, 2, 2:12] = 900.0, 2000.0
    found = bone_flags(hu, body_outline(hu, SPACING_MM), SPACING_MM)
    assert np.array_equal(found, bone_flags(trunk_hu(), body_outline(trunk_hu(), SPACING_MM), SPACING_MM))


def test_soft_tissue_keeps_away_from_bone():
    body = body_outline(trunk_hu(), SPACING_MM)
    found = soft_flags(trunk_hu(), body, SPACING_MM)
    distance = surface_distance_mm(COLUMN)
    assert not found[distance <= 8.0].any()
    assert found[(distance > 12.0) & body & (surface_distance_mm(LUNG) > 8.0)].all()
    assert not found[LUNG & (distance_transform_edt(LUNG) * SPACING_MM > 8.0)].any()
    assert not (found & bone_flags(trunk_hu(), body, SPACING_MM)).any()


def test_a_region_within_reach_of_its_focus():
    focus = np.array([30.0, 20.0, -10.0])
    volume, body = volume_of(trunk_hu()), TRUNK
    near = region_flags(Region("near", RegionKind.PATIENT, focus_mm=focus, reach_mm=50.0), volume, body)
    distance = np.linalg.norm(points_of(GRID) - focus, axis=1).reshape(GRID.shape)
    assert np.array_equal(near, body & (distance <= 50.0))
    assert np.array_equal(region_flags(Region("all", RegionKind.PATIENT), volume, body), body)


def test_a_focus_on_an_oblique_lattice():
    direction = rotation_from_vector([0.2, 0.5, -0.3])
    grid = Grid(PLAN, np.array([7.0, 8.0, 9.0]), np.full(3, 4.0), direction, (30, 20, 25))
    focus, body = grid.points([11.3, 8.2, 14.9]), np.ones(grid.shape, bool)
    near = region_flags(
        Region("near", RegionKind.PATIENT, focus_mm=focus, reach_mm=30.0), volume_of(np.zeros(grid.shape), grid), body
    )
    distance = np.linalg.norm(points_of(grid) - focus, axis=1).reshape(grid.shape)
    assert np.array_equal(near, distance <= 30.0)


def ball_mask(center_mm, radius_mm, spacing_mm=2.0):
    grid = Grid(PLAN, GRID.origin_mm, np.full(3, spacing_mm), np.eye(3), (150, 130, 76))
    inside = np.linalg.norm(points_of(grid) - center_mm, axis=1) <= radius_mm
    return Mask(inside.reshape(grid.shape), grid)


@pytest.mark.parametrize("margin_mm", [0.0, 4.0, 8.0])
def test_contours_grow_by_their_margin(margin_mm):
    """Steps of one voxel reach the margin along the axes and less between: a diamond about a ball."""
    center = np.array([10.0, 0.0, 0.0])
    region = Region("PTV", RegionKind.CONTOURS, mask=ball_mask(center, 30.0), margin_mm=margin_mm)
    found = region_flags(region, volume_of(trunk_hu()), TRUNK)
    distance = np.linalg.norm(points_of(GRID) - center, axis=1).reshape(GRID.shape)
    assert found[distance <= 28.0 + margin_mm / np.sqrt(3.0)].all()
    assert not found[distance > 32.0 + margin_mm].any()


def test_contours_end_at_the_skin():
    region = Region("PTV", RegionKind.CONTOURS, mask=ball_mask(np.array([100.0, 0.0, 0.0]), 40.0), margin_mm=8.0)
    assert not region_flags(region, volume_of(trunk_hu()), TRUNK)[~TRUNK].any()


def test_contours_without_a_mask_are_refused():
    with pytest.raises(InputError, match="Region PTV is made of contours but has no mask"):
        region_flags(Region("PTV", RegionKind.CONTOURS), volume_of(trunk_hu()), TRUNK)
