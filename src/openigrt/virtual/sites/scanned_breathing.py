"""How a real patient breathes, as his organs say: the column inside the ribs, from the apices to the upper belly.

A share of the breath is sampled all through him. Across, it is whole inside the hull of the lungs and the organs under
them and nothing at their wall; along, it rises from the apices to the dome of the diaphragm and fades out below.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from skimage.morphology import convex_hull_image

from openigrt.geometry import Float64Array
from openigrt.virtual.patients.breathing import BreathingOrgan
from openigrt.virtual.tissue.anatomy import Anatomy
from openigrt.virtual.tissue.moves import Gauge, Region
from openigrt.virtual.tissue.scanned import BODY

SAMPLE_MM = 5.0
WALL_MM, WALL_FADE_MM = 18.0, 15.0
BELOW_DOME_MM, FADE_MM, ABOVE_LIVER_MM = 90.0, 170.0, 200.0
DIAPHRAGM_MM, FORWARD_MM = (12.0, 24.0), (2.0, 6.0)
OWN_SIDEWAYS_MM, OWN_FORWARD_MM, HYSTERESIS_SHARE = (1.0, 3.0), (1.5, 4.0), (0.08, 0.2)
DOME_SHARE = 0.9  # of the largest section of the lungs
STEPS = np.linspace(0.0, 1.0, 1001)


def breathing_of(
    anatomy: Anatomy, lungs: Sequence[str], others: Sequence[str], target: Region, rng: np.random.Generator
) -> tuple[BreathingOrgan, ...]:
    """The diaphragm and all that goes with it, the belly's wall, and what the target does beside.

    `lungs` and `others` (liver, stomach...) are organs of the anatomy. Amplitudes are drawn: of a diaphragm 12 to 24 mm
    at a usual inhale, and so on (Keall et al., Med Phys 33, 2006, and later series of 4D-CT).
    """
    axes_mm, masks = _hulls(anatomy, (*lungs, *others))
    apex_mm, dome_mm = _levels(anatomy, lungs, others)
    amplitude_mm, forward_mm = float(rng.uniform(*DIAPHRAGM_MM)), float(rng.uniform(*FORWARD_MM))
    share = _across(anatomy, axes_mm, masks) * _along(axes_mm[2], apex_mm, dome_mm, target)[:, None, None]
    gauge = Gauge(_before_smooth_step(share), np.array([axis[0] for axis in axes_mm]), SAMPLE_MM)
    low, high = np.array([axis[[0, -1]] for axis in axes_mm]).T
    everywhere = Region(0.5 * (low + high), np.sqrt(3.0) * 0.5 * (high - low) + 2.0 * SAMPLE_MM, 1.5)
    sideways_mm = -np.sign(np.asarray(target.center_mm)[0]) * rng.uniform(*OWN_SIDEWAYS_MM)
    own_mm = np.array([sideways_mm, -rng.uniform(*OWN_FORWARD_MM), 0.0])
    flow_mm = rng.uniform(*HYSTERESIS_SHARE) * np.array([0.0, own_mm[1], -0.5 * amplitude_mm])
    return (
        BreathingOrgan(target, own_mm, flow_mm),
        BreathingOrgan(everywhere, (0.0, 0.0, -amplitude_mm), ramp=gauge.between(0.0, 1.0)),
        BreathingOrgan(_belly(anatomy, dome_mm), (0.0, -forward_mm, 0.0)),
    )


def _hulls(anatomy: Anatomy, organs: Sequence[str]) -> tuple[tuple[Float64Array, ...], Float64Array]:
    """Samples along x, y and z of own axes, and the convex hull (0 or 1) [k, j, i] of organs in each slice.

    Downward it never gets narrower: the belly moves under the ribs, as far as the fade goes.
    """
    boxes = np.array([anatomy.bounds_mm(name) - anatomy.origin_mm for name in organs])
    low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    low[2] -= FADE_MM
    axes_mm = tuple(np.arange(low[n] - SAMPLE_MM, high[n] + 2.0 * SAMPLE_MM, SAMPLE_MM) for n in range(3))
    points = np.stack(np.meshgrid(*axes_mm[::-1], indexing="ij")[::-1], axis=-1) + anatomy.origin_mm
    inside = np.zeros(points.shape[:-1], dtype=np.bool_)
    for name in organs:
        inside |= anatomy.signed_distance_mm(name, points) < 0.0
    hulls = np.zeros(inside.shape)
    for k in range(len(inside) - 1, -1, -1):
        if inside[k].sum() > 2:
            hulls[k] = convex_hull_image(inside[k])
        if k + 1 < len(inside):
            hulls[k] = np.maximum(hulls[k], hulls[k + 1])
    return axes_mm, hulls


def _across(anatomy: Anatomy, axes_mm: tuple[Float64Array, ...], hulls: Float64Array) -> Float64Array:
    """How much what lies at a place in its slice breathes: nothing at the wall, all 15 mm inside it."""
    depth_mm = np.stack([ndimage.distance_transform_edt(hull) for hull in hulls]) * SAMPLE_MM
    points = np.stack(np.meshgrid(*axes_mm[::-1], indexing="ij")[::-1], axis=-1) + anatomy.origin_mm
    under_skin_mm = -anatomy.signed_distance_mm(BODY, points) - WALL_MM
    share = np.clip(np.minimum(depth_mm - 0.5 * SAMPLE_MM, under_skin_mm) / WALL_FADE_MM, 0.0, 1.0)
    return np.asarray(ndimage.gaussian_filter1d(share, 1.5, axis=0, mode="nearest"))


def _levels(anatomy: Anatomy, lungs: Sequence[str], others: Sequence[str]) -> tuple[float, float]:
    """Own z of the apices of the lungs and of the dome of the diaphragm."""
    if not lungs:
        top_mm = max(float(anatomy.bounds_mm(name)[1, 2]) for name in others) - float(anatomy.origin_mm[2])
        return top_mm + ABOVE_LIVER_MM, top_mm - 10.0
    boxes = np.array([anatomy.bounds_mm(name) for name in lungs])
    low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    x, y, z = (np.arange(low[n], high[n], SAMPLE_MM) for n in range(3))
    points = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    areas = sum((anatomy.signed_distance_mm(name, points) < 0.0).sum(axis=(1, 2)) for name in lungs)
    dome = int(np.flatnonzero(areas >= DOME_SHARE * np.max(areas))[0])
    return float(high[2] - anatomy.origin_mm[2]), float(z[dome] - anatomy.origin_mm[2])


def _along(z_mm: Float64Array, apex_mm: float, dome_mm: float, target: Region) -> Float64Array:
    """How much what lies at a level breathes; all of a target as much as its middle."""
    levels = np.array([dome_mm - BELOW_DOME_MM - FADE_MM, dome_mm - BELOW_DOME_MM, dome_mm, apex_mm])
    shares = np.array([0.0, 1.0, 1.0, 0.0])
    middle_mm = float(np.asarray(target.center_mm)[2])
    half_mm = float(np.linalg.norm(target.axes[2] * np.asarray(target.semi_axes_mm)))
    off_mm = z_mm - middle_mm
    # Levels within the target are its middle; twice as far from it they are themselves again.
    inside = np.clip(2.0 * (np.abs(off_mm) - half_mm), 0.0, np.abs(off_mm))
    return np.asarray(np.interp(middle_mm + np.sign(off_mm) * inside, levels, shares, left=0.0, right=0.0))


def _before_smooth_step(share: Float64Array) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The numbers that a gauge's smooth step turns into shares."""
    smooth = STEPS**3 * (10.0 + STEPS * (6.0 * STEPS - 15.0))
    return np.interp(share, smooth, STEPS).astype(np.float32)


def _belly(anatomy: Anatomy, dome_mm: float) -> Region:
    """What comes forward with a breath: the front of the belly, under the ribs."""
    low, high = anatomy.bounds_mm(BODY) - anatomy.origin_mm
    x_mm, z_mm = 0.5 * float(low[0] + high[0]), dome_mm - 100.0
    line = np.column_stack([np.full(200, x_mm), np.linspace(low[1], high[1], 200), np.full(200, z_mm)])
    inside = line[anatomy.signed_distance_mm(BODY, line + anatomy.origin_mm) < 0.0]
    front_mm = float(inside[:, 1].min()) if len(inside) else float(low[1])
    wide_mm = 0.3 * float(high[0] - low[0])
    return Region((x_mm, front_mm + 6.0, z_mm), (wide_mm, 28.0, 75.0), 1.9)
