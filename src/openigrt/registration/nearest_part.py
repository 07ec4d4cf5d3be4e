"""The part of a region nearest the judged points, matched again by itself: does it lie where the whole region says?

A bent spine or a turned femur leaves the score of the whole region high; only its part near the target tells.
"""

import numpy as np

from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.metrics import Metric, Settled
from openigrt.registration.refinement import DailySide, Pose
from openigrt.registration.template import Template

NEAREST_LEAVES = BLOCKS // 8
UNSEEN_MM = 1e4
TOLERANCE_MM = 0.01


def nearest_part_pose(settled: Settled, template: Template, daily: DailySide, metric: Metric) -> Pose | None:
    """The pose of the seen leaves nearest the pivot, settled from that of the whole; None where they are too few."""
    part = nearest_part(settled, template)
    found = None if part is None else metric.settle(settled.pose, part, daily, TOLERANCE_MM)
    return None if found is None else found.pose


def nearest_part(settled: Settled, template: Template) -> Template | None:
    """The eighth of a template's leaves that lies nearest the pivot among those that are seen."""
    distance = np.linalg.norm(template.leaf_centers_mm, axis=1) + np.where(settled.seen > 0.5, 0.0, UNSEEN_MM)
    leaves = np.sort(np.argsort(distance, kind="stable")[:NEAREST_LEAVES])
    chosen = np.arange(len(template)).reshape(BLOCKS, -1)[leaves].ravel()
    chosen = chosen[: len(chosen) // BLOCKS * BLOCKS]
    if len(chosen) == 0:
        return None
    return Template(template.pivot_mm, template.points_mm[chosen], template.values[chosen], template.gradients[chosen])
