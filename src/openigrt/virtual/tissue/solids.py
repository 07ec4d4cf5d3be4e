"""Analytic solids: what organs are made of. Lengths in mm of the anatomy's own axes (LPS directions)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline, PchipInterpolator

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array
from openigrt.virtual.tissue.primitive_table import SHAPE_PARAMETERS, SolidKind

UNBOUNDED_MM = 1.0e5


@dataclass(frozen=True, eq=False)
class SolidRows:
    """What a solid puts into the table: rows of parameters (n, 26), their bounds (n, 6), and numbers they refer to.

    Where `numbers` is not empty, parameter 0 counts from its first.
    """

    kind: SolidKind
    parameters: Float64Array
    bounds_mm: Float64Array
    numbers: Float64Array = field(default_factory=lambda: np.zeros(0))


class Solid(Protocol):
    """Anything with a signed distance that the kernels know."""

    def rows(self) -> SolidRows:
        """The solid as rows of the table."""
        ...


@dataclass(frozen=True, eq=False)
class Superellipsoid:
    """|x/a|^n + ... = 1 about a centre; `exponents` in the plane and along the third axis (2, 2: an ellipsoid).

    The columns of `axes` (3, 3) are the unit vectors of the semi-axes.
    """

    center_mm: ArrayLike
    semi_axes_mm: ArrayLike
    axes: Float64Array = field(default_factory=lambda: np.eye(3))
    exponents: tuple[float, float] = (2.0, 2.0)

    def rows(self) -> SolidRows:
        """One row."""
        center, semi = np.asarray(self.center_mm, dtype=np.float64), np.asarray(self.semi_axes_mm, dtype=np.float64)
        row = np.concatenate([center, (self.axes / semi).T.ravel(), self.exponents])
        reach = np.abs(self.axes) @ semi
        return SolidRows(SolidKind.SUPERELLIPSOID, _padded(row), np.concatenate([center - reach, center + reach])[None])


@dataclass(frozen=True, eq=False)
class Tube:
    """Round cones along a polyline (n, 3) with a radius at each point, thinner by `thinness` along `thin_axis`."""

    points_mm: Float64Array
    radii_mm: Float64Array
    thin_axis: ArrayLike = (0.0, 0.0, 1.0)
    thinness: float = 1.0

    def rows(self) -> SolidRows:
        """One row for each segment."""
        axis = np.asarray(self.thin_axis, dtype=np.float64)
        axis = axis / np.linalg.norm(axis)
        flattening = np.eye(3) + (1.0 / self.thinness - 1.0) * np.outer(axis, axis)
        points, radii = np.asarray(self.points_mm, dtype=np.float64), np.asarray(self.radii_mm, dtype=np.float64)
        local = points @ flattening.T
        rows, bounds = [], []
        for n in range(len(points) - 1):
            step = local[n + 1] - local[n]
            row = [*flattening.ravel(), *local[n], *step, 1.0 / float(step @ step), radii[n], radii[n + 1]]
            rows.append(_padded(row)[0])
            reach = radii[n : n + 2, None] * np.sqrt(1.0 - (1.0 - self.thinness**2) * axis**2)
            ends = points[n : n + 2]
            bounds.append([*(ends - reach).min(axis=0), *(ends + reach).max(axis=0)])
        return SolidRows(SolidKind.CONE_SEGMENT, np.array(rows), np.array(bounds))


@dataclass(frozen=True, eq=False)
class HalfSpace:
    """All points on the side of a plane that its `outward` normal does not point to."""

    point_mm: ArrayLike
    outward: ArrayLike

    def rows(self) -> SolidRows:
        """One row."""
        point, normal = np.asarray(self.point_mm, dtype=np.float64), np.asarray(self.outward, dtype=np.float64)
        normal = normal / np.linalg.norm(normal)
        offset_mm = float(normal @ point)
        low = np.where(normal == -1.0, point, -UNBOUNDED_MM)
        high = np.where(normal == 1.0, point, UNBOUNDED_MM)
        bounds = np.concatenate([low, high])[None]
        return SolidRows(SolidKind.HALF_SPACE, _padded([*normal, offset_mm]), bounds)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A curved plate through landmarks: a quadratic surface over their common plane, inside their smooth outline.

    `outline_mm` (n, 3) goes round the edge, `inner_mm` (m, 3) are points that the surface shall also pass near.
    `raised_mm` moves the plate along its normal (which points away from `below_mm`), `widened_mm` its edge outward.
    Half the thickness is `half_thickness_mm` inside and at the edge, joined over `edge_mm`.
    """

    outline_mm: Float64Array
    inner_mm: Float64Array
    below_mm: ArrayLike
    half_thickness_mm: tuple[float, float]
    edge_mm: float = 12.0
    raised_mm: float = 0.0
    widened_mm: float = 0.0
    blend_mm: float = 4.0

    def rows(self) -> SolidRows:
        """One row; the outline is a closed cubic spline of four vertices for every landmark."""
        landmarks = np.vstack([self.outline_mm, self.inner_mm])
        center = landmarks.mean(axis=0)
        axes = np.linalg.svd(landmarks - center, full_matrices=False)[2]
        if axes[2] @ (np.asarray(self.below_mm) - center) > 0.0:
            axes = -axes
        axes[1] = np.cross(axes[2], axes[0])
        local = (landmarks - center) @ axes.T
        height = np.linalg.lstsq(_quadratic_terms(local[:, 0], local[:, 1]), local[:, 2], rcond=None)[0]
        height[0] += self.raised_mm
        outline = _closed_spline(local[: len(self.outline_mm), :2], 4)
        outline = outline + self.widened_mm * _outward_normals(outline)
        rest = [self.half_thickness_mm[0], self.half_thickness_mm[1], self.edge_mm, self.blend_mm]
        row = [0.0, len(outline), *center, *axes.ravel(), *height, *rest]
        return SolidRows(SolidKind.SHEET, _padded(row), self._bounds(outline, height, center, axes), outline.ravel())

    def _bounds(
        self, outline: Float64Array, height: Float64Array, center: Float64Array, axes: Float64Array
    ) -> Float64Array:
        """Bounds (1, 6) of the surface over the box round the outline, with its thickness."""
        u, v = (np.linspace(outline[:, n].min(), outline[:, n].max(), 24) for n in (0, 1))
        uu, vv = (a.ravel() for a in np.meshgrid(u, v))
        surface = np.column_stack([uu, vv, _quadratic_terms(uu, vv) @ height]) @ axes + center
        reach = max(self.half_thickness_mm) + 2.0
        return np.concatenate([surface.min(axis=0) - reach, surface.max(axis=0) + reach])[None]


