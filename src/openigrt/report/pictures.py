"""Grays and colors: from voxel values on a plane to small pictures inside the page."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy import ndimage

Values = NDArray[np.float32]

NO_DATA_GRAY = 24
JPEG_QUALITY = 82
MATCHED_PERCENTILES = (1.0, 5.0, 15.0, 30.0, 50.0, 70.0, 85.0, 95.0, 99.0)
FEWEST_COMMON_PIXELS = 500
SHADING_MM = 40.0
SHADING_CAP_HU = 300.0
BODY_ABOVE_HU = -300.0
BONE_ABOVE_HU = 150.0
BONE_SHARE = 0.2
BONE_REGION = "bone"
DIFFERENCE_SCALES_HU = (100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 750.0, 1000.0)
MORE_COLOR = np.array([255.0, 150.0, 30.0])
LESS_COLOR = np.array([50.0, 150.0, 255.0])
SAME_COLOR = np.array([16.0, 18.0, 21.0])


@dataclass(frozen=True, slots=True)
class Window:
    """The values shown black and white, and what the window is called."""

    name: str
    low: float
    high: float

    def shown(self, values: Values) -> Values:
        """Values as 0 (black) to 1 (white); NaN stays NaN."""
        share = (values - np.float32(self.low)) / np.float32(self.high - self.low)
        return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float32)


SOFT_TISSUE = Window("soft-tissue window", -160.0, 240.0)
BONE = Window("bone window", -250.0, 650.0)


@dataclass(frozen=True, eq=False)
class GrayMap:
    """A monotone map of daily gray values to the plan's, for display only: knots joined by straight lines."""

    daily: NDArray[np.float64]
    plan: NDArray[np.float64]

    def __call__(self, values: Values) -> Values:
        """Mapped values; beyond the outer knots the slope of the whole map goes on; NaN stays NaN."""
        slope = (self.plan[-1] - self.plan[0]) / (self.daily[-1] - self.daily[0])
        beyond = values - np.clip(values, self.daily[0], self.daily[-1])
        return np.asarray(np.interp(values, self.daily, self.plan) + slope * beyond, dtype=np.float32)


def gray_map(plan: Values, daily: Values) -> GrayMap | None:
    """The map that gives daily values the plan's percentiles, from pixels of the body; None when too few are common.

    `plan` and `daily` are of one shape, already aligned.
    """
    common = np.isfinite(plan) & np.isfinite(daily) & (plan > BODY_ABOVE_HU)
    if np.count_nonzero(common) < FEWEST_COMMON_PIXELS:
        return None
    knots = np.percentile(daily[common], MATCHED_PERCENTILES)
    values = np.percentile(plan[common], MATCHED_PERCENTILES)
    kept = np.concatenate([[True], np.diff(knots) > 1e-6 * max(1.0, float(np.ptp(knots)))])
    if np.count_nonzero(kept) < 2 or not values[kept][-1] > values[kept][0]:
        return None
    return GrayMap(knots[kept], values[kept])


