"""Volumes and shapes of solids from contours, on any grid, against closed forms."""

import numpy as np
import pytest

from openigrt.errors import InvalidGeometry
from openigrt.geometry import rotation_x, rotation_y, rotation_z
from openigrt.patient import (
    Between,
    Ends,
    Filling,
    Gaps,
    Structure,
    StructureRole,
    occupancy_from_structure,
    volume_mm3,
)
from tests.patient.contour_cases import PLAN, grid_of, overlap, planes, ring, sphere, square, structure_of, turned

OBLIQUE = rotation_z(20.0) @ rotation_x(-32.0) @ rotation_y(17.0)
SHAPES = Filling(Between.SHAPES)
PHASES = np.arange(0.05, 1.0, 0.1)
HALF_PERCENT = 0.005


def volume(structure, grid, filling=Filling()):  # noqa: B008 - it is frozen
    return occupancy_from_structure(structure, PLAN, grid, filling).volume_mm3


def around(reach_mm, step_mm, pixel_mm=1.0):
    """A grid round the origin that reaches so far, its slices `step_mm` apart."""
    across, along = int(2 * reach_mm / pixel_mm) + 5, 2 * int(reach_mm / step_mm) + 5
    return grid_of((pixel_mm, pixel_mm, step_mm), (across, across, along))


def solids(step_mm, phase):
    """Contours of solids with their volumes, and by how much planes so far apart may miss them (the last digit apart).

    The sum over planes of areas that run out linearly or as a parabola is off by up to a quarter of the squared step
    over the squared size (Euler-Maclaurin, both ends at their worst); where areas end abruptly, the step must fit.
    """
    sphere_mm, cone_mm, torus_mm = 10.0, 30.0, (25.0, 8.0)
    step2 = step_mm * step_mm
    yield "sphere", sphere(sphere_mm, step_mm, phase), 4 / 3 * np.pi * sphere_mm**3, 0.25 * step2 / sphere_mm**2
    ellipsoid = [
        ring((20.0 * np.sqrt(1 - (z / 15.0) ** 2), 12.0 * np.sqrt(1 - (z / 15.0) ** 2)), z)
        for z in planes(-15.0, 15.0, step_mm, phase)
    ]
    yield "ellipsoid", structure_of(ellipsoid), 4 / 3 * np.pi * 20 * 12 * 15, 0.25 * step2 / 15.0**2
    rows = planes(-18.0, 18.0, step_mm, 0.5)
    yield "cylinder", structure_of([ring(5.0, z) for z in rows]), np.pi * 25.0 * 36.0, 0.0
    leaning = [ring(12.0, z, (0.7 * z, -0.3 * z)) for z in rows]
    yield "leaning cylinder", structure_of(leaning), np.pi * 144.0 * 36.0, 0.0
    yield "box", structure_of([square(7.3, z) for z in rows]), 14.6**2 * 36.0, 0.0
    cone = [ring(0.5 * (cone_mm / 2 - z), z) for z in planes(-cone_mm / 2, cone_mm / 2, step_mm, 0.5)]
    yield "cone", structure_of(cone), np.pi * (cone_mm / 2) ** 2 * cone_mm / 3, 0.25 * step2 / cone_mm**2
    major, minor = torus_mm
    halves = [(np.sqrt(minor**2 - z**2), z) for z in planes(-minor, minor, step_mm, phase)]
    torus = structure_of([ring(major + side * half, z) for half, z in halves for side in (1, -1)])
    # The area runs out like a root here, whose sum converges with the step to 1.5 (the zeta function at -1/2: 0.21).
    yield "torus", torus, 2 * np.pi**2 * major * minor**2, 0.6 * (step_mm / minor) ** 1.5


@pytest.mark.parametrize("step_mm", [1.0, 2.0, 3.0])
def test_volumes_of_solids_are_right_to_half_a_percent_and_what_the_planes_leave_open(step_mm):
    for phase in PHASES:
        for name, structure, expected, left_open in solids(step_mm, phase):
            found = volume(structure, around(38.0, step_mm))
            assert found == pytest.approx(expected, rel=HALF_PERCENT + left_open), (name, phase)


