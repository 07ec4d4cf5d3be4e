"""Phantoms of ellipsoids and cylinders in the room, through which every ray's length is known in closed form."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from openigrt.errors import InvalidGeometry
from openigrt.geometry import Float64Array, Grid, Trajectory
from openigrt.virtual.imaging._kernels_projections_cpu import lengths_mm
from openigrt.xray import Material, attenuation_per_mm

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Body:
    """An ellipsoid of half-axes along x, y, z of the room (mm), or with `is_cylinder` an elliptic cylinder along y.

    `turn_deg` turns it about y. `made_of`: shares of the usual densities of materials, which it puts in place of those
    of the body `within` which it lies (an index into the phantom), if any; bodies lie wholly in or out of each other.
    """

    center_mm: tuple[float, float, float]
    half_axes_mm: tuple[float, float, float]
    made_of: Mapping[Material, float]
    is_cylinder: bool = False
    within: int | None = None
    turn_deg: float = 0.0

    def row(self) -> Float64Array:
        """The body as the kernels take it (13,): a cylinder's axis last."""
        order = [0, 2, 1] if self.is_cylinder else [0, 1, 2]
        turn = np.deg2rad(self.turn_deg)
        axes = np.array([[np.cos(turn), 0.0, -np.sin(turn)], [0.0, 1.0, 0.0], [np.sin(turn), 0.0, np.cos(turn)]])
        matrix = axes / np.array(self.half_axes_mm)[:, None]
        return np.array([*self.center_mm, *matrix[order].ravel(), float(self.is_cylinder)])

    def holds(self, points_mm: Float64Array) -> NDArray[np.bool_]:
        """Which points (..., 3) lie in it."""
        row = self.row()
        local = (points_mm - row[:3]) @ row[3:12].reshape(3, 3).T
        if self.is_cylinder:
            return np.asarray((local[..., 0] ** 2 + local[..., 1] ** 2 <= 1.0) & (np.abs(local[..., 2]) <= 1.0))
        return np.asarray((local**2).sum(axis=-1) <= 1.0)


@dataclass(frozen=True, eq=False)
class Phantom:
    """Bodies in the room, each after the one it lies in."""

    bodies: tuple[Body, ...]
    materials: tuple[Material, ...] = field(init=False)
    shares: Float64Array = field(init=False)

    def __post_init__(self) -> None:
        """List the materials, and what each body adds of them (bodies, materials)."""
        materials = tuple(sorted({material for body in self.bodies for material in body.made_of}))
        shares = np.zeros((len(self.bodies), len(materials)))
        for n, body in enumerate(self.bodies):
            if body.within is not None and not 0 <= body.within < n:
                raise InvalidGeometry(f"Body {n} of a phantom lies within {body.within}, which does not precede it.")
            shares[n] = self._density(body, materials)
            if body.within is not None:
                shares[n] -= self._density(self.bodies[body.within], materials)
        object.__setattr__(self, "materials", materials)
        object.__setattr__(self, "shares", shares)

    @staticmethod
    def _density(body: Body, materials: tuple[Material, ...]) -> Float64Array:
        return np.array([body.made_of.get(material, 0.0) for material in materials])

    def rows(self) -> Float64Array:
        """The bodies as the kernels take them (bodies, 13)."""
        return np.array([body.row() for body in self.bodies])

    def lengths_mm(self, start_mm: Float64Array, ends_mm: Float64Array) -> Float32Array:
        """Lengths (rays, materials) of usual density on the ways from a point (3,) to others (rays, 3)."""
        out = np.empty((len(ends_mm), len(self.materials)), np.float32)
        lengths_mm(np.ascontiguousarray(start_mm), np.ascontiguousarray(ends_mm), self.rows(), self.shares, out)
        return out

    def attenuation_per_mm(self, points_mm: Float64Array, energy_kev: float) -> Float32Array:
        """Attenuation per mm at points (..., 3)."""
        per_material = np.array([float(attenuation_per_mm(m, energy_kev)) for m in self.materials])
        out = np.zeros(points_mm.shape[:-1])
        for body, share in zip(self.bodies, self.shares, strict=True):
            out += body.holds(points_mm) * (share @ per_material)
        return out.astype(np.float32)


def rendered(phantom: Phantom, grid: Grid, energy_kev: float, points_per_axis: int = 2) -> Float32Array:
    """Attenuation per mm [k, j, i] on a grid in the room: the mean over a lattice of points in each voxel."""
    k, j, i = np.indices(grid.shape, dtype=np.float64)
    out = np.zeros(grid.shape, np.float32)
    places = (np.arange(points_per_axis) + 0.5) / points_per_axis - 0.5
    for offset in np.stack(np.meshgrid(places, places, places), axis=-1).reshape(-1, 3):
        points = grid.points(np.stack([i, j, k], axis=-1) + offset)
        out += phantom.attenuation_per_mm(points, energy_kev)
    return out / np.float32(points_per_axis**3)


def pixels_mm(trajectory: Trajectory, n: int) -> Float64Array:
    """Centres (rows * columns, 3) of the pixels of projection n."""
    columns, rows = trajectory.size
    across = np.arange(columns)[:, None] * trajectory.spacing_mm[0] * trajectory.row_directions[n]
    down = np.arange(rows)[:, None] * trajectory.spacing_mm[1] * trajectory.column_directions[n]
    return np.asarray((trajectory.first_pixels_mm[n] + down[:, None] + across[None]).reshape(-1, 3))
