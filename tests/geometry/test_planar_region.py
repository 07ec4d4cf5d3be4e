"""Regions of a plane: closed forms, the even-odd test of matplotlib point by point, and properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path

from openigrt.errors import InvalidGeometry, UnsupportedInput
from openigrt.geometry import planar_region

EXACT = {"rel": 1e-12, "abs": 1e-9}


def rectangle(x0, x1, y0, y1):
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def circle(radius, center=(0.0, 0.0), count=720):
    angles = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    return np.column_stack([np.cos(angles), np.sin(angles)]) * radius + center


def covers(region, points):
    """Whether points lie in a region by its outlines, judged by matplotlib."""
    covered = np.zeros(len(points), dtype=bool)
    for part in region.parts:
        inside = Path(part.outline_mm).contains_points(points)
        for hole in part.holes_mm:
            inside &= ~Path(hole).contains_points(points)
        covered |= inside
    return covered


def within_polygons(polygons, points):
    covered = np.zeros(len(points), dtype=bool)
    for polygon in polygons:
        covered |= Path(polygon).contains_points(points)
    return covered


def near_an_edge(polygons, points, distance=1e-4):
    near = np.zeros(len(points), dtype=bool)
    for polygon in polygons:
        for a, b in zip(np.asarray(polygon), np.roll(polygon, -1, axis=0), strict=True):
            along = b - a
            length = max(along @ along, 1e-30)
            share = np.clip((points - a) @ along / length, 0.0, 1.0)
            near |= np.linalg.norm(points - a - share[:, None] * along, axis=1) < distance
    return near


def test_a_rectangle_is_itself():
    region = planar_region([[rectangle(-10, 30, -5, 15)]])
    assert region.area_mm2 == pytest.approx(800.0, **EXACT)
    assert region.centroid_mm == pytest.approx([10.0, 5.0])
    assert [part.outline_mm.tolist() for part in region.parts] == [[[-10, -5], [30, -5], [30, 15], [-10, 15]]]


def test_what_two_rectangles_have_in_common_and_what_one_lacks():
    one, other = [rectangle(0, 10, 0, 10)], [rectangle(5, 20, -5, 5)]
    assert planar_region([one, other]).area_mm2 == pytest.approx(25.0, **EXACT)
    left = planar_region([one], [other])
    assert left.area_mm2 == pytest.approx(75.0, **EXACT)
    assert left.centroid_mm == pytest.approx((100 * np.array([5, 5]) - 25 * np.array([7.5, 2.5])) / 75)
    assert len(left.parts[0].outline_mm) == 6


def test_a_hole():
    region = planar_region([[rectangle(-20, 20, -20, 20)]], [[circle(5.0, (3.0, 4.0))]])
    (part,) = region.parts
    assert len(part.holes_mm) == 1
    polygon_area = 0.5 * 720 * 25.0 * np.sin(2.0 * np.pi / 720)
    assert region.area_mm2 == pytest.approx(1600.0 - polygon_area, rel=1e-9)
    assert region.centroid_mm == pytest.approx(-polygon_area * np.array([3.0, 4.0]) / (1600.0 - polygon_area), rel=1e-6)


def test_an_island_in_a_hole():
    ring = [rectangle(-30, 30, -30, 30)]
    island = [rectangle(-10, 10, -10, 10)]
    frame = planar_region([ring], [[rectangle(-20, 20, -20, 20)]])
    assert [len(part.holes_mm) for part in frame.parts] == [1]
    blocks = [
        rectangle(-20, 20, -20, -10),
        rectangle(-20, 20, 10, 20),
        rectangle(-20, -10, -10, 10),
        rectangle(10, 20, -10, 10),
    ]
    region = planar_region([ring], [blocks])
    assert sorted(len(part.holes_mm) for part in region.parts) == [0, 1]
    assert region.area_mm2 == pytest.approx(3600 - 1600 + 400, **EXACT)
    assert planar_region([ring, island]).area_mm2 == pytest.approx(400.0, **EXACT)


def test_parts_that_touch_at_a_corner_stay_apart():
    region = planar_region([[rectangle(0, 1, 0, 1), rectangle(1, 2, 1, 2)]])
    assert [len(part.outline_mm) for part in region.parts] == [4, 4]
    assert region.area_mm2 == pytest.approx(2.0, **EXACT)


def test_neighbours_become_one_part():
    leaves = [rectangle(-5 - i % 3, 5 + i % 2, 2.5 * i, 2.5 * (i + 1)) for i in range(40)]
    region = planar_region([leaves])
    assert len(region.parts) == 1
    assert region.area_mm2 == pytest.approx(sum(2.5 * (10 + i % 3 + i % 2) for i in range(40)), **EXACT)


def test_either_sense_and_overlapping_polygons():
    squares = [rectangle(0, 10, 0, 10), rectangle(5, 15, 5, 15)[::-1]]
    assert planar_region([squares]).area_mm2 == pytest.approx(175.0, **EXACT)


def test_nothing_is_left():
    for region in (
        planar_region([[rectangle(0, 1, 0, 1)], [rectangle(2, 3, 0, 1)]]),
        planar_region([[rectangle(0, 0, 0, 1)]]),
        planar_region([[rectangle(0, 1, 0, 1)]], [[rectangle(-1, 2, -1, 2)]]),
        planar_region([[rectangle(0, 1, 0, 1)], []]),
        planar_region([[[(0.0, 0.0)]]]),
    ):
        assert (region.area_mm2, region.centroid_mm, region.parts) == (0.0, None, ())


def test_a_figure_of_eight_and_a_keyhole():
    eight = [(0, 0), (10, 10), (10, 0), (0, 10)]
    region = planar_region([[eight]])
    assert region.area_mm2 == pytest.approx(50.0, **EXACT)
    assert len(region.parts) == 2
    keyhole = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 5), (4, 5), (4, 6), (6, 6), (6, 4), (4, 4), (4, 5), (0, 5)]
    assert planar_region([[keyhole]]).area_mm2 == pytest.approx(96.0, **EXACT)


def test_what_is_not_finite_and_too_many_edges():
    with pytest.raises(InvalidGeometry, match="not finite"):
        planar_region([[[(0, 0), (1, np.nan), (1, 1)]]])
    with pytest.raises(InvalidGeometry, match="at least one"):
        planar_region([])
    with pytest.raises(UnsupportedInput, match="at most 4000"):
        planar_region([[circle(10.0, count=5000)]])


@pytest.mark.parametrize("count", [400, 3000])
def test_what_would_take_minutes_is_refused(count):
    """A polygon through random points: every edge crosses a third of all others."""
    zigzag = np.random.default_rng(5).uniform(-100.0, 100.0, (count, 2))
    with pytest.raises(UnsupportedInput, match="cross too often"):
        planar_region([[zigzag]])


coordinate = st.one_of(st.integers(-6, 6).map(float), st.floats(-6.0, 6.0, width=16))
ring = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=7)
shape = st.lists(ring, min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(st.lists(shape, min_size=1, max_size=2), st.lists(shape, max_size=2), st.integers(0, 2**32 - 1))
def test_every_point_is_judged_as_its_polygons_say(within, without, seed):
    """Random polygons, self-crossing, touching, degenerate; points on edges belong to no side and are left out."""
    points = np.random.default_rng(seed).uniform(-7.0, 7.0, (300, 2))
    everything = [polygon for polygons in (*within, *without) for polygon in polygons]
    points = points[~near_an_edge(everything, points)]
    expected = np.logical_and.reduce([within_polygons(polygons, points) for polygons in within])
    for polygons in without:
        expected &= ~within_polygons(polygons, points)
    region = planar_region(within, without)
    assert (covers(region, points) == expected).all()


@settings(max_examples=50, deadline=None)
@given(shape, shape)
def test_a_cut_and_what_it_leaves_make_the_whole(one, other):
    whole, common, rest = planar_region([one]), planar_region([one, other]), planar_region([one], [other])
    assert common.area_mm2 + rest.area_mm2 == pytest.approx(whole.area_mm2, rel=1e-6, abs=1e-4)