@pytest.mark.parametrize("step_mm", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("radius_mm", [5.0, 10.0, 30.0])
def test_small_spheres_are_right_on_average_over_where_the_planes_lie(radius_mm, step_mm):
    expected = 4 / 3 * np.pi * radius_mm**3
    found = [volume(sphere(radius_mm, step_mm, phase), around(radius_mm + 4, step_mm)) for phase in PHASES]
    assert np.mean(found) == pytest.approx(expected, rel=0.001)
    # A sphere is 0.5 % right wherever its planes lie when they are a seventh of the radius apart.
    assert max(abs(v / expected - 1.0) for v in found) <= max(HALF_PERCENT, 0.25 * (step_mm / radius_mm) ** 2)


@pytest.mark.parametrize("slice_mm", [0.7, 1.0, 2.0, 5.0])
def test_the_slices_of_the_grid_do_not_matter_for_the_volume(slice_mm):
    shape = sphere(20.0, 2.0)
    assert volume(shape, around(24.0, slice_mm, 1.3)) == pytest.approx(volume_mm3(shape), rel=1e-5)


@pytest.mark.parametrize(
    ("rotation", "name"),
    [(OBLIQUE, "oblique"), (rotation_y(90.0), "sagittal"), (rotation_x(90.0), "coronal"), (rotation_z(30.0), "axial")],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize(("radius_mm", "step_mm"), [(5.0, 1.0), (10.0, 2.0), (25.0, 3.0)])
def test_contours_in_any_plane_keep_volume_and_place(rotation, name, radius_mm, step_mm):
    straight, center = sphere(radius_mm, step_mm), np.array([1.0, -2.0, 3.3])
    occupancy = occupancy_from_structure(turned(straight, rotation, center), PLAN, around(radius_mm + 6.0, 2.0))
    assert occupancy.volume_mm3 == pytest.approx(volume_mm3(straight), rel=HALF_PERCENT)
    assert np.linalg.norm(occupancy.centroid_mm - center) < 0.05


def test_an_oblique_grid_through_axial_contours_sees_the_same_solid():
    shape = structure_of([square(15.0, z) for z in np.arange(-9.0, 10.0, 3.0)])
    oblique = grid_of((1.0, 1.2, 2.0), (61, 51, 31), direction=OBLIQUE)
    occupancy = occupancy_from_structure(shape, PLAN, oblique)
    assert occupancy.volume_mm3 == pytest.approx(30.0 * 30.0 * 21.0, rel=HALF_PERCENT)
    k, j, i = np.indices(oblique.shape)
    points = oblique.points(np.stack([i, j, k], axis=-1))
    box = (np.abs(points) < (15.0, 15.0, 10.5)).all(axis=-1)
    assert overlap(occupancy.whole_mask().voxels, box) > 0.985  # 1 mm voxels, cut at random by six faces


def test_one_plane_is_as_thick_as_a_voxel_across_it_or_as_it_is_said():
    grid = around(20.0, 3.0)
    axial, sagittal = structure_of([square(10.0, 0.0)]), structure_of([square(10.0, 0.0) @ rotation_y(90.0).T])
    assert volume(axial, grid) == pytest.approx(400.0 * 3.0, rel=1e-5)
    assert volume(sagittal, grid) == pytest.approx(400.0 * 1.0, rel=0.01)
    assert volume(axial, grid, Filling(slice_mm=2.0)) == pytest.approx(400.0 * 2.0, rel=1e-5)
    assert volume(sagittal, grid, Filling(slice_mm=2.0)) == pytest.approx(400.0 * 2.0, rel=0.01)


@pytest.mark.parametrize("thickness", [0.0, -1.0, np.nan, np.inf])
def test_a_thickness_that_is_none_is_refused(thickness):
    with pytest.raises(InvalidGeometry, match="mm thick"):
        Filling(slice_mm=thickness)


def test_contours_in_different_orientations_are_refused_by_name():
    mixed = [square(10.0, 0.0), square(10.0, 3.0), square(8.0, 0.0) @ rotation_y(90.0).T]
    with pytest.raises(InvalidGeometry, match=r"'BOTH' lie in different orientations: one reaches 16\.0 mm"):
        occupancy_from_structure(structure_of(mixed, "BOTH"), PLAN, around(20.0, 3.0))


def test_between_sparse_planes_shapes_are_nearer_the_truth_than_slabs():
    sparse, grid = (
        structure_of([ring(12.0, z, (0.6 * z, 0.0)) for z in np.arange(-20.0, 21.0, 10.0)]),
        around(45.0, 2.0),
    )
    dense = structure_of([ring(12.0, z, (0.6 * z, 0.0)) for z in np.arange(-20.0, 20.1, 2.0)])
    truth = occupancy_from_structure(dense, PLAN, grid, Filling(ends=Ends.AT_CONTOUR)).whole_mask().voxels
    at_ends = {between: Filling(between, ends=Ends.AT_CONTOUR) for between in Between}
    found = {b: occupancy_from_structure(sparse, PLAN, grid, at_ends[b]).whole_mask().voxels for b in Between}
    slabs, shapes = (overlap(found[between], truth) for between in Between)
    assert shapes > 0.96
    assert slabs < 0.94


def test_shapes_between_two_circles_are_circles_between():
    cone = structure_of([ring(20.0, 0.0), ring(10.0, 10.0)])
    found = occupancy_from_structure(cone, PLAN, around(24.0, 1.0), Filling(Between.SHAPES, ends=Ends.AT_CONTOUR))
    assert found.volume_mm3 == pytest.approx(np.pi * 10.0 / 3.0 * (400.0 + 200.0 + 100.0), rel=HALF_PERCENT)


@pytest.mark.parametrize("filling", [Filling(), SHAPES], ids=["slabs", "shapes"])
def test_a_cylinder_is_one_whichever_way_it_is_filled(filling):
    rows = np.arange(-9.0, 10.0, 3.0)
    found = volume(structure_of([ring(8.0, z) for z in rows]), around(14.0, 3.0), filling)
    assert found == pytest.approx(np.pi * 64.0 * 21.0, rel=HALF_PERCENT)


@pytest.mark.parametrize("between", Between)
def test_gaps_and_ends_are_as_they_are_asked_for(between):
    """Planes 3 mm apart at 0 to 6 and at 18 to 21: without the bridge the middle is empty."""
    rows = [0.0, 3.0, 6.0, 18.0, 21.0]
    shape, grid = structure_of([square(10.0, z) for z in rows]), around(40.0, 1.0)
    lengths_mm = {
        (Gaps.OPEN, Ends.HALF_SLICE): 9.0 + 6.0,
        (Gaps.OPEN, Ends.AT_CONTOUR): 6.0 + 3.0,
        (Gaps.BRIDGED, Ends.HALF_SLICE): 24.0,
        (Gaps.BRIDGED, Ends.AT_CONTOUR): 21.0,
    }
    for (gaps, ends), length_mm in lengths_mm.items():
        found = volume(shape, grid, Filling(between, gaps, ends))
        assert found == pytest.approx(400.0 * length_mm, rel=HALF_PERCENT), (gaps, ends)


def test_a_part_that_branches_is_kept_apart():
    """One ring below, two above: both arms are there, and nothing between them."""
    arms = [ring(6.0, z, (side * 12.0, 0.0)) for z in (4.0, 8.0) for side in (1, -1)]
    found = occupancy_from_structure(structure_of([ring(20.0, 0.0), *arms]), PLAN, around(24.0, 1.0), SHAPES)
    mask = found.whole_mask()
    i, j, k = (int(n) for n in np.rint(mask.grid.indices((12.0, 0.0, 8.0))))
    assert mask.voxels[k, j, i]
    i, j, k = (int(n) for n in np.rint(mask.grid.indices((0.0, 0.0, 8.0))))
    assert not mask.voxels[k, j, i]


def test_keyholes_do_not_show_between_planes_either():
    outer, inner = [ring(20.0, z) for z in (0.0, 6.0)], [ring(8.0, z) for z in (0.0, 6.0)]
    keyholes = [np.vstack([o, o[:1], i[:1], i[::-1]]) for o, i in zip(outer, inner, strict=True)]
    grid = around(24.0, 1.0)
    rings = volume(structure_of([*outer, *inner]), grid, SHAPES)
    assert rings == pytest.approx(np.pi * (400.0 - 64.0) * 12.0, rel=HALF_PERCENT)
    assert volume(structure_of(keyholes), grid, SHAPES) == pytest.approx(rings, rel=1e-4)


def test_an_outline_far_larger_than_the_grid_fills_it():
    huge = structure_of([square(9e4, z) for z in (-3.0, 0.0, 3.0)])
    grid = around(10.0, 1.0)
    for filling in (Filling(), SHAPES):
        found = occupancy_from_structure(huge, PLAN, grid, filling)
        assert found.volume_mm3 == pytest.approx(25.0 * 25.0 * 9.0, rel=0.01)


def test_a_plane_that_ends_upon_itself_fills_nothing():
    assert volume(structure_of([square(10.0, 0.0)]), around(12.0, 3.0), Filling(ends=Ends.AT_CONTOUR)) == 0.0


def test_a_structure_without_area_fills_nothing():
    lines = Structure(1, "LINE", StructureRole.ORGAN, structure_of([np.zeros((5, 3))]).contours)
    assert volume(lines, around(10.0, 1.0)) == 0.0
    with pytest.raises(InvalidGeometry, match="span no plane"):
        volume(turned(structure_of([[[0, 0, 0], [5, 0, 0], [9, 0, 0]]]), OBLIQUE), around(10.0, 1.0))
