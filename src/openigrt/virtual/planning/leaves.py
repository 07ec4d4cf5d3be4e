"""The collimator of the virtual linac: jaws and 60 pairs of leaves, and how they close round what a beam's eye sees."""

import numpy as np

from openigrt.errors import InputError
from openigrt.geometry import Float64Array
from openigrt.patient import AperturePositions, BeamLimitingDevice, jaws

# 10 mm wide at both ends, 5 mm over the middle 200 mm.
LEAF_EDGES_MM = (*range(-200, -100, 10), *range(-100, 100, 5), *range(100, 201, 10))
LEAF_PAIRS = len(LEAF_EDGES_MM) - 1
COLLIMATOR = (
    BeamLimitingDevice("ASYMX", 1),
    BeamLimitingDevice("ASYMY", 1),
    BeamLimitingDevice("MLCX", LEAF_PAIRS, tuple(float(edge) for edge in LEAF_EDGES_MM)),
)


def conformal_opening(seen_mm: Float64Array, margin_mm: float) -> tuple[AperturePositions, ...]:
    """Jaws and leaves round points (n, 2) that a beam's eye sees, mm in axes of the beam-limiting device.

    Each pair opens over all that lies within `margin_mm` of a point in its strip, and no pair more; the jaws stand at
    the rim of the opening. Raises InputError for a target that is wider than the field.
    """
    edges = np.array(LEAF_EDGES_MM, dtype=np.float64)
    u, v = seen_mm[:, 0, None], seen_mm[:, 1, None]
    off_mm = np.maximum(np.maximum(edges[:-1] - v, v - edges[1:]), 0.0)
    half_mm = np.sqrt(np.maximum(margin_mm**2 - off_mm**2, 0.0))
    reached = off_mm < margin_mm
    left = np.where(reached, u - half_mm, np.inf).min(axis=0)
    right = np.where(reached, u + half_mm, -np.inf).max(axis=0)
    low, high = float(v.min()) - margin_mm, float(v.max()) + margin_mm
    is_open = right > left
    x_mm = float(left[is_open].min()), float(right[is_open].max())
    if max(-low, high, -x_mm[0], x_mm[1]) > edges[-1]:
        raise InputError(
            f"The target needs a field from {x_mm[0]:.0f} to {x_mm[1]:.0f} and {low:.0f} to {high:.0f} mm; the leaves "
            f"cover {edges[0]:.0f} to {edges[-1]:.0f} mm."
        )
    closed_mm = round(0.5 * (x_mm[0] + x_mm[1]), 1)
    minus = np.where(is_open, np.round(left, 1), closed_mm)
    plus = np.where(is_open, np.round(right, 1), closed_mm)
    leaves = AperturePositions("MLCX", tuple(float(p) for p in (*minus, *plus)))
    at_x, at_y = (round(x_mm[0], 1), round(x_mm[1], 1)), (round(low, 1), round(high, 1))
    return (*jaws(at_x, at_y), leaves)
