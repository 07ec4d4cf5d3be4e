"""From counts of a flat panel to line integrals: dark and flat field, bad pixels, the level of the beam, logarithm."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from openigrt.errors import InconsistentInput, InvalidGeometry
from openigrt.geometry import Float64Array
from openigrt.images import ProjectionPixels
from openigrt.xray.bad_pixels import LARGEST_BAD_SHARE, Repair, repair_of, require_enough_numbers, strays_remark
from openigrt.xray.fdk import blocks

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

NEIGHBORHOOD_PIXELS = 9
WEAKEST_GAIN_SHARE = 0.3
STRONGEST_GAIN_SHARE = 3.0
AIR_SMOOTHING_PIXELS = 4.0
LOWEST_TRANSMISSION = 1e-5
OPEN_BLOCKS, SMALLEST_BLOCK = 64, 3  # blocks along the shorter side of a frame, and pixels of the smallest
OPEN_SHARE, OPEN_QUANTILE = 0.5, 0.998  # of the brightest, and what counts as that
OPEN_WIDTH = 0.02  # values within that of one another are alike
FEWEST_OPEN_SHARE = 0.01  # of the pixels of a projection
PEAK_RATIO = 5.0  # of the free beam over as wide a range of values below it
FEWEST_OPEN_PROJECTIONS = 0.125
LARGEST_DRIFT = 0.1
STEADIEST_LEVEL = 0.2


@dataclass(frozen=True, eq=False)
class Panel:
    """A flat panel by its `dark` and `flat` field (rows, columns): counts without beam, and with nothing in the beam.

    The flat field is taken through the bow-tie of the scan. `saturation_counts`: from there on a pixel counts no more,
    None where that is not known. `air` (rows, columns) is what the smoothed flat field says about the beam, 1 at the
    brightest; `bad` are pixels that follow the beam not at all or far too much, which are interpolated.
    Raises InconsistentInput for an empty flat field, for fields of different shapes, and for too many bad pixels.
    """

    dark: Float32Array
    flat: Float32Array
    saturation_counts: float | None = None
    gain: Float32Array = field(init=False)
    bad: BoolArray = field(init=False)
    air: Float32Array = field(init=False)
    warnings: tuple[str, ...] = field(init=False)
    _repair: Repair = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check both fields, find bad pixels, smooth the air."""
        if self.dark.shape != self.flat.shape or self.dark.ndim != 2:
            raise InconsistentInput(
                f"The dark field has {self.dark.shape} pixels and the flat field {self.flat.shape}; use those of this "
                "panel and mode."
            )
        gain = np.asarray(self.flat, np.float32) - np.asarray(self.dark, np.float32)
        numbers = np.isfinite(gain)
        if not (gain[numbers] > 0.0).any() or float(np.median(gain[numbers])) <= 0.0:
            raise InconsistentInput(
                "The flat field is empty: it is nowhere brighter than the dark field. Take one with the beam on and "
                "nothing on the table."
            )
        usual = ndimage.median_filter(np.where(numbers, gain, 0.0), NEIGHBORHOOD_PIXELS, mode="nearest")
        bad = ~numbers | (gain <= WEAKEST_GAIN_SHARE * usual) | (gain >= STRONGEST_GAIN_SHARE * usual) | (gain <= 0.0)
        if self.saturation_counts is not None:
            bad |= np.asarray(self.flat) >= self.saturation_counts
        repair = repair_of(bad)
        filled = np.where(bad, usual, gain)[None].astype(np.float32)
        repair.apply(filled)
        smooth = ndimage.gaussian_filter(filled[0], AIR_SMOOTHING_PIXELS, mode="nearest")
        object.__setattr__(self, "gain", np.where(bad, np.float32(1.0), gain))
        object.__setattr__(self, "bad", bad)
        object.__setattr__(self, "air", (smooth / smooth.max()).astype(np.float32))
        object.__setattr__(self, "warnings", repair.warnings())
        object.__setattr__(self, "_repair", repair)

    def transmissions(self, raw: Float32Array, first: int = 0) -> tuple[Float32Array, "FrameFlaws"]:
        """Share of the beam that came through [projection, row, column] of counts, and what was wrong with those.

        `first` is the number of the first of them in the scan. Bad pixels and those that are no numbers are
        interpolated from their neighbours. Raises InconsistentInput where too many of a projection are bad,
        InvalidGeometry for another shape.
        """
        if raw.ndim != 3 or raw.shape[1:] != self.dark.shape:
            raise InvalidGeometry(f"Projections of {raw.shape[1:]} pixels do not fit a panel of {self.dark.shape}.")
        out = (np.asarray(raw, np.float32) - self.dark) / self.gain
        saturated = 0
        if self.saturation_counts is not None:
            saturated = int((raw[:, ~self.bad] >= self.saturation_counts).sum())
        strays = ~np.isfinite(out)
        strays[:, self.bad] = False
        self._repair.apply(out)
        for n in np.flatnonzero(strays.any(axis=(1, 2))):
            require_enough_numbers(strays[n], first + int(n))
            repair_of(strays[n] | self.bad).apply(out[n : n + 1])
        return out, FrameFlaws(raw.size, saturated, int(strays.sum()))


