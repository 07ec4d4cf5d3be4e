"""Small bright spots in an image: implanted markers, and what looks like them.

A spot stands out from a shell round it by more than the brightest tenth of that shell does: edges, sheets and lumps of
bone fall away, gas beside a marker does not matter. Each spot that is left is fitted with a Gaussian ellipsoid on a
level ground by least squares, so its middle does not hang on a threshold.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.geometry import Float64Array
from openigrt.images import Image

SMOOTHING_MM = 1.0
WIDE_SMOOTHING_MM = 3.0
APART_MM = 4.0  # markers lie farther apart
SHELL_MM = (6.0, 8.0)
SHELL_PERCENTILE = 90.0
LEAST_ISOLATION = 1.5
LEAST_NOISES = 6.0
LEAST_EXCESS_HU = 60.0
MOST_PEAKS = 2000
WITHOUT_DATA_HU = -1000.0
MOST_SPOTS = 24
FIT_RADIUS_MM = 4.5
FARTHEST_FROM_PEAK_MM = 3.0
WIDTHS_MM = (0.3, 3.5)
LEAST_EXPLAINED = 0.4
TURNS_OF_NOISE = 1.4826  # from the median absolute deviation to the standard deviation

Voxels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Spot:
    """A bright spot: middle (3,) in the image's frame, its standard error along an axis, height over its ground.

    `explained_share` is the share of the variance near it that the fitted ellipsoid explains, 0 to 1.
    """

    place_mm: Float64Array
    deviation_mm: float
    excess_hu: float
    explained_share: float


def find_spots(image: Image, low_mm: Float64Array, high_mm: Float64Array) -> tuple[Spot, ...]:
    """Spots whose middle lies in a box, corners (3,) along the axes of the image's grid (`box_along_axes`).

    The brightest come first, at most 24 of them.
    """
    spacing = image.grid.spacing_mm
    first = np.maximum(np.floor(low_mm / spacing).astype(int), 0)
    last = np.minimum(np.ceil(high_mm / spacing).astype(int) + 1, image.grid.size)
    reach = np.ceil(SHELL_MM[1] / spacing).astype(int) + 1
    if (last - first < 3).any():
        return ()
    start, stop = np.maximum(first - reach, 0), np.minimum(last + reach, image.grid.size)
    part = image.voxels[start[2] : stop[2], start[1] : stop[1], start[0] : stop[0]]
    part = np.nan_to_num(part, nan=WITHOUT_DATA_HU)
    peaks, excess_hu = _peaks(part, spacing)
    fitted = []
    for peak, excess in zip(peaks[:MOST_SPOTS], excess_hu[:MOST_SPOTS], strict=True):
        inside = ((peak + start >= first) & (peak + start < last)).all()
        spot = _fitted(part, spacing, peak, float(excess)) if inside else None
        if spot is not None:
            place_mm = image.grid.points(spot.place_mm / spacing + start)
            fitted.append(Spot(place_mm, spot.deviation_mm, spot.excess_hu, spot.explained_share))
    return tuple(sorted(fitted, key=lambda spot: -spot.excess_hu))


def _peaks(part: Voxels, spacing: Float64Array) -> tuple[NDArray[np.int64], Float64Array]:
    """Isolated peaks (n, 3) as indices (i, j, k) and their height over the shell round them, highest first."""
    order = spacing[::-1]
    smooth = ndimage.gaussian_filter(part, SMOOTHING_MM / order)
    sharp = smooth - ndimage.gaussian_filter(part, WIDE_SMOOTHING_MM / order)
    noise = TURNS_OF_NOISE * float(np.median(np.abs(sharp - np.median(sharp))))
    steps = 2 * np.maximum(np.round(0.5 * APART_MM / order).astype(int), 1) + 1
    is_peak = (smooth == ndimage.maximum_filter(smooth, steps)) & (sharp > LEAST_NOISES * noise)
    k, j, i = np.nonzero(is_peak)
    highest = np.argsort(-sharp[k, j, i], kind="stable")[:MOST_PEAKS]
    peaks = np.column_stack([i, j, k])[highest]
    if not len(peaks):
        return peaks, np.zeros(0)
    around = peaks[:, None, :] + _shell(spacing)[None, :, :]
    around = np.clip(around, 0, np.array(part.shape[::-1]) - 1)
    shell = smooth[around[..., 2], around[..., 1], around[..., 0]]
    ground = np.median(shell, axis=1)
    excess = smooth[peaks[:, 2], peaks[:, 1], peaks[:, 0]] - ground
    above = np.percentile(shell, SHELL_PERCENTILE, axis=1) - ground
    good = (excess > LEAST_EXCESS_HU) & (excess > LEAST_ISOLATION * above)
    peaks, excess = peaks[good], excess[good].astype(np.float64)
    highest = np.argsort(-excess, kind="stable")
    return peaks[highest], excess[highest]


def _shell(spacing: Float64Array) -> NDArray[np.int64]:
    """Offsets (n, 3) in voxels to those 6 to 8 mm away."""
    offsets = _offsets(spacing, SHELL_MM[1])
    far = np.linalg.norm(offsets * spacing, axis=1)
    in_shell: NDArray[np.int64] = offsets[far >= SHELL_MM[0]]
    return in_shell


def _offsets(spacing: Float64Array, radius_mm: float) -> NDArray[np.int64]:
    """Offsets (n, 3) in voxels within a radius."""
    reach = np.ceil(radius_mm / spacing).astype(int)
    axes = [np.arange(-r, r + 1) for r in reach]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    near: NDArray[np.int64] = offsets[np.linalg.norm(offsets * spacing, axis=1) <= radius_mm]
    return near


def _fitted(part: Voxels, spacing: Float64Array, peak: NDArray[np.int64], excess_hu: float) -> Spot | None:
    """The spot at a peak, its middle in mm from the first voxel of the part; None where no ellipsoid fits."""
    near = peak + _offsets(spacing, FIT_RADIUS_MM)
    near = near[((near >= 0) & (near < np.array(part.shape[::-1]))).all(axis=1)]
    values = part[near[:, 2], near[:, 1], near[:, 0]].astype(np.float64)
    offsets_mm = (near - peak) * spacing
    ground = float(np.median(values))
    begin = np.array([0.0, 0.0, 0.0, np.log(max(values.max() - ground, excess_hu)), ground, *_ROUND])
    if len(values) <= 2 * len(begin):
        return None

    def residuals(parameters: Float64Array) -> Float64Array:
        """What the model leaves (n,)."""
        return np.asarray(_model(parameters, offsets_mm)[0] - values)

    def slopes_at(parameters: Float64Array) -> Float64Array:
        """Its derivatives (n, 11)."""
        return _model(parameters, offsets_mm)[1]

    from scipy import optimize  # noqa: PLC0415  (a tenth of a second that no other region should pay)

    found = optimize.least_squares(
        residuals,
        begin,
        jac=slopes_at,
        method="lm",
        x_scale=(1.0, 1.0, 1.0, 0.3, 100.0, *(0.3,) * 6),
        max_nfev=60,
    )
    middle_mm, height_hu = found.x[:3], float(np.exp(min(found.x[3], 20.0)))
    widths_mm = 1.0 / np.maximum(np.linalg.svd(_factor(found.x[5:]), compute_uv=False), 1e-6)
    variance = 2.0 * found.cost / (len(values) - len(begin))
    explained = 1.0 - 2.0 * found.cost / max(float(((values - values.mean()) ** 2).sum()), 1e-9)
    is_small = WIDTHS_MM[0] < widths_mm.min() and widths_mm.max() < WIDTHS_MM[1]
    if not is_small or np.linalg.norm(middle_mm) > FARTHEST_FROM_PEAK_MM or explained < LEAST_EXPLAINED:
        return None
    slopes = _model(found.x, offsets_mm)[1]
    covariance = variance * np.linalg.pinv(slopes.T @ slopes)[:3, :3]
    # A spot much smaller than a voxel has no slope to fit, but its brightest voxel says where it is to half a voxel.
    within_a_voxel = np.diag(12.0 / spacing**2)
    covariance = np.linalg.inv(np.linalg.inv(covariance + LEAST_VARIANCE_MM2 * np.eye(3)) + within_a_voxel)
    deviation_mm = float(np.sqrt(np.trace(covariance) / 3.0))
    return Spot(peak * spacing + middle_mm, deviation_mm, height_hu, float(explained))


LEAST_VARIANCE_MM2 = 1e-8
_ROUND = (1.0 / 1.5, 0.0, 1.0 / 1.5, 0.0, 0.0, 1.0 / 1.5)


def _factor(parameters: Float64Array) -> Float64Array:
    """The lower triangle (3, 3) whose product with its transpose is the inverse covariance of the ellipsoid."""
    factor = np.zeros((3, 3))
    factor[np.tril_indices(3)] = parameters
    return factor


def _model(parameters: Float64Array, offsets_mm: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Values (n,) of an ellipsoid on its ground at offsets (n, 3), and their derivatives (n, 11).

    Parameters: middle, logarithm of the height, ground, and the six numbers of `_factor`.
    """
    factor = _factor(parameters[5:])
    away = offsets_mm - parameters[:3]
    scaled = away @ factor
    bell = np.exp(min(parameters[3], 20.0) - 0.5 * (scaled**2).sum(axis=1))
    derivatives = np.empty((len(offsets_mm), 11))
    derivatives[:, :3] = bell[:, None] * (scaled @ factor.T)
    derivatives[:, 3] = bell
    derivatives[:, 4] = 1.0
    rows, columns = np.tril_indices(3)
    derivatives[:, 5:] = -bell[:, None] * scaled[:, columns] * away[:, rows]
    return bell + parameters[4], derivatives


def box_along_axes(image: Image, points_mm: Float64Array, reach_mm: float) -> tuple[Float64Array, Float64Array]:
    """Corners (3,) of the box, in mm along the axes of the image's grid, that holds points (n, 3) with a margin."""
    along = image.grid.indices(points_mm) * image.grid.spacing_mm
    return along.min(axis=0) - reach_mm, along.max(axis=0) + reach_mm
