"""How much of each voxel is filled: exact areas under the even-odd rule, against closed forms and counted samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openigrt.errors import FrameMismatch, InvalidGeometry, MissingInput
from openigrt.geometry import Frame
from openigrt.patient import Contour, ContourKind, Occupancy, Structure, StructureRole, dice, occupancy_from_structure
from openigrt.patient._kernels_coverage_cpu import cover_slices
from tests.patient.contour_cases import PLAN, grid_of, ring, sampled_coverage, slice_of, square, structure_of, whole

SIZE = (9, 8)
ONE_SLICE = grid_of((1.0, 1.0, 1.0), (*SIZE, 1), origin_mm=(0.0, 0.0, 0.0))
SAMPLES = 64

anywhere = st.floats(-4.0, 12.0)
on_lattice = st.integers(-6, 22).map(lambda n: n / 2.0)
far_away = st.sampled_from([-9e4, 9e4, -1e-9, 1e-9, 3.0 + 1e-12])
vertex = st.tuples(anywhere | on_lattice | far_away, anywhere | on_lattice | far_away)
polygons = st.lists(st.lists(vertex, min_size=3, max_size=9), min_size=1, max_size=4)


def covered(shapes):
    return whole(occupancy_from_structure(slice_of([np.array(shape) for shape in shapes]), PLAN, ONE_SLICE))[0]


def perimeter_within(shapes):
    """Length of the outlines that a picture of SIZE can hold, an upper bound: what the samples can be wrong by."""
    closed = [np.clip(np.vstack([shape, shape[:1]]), -1.0, 10.0) for shape in map(np.array, shapes)]
    return sum(np.abs(np.diff(points, axis=0)).sum() for points in closed) + 60.0


@settings(max_examples=150)
@given(polygons)
def test_any_polygons_cover_what_counted_samples_say(shapes):
    found = covered(shapes)
    expected = sampled_coverage([np.array(shape) for shape in shapes], SIZE, SAMPLES)
    # A pixel is wrong by a sample for each row or column of them that an outline passes.
    edges = sum(len(shape) for shape in shapes)
    assert np.abs(found - expected).max() <= 2.0 * edges / SAMPLES
    assert abs(found.sum() - expected.sum()) <= perimeter_within(shapes) / SAMPLES


@settings(max_examples=150)
@given(polygons)
def test_nothing_is_written_outside_the_array(shapes):
    guard, count = 999.0, int(np.prod((3, *SIZE[::-1])))
    memory = np.full(count + 2000, guard, dtype=np.float32)
    memory[1000 : 1000 + count] = 0.0
    starts = np.cumsum([0, *map(len, shapes)])
    vertices = np.concatenate([np.array(shape) for shape in shapes])
    pairs = np.array([0, 1, 1, 3]), np.zeros(3, dtype=np.int64), np.array([1.0, 0.3, 0.7])
    inner = memory[1000 : 1000 + count].reshape(3, *SIZE[::-1])
    cover_slices(inner, *pairs, np.array([0, len(shapes)]), starts, vertices, 0.0)
    assert (memory[:1000] == guard).all()
    assert (memory[1000 + count :] == guard).all()
    assert not inner[1].any()
    assert inner.min() >= 0.0
    assert inner.max() <= 1.0 + 1e-6
    assert np.allclose(inner[0], inner[2], atol=1e-6)


@settings(max_examples=60)
@given(polygons, st.permutations(range(4)), st.booleans())
def test_neither_order_nor_sense_nor_repeated_points_matter(shapes, order, is_reversed):
    step = -1 if is_reversed else 1
    changed = [np.repeat(np.array(shapes[n]), 2, axis=0)[::step] for n in order if n < len(shapes)]
    closed = [np.vstack([shape, shape[:1]]) for shape in changed]
    assert np.abs(covered(shapes) - covered(closed)).max() < 2.0 * 1e-4


@pytest.mark.parametrize(
    ("shapes", "area"),
    [
        ([[(1, 1), (5, 1), (5, 4), (1, 4)]], 12.0),
        ([[(1, 1), (5, 1), (5, 4), (1, 4)], [(2, 2), (4, 2), (4, 3), (2, 3)]], 10.0),
        ([[(1, 1), (5, 1), (5, 4), (1, 4)], [(3, 2), (7, 2), (7, 5), (3, 5)]], 24.0 - 2 * 4.0),
        ([[(1, 1), (5, 5), (5, 1), (1, 5)]], 8.0),
        ([[(1, 1), (4, 1), (4, 4), (1, 4), (1, 1), (2, 2), (2, 3), (3, 3), (3, 2), (2, 2)]], 8.0),
        ([[(0, 0), (0.001, 0), (0.001, 7), (0, 7)]], 0.007),
        ([[(-9e4, -9e4), (9e4, -9e4), (9e4, 9e4), (-9e4, 9e4)]], 72.0),
        ([[(2.0, 3.0), (6.0, 3.0)], [(1, 1), (2, 2)], [(3, 3), (3, 3), (3, 3)]], 0.0),
    ],
    ids=["box", "hole", "overlap", "bow tie", "keyhole", "sliver", "all over", "lines and points"],
)
def test_areas_in_closed_form(shapes, area):
    shapes = [*shapes, [(100, 100), (101, 100), (100, 101)]]
    assert covered(shapes).sum() == pytest.approx(area, rel=2e-6, abs=4e-4)


@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1.0, -1.0, 1.0])], ids=["onward", "backward"])
def test_a_voxel_that_is_half_covered_goes_the_way_of_its_centre(direction):
    """An outline through voxel centres, as many systems draw them, then neither grows nor shrinks."""
    grid = grid_of((1.0, 1.0, 1.0), (41, 41, 1), direction=direction)
    mask = occupancy_from_structure(structure_of([square(10.0, 0.0)]), PLAN, grid).whole_mask()
    assert mask.voxels.sum() == 20 * 20 - 1  # one corner voxel of which a quarter is covered


def test_only_the_bounding_box_is_kept():
    large = grid_of((1.0, 1.0, 2.0), (512, 512, 200), origin_mm=(-256.0, -256.0, 0.0))
    occupancy = occupancy_from_structure(structure_of([ring(10.0, z) for z in (40.0, 42.0, 44.0)]), PLAN, large)
    assert occupancy.fractions.shape == (3, 21, 21)
    assert occupancy.first == (246, 246, 20)
    assert np.allclose(occupancy.part.origin_mm, (-10.0, -10.0, 40.0))
    assert occupancy.mask().voxels.sum() == occupancy.whole_mask().voxels.sum()
    assert occupancy.whole_mask().voxels[occupancy.window].sum() == occupancy.mask().voxels.sum()
    assert occupancy.volume_mm3 == pytest.approx(np.pi * 100.0 * 6.0, rel=2e-5)
    assert np.allclose(occupancy.centroid_mm, (0.0, 0.0, 42.0), atol=1e-3)


def test_what_lies_outside_the_grid_fills_nothing():
    far = structure_of([ring(10.0, z, (500.0, 0.0)) for z in (0.0, 2.0)])
    occupancy = occupancy_from_structure(far, PLAN, grid_of((1.0, 1.0, 2.0), (20, 20, 5)))
    assert occupancy.volume_mm3 == 0.0
    assert np.isnan(occupancy.centroid_mm).all()
    assert not occupancy.whole_mask().voxels.any()


def test_dice_by_parts_of_voxels():
    grid = grid_of((1.0, 1.0, 1.0), (40, 40, 3))
    one, other, far = (
        occupancy_from_structure(structure_of([square(5.0, 0.0) + np.array([x, 0.0, 0.0])]), PLAN, grid)
        for x in (0.0, 2.5, 12.0)
    )
    assert dice(one, one) == 1.0
    assert dice(one, other) == pytest.approx(0.75, abs=1e-4)
    assert dice(one, far) == 0.0
    nothing = Occupancy(np.zeros((1, 1, 1)), grid)
    assert np.isnan(dice(nothing, nothing))
    with pytest.raises(InvalidGeometry, match="different grids"):
        dice(one, Occupancy(np.zeros((1, 1, 1)), grid_of((1.0, 1.0, 1.0), (40, 40, 4))))


@pytest.mark.parametrize(("shape", "first"), [((2, 2, 2), (39, 0, 0)), ((2, 2, 2), (-1, 0, 0)), ((2, 2), (0, 0, 0))])
def test_fractions_that_do_not_fit_the_grid_are_refused(shape, first):
    with pytest.raises(InvalidGeometry, match="do not fit a grid"):
        Occupancy(np.zeros(shape), grid_of((1.0, 1.0, 1.0), (40, 40, 3)), first)


def test_the_fractions_are_read_only():
    occupancy = Occupancy(np.zeros((1, 1, 1)), ONE_SLICE)
    with pytest.raises(ValueError, match="read-only"):
        occupancy.fractions[0, 0, 0] = 1.0


def test_another_frame_and_nothing_closed_are_refused():
    with pytest.raises(FrameMismatch):
        occupancy_from_structure(slice_of([[(1, 1), (5, 1), (5, 4)]]), Frame.daily("1.2"), ONE_SLICE)
    open_line = Structure(1, "LINE", StructureRole.ORGAN, (Contour(square(3.0, 0.0), ContourKind.OPEN),))
    with pytest.raises(MissingInput, match="'LINE' has no closed planar contour"):
        occupancy_from_structure(open_line, PLAN, ONE_SLICE)
    with pytest.raises(MissingInput, match="'TEST' has no closed planar contour"):
        occupancy_from_structure(slice_of([[(1, 1), (5, 1)]]), PLAN, ONE_SLICE)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_points_that_are_nowhere_are_refused(bad):
    points = square(3.0, 0.0)
    points[2, 0] = bad
    with pytest.raises(InvalidGeometry, match="not finite or over 100 m"):
        occupancy_from_structure(structure_of([points]), PLAN, ONE_SLICE)
