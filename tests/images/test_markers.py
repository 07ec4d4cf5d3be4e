"""Markers: shapes and their points, pairs by identifier, motion."""

import numpy as np
import pytest

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Frame, RigidTransform
from openigrt.images import Marker, Markers, MarkerShape

PLAN, DAILY = Frame.plan("1.2"), Frame.daily("1.3")


@pytest.mark.parametrize(
    ("shape", "right", "wrong"),
    [
        (MarkerShape.POINT, 1, 2),
        (MarkerShape.LINE, 2, 1),
        (MarkerShape.PLANE, 3, 4),
        (MarkerShape.SURFACE, 50, 2),
        (MarkerShape.RULER, 5, 1),
        (MarkerShape.L_SHAPE, 3, 2),
        (MarkerShape.T_SHAPE, 3, 5),
        (MarkerShape.SHAPE, 2, 1),
    ],
)
def test_a_shape_has_its_number_of_points(shape, right, wrong):
    points = np.arange(150.0).reshape(50, 3)
    assert len(Marker("A", points[:right], shape).points_mm) == right
    with pytest.raises(InvalidGeometry, match=f"cannot have {wrong} points"):
        Marker("A", points[:wrong], shape)


def test_pairs_are_found_by_identifier_and_move_together():
    planned = Markers(PLAN, (Marker("A", [1.0, 2, 3]), Marker("B", [4.0, 5, 6]), Marker("C", [7.0, 8, 9])))
    found = Markers(DAILY, (Marker("C", [0.0, 0, 1]), Marker("A", [0.0, 0, 2])))
    pairs = planned.shared_with(found)
    assert [(a.identifier, b.center_mm[2]) for a, b in pairs] == [("A", 2.0), ("C", 1.0)]
    plan_from_daily = RigidTransform(PLAN, DAILY, np.eye(3), np.array([1.0, 0, 0]))
    moved = found.moved(plan_from_daily)
    assert moved.frame == PLAN
    assert moved.markers[0].points_mm == pytest.approx(np.array([[1.0, 0, 1]]))


def test_what_cannot_be_is_refused():
    with pytest.raises(InvalidGeometry, match="called 'A'"):
        Markers(PLAN, (Marker("A", [1.0, 2, 3]), Marker("A", [4.0, 5, 6])))
    for radius in (-1.0, float("nan")):
        with pytest.raises(InvalidGeometry, match="uncertainty radius"):
            Marker("A", [1.0, 2, 3], uncertainty_radius_mm=radius)
    with pytest.raises(InvalidGeometry, match="finite"):
        Marker("A", [1.0, 2, float("inf")])
