"""How much each ray counts where a scan measures it more than once.

A ray and its conjugate run along the same line; over a scan their weights add up to one.
"""

from dataclasses import replace
from enum import StrEnum

import numpy as np

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array, Trajectory
from openigrt.xray.arc import Arc, ArcKind
from openigrt.xray.rectification import ROTATION_AXIS, normals_of, rectification

HALF_TURN_DEG = 180.0
SHORT_BY_DEG = 1.0
CENTERED_SHARE = 0.05
SMALLEST_OVERLAP_MM = 2.0
FARTHEST_ASIDE_SHARE = 0.3


class Fan(StrEnum):
    """Whether the detector sees the whole cross-section, or stands aside and sees half of it at a time."""

    FULL = "full"
    HALF = "half"


def distances_mm(trajectory: Trajectory) -> Float64Array:
    """From each source to the plane of its detector (n,)."""
    to_first = trajectory.first_pixels_mm - trajectory.sources_mm
    return np.asarray(np.einsum("ni,ni->n", normals_of(trajectory), to_first))


def at_isocenter_mm(trajectory: Trajectory) -> tuple[float, float]:
    """Distance between columns and between rows, seen at the axis of rotation."""
    to_axis = float(np.median(np.hypot(trajectory.sources_mm[:, 0], trajectory.sources_mm[:, 2])))
    share = to_axis / float(np.median(distances_mm(trajectory)))
    return float(trajectory.spacing_mm[0]) * share, float(trajectory.spacing_mm[1]) * share


def columns_mm(trajectory: Trajectory) -> Float64Array:
    """Where the columns of a rectified detector lie (n, columns), from that on which the axis of rotation is seen."""
    to_first, to_axis = trajectory.first_pixels_mm - trajectory.sources_mm, -trajectory.sources_mm
    normals, rows = normals_of(trajectory), trajectory.row_directions
    share = np.einsum("ni,ni->n", to_first, normals) / np.einsum("ni,ni->n", to_axis, normals)
    first = np.einsum("ni,ni->n", to_first - share[:, None] * to_axis, rows)
    return np.asarray(first[:, None] + np.arange(trajectory.size[0]) * trajectory.spacing_mm[0])


def fan_of(trajectory: Trajectory) -> Fan:
    """How detectors in the room stand: HALF where one side is much shorter, as seen from the axis of rotation."""
    straight = rectification(trajectory, ROTATION_AXIS).trajectory
    return Fan.HALF if _aside_share(columns_mm(straight)) > CENTERED_SHARE else Fan.FULL


def require_full_fan(trajectory: Trajectory) -> None:
    """Raise InconsistentInput where a detector of which a full fan was stated sees little of one side.

    A body that fits into the shorter side of a detector somewhat aside is seen whole; one of a half fan never is.
    """
    columns = columns_mm(trajectory)
    if _aside_share(columns) > FARTHEST_ASIDE_SHARE:
        center_mm = float(np.median(columns[:, 0] + columns[:, -1])) / 2.0
        raise InconsistentInput(
            f"The scan is called a full fan, but its detector stands aside: its centre lies {center_mm:.1f} mm from "
            "where the axis of rotation is seen. Leave the fan open or call it a half one.",
            aside_mm=center_mm,
        )


def uncovered(trajectory: Trajectory, arc: Arc) -> tuple[str, ...]:
    """A warning where a short arc is shorter than half a turn and the fan: far from the axis, rays are missing."""
    if arc.kind is ArcKind.FULL:
        return ()
    widest = np.abs(np.arctan2(columns_mm(trajectory), distances_mm(trajectory)[:, None])).max()
    needed_deg = HALF_TURN_DEG + 2.0 * float(np.rad2deg(widest))
    if arc.range_deg >= needed_deg - SHORT_BY_DEG:
        return ()
    from_axis_mm = np.median(np.hypot(trajectory.sources_mm[:, 0], trajectory.sources_mm[:, 2]))
    radius_mm = float(from_axis_mm * np.sin(np.deg2rad((arc.range_deg - HALF_TURN_DEG) / 2.0)))
    return (
        f"The arc covers {arc.range_deg:.1f} degrees of the {needed_deg:.1f} that this detector needs: the volume is "
        f"complete within {radius_mm:.0f} mm of the axis of rotation only.",
    )


def _aside_share(columns: Float64Array) -> float:
    """How far aside the detector stands: 0 in the middle, 1 with its edge on the axis of rotation, and beyond."""
    first, last = columns[:, 0], columns[:, -1]
    return float(np.median(np.abs(last + first) / (last - first)))


