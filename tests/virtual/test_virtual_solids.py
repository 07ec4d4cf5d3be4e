"""Signed distances against closed forms and brute force; the table against its parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from openigrt.errors import InvalidGeometry, MissingInput
from openigrt.geometry import Frame, Grid, RigidTransform, rotation_from_vector
from openigrt.virtual import (
    Anatomy,
    HalfSpace,
    Layer,
    Loft,
    Operation,
    Organ,
    Part,
    Sheet,
    Superellipsoid,
    Tube,
    render,
    spline_tube,
)

FRAME = Frame.plan("1.2.3")
WATER = (Layer(0.0, 0.0),)
coordinates = st.floats(-40.0, 40.0)


def anatomy_of(*parts: Part, layers: tuple[Layer, ...] = WATER, **kwargs: object) -> Anatomy:
    return Anatomy(FRAME, (Organ("IT", parts, layers),), **kwargs)


def distances(*parts: Part, points: np.ndarray) -> np.ndarray:
    return anatomy_of(*parts).signed_distance_mm("IT", points)


@settings(max_examples=30)
@given(coordinates, coordinates, coordinates)
def test_sphere_is_exact(x, y, z):
    found = distances(Part(Superellipsoid((1, 2, 3), (20, 20, 20))), points=np.array([x, y, z]))
    expected = np.linalg.norm([x - 1, y - 2, z - 3]) - 20.0
    assert found == pytest.approx(max(expected, -20.0), abs=1e-6)


@settings(max_examples=30)
@given(coordinates, coordinates, coordinates)
def test_tube_is_exact_for_a_capsule(x, y, z):
    found = distances(
        Part(Tube(np.array([[-10.0, 0, 0], [15.0, 0, 0]]), np.array([6.0, 6.0]))), points=np.array([x, y, z])
    )
    expected = np.linalg.norm([x - np.clip(x, -10.0, 15.0), y, z]) - 6.0
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "solid",
    [
        Superellipsoid((0, 0, 0), (22, 14, 9), rotation_from_vector((0.3, -0.5, 0.2)), (2.6, 5.0)),
        Tube(np.array([[-10.0, 0, 0], [15.0, 4, 0]]), np.array([8.0, 11.0]), (0.0, 0.6, 0.8), 0.5),
        Loft(np.array([[z, 1, 2, 20, 24, 12, 15, 2.2, 2.8] for z in (-50.0, 0.0, 50.0)])),
    ],
)
def test_distances_agree_with_the_nearest_surface_point_within_a_few_millimetres(solid):
    axis = np.arange(-40.0, 40.5, 1.0)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    field = distances(Part(solid), points=points)
    inside = field < 0.0
    true = distance_transform_edt(~inside) - distance_transform_edt(inside)
    near = np.abs(true) < 4.0
    near[[0, -1]] = near[:, [0, -1]] = near[:, :, [0, -1]] = False
    assert np.abs(field - true)[near].max() < 2.5
    assert np.abs(field - true)[near].mean() < 0.6


def test_sheet_follows_its_landmarks_with_the_stated_thickness():
    ring = np.array([(30 * np.cos(a), 40 * np.sin(a), 0.01 * (30 * np.cos(a)) ** 2) for a in np.linspace(0, 6, 12)])
    inner = np.array([(0.0, 0.0, 0.0), (10.0, 5.0, 1.0), (-12.0, -6.0, 1.44)])
    sheet = Sheet(ring, inner, (0.0, 0.0, -100.0), (3.0, 3.0))
    at = np.array([(0.0, 0, 0), (0.0, 0, 3.0), (0.0, 0, -3.0), (15.0, 10.0, 2.25), (0.0, 0.0, 8.0)])
    found = distances(Part(sheet), points=at)
    assert found == pytest.approx([-3.0, 0.0, 0.0, -3.0, 5.0], abs=0.15)


def test_parts_are_joined_carved_and_clipped_in_order():
    ball, hole = Superellipsoid((0, 0, 0), (20, 20, 20)), Superellipsoid((15, 0, 0), (8, 8, 8))
    parts = (Part(ball), Part(HalfSpace((0, 0, 5), (0, 0, 1)), Operation.INTERSECT), Part(hole, Operation.SUBTRACT))
    points = np.array([(0, 0, 0), (0, 0, 6), (15, 0, 0), (-19, 0, 0)], dtype=float)
    assert (distances(*parts, points=points) < 0.0).tolist() == [True, False, False, True]


def test_a_tube_may_not_clip():
    tube = spline_tube(((0, 0, 0), (10, 0, 0), (20, 5, 0)), (3, 3, 3))
    with pytest.raises(InvalidGeometry, match="clips organ IT"):
        _ = anatomy_of(Part(tube, Operation.INTERSECT)).table


def test_a_tube_needs_a_radius_for_every_point():
    with pytest.raises(InvalidGeometry):
        spline_tube(((0, 0, 0), (10, 0, 0)), (3, 3, 3))


def test_an_unknown_organ_is_named():
    with pytest.raises(MissingInput, match="HEART"):
        anatomy_of(Part(HalfSpace((0, 0, 0), (0, 0, 1)))).signed_distance_mm("HEART", np.zeros(3))


@pytest.mark.parametrize(("uneven_mm", "tolerance_hu"), [(0.0, 1.5), (6.0, 30.0)])
def test_what_a_block_leaves_out_changes_no_voxel(uneven_mm, tolerance_hu):
    """Rows are dropped block by block; with everything evaluated at every voxel the picture must be the same.

    Distances to ellipsoids are to first order, so that far blends may differ by a hundredth of a millimetre.
    """
    rng = np.random.default_rng(5)
    parts = [Part(Superellipsoid((0, 0, 0), (35 + uneven_mm, 35, 35)))]
    parts += [
        Part(Superellipsoid(20 * rng.standard_normal(3), 6 + uneven_mm * rng.random(3)), blend_mm=9.0)
        for _ in range(12)
    ]
    parts += [Part(Superellipsoid(20 * rng.standard_normal(3), (5, 5, 5)), Operation.SUBTRACT, 2.0) for _ in range(8)]
    layers = (Layer(-2.0, 100.0), Layer(0.0, 1000.0), Layer(3.0, 200.0))
    anatomy = anatomy_of(*parts, layers=layers)
    grid = Grid(FRAME, (-60.0, -60.0, -40.0), (1.0, 1.0, 4.0), rotation_from_vector((0.1, 0.2, 0.3)), (121, 121, 21))
    rendered = render(anatomy, grid, RigidTransform.identity(FRAME, FRAME), blur_mm=0.3)
    points = grid.points(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij")[::-1], axis=-1))
    distance = anatomy.signed_distance_mm("IT", points)
    deviation = np.sqrt((grid.spacing_mm**2).mean() / 12.0 + 0.09)
    shares = [1.0 / (1.0 + np.exp((distance + d) * np.pi / np.sqrt(3.0) / deviation)) for d in (-2.0, 0.0, 3.0)]
    expected = -1000.0 + 1100.0 * shares[0] + 900.0 * shares[1] - 800.0 * shares[2]
    assert np.abs(rendered - expected).max() < tolerance_hu
