"""The skin as cameras see it: on the true surface, in the right place, and missing where it cannot be seen."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pydicom
import pytest
from scipy.optimize import least_squares

from openigrt.dicom import read_meshes, read_point_cloud, write_mesh, write_point_cloud
from openigrt.errors import InputError, MissingInput
from openigrt.geometry import Frame, RigidTransform, rotation_angle_deg, rotation_from_vector
from openigrt.images import PointCloud
from openigrt.virtual import (
    CEILING_PODS,
    CameraPod,
    Day,
    PatientOnCouch,
    SurfaceSystem,
    TreatmentHead,
    seen_meshes,
    seen_surface,
)
from tests.dicom.writing_cases import series_header
from tests.virtual.lying_cases import EVEN, HALF_AXES_MM, lying

PODS = tuple(replace(pod, points=(60, 45)) for pod in CEILING_PODS)
SYSTEM = SurfaceSystem(PODS)


@pytest.fixture(scope="module")
def there() -> PatientOnCouch:
    return lying()


@pytest.fixture(scope="module")
def cloud(there: PatientOnCouch) -> PointCloud:
    return seen_surface(there, 0.0, np.random.default_rng(1), SYSTEM)


def off_the_ellipsoid_mm(points_mm: np.ndarray) -> np.ndarray:
    """Distance to an ellipsoid to first order, by its own formula and not the anatomy's: (f - 1) / |gradient f|."""
    f = np.linalg.norm(points_mm / HALF_AXES_MM, axis=-1)
    return (f - 1.0) * f / np.linalg.norm(points_mm / HALF_AXES_MM**2, axis=-1)


def test_points_lie_on_the_skin_within_their_noise(there: PatientOnCouch, cloud: PointCloud):
    assert cloud.frame == Frame.FIXED
    assert len(cloud.points_mm) > 2000
    off_mm = off_the_ellipsoid_mm(there.fixed_from_plan(0.0).inverse().points(cloud.points_mm))
    assert abs(off_mm.mean()) < 4.0 * 0.4 / np.sqrt(len(off_mm))
    assert 0.2 < off_mm.std() < 0.4  # along the rays it is 0.4 mm, and more where the skin is steep
    exact = SurfaceSystem(tuple(replace(pod, noise_mm=0.0) for pod in PODS))
    points_mm = seen_surface(there, 0.0, np.random.default_rng(1), exact).points_mm
    assert np.abs(off_the_ellipsoid_mm(there.fixed_from_plan(0.0).inverse().points(points_mm))).max() < 2e-3


def test_what_is_steep_or_behind_is_not_seen(there: PatientOnCouch):
    for pod in PODS:
        alone = SurfaceSystem((replace(pod, noise_mm=0.0, steepest_deg=60.0),))
        points_mm = seen_surface(there, 0.0, np.random.default_rng(2), alone).points_mm
        inside = there.fixed_from_plan(0.0).inverse().points(points_mm)
        normals = there.fixed_from_plan(0.0).vectors(inside / HALF_AXES_MM**2)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        rays = points_mm - np.array(pod.place_mm)
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        slopes_deg = np.rad2deg(np.arccos(-(normals * rays).sum(axis=1)))
        assert 50.0 < slopes_deg.max() < 60.5


def test_fitted_to_the_planned_skin_they_give_the_true_motion(there: PatientOnCouch, cloud: PointCloud):
    """The couch must undo how he lies: the motion that brings the points onto the planned skin, by least squares."""
    planned = there.planned_place(there.setup_couch).inverse().points(cloud.points_mm)
    isocenter = there.patient.isocenter_mm

    def moved(p: np.ndarray) -> np.ndarray:
        return (planned - isocenter) @ rotation_from_vector(np.deg2rad(p[3:])).T + isocenter + p[:3]

    fit = least_squares(lambda p: off_the_ellipsoid_mm(moved(p)), np.zeros(6)).x
    frame = there.patient.anatomy.frame
    rotation = rotation_from_vector(np.deg2rad(fit[3:]))
    about = RigidTransform(frame, frame, rotation, isocenter + fit[:3] - rotation @ isocenter)
    in_room = there.planned_place(there.setup_couch)
    found = in_room @ about @ in_room.inverse()
    left = found @ there.body_motion(0.0)
    assert rotation_angle_deg(left.rotation) < 0.1
    assert np.linalg.norm(left.points((0.0, 0.0, 0.0))) < 0.15


