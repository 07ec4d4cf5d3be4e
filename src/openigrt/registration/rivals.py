"""Rivals: the best matches one and two vertebral levels up and down the spine, each re-optimised in six dimensions.

Restarts in one basin prove nothing; a spine is nearly periodic, so a wrong level is a basin of its own.
"""

from dataclasses import dataclass

import numpy as np

from openigrt.geometry import Float64Array
from openigrt.registration.metrics import Metric, Settled
from openigrt.registration.refinement import DailySide, Pose
from openigrt.registration.regions import Flags
from openigrt.registration.search import wide_search
from openigrt.registration.template import Template
from openigrt.registration.working_volume import WorkingVolume

BANDS_MM = ((10.0, 27.5), (27.5, 45.0))
ALONG_STEP_MM = 2.5
ACROSS_MM = (-5.0, 0.0, 5.0)
NEAREST_RIVAL_MM = 8.0
STEEPEST_SLOPE = 0.6


@dataclass(frozen=True, eq=False)
class RivalPose:
    """A settled pose some way along the spine: offset in mm, positive toward the head."""

    offset_mm: float
    settled: Settled


def spine_axis(volume: WorkingVolume, bone: Flags) -> Float64Array:
    """Direction (3,) along the spine, toward the head, from the medians of bone slice by slice; superior where unclear.

    A robust line (Theil and Sen) through the slices, never more than about 40 degrees off the patient's long axis.
    """
    superior = np.array([0.0, 0.0, 1.0])
    k, j, i = np.nonzero(bone)
    if len(k) < 100:
        return superior
    points = volume.grid.points(np.column_stack([i, j, k]))
    slices = [points[k == n] for n in np.unique(k)]
    medians = np.array([np.median(s, axis=0) for s in slices if len(s) > 20])
    if len(medians) < 8:
        return superior
    first, second = np.triu_indices(len(medians), k=len(medians) // 4)
    steps = medians[second] - medians[first]
    steps = steps[np.abs(steps[:, 2]) > 1.0]
    if len(steps) == 0:
        return superior
    slope = np.clip(np.median(steps[:, :2] / steps[:, 2:], axis=0), -STEEPEST_SLOPE, STEEPEST_SLOPE)
    axis = np.array([slope[0], slope[1], 1.0])
    return np.asarray(axis / np.linalg.norm(axis))


def find_rivals(
    best: Settled, template: Template, daily: DailySide, metric: Metric, axis: Float64Array
) -> list[RivalPose]:
    """The best settled pose in each band of 10 to 45 mm up and down; none where a band leads back to the match."""
    found: list[RivalPose] = []
    center = template.points_mm.mean(axis=0)
    for low, high in BANDS_MM:
        for sign in (1.0, -1.0):
            shifts = _shifts(best.pose, axis, sign, (low, high))
            starts = wide_search(best.pose, template, daily, metric, shifts=shifts, most=1)
            rival = metric.settle(starts[0], template, daily, 0.1) if starts else None
            if rival is None:
                continue
            offset = float(_moved_back(best.pose, rival.pose, center) @ axis)
            if abs(offset) >= NEAREST_RIVAL_MM and all(abs(offset - r.offset_mm) > 4.0 for r in found):
                found.append(RivalPose(offset, rival))
    return found


def _shifts(pose: Pose, axis: Float64Array, sign: float, band_mm: tuple[float, float]) -> Float64Array:
    """Shifts (n, 3) of the daily side along the spine within a band, and a little across it."""
    along = pose.rotation @ axis
    across = [pose.rotation @ np.array(a) for a in ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])]
    ticks = np.arange(band_mm[0], band_mm[1] + 0.1, ALONG_STEP_MM)
    return np.array(
        [sign * s * along + x * across[0] + y * across[1] for s in ticks for x in ACROSS_MM for y in ACROSS_MM]
    )


def _moved_back(best: Pose, rival: Pose, point: Float64Array) -> Float64Array:
    """How far the rival sees a planning point from where the match sees it, in plan axes, mm."""
    difference = (rival.rotation - best.rotation) @ point + rival.translation_mm - best.translation_mm
    return np.asarray(best.rotation.T @ difference)