@dataclass(frozen=True, slots=True)
class FrameFlaws:
    """How many pixels of frames were looked at, saturated, or no numbers; those of several blocks add up."""

    pixels: int = 0
    saturated: int = 0
    not_numbers: int = 0

    def __add__(self, other: "FrameFlaws") -> "FrameFlaws":
        """Those of both."""
        return FrameFlaws(
            self.pixels + other.pixels, self.saturated + other.saturated, self.not_numbers + other.not_numbers
        )

    def warnings(self) -> tuple[str, ...]:
        """What a person should know; raises InconsistentInput where too many pixels are saturated."""
        share = self.saturated / max(self.pixels, 1)
        if share > LARGEST_BAD_SHARE:
            raise InconsistentInput(
                f"{100.0 * share:.0f} % of the pixels are saturated; lower the exposure, or check the panel's gain.",
                saturated_share=share,
            )
        said = []
        if self.saturated:
            said.append(
                f"{self.saturated} pixels ({100.0 * share:.2g} %) are saturated: the skin may look thicker there."
            )
        if self.not_numbers:
            said.append(strays_remark(self.not_numbers))
        return tuple(said)


def levels_of_margin(transmissions: Float32Array, margin: BoolArray) -> Float64Array:
    """Level of the beam (n,) of each projection: the median over the pixels of a `margin` (rows, columns) seen free.

    Raises InconsistentInput where the margin is empty or lies in shadow (its level is not within 20 % of the usual).
    """
    if not margin.any():
        raise InconsistentInput("The margin that shows the free beam holds no pixel; name columns beside the patient.")
    levels = np.median(transmissions[:, margin], axis=1).astype(np.float64)
    usual = float(np.median(levels))
    if usual <= 0.0 or (np.abs(levels / usual - 1.0) > STEADIEST_LEVEL).any():
        worst = int(np.argmax(np.abs(levels - usual)))
        raise InconsistentInput(
            f"The margin of projection {worst} shows {levels[worst]:.3g} of the beam and the usual one {usual:.3g}; "
            "the patient reaches into it, choose another margin."
        )
    return levels