def evened(trajectory: Trajectory) -> tuple[Trajectory, int]:
    """The detectors of a half fan, as wide on the shorter side as on the other, and the columns added before column 0.

    Rows are filtered there, too: what the ramp makes of a row reaches beyond its end, and counts on the other side of
    the axis.
    """
    columns = columns_mm(trajectory)
    missing = np.abs(columns[:, 0] + columns[:, -1]) / trajectory.spacing_mm[0]
    added = int(np.ceil(missing.max()))
    before = added if float(np.median(columns[:, 0] + columns[:, -1])) > 0.0 else 0
    first = trajectory.first_pixels_mm - trajectory.row_directions * (before * trajectory.spacing_mm[0])
    size = trajectory.size[0] + added, trajectory.size[1]
    return replace(trajectory, first_pixels_mm=first, size=size), before


def ray_weights(trajectory: Trajectory, arc: Arc, fan: Fan) -> Float64Array:
    """Weights (n, columns) of the rays of a rectified trajectory; conjugate rays add up to one over the scan.

    Full arc, full fan: a half each. Short arc: Parker, Med Phys 9 (1982) 254. Full arc, half fan: Wang, Med Phys 29
    (2002) 1634. Raises InconsistentInput for less than half a turn, and for half a fan on less than a full one.
    """
    columns, distances = columns_mm(trajectory), distances_mm(trajectory)
    angles = np.arctan2(columns, distances[:, None])
    if fan is Fan.HALF:
        if arc.kind is not ArcKind.FULL:
            raise InconsistentInput(
                f"A detector that stands aside needs a full turn, and this arc covers {arc.range_deg:.1f} degrees; "
                "find the missing projections."
            )
        return _half_fan(columns, distances)
    if arc.kind is ArcKind.FULL:
        return np.full(angles.shape, 0.5)
    return _short_arc(angles, arc, trajectory)


def _half_fan(columns: Float64Array, distances: Float64Array) -> Float64Array:
    """Wang's weights: rise from 0 to 1 as a sine of the fan angle over the part that both sides see."""
    first, last = columns[:, 0], columns[:, -1]
    overlap_mm = np.minimum(np.abs(first), np.abs(last))
    if float(overlap_mm.min()) < SMALLEST_OVERLAP_MM or (np.sign(first) == np.sign(last)).any():
        raise InconsistentInput(
            f"The detector reaches {float(overlap_mm.min()):.1f} mm past the axis of rotation; a half fan needs "
            f"{SMALLEST_OVERLAP_MM:.0f} mm or more. Check the lateral position of the detector."
        )
    overlap = np.arctan2(overlap_mm, distances)[:, None]
    larger = np.where(np.abs(last) > np.abs(first), 1.0, -1.0)[:, None]
    share = np.clip(np.arctan2(columns * larger, distances[:, None]) / overlap, -1.0, 1.0)
    return np.asarray((np.sin(share * np.pi / 2.0) + 1.0) / 2.0)


def _short_arc(angles: Float64Array, arc: Arc, trajectory: Trajectory) -> Float64Array:
    """Parker's weights for half a turn and twice the overscan angle, as wide as the fan if it may be (`uncovered`)."""
    excess = (np.deg2rad(arc.range_deg) - np.pi) / 2.0
    if excess < 0.0:
        raise InconsistentInput(
            f"The arc covers {arc.range_deg:.1f} degrees, less than half a turn; find the missing projections, or "
            "reconstruct by an iterative method."
        )
    fan = np.clip(angles * _turning(trajectory), -excess, excess)
    place = np.deg2rad(arc.from_start_deg)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rising = np.sin(np.pi / 4.0 * place / (excess - fan)) ** 2
        falling = np.sin(np.pi / 4.0 * (np.pi + 2.0 * excess - place) / (excess + fan)) ** 2
    weights = np.where(place < 2.0 * (excess - fan), rising, 1.0)
    return np.where(place > np.pi - 2.0 * fan, falling, weights)


def _turning(trajectory: Trajectory) -> float:
    """1 where the columns rise against the way in which the source goes with rising gantry angle; else -1."""
    source, row = trajectory.sources_mm, trajectory.row_directions
    rising = np.stack([source[:, 2], np.zeros(len(source)), -source[:, 0]], axis=1)
    return -float(np.sign(np.median(np.einsum("ni,ni->n", rising, row))))