def without_shading(daily: Values, plan: Values, pixel_mm: float) -> Values:
    """Daily values less what differs from the plan only slowly, over more than about SHADING_MM: scatter and cupping.

    Both (rows, columns), aligned; NaN stays NaN, and daily values beyond the plan are corrected as their neighbors.
    """
    step = max(1, round(SHADING_MM / (8.0 * pixel_mm)))
    difference = (daily - plan)[step // 2 :: step, step // 2 :: step]
    if difference.size == 0:
        return daily
    known = np.isfinite(difference).astype(np.float32)
    capped = np.clip(np.nan_to_num(difference), -SHADING_CAP_HU, SHADING_CAP_HU)
    sigma = SHADING_MM / (2.0 * step * pixel_mm)
    weight = ndimage.gaussian_filter(known, sigma, mode="constant")
    shading = ndimage.gaussian_filter(capped * known, sigma, mode="constant") / np.maximum(weight, np.float32(1e-3))
    rows, columns = (min(size, part * step) for size, part in zip(daily.shape, shading.shape, strict=True))
    enlarged = Picture.fromarray(shading.astype(np.float32)).resize(
        (shading.shape[1] * step, shading.shape[0] * step), Picture.Resampling.BILINEAR
    )
    smooth = np.asarray(enlarged, dtype=np.float32)[:rows, :columns]
    padding = [(0, size - part) for size, part in zip(daily.shape, smooth.shape, strict=True)]
    return np.asarray(daily - np.pad(smooth, padding, mode="edge"), dtype=np.float32)


def ct_window(plan: Values, region: str) -> Window:
    """The bone window for a match on bone, or where bone fills BONE_SHARE of the body shown; else soft tissue."""
    body = np.count_nonzero(plan > BODY_ABOVE_HU)
    bone = np.count_nonzero(plan > BONE_ABOVE_HU)
    return BONE if region == BONE_REGION or bone > BONE_SHARE * body else SOFT_TISSUE


def own_window(values: Values) -> Window:
    """The window from the first to the 99.5th percentile of the finite values; 0 to 1 when there are none."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return Window("no data", 0.0, 1.0)
    low, high = (float(value) for value in np.percentile(finite, [1.0, 99.5]))
    return Window("window from its own percentiles", low, max(high, low + 1e-6))


def difference_scale(difference: Values) -> float:
    """The first round scale that holds 97 % of the differences."""
    finite = np.abs(difference[np.isfinite(difference)])
    spread = float(np.percentile(finite, 97.0)) if finite.size else 0.0
    return next((scale for scale in DIFFERENCE_SCALES_HU if scale >= spread), DIFFERENCE_SCALES_HU[-1])


def gray_picture(shown: Values) -> str:
    """A gray picture of values 0 to 1, as a data URI; NaN in the no-data tone."""
    return _jpeg(np.where(np.isfinite(shown), np.float32(255.0) * shown, np.float32(NO_DATA_GRAY)))


def difference_picture(difference: Values, scale: float) -> str:
    """Daily minus plan: dark where they agree, orange where the daily image is brighter, blue where it is darker."""
    level = np.clip(np.nan_to_num(difference) * np.float32(127.0 / scale), -127.0, 127.0)
    index = np.where(np.isfinite(difference), np.round(level) + 127.0, 255.0).astype(np.uint8)
    return _jpeg(_DIFFERENCE_COLORS[index])


def _difference_colors() -> NDArray[np.uint8]:
    """Colors (256, 3) of levels -127 to 127 in order, the last for no data."""
    share = (np.arange(255.0)[:, None] - 127.0) / 127.0
    color = SAME_COLOR + np.abs(share) * (np.where(share > 0.0, MORE_COLOR, LESS_COLOR) - SAME_COLOR)
    return np.round(np.vstack([color, np.full(3, NO_DATA_GRAY)])).astype(np.uint8)


_DIFFERENCE_COLORS = _difference_colors()


def overlay_picture(plan: Values, daily: Values) -> str:
    """Plan in orange and daily image in blue, which add up to gray where they agree; gray where only one was seen."""
    no_data = np.float32(NO_DATA_GRAY / 255.0)
    alone = np.where(np.isfinite(plan), plan, np.where(np.isfinite(daily), daily, no_data))
    both = np.isfinite(plan) & np.isfinite(daily)
    p, d = np.where(both, plan, alone), np.where(both, daily, alone)
    return _jpeg(np.float32(255.0) * np.stack([p, np.float32(0.5) * (p + d), d], axis=-1))


def _jpeg(values: Values | NDArray[np.uint8]) -> str:
    """A JPEG of integers or floats from 0 to 255, gray (rows, columns) or colored (rows, columns, 3), as a data URI."""
    stream = io.BytesIO()
    picture = Picture.fromarray(np.round(values).astype(np.uint8))
    picture.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
