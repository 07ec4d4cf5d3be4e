"""Parts matched by themselves: what they say where nothing bent, and where the target did."""

import numpy as np
import pytest

from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.metrics import LocalCorrelation, Settled
from openigrt.registration.parts import nearest_part, nearest_part_pose, nearest_shift_mm, parts_apart_mm
from openigrt.registration.template import Template
from tests.registration.waves import PIVOT_MM, TRUE, analytic, daily_at_truth

SHIFT_MM = np.array([1.2, -0.9, 0.6])
LENGTH_MM = float(np.linalg.norm(SHIFT_MM))
FEW_LEAVES = 4


def leaves(bent_within_mm=0.0, seed=0, per_leaf=60):
    """Leaves of 12 mm over 44 mm; those within a distance of the pivot were planned elsewhere by SHIFT_MM."""
    random = np.random.default_rng(seed)
    centers = random.uniform(-20.0, 20.0, (BLOCKS, 1, 3))
    centers = centers[np.argsort(np.linalg.norm(centers, axis=2).ravel())]
    points = (centers + random.uniform(-6.0, 6.0, (BLOCKS, per_leaf, 3))).reshape(-1, 3)
    bent = np.repeat(np.linalg.norm(centers, axis=2).ravel() < bent_within_mm, per_leaf)
    values, gradients = analytic(points + np.where(bent[:, None], SHIFT_MM, 0.0))
    return Template(PIVOT_MM, points, values, gradients)


def settled(seen=None):
    return Settled(TRUE, 1.0, np.ones(16), np.ones(BLOCKS) if seen is None else seen, 1.0)


def test_where_nothing_bent_every_part_stays():
    template, daily = leaves(), daily_at_truth()
    assert nearest_shift_mm(settled(), template, daily) < 0.05
    assert parts_apart_mm(settled(), template, daily) < 0.05
    pose = nearest_part_pose(settled(), template, daily, LocalCorrelation())
    assert pose.translation_mm == pytest.approx(TRUE.translation_mm, abs=0.1)


def test_what_bends_at_the_target_is_told_by_the_parts_there_and_not_by_the_median():
    near = np.sort(np.linalg.norm(leaves().leaf_centers_mm, axis=1))[FEW_LEAVES]
    template, daily = leaves(bent_within_mm=float(near)), daily_at_truth()
    assert nearest_shift_mm(settled(), template, daily) == pytest.approx(LENGTH_MM, abs=0.15)
    assert parts_apart_mm(settled(), template, daily) < 0.3


def test_the_few_leaves_at_the_target_tell_what_the_eighth_round_it_does_not():
    near = np.sort(np.linalg.norm(leaves().leaf_centers_mm, axis=1))[FEW_LEAVES]
    template, daily = leaves(bent_within_mm=float(near)), daily_at_truth()
    pose = nearest_part_pose(settled(), template, daily, LocalCorrelation())
    wider = float(np.linalg.norm(pose.translation_mm - TRUE.translation_mm))
    assert nearest_shift_mm(settled(), template, daily) > wider + 0.3


def test_of_thin_leaves_more_are_asked():
    template, daily = leaves(bent_within_mm=100.0, per_leaf=15), daily_at_truth()
    assert nearest_shift_mm(settled(), template, daily) == pytest.approx(LENGTH_MM, abs=0.15)


def test_nothing_is_said_where_hardly_anything_is_seen():
    template, daily, seen = leaves(), daily_at_truth(), np.zeros(BLOCKS)
    seen[:2] = 1.0
    assert nearest_part(settled(seen), template, 4) is None
    assert nearest_shift_mm(settled(seen), template, daily) == 0.0


def test_leaves_outside_the_field_of_view_are_not_the_nearest():
    template, seen = leaves(), np.ones(BLOCKS)
    order = np.argsort(np.linalg.norm(template.leaf_centers_mm, axis=1))
    seen[order[:10]] = 0.0
    part = nearest_part(settled(seen), template, 4)
    chosen = template.points_mm.reshape(BLOCKS, -1, 3)[order[10:14]]
    assert len(part) == 4 * 60 // BLOCKS * BLOCKS
    for leaf in chosen:
        assert (part.points_mm[:, None] == leaf).all(axis=2).any(axis=1).mean() == pytest.approx(0.25, abs=0.02)
