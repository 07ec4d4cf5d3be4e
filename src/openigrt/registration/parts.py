"""Parts of a region, matched again by themselves: do they lie where the whole region says?

A bent spine, a turned femur or another patient of like build leaves the score of the whole region high; its parts tell.
"""

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.metrics import PARTS, Metric, Settled
from openigrt.registration.refinement import DailySide, Pose, normal_equations, sums_at
from openigrt.registration.template import Template

NEAR_LEAVES, NEAREST_LEAVES = BLOCKS // 8, BLOCKS // 16
TOLERANCE_MM = 0.01
SHIFT_STEPS = 5
LONGEST_SHIFT_STEP_MM = 3.0
LEAST_SEEN = 0.3


def nearest_part_pose(settled: Settled, template: Template, daily: DailySide, metric: Metric) -> Pose | None:
    """The pose of the eighth nearest the pivot, settled from that of the whole; None where it is too small."""
    part = nearest_part(settled, template, NEAR_LEAVES)
    found = None if part is None else metric.settle(settled.pose, part, daily, TOLERANCE_MM)
    return None if found is None else found.pose


def nearest_shift_mm(settled: Settled, template: Template, daily: DailySide) -> float:
    """Length of the shift that suits the few leaves nearest the pivot: what bends at the target moves them first.

    Still fewer would say more where anatomy bent, and on a real, streaked cone-beam CT as much by noise alone. 0 where
    too little of the region is seen; then the overlap is the reason for doubt.
    """
    part = nearest_part(settled, template, NEAREST_LEAVES)
    shift = None if part is None else _suiting_shift(settled.pose, part, daily)
    return 0.0 if shift is None else float(np.linalg.norm(shift))


def nearest_part(settled: Settled, template: Template, count: int) -> Template | None:
    """Points of so many leaves of a template, those that lie nearest the pivot among the ones that are seen.

    Of more leaves where these have too few points; None where too few are seen.
    """
    leaf_size = len(template) // BLOCKS
    seen = np.flatnonzero(settled.seen > 0.5)
    distance = np.linalg.norm(template.leaf_centers_mm[seen], axis=1)
    wanted = max(count, -(-BLOCKS // leaf_size))
    if len(seen) < wanted:
        return None
    leaves = np.sort(seen[np.argsort(distance, kind="stable")[:wanted]])
    points = np.arange(len(template)).reshape(BLOCKS, -1)[leaves].ravel()
    kept = len(points) // BLOCKS * BLOCKS
    chosen = points[np.arange(kept) * len(points) // kept]
    return Template(template.pivot_mm, template.points_mm[chosen], template.values[chosen], template.gradients[chosen])


def parts_apart_mm(settled: Settled, template: Template, daily: DailySide) -> float:
    """How far parts of a region lie from where the whole says: the median length of the shifts that suit each part.

    The median lets a minority move (ribs that breathe) and catches what moves as a body of its own. 0 where no part is
    seen well enough.
    """
    shifts = [_suiting_shift(settled.pose, part, daily) for part in _parts(template)]
    lengths = [float(np.linalg.norm(shift)) for shift in shifts if shift is not None]
    return float(np.median(lengths)) if lengths else 0.0


def _parts(template: Template) -> list[Template]:
    """PARTS compact parts of equal size; their own leaves are runs of points, in no special order."""
    size = len(template) // PARTS
    cuts = [slice(n * size, (n + 1) * size) for n in range(PARTS)]
    return [
        Template(template.pivot_mm, template.points_mm[cut], template.values[cut], template.gradients[cut])
        for cut in cuts
    ]


def _suiting_shift(pose: Pose, part: Template, daily: DailySide) -> Float64Array | None:
    """The shift (3,) mm that suits one part best, its rotation kept; None where too little of it is seen."""
    line, total = (1.0, 0.0), np.zeros(3)
    for _ in range(SHIFT_STEPS):
        sums = sums_at(pose, part, daily, line, 1e6)
        if sums.weight < LEAST_SEEN * len(part):
            return None
        matrix, vector = normal_equations(sums.total)
        ridge = 1e-3 * np.trace(matrix[:3, :3]) / 3.0 + 1e-12
        step = np.linalg.solve(matrix[:3, :3] + ridge * np.eye(3), vector[:3])
        step *= min(1.0, LONGEST_SHIFT_STEP_MM / max(float(np.linalg.norm(step)), 1e-9))
        pose, line, total = pose.after(np.concatenate([step, np.zeros(3)])), sums.gain_and_offset, total + step
    return total