def test_a_system_that_is_off_sees_all_the_other_way(there: PatientOnCouch, cloud: PointCloud):
    off = SurfaceSystem(PODS, (1.0, -0.5, 0.3))
    other = seen_surface(there, 0.0, np.random.default_rng(1), off)
    np.testing.assert_allclose(cloud.points_mm - other.points_mm, np.tile((1.0, -0.5, 0.3), (len(cloud.points_mm), 1)))


def test_the_head_hides_what_lies_behind_it():
    """Against points along each line of sight, tried one by one."""
    rng = np.random.default_rng(3)
    points_mm = rng.uniform((-250, -300, -50), (250, 300, 110), (300, 3))
    for angle_deg, pod in ((0.0, PODS[0]), (45.0, PODS[0]), (315.0, PODS[1]), (20.0, PODS[2])):
        head = TreatmentHead(angle_deg)
        hidden = head.hides(pod.place_mm, points_mm)
        turn = np.deg2rad(angle_deg)
        up = np.array([np.sin(turn), 0.0, np.cos(turn)])
        ways = np.array(pod.place_mm) + np.linspace(0.0, 1.0, 2001)[:, None, None] * (
            points_mm - np.array(pod.place_mm)
        )
        height = ways @ up
        aside = np.linalg.norm(ways - height[..., None] * up, axis=-1)
        expected = ((height > 420.0) & (height < 1400.0) & (aside < 380.0)).any(axis=0)
        assert (hidden != expected).mean() < 0.01
    assert TreatmentHead(45.0).hides(PODS[0].place_mm, points_mm).mean() > 0.8
    assert TreatmentHead(270.0).hides(PODS[0].place_mm, points_mm).mean() < 0.05


def test_breathing_skin_is_seen_where_it_is():
    there = lying(Day(1, breathing=EVEN))
    inhaled_s = next(t for t in np.arange(0.0, 4.0, 0.02) if EVEN.depth_and_flow(t)[0] > 0.995)
    over = SurfaceSystem((CameraPod("over", (0.0, -900.0, 1500.0), noise_mm=0.0, points=(60, 45)),))
    points_mm = seen_surface(there, float(inhaled_s), np.random.default_rng(1), over).points_mm
    inside = there.fixed_from_plan(0.0).inverse().points(points_mm)
    off_mm = off_the_ellipsoid_mm(inside)
    near = np.linalg.norm((inside - (20.0, -100.0, 30.0)) / (30.0, 60.0, 30.0), axis=1) < 1.0
    far = np.linalg.norm((inside - (20.0, -100.0, 30.0)) / (90.0, 60.0, 90.0), axis=1) > 1.0
    assert near.sum() > 20
    assert far.sum() > 500
    assert 5.3 < off_mm[near].mean() < 6.1  # 6 mm forward, where the skin faces almost straight forward
    assert np.abs(off_mm[far]).max() < 0.01


def test_meshes_face_the_cameras_and_survive_dicom(there: PatientOnCouch, cloud: PointCloud):
    meshes = seen_meshes(there, 0.0, np.random.default_rng(1), SYSTEM)
    assert [mesh.label for mesh in meshes] == ["left", "right", "foot"]
    for mesh, pod in zip(meshes, PODS, strict=True):
        a, b, c = (mesh.points_mm[mesh.triangles[:, n]] for n in range(3))
        assert (np.cross(b - a, c - a) * (np.array(pod.place_mm) - a)).sum(axis=1).min() > 0.0
    stored = BytesIO()
    write_point_cloud(cloud, series_header(5), "1.2.826.0.1.1").save_as(stored, enforce_file_format=True)
    stored.seek(0)
    back, _ = read_point_cloud(pydicom.dcmread(stored))
    assert back.frame == Frame.FIXED
    np.testing.assert_allclose(back.points_mm, cloud.points_mm, atol=1e-4)
    stored = BytesIO()
    write_mesh(meshes[0], series_header(5), "1.2.826.0.1.2").save_as(stored, enforce_file_format=True)
    stored.seek(0)
    (again,), _ = read_meshes(pydicom.dcmread(stored))
    np.testing.assert_array_equal(again.triangles, meshes[0].triangles)


def test_cameras_that_see_nothing_say_so(there: PatientOnCouch):
    away = SurfaceSystem((CameraPod("away", (0.0, -2000.0, 1500.0), (0.0, -4000.0, 1500.0)),))
    with pytest.raises(MissingInput, match="No camera sees any skin"):
        seen_surface(there, 0.0, np.random.default_rng(1), away)
    with pytest.raises(InputError, match="place apart"):
        CameraPod("nowhere", (0.0, 0.0, 0.0))
