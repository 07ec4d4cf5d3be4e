"""Bad pixels of a panel: each is interpolated between its nearest good neighbours, along the shorter way."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InconsistentInput
from openigrt.geometry import Float64Array

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

LARGEST_BAD_SHARE = 0.1
WIDEST_GAP_PIXELS = 16
LINE_SHARE = 0.7
LISTED = 6
SMALLEST = 1e-6


@dataclass(frozen=True, eq=False)
class Repair:
    """How `bad` pixels (rows, columns) become a mean of two good ones: flat indices (m, 2) and weights (m, 2)."""

    bad: BoolArray
    sources: IntArray
    weights: Float32Array

    def apply(self, frames: Float32Array) -> None:
        """Interpolate in frames [n, row, column], in place: straight in the logarithm of positive values."""
        if not len(self.sources):
            return
        flat = frames.reshape(len(frames), -1)
        ends = flat[:, self.sources]
        logs = np.log(np.maximum(ends, np.float32(SMALLEST)))
        straight, geometric = (ends * self.weights).sum(axis=2), np.exp((logs * self.weights).sum(axis=2))
        flat[:, self.bad.reshape(-1)] = np.where((ends > SMALLEST).all(axis=2), geometric, straight)

    def warnings(self) -> tuple[str, ...]:
        """Whole lines by their numbers, and single pixels by how many they are."""
        said, bad = [], self.bad
        for name, axis in (("column", 0), ("row", 1)):
            lines = np.flatnonzero(bad.mean(axis=axis) > LINE_SHARE)
            if len(lines):
                listed = ", ".join(str(n) for n in lines[:LISTED]) + (", ..." if len(lines) > LISTED else "")
                said.append(f"Detector {name}s that do not follow the beam were interpolated: {listed}.")
        alone = int(bad[np.ix_(bad.mean(axis=1) <= LINE_SHARE, bad.mean(axis=0) <= LINE_SHARE)].sum())
        if alone:
            said.append(f"{alone} single pixels of the detector do not follow the beam; they were interpolated.")
        return tuple(said)


def repair_of(bad: BoolArray) -> Repair:
    """How to interpolate bad pixels (rows, columns).

    Raises InconsistentInput where more than 10 % are bad, or where good ones are more than 16 pixels away.
    """
    share = float(bad.mean())
    if share > LARGEST_BAD_SHARE:
        raise InconsistentInput(
            f"{100.0 * share:.0f} % of the detector's pixels are dead, saturated or no numbers, and at most "
            f"{100.0 * LARGEST_BAD_SHARE:.0f} % can be interpolated; calibrate the panel.",
            bad_share=share,
        )
    rows, columns = bad.shape
    along = _neighbours(bad)
    down = tuple(part.T for part in _neighbours(np.ascontiguousarray(bad.T)))
    row, column = np.nonzero(bad)
    gaps = np.stack([_gap(along[0][bad], along[1][bad], column, columns), _gap(down[0][bad], down[1][bad], row, rows)])
    if gaps.size and gaps.min(axis=0).max() > WIDEST_GAP_PIXELS:
        raise InconsistentInput(
            f"A patch of the detector of {int(gaps.min(axis=0).max()) - 1} pixels is dead, and at most "
            f"{WIDEST_GAP_PIXELS - 1} can be bridged; calibrate the panel."
        )
    by_row = gaps[0] <= gaps[1]
    before = np.where(by_row, along[0][bad], down[0][bad])
    after = np.where(by_row, along[1][bad], down[1][bad])
    length, place = np.where(by_row, columns, rows), np.where(by_row, column, row)
    share_after = (place - before) / (after - before)
    share_after = np.where(before < 0, 1.0, np.where(after >= length, 0.0, share_after))
    first, last = np.where(before < 0, after, before), np.where(after >= length, before, after)
    sources = np.stack([_flat(first, by_row, row, column, columns), _flat(last, by_row, row, column, columns)], axis=1)
    return Repair(bad, sources, np.stack([1.0 - share_after, share_after], axis=1).astype(np.float32))


def require_enough_numbers(strays: BoolArray, number: int) -> None:
    """Raise InconsistentInput for a projection (rows, columns) most of which cannot be interpolated."""
    share = float(strays.mean())
    if share > LARGEST_BAD_SHARE:
        raise InconsistentInput(
            f"In projection {number} {100.0 * share:.0f} % of the pixels are no numbers (NaN or infinite), and at most "
            f"{100.0 * LARGEST_BAD_SHARE:.0f} % can be interpolated; leave that projection out, with its line of the "
            "geometry, or export the scan again.",
            stray_share=share,
        )


def strays_remark(count: int) -> str:
    """What a person should know of so many pixels."""
    return f"{count} pixels of projections are no numbers (NaN or infinite); they were interpolated."


def _neighbours(bad: BoolArray) -> tuple[IntArray, IntArray]:
    """Column of the nearest good pixel before and after each one (rows, columns); far away where there is none."""
    columns = np.arange(bad.shape[1])
    far = 10 * bad.shape[1]
    before = np.maximum.accumulate(np.where(bad, -far, columns), axis=1)
    after = np.minimum.accumulate(np.where(bad, far, columns)[:, ::-1], axis=1)[:, ::-1]
    return before, after


def _gap(before: IntArray, after: IntArray, place: IntArray, length: int) -> IntArray:
    """Pixels from good to good; at the edge of the panel, where one is lacking, twice the way to the other."""
    one_sided = (before < 0) | (after >= length)
    nearest = np.minimum(np.abs(place - before), np.abs(after - place))
    return np.asarray(np.where(one_sided, 2 * nearest, after - before))


def _flat(place: Float64Array, by_row: BoolArray, row: IntArray, column: IntArray, columns: int) -> IntArray:
    """Flat index of the pixel at `place` along its row or its column."""
    return np.asarray(np.where(by_row, row * columns + place, place * columns + column), dtype=np.int64)
