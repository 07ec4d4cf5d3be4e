"""From attenuation to HU: by water, by the inserts of a phantom, or by the registered planning CT."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from openigrt.errors import InconsistentInput, InvalidGeometry
from openigrt.geometry import Float64Array, Grid, frozen_array

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

AIR_HU = -1000.0
WATER_TOLERANCE_HU = 40.0
EXPECTED_PEAKS_HU = ((-100.0, -100.0), (0.0, 60.0))
SOFT_PEAK_HU, PEAK_BIN_HU, PEAK_SMOOTH_HU = 400.0, 5.0, 15.0
FEWEST_SOFT_SHARE = 0.01
FEWEST_VOXELS = 50
TISSUES_HU = ((-1050.0, -900.0), (-150.0, -60.0), (-50.0, 100.0), (150.0, 400.0), (400.0, 900.0))
SOFT_RANGE_HU, CUBE_MM, FILLED_SHARE, FEWEST_CUBES = (-150.0, 150.0), 24.0, 0.6, 20
SHADING_PERCENTILES = 5.0, 95.0
SLOPE_SHARES = (0.6, 1.6)
SOFT_HU = 300.0
CENTER_MM, RING_MM = 30.0, (60.0, 100.0)
LARGEST_CUP_HU = 80.0


@dataclass(frozen=True, eq=False)
class HuScale:
    """HU over attenuation per mm: straight between knots (n,), both rising, and beyond the last ones."""

    attenuation_per_mm: Float64Array
    hu: Float64Array

    def __post_init__(self) -> None:
        """Freeze; raises InvalidGeometry for fewer than two knots, or such as do not rise."""
        shape = np.shape(self.attenuation_per_mm)
        object.__setattr__(self, "attenuation_per_mm", frozen_array(self.attenuation_per_mm, shape))
        object.__setattr__(self, "hu", frozen_array(self.hu, shape))
        rising = (np.diff(self.attenuation_per_mm) > 0.0).all() and (np.diff(self.hu) > 0.0).all()
        if len(shape) != 1 or shape[0] < 2 or not rising:
            raise InvalidGeometry("An HU scale needs two knots or more, of which attenuation and HU rise.")

    @classmethod
    def of_water(cls, water_per_mm: float) -> "HuScale":
        """The definition: air at -1000, water at 0."""
        return cls(np.array([0.0, water_per_mm]), np.array([AIR_HU, 0.0]))

    @property
    def water_per_mm(self) -> float:
        """Attenuation that is taken for water."""
        return float(np.interp(0.0, self.hu, self.attenuation_per_mm))

    def to_hu(self, attenuation: Float32Array) -> Float32Array:
        """HU of attenuations per mm."""
        return self._along(attenuation, self.attenuation_per_mm, self.hu)

    def to_attenuation(self, hu: Float32Array) -> Float32Array:
        """Attenuations per mm of HU, none negative."""
        return np.maximum(self._along(hu, self.hu, self.attenuation_per_mm), np.float32(0.0))

    @staticmethod
    def _along(values: Float32Array, x: Float64Array, y: Float64Array) -> Float32Array:
        slopes = np.diff(y) / np.diff(x)
        out = np.asarray(values, np.float32) * np.float32(slopes[0]) + np.float32(y[0] - slopes[0] * x[0])
        for n in range(1, len(slopes)):
            out += np.float32(slopes[n] - slopes[n - 1]) * np.maximum(values - np.float32(x[n]), np.float32(0.0))
        return out


def linear_scale(measured_per_mm: ArrayLike, known_hu: ArrayLike) -> HuScale:
    """The straight line (least squares) through the inserts of a phantom; raises InconsistentInput unless it rises."""
    measured, known = _inserts(measured_per_mm, known_hu)
    if not np.ptp(measured) > 0.0:
        raise InconsistentInput("All inserts show the same attenuation; measure such as differ.")
    slope, offset = np.polyfit(measured, known, 1)
    if not slope > 0.0:
        raise InconsistentInput("HU fall with attenuation in these inserts; check which value belongs to which.")
    return HuScale(np.array([(AIR_HU - offset) / slope, -offset / slope]), np.array([AIR_HU, 0.0]))


def piecewise_scale(measured_per_mm: ArrayLike, known_hu: ArrayLike) -> HuScale:
    """Straight lines from insert to insert; raises InconsistentInput where one falls."""
    measured, known = _inserts(measured_per_mm, known_hu)
    order = np.argsort(known)
    if (np.diff(measured[order]) <= 0.0).any() or (np.diff(known[order]) <= 0.0).any():
        raise InconsistentInput(
            "The attenuation of the inserts does not rise with their HU; check which value belongs to which, or fit a "
            "straight line."
        )
    return HuScale(measured[order], known[order])


def scale_of_plan(attenuation: Float32Array, plan_hu: Float32Array, seen: BoolArray) -> HuScale:
    """The straight line through what plan and day show of air, fat, soft tissue and bone, on one grid [k, j, i].

    Medians over the inside of each class of the plan that is `seen` in both; lines through all pairs of classes, and
    their median (Theil 1950), so that a class that changed does no harm. Raises InconsistentInput where fewer than two
    classes are seen, or where the line is far from the expected one.
    """
    if not attenuation.shape == plan_hu.shape == seen.shape:
        raise InvalidGeometry("Image, plan and mask of an HU calibration lie on one grid.")
    pairs, counts = [], []
    for least, most in TISSUES_HU:
        inside = ndimage.binary_erosion((plan_hu > least) & (plan_hu < most) & seen, iterations=1)
        if int(inside.sum()) >= FEWEST_VOXELS:
            pairs.append((float(np.median(attenuation[inside])), float(np.median(plan_hu[inside]))))
            counts.append(int(inside.sum()))
    if len(pairs) < 2:
        raise InconsistentInput(
            f"The planning CT shows {len(pairs)} kinds of tissue where the image sees it, and a calibration needs two: "
            "check the match, or calibrate by a phantom."
        )
    measured, known = np.array(pairs).T
    slope, offset = _theil(measured, known, np.array(counts, dtype=np.float64))
    usual = _usual_slope(measured, known)
    if not SLOPE_SHARES[0] * usual < slope < SLOPE_SHARES[1] * usual:
        raise InconsistentInput(
            "Tissues of the planning CT do not lie on a line with what the image shows; check the match, or calibrate "
            "by a phantom."
        )
    return HuScale(np.array([(AIR_HU - offset) / slope, -offset / slope]), np.array([AIR_HU, 0.0]))


def shading_of_plan(hu: Float32Array, plan_hu: Float32Array, seen: BoolArray, grid: Grid) -> float:
    """How unevenly soft tissue and fat lie off the planning CT in HU, which no straight line over HU takes off.

    From the 5th to the 95th percentile of the mean difference in cubes of 24 mm, most of which are such tissue in the
    plan; 0 where there are fewer than 20 cubes. Organs that moved fill a few cubes, scatter and cupping most.
    """
    tissue = seen & (plan_hu > SOFT_RANGE_HU[0]) & (plan_hu < SOFT_RANGE_HU[1])
    cube = [max(1, round(CUBE_MM / float(size))) for size in grid.spacing_mm[::-1]]
    share = ndimage.uniform_filter(tissue.astype(np.float32), cube)
    off = ndimage.uniform_filter(np.where(tissue, hu - plan_hu, 0.0).astype(np.float32), cube)
    at = tuple(slice(size // 2, None, size) for size in cube)
    full = share[at] > FILLED_SHARE
    if int(full.sum()) < FEWEST_CUBES:
        return 0.0
    low, high = np.percentile(off[at][full] / share[at][full], SHADING_PERCENTILES)
    return float(high - low)


def water_remark(soft_tissue_hu: float, reference_hu: float) -> str | None:
    """A remark where soft tissue is more than 40 HU off its reference: dose on this image is uncertain."""
    off = soft_tissue_hu - reference_hu
    if abs(off) <= WATER_TOLERANCE_HU:
        return None
    return (
        f"Soft tissue shows {soft_tissue_hu:.0f} HU in place of {reference_hu:.0f}, more than {WATER_TOLERANCE_HU:.0f} "
        "HU off: dose computed on this image is uncertain."
    )


def soft_tissue_remark(hu: Float32Array) -> str | None:
    """A remark where the commonest soft tissue is neither fat nor muscle nor water: HU are then wrong; NaN is no data.

    The highest peak between -400 and 400 HU, smoothed by 15 HU, is more than 40 HU from where these lie (-100; 0 to
    60). None where less than a hundredth of the voxels lies there: what they are is not known.
    """
    soft = hu[np.abs(hu) < SOFT_PEAK_HU]
    if soft.size < FEWEST_SOFT_SHARE * max(int(np.isfinite(hu).sum()), 1):
        return None
    counts, edges = np.histogram(soft, int(2.0 * SOFT_PEAK_HU / PEAK_BIN_HU), (-SOFT_PEAK_HU, SOFT_PEAK_HU))
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), PEAK_SMOOTH_HU / PEAK_BIN_HU)
    peak = float(edges[int(np.argmax(smooth))] + PEAK_BIN_HU / 2.0)
    if any(low - WATER_TOLERANCE_HU <= peak <= high + WATER_TOLERANCE_HU for low, high in EXPECTED_PEAKS_HU):
        return None
    return (
        f"The commonest soft tissue shows {peak:.0f} HU, where fat has about -100 and muscle and water 0 to 60: HU of "
        "this image are wrong, and dose computed on it is uncertain."
    )


def cupping_remark(hu: Float32Array, grid: Grid, seen: BoolArray) -> str | None:
    """A remark where soft tissue about the axis of rotation is far from that farther out, in the middle slices.

    Medians of what lies between -300 and 300 HU within 30 mm of the axis, and from 60 to 100 mm; where these differ by
    80 HU and more, it is more than organs do.
    """
    middle = slice(2 * grid.size[2] // 5, max(3 * grid.size[2] // 5, 2 * grid.size[2] // 5 + 1))
    j, i = np.indices(hu.shape[1:])
    points = grid.points(np.stack([i, j, np.full(i.shape, (middle.start + middle.stop) // 2)], axis=-1))
    radius = np.hypot(points[..., 0], points[..., 2])
    soft = seen[middle] & (np.abs(hu[middle]) < SOFT_HU)
    center, ring = soft & (radius < CENTER_MM), soft & (radius > RING_MM[0]) & (radius < RING_MM[1])
    if min(int(center.sum()), int(ring.sum())) < FEWEST_VOXELS:
        return None
    cup = float(np.median(hu[middle][center]) - np.median(hu[middle][ring]))
    if abs(cup) < LARGEST_CUP_HU:
        return None
    kind = "darker" if cup < 0.0 else "brighter"
    return (
        f"Soft tissue in the middle of the image is {abs(cup):.0f} HU {kind} than round it, as scatter, beam "
        "hardening or a patient wider than the detector make it: dose computed on this image is uncertain."
    )


def _theil(x: Float64Array, y: Float64Array, counts: Float64Array) -> tuple[float, float]:
    """Slope and offset: medians over all pairs, weighed by their distance and, for the offset, by their voxels."""
    first, second = np.triu_indices(len(x), 1)
    run = x[second] - x[first]
    keep = np.abs(run) > 1e-9
    slope = _weighted_median((y[second] - y[first])[keep] / run[keep], np.abs(run[keep]))
    return slope, _weighted_median(y - slope * x, counts)


def _weighted_median(values: Float64Array, weights: Float64Array) -> float:
    """The median of values that count by their weights; NaN of none."""
    if not len(values):
        return np.nan
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][int(np.searchsorted(share, 0.5))])


def _usual_slope(measured: Float64Array, known: Float64Array) -> float:
    """HU per attenuation if air were zero: what the class nearest to water says."""
    nearest = int(np.argmin(np.abs(known)))
    return float((known[nearest] - AIR_HU) / max(measured[nearest], 1e-9))


def _inserts(measured_per_mm: ArrayLike, known_hu: ArrayLike) -> tuple[Float64Array, Float64Array]:
    measured, known = np.asarray(measured_per_mm, np.float64), np.asarray(known_hu, np.float64)
    if measured.shape != known.shape or measured.ndim != 1 or len(measured) < 2:
        raise InvalidGeometry("A calibration needs one measured value for each known one, and two inserts at least.")
    if not (np.isfinite(measured).all() and np.isfinite(known).all()):
        raise InvalidGeometry("An insert holds a value that is no number; check where it was measured.")
    return measured, known
