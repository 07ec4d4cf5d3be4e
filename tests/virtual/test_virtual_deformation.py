"""Deformations of the virtual patient against closed forms: known at every point, forward and back."""

import numpy as np
import pytest

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Frame, Grid, RigidTransform, rotation_from_vector
from openigrt.virtual import (
    Anatomy,
    Deformation,
    Layer,
    LocalMotion,
    Organ,
    Part,
    Ramp,
    Region,
    Stiffness,
    Superellipsoid,
    Swelling,
    Widening,
    render,
    stiffness_of,
)

FRAME = Frame.plan("1.2.3")


def somewhere(count: int = 20_000, reach_mm: float = 200.0) -> np.ndarray:
    return np.random.default_rng(5).uniform(-reach_mm, reach_mm, (count, 3))


def ball(radius_mm: float = 20.0, deformation: Deformation | None = None) -> Anatomy:
    organ = Organ("BALL", (Part(Superellipsoid((0, 0, 0), (radius_mm,) * 3)),), (Layer(0.0, 50.0),))
    anatomy = Anatomy(FRAME, (organ,))
    return anatomy if deformation is None else anatomy.deformed(deformation)


MOVES = {
    "motion": LocalMotion(Region((10, 5, 0), (30, 20, 25)), (4, -6, 5), (4, 3, -5)),
    "hinge": LocalMotion(None, rotation_deg=(6, 0, 0), pivot_mm=(0, 40, 80), ramp=Ramp((0, 0, 1), 40, 160)),
    "growth": Swelling(Region((0, -40, 20), (40, 35, 30), 2.5), 2.0),
    "loss": Swelling(Region((0, -40, 20), (40, 35, 30), 2.5), 0.4),
    "wide": Widening(Region((0, 40, 0), (15, 12, 40), 2.5), 1.8),
    "narrow": Widening(Region((0, 40, 0), (15, 12, 40), 2.5), 0.5),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_move_is_taken_back_everywhere(name: str):
    deformation, points = Deformation((MOVES[name],)), somewhere()
    assert np.abs(deformation.rest_mm(deformation.moved_mm(points)) - points).max() < 1e-5
    assert np.abs(deformation.moved_mm(deformation.rest_mm(points)) - points).max() < 1e-5
    assert np.abs(deformation.moved_mm(points) - points).max() > 1.0


def test_moves_one_after_the_other_are_taken_back_in_the_opposite_order():
    deformation, points = Deformation(tuple(MOVES[n] for n in ("growth", "motion", "wide", "hinge"))), somewhere()
    one_by_one = points
    for move in deformation.moves:
        one_by_one = Deformation((move,)).moved_mm(one_by_one)
    np.testing.assert_allclose(deformation.moved_mm(points), one_by_one, atol=1e-12)
    assert np.abs(deformation.rest_mm(one_by_one) - points).max() < 1e-5


def test_a_region_moves_as_a_rigid_body_and_the_rest_stays():
    region = Region((10, 5, 0), (30, 20, 25), reach=2.0)
    deformation, points = Deformation((LocalMotion(region, (4, -6, 5), (4, 3, -5)),)), somewhere()
    share = np.linalg.norm((points - region.center_mm) / np.array(region.semi_axes_mm), axis=1)
    turn = rotation_from_vector(np.deg2rad([4.0, 3.0, -5.0]))
    rigid = (points - region.center_mm) @ turn.T + region.center_mm + (4, -6, 5)
    inside, outside = share < 1.0, share > 2.5  # the region goes along by up to 9 mm
    assert inside.sum() > 15
    np.testing.assert_allclose(deformation.moved_mm(points)[inside], rigid[inside], atol=1e-9)
    assert np.array_equal(deformation.moved_mm(points)[outside], points[outside])


def test_a_hinge_turns_all_beyond_its_ramp_about_its_pivot():
    deformation = Deformation((MOVES["hinge"],))
    turn = rotation_from_vector(np.deg2rad([6.0, 0.0, 0.0]))
    head, foot = (somewhere() + np.array([0.0, 0.0, z]) for z in (400.0, -400.0))
    pivot = np.array([0.0, 40.0, 80.0])
    np.testing.assert_allclose(deformation.moved_mm(head), (head - pivot) @ turn.T + pivot, atol=1e-9)
    assert np.array_equal(deformation.moved_mm(foot), foot)


@pytest.mark.parametrize("factor", [0.3, 0.7, 1.5, 2.5])
def test_an_organ_swells_to_the_volume_that_was_asked_for(factor: float):
    """A sphere grows to a sphere, and what lies close round it is pushed out whole (r³ - gained volume)."""
    deformation = Deformation((Swelling(Region((0, 0, 0), (20, 20, 20), reach=4.0), factor),))
    direction = np.array([0.36, 0.48, 0.8])
    surface = deformation.moved_mm(20.0 * direction)
    np.testing.assert_allclose(surface, 20.0 * factor ** (1 / 3) * direction, atol=1e-9)
    close = np.linalg.norm(deformation.moved_mm(22.0 * direction))
    assert close**3 == pytest.approx(22.0**3 + (factor - 1.0) * 20.0**3, rel=0.01)
    assert np.array_equal(deformation.moved_mm(80.01 * direction), 80.01 * direction)


def test_a_hollow_organ_widens_over_its_length_and_not_along_it():
    deformation = Deformation((Widening(Region((0, 0, 0), (12, 12, 30), 3.0), 1.44),))
    np.testing.assert_allclose(deformation.moved_mm([12.0, 0.0, 10.0]), (14.4, 0.0, 10.0), atol=1e-9)
    np.testing.assert_allclose(deformation.moved_mm([0.0, 6.0, -29.0]), (0.0, 7.2, -29.0), atol=1e-9)
    assert np.array_equal(deformation.moved_mm([12.0, 0.0, 61.0]), (12.0, 0.0, 61.0))


def test_bone_stays_where_soft_tissue_moves():
    bone = Organ("BONE", (Part(Superellipsoid((60, 0, 0), (15, 15, 60))),), (Layer(0.0, 800.0),))
    anatomy = Anatomy(FRAME, (bone,))
    stiffness = stiffness_of(anatomy, ["BONE"])
    deformation = Deformation((Swelling(Region((0, 0, 0), (35, 35, 35), 3.0), 1.5),), stiffness)
    points = somewhere(reach_mm=90.0)
    inside = anatomy.signed_distance_mm("BONE", points) < 0.0
    moved = np.linalg.norm(deformation.moved_mm(points) - points, axis=1)
    free = np.linalg.norm(Deformation(deformation.moves).moved_mm(points) - points, axis=1)
    assert moved[inside].max() < 1e-3
    assert free[inside].max() > 1.0
    assert np.abs(deformation.rest_mm(deformation.moved_mm(points)) - points).max() < 1e-4


def test_the_skeleton_moves_where_it_is_meant_to():
    everywhere = Stiffness(np.ones((101, 101, 101), np.float32), np.full(3, -200.0), 4.0)
    hinge = LocalMotion(Region((0, 0, 0), (30, 30, 30)), (5, 0, 0), is_soft=False)
    assert np.array_equal(Deformation((hinge,), everywhere).moved_mm([1.0, 2.0, 3.0]), (6.0, 2.0, 3.0))
    soft = LocalMotion(Region((0, 0, 0), (30, 30, 30)), (5, 0, 0))
    assert np.array_equal(Deformation((soft,), everywhere).moved_mm([1.0, 2.0, 3.0]), (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("move", "sentence"),
    [
        (LocalMotion(Region((0, 0, 0), (10, 10, 10), 1.5), (0, 0, 9)), "fold the tissue"),
        (Swelling(Region((0, 0, 0), (10, 10, 10), 1.3), 3.0), "cannot grow"),
        (Swelling(Region((0, 0, 0), (10, 10, 10)), 0.0), "factor above 0"),
        (LocalMotion(Region((0, 0, 0), (10, 0, 10)), (0, 0, 1)), "semi-axes above 0"),
        (LocalMotion(Region((0, 0, 0), (10, 10, 10), 1.0), (0, 0, 1)), "reach above 1"),
        (LocalMotion(None, ramp=Ramp((0, 0, 1), 3.0, 3.0)), "start and an end that differ"),
    ],
)
def test_what_no_tissue_could_do_is_refused(move: LocalMotion | Swelling, sentence: str):
    with pytest.raises(InvalidGeometry, match=sentence):
        Deformation((move,)).moved_mm([0.0, 0.0, 0.0])


def test_a_moved_organ_is_rendered_where_it_has_gone():
    """A ball that moves whole is the same ball elsewhere: HU of the closed form, whatever came of the rest."""
    shift = np.array([6.0, -4.0, 3.0])
    grid = Grid(FRAME, np.full(3, -39.0), np.full(3, 2.0), np.eye(3), (40, 40, 40))
    still = RigidTransform.identity(FRAME, FRAME)
    moved = render(ball(12.0, Deformation((LocalMotion(Region((0, 0, 0), (16,) * 3, 2.0), shift),))), grid, still)
    elsewhere = Anatomy(FRAME, ball(12.0).organs, origin_mm=shift)
    np.testing.assert_allclose(moved, render(elsewhere, grid, still), atol=0.01)


def test_distance_box_and_points_of_a_moved_anatomy_agree():
    deformation = Deformation((LocalMotion(Region((0, 0, 0), (25,) * 3), (8, 0, 0)),))
    anatomy = ball(20.0, deformation)
    np.testing.assert_allclose(
        anatomy.signed_distance_mm("BALL", [[8.0, 0.0, 0.0], [28.0, 0.0, 0.0]]), (-20, 0), atol=1e-6
    )
    low, high = anatomy.bounds_mm("BALL")
    assert (low <= (-12, -20, -20)).all()
    assert (high >= (28, 20, 20)).all()
    np.testing.assert_allclose(anatomy.rest_mm(anatomy.moved_mm([3.0, 4.0, 5.0])), (3, 4, 5), atol=1e-6)
