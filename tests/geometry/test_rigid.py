"""Rigid transforms: scipy as the oracle of rotations, group laws, and frames that must match."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import (
    Frame,
    RigidTransform,
    TableAngles,
    fit_rigid,
    renormalised_rotation,
    rotation_angle_deg,
    rotation_from_vector,
    rotation_x,
    rotation_y,
    rotation_z,
)

A, B, C, D = Frame.plan("1"), Frame.daily("1"), Frame.daily("2"), Frame.FIXED

component = st.floats(-4.0, 4.0)
vectors3 = st.tuples(component, component, component).map(np.array)
shifts = st.tuples(*[st.floats(-1000.0, 1000.0)] * 3).map(np.array)
any_angle = st.floats(-180.0, 180.0)


def transforms(to_frame, from_frame):
    def build(vector, shift):
        return RigidTransform(to_frame, from_frame, rotation_from_vector(vector), shift)

    return st.builds(build, vectors3, shifts)


def assert_equal_transforms(found, expected):
    assert (found.to_frame, found.from_frame) == (expected.to_frame, expected.from_frame)
    assert found.rotation == pytest.approx(expected.rotation, abs=1e-12)
    assert found.translation_mm == pytest.approx(expected.translation_mm, abs=1e-9)


@given(transforms(A, B))
def test_a_transform_and_its_inverse_cancel(a_from_b):
    assert_equal_transforms(a_from_b @ a_from_b.inverse(), RigidTransform.identity(A, A))
    assert_equal_transforms(a_from_b.inverse() @ a_from_b, RigidTransform.identity(B, B))
    assert_equal_transforms(a_from_b.inverse().inverse(), a_from_b)


@given(transforms(A, B), transforms(B, C), transforms(C, D), shifts)
def test_composition_is_associative_and_is_one_map_after_the_other(a_from_b, b_from_c, c_from_d, point):
    assert_equal_transforms((a_from_b @ b_from_c) @ c_from_d, a_from_b @ (b_from_c @ c_from_d))
    assert (a_from_b @ b_from_c).points(point) == pytest.approx(a_from_b.points(b_from_c.points(point)), abs=1e-9)
    assert (a_from_b @ b_from_c).matrix4() == pytest.approx(a_from_b.matrix4() @ b_from_c.matrix4(), abs=1e-9)


def test_a_long_chain_stays_a_rotation():
    step = RigidTransform(A, A, rotation_from_vector((0.3, -0.2, 0.1)), np.array([1.0, 2.0, 3.0]))
    chain = step
    for _ in range(2000):
        chain = chain @ step
    assert np.abs(chain.rotation @ chain.rotation.T - np.eye(3)).max() < 1e-12


@given(transforms(A, B), transforms(C, D))
def test_frames_that_are_no_neighbours_do_not_compose(a_from_b, c_from_d):
    with pytest.raises(FrameMismatch) as raised:
        a_from_b @ c_from_d
    assert raised.value.facts == {"left": str(B), "right": str(C)}
    with pytest.raises(FrameMismatch):
        a_from_b.require_frames(B, A, "Matching")


def test_plan_and_daily_of_one_frame_of_reference_are_two_frames():
    assert Frame.plan("1.2") != Frame.daily("1.2")
    with pytest.raises(FrameMismatch):
        RigidTransform.identity(A, Frame.plan("1.2")) @ RigidTransform.identity(Frame.daily("1.2"), A)


@given(vectors3)
@example(np.zeros(3))
@example(np.array([1e-12, 0.0, 0.0]))
@example(np.array([np.pi, 0.0, 0.0]))
def test_rotation_vectors_as_in_scipy(vector):
    expected = Rotation.from_rotvec(vector)
    assert rotation_from_vector(vector) == pytest.approx(expected.as_matrix(), abs=1e-14)
    assert rotation_angle_deg(rotation_from_vector(vector)) == pytest.approx(np.rad2deg(expected.magnitude()), abs=1e-6)


@given(any_angle, any_angle, any_angle)
def test_table_angles_are_intrinsic_zxy(yaw, pitch, roll):
    expected = Rotation.from_euler("ZXY", [yaw, pitch, roll], degrees=True).as_matrix()
    assert TableAngles(yaw, pitch, roll).matrix() == pytest.approx(expected, abs=1e-14)


@given(any_angle, any_angle, any_angle)
@example(30.0, 90.0, 20.0)
@example(-170.0, -90.0, 20.0)
@example(180.0, 0.0, 180.0)
def test_angles_read_back_make_the_same_matrix(yaw, pitch, roll):
    matrix = TableAngles(yaw, pitch, roll).matrix()
    found = TableAngles.from_matrix(matrix)
    assert found.matrix() == pytest.approx(matrix, abs=1e-8)
    assert abs(found.pitch_deg) <= 90.0
    assert max(abs(found.yaw_deg), abs(found.roll_deg)) <= 180.0


@given(any_angle, st.floats(-85.0, 85.0), any_angle)
def test_angles_are_read_back_as_they_were(yaw, pitch, roll):
    found = TableAngles.from_matrix(TableAngles(yaw, pitch, roll).matrix())
    for angle, expected in ((found.yaw_deg, yaw), (found.pitch_deg, pitch), (found.roll_deg, roll)):
        assert abs((angle - expected + 180.0) % 360.0 - 180.0) < 1e-9


def test_single_axes_turn_the_right_hand_way():
    assert rotation_x(90.0) @ (0, 1, 0) == pytest.approx([0, 0, 1])
    assert rotation_y(90.0) @ (0, 0, 1) == pytest.approx([1, 0, 0])
    assert rotation_z(90.0) @ (1, 0, 0) == pytest.approx([0, 1, 0])


@given(transforms(A, B), shifts, shifts)
def test_a_transform_about_points_says_where_they_land(a_from_b, to_point, from_point):
    shift = a_from_b.shift_about_points_mm(to_point, from_point)
    again = RigidTransform.about_points((A, to_point), (B, from_point), a_from_b.rotation, shift)
    assert_equal_transforms(again, a_from_b)


@given(transforms(A, B))
def test_the_matrix_of_a_transform_makes_it_again(a_from_b):
    assert RigidTransform.from_matrix4(A, B, a_from_b.matrix4()) == a_from_b


@given(transforms(A, B), st.integers(0, 2**32 - 1))
def test_a_fit_to_points_finds_the_transform(a_from_b, seed):
    points = np.random.default_rng(seed).uniform(-100.0, 100.0, (5, 3))
    rotation, translation = fit_rigid(a_from_b.points(points), points)
    assert rotation == pytest.approx(a_from_b.rotation, abs=1e-9)
    assert translation == pytest.approx(a_from_b.translation_mm, abs=1e-7)


def test_a_fit_to_a_plane_of_points_is_no_mirror():
    points = np.array([[0, 0, 0], [10, 0, 0], [0, 20, 0], [7, 7, 0]], dtype=float)
    rotation, _ = fit_rigid(points @ rotation_x(170.0).T, points)
    assert rotation == pytest.approx(rotation_x(170.0))


@pytest.mark.parametrize(
    ("to_points", "from_points"),
    [
        (np.zeros((3, 3)), np.zeros((3, 3))),
        (np.outer(range(4), [1.0, 2.0, 3.0]), np.outer(range(4), [1.0, 2.0, 3.0])),
        (np.eye(3), np.eye(4)[:, :3]),
        (np.full((3, 3), np.nan), np.eye(3)),
    ],
)
def test_points_that_fix_no_transform_are_refused(to_points, from_points):
    with pytest.raises(InvalidGeometry, match="rigid fit"):
        fit_rigid(to_points, from_points)


@pytest.mark.parametrize(
    "rotation", [2.0 * np.eye(3), np.diag([1.0, 1.0, -1.0]), np.zeros((3, 3)), np.full((3, 3), np.nan), np.eye(2)]
)
def test_scaled_mirrored_and_broken_matrices_are_refused(rotation):
    with pytest.raises(InvalidGeometry):
        RigidTransform(A, B, rotation, np.zeros(3))


def test_a_projective_matrix_is_refused():
    with pytest.raises(InvalidGeometry, match="last row"):
        RigidTransform.from_matrix4(A, B, np.diag([1.0, 1.0, 1.0, 2.0]))


def test_a_rounded_rotation_is_renormalised():
    rounded = np.round(rotation_from_vector((0.3, 0.2, -0.1)), 4)
    assert np.abs(rounded @ rounded.T - np.eye(3)).max() > 1e-6
    repaired = renormalised_rotation(rounded)
    assert repaired @ repaired.T == pytest.approx(np.eye(3), abs=1e-14)
    assert repaired == pytest.approx(rounded, abs=1e-4)


def test_equal_transforms_hash_alike_and_are_read_only():
    identity = RigidTransform.identity(A, A)
    assert identity == identity.inverse()
    assert hash(identity) == hash(identity.inverse())
    with pytest.raises(ValueError, match="read-only"):
        identity.rotation[0, 0] = 2.0