@dataclass(frozen=True, eq=False)
class Loft:
    """Superelliptic sections stacked along z.

    `sections` (n, 9), upward in z: z, centre x, centre y, half width at +x and -x, half depth at -y and +y, exponent at
    -y and +y. In between they follow a monotone cubic (PCHIP), sampled every `step_mm`; `inset_mm` makes all smaller.
    The body goes on beyond its last sections: clip it with half spaces.
    """

    sections: Float64Array
    inset_mm: float = 0.0
    step_mm: float = 2.0

    def rows(self) -> SolidRows:
        """One row."""
        z = self.sections[:, 0]
        count = int(np.ceil((z[-1] - z[0]) / self.step_mm)) + 1
        fine_z = z[0] + self.step_mm * np.arange(count)
        fine = PchipInterpolator(z, self.sections[:, 1:], extrapolate=True)(fine_z)
        fine[:, 2:6] -= self.inset_mm
        low = np.array([*(fine[:, :2] - fine[:, [3, 4]]).min(axis=0), -UNBOUNDED_MM])
        high = np.array([*(fine[:, :2] + fine[:, [2, 5]]).max(axis=0), UNBOUNDED_MM])
        row = _padded([0.0, count, z[0], self.step_mm])
        return SolidRows(SolidKind.LOFT, row, np.concatenate([low, high])[None], fine.ravel())


def spline_tube(
    points_mm: ArrayLike, radii_mm: Sequence[float], thin_axis: ArrayLike = (0.0, 0.0, 1.0), thinness: float = 1.0
) -> Tube:
    """A tube along the natural cubic spline through points (n, 3), four segments between two points.

    Radii are joined by a monotone cubic, so that they never overshoot. Raises InvalidGeometry for fewer than two points
    or another number of radii.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    if points.ndim != 2 or len(points) < 2 or len(points) != len(radii_mm):
        raise InvalidGeometry(f"A tube needs two or more points and as many radii: {points.shape}, {len(radii_mm)}.")
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    fine = np.interp(np.linspace(0, len(points) - 1, 4 * (len(points) - 1) + 1), np.arange(len(points)), along)
    centers = CubicSpline(along, points, bc_type="natural")(fine)
    return Tube(centers, PchipInterpolator(along, np.asarray(radii_mm, float))(fine), thin_axis, thinness)


def _padded(row: ArrayLike) -> Float64Array:
    """The shape columns of a row (1, 26), filled up with zeros."""
    values = np.asarray(row, dtype=np.float64)
    return np.pad(values, (0, SHAPE_PARAMETERS - len(values)))[None]


def _quadratic_terms(u: Float64Array, v: Float64Array) -> Float64Array:
    """Columns 1, u, v, u², uv, v²."""
    return np.column_stack([np.ones_like(u), u, v, u * u, u * v, v * v])


def _closed_spline(points: Float64Array, between: int) -> Float64Array:
    """Periodic cubic spline through points (n, 2): `between` vertices for every point."""
    ring = np.vstack([points, points[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(ring, axis=0), axis=1)))])
    fine = np.interp(np.arange(between * len(points)) / between, np.arange(len(ring)), along)
    return np.asarray(CubicSpline(along, ring, bc_type="periodic")(fine))


def _outward_normals(outline: Float64Array) -> Float64Array:
    """Unit normals (n, 2) of a closed polygon, away from its inside."""
    tangent = np.roll(outline, -1, axis=0) - np.roll(outline, 1, axis=0)
    normals = np.column_stack([tangent[:, 1], -tangent[:, 0]])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    following = np.roll(outline, -1, axis=0)
    twice_area = float(np.sum(outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]))
    return np.asarray(normals * np.sign(twice_area))
