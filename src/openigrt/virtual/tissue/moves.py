"""Moves of tissue: rigid motions of a region, and organs that swell, shrink or widen."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, rotation_from_vector
from openigrt.virtual.tissue import move_table as column
from openigrt.virtual.tissue.move_table import COLUMNS, MoveKind

FAR_MM = 1.0e6
LARGEST_STEP = 0.12  # of the logarithm of a size
LARGEST_STEP_MM = 4.0
LEAST_REACH = 1.1


class Move(Protocol):
    """One move of tissue that maps a region onto itself and leaves the rest in place."""

    def __hash__(self) -> int:
        """Its identity: a move never changes."""
        ...

    def rows(self) -> Float64Array:
        """The move as rows (n, 50) of the table, one after the other; raises InvalidGeometry for one without extent."""
        ...


@dataclass(frozen=True, eq=False)
class Region:
    """An ellipsoid, whole inside, that fades out to nothing at `reach` times its size.

    The columns of `axes` (3, 3) are the unit vectors of the semi-axes.
    """

    center_mm: ArrayLike
    semi_axes_mm: ArrayLike
    reach: float = 2.0
    axes: Float64Array = field(default_factory=lambda: np.eye(3))

    def columns(self, row: Float64Array) -> None:
        """Write the region into a row; raises InvalidGeometry for one without extent or without an edge."""
        semi_axes_mm = np.asarray(self.semi_axes_mm, dtype=np.float64)
        if not (np.all(semi_axes_mm > 0.0) and self.reach > 1.0):
            raise InvalidGeometry(
                f"A region needs semi-axes above 0 mm and a reach above 1; found {semi_axes_mm} mm and {self.reach}."
            )
        center = np.asarray(self.center_mm, dtype=np.float64)
        row[column.CENTER : column.CENTER + 3] = center
        row[column.LOCAL : column.LOCAL + 9] = (self.axes / semi_axes_mm).T.ravel()
        row[column.REACH] = self.reach
        extent_mm = self.reach * np.linalg.norm(self.axes * semi_axes_mm, axis=1)
        row[column.LOW : column.LOW + 3] = center - extent_mm
        row[column.HIGH : column.HIGH + 3] = center + extent_mm


@dataclass(frozen=True, eq=False)
class Ramp:
    """A share that rises from 0 to 1 along a direction, between two distances in mm from the anatomy's origin."""

    direction: ArrayLike
    start_mm: float
    end_mm: float

    def columns(self, row: Float64Array) -> None:
        """Write the ramp into a row."""
        direction = np.asarray(self.direction, dtype=np.float64)
        if self.end_mm == self.start_mm:
            raise InvalidGeometry(f"A ramp needs a start and an end that differ; both are {self.start_mm} mm.")
        row[column.RAMP : column.RAMP + 3] = direction / np.linalg.norm(direction)
        row[column.RAMP_START], row[column.RAMP_END] = self.start_mm, self.end_mm


@dataclass(frozen=True, eq=False)
class Gauge:
    """A number at every point of a patient at rest, from which a move tells who takes part in it.

    `samples` [k, j, i] lie every `spacing_mm` from `origin_mm` (3,) on, in the anatomy's own axes; outside of them is
    what is at their edge. Numbers along a chain of bones, say, or the depth below the skin.
    """

    samples: NDArray[np.float32]
    origin_mm: Float64Array
    spacing_mm: float

    def between(self, start: float, end: float) -> "GaugeRamp":
        """A share that rises from 0 to 1 where the gauge goes from `start` to `end`."""
        return GaugeRamp(self, start, end)