def levels_of_histogram(intensities: ProjectionPixels) -> tuple[Float64Array, tuple[str, ...]]:
    """Level of the free beam (n,) of each projection of a scan, as a peak of its histogram; and warnings.

    For scans without a flat field, or with a tube that drifts, by no more than 10 %. Projections that show no free beam
    take the level of the others in between. Raises InconsistentInput where fewer than an eighth shows it: what is
    brightest is then the patient, or a bow-tie.
    """
    count = int(intensities.shape[0])
    levels = np.concatenate([[_open_level(frame) for frame in intensities[which]] for which in blocks(count)])
    if np.isneginf(levels).all():
        raise InconsistentInput(
            "The projections are empty: no pixel counted anything, so there is no beam to find. Export them again."
        )
    levels[~np.isfinite(levels)] = np.nan
    if np.isfinite(levels).any():
        levels[levels < (1.0 - LARGEST_DRIFT) * np.nanpercentile(levels, 90.0)] = np.nan
    found = np.isfinite(levels)
    if found.sum() < FEWEST_OPEN_PROJECTIONS * count:
        raise InconsistentInput(
            f"{int(found.sum())} of {count} projections show the free beam: the patient covers the detector, a bow-tie "
            "lies in the beam, or the pixels are no intensities (--quantity). Give a flat field, taken through the "
            "bow-tie (--flat).",
            found=int(found.sum()),
        )
    lost = int((~found).sum())
    levels[~found] = np.interp(np.flatnonzero(~found), np.flatnonzero(found), levels[found])
    return levels, (f"{lost} projections show no free beam; its level is that of the others.",) if lost else ()


def _open_level(frame: Float32Array) -> float:
    """The level of the free beam of a frame (rows, columns): where nothing lies before it, many pixels are alike.

    -inf for a frame that is empty or holds no numbers; NaN for one in which the values next to the brightest are as
    frequent as theirs, as in tissue, or much of which is brighter still.
    """
    block = max(1, min(frame.shape) // OPEN_BLOCKS)
    smooth = ndimage.uniform_filter(frame, max(block, SMALLEST_BLOCK), mode="nearest")[
        block // 2 :: block, block // 2 :: block
    ]
    values = np.sort(smooth, axis=None).astype(np.float64)
    count = len(values)
    top = float(values[int(OPEN_QUANTILE * (count - 1))])
    if not np.isfinite(values[-1]) or top <= 0.0:
        return -np.inf
    first = np.searchsorted(values, values * (1.0 - OPEN_WIDTH))
    last = np.searchsorted(values, values * (1.0 + OPEN_WIDTH), side="right")
    alike = np.where(values > OPEN_SHARE * top, last - first, 0)
    peak = int(np.argmax(alike))
    level = float(np.median(values[first[peak] : last[peak]]))
    darker, near, brighter = np.searchsorted(
        values, level * np.array([1.0 - 8.0 * OPEN_WIDTH, 1.0 - 2.0 * OPEN_WIDTH, 1.0 + 2.0 * OPEN_WIDTH])
    )
    is_peak = alike[peak] > PEAK_RATIO * max((near - darker) / 3.0, count / 4000.0)
    is_open = is_peak and alike[peak] > FEWEST_OPEN_SHARE * count and count - brighter < 0.5 * alike[peak]
    return level if is_open else np.nan


def logarithm(transmissions: Float32Array, levels: Float64Array | None = None) -> tuple[Float32Array, int]:
    """Line integrals -ln(transmission / level), and how many pixels lay at or below the floor of 1e-5 (11.5).

    Raises InvalidGeometry for pixels that are no numbers, and for levels that are no beam.
    """
    scaled = np.array(transmissions, dtype=np.float32)
    if levels is not None:
        if not (np.asarray(levels) > 0.0).all():
            raise InvalidGeometry("The level of the beam is positive in every projection; check the estimate.")
        scaled /= np.asarray(levels, np.float32)[:, None, None]
    if not np.isfinite(scaled).all():
        raise InvalidGeometry("A projection holds pixels that are no numbers; correct dead pixels first.")
    floored = int((scaled <= LOWEST_TRANSMISSION).sum())
    np.maximum(scaled, np.float32(LOWEST_TRANSMISSION), out=scaled)
    np.log(scaled, out=scaled)
    return np.negative(scaled, out=scaled), floored
