"""Meshes and point clouds: area and volume of solids, motion, and what is no surface."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openigrt.errors import FrameMismatch, InvalidGeometry
from openigrt.geometry import Frame, RigidTransform
from openigrt.images import Mesh, PointCloud

CUBE = np.array([[x, y, z] for z in (0, 10) for y in (0, 10) for x in (0, 10)], dtype=float)
QUADS = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))
TRIANGLES = np.array([corners for a, b, c, d in QUADS for corners in ((a, b, c), (a, c, d))])


def cube(**values):
    return Mesh(**{"frame": Frame.FIXED, "points_mm": CUBE, "triangles": TRIANGLES} | values)


def test_area_and_volume_of_a_cube():
    assert cube().area_mm2 == pytest.approx(600.0)
    assert cube().enclosed_mm3 == pytest.approx(1000.0)
    assert cube(triangles=TRIANGLES[:, ::-1]).enclosed_mm3 == pytest.approx(-1000.0)


def test_a_moved_surface_keeps_its_shape_and_turns_its_normals():
    rotation = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix()
    daily_from_fixed = RigidTransform(Frame.daily("1.2"), Frame.FIXED, rotation, np.array([5.0, -6.0, 7.0]))
    normals = CUBE - 5.0
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    moved = cube(normals=normals).moved(daily_from_fixed)
    assert moved.frame == Frame.daily("1.2")
    assert moved.enclosed_mm3 == pytest.approx(1000.0)
    assert moved.points_mm == pytest.approx(CUBE @ rotation.T + np.array([5.0, -6.0, 7.0]))
    assert moved.normals == pytest.approx(normals @ rotation.T)
    cloud = PointCloud(Frame.FIXED, CUBE, normals).moved(daily_from_fixed)
    assert cloud.points_mm == pytest.approx(moved.points_mm)
    with pytest.raises(FrameMismatch):
        moved.moved(daily_from_fixed)


def test_what_is_no_surface_is_refused_in_a_short_sentence():
    wrong = {
        "Triangles name points 0 to 8": {"triangles": [[0, 1, 8]]},
        "Triangles name points -1": {"triangles": [[-1, 1, 2]]},
        "unit vectors": {"normals": 2.0 * np.ones((8, 3))},
        "needs points": {"points_mm": np.zeros((0, 3))},
        "finite": {"points_mm": np.full((100_000, 3), np.nan)},
    }
    for said, values in wrong.items():
        with pytest.raises(InvalidGeometry, match=said) as refused:
            cube(**values)
        assert len(str(refused.value)) < 200


def test_arrays_are_frozen():
    mesh = cube()
    for array in (mesh.points_mm, mesh.triangles):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
