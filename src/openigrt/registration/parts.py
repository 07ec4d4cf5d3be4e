"""Parts of a region, matched again by themselves: do they lie where the whole region says?

A bent spine, a turned femur or another patient of like build leaves the score of the whole region high; its parts tell.
"""

from collections.abc import Sequence

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.registration._kernels_cpu import BLOCKS
from openigrt.registration.metrics import PARTS, Settled
from openigrt.registration.refinement import DailySide, Pose, normal_equations, sums_at
from openigrt.registration.template import Template

NEAR_SHARES = (1 / 8, 1 / 32)
SHIFT_STEPS = 5
LONGEST_SHIFT_STEP_MM = 3.0
LEAST_SEEN = 0.3


def nearest_shift_mm(settled: Settled, template: Template, daily: DailySide) -> float:
    """How far what lies nearest the pivot is from where the whole says: what bends at the target moves it first.

    The larger shift of an eighth and of a thirty-second of the points. Still fewer would say more where anatomy bent,
    and on a real, streaked cone-beam CT as much by noise alone. 0 where too little of the region is seen; then the
    overlap is the reason for doubt.
    """
    parts = [nearest_part(settled, template, share) for share in NEAR_SHARES]
    return max(_shifts_mm(settled.pose, [part for part in parts if part is not None], daily), default=0.0)


def nearest_part(settled: Settled, template: Template, share: float) -> Template | None:
    """The share of a template's points that lies nearest the pivot, of those in leaves that are seen.

    Never fewer than BLOCKS points; None where too few are seen.
    """
    seen = np.flatnonzero(np.repeat(settled.seen > 0.5, len(template) // BLOCKS))
    wanted = max(int(share * len(template)) // BLOCKS, 1) * BLOCKS
    if len(seen) < wanted:
        return None
    distance = np.linalg.norm(template.points_mm[seen], axis=1)
    nearest = np.sort(seen[np.argsort(distance, kind="stable")[:wanted]])
    return Template(
        template.pivot_mm, template.points_mm[nearest], template.values[nearest], template.gradients[nearest]
    )


def parts_apart_mm(settled: Settled, template: Template, daily: DailySide) -> float:
    """How far parts of a region lie from where the whole says: the median length of the shifts that suit each part.

    The median lets a minority move (ribs that breathe) and catches what moves as a body of its own. 0 where no part is
    seen well enough.
    """
    lengths = _shifts_mm(settled.pose, _parts(template), daily)
    return float(np.median(lengths)) if lengths else 0.0


def _shifts_mm(pose: Pose, parts: Sequence[Template], daily: DailySide) -> list[float]:
    """Lengths of the shifts that suit each part that is seen well enough."""
    shifts = [_suiting_shift(pose, part, daily) for part in parts]
    return [float(np.linalg.norm(shift)) for shift in shifts if shift is not None]


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
