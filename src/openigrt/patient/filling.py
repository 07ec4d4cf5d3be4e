"""What contours on planes mean between the planes and beyond the last one."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array
from openigrt.patient.contour_stack import LARGEST_GAP_IN_SLICES, ContourStack


class Between(StrEnum):
    """What lies between two planes that carry contours.

    `SLABS`: each plane reaches half-way to the next one. On average over where the planes happen to lie, this is the
    true volume of any shape. `SHAPES`: one shape turns into the other (signed distances, Raya and Udupa 1990).
    """

    SLABS = "slabs"
    SHAPES = "shapes"


class Gaps(StrEnum):
    """What lies between planes farther apart than one and a half times the usual spacing: nothing, or as elsewhere."""

    OPEN = "open"
    BRIDGED = "bridged"


class Ends(StrEnum):
    """Where a structure ends: half a spacing beyond its last contour, or upon it."""

    HALF_SLICE = "half slice"
    AT_CONTOUR = "at contour"


@dataclass(frozen=True, slots=True)
class Filling:
    """How a solid is made of contours; `slice_mm` is the thickness of a structure that is drawn on one plane.

    Without it that is the size of a voxel across the plane.
    """

    between: Between = Between.SLABS
    gaps: Gaps = Gaps.OPEN
    ends: Ends = Ends.HALF_SLICE
    slice_mm: float | None = None

    def __post_init__(self) -> None:
        """Raise InvalidGeometry for a thickness that is none."""
        if self.slice_mm is not None and not 0.0 < self.slice_mm < np.inf:
            raise InvalidGeometry(f"A slice is {self.slice_mm} mm thick; expected a thickness above zero.")


@dataclass(frozen=True, slots=True)
class Span:
    """From `lower` to `upper` along the normal, the shape of plane `first` turns into that of plane `second`.

    They are the same plane where the shape stays as it is.
    """

    lower_mm: float
    upper_mm: float
    first: int
    second: int


def spans_of(stack: ContourStack, filling: Filling) -> tuple[Span, ...]:
    """The solid that the planes of a stack stand for, as spans in rising order that do not overlap."""
    positions = np.array([plane.position_mm for plane in stack.planes])
    gaps = np.diff(positions)
    usual_mm = float(np.median(gaps)) if len(gaps) else stack.planes[0].thickness_mm
    end_mm = usual_mm / 2.0 if filling.ends is Ends.HALF_SLICE else 0.0
    joined = (gaps <= LARGEST_GAP_IN_SLICES * usual_mm) | (filling.gaps is Gaps.BRIDGED)
    joins = _blends if filling.between is Between.SHAPES else _slabs
    return tuple(span for span in joins(positions, joined, end_mm) if span.upper_mm > span.lower_mm)


def _slabs(positions_mm: Float64Array, joined: NDArray[np.bool_], end_mm: float) -> list[Span]:
    """Each plane at `positions_mm` (n,) as far as half-way to those it is joined with (n - 1,), else to its end."""
    half = np.where(joined, np.diff(positions_mm) / 2.0, end_mm)
    lower = positions_mm - np.concatenate([[end_mm], half])
    upper = positions_mm + np.concatenate([half, [end_mm]])
    return [Span(float(low), float(high), n, n) for n, (low, high) in enumerate(zip(lower, upper, strict=True))]


def _blends(positions_mm: Float64Array, joined: NDArray[np.bool_], end_mm: float) -> list[Span]:
    """From plane to plane where they are joined, and each plane as it is up to its end where they are not."""
    spans = []
    last = len(positions_mm) - 1
    for n, position in enumerate(positions_mm.tolist()):
        if n == 0 or not joined[n - 1]:
            spans.append(Span(position - end_mm, position, n, n))
        if n < last and joined[n]:
            spans.append(Span(position, float(positions_mm[n + 1]), n, n + 1))
        else:
            spans.append(Span(position, position + end_mm, n, n))
    return spans
