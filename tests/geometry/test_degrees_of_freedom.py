"""Fewer than six degrees of freedom: clinical vectors, brute force, and that more freedom never leaves more."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import (
    CouchPose,
    DegreesOfFreedom,
    Frame,
    RigidTransform,
    TableAngles,
    displacement_of_rotation_mm,
    nearest_motion,
    pose_after_motion,
    residual_vectors_mm,
    root_mean_square_mm,
    rotation_angle_deg,
    rotation_from_vector,
    rotation_of_displacement_deg,
    rotation_x,
    rotation_z,
)

VECTORS = ("C-29", "C-30", "C-31", "C-42")


def cube(given_):
    half = given_["half"]
    corners = np.array([[x, y, z] for x in (-half, half) for y in (-half, half) for z in (-half, half)])
    return corners + np.array(given_["center"])


def fixed_motion(rotation, translation):
    return RigidTransform(Frame.FIXED, Frame.FIXED, rotation, np.asarray(translation, dtype=float))


def root_mean_square_left(required, degrees, points, weights=None, start=None):
    made = nearest_motion(required, degrees, points, weights, start)
    return root_mean_square_mm(residual_vectors_mm(required, made, points), weights)


def test_translation_follows_the_centroid_of_the_target(vectors, agrees):
    given_, expected = vectors["C-29"]["input"], vectors["C-29"]["expected"]
    required = fixed_motion(rotation_x(given_["pitch"]), given_["t"])
    made = nearest_motion(required, DegreesOfFreedom.TRANSLATION, cube(given_))
    left = residual_vectors_mm(required, made, cube(given_))
    agrees("C-29", made.translation_mm, expected["T"])
    agrees("C-29", root_mean_square_mm(left), expected["rms"])
    agrees("C-29", np.linalg.norm(left, axis=1).max(), expected["max"])
    naive = fixed_motion(np.eye(3), given_["t"])
    agrees("C-29", naive.translation_mm, expected["naive_T"])
    at_centroid = residual_vectors_mm(required, naive, [given_["center"]])
    agrees("C-29", np.linalg.norm(at_centroid), expected["naive_error_at_centroid"])


def test_translation_and_yaw(vectors, agrees):
    given_, expected = vectors["C-30"]["input"], vectors["C-30"]["expected"]
    required = fixed_motion(TableAngles(2.0, -1.5, 1.0).matrix(), (1.0, -2.0, 3.0))
    made = nearest_motion(required, DegreesOfFreedom.TRANSLATION_YAW, cube(given_))
    agrees("C-30", TableAngles.from_matrix(made.rotation).yaw_deg, expected["yaw"])
    agrees("C-30", made.translation_mm, expected["T"])
    agrees("C-30", root_mean_square_mm(residual_vectors_mm(required, made, cube(given_))), expected["rms"])


def test_displacement_of_a_rotation(vectors, agrees):
    given_ = vectors["C-31"]["input"]
    pairs = zip(given_["theta"], given_["r"], strict=True)
    agrees("C-31", [displacement_of_rotation_mm(angle, r) for angle, r in pairs], vectors["C-31"]["expected"])


def test_rotation_of_a_displacement(vectors, agrees):
    given_ = vectors["C-42"]["input"]
    found = [rotation_of_displacement_deg(displacement, given_["r"]) for displacement in given_["d"]]
    agrees("C-42", found, vectors["C-42"]["expected"])


small_angle = st.floats(-10.0, 10.0)
shift = st.floats(-30.0, 30.0)
motions = st.builds(
    lambda vector, moved: fixed_motion(rotation_from_vector(np.deg2rad(vector)), moved),
    st.tuples(small_angle, small_angle, small_angle),
    st.tuples(shift, shift, shift),
)
coordinate = st.floats(-80.0, 80.0)
clouds = st.lists(st.tuples(coordinate, coordinate, coordinate, st.floats(0.1, 5.0)), min_size=1, max_size=12).map(
    np.array
)
starts = st.builds(lambda support, roll: CouchPose(0, 300, -100, support, 1.0, roll), st.floats(0, 360), small_angle)


@given(motions, clouds, starts)
def test_more_freedom_never_leaves_more(required, cloud, start):
    points, weights = cloud[:, :3], cloud[:, 3]
    left = [root_mean_square_left(required, degrees, points, weights, start) for degrees in DegreesOfFreedom]
    assert all(more <= fewer + 1e-6 for fewer, more in pairwise(left))
    assert left[-1] < 1e-9


@given(motions, clouds, starts)
def test_the_couch_uses_no_axis_that_it_does_not_have(required, cloud, start):
    def end(degrees):
        return pose_after_motion(nearest_motion(required, degrees, cloud[:, :3], cloud[:, 3], start), start)

    three = end(DegreesOfFreedom.TRANSLATION)
    assert three.patient_support_angle_deg == pytest.approx(start.patient_support_angle_deg, abs=1e-9)
    for degrees in (DegreesOfFreedom.TRANSLATION, DegreesOfFreedom.TRANSLATION_YAW):
        assert end(degrees).table_top_pitch_angle_deg == pytest.approx(start.table_top_pitch_angle_deg, abs=1e-9)
    for degrees in (DegreesOfFreedom.TRANSLATION_YAW, DegreesOfFreedom.TRANSLATION_YAW_PITCH):
        assert end(degrees).table_top_roll_angle_deg == pytest.approx(start.table_top_roll_angle_deg, abs=1e-8)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("degrees", [DegreesOfFreedom.TRANSLATION_YAW, DegreesOfFreedom.TRANSLATION_YAW_PITCH])
def test_no_other_motion_of_the_couch_does_better(seed, degrees):
    """The oracle minimises over the axes of the couch themselves, through the kinematics."""
    random = np.random.default_rng(seed)
    points, weights = random.normal(0.0, [20.0, 40.0, 15.0], (40, 3)) + 30.0, random.uniform(0.1, 1.0, 40)
    required = fixed_motion(rotation_from_vector(random.normal(0.0, 0.05, 3)), random.normal(0.0, 5.0, 3))
    support_deg = random.uniform(0.0, 360.0)
    free_angles = degrees - 3

    def misfit(axes):
        yaw_deg, pitch_deg = (*axes[3:], 0.0)[:2]
        turn = rotation_z(support_deg + yaw_deg) @ rotation_x(pitch_deg) @ rotation_z(-support_deg)
        made = fixed_motion(turn, axes[:3])
        return root_mean_square_mm(residual_vectors_mm(required, made, points), weights)

    best = minimize(misfit, np.zeros(3 + free_angles), method="BFGS", options={"gtol": 1e-8})
    found = root_mean_square_left(required, degrees, points, weights, CouchPose(patient_support_angle_deg=support_deg))
    assert found == pytest.approx(best.fun, abs=1e-5)


@pytest.mark.parametrize("degrees", DegreesOfFreedom)
@pytest.mark.parametrize("along", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.001, 0.0, 1.0), (0.3, -0.2, 0.5)])
def test_a_rod_asks_for_no_half_turn(degrees, along):
    rod = np.outer(np.linspace(-40.0, 40.0, 9), along)
    required = fixed_motion(rotation_from_vector(np.deg2rad((0.5, 1.0, -0.4))), (1.0, 2.0, 3.0))
    made = nearest_motion(required, degrees, rod)
    assert rotation_angle_deg(made.rotation) < 2.0 * rotation_angle_deg(required.rotation)


@pytest.mark.parametrize("degrees", DegreesOfFreedom)
def test_one_point_is_met_without_any_turn(degrees):
    required = fixed_motion(TableAngles(2.0, -1.5, 1.0).matrix(), (1.0, -2.0, 3.0))
    made = nearest_motion(required, degrees, [(10.0, 50.0, -20.0)])
    assert np.abs(residual_vectors_mm(required, made, [(10.0, 50.0, -20.0)])).max() < 1e-9
    if degrees != DegreesOfFreedom.ALL:
        assert made.rotation == pytest.approx(np.eye(3))


def test_the_pitch_of_a_turned_couch_is_about_its_own_axis():
    """At a support angle of 90 the table's pitch is a turn about the fixed y axis: five degrees of freedom make it."""
    about_y = fixed_motion(TableAngles(0.0, 0.0, 3.0).matrix(), (0.0, 0.0, 0.0))
    points = cube({"half": 20.0, "center": (5.0, 40.0, -20.0)})
    turned = CouchPose(patient_support_angle_deg=90.0)
    assert root_mean_square_left(about_y, DegreesOfFreedom.TRANSLATION_YAW_PITCH, points, None, turned) < 1e-6
    assert root_mean_square_left(about_y, DegreesOfFreedom.TRANSLATION_YAW_PITCH, points) > 0.5


def test_unusable_points_weights_and_frames_are_refused():
    identity = RigidTransform.identity(Frame.FIXED, Frame.FIXED)
    for points in (np.zeros((0, 3)), np.zeros(3), np.full((2, 3), np.nan)):
        with pytest.raises(InvalidGeometry):
            nearest_motion(identity, DegreesOfFreedom.TRANSLATION, points)
    for weights in ([1.0], [-1.0, 2.0], [0.0, 0.0]):
        with pytest.raises(InvalidGeometry):
            nearest_motion(identity, DegreesOfFreedom.TRANSLATION, np.zeros((2, 3)), weights)
    with pytest.raises(InvalidGeometry, match="No rotation"):
        rotation_of_displacement_deg(3.0, 1.0)
    with pytest.raises(FrameMismatch):
        nearest_motion(
            RigidTransform.identity(Frame.GANTRY, Frame.GANTRY), DegreesOfFreedom.TRANSLATION, np.zeros((1, 3))
        )
