"""The wide search: every pose on a lattice of shifts and turns, scored at once on a coarse volume."""

from collections.abc import Sequence

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.registration.metrics import Metric
from openigrt.registration.refinement import DailySide, Pose
from openigrt.registration.template import Template
from openigrt.registration.working_volume import index_from_point

SMALLEST_RELATIVE_SHARE = 0.4
UNSEEN = -1.0
NEAR_STEPS = 2.0
CROWD = 2


def wide_search(
    start: Pose,
    template: Template,
    daily: DailySide,
    metric: Metric,
    *,
    shifts: Float64Array,
    turns: Sequence[Float64Array] = (np.eye(3),),
    most: int,
) -> list[Pose]:
    """The `most` best poses among start moved by all shifts and turns, best first, few of them neighbours.

    Turns are about the pivot. Poses that see less than 0.4 of the largest share of points seen by any are left out, and
    of two with one score the one that sees more is better.
    """
    a = index_from_point(daily.volume.grid)
    rotations = np.array([start.rotation @ turn for turn in turns])
    matrices = np.empty((len(turns), len(shifts), 3, 4))
    matrices[..., :3] = (a[:, :3] @ rotations)[:, None]
    matrices[..., 3] = (start.translation_mm + shifts) @ a[:, :3].T + a[:, 3]
    scores = metric.pose_scores(matrices.reshape(-1, 3, 4), template, daily)
    share = scores[:, 1] / max(float(scores[:, 1].max()), 1e-9)
    value = np.where(share >= SMALLEST_RELATIVE_SHARE, scores[:, 0] * share**metric.overlap_power, UNSEEN)
    return [Pose(rotations[t], start.translation_mm + shifts[s]) for t, s in _best_apart(value, shifts, most)]


def _best_apart(value: Float64Array, shifts: Float64Array, most: int) -> list[tuple[int, int]]:
    """(turn, shift) of the best poses, at most CROWD of any turns within NEAR_STEPS of a shift.

    One broad basin of a wrong level must not take every place.
    """
    left = value.reshape(-1, len(shifts)).copy()
    step = float(np.abs(shifts[shifts != 0.0]).min()) if (shifts != 0.0).any() else 1.0
    crowd = np.zeros(len(shifts), np.int64)
    chosen: list[tuple[int, int]] = []
    while len(chosen) < most and left.max() > UNSEEN:
        turn, shift = divmod(int(left.argmax()), len(shifts))
        chosen.append((turn, shift))
        crowd += np.abs(shifts - shifts[shift]).max(axis=1) <= NEAR_STEPS * step + 1e-9
        left[turn, shift] = UNSEEN
        left[:, crowd >= CROWD] = UNSEEN
    return chosen