@dataclass(frozen=True, eq=False)
class GaugeRamp:
    """A share that rises from 0 to 1 as a gauge goes from `start` to `end`."""

    gauge: Gauge
    start: float
    end: float

    def columns(self, row: Float64Array) -> None:
        """Write the ramp into a row, but for where the samples begin; raises InvalidGeometry for one of no width."""
        if self.start == self.end:
            raise InvalidGeometry(f"A ramp needs a start and an end that differ; both are {self.start}.")
        row[column.GAUGE_SIZE : column.GAUGE_SIZE + 3] = self.gauge.samples.shape[::-1]
        row[column.GAUGE_ORIGIN : column.GAUGE_ORIGIN + 3] = self.gauge.origin_mm
        row[column.GAUGE_SPACING] = self.gauge.spacing_mm
        row[column.GAUGE_START], row[column.GAUGE_END] = self.start, self.end
        self._bound(row)

    def _bound(self, row: Float64Array) -> None:
        """Narrow the box of a row to where its share is not nothing; samples at an edge go on outside."""
        samples = self.gauge.samples
        takes_part = samples > self.start if self.end > self.start else samples < self.start
        for n, others in enumerate(((0, 1), (0, 2), (1, 2))):
            along = np.flatnonzero(takes_part.any(axis=others))
            if not len(along):
                raise InvalidGeometry(f"No sample of the gauge lies past {self.start:g}; nothing would move.")
            ends_mm = self.gauge.origin_mm[n] + self.gauge.spacing_mm * (along[[0, -1]] + np.array([-1, 1]))
            if along[0] > 0:
                row[column.LOW + n] = max(row[column.LOW + n], ends_mm[0])
            if along[-1] < samples.shape[2 - n] - 1:
                row[column.HIGH + n] = min(row[column.HIGH + n], ends_mm[1])


@dataclass(frozen=True, eq=False)
class LocalMotion:
    """A rigid motion that a region makes whole, its surroundings in part, and all the rest not at all.

    First the turn by `rotation_deg` (a rotation vector) about `pivot_mm` (the centre of the region, where None), then
    the shift by `translation_mm`. A `ramp` fades it along a direction, as a hinge does, or by a gauge; without a region
    it is bounded by the ramp alone. Bone does not take part where the motion `is_soft`; such a motion comes in small
    steps, so that what is pressed against bone gets thinner, and never folds.
    """

    region: Region | None
    translation_mm: ArrayLike = (0.0, 0.0, 0.0)
    rotation_deg: ArrayLike = (0.0, 0.0, 0.0)
    pivot_mm: ArrayLike | None = None
    ramp: Ramp | GaugeRamp | None = None
    is_soft: bool = True

    def rows(self) -> Float64Array:
        """A row for each small step; the region goes with what it moves."""
        shift_mm = np.asarray(self.translation_mm, dtype=np.float64)
        rotation_rad = np.deg2rad(np.asarray(self.rotation_deg, dtype=np.float64))
        region = self.region
        center_mm = np.zeros(3) if region is None else np.asarray(region.center_mm, dtype=np.float64)
        pivot_mm = center_mm if self.pivot_mm is None else np.asarray(self.pivot_mm, dtype=np.float64)
        axes = np.eye(3) if region is None else region.axes
        count = self._steps(shift_mm, rotation_rad)
        rows = []
        for n in range(count):
            done, turned = n / count * shift_mm, rotation_from_vector(n / count * rotation_rad)
            if region is not None:
                gone_mm = turned @ (center_mm - pivot_mm) + pivot_mm + done
                region = replace(region, center_mm=gone_mm, axes=turned @ axes)
            rows.append(self._row(region, pivot_mm + done, shift_mm / count, rotation_rad / count))
        return np.array(rows)

    def _steps(self, shift_mm: Float64Array, rotation_rad: Float64Array) -> int:
        """How many small steps the motion takes: bone moves at once."""
        if not self.is_soft or self.region is None:
            return 1
        reach_mm = float(np.max(self.region.semi_axes_mm))
        size_mm = float(np.linalg.norm(shift_mm) + np.linalg.norm(rotation_rad) * reach_mm)
        return max(1, math.ceil(size_mm / LARGEST_STEP_MM))

    def _row(
        self, region: Region | None, pivot_mm: Float64Array, shift_mm: Float64Array, rotation_rad: Float64Array
    ) -> Float64Array:
        """One step."""
        row = _everywhere(MoveKind.MOTION, self.is_soft)
        if region is not None:
            region.columns(row)
        if self.ramp is not None:
            self.ramp.columns(row)
        angle_rad = float(np.linalg.norm(rotation_rad))
        row[column.PIVOT : column.PIVOT + 3] = pivot_mm
        row[column.AXIS : column.AXIS + 3] = rotation_rad / angle_rad if angle_rad else (0.0, 0.0, 1.0)
        row[column.ANGLE_RAD] = angle_rad
        row[column.TRANSLATION : column.TRANSLATION + 3] = shift_mm
        return row


