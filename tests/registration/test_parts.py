"""Parts matched by themselves: what they say where nothing bent, and where the target did."""

import numpy as np
import pytest

from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.metrics import Settled
from openigrt.registration.parts import nearest_part, nearest_shift_mm, parts_apart_mm
from openigrt.registration.template import Template
from tests.registration.waves import PIVOT_MM, TRUE, analytic, daily_at_truth

SHIFT_MM = np.array([1.2, -0.9, 0.6])
LENGTH_MM = float(np.linalg.norm(SHIFT_MM))
SIXTEENTH = 1 / 16


def leaves(bent_within_mm=0.0, seed=0, per_leaf=60):
    """Leaves of 12 mm over 52 mm; points within a distance of the pivot were planned elsewhere by SHIFT_MM."""
    random = np.random.default_rng(seed)
    centers = random.uniform(-20.0, 20.0, (BLOCKS, 1, 3))
    centers = centers[np.argsort(np.linalg.norm(centers, axis=2).ravel())]
    points = (centers + random.uniform(-6.0, 6.0, (BLOCKS, per_leaf, 3))).reshape(-1, 3)
    bent = np.linalg.norm(points, axis=1, keepdims=True) < bent_within_mm
    values, gradients = analytic(points + np.where(bent, SHIFT_MM, 0.0))
    return Template(PIVOT_MM, points, values, gradients)


def radius_mm(share):
    """Of the ball round the pivot that holds a share of the points."""
    return float(np.quantile(np.linalg.norm(leaves().points_mm, axis=1), share))


def settled(seen=None):
    return Settled(TRUE, 1.0, np.ones(16), np.ones(BLOCKS) if seen is None else seen, 1.0)


def test_where_nothing_bent_every_part_stays():
    template, daily = leaves(), daily_at_truth()
    assert nearest_shift_mm(settled(), template, daily) < 0.05
    assert parts_apart_mm(settled(), template, daily) < 0.05


def test_what_bends_at_the_target_is_told_by_the_parts_there_and_not_by_the_median():
    template, daily = leaves(bent_within_mm=radius_mm(SIXTEENTH)), daily_at_truth()
    assert nearest_shift_mm(settled(), template, daily) == pytest.approx(LENGTH_MM, abs=0.15)
    assert parts_apart_mm(settled(), template, daily) < 0.3


@pytest.mark.parametrize(("bent", "told"), [(1 / 4, True), (1 / 16, True), (1 / 1000, False)])
def test_it_is_told_where_enough_points_lie_in_what_bent(bent, told):
    template, daily = leaves(bent_within_mm=radius_mm(bent)), daily_at_truth()
    assert (nearest_shift_mm(settled(), template, daily) > 0.7 * LENGTH_MM) is told


def test_of_a_thin_template_a_larger_share_is_asked():
    template, daily = leaves(bent_within_mm=100.0, per_leaf=15), daily_at_truth()
    assert nearest_shift_mm(settled(), template, daily) == pytest.approx(LENGTH_MM, abs=0.15)


def test_nothing_is_said_where_hardly_anything_is_seen():
    template, daily, seen = leaves(), daily_at_truth(), np.zeros(BLOCKS)
    seen[:1] = 1.0
    assert nearest_part(settled(seen), template, SIXTEENTH) is None
    assert nearest_shift_mm(settled(seen), template, daily) == 0.0


def test_the_part_is_the_points_nearest_the_pivot_of_the_leaves_that_are_seen():
    template, seen = leaves(), np.ones(BLOCKS)
    seen[::2] = 0.0
    visible = np.repeat(seen > 0.5, len(template) // BLOCKS)
    part = nearest_part(settled(seen), template, SIXTEENTH)
    assert len(part) == len(template) * SIXTEENTH // BLOCKS * BLOCKS
    farthest = np.linalg.norm(part.points_mm, axis=1).max()
    assert (np.linalg.norm(template.points_mm[visible], axis=1) <= farthest).sum() == len(part)
    assert {tuple(point) for point in part.points_mm} <= {tuple(point) for point in template.points_mm[visible]}