@dataclass(frozen=True, eq=False)
class Swelling:
    """An organ that grows or shrinks about its centre to `volume_factor` times its volume.

    What lies round it gives way: all of the gained volume is pushed outward, less and less toward the reach of the
    region. It comes in small steps, so that what is pressed against bone gets thinner, and never folds. A `ramp` by a
    gauge says who takes part.
    """

    region: Region
    volume_factor: float
    ramp: GaugeRamp | None = None

    def rows(self) -> Float64Array:
        """A row for each small step."""
        rows = [_swelling(region, 3.0, factor) for region, factor in _steps(self.region, self.volume_factor, 3)]
        if self.ramp is not None:
            for row in rows:
                self.ramp.columns(row)
        return np.array(rows)


@dataclass(frozen=True, eq=False)
class Widening:
    """A hollow organ that widens to `area_factor` times its cross-section about the third axis of the region.

    It is whole over the length of the region and fades out over `length_reach_factor` times half of it, at either end.
    A `ramp` by a gauge says who takes part.
    """

    region: Region
    area_factor: float
    length_reach_factor: float = 1.0
    ramp: GaugeRamp | None = None

    def rows(self) -> Float64Array:
        """A row for each small step."""
        return np.array([self._row(region, factor) for region, factor in _steps(self.region, self.area_factor, 2)])

    def _row(self, region: Region, factor: float) -> Float64Array:
        """One step."""
        row = _swelling(region, 2.0, factor)
        row[column.AXIS : column.AXIS + 3] = region.axes[:, 2]
        row[column.HALF_LENGTH], row[column.LENGTH_REACH] = 1.0, self.length_reach_factor
        reaches = np.array([region.reach, region.reach, 1.0 + self.length_reach_factor])
        extent_mm = np.abs(region.axes * np.asarray(region.semi_axes_mm)) @ reaches
        row[column.LOW : column.LOW + 3] = row[column.CENTER : column.CENTER + 3] - extent_mm
        row[column.HIGH : column.HIGH + 3] = row[column.CENTER : column.CENTER + 3] + extent_mm
        if self.ramp is not None:
            self.ramp.columns(row)
        return row


def _everywhere(kind: MoveKind, is_soft: bool) -> Float64Array:
    """A row that is not bounded yet."""
    row = np.zeros(COLUMNS)
    row[column.KIND], row[column.IS_SOFT] = kind, is_soft
    row[column.LOW : column.LOW + 3], row[column.HIGH : column.HIGH + 3] = -FAR_MM, FAR_MM
    return row


def _steps(region: Region, factor: float, dimensions: int) -> Iterator[tuple[Region, float]]:
    """A change of size in small steps: the region as it is before each, the same outer edge, and the factor of a step.

    Raises InvalidGeometry for a size of nothing.
    """
    if not factor > 0.0:
        raise InvalidGeometry(f"The size of an organ changes by a factor above 0, found {factor:g}.", factor=factor)
    count = max(1, math.ceil(abs(math.log(factor)) / LARGEST_STEP))
    for n in range(count):
        grown = factor ** (n / count / dimensions)
        semi_axes_mm = np.array(region.semi_axes_mm, dtype=np.float64)
        semi_axes_mm[:dimensions] *= grown
        if region.reach / grown <= LEAST_REACH:
            raise InvalidGeometry(
                f"An organ cannot grow by {factor:g} within {region.reach:g} times its size; widen the reach.",
                factor=factor,
            )
        yield replace(region, semi_axes_mm=semi_axes_mm, reach=region.reach / grown), factor ** (1.0 / count)


def _swelling(region: Region, dimensions: float, factor: float) -> Float64Array:
    """A row for one step of a change of size."""
    row = _everywhere(MoveKind.SWELLING, is_soft=True)
    region.columns(row)
    row[column.DIMENSIONS], row[column.FACTOR] = dimensions, factor
    return row
